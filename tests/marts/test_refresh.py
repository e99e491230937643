"""Refreshing: marts that are built load by load equal marts that are built at once.

Tests that change a few problems share a lakehouse and its dbt runs (see `TIMELINE`). Each has its own data set.
"""

import csv
import json
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from obslake.lakehouse.ancestry import LOAD_ID_PROPERTY
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.schemas import OBSERVATIONS

from tests.harness.commands import PROJECT, Running
from tests.harness.requests import Point
from tests.harness.workspace import COMMANDS, Workspace
from tests.marts.comparison import SEEDS, descriptions_table, observations_table
from tests.marts.lockstep import Findings, Shared, Step, Steps, in_lockstep, play, scenarios_of
from tests.marts.test_end_to_end import MakeWorkspace, assert_marts
from tests.reference.equivalence import Equivalence, scopes_of
from tests.reference.naive import (
    ORACLE,
    Decision,
    Description,
    Observation,
    Renamed,
    runs_set_aside,
)
from tests.reference.strategies import (
    random_descriptions,
    random_equivalences,
    random_observations,
    random_renamed,
    random_voting_rules,
)
from tests.reference.voting import VotingRule

Rows = list[dict[str, object]]

_SCHEMAS = ("main", "main_intermediate")
RUN = ("--quiet", "run")
# The first run of a project with its variables creates views and functions, which do not change afterwards.
REFRESH = (*RUN, "--exclude", "config.materialized:view", "config.materialized:table_function")
OTHER_RULE = ("--vars", "obslake_oracle: c")

# `make faults` tries more histories.
_TRIALS = int(os.environ.get("OBSLAKE_FAULT_TRIALS", "0"))

# Every statement that dbt sends to DuckDB.
_STATEMENT = Point(
    "dbt.adapters.duckdb.environments.local:DuckDBCursorWrapper.execute", "before", 1
)


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
    """Compare every table and view row by row with those of a full build; keep the marts."""
    refreshed = workspace.marts.with_name("refreshed.duckdb")
    shutil.copy(workspace.marts, refreshed)
    workspace.dbt(*REFRESH, "--full-refresh", *arguments, project=project)
    with duckdb.connect() as connection:
        contents = {}
        for name, file in {"refreshed": refreshed, "at_once": workspace.marts}.items():
            connection.execute(f"attach '{file}' as {name} (read_only)")
            # Views find their tables in the current database.
            connection.execute(f"use {name}")
            relations = connection.execute(
                "select table_schema || '.' || table_name from information_schema.tables "
                "where table_catalog = ? and table_schema in ? order by 1",
                [name, list(_SCHEMAS)],
            ).fetchall()
            contents[name] = {}
            for (relation,) in relations:
                if relation.endswith("int_responses"):
                    continue  # a view on the lakehouse, which a plain client cannot read
                rows = connection.execute(f"from {relation}").fetchall()
                contents[name][relation] = sorted(map(repr, rows))
    assert len(contents["at_once"]) > 20
    assert contents["refreshed"].keys() == contents["at_once"].keys()
    for relation, rows in contents["at_once"].items():
        assert contents["refreshed"][relation] == rows, relation
    shutil.copy(refreshed, workspace.home / "building" / "obslake.duckdb")
    shutil.move(refreshed, workspace.marts)


def built(workspace: Workspace, *data_sets: str) -> dict[str, set[tuple[str, str]]]:
    """Return the problems, of all or some data sets, that each model built in its last run."""
    rows = workspace.query(
        "select model, data_set_id, problem_id from main_refresh.refresh_problems where is_stale"
    )
    problems: dict[str, set[tuple[str, str]]] = {}
    for model, *problem in rows:
        if not data_sets or problem[0] in data_sets:
            problems.setdefault(model, set()).add(tuple(problem))
    return problems


def start_a_run(workspace: Workspace, moments: Path) -> Running:
    """Start a run that writes a line to a file before and after each statement."""
    return COMMANDS.start(
        "dbt",
        *RUN,
        cwd=PROJECT,
        environment=workspace.environment,
        action="trace",
        points=(_STATEMENT,),
        note=moments,
    )


