"""Generated observations and descriptions: SQL returns the same rows as the naive reference."""

import itertools
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, fields, replace
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obslake.engine import run_sql_file
from obslake.load.sources import SQL

from tests.conftest import compile_models
from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace
from tests.marts.comparison import (
    MARTS,
    comparable,
    create_function,
    create_models,
    expected_rows,
    replace_rows,
    sql_rows,
)
from tests.reference.equivalence import Equivalence
from tests.reference.gate_summaries import (
    FailingRow,
    failing_since,
    failure_groups,
    gate_runs,
)
from tests.reference.gating import FlakyTestRow, GateRow, SlowerRow, flaky_tests, gate, slower_tests
from tests.reference.naive import (
    COLUMNS,
    ORACLE,
    CubeRow,
    Decision,
    Description,
    Marts,
    Observation,
    Renamed,
    build_cube,
    build_lineage_cells,
    build_revisions,
    build_specified,
    compare_revisions,
    compute,
    diff_of_implementations,
    final_responses,
    mark_set_aside,
    runs_set_aside,
)
from tests.reference.strategies import (
    DATA_SET_IDS,
    described_sets,
    random_decisions,
    random_descriptions,
    random_equivalences,
    random_nights,
    random_observations,
    random_renamed,
    random_voting_rules,
)
from tests.reference.voting import Voting, VotingRule

# Planning the models takes much longer than running them on a small set.
_AT_ONCE = 8


@pytest.fixture(scope="module")
def models(compiled: dict[str, Any]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The models as tables; tests replace the rows."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        create_models(connection, compiled)
        yield connection


def assert_equal_marts(
    connection: duckdb.DuckDBPyConnection,
    observations: list[Observation],
    descriptions: list[Description],
    equivalences: list[Equivalence],
    voting: Voting | None = None,
    decisions: Sequence[Decision] = (),
    renamed: Sequence[Renamed] = (),
    voting_rules: Sequence[VotingRule] = (),
    as_of: dict[str, str] | None = None,
) -> None:
    computed = compute(
        observations, descriptions, equivalences, voting, decisions, renamed, voting_rules, as_of
    )
    for mart in MARTS:
        rows, expected = sql_rows(connection, mart), expected_rows(computed, mart)
        assert rows == expected, f"{mart} of {data_sets_that_differ(mart, rows, expected)}"


def data_sets_that_differ(mart: str, *of: list[tuple[Any, ...]]) -> list[str]:
    """Return the data sets of the rows that only one side has."""
    column = COLUMNS[mart].index("data_set_id")
    one, other = ({repr(row): row[column] for row in rows} for rows in of)
    return sorted({(one | other)[row] for row in one.keys() ^ other.keys()})


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    sets=st.lists(described_sets(), min_size=_AT_ONCE, max_size=_AT_ONCE),
    seed=st.none() | st.integers(0, 99),
)
def test_small_sets(
    models: duckdb.DuckDBPyConnection,
    sets: list[tuple[list[Observation], list[Description]]],
    seed: int | None,
) -> None:
    observations, descriptions = in_data_sets_of_their_own(sets)
    equivalences = [] if seed is None else random_equivalences(seed, observations)
    decisions = [] if seed is None else random_decisions(seed, observations)
    renamed = [] if seed is None else random_renamed(seed, observations)
    voting = [] if seed is None or not observations else random_voting_rules(seed, observations)
    seeds: dict[str, Any] = {"decisions": decisions, "renamed": renamed, "voting_rules": voting}
    replace_rows(models, observations, descriptions, equivalences, **seeds)
    assert_equal_marts(models, observations, descriptions, equivalences, **seeds)


def in_data_sets_of_their_own(
    sets: list[tuple[list[Observation], list[Description]]],
) -> tuple[list[Observation], list[Description]]:
    """Return the rows of all sets, each in its own data sets."""
    observations, descriptions = [], []
    for number, (observed, described) in enumerate(sets):
        observations += [
            replace(row, data_set_id=f"{row.data_set_id} of set {number}") for row in observed
        ]
        descriptions += [
            replace(row, data_set_id=f"{row.data_set_id} of set {number}") for row in described
        ]
    return observations, descriptions


