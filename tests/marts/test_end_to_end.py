"""From files through the command line, Iceberg and dbt to a plain DuckDB client, compared with the reference."""

import random
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from obslake.lakehouse.catalog import Lakehouse
from obslake.load.loading import load
from obslake.load.sources.base import Options
from obslake.load.sources.observations import ObservationsReader
from obslake.progress import Progress
from pyiceberg.table import Table, Transaction

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace
from tests.marts.comparison import (
    MARTS,
    comparable,
    descriptions_table,
    expected_rows,
    observations_table,
    sql_rows,
)
from tests.reference.equivalence import Equivalence
from tests.reference.naive import (
    ORACLE,
    Context,
    Decision,
    Description,
    Marts,
    Observation,
    Renamed,
    build_cube,
    build_transitions,
    compute,
    mark_set_aside,
    runs_set_aside,
)
from tests.reference.strategies import random_descriptions, random_observations
from tests.reference.voting import VotingRule

MakeWorkspace = Callable[[str], Workspace]

# The functions only query the marts, so they are not built.
MARTS_ALONE = ("--exclude", "path:models/functions")


def load_in_parts(workspace: Workspace, observations: list[Observation], parts: int) -> None:
    for number in range(parts):
        file = workspace.folder / f"part-{number}.parquet"
        # The lakehouse assigns the load_id.
        table = observations_table(observations[number::parts]).drop_columns("load_id")
        pq.write_table(table, file)
        workspace.obslake("load", "observations", str(file))


def load_in_order(workspace: Workspace, descriptions: list[Description]) -> None:
    """Load the descriptions of each load separately, so that the lakehouse assigns load_ids in the same order."""
    for number, load_id in enumerate(sorted({d.load_id for d in descriptions})):
        file = workspace.folder / f"descriptions-{number}.parquet"
        of_load = [d for d in descriptions if d.load_id == load_id]
        pq.write_table(descriptions_table(of_load).drop_columns("load_id"), file)
        workspace.obslake("load", "implementations", str(file))


def assert_marts(
    workspace: Workspace,
    observations: list[Observation],
    descriptions: Sequence[Description] = (),
    equivalences: Sequence[Equivalence] = (),
    decisions: Sequence[Decision] = (),
    renamed: Sequence[Renamed] = (),
    voting_rules: Sequence[VotingRule] = (),
) -> None:
    computed = compute(
        observations, descriptions, equivalences, None, decisions, renamed, voting_rules
    )
    assert_rows(workspace, computed)


