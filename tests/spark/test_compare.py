"""The comparison finds every difference, also in marts that are compared in parts."""

from pathlib import Path

import duckdb
import pytest

from spark import compare
from spark.compare import Compared, NotBuiltError

MART = "select * from (values {}) as rows (problem_id, response, tags)"
ROWS = ["('p', 'a', map {'x': '1', 'y': '2'})", "('p', 'a', map {})", "('q', 'e\u0301', null)"]


def compared(folder: Path, ours: list[str], theirs: list[str]) -> Compared:
    path = folder / "theirs"
    path.mkdir()
    with duckdb.connect() as connection:
        connection.execute(f"create table mart as {MART.format(', '.join(ours))}")
        connection.execute(
            f"copy ({MART.format(', '.join(theirs))}) to '{path}/part.parquet' (format parquet)"
        )
        return compare._compare(connection, "mart", path)


@pytest.mark.parametrize("most_rows", [1, 500_000])
@pytest.mark.parametrize(
    ("theirs", "only_ours", "only_theirs"),
    [
        ([*reversed(ROWS)], 0, 0),
        (["('p', 'a', map {'y': '2', 'x': '1'})", *ROWS[1:]], 0, 0),
        (ROWS[1:], 1, 0),
        ([*ROWS, ROWS[0]], 0, 1),
        ([*ROWS[:2], "('q', '\u00e9', null)"], 1, 1),
        ([*ROWS[:2], "('q', 'e\u0301', map {})"], 1, 1),
        ([*ROWS[:2], "('r', 'e\u0301', null)"], 1, 1),
    ],
)
def test_differences(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    most_rows: int,
    theirs: list[str],
    only_ours: int,
    only_theirs: int,
) -> None:
    monkeypatch.setattr(compare, "_MOST_ROWS", most_rows)
    found = compared(tmp_path, ROWS, theirs)
    assert found == Compared("mart", len(ROWS), len(theirs), only_ours, only_theirs)


def test_missing_marts_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotBuiltError, match="there are no marts in"):
        list(compare.compare(str(tmp_path), "marts"))
