"""The forms of an outcome: hostile names change nothing, everything that is cut is said."""

import csv
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from obslake.cli.text import one_line
from obslake.errors import GateError
from obslake.gate.allowed import Entry, excuse, matches, notes_on, read_allowed
from obslake.gate.document import to_document
from obslake.gate.findings import KINDS, MAY_FAIL, Environment, FailureGroup, Finding, Gate
from obslake.gate.github import to_annotations
from obslake.gate.junit import to_junit
from obslake.gate.markdown import to_markdown
from obslake.gate.screen import to_screen

HOSTILE = "::error::a|b`c`<script>\x00\x1b[31m\n::set-output name=x::%0A\ud800 ]]>&"


def outcome(n: int = 1, *, text: str = "t", n_others: int = 0) -> Gate:
    """Return an outcome with so many findings that count, and others."""
    findings = [
        Finding(
            text, text, f"{text}{number}", 0, "regressed", "regressed", "passed", text, counts=True
        )
        for number in range(n)
    ] + [
        Finding(
            text,
            text,
            f"{text}{number}",
            0,
            "flaky",
            None,
            "passed",
            "passed",
            excuse="flaky before",
        )
        for number in range(n_others)
    ]
    return Gate(
        text, text, text, "main", text, ("regressed",), 7, (Environment(text, "compared", tests=n),),
        tuple(findings), (FailureGroup(text, n, 1, text, text),), notes=(text,),
    )  # fmt: skip


def test_hostile_names_are_no_commands_of_github() -> None:
    lines = list(to_annotations(outcome(2, text=HOSTILE, n_others=1)))
    assert [line.partition(" ")[0] for line in lines] == ["::error"] * 2 + ["::warning"] * 2 + [
        "::notice"
    ]
    for line in lines:
        assert line.isprintable()
        kind, title, message = re.fullmatch(r"::(\w+) title=([^:,]*)::(.*)", line).groups()  # type: ignore[union-attr]
        assert "%0A" in message or kind == "warning"
        assert "%250A" in f"{title}{message}"


def test_hostile_names_are_text_in_markdown() -> None:
    text = to_markdown(outcome(2, text=HOSTILE, n_others=1))
    assert "\x00" not in text
    assert "\x1b" not in text
    # Without code spans nothing of the data is left.
    outside = re.sub(r"(`+) ?.*?[^`]\1(?!`)", "", text)
    assert "script" not in outside
    rows = [line for line in text.splitlines() if line.startswith("| regressed")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [8, 8]


def test_hostile_names_are_text_in_junit() -> None:
    root = ET.fromstring(to_junit(outcome(2, text=HOSTILE, n_others=1)))
    (suite,) = root
    assert {name: suite.get(name) for name in ("tests", "failures", "skipped")} == {
        "tests": "4",
        "failures": "2",
        "skipped": "1",
    }
    names = [case.get("name") or "" for case in suite]
    assert names[0] == "the tests ran"
    assert names[1].startswith("::error::a|b`c`<script>\ufffd\ufffd[31m\n::set-output")
    assert to_junit(outcome(text=HOSTILE)).encode()


def test_hostile_names_are_one_line_each_on_a_terminal() -> None:
    for line in to_screen(outcome(2, text=HOSTILE, n_others=1)):
        assert one_line(line).isprintable()


def test_a_screen_has_the_worst_and_says_how_many_more() -> None:
    many = outcome(50, n_others=50)
    lines = list(to_screen(many))
    assert len(lines) < 40
    assert sum(line.startswith("FAIL") for line in lines) == 20
    assert "… and 80 more: --all shows them" in lines
    assert len(list(to_screen(many, everything=True))) > 100


def test_markdown_has_room_for_some_and_says_how_many_more() -> None:
    text = to_markdown(outcome(5_000, text="é" * 200))
    assert 50_000 < len(text.encode()) <= 60_000
    rows = sum(line.startswith("| regressed") for line in text.splitlines())
    assert f"{5_000 - rows:,} more findings: see `obslake gate --all`." in text


def test_github_shows_ten_annotations_of_a_kind() -> None:
    lines = list(to_annotations(outcome(12, n_others=10)))
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == 10
    assert errors[-1] == "::error title=3 more::3 more: see the output of obslake gate"
    assert sum(line.startswith("::warning") for line in lines) == 10


@pytest.mark.parametrize("status", ["not run", "broken", "incomplete"])
def test_an_environment_that_says_nothing_fails(status: str) -> None:
    gate = replace(
        outcome(0), environments=(Environment("linux", status), Environment("mac", "compared"))
    )
    assert (gate.fails, gate.verdict) == (True, f"failed: linux is {status}")
    assert f"**{status}**" in to_markdown(gate)
    assert f"::error title=linux%3A {status}::" in "\n".join(to_annotations(gate))
    assert [s.get("failures") for s in ET.fromstring(to_junit(gate))] == ["1", "0"]
    document = to_document(gate)
    assert [e["fails"] for e in document["environments"]] == [True, False]
    assert document["failed"]


def test_one_test_in_several_environments_is_one_line() -> None:
    gate = outcome(1)
    windows = replace(gate.findings[0], environment="windows")
    both = replace(gate, findings=(*gate.findings, windows))
    assert both.verdict == "failed: 1 regressed"
    assert sum("[t, windows]" in line for line in to_screen(both)) == 1


def test_kinds_that_may_fail_are_kinds() -> None:
    assert set(MAY_FAIL) <= set(KINDS)


def write(folder: Path, *rows: str) -> Path:
    path = folder / "known.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("test,reason,until",), "the first line of {} lacks test_pattern"),
        (("test_pattern,reason,until,why",), "the first line of {} has why"),
        (("test_pattern,reason,until", "a,b"), "{}:2: the row does not have 3 fields"),
        (("test_pattern,reason,until", "a,b,,d"), "{}:2: the row does not have 3 fields"),
        (("test_pattern,reason,until", "a,,"), "{}:2: reason is empty"),
        (("test_pattern,reason,until", "a,b,", ",b,"), "{}:3: test_pattern is empty"),
        (("test_pattern,reason,until", "a,b,31.12.2026"), "{}:2: until is '31.12.2026', not a day"),
    ],
)
def test_a_list_with_a_fault_is_refused(
    tmp_path: Path, rows: tuple[str, ...], message: str
) -> None:
    path = write(tmp_path, *rows)
    with pytest.raises(GateError) as raised:
        read_allowed(path)
    assert str(raised.value).startswith(message.format(path))


