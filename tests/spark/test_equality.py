"""Spark builds the same marts as DuckDB, row for row, whatever the texts are, at once and bit by bit."""

import json
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from obslake.lakehouse import Lakehouse
from pyarrow import parquet

from tests.harness.commands import PROJECT
from tests.marts.test_refresh import (
    copy_project,
    load_descriptions,
    load_observations,
    write_seed,
)
from tests.reference.equivalence import Equivalence
from tests.reference.naive import Observation
from tests.reference.strategies import (
    random_descriptions,
    random_equivalences,
    random_observations,
)
from tests.spark.running import SparkWorkspace

SEED = 17
N_PROBLEMS = 60


@dataclass(frozen=True)
class Built:
    """A lakehouse of which both engines have built a part of the observations."""

    workspace: SparkWorkspace
    project: Path
    early: list[Observation]
    late: list[Observation]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Cursed names, every kind of response, rules of equivalence; on Spark with all tests of dbt."""
    workspace = SparkWorkspace(tmp_path_factory.mktemp("hostile"))
    project = copy_project(workspace)
    observations = random_observations(SEED, n_problems=N_PROBLEMS)
    descriptions = random_descriptions(SEED, observations)
    early = observations[: len(observations) // 2]
    write_seed(project, equivalences(SEED, observations))
    load_observations(workspace, early, "early")
    load_descriptions(workspace, descriptions, "descriptions")
    workspace.configure()
    workspace.obslake("pin")
    workspace.spark("--quiet", "build", project=project)
    workspace.dbt("--quiet", "build", "--exclude", "test_type:unit", project=project)
    return Built(workspace, project, early, observations[len(early) :])


def equivalences(seed: int, observations: list[Observation]) -> list[Equivalence]:
    """Rules for some problems; dbt itself reads a carriage return in a seed as a line feed."""
    rules = random_equivalences(seed, observations)
    return [rule for rule in rules if "\r" not in (rule.problem_id or "")]


def test_all_marts(built: Built) -> None:
    rows = built.workspace.compare()
    assert all(n for mart, n in rows.items() if mart != "measurements"), rows


def test_queries_answer_as_the_functions(built: Built) -> None:
    """With every parameter that is a text, and with none that need not be named."""
    workspace, chooser = built.workspace, random.Random(SEED)
    members = workspace.query(
        "select data_set_id, problem_id, list(implementation_id order by implementation_id) "
        "from behavior_cluster_members group by all having count(*) > 2 order by all"
    )
    lineages = workspace.query(
        "select distinct data_set_id, lineage from behavior_changes order by all"
    )
    calls: list[tuple[str, dict[str, str | None]]] = []
    for data_set, problem, (a, b, *_) in chooser.sample(members, k=6):
        one = {"data_set": data_set, "problem": problem}
        none = ("run", "environment", "revision")
        calls += [
            ("behavior_diff", {**one, "implementation_a": a, "implementation_b": b}),
            (
                "transitions",
                {**one, **{f"{side}_{name}": None for name in none for side in ("from", "to")}},
            ),
        ]
        of_problem = ("srm", "src", "clusters", "oracle", "actuations", "assess", "minimal_suite")
        calls += [(name, one) for name in of_problem]
    calls += [("changes", {"data_set": d, "of_lineage": of}) for d, of in lineages]
    calls += [(name, {"data_set": d}) for name in ("flaky", "suspects") for d, _ in lineages]
    assert {name for name, _ in calls} == {
        path.stem for path in (PROJECT / "spark" / "queries").iterdir()
    }

    asked = [
        ((PROJECT / "spark" / "queries" / f"{name}.sql").read_text(), parameters)
        for name, parameters in calls
    ]
    answers = json.loads(workspace.module("tests.spark.ask", stdin=json.dumps(asked)))
    n_rows = 0
    for (name, parameters), found in zip(calls, answers, strict=True):
        named = {key: value for key, value in parameters.items() if value is not None}
        given = ", ".join(f"${key}" for key in named)
        rows = workspace.query(f"from {name}({given})", named)
        expected = [[_text(value) for value in row] for row in rows]
        assert sorted(found) == sorted(expected), (name, parameters)
        n_rows += len(rows)
    assert n_rows > 100


def _text(value: object) -> str:
    # Spark says no time zone.
    return str(value.replace(tzinfo=None) if isinstance(value, datetime) else value)


def test_what_is_loaded_later(built: Built) -> None:
    """It is seen when it is pinned; what was forgotten is gone, and other rules are others."""
    workspace, project = built.workspace, built.project
    before = workspace.compare()
    load_observations(workspace, built.late, "late")
    problems = sorted({(o.data_set_id, o.problem_id) for o in built.early})
    data_set, problem = random.Random(SEED).choice(problems)
    workspace.obslake("forget", "--data-set", data_set, "--problem", problem, "--yes")
    workspace.spark("--quiet", "run", project=project)
    assert workspace.compare() == before

    workspace.obslake("pin")
    write_seed(project, equivalences(SEED + 1, [*built.early, *built.late]))
    workspace.spark("--quiet", "seed", project=project)
    # Of these commits of one table each the last is made, or none: what was forgotten is gone all the same.
    for statement in ("delete_stale_rows", "keep_built_versions"):
        with cut_off(project, statement, "int_actuations"):
            done = workspace.run_spark("run", "--select", "+int_actuations", project=project)
            assert done.returncode != 0
            assert "cut off" in done.stdout
    workspace.spark("--quiet", "run", project=project)
    workspace.dbt("--quiet", "seed", project=project)
    workspace.dbt("--quiet", "run", project=project)
    after = workspace.compare()
    assert after["stimulus_response_cube"] > before["stimulus_response_cube"]
    # Of the same rows, and sooner than Spark.
    workspace.dbt("--quiet", "test", "--exclude", "test_type:unit", project=project)

    # Rows that were forgotten are in snapshots of before, until these are removed.
    assert stored_rows(workspace, data_set, problem)
    workspace.spark("--quiet", "run-operation", "expire_marts", project=project)
    assert not stored_rows(workspace, data_set, problem)
    lakehouse = Lakehouse.open(workspace.home)
    assert {len(table.metadata.snapshots) for table in lakehouse.tables_of("marts")} == {1}
    assert workspace.compare() == after


@contextmanager
def cut_off(project: Path, statement: str, model: str) -> Iterator[None]:
    """Let a model fail where it would execute a statement of its refresh."""
    path = project / "macros" / "refresh" / f"{statement}.sql"
    kept = path.read_text()
    renamed = kept.replace(f"macro {statement}()", f"macro kept_{statement}()")
    path.write_text(
        f"{{% macro {statement}() -%}}\n"
        f"{{{{ \"select raise_error('cut off')\" if model.name == '{model}' "
        f"else obslake.kept_{statement}() }}}}\n"
        f"{{%- endmacro %}}\n{renamed}"
    )
    yield
    path.write_text(kept)


def stored_rows(workspace: SparkWorkspace, data_set: str, problem: str) -> int:
    """Count the rows of a problem in all files of Spark's tables, whether they are of a snapshot or not."""
    total = 0
    for schema in ("marts", "marts_intermediate"):
        for table in (workspace.home / "warehouse" / schema).iterdir():
            files = list(table.rglob("*.parquet"))
            if not files or "problem_id" not in parquet.read_schema(files[0]).names:
                continue
            ((n,),) = duckdb.execute(
                "select count(*) from read_parquet($1) where data_set_id = $2 and problem_id = $3",
                [list(map(str, files)), data_set, problem],
            ).fetchall()
            total += n
    return total


def test_what_is_wrong_with_a_pin_is_said(tmp_path: Path) -> None:
    """There is none, something was loaded since, what it names has expired."""
    workspace = SparkWorkspace(tmp_path)
    workspace.obslake("init")
    workspace.configure("local[1]")

    def build(select: str) -> subprocess.CompletedProcess[str]:
        return workspace.run_spark("run", "--select", select)

    refused = build("stg_observations")
    assert refused.returncode != 0
    assert "run `obslake pin` first" in refused.stdout

    row = b'{"problem_id": "p", "implementation_id": "i", "test_id": "t", "output": "1"}'
    workspace.obslake("load", "observations", "-", stdin=row)
    workspace.obslake("pin")
    workspace.obslake("load", "observations", "-", stdin=row.replace(b"1", b"2"))
    done = build("stg_observations")
    assert done.returncode == 0, done.stdout
    assert "since `obslake pin`: this builds from what was pinned" in done.stdout

    workspace.obslake("expire", "--older-than", "0m")
    refused = build("stg_observations")
    assert refused.returncode != 0
    assert "which was pinned, is not there any more" in refused.stdout
    assert "run `obslake pin` again" in refused.stdout
