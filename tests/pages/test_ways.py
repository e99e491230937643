"""The files to change that docs/architecture.md lists exist, and these tests detect a forgotten one."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import obslake.load.sources
import pytest
from obslake.cli.app import cli
from obslake.load.sources.base import Options, Reader
from obslake.load.sources.registry import READERS, reader_class

from tests.faults.sources import SOURCES
from tests.harness.commands import PROJECT
from tests.loader.test_fuzz import READERS as DAMAGED
from tests.marts.comparison import SEEDS
from tests.marts.conftest import MARTS
from tests.marts.test_equivalence import RULES, row_of
from tests.pages.markdown import first_cells
from tests.reference.equivalence import Rules
from tests.reference.naive import COLUMNS
from tests.reference.strategies import random_equivalences, random_observations

# Marts that only describe, and compute nothing.
DESCRIPTIVE = {"implementations", "tests", "measurements"}
DESCRIPTIONS = DESCRIPTIVE | {"runs", "revisions"}
LAYERS = ("staging", "refresh", "intermediate", "marts", "functions")


def named_files(page: str) -> Iterator[str]:
    for token in re.findall(r"`([\w./-]+)`", (PROJECT / page).read_text()):
        if re.search(r"\.(py|sql|yml|md|sh|toml|csv)$", token) or token.endswith("/"):
            yield token


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md", "tests/README.md"])
def test_named_files_exist(page: str) -> None:
    known = {p.relative_to(PROJECT).as_posix() for p in files()}
    known |= {f"{Path(p).parent.as_posix()}/" for p in known}
    missing = [
        name
        for name in set(named_files(page))
        if "NAME" not in name and not any(f"/{path}".endswith(f"/{name}") for path in known)
    ]
    assert missing == []


def files() -> Iterator[Path]:
    for folder in ("docs", "loader", "macros", "models", "scripts", "seeds", "spark", "tests"):
        yield from (PROJECT / folder).rglob("*.*")
    yield from (path for path in PROJECT.iterdir() if path.is_file())


def readers(base: type[Reader]) -> Iterator[type[Reader]]:
    """Every reader class with a name."""
    for found in base.__subclasses__():
        yield from readers(found)
        if hasattr(found, "name"):
            yield found


def test_each_reader_is_registered() -> None:
    for module in pkgutil.iter_modules(obslake.load.sources.__path__):
        importlib.import_module(f"obslake.load.sources.{module.name}")
    assert {name: reader_class(name) for name in READERS} == {r.name: r for r in readers(Reader)}


def test_each_reader_has_a_command_and_can_be_restored_from_its_settings() -> None:
    load = cli.commands["load"]
    assert isinstance(load, click.Group)
    context = click.Context(load)
    assert set(load.list_commands(context)) == set(READERS)
    for name, reader in ((name, reader_class(name)) for name in READERS):
        command = load.get_command(context, name)
        assert command is not None
        assert (command.help, set(reader.options) - set(command.params)) == (reader.help, set())
        settings = reader().settings()
        assert reader(**settings).settings() == settings
        # Each option of the command describes rows or is a setting.
        known = {*settings, *(field.name for field in fields(Options))}
        assert {option.name for option in reader.options} <= known


def test_each_reader_is_tested_with_damaged_killed_and_hostile_sources(tmp_path: Path) -> None:
    names = set(READERS)
    # Descriptions share one reader.
    assert names - DESCRIPTIONS <= set(DAMAGED)
    killed = {make(tmp_path, f"source{n}")[0] for n, make in enumerate(SOURCES.values())}
    assert names - DESCRIPTIONS <= killed
    hostile = (PROJECT / "tests" / "marts" / "test_hostile_texts.py").read_text()
    assert [name for name in names if f'"{name}", ' not in hostile] == []


def test_each_mart_is_computed_by_the_reference_and_listed() -> None:
    assert set(MARTS) == {*COLUMNS, *DESCRIPTIVE}
    listed = re.findall(r"`(\w+)`", " ".join(first_cells(page("docs/marts.md"), "Marts")))
    assert sorted(listed) == MARTS


def test_models_read_the_layers_to_their_left() -> None:
    layer_of = {
        path.stem: layer for layer in LAYERS for path in (PROJECT / "models" / layer).rglob("*.sql")
    }
    # A mart as of a context is computed from what the mart is built from.
    as_of = {"oracle_as_of"}
    wrong = [
        f"{path.stem} reads {name}"
        for layer in LAYERS
        for path in (PROJECT / "models" / layer).rglob("*.sql")
        for name in re.findall(r"ref\('(\w+)'\)", path.read_text())
        if LAYERS.index(layer_of.get(name, "staging")) > LAYERS.index(layer)
        or (layer == "functions" and layer_of[name] != "marts" and not as_of & {path.stem, name})
    ]
    assert wrong == []


def rules() -> list[str]:
    """Rules of equality named in the macro that checks them."""
    text = page("macros/faulty_response_equivalences.sql")
    known = re.search(r"coalesce\(rule, ''\) not in \(([^)]*)\)", text)
    assert known
    return re.findall(r"'(\w+)'", known[1])


def test_each_rule_of_equality_is_applied_tested_and_documented() -> None:
    known = set(rules())
    assert set(re.findall(r"`(\w+)`", " ".join(rule_rows()))) == known
    seed = page("seeds/response_equivalences.yml")
    assert [rule for rule in known if f"`{rule}`" not in seed] == []
    model = page("models/refresh/refresh_response_rules.sql")
    assert [rule for rule in known - {"exact"} if f"rule = '{rule}'" not in model] == []
    reference = page("tests/reference/equivalence.py")
    assert [rule for rule in known - {"exact"} if f'"{rule}"' not in reference] == []
    observations = random_observations(1, 4)
    rows = [row for start in range(20) for row in random_equivalences(start, observations)]
    assert {row.rule for row in rows} == known


def rule_rows() -> list[str]:
    text = page("docs/protocol.md")
    return first_cells(text, "Which responses are equal")


def test_each_rule_of_equality_is_in_the_version_of_its_problem() -> None:
    properties = page("models/refresh/refresh_response_rules.yml")
    described = re.findall(r"- name: (\w+)\n        description", properties)
    version = page("models/refresh/refresh_response_rules.sql").partition("md5(concat_ws(")[2]
    # `is_json` follows from the other columns.
    columns = set(described) - {"data_set_id", "problem_id", "version", "is_json"}
    # All but the pattern and its place are rules.
    assert len(columns) - 2 == len(fields(Rules)) == len(row_of(Rules())) - 1
    assert {*row_of(Rules()), "test_pattern", "precedence"} - {"is_json"} == columns
    assert [column for column in columns if column not in version] == []
    always_default = [
        field.name
        for field in fields(Rules)
        if all(getattr(rule, field.name) == field.default for rule in RULES)
    ]
    assert always_default == []


def test_each_seed_is_listed_read_checked_and_documented() -> None:
    listed = re.findall(r"'(\w+)'", page("macros/seed_names.sql"))
    assert sorted(listed) == sorted(path.stem for path in (PROJECT / "seeds").glob("*.csv"))
    assert set(listed) == set(SEEDS)
    for name, row_type in SEEDS.items():
        columns = [field.name for field in fields(row_type)]
        assert page(f"seeds/{name}.csv").splitlines()[0].split(",") == columns
        assert re.findall(r"- name: (\w+)\n        desc", page(f"seeds/{name}.yml")) == columns
        described = page(f"models/staging/stg_{name}.yml")
        assert re.findall(r"- name: (\w+)\n        desc", described) == columns
        assert f"stage_source('{name}'" in page(f"models/staging/stg_{name}.sql")
        assert f"faulty_{name}(" in page(f"tests/dbt/{name}_are_valid.sql")
        readers = [path.read_text() for path in (PROJECT / "models").rglob("*.sql")]
        assert any(re.search(rf"check_seed\(\s*'{name}'", text) for text in readers)
        for file in ("dbt_project.yml", "docs/configuration.md", "docs/package.md"):
            assert f"obslake_{name}" in page(file), file


def page(name: str) -> str:
    return (PROJECT / name).read_text()
