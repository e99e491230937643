"""Tables partitioned by users: the same rows, in files of the right partitions."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from obslake.errors import PartitionError
from obslake.lakehouse import commits, datafiles
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.datafiles import write_data_files
from obslake.lakehouse.schemas import MEASUREMENTS, OBSERVATIONS, TABLES, TableDefinition
from obslake.lakehouse.snapshots import live_files as snapshot_files
from obslake.load import appending
from pyiceberg.expressions import EqualTo
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    IdentityTransform,
    Transform,
    TruncateTransform,
    VoidTransform,
)
from pyiceberg.types import StringType

from tests.harness.lake import KeptLakes, Lake, observation
from tests.harness.workspace import Workspace
from tests.loader.maintenance import (
    InterruptedLoadError,
    interrupted_at,
    just_before_commit,
    live_files,
    set_properties,
    stored_files,
)
from tests.loader.test_side_by_side import (
    test_rows_of_a_superseded_load_are_hidden_and_dropped_by_the_next_compaction as is_dropped,
)
from tests.marts.test_maintenance import built

DATA_SET, BUCKET, START = "data_set_id", "bucket", "start"
BUCKETS = 8
HASHED = BucketTransform[str](BUCKETS).transform(StringType())

# The Iceberg specification gives the hash of "iceberg": 1,210,000,089.
PROBLEMS = ("iceberg", "", "é", "a/b", "100%", "null", *(f"org.example.Class{n}" for n in range(9)))
DATA_SETS = ("5", "a/b ü%2F=#c?", "5")


@pytest.fixture(autouse=True)
def _no_retry_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "_LONGEST_WAIT_SECONDS", 0.0)


def partition(
    lakehouse: Lakehouse, definition: TableDefinition, **fields: tuple[str, Transform[Any, Any]]
) -> Table:
    """Add fields to the partition spec of a table, without rewriting files."""
    table = lakehouse.table(definition)
    with table.update_spec() as update:
        for name, (column, transform) in fields.items():
            update.add_field(column, transform, name)
    return table


def partition_observations(lakehouse: Lakehouse) -> Table:
    return partition(
        lakehouse,
        OBSERVATIONS,
        data_set_id=(DATA_SET, IdentityTransform()),
        bucket=("problem_id", BucketTransform(BUCKETS)),
    )


def source(lake: Lake, number: int) -> Path:
    rows = [
        observation(problem_id=problem, step_id=step, output=f'"{number} {step}"')
        for problem in PROBLEMS
        for step in range(3)
    ]
    return lake.jsonl(f"{number}.jsonl", rows)


def load(lake: Lake, path: Path, number: int) -> dict[str, Any]:
    options = ("--data-set", DATA_SETS[number % len(DATA_SETS)], "--run", f"r{number}")
    return lake.load("observations", path, *options)


@pytest.fixture
def plain(kept_lakes: KeptLakes) -> Lake:
    """A lakehouse with the rows of `evolved` that was never partitioned."""
    return kept_lakes.get("plain", load_seven_times)


@pytest.fixture
def evolved(kept_lakes: KeptLakes) -> Lake:
    """A lakehouse whose partition spec has changed twice: it has files of three specs."""
    return kept_lakes.get("evolved", load_and_partition)


def load_seven_times(lake: Lake) -> None:
    for number in range(7):
        load(lake, source(lake, number), number)


def load_and_partition(lake: Lake) -> None:
    for number in range(7):
        if number == 2:
            partition_observations(lake.open())
        if number == 5:
            start = ("problem_id", TruncateTransform[str](3))
            partition(lake.open(), OBSERVATIONS, start=start)
        load(lake, source(lake, number), number)


def rows(lake: Lake) -> Counter[str]:
    """Return the observations without their load ids, which differ between lakehouses."""
    return Counter(
        repr({k: v for k, v in row.items() if k not in ("load_id", "observed_at")})
        for row in lake.rows("observations")
    )


def queried(lake: Lake) -> list[dict[str, Any]]:
    query = (
        "select data_set_id, problem_id, run_id, count(*) as n, sum(step_id) as s "
        "from lake.observations group by all order by all"
    )
    return json.loads(lake.obslake("sql", query, "--json")[0])


def content(file: DataFile) -> list[dict[str, Any]]:
    with pq.ParquetFile(file.file_path.removeprefix("file://")) as parquet:
        return parquet.read().to_pylist()


def check_files(lake: Lake) -> Counter[int]:
    """Check that each file has only rows of its partition, sorted; count the files of each spec."""
    table = lake.open().table(OBSERVATIONS)
    specs: Counter[int] = Counter()
    for file in snapshot_files(table, table.current_snapshot()).values():
        names = [field.name for field in table.specs()[file.spec_id].fields]
        values = {name: file.partition[n] for n, name in enumerate(names)}
        assert len(file.partition) == len(names)
        found = content(file)
        assert len(found) == file.record_count
        for row in found:
            computed = {
                DATA_SET: row["data_set_id"],
                BUCKET: HASHED(row["problem_id"]),
                START: row["problem_id"][:3],
            }
            assert values == {name: computed[name] for name in names}
        keys = [tuple(row[c] for c in OBSERVATIONS.sort_columns) for row in found]
        assert keys == sorted(keys)
        specs[file.spec_id] += 1
    return specs


def faults(lake: Lake) -> list[Any]:
    verification = json.loads(lake.obslake("verify", "--deep", "--json")[0])
    assert verification["orphans"] == []
    return [check for check in verification["checks"] if check["faults"]]


def test_the_rows_are_those_of_a_lakehouse_that_was_never_partitioned(
    evolved: Lake, plain: Lake
) -> None:
    assert set(check_files(evolved)) == {0, 1, 2}
    assert set(check_files(plain)) == {0}
    assert rows(evolved) == rows(plain)
    assert queried(evolved) == queried(plain)
    assert faults(evolved) == []
    for problem in PROBLEMS:
        literal = problem.replace("'", "''")
        query = f"select count(*) as n from lake.observations where problem_id = '{literal}'"
        assert json.loads(evolved.obslake("sql", query, "--json")[0]) == [{"n": 21}]


def test_buckets_are_those_of_the_specification(evolved: Lake) -> None:
    files = [file for file in live_files(evolved) if file.spec_id]
    found = {row["problem_id"]: file.partition[1] for file in files for row in content(file)}
    assert found["iceberg"] == 1_210_000_089 % BUCKETS
    # The hash of an empty text is 0, not null.
    assert found[""] == 0
    assert len(set(found.values())) > 3
    # The folders are named as in other engines.
    assert all("/data/data_set_id=" in file.file_path for file in files)
    assert any("/data_set_id=5/bucket=0/" in file.file_path for file in files)


def test_scans_read_only_the_files_of_the_partition(evolved: Lake) -> None:
    files = [file for file in live_files(evolved) if file.spec_id]
    for problem in ("org.example.Class4", "iceberg", ""):
        condition = EqualTo("problem_id", problem)  # type: ignore[misc, call-arg, arg-type]
        scan = evolved.open().table(OBSERVATIONS).scan(condition)
        planned = [task.file for task in scan.plan_files() if task.file.spec_id]
        assert {file.partition[1] for file in planned} == {HASHED(problem)}
        assert scan.count() == 21
    # The bounds of the other files do not exclude the row.
    others = [f for f in files if f.partition[1] != HASHED("org.example.Class4")]
    bounds = [(f.lower_bounds[2].decode(), f.upper_bounds[2].decode()) for f in others]
    assert any(lower <= "org.example.Class4" <= upper for lower, upper in bounds)


def test_compaction_keeps_the_rows_and_is_idempotent(evolved: Lake, plain: Lake) -> None:
    before = evolved.open().table(OBSERVATIONS).snapshots()
    report = json.loads(evolved.obslake("compact", "--table", "observations", "--json")[0])
    table = evolved.open().table(OBSERVATIONS)
    specs = check_files(evolved)
    # All files are small, also the single ones in partitions of an earlier spec.
    assert specs.keys() == {2}
    partitions = [str(file.partition) for file in live_files(evolved)]
    assert len(set(partitions)) == len(partitions)
    assert report[0]["files_after"] == len(partitions) < report[0]["files_before"]
    assert report[0]["bytes_after"] == sum(f.file_size_in_bytes for f in live_files(evolved))
    assert rows(evolved) == rows(plain)
    assert queried(evolved) == queried(plain)
    evolved.obslake("compact")
    assert evolved.open().table(OBSERVATIONS).snapshots() == table.snapshots()
    # Earlier snapshots are unchanged.
    counts = [table.scan(snapshot_id=s.snapshot_id).count() for s in before]
    assert counts == [45 * (n + 1) for n in range(7)]
    assert faults(evolved) == []


def test_good_files_of_an_earlier_spec_stay(lake: Lake) -> None:
    paths = [source(lake, number) for number in range(4)]
    load(lake, paths[0], 0)
    load(lake, paths[1], 1)
    lake.obslake("compact")
    (old,) = live_files(lake)
    partition_observations(lake.open())
    for number in (2, 3):
        load(lake, paths[number], number)
    lake.obslake("compact")
    assert old.file_path in {file.file_path for file in live_files(lake)}
    specs = check_files(lake)
    assert specs[0] == 1
    assert specs[1] == len({HASHED(problem) for problem in PROBLEMS})
    after = lake.snapshots()
    lake.obslake("compact")
    assert lake.snapshots() == after


def test_compaction_into_more_partitions_than_files_may_be_open(
    lake: Lake, plain: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datafiles, "_MOST_OPEN", 2)
    monkeypatch.setattr(datafiles, "_WAITING_BYTES", 0)
    lake.obslake("init")
    set_properties(lake, row_group=10)
    for number in range(7):
        load(lake, source(lake, number), number)
    partition_observations(lake.open())
    lake.obslake("compact", "--table", "observations")
    assert set(check_files(lake)) == {1}
    partitions = [str(file.partition) for file in live_files(lake)]
    assert len(set(partitions)) == len(partitions) > 4
    assert rows(lake) == rows(plain)
    after = lake.snapshots()
    lake.obslake("compact", "--table", "observations")
    assert lake.snapshots() == after


def test_removing_all_fields_of_the_spec(evolved: Lake, plain: Lake) -> None:
    table = evolved.open().table(OBSERVATIONS)
    with table.update_spec() as update:
        for name in (DATA_SET, BUCKET, START):
            update.remove_field(name)
    evolved.obslake("compact")
    (file,) = live_files(evolved)
    assert len(file.partition) == 0
    assert rows(evolved) == rows(plain)
    assert faults(evolved) == []


def test_an_interrupted_load_is_completed_once(
    lake: Lake, plain: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    partition_observations(lake.open())
    paths = [source(lake, number) for number in range(7)]
    with monkeypatch.context() as patch:
        interrupted_at(patch, "observations")
        with pytest.raises(InterruptedLoadError):
            load(lake, paths[0], 0)
    assert not [path for path in stored_files(lake) if path.suffix == ".parquet"]
    for _ in range(2):
        for number, path in enumerate(paths):
            load(lake, path, number)
    assert rows(lake) == rows(plain)
    check_files(lake)
    assert faults(lake) == []


@pytest.mark.parametrize("when", ["while rows are written", "just before the commit"])
def test_a_spec_that_changes_meanwhile(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Files written before the change have the earlier spec."""
    load(lake, source(lake, 0), 0)
    with monkeypatch.context() as patch:
        if when == "just before the commit":
            just_before_commit(patch, lambda: partition_observations(lake.open()), "observations")
        else:

            def written(table: Table, batches: Iterator[pa.RecordBatch]) -> list[DataFile]:
                files = write_data_files(table, batches)
                if table.name()[-1] == "observations":
                    partition_observations(lake.open())
                return files

            patch.setattr(appending, "write_data_files", written)
        load(lake, source(lake, 1), 1)
    assert lake.open().table(OBSERVATIONS).spec().spec_id == 1
    assert check_files(lake) == {0: 2}
    load(lake, source(lake, 2), 2)
    assert set(check_files(lake)) == {0, 1}
    assert len(lake.rows("observations")) == 3 * 45
    assert faults(lake) == []


