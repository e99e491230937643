"""The header of each SQL file of the readers declares what the file reads and creates."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import pytest
from obslake.load.sources import SQL

FILES = sorted(SQL.glob("*.sql"))
_MAKE = r"(?:create (?:or replace )?temp|set) (view|table|macro|variable) (\w+)"


@dataclass(frozen=True)
class Script:
    """An SQL file with a header that declares its inputs (In) and outputs (Out)."""

    name: str
    text: str

    @cached_property
    def code(self) -> str:
        """The SQL without comments."""
        return re.sub(r"--.*", "", self.text)

    def declared(self, part: str) -> set[str]:
        """Return the names in a part of the header."""
        header = " ".join(
            line.removeprefix("--").strip() for line in self.text.partition("\n\n")[0].splitlines()
        )
        found = re.search(rf"\b{part}: (.*?)(?: Out: |$)", header)
        return set(re.findall(r"`([\w.]+)`", found[1])) if found else set()

    @cached_property
    def made(self) -> set[str]:
        """Views, tables, macros and variables that it creates."""
        return {name for _, name in re.findall(_MAKE, self.code)}

    def read(self, macros: Iterable[str]) -> set[str]:
        """Return relations, variables and macros that it uses but does not create."""
        variables = set(re.findall(r"getvariable\('(\w+)'\)", self.code))
        relations = set(re.findall(r"\b(?:from|join) (\w+)\b(?!\()", self.code))
        local = set(re.findall(r"(?:with|,)\s+(\w+) as \(", self.code))
        called = {name for name in macros if re.search(rf"\b{name}\(", self.code)}
        return (variables | relations | called) - local - self.made


def _is_used(name: str, is_macro: bool, python: str) -> bool:
    """Whether Python code reads a relation or variable by name, or calls a macro in SQL text."""
    if is_macro:
        return re.search(rf"[\"' (]{name}\([{{'a-z]", python) is not None
    return re.search(rf"(?:from|join|update|into) {name}\b|[\"']{name}[\"']", python) is not None


def wrong(scripts: list[Script], python: str) -> list[str]:
    """Return missing and wrong declarations in headers."""
    macros = {n for s in scripts for kind, n in re.findall(_MAKE, s.code) if kind == "macro"}
    made = {s.name: s.made for s in scripts}
    reads = {s.name: s.read(macros) for s in scripts}
    found = []
    for script in scripts:
        name, inputs, outputs = script.name, script.declared("In"), script.declared("Out")
        files = {i for i in inputs if i.endswith(".sql")}
        covered = inputs.union(*(made.get(file, set()) for file in files))
        found += [f"{name} reads {n}: not in In" for n in reads[name] - covered]
        found += [f"{name} does not read {n}: in In" for n in inputs - files - reads[name]]
        found += [
            f"{name} reads nothing of {file}: in In"
            for file in files
            if not reads[name] & made.get(file, set())
        ]
        others = set().union(*(r for other, r in reads.items() if other != name))
        wanted = {n for n in made[name] if n in others or _is_used(n, n in macros, python)}
        found += [f"{name} makes {n}: not in Out" for n in wanted - outputs]
        found += [f"{name} does not make {n}: in Out" for n in outputs - made[name]]
    return sorted(found)


def test_headers_declare_inputs_and_outputs() -> None:
    scripts = [Script(path.name, path.read_text(encoding="utf-8")) for path in FILES]
    python = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted(SQL.parents[1].rglob("*.py"))
    )
    assert wrong(scripts, python) == []


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("-- In: `given`, variable `v`, macros of `m.sql`.\n-- Out: view `out`.", []),
        (
            "-- In: `given`, `gone`, `m.sql`.\n-- Out: `out`, `lost`.",
            [
                "a.sql does not make lost: in Out",
                "a.sql does not read gone: in In",
                "a.sql reads v: not in In",
            ],
        ),
        (
            "-- In: `given`, variable `v`, `f`, `n.sql`.",
            ["a.sql makes out: not in Out", "a.sql reads nothing of n.sql: in In"],
        ),
    ],
)
def test_wrong_headers_are_reported(header: str, expected: list[str]) -> None:
    code = "with c as (from given) select f(x), getvariable('v') from c"
    scripts = [
        Script("a.sql", f"-- A.\n{header}\n\ncreate temp view out as {code};"),
        Script("m.sql", "-- M.\n-- Out: `f`.\n\ncreate temp macro f(x) as x;"),
        Script("n.sql", "-- N.\n\ncreate temp view n as select 1;"),
    ]
    assert wrong(scripts, "from out") == expected