def moments_of(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0


def kill_a_run(workspace: Workspace, moment: float, seconds_per_moment: float) -> None:
    """Start a run, and kill it after a number of moments and a part of the next one."""
    with tempfile.TemporaryDirectory() as folder:
        moments = Path(folder) / "moments"
        running = start_a_run(workspace, moments)
        while running.is_running() and moments_of(moments) < int(moment):
            time.sleep(0.002)
        time.sleep(moment % 1 * seconds_per_moment)
        running.send(signal.SIGKILL)
        ended = running.wait()
        assert ended.was_killed, f"it had ended after {moments_of(moments)} moments: {ended.out}"


@pytest.mark.parametrize("seed", range(1 + _TRIALS // 100))
def test_random_sequences_of_loads_and_runs(workspace: Workspace, seed: int) -> None:
    chance = random.Random(seed)
    observations = random_observations(seed, n_problems=15)
    descriptions = random_descriptions(seed, observations)
    # The latest load of each attribute counts, so the order of loads must be that of the descriptions.
    described_by = sorted({d.load_id for d in descriptions})
    moments, seconds = 0, 0.0
    for number in range(max(4, len(described_by))):
        if number < 4:
            load_observations(workspace, observations[number::4], f"observations-{number}")
        if number < len(described_by):
            part = [d for d in descriptions if d.load_id == described_by[number]]
            load_descriptions(workspace, part, f"descriptions-{number}")
        step = chance.choice(["run", "run", "partial run", "killed run"])
        if number == 0:
            file = workspace.folder / "moments"
            ended = start_a_run(workspace, file).wait()
            assert ended.status == 0, ended.out + ended.err
            moments, seconds = moments_of(file), ended.seconds
        elif step == "run":
            workspace.dbt(*RUN)
        elif step == "partial run":
            selected = chance.choice(
                ["int_actuations+1", "consensus_oracles int_clusters", "path:models/refresh"]
            )
            workspace.dbt(*RUN, "--select", *selected.split())
        else:
            # A run on existing tables has more moments than the run that created them.
            moment = chance.uniform(0, moments)
            kill_a_run(workspace, moment, seconds / moments)
    workspace.dbt(*RUN)
    assert_as_if_built_at_once(workspace)
    assert_marts(workspace, observations, descriptions)


def keep_the_snapshot(shared: Shared) -> None:
    shared.snapshots["earlier"] = shared.status()["snapshots"][-1]["snapshot_id"]


def as_of_earlier(shared: Shared) -> tuple[str, str]:
    return "--vars", f"as_of_snapshot: {shared.snapshots['earlier']}"


# Between two steps scenarios check the marts and change rows. One scenario rolls back, which also removes the rows
# of others: they load before the snapshot is kept, or after the rollbacks.
FIRST_RUN = Step(
    "the first run, by another rule",
    lambda shared: shared.dbt(*RUN, *OTHER_RULE),
    is_always_made=True,
)
KEPT = Step("the snapshot is kept", keep_the_snapshot, is_always_made=True)
BY_THE_RULES = Step("a run by the rules", lambda shared: shared.dbt(*RUN), is_always_made=True)
SECOND_RUN = Step("the second run", lambda shared: shared.dbt(*REFRESH))
THIRD_RUN = Step("the third run", lambda shared: shared.dbt(*REFRESH))
ROLLED_BACK = Step("no more rollbacks", lambda shared: None)
FOURTH_RUN = Step("the fourth run", lambda shared: shared.dbt(*REFRESH))
FIFTH_RUN = Step("the fifth run", lambda shared: shared.dbt(*REFRESH))
# Nobody forgets rows between these, which would change the loads that all scenarios share.
SIXTH_RUN = Step("the sixth run", lambda shared: shared.dbt(*REFRESH))
SEVENTH_RUN = Step("the seventh run", lambda shared: shared.dbt(*REFRESH))
COMPARED = Step("a comparison with a full build", assert_as_if_built_at_once)
AS_OF_EARLIER = Step(
    "a run as of the snapshot", lambda shared: shared.dbt(*REFRESH, *as_of_earlier(shared))
)
COMPARED_AS_OF_EARLIER = Step(
    "a comparison with a full build as of the snapshot",
    lambda shared: assert_as_if_built_at_once(shared, *as_of_earlier(shared)),
)
CURRENT_AGAIN = Step("a run as of now", lambda shared: shared.dbt(*REFRESH))
# No other scenario may change rows from here on.
FULL_REFRESH = Step("a full build", lambda shared: shared.dbt(*REFRESH, "--full-refresh"))
IDLE_RUN = Step("a run with nothing to do", lambda shared: shared.dbt(*RUN))
RUN_AFTER_ONE_LOAD = Step("a run after one load", lambda shared: shared.dbt(*RUN))
TIMELINE = (
    *(FIRST_RUN, KEPT, BY_THE_RULES, SECOND_RUN, THIRD_RUN, ROLLED_BACK, FOURTH_RUN, FIFTH_RUN),
    *(SIXTH_RUN, SEVENTH_RUN, COMPARED, AS_OF_EARLIER, COMPARED_AS_OF_EARLIER, CURRENT_AGAIN),
    *(FULL_REFRESH, IDLE_RUN, RUN_AFTER_ONE_LOAD),
)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Findings:
    """The findings of the scenarios; each has a data set of three problems with three implementations each."""
    shared = Shared(tmp_path_factory.mktemp("refresh"))
    scenarios = scenarios_of(request.session, request.path)
    rows = [
        {"data_set_id": data_set, **row(p, i)}
        for data_set in scenarios
        for p in ("p1", "p2", "p3")
        for i in ("a", "b", "c")
    ]
    shared.obslake("load", "observations", "-", stdin=lines(rows))
    return play(TIMELINE, shared, scenarios)


def row(problem: str, implementation: str) -> dict[str, object]:
    return {
        "problem_id": problem,
        "implementation_id": implementation,
        "test_id": "t",
        "output": "1",
    }


def lines(rows: list[dict[str, object]]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def load_rows(
    workspace: Workspace, data_set: str, rows: list[dict[str, object]], table: str = "observations"
) -> None:
    workspace.obslake("load", table, "-", "--data-set", data_set, stdin=lines(rows))


def sizes(workspace: Workspace, data_set: str) -> list[tuple[object, ...]]:
    """Return the sizes of the clusters of a data set, by problem."""
    return workspace.query(
        "select problem_id, n_implementations from behavior_clusters "
        "where data_set_id = ? order by 1",
        [data_set],
    )


@in_lockstep
def test_only_the_problems_of_a_load_are_built(shared: Shared, data_set: str) -> Steps:
    """Checks all data sets, so no other scenario changes anything meanwhile."""
    yield FULL_REFRESH
    models = built(shared).keys()
    assert {"int_actuations", "int_clusters", "consensus_oracles", "behavior_clusters"} <= models
    yield IDLE_RUN
    assert built(shared) == {}

    load_rows(shared, data_set, [row("p2", "d")])
    yield RUN_AFTER_ONE_LOAD
    assert built(shared) == {key: {(data_set, "p2")} for key in models}
    assert shared.query(
        "select problem_id, n_voters from consensus_oracles where data_set_id = ? order by 1",
        [data_set],
    ) == [("p1", 3), ("p2", 4), ("p3", 3)]


@in_lockstep
def test_a_description_builds_only_the_models_that_depend_on_it(
    shared: Shared, data_set: str
) -> Steps:
    yield ROLLED_BACK
    description = {"problem_id": "p3", "implementation_id": "a", "lineage": "l", "revision": "1"}
    load_rows(shared, data_set, [description], "implementations")
    yield FOURTH_RUN
    models = [
        *("int_implementations", "int_lineage_cells", "int_lineage_revisions"),
        *("int_other_contents", "behavior_changes"),
        # Who votes can depend on the origin and the code; if nobody else does, nothing more is built.
        *("int_non_voters", "int_implementation_signatures"),
    ]
    assert built(shared, data_set) == {key: {(data_set, "p3")} for key in models}
    described = "select problem_id from lineage where data_set_id = ?"
    assert shared.query(described, [data_set]) == [("p3",)]


@in_lockstep
def test_a_system_of_a_data_set_belongs_to_all_its_problems(shared: Shared, data_set: str) -> Steps:
    yield ROLLED_BACK
    export = shared.folder / "candidates.json"
    export.write_text('{"response": {"docs": [{"id": "a", "content": "code"}]}}')
    shared.obslake("load", "lasso", str(export), "--data-set", data_set)
    yield FOURTH_RUN
    models = built(shared, data_set)
    assert len(models["int_implementations"]) == 3
    assert "int_actuations" not in models
    described = "select count(*) from implementations where content = 'code' and data_set_id = ?"
    assert shared.query(described, [data_set]) == [(3,)]
    assert shared.query("select count(*) from implementations where content = 'code'") == [(3,)]


def columns_built(workspace: Workspace, model: str, data_set: str) -> set[tuple[object, ...]]:
    """Return the columns of matrices, as problem and implementation, that a model built when it was last run."""
    return set(
        workspace.query(
            "select problem_id, implementation_id from main_refresh.refresh_columns "
            "where model = ? and data_set_id = ?",
            [model, data_set],
        )
    )


@in_lockstep
def test_only_the_implementations_of_a_load_are_built_again(shared: Shared, data_set: str) -> Steps:
    def describe(implementation: str, day: int) -> dict[str, object]:
        names = {"implementation_id": implementation, "revision": implementation, "lineage": "l"}
        return {"problem_id": "p1", "revised_at": f"2024-01-0{day}T00:00:00Z", **names}

    yield FIFTH_RUN
    revisions = [describe("a", 1), describe("b", 2), describe("c", 4)]
    load_rows(shared, data_set, revisions, "implementations")
    load_rows(shared, data_set, [{**row("p1", "a"), "test_id": "u"}])
    yield SIXTH_RUN
    # A revision between two others: the next one is compared with it, and its rank changes.
    load_rows(shared, data_set, [describe("d", 3)], "implementations")
    load_rows(shared, data_set, [{**row("p1", "d"), "output": "2"}])
    yield SEVENTH_RUN
    for model in ("int_actuations", "int_column_signatures", "int_lineage_cells"):
        assert columns_built(shared, model, data_set) == {("p1", "d")}
    assert columns_built(shared, "behavior_changes", data_set) == {("p1", "d"), ("p1", "c")}
    changes = (
        "select implementation_id, previous_implementation_id, revision_rank "
        "from behavior_changes where data_set_id = ? order by revision_rank"
    )
    assert shared.query(changes, [data_set]) == [
        ("b", "a", 2),
        ("d", "b", 3),
        ("c", "d", 4),
    ]
    yield COMPARED


def described(problem: str, implementation: str, day: int | None) -> dict[str, object]:
    """Return the description of a revision of a lineage."""
    date = {"revised_at": f"2024-01-0{day}T00:00:00Z"} if day else {}
    return {**row_key(problem, implementation), "lineage": "l", **date}


def row_key(problem: str, implementation: str) -> dict[str, object]:
    return {"problem_id": problem, "implementation_id": implementation}


@in_lockstep
def test_a_date_in_one_problem_moves_the_revision_in_others(shared: Shared, data_set: str) -> Steps:
    yield FIFTH_RUN
    days = {"a": 1, "b": 2, "c": 3}
    revisions = [described("p1", i, day) for i, day in days.items()]
    revisions += [described("p2", i, None) for i in days]
    load_rows(shared, data_set, revisions, "implementations")
    load_rows(shared, data_set, [{**row("p1", i), "test_id": i} for i in days])
    yield SIXTH_RUN
    load_rows(shared, data_set, [described("p2", "b", 4)], "implementations")
    yield SEVENTH_RUN
    assert built(shared, data_set)["int_implementations"] == {(data_set, "p2")}
    columns = columns_built(shared, "behavior_changes", data_set)
    assert {(p, i) for p, i in columns if p == "p1"} == {("p1", "b"), ("p1", "c")}
    order = (
        "select distinct implementation_id, revision_rank from lineage "
        "where data_set_id = ? and problem_id = 'p1' order by 2"
    )
    assert shared.query(order, [data_set]) == [("a", 1), ("c", 2), ("b", 3)]
    yield COMPARED


@in_lockstep
def test_dates_of_revisions_change_their_order_only(shared: Shared, data_set: str) -> Steps:
    yield FIFTH_RUN
    revisions = [
        described(problem, i, None) | {"revision": i} for problem in ("p1", "p2") for i in "abc"
    ]
    load_rows(shared, data_set, revisions, "implementations")
    load_rows(shared, data_set, [{**row("p1", i), "test_id": i} for i in "abc"])
    yield SIXTH_RUN
    dates = [
        {"lineage": "l", "revision": revision, "revised_at": f"2024-01-0{day}T00:00:00Z"}
        for revision, day in {"a": 1, "c": 2, "b": 3}.items()
    ]
    load_rows(shared, data_set, dates, "revisions")
    yield SEVENTH_RUN
    concerned = {model for model, problems in built(shared, data_set).items() if problems}
    assert concerned <= {"int_lineage_revisions", "int_other_contents", "behavior_changes"}
    order = (
        "select distinct implementation_id, revision_rank from lineage "
        "where data_set_id = ? and problem_id = 'p1' order by 2"
    )
    assert shared.query(order, [data_set]) == [("a", 1), ("c", 2), ("b", 3)]
    yield COMPARED


@in_lockstep
def test_a_known_revision_in_one_more_environment_concerns_no_earlier_ones(
    shared: Shared, data_set: str
) -> Steps:
    """Environments of a night are often loaded one after the other."""
    yield FIFTH_RUN
    days = {"a": 1, "b": 2, "c": 3}
    revisions = [described("p1", i, day) for i, day in days.items()]
    load_rows(shared, data_set, revisions, "implementations")
    load_rows(shared, data_set, [{**row("p1", "a"), "test_id": "u"}])
    yield SIXTH_RUN
    load_rows(shared, data_set, [{**row("p1", "c"), "environment_id": "e2", "output": "2"}])
    yield SEVENTH_RUN
    assert columns_built(shared, "behavior_changes", data_set) == {("p1", "c")}
    yield COMPARED


@in_lockstep
def test_another_implementation_of_a_revision_takes_its_place(
    shared: Shared, data_set: str
) -> Steps:
    yield FIFTH_RUN
    revisions = {"a": "1", "b": "2", "c": "3"}
    rows = [described("p1", i, None) | {"revision": r} for i, r in revisions.items()]
    load_rows(shared, data_set, rows, "implementations")
    load_rows(shared, data_set, [{**row("p1", i), "test_id": f"u{i}"} for i in revisions])
    yield SIXTH_RUN
    rows = [described("p1", "a again", None) | {"revision": "1"}]
    load_rows(shared, data_set, rows, "implementations")
    load_rows(shared, data_set, [row("p1", "a again")])
    yield SEVENTH_RUN
    revisions_shown = (
        "select distinct implementation_id, revision, revision_rank from lineage "
        "where data_set_id = ? order by 3"
    )
    assert shared.query(revisions_shown, [data_set]) == [
        ("a again", "1", 1),
        ("b", "2", 2),
        ("c", "3", 3),
    ]
    yield COMPARED


@in_lockstep
def test_the_first_implementation_of_a_revision_may_be_in_another_problem(
    shared: Shared, data_set: str
) -> Steps:
    """No place in the order changes, but the rows of the revision do."""
    yield FIFTH_RUN
    days = {"a": 1, "b": 2, "c": 3}
    rows = [described("p1", i, day) | {"revision": i} for i, day in days.items()]
    load_rows(shared, data_set, rows, "implementations")
    load_rows(shared, data_set, [{**row("p1", i), "test_id": "u"} for i in days])
    yield SIXTH_RUN
    other = described("p2", "0", None) | {"revision": "b"}
    load_rows(shared, data_set, [other], "implementations")
    load_rows(shared, data_set, [row("p2", "0")])
    yield SEVENTH_RUN
    assert shared.query(
        "select implementation_id, first_implementation_id from main_intermediate.int_lineage_revisions "
        "where data_set_id = ? and problem_id = 'p1' order by revision_rank",
        [data_set],
    ) == [("a", "a"), ("b", "0"), ("c", "c")]
    yield COMPARED


@in_lockstep
def test_random_histories_of_lineages(shared: Shared, data_set: str) -> Steps:
    """Late runs, late dates, and implementations that change their lineage or revision, in pairs of problems."""
    chance = random.Random(1)

    def load_more() -> None:
        described, executed = [], []
        for number in range(60):
            problems = [f"problem {number}", f"problem {number} again"]
            time = f"2026-01-{chance.randrange(10, 20)}T0{chance.randrange(3)}:00:00Z"
            implementation = chance.choice("abcdef")
            key = {"problem_id": chance.choice(problems), "implementation_id": implementation}
            if chance.random() < 0.6:
                lineage = f"lineage {number}" + chance.choice(["", "", "", " forked"])
                revision = {"revision": chance.choice("123")} if chance.random() < 0.6 else {}
                date = {"revised_at": time} if chance.random() < 0.4 else {}
                described.append({**key, "lineage": lineage, **revision, **date})
            if chance.random() < 0.9:
                environment = chance.choice("ef")
                executed += [
                    {
                        **{"problem_id": problem, "implementation_id": implementation},
                        **{"environment_id": environment, "observed_at": time, "test_id": test},
                        "run_id": f"{implementation} {environment} {time}",
                        "output": chance.choice("112"),
                    }
                    for problem in chance.sample(problems, chance.randint(1, 2))
                    for test in chance.sample("tuv", chance.randint(1, 3))
                ]
        load_rows(shared, data_set, described, "implementations")
        load_rows(shared, data_set, executed)

    with_gaps = (
        "select problem_id, lineage, environment_id from lineage_revisions where data_set_id = ? "
        "group by all having max(revision_rank) <> count(*)"
    )
    load_more()
    yield BY_THE_RULES
    assert shared.query(with_gaps, [data_set]) == []
    # Another scenario counts what all of them build in the fifth run.
    for before, run in ((ROLLED_BACK, FOURTH_RUN), (FIFTH_RUN, SIXTH_RUN), (None, SEVENTH_RUN)):
        if before:
            yield before
        load_more()
        load_more()
        load_more()
        yield run
        assert shared.query(with_gaps, [data_set]) == []
    n_rows = "select count(*) from behavior_changes where data_set_id = ?"
    assert shared.query(n_rows, [data_set])[0][0] > 100
    yield COMPARED


@in_lockstep
def test_what_is_said_of_all_implementations_builds_all_of_a_problem(
    shared: Shared, data_set: str
) -> Steps:
    yield FIFTH_RUN
    load_rows(shared, data_set, [row("p3", "oracle")])
    yield SIXTH_RUN
    assert columns_built(shared, "int_actuations", data_set) == {
        ("p3", i) for i in ("a", "b", "c", "oracle")
    }
    yield COMPARED


@in_lockstep
def test_a_run_that_answers_alike_builds_nothing_that_collapses_runs(
    shared: Shared, data_set: str
) -> Steps:
    def load_run(name: str, output: str) -> None:
        run = ("load", "observations", "-", "--data-set", data_set, "--run", name)
        shared.obslake(*run, stdin=lines([{**row("p2", "a"), "output": output}]))

    collapsed = {"int_clusters", "int_tests", "consensus_oracles", "discriminating_tests"}
    runs = "select n_runs, is_stable from stimulus_response_matrix where data_set_id = ? and n_runs > 1"
    yield FIFTH_RUN
    load_run("again", "1")
    yield SIXTH_RUN
    models = built(shared, data_set)
    assert models["int_run_signatures"] == {(data_set, "p2")}
    assert not collapsed & models.keys()
    assert shared.query(runs, [data_set]) == [(2, True)]
    load_run("otherwise", "2")
    yield SEVENTH_RUN
    assert collapsed <= built(shared, data_set).keys()
    assert shared.query(runs, [data_set]) == [(3, False)]
    yield COMPARED


def night(number: int, output: str, problems: tuple[str, ...] = ("p1", "p2")) -> Rows:
    """Return the verdicts of twelve tests in one night, of a revision of its own."""
    return [
        {
            "problem_id": problem,
            "implementation_id": f"revision {number}",
            "test_id": f"t{test}",
            "run_id": f"night {number}",
            "output": output,
            "observed_at": f"2026-01-{number:02}T00:00:00Z",
        }
        for problem in problems
        for test in range(6)
    ]


def of_main(number: int) -> Rows:
    """Return the description of the revision of a night."""
    return [
        {"problem_id": p, "implementation_id": f"revision {number}", "lineage": "main"}
        for p in ("p1", "p2")
    ]


def load_night(shared: Shared, data_set: str, number: int, output: str) -> None:
    load_rows(shared, data_set, of_main(number), "implementations")
    load_rows(shared, data_set, night(number, output))


def runs_shown(shared: Shared, data_set: str) -> list[tuple[object, ...]]:
    """Return the runs that are set aside, and their reasons."""
    return shared.query(
        "select run_id, set_aside_reason from runs where data_set_id = ? and is_set_aside",
        [data_set],
    )


def changes_shown(shared: Shared, data_set: str) -> list[tuple[object, ...]]:
    """Return how many changes of each class each revision made."""
    return shared.query(
        "select implementation_id, change, count(*) from behavior_changes where data_set_id = ? "
        "group by all order by all",
        [data_set],
    )


LOST = "12 of 12 tests fail alike (ConnectionError), unlike in the run before"


@in_lockstep
def test_a_broken_night_is_set_aside_and_the_next_one_builds_its_own_column(
    shared: Shared, data_set: str
) -> Steps:
    yield FIFTH_RUN
    load_night(shared, data_set, 1, "passed")
    load_night(shared, data_set, 9, "error@ConnectionError@refused")
    yield SIXTH_RUN
    assert runs_shown(shared, data_set) == [("night 9", LOST)]
    assert changes_shown(shared, data_set) == []
    assert not shared.query(
        "select 1 from implementations where data_set_id = ? and implementation_id = 'revision 9'",
        [data_set],
    )
    load_night(shared, data_set, 11, "passed")
    yield SEVENTH_RUN
    # Another reason builds nothing.
    assert runs_shown(shared, data_set) == [("night 9", f"{LOST} and the run after")]
    assert columns_built(shared, "int_actuations", data_set) == {
        (p, "revision 11") for p in ("p1", "p2")
    }
    assert changes_shown(shared, data_set) == []
    yield COMPARED


@in_lockstep
def test_two_broken_nights_in_a_row_are_not_set_aside(shared: Shared, data_set: str) -> Steps:
    yield ROLLED_BACK
    load_night(shared, data_set, 1, "passed")
    load_night(shared, data_set, 9, "error@ConnectionError@refused")
    load_night(shared, data_set, 11, "passed")
    yield FOURTH_RUN
    assert runs_shown(shared, data_set) == [("night 9", f"{LOST} and the run after")]
    yield FIFTH_RUN
    # A late run, of a time between two others.
    load_night(shared, data_set, 10, "error@ConnectionError@timed out")
    yield SIXTH_RUN
    assert runs_shown(shared, data_set) == []
    assert changes_shown(shared, data_set) == [
        ("revision 11", "fixed", 12),
        ("revision 9", "regressed", 12),
    ]
    assert {p for p, _ in columns_built(shared, "int_lineage_cells", data_set)} == {"p1", "p2"}
    # It was tried again, and passed: the night before it is an accident again.
    load_rows(shared, data_set, [r | {"output": "passed", "attempt": 1} for r in night(10, "")])
    yield SEVENTH_RUN
    assert runs_shown(shared, data_set) == [("night 9", f"{LOST} and the run after")]
    assert changes_shown(shared, data_set) == []
    yield COMPARED


@in_lockstep
def test_a_load_that_was_committed_late_is_not_missed(shared: Shared, data_set: str) -> Steps:
    """Its id is older than those that were built, because it began before them and took longer."""
    yield ROLLED_BACK
    table = Lakehouse.open(shared.home).table(OBSERVATIONS)
    rows = table.scan(row_filter=f"data_set_id = '{data_set}' and problem_id = 'p1'").to_arrow()
    late = "00000000-0000-7000-8000-000000000000"
    for column, value in {"load_id": late, "test_id": "u"}.items():
        index = rows.schema.get_field_index(column)
        field = rows.schema.field(index)
        rows = rows.set_column(index, field, pa.array([value] * len(rows), field.type))
    table.append(rows, snapshot_properties={LOAD_ID_PROPERTY: late})
    yield FOURTH_RUN
    assert built(shared, data_set)["int_actuations"] == {(data_set, "p1")}
    cells = "select count(*) from stimulus_response_matrix where data_set_id = ?"
    assert shared.query(cells, [data_set]) == [(12,)]


@in_lockstep
def test_an_earlier_snapshot_and_back(shared: Shared, data_set: str) -> Steps:
    yield ROLLED_BACK
    load_rows(shared, data_set, [row("p3", "d"), row("p4", "d")])
    now = [("p1", 3), ("p2", 3), ("p3", 4), ("p4", 1)]
    yield FOURTH_RUN
    assert sizes(shared, data_set) == now
    yield AS_OF_EARLIER
    assert sizes(shared, data_set) == [("p1", 3), ("p2", 3), ("p3", 3)]
    yield CURRENT_AGAIN
    assert built(shared, data_set)["int_actuations"] == {(data_set, "p3"), (data_set, "p4")}
    assert sizes(shared, data_set) == now


@in_lockstep
def test_loads_that_were_rolled_back(shared: Shared, data_set: str) -> Steps:
    yield KEPT
    load_rows(shared, data_set, [row("p3", "d"), row("p4", "d")])
    description = {"problem_id": "p1", "implementation_id": "a", "lineage": "l", "revision": "1"}
    load_rows(shared, data_set, [description], "implementations")
    last = shared.status()["snapshots"][-1]["snapshot_id"]
    yield BY_THE_RULES
    now = [("p1", 3), ("p2", 3), ("p3", 4), ("p4", 1)]
    assert sizes(shared, data_set) == now

    shared.obslake("rollback", "--to", str(shared.snapshots["earlier"]), "--yes")
    yield SECOND_RUN
    models = built(shared)
    assert models["int_actuations"] == {(data_set, "p3"), (data_set, "p4")}
    assert models["int_implementations"] == {(data_set, p) for p in ("p1", "p3", "p4")}
    assert sizes(shared, data_set) == [("p1", 3), ("p2", 3), ("p3", 3)]
    # The same sources again, by new loads.
    load_rows(shared, data_set, [row("p3", "d"), row("p4", "d")])
    yield THIRD_RUN
    assert built(shared)["int_actuations"] == {(data_set, "p3"), (data_set, "p4")}
    assert sizes(shared, data_set) == now
    # Another tool restores the state before the rollback.
    observations = Lakehouse.open(shared.home).table(OBSERVATIONS)
    observations.manage_snapshots().set_current_snapshot(snapshot_id=last).commit()
    yield FOURTH_RUN
    assert sizes(shared, data_set) == now
    yield COMPARED


@in_lockstep
def test_rows_that_were_forgotten(shared: Shared, data_set: str) -> Steps:
    yield FIRST_RUN
    other = data_set + "-other"
    rows = [row(p, i) for p in ("p2", "p3") for i in ("a", "d")]
    run = ("load", "observations", "-", "--data-set", data_set, "--run", "again")
    shared.obslake(*run, stdin=lines(rows))
    both = [{**row("p1", "a"), "data_set_id": d} for d in (data_set, other)]
    shared.obslake("load", "observations", "-", stdin=lines(both))
    load_rows(shared, data_set, [{"problem_id": "p1", "test_id": "t", "origin": "suite"}], "tests")
    yield BY_THE_RULES
    assert sizes(shared, data_set) == [("p1", 3), ("p2", 4), ("p3", 4)]

    def forget(*options: str) -> None:
        shared.obslake("forget", "--data-set", data_set, "--yes", *options)

    yield ROLLED_BACK
    forget("--problem", "p1")
    yield FOURTH_RUN
    models = built(shared, data_set, other)
    assert models["int_actuations"] == models["int_tests"] == {(data_set, "p1")}
    assert sizes(shared, data_set) == [("p2", 4), ("p3", 4)]
    assert sizes(shared, other) == [("p1", 1)]
    # Some rows of a problem; its other rows stay.
    forget("--run", "again")
    yield FIFTH_RUN
    assert built(shared)["int_actuations"] == {(data_set, p) for p in ("p2", "p3")}
    assert sizes(shared, data_set) == [("p2", 3), ("p3", 3)]
    yield COMPARED
    # An earlier snapshot still has the rows, and marts that were rebuilt meanwhile read them there.
    yield AS_OF_EARLIER
    assert sizes(shared, data_set) == [("p1", 3), ("p2", 4), ("p3", 4)]
    yield COMPARED_AS_OF_EARLIER
    forget()
    yield CURRENT_AGAIN
    models = built(shared, data_set, other)
    assert models["int_actuations"] == {(data_set, p) for p in ("p1", "p2", "p3")}
    assert sizes(shared, data_set) == []


@in_lockstep
def test_a_changed_rule_builds_everything_it_may_change(shared: Shared, data_set: str) -> Steps:
    voters = "select distinct n_voters from consensus_oracles where data_set_id = ?"
    yield FIRST_RUN
    assert shared.query(voters, [data_set]) == [(2,)]
    yield BY_THE_RULES
    assert len(built(shared, data_set)["consensus_oracles"]) == 3
    assert shared.query(voters, [data_set]) == [(3,)]
    yield COMPARED


SeedRow = Equivalence | Decision | Renamed | VotingRule


def copy_project(workspace: Workspace) -> Path:
    """Return a copy of the dbt project that the test can change."""
    project = workspace.folder / "project"
    for part in ("models", "macros", "seeds", "tests/dbt"):
        shutil.copytree(PROJECT / part, project / part)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(PROJECT / name, project)
    return project


def write_seed(project: Path, seed: str, rows: Sequence[SeedRow]) -> None:
    """Write a seed as users do: empty fields, quotes if needed."""
    with (project / "seeds" / f"{seed}.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(field.name for field in fields(SEEDS[seed]))
        writer.writerows(map(astuple, rows))


@dataclass(frozen=True)
class Seeded:
    """A lakehouse with a project whose seeds tests fill, and empty again.

    Attributes:
        workspace: its workspace.
        project: a copy of the project, which builds it.
        observations: all that is loaded.
        descriptions: likewise.
        filled: the seeds that had rows when they were written last, or when the marts were built last.
    """

    workspace: Workspace
    project: Path
    observations: list[Observation]
    descriptions: list[Description]
    filled: set[str] = field(default_factory=set)

    def refresh(self) -> None:
        self.workspace.dbt(*REFRESH, project=self.project)
        self.filled.intersection_update(seed for seed in SEEDS if self._has_rows(seed))

    def write(self, seed: str, rows: Sequence[SeedRow]) -> None:
        write_seed(self.project, seed, rows)
        if rows:
            self.filled.add(seed)

    def empty(self) -> None:
        """Build the marts without any rows of seeds, unless they are built so."""
        for seed in SEEDS:
            write_seed(self.project, seed, [])
        if self.filled:
            self.refresh()

    def _has_rows(self, seed: str) -> bool:
        return len((self.project / "seeds" / f"{seed}.csv").read_text().splitlines()) > 1

    def assert_marts(self, **rules: Any) -> None:
        assert_marts(self.workspace, self.observations, self.descriptions, **rules)

    def refused(self) -> str:
        """Return what a run that fails says."""
        refused = self.workspace.run("dbt", "run", cwd=self.project)
        assert refused.returncode != 0
        return refused.stdout


@pytest.fixture(scope="module")
def built_without_seeds(make_workspace: MakeWorkspace) -> Seeded:
    """Build the lakehouse without any rows of seeds."""
    workspace = make_workspace("seeds")
    observations = random_observations(8, n_problems=40)
    descriptions = random_descriptions(8, observations)
    load_observations(workspace, observations, "observations")
    for load_id in sorted({d.load_id for d in descriptions}):
        part_of_load = [d for d in descriptions if d.load_id == load_id]
        load_descriptions(workspace, part_of_load, f"descriptions-{load_id}")
    seeded = Seeded(workspace, copy_project(workspace), observations, descriptions)
    workspace.dbt(*RUN, project=seeded.project)
    seeded.assert_marts()
    return seeded


@pytest.fixture
def seeded(built_without_seeds: Seeded) -> Iterator[Seeded]:
    """Provide the lakehouse, and take back what the test has written."""
    yield built_without_seeds
    built_without_seeds.empty()


def test_changed_response_equivalences(seeded: Seeded) -> None:
    """They rebuild exactly the problems that they apply to, in all marts."""
    observations = seeded.observations
    problems = {(o.data_set_id, o.problem_id) for o in observations}

    one, other = sorted(problems)[3:5]
    some = [Equivalence(*one, None, "json"), Equivalence(*one, "t*", "significant_digits", "1")]
    some += [Equivalence(None, other[1], None, "exception_class")]
    seeded.write("response_equivalences", some)
    seeded.refresh()
    concerned = {one} | {p for p in problems if p[1] == other[1]}
    assert built(seeded.workspace)["int_canonical_responses"] == concerned
    assert built(seeded.workspace)["consensus_oracles"] == concerned
    assert built(seeded.workspace)["behavior_changes"] <= concerned
    seeded.assert_marts(equivalences=some)

    # Other rules for many problems, read by `dbt seed`; the rules of some problems do not change.
    many = random_equivalences(8, observations)
    seeded.write("response_equivalences", many)
    seeded.workspace.dbt("--quiet", "seed", project=seeded.project)
    seeded.refresh()
    assert built(seeded.workspace)["int_actuations"] == {
        p for p in problems if scopes_of(some, *p) != scopes_of(many, *p)
    }
    seeded.assert_marts(equivalences=many)
    assert_as_if_built_at_once(seeded.workspace, project=seeded.project)
    seeded.workspace.obslake("verify", "--sample", "999")

    tolerance = Equivalence(None, None, None, "tolerance", "0.1")
    seeded.write("response_equivalences", [tolerance])
    refused = seeded.refused()
    assert "rule tolerance: the rule must be exact, exception_class, json" in refused
    seeded.assert_marts(equivalences=many)

    seeded.write("response_equivalences", [])
    seeded.refresh()
    seeded.assert_marts()


def test_changed_voting_rules(seeded: Seeded) -> None:
    """They rebuild the votes of exactly the problems that they apply to, and no responses."""
    observations = seeded.observations
    problems = {(o.data_set_id, o.problem_id) for o in observations}
    one, other = sorted(problems)[3:5]
    some = [
        VotingRule(*one, "minimal_support", "more than 0.5 of implementations"),
        VotingRule(*one, "eligible_kind", "exception"),
        VotingRule(None, other[1], "abstaining_kind", "value"),
    ]
    seeded.write("voting_rules", some)
    seeded.refresh()
    concerned = {one} | {p for p in problems if p[1] == other[1]}
    models = built(seeded.workspace)
    assert models["int_voting_rules"] == models["consensus_oracles"] == concerned
    assert "int_actuations" not in models
    assert "stimulus_response_cube" not in models
    seeded.assert_marts(voting_rules=some)

    many = random_voting_rules(8, observations)
    seeded.write("voting_rules", many)
    seeded.workspace.dbt("--quiet", "seed", project=seeded.project)
    seeded.refresh()
    assert "int_actuations" not in built(seeded.workspace)
    seeded.assert_marts(voting_rules=many)
    assert_as_if_built_at_once(seeded.workspace, project=seeded.project)
    seeded.workspace.obslake("verify", "--sample", "999")

    seeded.write("voting_rules", [VotingRule("d", None, "minimal_support", "half of voters")])
    refused = seeded.refused()
    assert "voting_rules, data set d, problem (any), rule minimal_support, argument half" in refused
    assert "must be a whole number from 1, or such as: 0.5 of voters" in refused
    seeded.assert_marts(voting_rules=many)

    seeded.write("voting_rules", [])
    seeded.refresh()
    seeded.assert_marts()


def test_changed_runs_set_aside(seeded: Seeded) -> None:
    """They rebuild exactly the problems that the runs executed, and say which runs there are not."""
    observations = seeded.observations
    recognised = runs_set_aside(observations, seeded.descriptions)
    assert recognised

    (data_set, run, environment), *_ = sorted(recognised)
    one = sorted({(o.data_set_id, o.run_id) for o in observations if o.implementation_id != ORACLE})
    some = [
        Decision(data_set, run, environment, "false"),
        Decision(*one[0], None, "true", 'no "network"'),
    ]
    seeded.write("runs_set_aside", [*some, Decision("d", "never", None, "true", "x")])
    output = seeded.workspace.run("dbt", "run", cwd=seeded.project).stdout
    assert (
        "runs_set_aside, data set d, environment (any), run never: no implementation has rows of this run"
        in output
    )
    assert built(seeded.workspace)["int_actuations"] == {
        (o.data_set_id, o.problem_id)
        for o in observations
        if o.implementation_id != ORACLE
        and (
            (o.data_set_id, o.run_id) == one[0]
            or (o.data_set_id, o.run_id, o.environment_id) == (data_set, run, environment)
        )
    }
    seeded.assert_marts(decisions=some)
    assert_as_if_built_at_once(seeded.workspace, project=seeded.project)
    seeded.workspace.obslake("verify", "--sample", "999")

    # Another reason changes nothing but the reason.
    some = [some[0], replace(some[1], reason="no network")]
    seeded.write("runs_set_aside", some)
    seeded.refresh()
    assert built(seeded.workspace) == {}
    seeded.assert_marts(decisions=some)

    seeded.write("runs_set_aside", [Decision(None, "r", None, "true")])
    refused = seeded.refused()
    message = "environment (any), run r: a run that is set aside needs a reason"
    assert message in refused
    seeded.assert_marts(decisions=some)

    seeded.write("runs_set_aside", [])
    seeded.refresh()
    seeded.assert_marts()


def test_changed_renamed_tests(seeded: Seeded) -> None:
    """They rebuild exactly the problems that they apply to; a test then has the history of both names."""
    observations = seeded.observations
    problems = {(o.data_set_id, o.problem_id) for o in observations}

    tests = sorted({(o.data_set_id, o.problem_id, o.test_id) for o in observations})
    one, other = tests[3], tests[-3]
    some = [Renamed(*one, "a new name"), Renamed(None, *other[1:], "another name")]
    seeded.write("renamed_tests", some)
    seeded.refresh()
    assert built(seeded.workspace)["int_actuations"] == {one[:2]} | {
        p for p in problems if p[1] == other[1]
    }
    seeded.assert_marts(renamed=some)

    many = random_renamed(8, observations)
    seeded.write("renamed_tests", many)
    seeded.refresh()
    seeded.assert_marts(renamed=many)
    assert_as_if_built_at_once(seeded.workspace, project=seeded.project)
    seeded.workspace.obslake("verify", "--sample", "999")

    chain = [Renamed(None, None, "a", "b"), Renamed("d", None, "b", "c")]
    for faulty, message in (
        (
            [*chain, Renamed("d2", None, "a", "c")],
            "problem (any), test a: b is renamed to c: rename a to c, too",
        ),
        (
            [chain[0], Renamed("d", "p", "b", "a")],
            "problem p, test b: a is renamed to b: names cannot be exchanged",
        ),
    ):
        seeded.write("renamed_tests", faulty)
        refused = seeded.refused()
        assert message in refused
    seeded.assert_marts(renamed=many)

    # Where b has another name, so has a.
    seeded.write("renamed_tests", [*chain, Renamed("d", None, "a", "c")])
    seeded.refresh()
    seeded.assert_marts()


def test_tables_of_ones_own_have_their_options(workspace: Workspace) -> None:
    workspace.obslake("init")
    project = copy_project(workspace)
    queries = {
        "plain": "select 'a' as name",
        "indexed": """
            {{ config(indexes=[{'columns': ['name'], 'unique': true}]) }}
            select name from {{ ref('plain') }}""",
    }
    for name, query in queries.items():
        (project / "models" / f"{name}.sql").write_text(
            "{{ config(materialized='table', tags='own') }}" + query
        )
    # dbt describes only the columns that a table has.
    (project / "models/own.yml").write_text(
        "models:\n  - name: plain\n    columns:\n      - name: gone\n        description: Gone.\n"
    )
    for name in ("a", "b"):
        (project / "models/plain.sql").write_text(
            f"{{{{ config(materialized='table', tags='own') }}}} select '{name}' as name"
        )
        done = workspace.run("dbt", "--quiet", "run", "--select", "tag:own", cwd=project)
        assert done.returncode == 0, done.stdout
        assert workspace.query("from plain") == workspace.query("from indexed") == [(name,)]
    assert workspace.query("select table_name, is_unique from duckdb_indexes()") == [
        ("indexed", True)
    ]


def test_everything_that_affects_a_row_rebuilds_it(workspace: Workspace) -> None:
    """A macro that a model uses, a column of a contract, and tables of an earlier version."""
    project = copy_project(workspace)
    problems = {("d", p) for p in ("p1", "p2", "p3")}
    load_rows(workspace, "d", [row(p, i) for _, p in sorted(problems) for i in ("a", "b")])
    workspace.dbt(*RUN, project=project)
    assert built(workspace)["problem_assessments"] == problems

    def run_after(path: str, old: str, new: str) -> str:
        file = project / path
        text = file.read_text()
        assert old in text, path
        file.write_text(text.replace(old, new, 1))
        done = workspace.run("dbt", "run", cwd=project)
        assert done.returncode == 0, done.stdout
        return done.stdout

    # A macro that only one of the two models uses.
    output = run_after("macros/checked_variable.sql", "-%}", "-%} {#- changed -#}")
    assert "tables changed: all 3 problems are built again" in output
    assert built(workspace)["consensus_oracles"] == problems
    assert "int_actuations" not in built(workspace)

    (project / "models/marts/problem_assessments.sql").write_text(
        (PROJECT / "models/marts/problem_assessments.sql")
        .read_text()
        .replace(
            "        passing.n_passing_consensus,",
            "        'x' as note,\n        passing.n_passing_consensus,",
        )
    )
    output = run_after(
        "models/marts/problem_assessments.yml",
        "    columns:\n      - name: data_set_id",
        "    columns:\n      - name: note\n        data_type: string\n        description: A note.\n"
        "      - name: data_set_id",
    )
    assert "rules or code of 1 of 37 tables changed: all 3 problems are built again" in output
    assert built(workspace) == {"problem_assessments": problems}
    assert workspace.query("select distinct note from problem_assessments") == [("x",)]

    # A description does not affect rows.
    output = run_after(
        "models/marts/problem_assessments.yml", "description: A note.", "description: Another."
    )
    assert "changed" not in output
    assert built(workspace) == {}
    ((comment,),) = workspace.query(
        "select comment from duckdb_columns() where column_name = 'note' and table_name = 'problem_assessments'"
    )
    assert comment == "Another."

    # Earlier versions stored versions in other tables, and their models had other tables.
    with duckdb.connect(workspace.home / "building" / "obslake.duckdb") as marts:
        marts.execute(
            "create table main_refresh.refresh_built_versions as select model, data_set_id, problem_id, version "
            "from main_refresh.refresh_problems; "
            "alter table main_intermediate.int_clusters drop column problem_id"
        )
    output = run_after(
        "models/marts/problem_assessments.yml", "description: Another.", "description: A note."
    )
    assert "built by an earlier version: every problem is built again" in output
    # There are no measurements and no voting rules.
    assert len(built(workspace)) == 35

    # A run on Spark may be interrupted between storing the versions and storing the code they were built from.
    with duckdb.connect(workspace.home / "building" / "obslake.duckdb") as marts:
        marts.execute("update main_refresh.refresh_models set code = 'of before'")
    workspace.dbt(*REFRESH, project=project)
    assert built(workspace) == {}
    assert_as_if_built_at_once(workspace, project=project)
    assert workspace.query(
        "select table_name from duckdb_tables() where schema_name = 'main_refresh' and table_name like '%versions'"
    ) == [("refresh_source_versions",)]