def test_forgetting(evolved: Lake, plain: Lake) -> None:
    for options in (
        ("--data-set", DATA_SETS[1], "--problem", "a/b"),
        ("--data-set", DATA_SETS[0], "--run", "r5"),
        ("--data-set", DATA_SETS[1]),
    ):
        for lake in (evolved, plain):
            lake.obslake("forget", *options, "--yes")
        assert rows(evolved) == rows(plain)
        check_files(evolved)
    for lake in (evolved, plain):
        lake.obslake("expire", "--older-than", "0s")
    assert faults(evolved) == []
    assert queried(evolved) == queried(plain)
    paths = {Path(file.file_path.removeprefix("file://")) for file in live_files(evolved)}
    assert {path for path in stored_files(evolved) if path.suffix == ".parquet"} == paths


def test_rolling_back_to_files_of_earlier_specs(evolved: Lake) -> None:
    shown = json.loads(evolved.obslake("status", "--snapshots", "--json")[0])["snapshots"]
    before, files = rows(evolved), check_files(evolved)
    evolved.obslake("compact", "--table", "observations")
    compact = check_files(evolved)
    for number in (0, 3, 6):
        evolved.obslake("rollback", "--to", str(shown[number]["snapshot_id"]), "--yes")
        assert len(evolved.rows("observations")) == 45 * (number + 1)
        check_files(evolved)
        assert faults(evolved) == []
    assert rows(evolved) == before
    assert check_files(evolved) == files != compact
    # Manifests of files with earlier specs keep those specs.
    table = evolved.open().table(OBSERVATIONS)
    snapshot = table.current_snapshot()
    assert snapshot is not None
    assert {m.partition_spec_id for m in snapshot.manifests(table.io)} == {0, 1, 2}
    evolved.obslake("expire", "--older-than", "0s")
    assert faults(evolved) == []
    assert rows(evolved) == before


