"""A query for one problem reads few files and few of their row groups."""

from collections.abc import Callable

import pyarrow.parquet as pq
from obslake.lakehouse.schemas import OBSERVATIONS
from pyiceberg.expressions import And, EqualTo

from tests.harness.lake import Lake, observation
from tests.loader.maintenance import live_files, part, set_properties

PROBLEMS, LOADS, STEPS, ROW_GROUP = 120, 6, 10, 100


def problem(number: int) -> str:
    # Like classes of one package, with equal first characters.
    return f"org.example.project.some.package.Class{number:03}"


def row_groups(path: str, matches: Callable[[str, str], bool]) -> int:
    """Count the row groups of a file whose statistics admit a problem."""
    metadata = pq.ParquetFile(path.removeprefix("file://")).metadata
    column = metadata.schema.names.index("problem_id")
    found = 0
    for number in range(metadata.num_row_groups):
        statistics = metadata.row_group(number).column(column).statistics
        found += matches(statistics.min, statistics.max)
    return found


def read_for(lake: Lake, number: int) -> tuple[int, int]:
    """Return the number of files and row groups that must be read for one problem."""
    name = problem(number)
    one = And(EqualTo("data_set_id", "default"), EqualTo("problem_id", name))
    files = [t.file for t in lake.open().table(OBSERVATIONS).scan(row_filter=one).plan_files()]
    groups = sum(row_groups(f.file_path, lambda low, high: low <= name <= high) for f in files)
    return len(files), groups


def test_one_problem_is_in_few_files_and_row_groups(lake: Lake) -> None:
    lake.obslake("init")
    set_properties(lake, row_group=ROW_GROUP, target_size=60_000)
    for load in range(LOADS):
        rows = [
            observation(
                problem_id=problem(p), implementation_id=f"i{load}", step_id=s, output=f"{s}"
            )
            for p in range(PROBLEMS)
            for s in range(STEPS)
        ]
        lake.load("observations", part(lake, load, rows))
    # The rows of one problem fit into a row group.
    assert LOADS * STEPS < ROW_GROUP
    scattered = [read_for(lake, number) for number in range(PROBLEMS)]
    assert {files for files, _ in scattered} == {LOADS}
    assert min(groups for _, groups in scattered) >= LOADS

    lake.obslake("compact", "--table", "observations")
    files = live_files(lake)
    groups = sum(row_groups(file.file_path, lambda low, high: True) for file in files)
    assert 2 < len(files) < LOADS
    assert groups <= PROBLEMS * LOADS * STEPS / ROW_GROUP + len(files)
    compacted = [read_for(lake, number) for number in range(PROBLEMS)]
    assert max(files for files, _ in compacted) <= 2
    assert max(groups for _, groups in compacted) <= 2
    # Only a problem at a boundary is in two files.
    assert sum(files for files, _ in compacted) <= PROBLEMS + len(files)
