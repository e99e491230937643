"""Refreshing: marts that were built load by load equal marts that are built at once."""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import astuple, fields
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from obslake.lakehouse import Lakehouse
from obslake.ledger import LOAD_ID_PROPERTY
from obslake.schemas import OBSERVATIONS

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace
from tests.marts.comparison import descriptions_table, observations_table
from tests.marts.test_end_to_end import assert_marts
from tests.reference.equivalence import Equivalence, rules_of
from tests.reference.naive import Description, Observation
from tests.reference.strategies import (
    random_descriptions,
    random_equivalences,
    random_observations,
)

_SCHEMAS = ("main", "main_intermediate")

# `make faults` tries more histories.
_TRIALS = int(os.environ.get("OBSLAKE_FAULT_TRIALS", "0"))


def load_observations(workspace: Workspace, observations: list[Observation], name: str) -> None:
    file = workspace.folder / f"{name}.parquet"
    pq.write_table(observations_table(observations).drop_columns("load_id"), file)
    workspace.obslake("load", "observations", str(file))


def load_descriptions(workspace: Workspace, descriptions: list[Description], name: str) -> None:
    file = workspace.folder / f"{name}.parquet"
    pq.write_table(descriptions_table(descriptions).drop_columns("load_id"), file)
    workspace.obslake("load", "implementations", str(file))


def assert_as_if_built_at_once(
    workspace: Workspace, *arguments: str, project: Path = PROJECT
) -> None:
    """Compare every table and view with those of a full build, row for row; keep the marts."""
    refreshed = workspace.marts.with_name("refreshed.duckdb")
    shutil.copy(workspace.marts, refreshed)
    workspace.dbt("--quiet", "run", "--full-refresh", *arguments, project=project)
    with duckdb.connect() as connection:
        contents = {}
        for name, file in {"refreshed": refreshed, "at_once": workspace.marts}.items():
            connection.execute(f"attach '{file}' as {name} (read_only)")
            # Views look for their tables in the database that is in use.
            connection.execute(f"use {name}")
            relations = connection.execute(
                "select table_schema || '.' || table_name from information_schema.tables "
                "where table_catalog = ? and table_schema in ? order by 1",
                [name, list(_SCHEMAS)],
            ).fetchall()
            contents[name] = {}
            for (relation,) in relations:
                if relation.endswith("int_responses"):
                    continue  # a view on the lakehouse, which a bare client does not have
                rows = connection.execute(f"from {relation}").fetchall()
                contents[name][relation] = sorted(map(repr, rows))
    assert len(contents["at_once"]) > 20
    assert contents["refreshed"].keys() == contents["at_once"].keys()
    for relation, rows in contents["at_once"].items():
        assert contents["refreshed"][relation] == rows, relation
    shutil.copy(refreshed, workspace.home / "building" / "obslake.duckdb")
    shutil.move(refreshed, workspace.marts)


def built(workspace: Workspace) -> dict[str, set[tuple[str, str]]]:
    """Return the problems that each model built when it was last run."""
    rows = workspace.query(
        "select model, data_set_id, problem_id from main_refresh.refresh_stale_problems"
    )
    problems: dict[str, set[tuple[str, str]]] = {}
    for model, *problem in rows:
        problems.setdefault(model, set()).add(tuple(problem))
    return problems


