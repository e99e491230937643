"""Rows become data files in order and of a fixed size; a failure leaves no file."""

import gc
import random
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from obslake.lakehouse import datafiles
from obslake.lakehouse.datafiles import write_data_files
from obslake.lakehouse.schemas import MEASUREMENTS
from pyiceberg.conversions import from_bytes
from pyiceberg.table import Table
from pyiceberg.types import StringType

from tests.harness.lake import Lake


class SourceFailedError(Exception):
    """Simulates a failure in the stream of rows."""


SOURCE = random.Random(1)


def batch(numbers: range) -> pa.RecordBatch:
    columns = {
        "data_set_id": ["d"] * len(numbers),
        "problem_id": [f"org.example.project.Class{n:06}" for n in numbers],
        "subject_kind": ["test"] * len(numbers),
        "subject_id": [SOURCE.randbytes(20).hex() for _ in numbers],
        "metric": ["m"] * len(numbers),
        "load_id": ["l"] * len(numbers),
    }
    absent = {c: [None] * len(numbers) for c in MEASUREMENTS.column_names if c not in columns}
    return pa.RecordBatch.from_pydict(columns | absent)


def small_files(lake: Lake) -> Table:
    table = lake.open().table(MEASUREMENTS)
    properties = {
        "write.target-file-size-bytes": "20000",
        "write.parquet.row-group-limit": "300",
    }
    return table.transaction().set_properties(properties).commit_transaction()


def test_rows_become_files_of_the_target_size(lake: Lake) -> None:
    table = small_files(lake)
    steps = (0, 7, 1000, 1001, 1300, 2345)
    files = write_data_files(table, map(batch, map(range, steps, steps[1:])))
    assert len(files) > 2
    assert all(file.file_size_in_bytes >= 20000 for file in files[:-1])
    found: list[str] = []
    for file in files:
        opened = pq.ParquetFile(file.file_path.removeprefix("file://"))
        groups = [opened.metadata.row_group(n).num_rows for n in range(opened.num_row_groups)]
        assert {300} >= set(groups[:-1])
        assert {300, 2345 % 300} >= set(groups)
        problems = opened.read()["problem_id"].to_pylist()
        found += problems
        # Bounds are not truncated: the first 16 characters of these names are equal.
        (bounds,) = (
            [from_bytes(StringType(), b[2]) for b in (file.lower_bounds, file.upper_bounds)],
        )
        assert bounds == [problems[0], problems[-1]]
        assert file.record_count == len(problems)
        assert file.file_size_in_bytes == len(table.io.new_input(file.file_path))
    assert found == [f"org.example.project.Class{n:06}" for n in range(2345)]

    with table.transaction() as transaction, transaction.update_snapshot().fast_append() as new:
        for file in files:
            new.append_data_file(file)
    assert [r["problem_id"] for r in lake.rows("measurements")] == found


def test_no_rows_make_no_file(lake: Lake) -> None:
    assert write_data_files(small_files(lake), [batch(range(0))]) == []


def test_long_rows_make_small_row_groups(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datafiles, "_ROW_GROUP_BYTES", 1)
    (file,) = write_data_files(small_files(lake), [batch(range(5)), batch(range(5, 7))])
    opened = pq.ParquetFile(file.file_path.removeprefix("file://"))
    assert [opened.metadata.row_group(n).num_rows for n in range(2)] == [5, 2]


@pytest.mark.parametrize("rows", [1, 10_000])
def test_a_failure_leaves_no_file(lake: Lake, rows: int) -> None:
    def failing() -> Iterator[pa.RecordBatch]:
        yield batch(range(rows))
        raise SourceFailedError

    with pytest.raises(SourceFailedError):
        write_data_files(small_files(lake), failing())
    assert not list((lake.home / "warehouse").rglob("*.parquet"))


def test_a_failing_store_leaves_no_file(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write = pq.ParquetWriter.write_table
    calls: list[int] = []

    def failing_write(writer: pq.ParquetWriter, *arguments: object, **options: object) -> None:
        calls.append(1)
        if len(calls) == 5:
            raise OSError("no space left")
        write(writer, *arguments, **options)

    monkeypatch.setattr(pq.ParquetWriter, "write_table", failing_write)
    with pytest.raises(OSError, match="no space left"):
        write_data_files(small_files(lake), [batch(range(10_000))])
    assert not list((lake.home / "warehouse").rglob("*.parquet"))
    # No object fails when it is garbage-collected.
    gc.collect()