def assert_rows(
    workspace: Workspace, expected: Marts, marts: Sequence[str] = MARTS, where: str = "true"
) -> None:
    with duckdb.connect(workspace.marts, read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for mart in marts:
            rows = sql_rows(connection, mart, f"{mart} where {where}")
            assert rows == expected_rows(expected, mart), mart


@pytest.fixture(scope="module")
def observations() -> list[Observation]:
    return random_observations(2024, n_problems=150)


@pytest.fixture(scope="module")
def descriptions(observations: list[Observation]) -> list[Description]:
    return random_descriptions(2024, observations)


@pytest.fixture(scope="module")
def published() -> list[dict[str, object]]:
    return published_rows(seed=3)


@pytest.fixture(scope="module")
def built(
    make_workspace: MakeWorkspace,
    observations: list[Observation],
    descriptions: list[Description],
    published: list[dict[str, object]],
    build: Callable[[Workspace], None],
) -> Workspace:
    """A built lakehouse with all of these; the published rows are a separate data set."""
    workspace = make_workspace("end-to-end")
    load_in_parts(workspace, observations, parts=3)
    load_in_order(workspace, descriptions)
    file = workspace.folder / "published.parquet"
    pq.write_table(pa.Table.from_pylist(published), file)
    workspace.obslake("load", "observations", str(file))
    build(workspace)
    return workspace


@pytest.fixture(scope="module")
def expected(observations: list[Observation], descriptions: list[Description]) -> Marts:
    assert "published" not in {o.data_set_id for o in observations}
    return compute(observations, descriptions)


@pytest.mark.parametrize("mart", MARTS)
def test_marts_equal_the_reference(built: Workspace, expected: Marts, mart: str) -> None:
    assert_rows(built, expected, [mart], "data_set_id <> 'published'")


def contexts_of(
    chance: random.Random, observations: list[Observation], descriptions: list[Description]
) -> tuple[Context, Context]:
    """Return two contexts of a problem with random parts given."""
    seen = [chance.choice(observations) for _ in range(2)]
    revisions = [d.revision for d in descriptions if d.revision is not None]
    by_revision = revisions and chance.random() < 0.3
    before, after = (
        Context(
            run_id=row.run_id if chance.random() < 0.4 else None,
            environment_id=row.environment_id if chance.random() < 0.4 else None,
            revision=chance.choice(revisions) if by_revision else None,
        )
        for row in seen
    )
    return before, after


def test_transitions_between_any_contexts(
    built: Workspace, observations: list[Observation], descriptions: list[Description]
) -> None:
    names = [
        *("from_environment_id", "to_environment_id", "from_run_id", "to_run_id", "subject_id"),
        *("transition", "n_common_stimuli", "n_answers_kept", "answers_kept_share"),
        *("is_same_stimuli", "from_cluster_rank", "to_cluster_rank", "from_n_implementations"),
        *("to_n_implementations", "n_companions_kept", "n_companions_lost", "n_companions_gained"),
    ]
    call = f"select {', '.join(names)} from transitions(?, ?, ?, ?, ?, ?, ?, ?)"
    chance = random.Random(0)
    set_aside = runs_set_aside(observations, descriptions)
    rows_of: dict[tuple[str, str], list[Observation]] = {}
    for o in observations:
        rows_of.setdefault((o.data_set_id, o.problem_id), []).append(o)
    found: set[tuple[str | None, bool]] = set()
    revisions_of: dict[str, set[str | None]] = {}
    with duckdb.connect(built.marts, read_only=True) as connection:
        for data_set, revision in connection.execute(
            "select distinct data_set_id, revision from implementations"
        ).fetchall():
            revisions_of.setdefault(data_set, set()).add(revision)
        for problem, rows in (each for each in rows_of.items() for _ in range(3)):
            described = [d for d in descriptions if (d.data_set_id, d.problem_id) == problem]
            before, after = contexts_of(chance, rows, described)
            arguments = [
                *problem,
                *(before.run_id, after.run_id),
                *(before.environment_id, after.environment_id),
                *(before.revision, after.revision),
            ]
            known = revisions_of.get(problem[0], set())
            if {before.revision, after.revision} - {None, *known}:
                with pytest.raises(duckdb.Error, match="no executed revision"):
                    connection.execute(call, arguments)
                continue
            cube = mark_set_aside(build_cube(rows), set_aside)
            expected = build_transitions(cube, described, before, after)
            assert comparable(connection.execute(call, arguments).fetchall()) == comparable(
                tuple(getattr(row, name) for name in names) for row in expected
            ), (problem, before, after)
            found |= {(row.transition, before.revision is not None) for row in expected}
    kinds = {"stayed", "moved", "appeared", "disappeared"}
    assert found >= {(kind, by_revision) for kind in kinds for by_revision in (False, True)}


def test_order_of_rows_and_loads_changes_nothing(
    make_workspace: MakeWorkspace,
    observations: list[Observation],
    descriptions: list[Description],
    expected: Marts,
) -> None:
    shuffled = observations.copy()
    random.Random(7).shuffle(shuffled)
    workspace = make_workspace("shuffled")
    load_in_order(workspace, descriptions[::-1])
    load_in_parts(workspace, shuffled, parts=4)
    workspace.dbt("--quiet", "run", "--threads", "1", *MARTS_ALONE)
    assert_rows(workspace, expected)


def test_build_as_of_an_earlier_snapshot(workspace: Workspace) -> None:
    first = random_observations(5, n_problems=20)
    second = random_observations(6, n_problems=20)
    load_in_parts(workspace, first, parts=1)
    (snapshot,) = workspace.status()["snapshots"]
    load_in_parts(workspace, second, parts=1)

    as_of = f"as_of_snapshot: {snapshot['snapshot_id']}"
    workspace.dbt("--quiet", "run", *MARTS_ALONE, "--vars", as_of)
    assert_marts(workspace, first)

    workspace.dbt("--quiet", "run", *MARTS_ALONE)
    assert_marts(workspace, first + second)

    refused = workspace.run("dbt", "run", "--vars", "as_of_snapshot: 1", cwd=PROJECT)
    assert refused.returncode != 0
    assert "observations has no snapshot 1" in refused.stdout


def test_building_without_a_lakehouse_names_the_command_to_run(workspace: Workspace) -> None:
    refused = workspace.run("dbt", "run", cwd=PROJECT)
    assert refused.returncode != 0
    assert "obslake init" in refused.stdout


PUBLISHED_START = datetime(2025, 3, 1, tzinfo=UTC)


def published_rows(seed: int) -> list[dict[str, object]]:
    """Return rows in the 20-column format, of problems with and without specified oracles."""
    chooser = random.Random(seed)
    rows: list[dict[str, object]] = []
    for problem in range(25):
        specified = {test: str(chooser.randrange(3)) for test in range(4)}
        specifies = chooser.randrange(6) if problem % 2 else None
        for implementation in range(chooser.randint(1, 6)):
            for run in range(chooser.randint(1, 2)):
                for test in range(4):
                    for step in range(chooser.randint(1, 2)):
                        output = chooser.choice(
                            ["0", "1", "2", '"é\'"', "$EXCEPTION@E@m", "$TIMEOUT", "$*", "{}", None]
                        )
                        when = PUBLISHED_START + timedelta(minutes=chooser.randrange(100))
                        rows.append(
                            {
                                "data_set_id": "published",
                                "problem_id": f"problem {problem}",
                                "implementation_id": f"i{implementation}",
                                "test_id": f"test{test}",
                                "implementation_hash": f"h{implementation}",
                                "test_hash": f"t{test}",
                                "run_id": f"run{run}",
                                "environment_id": chooser.choice(
                                    ["linux", "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"]
                                ),
                                "step_id": step,
                                "operation": "f",
                                "inputs": "1, 2",
                                "output": output,
                                "execution_time_ms": 1.5,
                                "memory_used_mb": 10.0,
                                "branch_coverage_percent": 50.0,
                                "created_at": when,
                                "git_commit_hash": "abc",
                                "ci_pipeline_id": "p1",
                                "researcher_name": "Ada",
                                # One implementation is the specified oracle.
                                "specified_oracle": implementation == specifies or None,
                            }
                        )
                        if implementation == specifies:
                            rows[-1]["output"] = specified[test]
    return rows


def naive_kind(output: str | None) -> str:
    """Return the kind of a response from `published_rows`."""
    kinds = {None: "not_executed", "$*": "not_executed", "{}": "void", "$TIMEOUT": "timeout"}
    if output in kinds:
        return kinds[output]
    return "exception" if output and output.startswith("$EXCEPTION") else "value"


def observations_of(rows: list[dict[str, object]]) -> list[Observation]:
    observations = []
    for row in rows:
        random_arena = str(row["environment_id"]).count("-") == 4
        observation = Observation(
            data_set_id="published",
            problem_id=str(row["problem_id"]),
            test_id=str(row["test_id"]),
            step_id=int(str(row["step_id"])),
            implementation_id=ORACLE if row["specified_oracle"] else str(row["implementation_id"]),
            environment_id="arena" if random_arena else str(row["environment_id"]),
            run_id=str(row["run_id"]),
            attempt=0,
            operation="f",
            target=None,
            inputs='["1, 2"]',
            output=None if row["output"] is None else str(row["output"]),
            response_kind=naive_kind(None if row["output"] is None else str(row["output"])),
            duration_ns=1_500_000,
            observed_at=row["created_at"],  # type: ignore[arg-type]
            load_id="",
            test_content_hash=str(row["test_hash"]),
        )
        observations.append(observation)
    return observations


def test_published_form(built: Workspace, published: list[dict[str, object]]) -> None:
    assert_rows(built, compute(observations_of(published)), where="data_set_id = 'published'")
    assert built.query(
        "select distinct git_commit, pipeline, attributes['researcher_name'] from runs "
        "where data_set_id = 'published'"
    ) == [("abc", "p1", "Ada")]


def test_an_incomplete_load_is_not_visible(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {**published_rows(seed=3)[0], "output": "1"}
    first = workspace.folder / "first.parquet"
    second = workspace.folder / "second.parquet"
    pq.write_table(pa.Table.from_pylist([row]), first)
    half = {"implementation_hash": "half", "test_hash": "half", "git_commit_hash": "half"}
    pq.write_table(pa.Table.from_pylist([{**row, **half, "memory_used_mb": 9.0}]), second)
    workspace.obslake("load", "observations", str(first))

    def interrupt(self: Transaction) -> Table:
        if self.table_metadata.location.endswith("/observations"):
            raise KeyboardInterrupt
        return commit(self)

    commit = Transaction.commit_transaction
    lakehouse = Lakehouse.open(workspace.home)
    monkeypatch.setattr(Transaction, "commit_transaction", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load(lakehouse, ObservationsReader(), [str(second)], Options(), Progress(enabled=False))
    monkeypatch.undo()

    described = (
        "select "
        "(select list(content_hash) from implementations), (select list(content_hash) from tests), "
        "(select list(git_commit) from runs), (select max(value) from measurements)"
    )
    run = ("--quiet", "run", "--select", "+implementations", "+tests", "+runs", "+measurements")
    workspace.dbt(*run)
    assert workspace.query(described) == [(["h0"], ["t0"], ["abc"], 50.0)]

    workspace.obslake("load", "observations", str(second))
    workspace.dbt(*run)
    assert workspace.query(described) == [(["half"], ["half"], ["half"], 50.0)]


def test_descriptions_of_a_run_do_not_depend_on_the_order_of_loads(workspace: Workspace) -> None:
    rows = '{"problem_id":"p","implementation_id":"i","test_id":"t","output":"1","run_id":"r"}'
    run = '{"run_id":"r","source":"ci","git_commit":"c","attributes":{"os":"linux"}}'
    for data_set, order in {
        "before": ("runs", "observations"),
        "after": ("observations", "runs"),
    }.items():
        for table in order:
            text = run if table == "runs" else rows
            workspace.obslake("load", table, "-", "--data-set", data_set, stdin=text.encode())
    workspace.dbt("--quiet", "run", "--select", "+runs")
    columns = "data_set_id, source, git_commit, attributes"
    assert workspace.query(f"select {columns} from runs order by data_set_id") == [
        (data_set, "ci", "c", {"os": "linux"}) for data_set in ("after", "before")
    ]


def test_marts_may_have_any_file_name(built: Workspace) -> None:
    renamed = built.folder / "renamed.duckdb"
    shutil.copy(built.marts, renamed)
    problem = built.query("select data_set_id, problem_id from behavior_clusters limit 1")[0]
    matrix = "from srm(?, ?) order by all"
    rows = built.query(matrix, problem)
    with duckdb.connect(renamed, read_only=True) as connection:
        assert connection.execute(matrix, problem).fetchall() == rows
    with duckdb.connect() as connection:
        connection.execute(f"attach '{renamed}' as archive (read_only)")
        count = "select count(*) from archive.stimulus_response_cube"
        assert connection.execute(count).fetchall() == built.query(count.replace("archive.", ""))
        connection.execute("use archive")
        assert connection.execute(matrix, problem).fetchall() == rows


def test_one_changed_verdict_of_two_runs_is_one_change(workspace: Workspace) -> None:
    """Reports of two revisions from CI, loaded by one command."""
    for run, (revision, verdict) in enumerate(
        {"abc1": "", "abc2": "<failure message='1 != 2'/>"}.items()
    ):
        folder = workspace.folder / "ci" / f"run-{run}" / "linux"
        folder.mkdir(parents=True)
        (folder / f"{revision}.xml").write_text(
            f"<testsuite name='suite' timestamp='2025-01-0{run + 1}T00:00:00'>"
            f"<testcase name='a'/><testcase name='b'>{verdict}</testcase></testsuite>"
        )
    workspace.obslake(
        "load", "junit", str(workspace.folder / "ci"),
        "--path-pattern", str(workspace.folder / "ci/{run}/{environment}/{revision}.xml"),
    )  # fmt: skip
    workspace.dbt("--quiet", "run", "--select", "+behavior_changes", "+flaky_responses")
    columns = (
        "test_id, environment_id, run_id, previous_run_id, change, previous_response, response"
    )
    assert workspace.query(f"select {columns} from behavior_changes") == [
        ("b", "linux", "run-1", "run-0", "regressed", "passed", "failed@@1 != 2")
    ]
    assert workspace.query("from flaky_responses") == []