def kill_a_run(workspace: Workspace, seconds: float) -> None:
    """Begin a run, and end it like a machine that fails."""
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("dbt")), "--quiet", "run"],
        cwd=PROJECT,
        env={
            **os.environ,
            "OBSLAKE_HOME": str(workspace.home),
            "DBT_TARGET_PATH": str(workspace.folder / "target"),
            "DBT_LOG_PATH": str(workspace.folder / "logs"),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("seed", range(1 + _TRIALS // 100))
def test_random_sequences_of_loads_and_runs(workspace: Workspace, seed: int) -> None:
    chance = random.Random(seed)
    observations = random_observations(seed, n_problems=15)
    descriptions = random_descriptions(seed, observations)
    # Of each attribute the latest load's counts, so descriptions are loaded in the order of theirs.
    described_by = sorted({d.load_id for d in descriptions})
    for number in range(max(4, len(described_by))):
        if number < 4:
            load_observations(workspace, observations[number::4], f"observations-{number}")
        if number < len(described_by):
            part = [d for d in descriptions if d.load_id == described_by[number]]
            load_descriptions(workspace, part, f"descriptions-{number}")
        step = chance.choice(["run", "run", "partial run", "killed run"])
        if step == "run" or number == 0:
            workspace.dbt("--quiet", "run")
        elif step == "partial run":
            selected = chance.choice(
                ["int_actuations+1", "consensus_oracles int_clusters", "path:models/refresh"]
            )
            workspace.dbt("--quiet", "run", "--select", *selected.split())
        else:
            kill_a_run(workspace, chance.uniform(2, 6))
    workspace.dbt("--quiet", "run")
    assert_as_if_built_at_once(workspace)
    assert_marts(workspace, observations, descriptions)


@pytest.fixture(scope="module")
def shared(make_workspace: Callable[[str], Workspace], request: pytest.FixtureRequest) -> Workspace:
    """A lakehouse in which every test has a data set of its own, loaded and built."""
    workspace = make_workspace("refresh")
    for item in request.session.items:
        if "data_set" in getattr(item, "fixturenames", ()) and item.path == request.path:
            rows = [row(p, i) for p in ("p1", "p2", "p3") for i in ("a", "b", "c")]
            load_rows(workspace, item.name, rows)
    workspace.dbt("--quiet", "run")
    return workspace


@pytest.fixture
def data_set(shared: Workspace, request: pytest.FixtureRequest) -> str:
    """A data set of three problems with three implementations each."""
    return str(request.node.name)


def row(problem: str, implementation: str) -> dict[str, object]:
    return {
        "problem_id": problem,
        "implementation_id": implementation,
        "test_id": "t",
        "output": "1",
    }


def load_rows(
    workspace: Workspace, data_set: str, rows: list[dict[str, object]], table: str = "observations"
) -> None:
    text = "\n".join(map(json.dumps, rows)).encode()
    workspace.obslake("load", table, "-", "--data-set", data_set, stdin=text)


def test_only_the_problems_of_a_load_are_built(shared: Workspace, data_set: str) -> None:
    shared.dbt("--quiet", "run", "--full-refresh")
    models = built(shared).keys()
    assert {"int_actuations", "int_clusters", "consensus_oracles", "behavior_clusters"} <= models
    shared.dbt("--quiet", "run")
    assert built(shared) == {}

    load_rows(shared, data_set, [row("p2", "d")])
    shared.dbt("--quiet", "run")
    assert built(shared) == {key: {(data_set, "p2")} for key in models}
    assert shared.query(
        "select problem_id, n_voters from consensus_oracles where data_set_id = ? order by 1",
        [data_set],
    ) == [("p1", 3), ("p2", 4), ("p3", 3)]


def test_a_description_builds_what_depends_on_it_and_nothing_else(
    shared: Workspace, data_set: str
) -> None:
    description = {"problem_id": "p3", "implementation_id": "a", "lineage": "l", "revision": "1"}
    load_rows(shared, data_set, [description], "implementations")
    shared.dbt("--quiet", "run")
    models = ["int_implementations", "int_lineage_cells", "int_lineage_revisions"]
    assert built(shared) == {key: {(data_set, "p3")} for key in [*models, "behavior_changes"]}
    assert shared.query("select problem_id from lineage") == [("p3",)]


def test_a_system_of_a_whole_data_set_is_one_of_all_its_problems(
    shared: Workspace, data_set: str
) -> None:
    export = shared.folder / "candidates.json"
    export.write_text('{"response": {"docs": [{"id": "a", "content": "code"}]}}')
    shared.obslake("load", "lasso", str(export), "--data-set", data_set)
    shared.dbt("--quiet", "run")
    assert len(built(shared)["int_implementations"]) == 3
    assert "int_actuations" not in built(shared)
    described = "select count(*) from implementations where content = 'code'"
    assert shared.query(described) == [(3,)]


def test_a_load_that_was_committed_late_is_not_missed(shared: Workspace, data_set: str) -> None:
    """Its id is older than those that were built: it began before them, and took longer."""
    table = Lakehouse.open(shared.home).table(OBSERVATIONS)
    rows = table.scan(row_filter=f"data_set_id = '{data_set}' and problem_id = 'p1'").to_arrow()
    late = "00000000-0000-7000-8000-000000000000"
    for column, value in {"load_id": late, "test_id": "u"}.items():
        index = rows.schema.get_field_index(column)
        field = rows.schema.field(index)
        rows = rows.set_column(index, field, pa.array([value] * len(rows), field.type))
    table.append(rows, snapshot_properties={LOAD_ID_PROPERTY: late})
    shared.dbt("--quiet", "run")
    assert built(shared)["int_actuations"] == {(data_set, "p1")}
    cells = "select count(*) from stimulus_response_matrix where data_set_id = ?"
    assert shared.query(cells, [data_set]) == [(12,)]


def test_an_earlier_snapshot_and_back(shared: Workspace, data_set: str) -> None:
    snapshot = shared.status()["snapshots"][-1]["snapshot_id"]
    load_rows(shared, data_set, [row("p3", "d"), row("p4", "d")])

    def sizes() -> list[tuple[object, ...]]:
        return shared.query(
            "select problem_id, n_implementations from behavior_clusters "
            "where data_set_id = ? order by 1",
            [data_set],
        )

    now = [("p1", 3), ("p2", 3), ("p3", 4), ("p4", 1)]
    shared.dbt("--quiet", "run")
    assert sizes() == now
    shared.dbt("--quiet", "run", "--vars", f"as_of_snapshot: {snapshot}")
    assert sizes() == [("p1", 3), ("p2", 3), ("p3", 3)]
    shared.dbt("--quiet", "run")
    assert built(shared)["int_actuations"] == {(data_set, "p3"), (data_set, "p4")}
    assert sizes() == now


def test_loads_that_were_rolled_back(shared: Workspace, data_set: str) -> None:
    first, *_ = shared.status()["snapshots"][-1:]
    load_rows(shared, data_set, [row("p3", "d"), row("p4", "d")])
    description = {"problem_id": "p1", "implementation_id": "a", "lineage": "l", "revision": "1"}
    load_rows(shared, data_set, [description], "implementations")
    last = shared.status()["snapshots"][-1]
    sizes = "select problem_id, n_implementations from behavior_clusters where data_set_id = ? order by 1"
    shared.dbt("--quiet", "run")
    now = [("p1", 3), ("p2", 3), ("p3", 4), ("p4", 1)]
    assert shared.query(sizes, [data_set]) == now

    shared.obslake("rollback", "--to", str(first["snapshot_id"]), "--yes")
    shared.dbt("--quiet", "run")
    assert built(shared)["int_actuations"] == {(data_set, "p3"), (data_set, "p4")}
    assert built(shared)["int_implementations"] == {(data_set, p) for p in ("p1", "p3", "p4")}
    assert shared.query(sizes, [data_set]) == [("p1", 3), ("p2", 3), ("p3", 3)]
    # The same sources again, by loads of their own.
    load_rows(shared, data_set, [row("p3", "d"), row("p4", "d")])
    shared.dbt("--quiet", "run")
    assert built(shared)["int_actuations"] == {(data_set, "p3"), (data_set, "p4")}
    assert shared.query(sizes, [data_set]) == now
    # Back to before the rollback.
    shared.obslake("rollback", "--to", str(last["snapshot_id"]), "--yes")
    shared.dbt("--quiet", "run")
    assert shared.query(sizes, [data_set]) == now
    assert_as_if_built_at_once(shared)


def test_rows_that_were_forgotten(shared: Workspace, data_set: str) -> None:
    other = data_set + "-other"
    rows = [row(p, i) for p in ("p2", "p3") for i in ("a", "d")]
    text = "\n".join(map(json.dumps, rows)).encode()
    run = ("load", "observations", "-", "--data-set", data_set, "--run", "again")
    shared.obslake(*run, stdin=text)
    both = [{**row("p1", "a"), "data_set_id": d} for d in (data_set, other)]
    shared.obslake("load", "observations", "-", stdin="\n".join(map(json.dumps, both)).encode())
    load_rows(shared, data_set, [{"problem_id": "p1", "test_id": "t", "origin": "suite"}], "tests")
    earlier = shared.status()["snapshots"][-1]["snapshot_id"]
    shared.dbt("--quiet", "run")
    sizes = "select problem_id, n_implementations from behavior_clusters where data_set_id = ? order by 1"
    assert shared.query(sizes, [data_set]) == [("p1", 3), ("p2", 4), ("p3", 4)]

    def forget(*options: str) -> dict[str, set[tuple[str, str]]]:
        shared.obslake("forget", "--data-set", data_set, "--yes", *options)
        shared.dbt("--quiet", "run")
        return built(shared)

    models = forget("--problem", "p1")
    assert models["int_actuations"] == models["int_tests"] == {(data_set, "p1")}
    assert shared.query(sizes, [data_set]) == [("p2", 4), ("p3", 4)]
    assert shared.query(sizes, [other]) == [("p1", 1)]
    # Some rows of a problem, of which the others stay.
    assert forget("--run", "again")["int_actuations"] == {(data_set, p) for p in ("p2", "p3")}
    assert shared.query(sizes, [data_set]) == [("p2", 3), ("p3", 3)]
    assert_as_if_built_at_once(shared)
    # What an earlier snapshot still has: marts that were built anew in between find it there.
    shared.dbt("--quiet", "run", "--vars", f"as_of_snapshot: {earlier}")
    assert shared.query(sizes, [data_set]) == [("p1", 3), ("p2", 4), ("p3", 4)]
    assert_as_if_built_at_once(shared, "--vars", f"as_of_snapshot: {earlier}")
    assert forget()["int_actuations"] == {(data_set, p) for p in ("p1", "p2", "p3")}
    assert shared.query(sizes, [data_set]) == []


def test_a_changed_rule_builds_all_that_it_may_change(shared: Workspace, data_set: str) -> None:
    rule = ("--vars", "obslake_oracle: c")
    shared.dbt("--quiet", "run", *rule)
    assert len(built(shared)["consensus_oracles"]) >= 3
    voters = "select distinct n_voters from consensus_oracles where data_set_id = ?"
    assert shared.query(voters, [data_set]) == [(2,)]
    assert_as_if_built_at_once(shared, *rule)


def copy_project(workspace: Workspace) -> Path:
    """Copy the dbt project, to change it."""
    project = workspace.folder / "project"
    for part in ("models", "macros", "seeds", "tests/dbt"):
        shutil.copytree(PROJECT / part, project / part)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(PROJECT / name, project)
    return project


def write_seed(project: Path, equivalences: list[Equivalence]) -> None:
    """Write the seed as somebody would: empty fields, quotes where needed."""
    with (project / "seeds" / "response_equivalences.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(field.name for field in fields(Equivalence))
        writer.writerows(map(astuple, equivalences))


def test_changed_response_equivalences(workspace: Workspace) -> None:
    """They build the problems that they concern, and nothing else, and everything follows them."""
    project = copy_project(workspace)
    observations = random_observations(8, n_problems=40)
    descriptions = random_descriptions(8, observations)
    load_observations(workspace, observations, "observations")
    for load_id in sorted({d.load_id for d in descriptions}):
        part_of_load = [d for d in descriptions if d.load_id == load_id]
        load_descriptions(workspace, part_of_load, f"descriptions-{load_id}")
    problems = {(o.data_set_id, o.problem_id) for o in observations}
    workspace.dbt("--quiet", "run", project=project)
    assert_marts(workspace, observations, descriptions)

    one, other = sorted(problems)[3:5]
    some = [Equivalence(*one, "json"), Equivalence(*one, "significant_digits", "1")]
    some += [Equivalence(None, other[1], "exception_class")]
    write_seed(project, some)
    workspace.dbt("--quiet", "run", project=project)
    concerned = {one} | {p for p in problems if p[1] == other[1]}
    assert built(workspace)["int_canonical_responses"] == concerned
    assert built(workspace)["consensus_oracles"] == concerned
    assert built(workspace)["behavior_changes"] <= concerned
    assert_marts(workspace, observations, descriptions, some)

    # Other rules for many, read by `dbt seed`, of which some problems stay as they are.
    many = random_equivalences(8, observations)
    write_seed(project, many)
    workspace.dbt("--quiet", "seed", project=project)
    workspace.dbt("--quiet", "run", project=project)
    assert built(workspace)["int_actuations"] == {
        p for p in problems if rules_of(some, *p) != rules_of(many, *p)
    }
    assert_marts(workspace, observations, descriptions, many)
    assert_as_if_built_at_once(workspace, project=project)
    workspace.obslake("verify", "--sample", "999")

    write_seed(project, [Equivalence(None, None, "tolerance", "0.1")])
    refused = workspace.run("dbt", "run", cwd=project)
    assert refused.returncode != 0
    assert "rule tolerance: the rule must be exact, exception_class, json" in refused.stdout
    assert_marts(workspace, observations, descriptions, many)

    write_seed(project, [])
    workspace.dbt("--quiet", "run", project=project)
    assert_marts(workspace, observations, descriptions)