@pytest.mark.parametrize("seed", range(3))
def test_many_problems_at_once(models: duckdb.DuckDBPyConnection, seed: int) -> None:
    observations = random_observations(seed, n_problems=300)
    descriptions = random_descriptions(seed, observations)
    equivalences = random_equivalences(seed, observations) if seed else []
    decisions = random_decisions(seed, observations) if seed else []
    assert len(runs_set_aside(observations, descriptions)) > 5
    renamed = random_renamed(seed, observations) if seed else []
    voting = random_voting_rules(seed, observations) if seed else []
    seeds: dict[str, Any] = {"decisions": decisions, "renamed": renamed, "voting_rules": voting}
    replace_rows(models, observations, descriptions, equivalences, **seeds)
    assert_equal_marts(models, observations, descriptions, equivalences, **seeds)


def counted_rows(observations: list[Observation], descriptions: list[Description]) -> list[CubeRow]:
    """Return the cube without the runs that are set aside."""
    set_aside = runs_set_aside(observations, descriptions)
    return [r for r in mark_set_aside(build_cube(observations), set_aside) if not r.is_set_aside]


def test_any_two_revisions_are_compared(
    models: duckdb.DuckDBPyConnection, compiled: dict[str, Any]
) -> None:
    observations = random_observations(4, n_problems=100)
    descriptions = random_descriptions(4, observations)
    replace_rows(models, observations, descriptions)
    create_function(models, compiled, "compare_revisions")
    cube = counted_rows(observations, descriptions)
    specified = build_specified(observations, final_responses(cube))
    n_rows = 0
    for data_set in DATA_SET_IDS:
        # Other names are errors.
        names = models.execute(
            "select implementation_id from implementations where data_set_id = $d "
            "union select revision from implementations where data_set_id = $d and revision is not null",
            {"d": data_set},
        ).fetchall()
        known = sorted(name for (name,) in names)
        for base, head in itertools.islice(itertools.permutations(known, 2), 40):
            expected = compare_revisions(cube, specified, descriptions, data_set, base, head)
            rows = models.execute(
                "from compare_revisions(?, ?, ?)", [data_set, base, head]
            ).fetchall()
            assert comparable(rows) == comparable(map(astuple, expected)), (data_set, base, head)
            n_rows += len(rows)
    assert n_rows > 100


def test_any_two_revisions_are_judged(
    models: duckdb.DuckDBPyConnection, compiled: dict[str, Any]
) -> None:
    observations = random_observations(6, n_problems=60)
    descriptions = random_descriptions(6, observations)
    nights = random_nights(6)
    observations, descriptions = observations + nights[0], descriptions + nights[1]
    replace_rows(models, observations, descriptions)
    for name in ("gate", "gate_runs", "failing_since", "failure_groups"):
        create_function(models, compiled, name)
    marts = compute(observations, descriptions)
    cube = counted_rows(observations, descriptions)
    specified = build_specified(observations, final_responses(cube))
    revisions = build_revisions(cube, descriptions)
    cells = build_lineage_cells(cube, specified, revisions)
    columns = ", ".join(field.name for field in fields(GateRow))
    columns_of_failing = ", ".join(field.name for field in fields(FailingRow))
    found: Counter[str] = Counter()
    for data_set in (*DATA_SET_IDS, "nights"):
        mine = [r for r in revisions if r.data_set_id == data_set]
        known = sorted({r.revision or r.implementation_id for r in mine})
        pairs = [*((name, None) for name in known), *itertools.permutations(known, 2)]
        for head, base in random.Random(6).sample(pairs, min(len(pairs), 12)):
            expected = gate(cube, revisions, cells, data_set, head, base)
            rows = models.execute(
                f"select {columns} from gate(?, ?, ?, null, null, 50)", [data_set, head, base]
            ).fetchall()
            # Rows without a change have the responses of the head, which the reference does not repeat.
            rows = [row if row[7] else (*row[:9], *[None] * 4, *row[13:]) for row in rows]
            assert comparable(rows) == comparable(map(astuple, expected)), (data_set, head, base)
            found.update(row.finding for row in expected)
            runs = gate_runs(marts, revisions, data_set, head, base)
            rows = models.execute(
                "from gate_runs(?, ?, ?, null, null)", [data_set, head, base]
            ).fetchall()
            assert comparable(rows) == comparable(map(astuple, runs)), (data_set, head, base)
            found.update(row.status for row in runs)
        for revision in known:
            groups = failure_groups(marts.lineage_states, data_set, revision)
            rows = models.execute(
                "from failure_groups(?, ?, null)", [data_set, revision]
            ).fetchall()
            assert comparable(rows) == comparable(map(astuple, groups)), (data_set, revision)
            found["group"] += len(groups)
        for lineage in {r.lineage for r in mine}:
            failing = failing_since(marts.latest_state, data_set, lineage)
            rows = models.execute(
                f"select {columns_of_failing} from failing_since(?, ?)", [data_set, lineage]
            ).fetchall()
            assert comparable(rows) == comparable(map(astuple, failing)), (data_set, lineage)
            found["failing"] += len(failing)
    assert (
        min(found[kind] for kind in ("regressed", "changed", "gone", "flaky", "new", "fixed")) > 4
    )
    assert min(found[kind] for kind in ("compared", "incomplete", "not run", "no base")) > 0
    assert min(found[kind] for kind in ("group", "failing")) > 20


