"""Spark refreshes its marts after loads, forgotten rows and new rules, and has the same marts as DuckDB again."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from obslake.lakehouse.catalog import Lakehouse
from pyarrow import parquet
from pyiceberg.expressions import EqualTo

from tests.marts.comparison import SEEDS
from tests.marts.test_refresh import load_observations, write_seed
from tests.reference.equivalence import Equivalence
from tests.spark.hostile import SEED, Hostile, load_hostile
from tests.spark.running import SparkWorkspace

ONLY_MODELS = ("--exclude-resource-type", "test", "unit_test")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Hostile:
    """Built by Spark with the best settings for few rows."""
    hostile = load_hostile(tmp_path_factory.mktemp("hostile"))
    choose_in_few_rounds(hostile.project)
    hostile.workspace.configure_for_few_rows()
    hostile.workspace.obslake("pin")
    hostile.workspace.spark("--quiet", "build", *ONLY_MODELS, project=hostile.project)
    return hostile


def test_all_unit_tests(hostile: Hostile) -> None:
    """Two threads can run them, since they change nothing: they only read the columns of tables."""
    workspace = hostile.workspace
    units = ("--quiet", "--write-json", "test", "--select", "test_type:unit", "--threads", "2")
    workspace.spark(*units, project=hostile.project)
    assert workspace.passed() == {"unit_test": len(workspace.report("manifest")["unit_tests"])}


def test_marts_are_refreshed(hostile: Hostile) -> None:
    """Changes take effect when they are pinned; forgotten rows are removed, and new rules apply."""
    workspace, project = hostile.workspace, hostile.project
    workspace.dbt("--quiet", "build", *ONLY_MODELS, project=project)
    before = workspace.compare()

    load_observations(workspace, hostile.late, "late")
    problems = sorted({(o.data_set_id, o.problem_id) for o in hostile.early})
    data_set, problem = random.Random(SEED).choice(problems)
    workspace.obslake("forget", "--data-set", data_set, "--problem", problem, "--yes")
    workspace.spark("--quiet", "run", project=project)
    assert workspace.compare() == before

    workspace.obslake("pin")
    hostile.change_equivalences()
    workspace.spark("--quiet", "seed", project=project)
    # A commit changes one table, and a run may be cut off before any: forgotten rows are removed all the same.
    built = versions(workspace, "int_actuations")
    for statement in ("delete_stale_rows", "keep_built_versions", "keep_sources"):
        with cut_off(project, statement):
            done = workspace.run_spark("run", "--select", "+int_actuations", project=project)
            assert done.returncode != 0
            assert "cut off" in done.stdout
        # What was cut off is stale, also if the rules are changed back.
        stale = versions(workspace, "int_actuations", is_stale=True)
        trusted = versions(workspace, "int_actuations").items() & built.items()
        assert stale
        assert not stale.keys() & dict(trusted).keys()
    workspace.spark("--quiet", "run", project=project)
    workspace.dbt("--quiet", "seed", project=project)
    workspace.dbt("--quiet", "run", project=project)
    after = workspace.compare()
    assert after["stimulus_response_cube"] > before["stimulus_response_cube"]
    # The rows are the same on both engines, and DuckDB tests them faster.
    workspace.dbt("--quiet", "test", "--exclude", "test_type:unit", project=project)

    # Forgotten rows are in earlier snapshots, until these are removed.
    assert stored_rows(workspace, data_set, problem)
    workspace.spark("--quiet", "run-operation", "expire_marts", project=project)
    assert not stored_rows(workspace, data_set, problem)
    lakehouse = Lakehouse.open(workspace.home)
    # An empty seed has no snapshot.
    assert max(len(table.metadata.snapshots) for table in lakehouse.tables_of("marts")) == 1
    assert workspace.compare() == after

    write_seed(project, "response_equivalences", [Equivalence(None, None, None, "unicode")])
    workspace.spark("--quiet", "seed", project=project)
    refused = workspace.run_spark("run", "--select", "+refresh_response_rules", project=project)
    assert refused.returncode != 0
    assert "Spark has no function that composes characters" in refused.stdout


def choose_in_few_rounds(project: Path) -> None:
    """Choose suites in two rounds: Spark takes a third of a build to plan the usual sixteen, which are alike.

    `test_equality.py` has all of them.
    """
    path = project / "dbt_project.yml"
    text = path.read_text()
    fewer = text.replace("obslake_suite_rounds: 16\n", "obslake_suite_rounds: 2\n")
    assert fewer != text
    path.write_text(fewer)


@contextmanager
def cut_off(project: Path, statement: str) -> Iterator[None]:
    """Make a run fail at a statement of the refresh of `int_actuations`, or of its end."""
    (path,) = (project / "macros").rglob(f"{statement}.sql")
    kept = path.read_text()
    renamed = kept.replace(f"macro {statement}()", f"macro kept_{statement}()")
    assert renamed != kept
    # Not SQL: nobody fetches the rows of a hook, so that an error in a query would not be raised.
    path.write_text(
        f"{{% macro {statement}() -%}}\n"
        f"{{{{ obslake.kept_{statement}() if model.resource_type == 'model' and model.name != 'int_actuations' "
        f"else 'cut off' }}}}\n"
        f"{{%- endmacro %}}\n{renamed}"
    )
    yield
    path.write_text(kept)


def versions(
    workspace: SparkWorkspace, model: str, *, is_stale: bool = False
) -> dict[tuple[str, str], str]:
    """Return the versions of the problems of a model, or only of those that were stale in its last build."""
    namespace = Lakehouse.open(workspace.home).tables_of("marts_refresh")
    (found,) = (t for t in namespace if t.name()[-1] == "refresh_problems")
    rows = found.scan(row_filter=EqualTo("model", model)).to_arrow().to_pylist()
    return {
        (row["data_set_id"], row["problem_id"]): row["version"]
        for row in rows
        if row["is_stale"] or not is_stale
    }


def stored_rows(workspace: SparkWorkspace, data_set: str, problem: str) -> int:
    """Count the rows of a problem in all files of Spark's tables but seeds, of any snapshot or none."""
    total = 0
    for schema in ("marts", "marts_intermediate"):
        for table in (workspace.home / "warehouse" / schema).iterdir():
            files = list(table.rglob("*.parquet")) if table.name not in SEEDS else []
            if not files or "problem_id" not in parquet.read_schema(files[0]).names:
                continue
            ((n,),) = duckdb.execute(
                "select count(*) from read_parquet($1) where data_set_id = $2 and problem_id = $3",
                [list(map(str, files)), data_set, problem],
            ).fetchall()
            total += n
    return total


def test_errors_of_pins(tmp_path: Path) -> None:
    """There is no pin, it is older than the last load, or its snapshot has expired."""
    workspace = SparkWorkspace(tmp_path)
    workspace.obslake("init")
    workspace.configure_for_few_rows()
    selected = ("run", "--select", "stg_observations")

    refused = workspace.run_spark(*selected)
    assert refused.returncode != 0
    assert "run `obslake pin` first" in refused.stdout

    row = b'{"problem_id": "p", "implementation_id": "i", "test_id": "t", "output": "1"}'
    workspace.obslake("load", "observations", "-", stdin=row)
    workspace.obslake("pin")
    workspace.obslake("load", "observations", "-", stdin=row.replace(b"1", b"2"))
    done = workspace.run_spark(*selected)
    assert done.returncode == 0, done.stdout
    assert "since `obslake pin`: this builds from the pinned snapshots" in done.stdout

    workspace.obslake("expire", "--older-than", "0m")
    refused = workspace.run_spark(*selected)
    assert refused.returncode != 0
    # Any table may be the first whose snapshot has expired.
    assert "the pinned snapshot " in refused.stdout
    assert " no longer exists" in refused.stdout
    assert "run `obslake pin` again" in refused.stdout
