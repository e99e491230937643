"""Compaction rewrites overlapping files of several commits, and adjacent small files."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from obslake.lakehouse.schemas import IMPLEMENTATIONS, MEASUREMENTS
from obslake.upkeep.overlaps import files_to_rewrite
from pyiceberg.conversions import to_bytes
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat, ManifestEntry
from pyiceberg.typedef import Record
from pyiceberg.types import StringType

BIG, SMALL = 1000, 999
Row = tuple[str, str]
# Commit, size, rows in order.
File = tuple[int, int, Sequence[Row]]


def entry(number: int, file: File, *, nulls: bool = False, without: str = "") -> ManifestEntry:
    commit, size, rows = file
    columns = list(zip(*rows, strict=True))
    bounds = [
        {n: to_bytes(StringType(), pick(c)) for n, c in enumerate(columns, start=1)}
        for pick in (min, max)
    ]
    data_file = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=str(number),
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=len(rows),
        file_size_in_bytes=size,
        lower_bounds=None if without == "lower" else bounds[0],
        upper_bounds=None if without == "upper" else bounds[1],
        null_value_counts={2: 1} if nulls else {},
        spec_id=0,
    )
    return ManifestEntry.from_args(snapshot_id=commit, data_file=data_file)


def plan(*files: File) -> list[list[int]]:
    entries = [entry(n, file) for n, file in enumerate(files)]
    groups = files_to_rewrite(entries, MEASUREMENTS.schema, MEASUREMENTS.sort_columns[:2], BIG)
    return [sorted(int(f.file_path) for f in group) for group in groups]


def one(commit: int, size: int, first: str, last: str) -> File:
    return commit, size, [("d", first), ("d", last)]


def test_nothing_to_rewrite() -> None:
    assert plan() == []
    assert plan(one(1, SMALL, "a", "z")) == []
    assert plan(one(1, BIG, "a", "c"), one(2, BIG, "d", "f")) == []
    # The last file of a load may be small.
    assert plan(one(1, BIG, "a", "c"), one(1, SMALL, "d", "f"), one(2, BIG, "g", "h")) == []
    # The files of one commit are sorted, although they seem to overlap: the second data set begins with `a`.
    assert plan((1, BIG, [("d", "m"), ("e", "a")]), (1, BIG, [("e", "b"), ("e", "z")])) == []


def test_files_of_several_commits_that_overlap() -> None:
    assert plan(one(1, BIG, "a", "c"), one(2, BIG, "c", "f"), one(3, BIG, "g", "h")) == [[0, 1]]
    # A file that overlaps all others includes all of them.
    assert plan(one(1, BIG, "a", "c"), one(1, BIG, "d", "f"), one(2, SMALL, "b", "e")) == [
        [0, 1, 2]
    ]


def test_adjacent_small_files() -> None:
    small = [one(n, SMALL, letter, letter) for n, letter in enumerate("abc")]
    assert plan(*small) == [[0, 1, 2]]
    assert plan(small[0], one(9, BIG, "b", "b"), small[2]) == []
    # Also in one commit, which other writers may produce.
    assert plan(one(1, SMALL, "a", "b"), one(1, SMALL, "c", "d")) == [[0, 1]]
    assert plan(one(1, SMALL, "a", "b"), one(1, SMALL, "b", "d")) == [[0, 1]]
    # A group that is rewritten anyway includes its small neighbour.
    assert plan(one(1, BIG, "a", "c"), one(2, BIG, "c", "f"), one(3, SMALL, "g", "h")) == [
        [0, 1, 2]
    ]


def test_nulls_sort_last() -> None:
    files: list[File] = [(1, BIG, [("d", "a")]), (2, BIG, [("d", "b")])]
    for nulls, expected in ((True, 1), (False, 0)):
        entries = [entry(0, files[0], nulls=nulls), entry(1, files[1])]
        columns = IMPLEMENTATIONS.sort_columns[:2]
        assert len(files_to_rewrite(entries, IMPLEMENTATIONS.schema, columns, BIG)) == expected


def test_unknown_bounds_may_be_anywhere() -> None:
    entries = [entry(0, one(1, BIG, "a", "b")), entry(1, one(2, BIG, "x", "z"))]
    columns = MEASUREMENTS.sort_columns[:2]
    assert files_to_rewrite(entries, MEASUREMENTS.schema, columns, BIG) == []
    upper = [entry(0, one(1, BIG, "a", "b"), without="upper"), entries[1]]
    lower = [entries[0], entry(1, one(2, BIG, "x", "z"), without="lower")]
    for unknown in (upper, lower):
        assert len(files_to_rewrite(unknown, MEASUREMENTS.schema, columns, BIG)) == 1


def commits() -> st.SearchStrategy[list[list[Row]]]:
    row = st.tuples(st.sampled_from("dex"), st.sampled_from("abcdefgh"))
    return st.lists(st.lists(row, min_size=1, max_size=20).map(sorted), min_size=1, max_size=6)


def written(commit: int, rows: list[Row], per_file: int) -> list[File]:
    """Return the files that a commit writes: all but the last are big."""
    pieces = [rows[n : n + per_file] for n in range(0, len(rows), per_file)]
    return [(commit, BIG if len(p) == per_file else SMALL, p) for p in pieces]


@settings(max_examples=300, deadline=None)
@given(commits(), st.integers(1, 6))
def test_rewritten_files_are_compact(loads: list[list[Row]], per_file: int) -> None:
    files = [f for n, rows in enumerate(loads) for f in written(n, rows, per_file)]
    after = list(files)
    for group in plan(*files):
        rows = sorted(row for n in group for row in files[n][2])
        after += written(len(loads), rows, per_file)
    replaced = {n for group in plan(*files) for n in group}
    after = [f for n, f in enumerate(after) if n not in replaced]
    assert sorted(r for f in after for r in f[2]) == sorted(r for rows in loads for r in rows)
    assert plan(*after) == []
    # Two files share at most a boundary value.
    ordered = sorted(after, key=lambda file: (file[2][0], file[2][-1]))
    assert all(a[2][-1] <= b[2][0] for a, b in pairwise(ordered))