def test_flaky_and_slower_tests(
    models: duckdb.DuckDBPyConnection, compiled: dict[str, Any]
) -> None:
    observations = random_observations(7, n_problems=60)
    descriptions = random_descriptions(7, observations)
    nights = random_nights(7)
    observations, descriptions = observations + nights[0], descriptions + nights[1]
    replace_rows(models, observations, descriptions)
    for name in ("flaky_tests", "slower_tests"):
        create_function(models, compiled, name)
    cube = counted_rows(observations, descriptions)
    revisions = build_revisions(cube, descriptions)
    n_flaky, evidence = 0, set()
    for data_set, last in itertools.product((*DATA_SET_IDS, "nights"), (3, 50)):
        flaky = flaky_tests(cube, revisions, descriptions, data_set, last)
        columns = ", ".join(field.name for field in fields(FlakyTestRow))
        rows = models.execute(
            f"select {columns} from flaky_tests(?, null, null, null, ?, null)", [data_set, last]
        ).fetchall()
        assert comparable(rows) == comparable(map(astuple, flaky)), (data_set, last)
        n_flaky += len(rows)
    columns = ", ".join(field.name for field in fields(SlowerRow))
    for head in sorted({r.revision for r in revisions if r.data_set_id == "nights" and r.revision}):
        slower = slower_tests(cube, revisions, "nights", head)
        rows = models.execute(
            f"select {columns} from slower_tests('nights', ?, null, null, null, 1.5, 50)", [head]
        ).fetchall()
        assert comparable(rows) == comparable(map(astuple, slower)), head
        evidence |= {row.evidence for row in slower}
    assert n_flaky > 20
    assert evidence == {"slower", "within noise", "too few runs"}


def test_any_two_implementations_of_a_problem_are_compared(
    models: duckdb.DuckDBPyConnection, compiled: dict[str, Any]
) -> None:
    observations = random_observations(5, n_problems=60)
    replace_rows(models, observations, [])
    create_function(models, compiled, "behavior_diff")
    cube = counted_rows(observations, [])
    n_rows = 0
    for problem in sorted({(o.data_set_id, o.problem_id) for o in observations})[:60]:
        of_problem = [r for r in cube if (r.data_set_id, r.problem_id) == problem]
        known = sorted({r.implementation_id for r in of_problem})
        if not known:
            continue
        one, other = known[0], known[-1]
        expected = diff_of_implementations(of_problem, problem, one, other)
        rows = models.execute("from behavior_diff(?, ?, ?, ?)", [*problem, one, other]).fetchall()
        assert comparable(rows) == comparable(expected), (problem, one, other)
        n_rows += len(rows)
    assert n_rows > 50


def test_one_vote_per_code_and_minimal_support(
    make_workspace: Callable[[str], Workspace],
) -> None:
    workspace = make_workspace("voting")
    workspace.obslake("init")
    variables = {"obslake_one_vote_per": "code", "obslake_minimal_support": 2}
    compile_models(workspace, {**variables, "obslake_has_nulls": True})
    observations = random_observations(1, n_problems=200)
    descriptions = random_descriptions(1, observations)
    voting = Voting(one_vote_per="code", minimal_support=2)
    with_defaults = compute(observations, descriptions)
    differing = set(compute(observations, descriptions, voting=voting).consensus_oracles)
    assert len(differing - set(with_defaults.consensus_oracles)) > 100
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        rows_read = {"observations": observations, "descriptions": descriptions}
        create_models(connection, workspace.manifest(), **rows_read)
        assert_equal_marts(connection, observations, descriptions, [], voting)