@pytest.mark.parametrize("table", [t.name for t in TABLES[1:]])
def test_dropping_rows_of_superseded_loads(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    """Every table is partitioned."""
    for definition in TABLES:
        bucket = BucketTransform[str](2)
        partition(
            lake.open(),
            definition,
            data_set_id=(DATA_SET, IdentityTransform()),
            bucket=("run_id" if definition.name == "runs" else "problem_id", bucket),
        )
    is_dropped(lake, monkeypatch, table)
    assert {f.spec_id for t in TABLES for f in live_files(lake, t)} == {1}


UNFIT = {
    "observed_at_day": ("observed_at", DayTransform(), "(day of observed_at)"),
    "observed": ("observed_at", IdentityTransform(), "(identity of observed_at)"),
    # PyIceberg cannot write nulls for a required column.
    "nothing": ("test_id", VoidTransform(), "(void of test_id)"),
    "hashed": ("observed_at", BucketTransform(4), "(bucket[4] of observed_at)"),
}


@pytest.mark.parametrize("field", UNFIT)
def test_unsupported_transforms_are_refused(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    for number in range(2):
        load(lake, source(lake, number), 0)
    column, transform, said = UNFIT[field]
    partition(lake.open(), OBSERVATIONS, **{field: (column, transform)})
    before, stored = lake.snapshots(), stored_files(lake)
    written: list[object] = []
    monkeypatch.setattr(datafiles._OpenFile, "__init__", lambda *a: written.append(a))
    message = lake.refused("observations", source(lake, 2))
    assert message == (
        f"observations: obslake cannot write partitions by field '{field}' {said}\n"
        "  it supports identity, bucket and truncate of strings and integers: drop the field from the "
        "partition spec of the table; nothing was changed"
    )
    for command in (
        ("compact", "--table", "observations"),
        # Other tables, which could be rewritten, come first.
        ("compact",),
        ("forget", "--data-set", DATA_SETS[0], "--problem", "a/b", "--yes"),
        # Another table comes first.
        ("forget", "--data-set", DATA_SETS[0], "--run", "r0", "--yes"),
    ):
        with pytest.raises(PartitionError, match="obslake cannot write partitions"):
            lake.obslake(*command)
    assert (lake.snapshots(), stored_files(lake), written) == (before, stored, [])
    # Reading and rolling back whole loads still work.
    assert len(queried(lake)) == len(PROBLEMS)
    assert faults(lake) == []
    with lake.open().table(OBSERVATIONS).update_spec() as update:
        update.remove_field(field)
    monkeypatch.undo()
    assert load(lake, source(lake, 2), 2)["load_id"]


def batch(numbers: range) -> pa.RecordBatch:
    columns = {
        "data_set_id": ["d"] * len(numbers),
        "problem_id": [f"p{n % 7}" for n in numbers],
        "subject_kind": ["test"] * len(numbers),
        "subject_id": [f"{n:06}" for n in numbers],
        "environment_id": [None if n % 2 else "x" * 300 for n in numbers],
        "metric": ["m"] * len(numbers),
        "load_id": ["l"] * len(numbers),
    }
    absent = {c: [None] * len(numbers) for c in MEASUREMENTS.column_names if c not in columns}
    return pa.RecordBatch.from_pydict(columns | absent)


def partitioned(lake: Lake) -> Table:
    """Nulls, values that cannot be folder names, and two fields on one column."""
    partition(
        lake.open(),
        MEASUREMENTS,
        problem=("problem_id", IdentityTransform()),
        hashed=("problem_id", BucketTransform(3)),
        environment=("environment_id", IdentityTransform()),
    )
    table = lake.open().table(MEASUREMENTS)
    return (
        table.transaction()
        .set_properties({"write.parquet.row-group-limit": "100"})
        .commit_transaction()
    )


@pytest.mark.parametrize("limits", [(128, 256 << 20), (3, 0), (1, 200_000)])
def test_files_of_partitions(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int]
) -> None:
    most, waiting = limits
    monkeypatch.setattr(datafiles, "_MOST_OPEN", most)
    monkeypatch.setattr(datafiles, "_WAITING_BYTES", waiting)
    table = partitioned(lake)
    counts: list[int] = []
    complete = datafiles._OpenFile.complete

    def counted(file: Any) -> DataFile:
        counts.append(1)
        return complete(file)

    monkeypatch.setattr(datafiles._OpenFile, "complete", counted)
    steps = (0, 7, 1000, 1001, 1300, 2801)
    files = write_data_files(table, map(batch, map(range, steps, steps[1:])))
    assert len(counts) == len(files)
    assert (len(files) == 14) == (most == 128)
    found: dict[str, list[str]] = {}
    for file in sorted(files, key=lambda f: int(f.file_path.rpartition("/")[2].split("-")[1])):
        name = repr(file.partition)
        for row in content(file):
            environment = row["environment_id"]
            problem = row["problem_id"]
            hashed = BucketTransform[str](3).transform(StringType())(problem)
            assert name == f"Record[{problem}, {hashed}, {environment}]"
            found.setdefault(name, []).append(row["subject_id"])
        long_name = "x" * 200 in file.file_path
        assert not long_name
        with pq.ParquetFile(file.file_path.removeprefix("file://")) as parquet:
            groups = [parquet.metadata.row_group(n).num_rows for n in range(parquet.num_row_groups)]
        if most == 128:
            assert set(groups[:-1]) == {100}
    # Sorted within each partition.
    for numbers in found.values():
        assert all(one < other for one, other in pairwise(numbers))
    assert sorted(n for numbers in found.values() for n in numbers) == [
        f"{n:06}" for n in range(2801)
    ]
    with table.transaction() as transaction, transaction.update_snapshot().fast_append() as new:
        for file in files:
            new.append_data_file(file)
    assert len(lake.rows("measurements", problem_id="p3")) == 400


def test_whole_numbers(lake: Lake) -> None:
    transforms: dict[str, tuple[str, Transform[Any, Any]]] = {
        "step": ("step_id", IdentityTransform()),
        "attempts": ("attempt", BucketTransform(4)),
        "tens": ("duration_ns", TruncateTransform(10)),
    }
    partition(lake.open(), OBSERVATIONS, **transforms)
    numbers = [{"step_id": n, "attempt": n, "duration_ns": n * 7} for n in range(4)]
    lake.load("observations", lake.jsonl("o.jsonl", [observation(**n) for n in numbers]))
    table = lake.open().table(OBSERVATIONS)
    for file in live_files(lake):
        for row in content(file):
            expected = [
                transform.transform(table.schema().find_field(column).field_type)(row[column])
                for column, transform in transforms.values()
            ]
            assert [file.partition[n] for n in range(3)] == expected
    assert len(live_files(lake)) == 4


@pytest.mark.parametrize("waiting", [0, 1 << 30])
def test_a_failure_leaves_no_file(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, waiting: int
) -> None:
    monkeypatch.setattr(datafiles, "_WAITING_BYTES", waiting)
    table = partitioned(lake)

    def failing() -> Iterator[pa.RecordBatch]:
        yield batch(range(1000))
        raise InterruptedLoadError

    with pytest.raises(InterruptedLoadError):
        write_data_files(table, failing())
    assert not list((lake.home / "warehouse").rglob("*.parquet"))


def test_marts_are_the_same(workspace: Workspace) -> None:
    lake = Lake(workspace.folder)
    for load_number in range(3):
        outcomes = [
            observation(problem_id=p, implementation_id=i, step_id=s, output=str(len(i) * s % 4))
            for p in ("p", "q", "r/s")
            for i in (f"i{load_number}", "again")
            for s in range(4)
        ]
        path = lake.jsonl(f"{load_number}.jsonl", outcomes)
        workspace.obslake("load", "observations", str(path), "--run", str(load_number))
    expected = built(workspace)
    other = Workspace(workspace.folder / "other")
    other.folder.mkdir()
    for load_number in range(3):
        path = workspace.folder / f"{load_number}.jsonl"
        other.obslake("load", "observations", str(path), "--run", str(load_number))
        if load_number == 0:
            partition_observations(Lakehouse.open(other.home))
    assert without_loads(built(other)) == without_loads(expected)
    other.obslake("compact")
    other.obslake("verify", "--deep")
    assert without_loads(built(other, "--full-refresh")) == without_loads(expected)


def without_loads(marts: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: found for name, found in marts.items() if name != "runs"}
