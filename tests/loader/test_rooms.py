"""Rooms of the loader import only rooms of lower levels."""

from pathlib import Path

from scripts.rooms import Package, cycles, describe, levels
from tests.harness.commands import PROJECT

OBSLAKE = Package(PROJECT / "loader" / "obslake")


def write_package(folder: Path, **modules: str) -> Package:
    """Write a package of modules, with two underscores for each dot in their names."""
    package = folder / "obslake"
    for name, text in {"": "", **modules}.items():
        path = package.joinpath(*name.split("__"))
        path = path / "__init__.py" if path.is_dir() or not name else path.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Package(package)


def test_every_import_keeps_the_rules() -> None:
    broken = OBSLAKE.broken_rules()
    assert not broken, "\n".join(broken)


def test_there_are_no_import_cycles() -> None:
    assert cycles(OBSLAKE.modules) == []
    assert cycles(OBSLAKE.graph) == []


def test_each_folder_has_a_docstring() -> None:
    folders = {path.parent for path in OBSLAKE.files.values()}
    assert [f for f in folders if not (f / "__init__.py").read_text().startswith('"""')] == []


def test_an_import_that_breaks_a_rule_is_reported_with_the_rule(tmp_path: Path) -> None:
    found = write_package(
        tmp_path,
        engine="",
        load__history="import duckdb\nfrom obslake import engine\n\nKEYS = 1\n",
        upkeep__status="def read():\n    from obslake.load.history import KEYS\n    return KEYS\n",
        lakehouse__catalog="from ..upkeep import status\n",
    )
    assert found.broken_rules() == [
        "lakehouse/catalog.py:1 imports upkeep.status, which is in upkeep: lakehouse may import base",
        "upkeep/status.py:2 imports load.history, which is in load: "
        "upkeep may import lakehouse, base",
    ]


def test_imports_only_for_types_count(tmp_path: Path) -> None:
    found = write_package(
        tmp_path,
        query__ask="if TYPE_CHECKING:\n    import obslake.cli.app\n",
        cli__app="",
        engine="import obslake\n",
        errors="from . import engine as e, missing\n",
    )
    assert found.modules == {
        "": set(),
        "cli.app": set(),
        "engine": {""},
        "errors": {"engine", ""},
        "query.ask": {"cli.app"},
    }
    of_package = "imports obslake, which is in obslake: base may import no other room"
    assert found.broken_rules() == [
        f"engine.py:1 {of_package}",
        f"errors.py:1 {of_package}",
        "query/ask.py:2 imports cli.app, which is in cli: query may import lakehouse, base",
    ]


def test_a_module_outside_the_rooms_needs_a_rule(tmp_path: Path) -> None:
    found = write_package(tmp_path, engine="", helpers="from obslake import engine\n")
    assert found.broken_rules() == ["helpers is not a room: add it to MAY_IMPORT"]


def test_cycles_and_levels() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"a", "d"}}
    assert cycles(graph) == [["b", "c"]]
    assert levels(graph) == {"d": 0, "b": 1, "c": 1, "a": 2, "e": 3}


def test_description_of_a_package(tmp_path: Path) -> None:
    found = write_package(
        tmp_path,
        engine="",
        lakehouse__catalog="from obslake import engine\n",
        lakehouse__home="from obslake.lakehouse import catalog\n",
        upkeep__status="from obslake.lakehouse import home\nfrom obslake.engine import connect\n",
    )
    assert list(describe(found)) == [
        "level  room                 modules   lines  imports",
        "    2  upkeep                     1       2  lakehouse, base",
        "    1  lakehouse                  2       2  base",
        "    0  base                       1       0",
        "    0  obslake                    1       0",
        "4 rooms on 3 levels, 3 imports, cycles: none",
        "5 modules on 4 levels, 4 imports, cycles: none",
    ]