@pytest.mark.parametrize("part", ["run_id", "environment_id", "revision"])
def test_only_runs_in_the_context_count(
    make_workspace: Callable[[str], Workspace], part: str
) -> None:
    observations = random_observations(2, n_problems=80)
    descriptions = random_descriptions(2, observations)
    rows: Sequence[Any] = descriptions if part == "revision" else observations
    values = Counter(getattr(row, part) for row in rows if getattr(row, part))
    as_of = {part: max(sorted(values), key=lambda value: values[value])}
    workspace = make_workspace(f"as-of-{part}")
    workspace.obslake("init")
    compile_models(workspace, {"obslake_as_of": as_of, "obslake_has_nulls": True})
    whole = set(compute(observations, descriptions).consensus_oracles)
    now = set(compute(observations, descriptions, as_of=as_of).consensus_oracles)
    assert len(whole - now) > 20
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        rows_read = {"observations": observations, "descriptions": descriptions}
        create_models(connection, workspace.manifest(), **rows_read)
        assert_equal_marts(connection, observations, descriptions, [], as_of=as_of)


def test_the_oracle_as_of_a_context(
    models: duckdb.DuckDBPyConnection, compiled: dict[str, Any]
) -> None:
    """The function answers for any context as the marts do that are built for it."""
    data_set = DATA_SET_IDS[0]
    observations = [o for o in random_observations(6, n_problems=50) if o.data_set_id == data_set]
    descriptions = random_descriptions(6, observations)
    seeds: dict[str, Any] = {
        "equivalences": random_equivalences(6, observations),
        "decisions": random_decisions(6, observations),
        "renamed": random_renamed(6, observations),
        "voting_rules": random_voting_rules(6, observations),
    }
    replace_rows(models, observations, descriptions, **seeds)
    create_function(models, compiled, "oracle")
    whole = oracles_by_problem(compute(observations, descriptions, **seeds))
    n_different: Counter[str] = Counter()
    for context in contexts(observations, descriptions):
        now = oracles_by_problem(compute(observations, descriptions, **seeds, as_of=context))
        different = sorted(p for p in whole.keys() | now.keys() if whole[p] != now[p])
        names = [f"as_of_{part.removesuffix('_id')}" for part in context]
        given = ", ".join(f"{name} := ${name}" for name in names)
        for problem in different[:6] + sorted(whole.keys() - {*different})[:1]:
            rows = models.execute(
                f"from oracle($data_set, $problem, {given})",
                {
                    "data_set": data_set,
                    "problem": problem,
                    **dict(zip(names, context.values(), strict=True)),
                },
            ).fetchall()
            assert comparable(rows) == comparable(now[problem]), (problem, context)
            n_different[" ".join(context)] += problem in different
    assert len(n_different) == 7, n_different
    assert min(n_different.values()) > 1, n_different


def oracles_by_problem(marts: Marts) -> dict[str, list[tuple[Any, ...]]]:
    """Return the columns of the function by problem."""
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in marts.consensus_oracles:
        found[row.problem_id].append(
            (
                row.test_id,
                row.step_id,
                row.oracle_response,
                row.consensus,
                row.n_voters,
                row.n_votes,
                row.n_runner_up_votes,
                row.vote_share,
                row.n_distinct_responses,
                row.entropy,
                row.cluster_oracle_response,
                row.specified_response,
                row.n_specified_responses,
                row.agrees_with_specified,
            )
        )
    return found


def contexts(
    observations: Sequence[Observation], descriptions: Sequence[Description]
) -> Iterator[dict[str, str]]:
    """Return the most frequent context of each combination of run, environment and revision."""
    revisions = {
        (d.problem_id, d.implementation_id): d.revision for d in descriptions if d.revision
    }
    known = [
        {"run_id": o.run_id, "environment_id": o.environment_id, "revision": revision}
        for o in observations
        if o.implementation_id != ORACLE
        and o.response_kind == "value"
        and (revision := revisions.get((o.problem_id, o.implementation_id)))
    ]
    for size in (1, 2, 3):
        for parts in itertools.combinations(("run_id", "environment_id", "revision"), size):
            frequent = Counter(tuple(place[part] for part in parts) for place in known)
            names = sorted(frequent, key=lambda n: (-frequent[n], n))
            yield dict(zip(parts, names[0], strict=True))


