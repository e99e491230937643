"""Spark builds the same marts as DuckDB, row for row, for any texts."""

import json
import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.harness.commands import PROJECT
from tests.spark.hostile import SEED, load_hostile
from tests.spark.running import SparkWorkspace, compared


@dataclass(frozen=True)
class Built:
    """A lakehouse built by both engines.

    Attributes:
        workspace: its workspace.
        project: the copy of the project that built it.
        passed: the number of data tests that passed on Spark.
        manifest: the manifest of the project on Spark.
        rows: the number of rows of each mart.
    """

    workspace: SparkWorkspace
    project: Path
    passed: Counter[str]
    manifest: dict[str, Any]
    rows: dict[str, int]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Built as users build on Spark: by commands in separate processes, with default settings and executors."""
    hostile = load_hostile(tmp_path_factory.mktemp("hostile"))
    workspace, project = hostile.workspace, hostile.project
    workspace.installed("python", "-m", "spark.configure", str(workspace.conf), cwd=PROJECT)
    workspace.installed("obslake", "pin")
    build = ("--quiet", "--write-json", "build", "--exclude-resource-type", "unit_test")
    workspace.installed("dbt", *workspace.on_spark(*build), cwd=project)
    passed, manifest = workspace.passed(), workspace.report("manifest")
    workspace.dbt("--quiet", "build", "--exclude", "test_type:unit", project=project)
    rows = compared(workspace.installed("python", "-m", "spark.compare", cwd=PROJECT))
    workspace.configure_for_few_rows()
    return Built(workspace, project, passed, manifest, rows)


def test_all_marts(built: Built) -> None:
    assert all(n for mart, n in built.rows.items() if mart != "measurements"), built.rows


def test_rules_and_several_right_answers_count(built: Built) -> None:
    (counts,) = built.workspace.query(
        "select count(*) filter (where n_specified_responses > 1), count(*) filter (where n_votes_needed > 1), "
        "count(*) filter (where agrees_with_specified and oracle_response <> specified_response) "
        "from consensus_oracles"
    )
    assert min(counts) > 0, counts
    assert built.workspace.query("select 1 from main_intermediate.int_ruled_votes limit 1")
    assert built.workspace.query("select 1 from main_intermediate.int_non_voters limit 1")


def test_all_data_tests(built: Built) -> None:
    of_data = [n for n in built.manifest["nodes"].values() if n["resource_type"] == "test"]
    assert built.passed["test"] == len(of_data) > 0


def test_queries_answer_as_the_functions(built: Built) -> None:
    """Every parameter that is a text is given, and every optional one is left out."""
    workspace, chooser = built.workspace, random.Random(SEED)
    members = workspace.query(
        "select data_set_id, problem_id, list(implementation_id order by implementation_id) "
        "from behavior_cluster_members group by all having count(*) > 2 order by all"
    )
    lineages = workspace.query(
        "select distinct data_set_id, lineage from behavior_changes order by all"
    )
    calls: list[tuple[str, dict[str, Any]]] = []
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
    calls += [
        ("compare_revisions", {"data_set": d, "base": a, "head": b})
        for d, _, (a, b, *_) in chooser.sample(members, k=6)
    ]
    calls += ci_calls(workspace)
    assert {name for name, _ in calls} == {
        path.stem for path in (PROJECT / "spark" / "queries").iterdir()
    }

    queries = [
        ((PROJECT / "spark" / "queries" / f"{name}.sql").read_text(), parameters)
        for name, parameters in calls
    ]
    answers = json.loads(workspace.module("tests.spark.ask", stdin=json.dumps(queries)))
    n_rows = 0
    for (name, parameters), found in zip(calls, answers, strict=True):
        named = {key: value for key, value in parameters.items() if value is not None}
        given = ", ".join(
            "null" if value is None else f"${key}" for key, value in parameters.items()
        )
        rows = workspace.query(f"from {name}({given})", named)
        expected = [[_text(value) for value in row] for row in rows]
        assert sorted(found) == sorted(expected), (name, parameters)
        n_rows += len(rows)
    assert n_rows > 100


def ci_calls(workspace: SparkWorkspace) -> list[tuple[str, dict[str, Any]]]:
    """Return calls that ask what CI asks, about the last revisions of lineages that have several."""
    found = workspace.query(
        "select data_set_id, lineage, max_by(coalesce(revision, implementation_id), place), "
        "min_by(coalesce(revision, implementation_id), place) from lineage_revisions "
        "group by all having count(distinct place) > 1 order by all limit 4"
    )
    assert found
    calls: list[tuple[str, dict[str, Any]]] = []
    for data_set, lineage, head, first in found:
        one = {"data_set": data_set, "of_lineage": lineage}
        for base in (None, first):
            sides = {
                "data_set": data_set,
                "head": head,
                "base": base,
                "of_lineage": lineage,
                "of_base_lineage": lineage if base else None,
            }
            calls += [
                ("gate", {**sides, "last_executions": 50}),
                ("gate_runs", sides),
                ("slower_tests", {**sides, "least_ratio": 1.0, "least_ms": 0}),
            ]
        calls += [
            ("failing_since", one),
            (
                "failure_groups",
                {
                    "data_set": data_set,
                    "of_revision": head,
                    "of_lineage": lineage,
                    "of_environment": None,
                },
            ),
        ]
        for days in (None, 30):
            window = {"of_branch": None, "last_executions": 50, "last_days": days}
            calls.append(("flaky_tests", {**one, "of_environment": None, **window}))
    return calls


def _text(value: object) -> str:
    # Spark returns timestamps without a time zone.
    return str(value.replace(tzinfo=None) if isinstance(value, datetime) else value)
