"""`obslake doctor`: what it finds, and what it says to do."""

import json
from pathlib import Path

import duckdb
import pytest
from obslake.marts import doctor, remembered
from obslake.marts.doctor import Finding, examine

from tests.harness.commands import PROJECT
from tests.harness.lake import Lake


def found(lake: Lake) -> dict[str, Finding]:
    return {each.name: each for each in examine(str(lake.home), str(PROJECT))}


def faults(lake: Lake) -> list[str]:
    return [name for name, each in found(lake).items() if each.is_fault]


def load(lake: Lake, name: str) -> None:
    file = lake.folder / f"{name}.csv"
    file.write_text(f"problem_id,implementation_id,test_id,output\n{name},a,t,1\n")
    lake.obslake("load", "observations", file)


def test_what_is_missing_at_first_is_no_fault(lake: Lake) -> None:
    nothing = Lake(lake.folder / "elsewhere")
    assert faults(nothing) == []
    assert found(nothing)["lakehouse"].to_do == "obslake init, or load"
    assert found(nothing)["marts"].found == "not built yet"
    assert found(lake)["lakehouse"].to_do == "load something: obslake load --help"
    load(lake, "first")
    assert "the catalog answers, 1 load" in found(lake)["lakehouse"].found
    assert [each.to_do for each in found(lake).values() if each.to_do] == [
        "obslake build, after a load"
    ]


def test_the_age_of_the_marts(lake: Lake) -> None:
    load(lake, "first")
    marts = lake.home / "obslake.duckdb"
    duckdb.connect(marts).close()
    assert "not by obslake build" in found(lake)["marts"].found
    (lake.home / "building").mkdir(exist_ok=True)
    tables = remembered.tables_of(lake.home)
    remembered.remember(lake.home, remembered.Build("", tables, remembered.published(lake.home)))
    assert found(lake)["marts"].found.endswith("from all loads")
    assert "built just now" in found(lake)["marts"].found
    assert found(lake)["marts"].to_do == ""
    load(lake, "second")
    assert found(lake)["marts"].found.endswith("before the last load")
    assert found(lake)["marts"].to_do == "obslake build"
    marts.write_text("no database")
    assert faults(lake) == ["marts"]
    assert found(lake)["marts"].to_do == "build them again: obslake build"


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (0, "just now"),
        (119, "just now"),
        (120, "2 minutes ago"),
        (7_200, "2 hours ago"),
        (1e6, "11 days ago"),
    ],
)
def test_ages_have_the_largest_unit(seconds: float, age: str) -> None:
    assert doctor._ago(doctor.timedelta(seconds=seconds)) == age


def test_packages_that_do_not_fit(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = ["duckdb==0.1", "there-is-no-such-package>=2", "other; extra == 'test'", "click"]
    monkeypatch.setattr(doctor, "requires", lambda _: needed)
    assert faults(lake) == ["duckdb", "there-is-no-such-package"]
    assert found(lake)["duckdb"].to_do == "install it: pip install 'duckdb==0.1'"
    assert found(lake)["there-is-no-such-package"].found == "missing"


def test_an_extension_that_is_missing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "EXTENSIONS", ("avro", "no_such"))
    assert faults(lake) == ["extension no_such"]
    assert found(lake)["extension no_such"].to_do.startswith(
        "install the version of DuckDB: pip install 'duckdb-extension-no_such=="
    )


def test_a_catalog_that_does_not_answer(lake: Lake) -> None:
    load(lake, "first")
    (lake.home / "catalog.db").write_text("no database")
    assert faults(lake) == ["lakehouse"]
    assert found(lake)["lakehouse"].found
    assert found(lake)["marts"].found == "not built yet"


def test_a_folder_that_is_no_project(lake: Lake, tmp_path: Path) -> None:
    findings = list(examine(str(lake.home), str(tmp_path)))
    (project,) = (each for each in findings if each.name == "dbt project")
    assert project.is_fault
    assert "is not a dbt project" in project.found
    assert project.to_do == "name the folder of a project with --project-dir"


def test_json(lake: Lake) -> None:
    findings = json.loads(lake.obslake("doctor", "--json")[0])
    assert [Finding(**each).name for each in findings][:2] == ["obslake", "Python"]