def test_marts_that_are_left_out_are_empty(make_workspace: Callable[[str], Workspace]) -> None:
    workspace = make_workspace("left-out")
    workspace.obslake("init")
    left_out = ["assessments", "agreements", "suites"]
    compile_models(workspace, {"obslake_leave_out": left_out, "obslake_has_nulls": True})
    observations = random_observations(1, n_problems=60)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        descriptions = random_descriptions(1, observations)
        rows_read = {"observations": observations, "descriptions": descriptions}
        create_models(connection, workspace.manifest(), **rows_read)
        assert {mart for mart in MARTS if not sql_rows(connection, mart)} == {
            "implementation_assessments",
            "problem_assessments",
            "implementation_agreements",
            "discriminating_tests",
        }
    nodes = workspace.manifest()["nodes"]
    for function in ("assess", "minimal_suite"):
        assert "is left empty" in nodes[f"model.obslake.{function}"]["compiled_code"]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"obslake_one_vote_per": "cluster"},
            'must be implementation or code or origin, not "cluster"',
        ),
        (
            {"obslake_minimal_support": 0},
            "must be a whole number from 1, or a share such as 0.5 of",
        ),
        ({"obslake_minimal_support": "2"}, 'or a share such as 0.5 of voters, not "2"'),
        ({"obslake_minimal_support": "3/2 of voters"}, 'voters, not "3/2 of voters"'),
        ({"obslake_minimal_support": "half of voters"}, 'voters, not "half of voters"'),
        ({"obslake_minimal_support": "1 of voters + 1"}, 'voters, not "1 of voters + 1"'),
        (
            {"obslake_as_of": {"run": "r1"}},
            "its keys are run_id, environment_id, revision and data_set_id",
        ),
        ({"obslake_as_of": {"run_id": None}}, "obslake_as_of: run_id has no value"),
        (
            {"obslake_as_of": {"data_set_id": "d"}},
            "data_set_id needs one of run_id, environment_id",
        ),
        ({"obslake_pass_at_k": 1001}, "must be a whole number from 1 to 1000, not 1001"),
        ({"obslake_suite_rounds": True}, "must be a whole number from 1, not true"),
        (
            {"obslake_leave_out": ["tests"]},
            "must be a list of some of assessments, agreements, suites",
        ),
    ],
)
def test_other_values_of_variables_are_refused(
    workspace: Workspace, variables: dict[str, object], message: str
) -> None:
    refused = workspace.run("dbt", "parse", "--vars", json.dumps(variables), cwd=PROJECT)
    assert refused.returncode != 0
    assert message in refused.stdout


@pytest.fixture(scope="module")
def rows() -> tuple[list[Observation], list[Description]]:
    observations = random_observations(1, n_problems=40)
    return observations, random_descriptions(1, observations)


@pytest.fixture(scope="module")
def before(
    models: duckdb.DuckDBPyConnection, rows: tuple[list[Observation], list[Description]]
) -> dict[str, list[tuple[Any, ...]]]:
    """The marts of these rows in their generated order."""
    models.execute("set threads = 2")
    replace_rows(models, *rows)
    return {mart: sql_rows(models, mart) for mart in MARTS}


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), threads=st.sampled_from([1, 2, 8]))
def test_order_and_threads_change_nothing(
    models: duckdb.DuckDBPyConnection,
    rows: tuple[list[Observation], list[Description]],
    before: dict[str, list[tuple[Any, ...]]],
    seed: int,
    threads: int,
) -> None:
    chooser = random.Random(seed)
    observations, descriptions = (chooser.sample(of, k=len(of)) for of in rows)
    models.execute(f"set threads = {threads}")
    replace_rows(models, observations, descriptions)
    assert {mart: sql_rows(models, mart) for mart in MARTS} == before


@pytest.mark.parametrize(
    "output",
    [
        None, "", "{}", "null", "1", '"$EXCEPTION@x"', "$", "$*", "$*@x", "$CUT@Stack@0", "$CUT",
        "$EXCEPTION@E@m@n", "$EXCEPTION", "$TRUNCATED@00", "$TIMEOUT", "$TIMEOUT@5s", "$CRASH", "$N/A",
        "$N/A@int", "$NEW@x", "$5", "passed", "passed@x", "failed@E@m", "error@E", "skipped",
        "skipped@why", "passedx", "@", " ", "é",
    ],
)  # fmt: skip
def test_loader_and_models_classify_alike(compiled: dict[str, Any], output: str | None) -> None:
    staging = compiled["nodes"]["model.obslake.stg_observations"]["compiled_code"]
    (rule,) = re.findall(
        r"cast\(response_kind as string\), (.*)\) as response_kind", staging, re.DOTALL
    )
    with duckdb.connect() as connection:
        run_sql_file(connection, SQL / "protocol.sql")
        query = f"select response_kind(output), {rule} from (select $1::varchar as output)"
        ((by_loader, by_model),) = connection.execute(query, [output]).fetchall()
    assert by_loader == by_model