def test_a_list_may_name_an_environment_and_a_problem(tmp_path: Path) -> None:
    head = "test_pattern,reason,until,environment_id,problem_id"
    path = write(tmp_path, head, 'a*,"a, b",2026-12-31,linux,', "b,why,,,p")
    one, other = read_allowed(path)
    assert one == Entry(f"{path}:2", "a*", "a, b", date(2026, 12, 31), "linux", "")
    finding = Finding("linux", "q", "ab", 0, "regressed", counts=True)
    assert one.matches(finding)
    assert not one.matches(replace(finding, environment="windows"))
    assert not other.matches(replace(finding, test="b"))
    assert other.matches(replace(finding, test="b", problem="p"))


def test_an_entry_counts_until_its_last_day() -> None:
    finding = Finding("linux", "p", "a", 0, "regressed", counts=True)
    entry = Entry("known.csv:2", "a", "why", date(2026, 5, 1))
    for today, counts in ((date(2026, 5, 1), False), (date(2026, 5, 2), True)):
        (found,), (state,) = excuse([finding], [entry], today, lambda _: True)
        assert (found.counts, state.is_expired, state.findings) == (counts, counts, 1)
        assert (found.excuse is None) == counts
    gone = excuse([], [entry], date(2026, 6, 1), lambda _: True)[1]
    assert notes_on(gone) == ["known.csv:2: a was allowed until 2026-05-01: remove the row"]


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a*c", "abc", True),
        ("a*c", "a\nc", True),
        ("a.c", "abc", False),
        ("*[1]", "test[1]", True),
        ("a", "ab", False),
        ("*", "", True),
        ("%", "x", False),
    ],
)
def test_only_a_star_has_a_meaning(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) == expected


def test_a_list_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "known.csv"
    path.write_bytes("test_pattern,reason,until\né,b,\n".encode("latin-1"))
    with pytest.raises(GateError, match="is not CSV in UTF-8"):
        read_allowed(path)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["test_pattern", "reason", "until"], ["a\nb", "two\nlines", ""]]
        )
    assert [entry.pattern for entry in read_allowed(path)] == ["a\nb"]
