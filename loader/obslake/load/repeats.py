"""Counts rows of a load that share all their keys: only one row per actuation counts in the matrix."""

from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from obslake.lakehouse.schemas import ACTUATION_KEYS
from obslake.load.sources.checks import shorten

# First the columns in which neighbouring rows mostly differ.
_KEYS = sorted(
    ACTUATION_KEYS,
    key=lambda name: (name != "implementation_id", name != "test_id", name != "step_id"),
)
_ANSWER = ("output", "response_kind")


class Repeats:
    """Counts rows of observations with the same keys; the rows are sorted by them.

    Only such rows go into a table of hashes, which DuckDB spills to disk, so memory is bounded however many there
    are.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, advice: str) -> None:
        """Count in a table of its own, because the rows are read from the connection meanwhile.

        Args:
            connection: its database gets the table.
            advice: what to do about such rows.
        """
        self._connection = connection.cursor()
        self._advice = advice
        self._example = ""
        self._example_differs = False
        self._has_repeats = False
        self._last: pa.RecordBatch | None = None
        self._last_key = 0
        self._last_is_counted = False

    def add(self, batch: pa.RecordBatch) -> None:
        """Count repeats in the next rows."""
        if not batch.num_rows:
            return
        rows = batch if self._last is None else pa.concat_batches([self._last, batch])
        equals_next = _equals_next(rows)
        if not equals_next.any():
            self._keep_last(rows, self._last_key + rows.num_rows, is_counted=False)
            return
        keys = self._last_key + np.concatenate([[0], np.cumsum(~equals_next)])
        is_repeated = np.concatenate([equals_next, [False]]) | np.concatenate(
            [[False], equals_next]
        )
        is_counted = bool(is_repeated[-1])
        is_repeated[0] &= not self._last_is_counted
        self._note_example(rows, equals_next)
        self._insert(rows, keys, is_repeated)
        self._keep_last(rows, int(keys[-1]), is_counted=is_counted)

    def describe(self) -> list[str]:
        """Return a warning with advice, if there are repeats."""
        if not self._has_repeats:
            return []
        ((total, exact, same, different),) = self._connection.execute(
            """
            select
                sum(n) - count(*),
                sum(n - n_rows),
                sum(n_rows - n_answers),
                sum(n_answers - 1)
            from (
                select key, sum(n) as n, sum(n_rows) as n_rows, count(*) as n_answers
                from (
                    select key, answer, sum(n) as n, count(*) as n_rows
                    from (select *, count(*) as n from repeated_rows group by all)
                    group by key, answer
                )
                group by key
            )
            """
        ).fetchall()
        self._connection.close()
        return [
            f"{total:,} {'row shares' if total == 1 else 'rows share'} problem, test, step, implementation, "
            "environment, run and attempt with another row of the load, and only one of each counts in the "
            f"matrix: exact duplicates: {exact:,}, other rows with the same response: {same:,}, with a different "
            f"response: {different:,}; for example {self._example}"
            + (f" ({self._advice})" if self._advice and same + different else "")
        ]

    def _keep_last(self, rows: pa.RecordBatch, key: int, *, is_counted: bool) -> None:
        """Keep the last row, which the first one of the next batch may repeat."""
        self._last = rows.slice(rows.num_rows - 1)
        self._last_key = key
        self._last_is_counted = is_counted

    def _insert(
        self, rows: pa.RecordBatch, keys: npt.NDArray[np.int64], which: npt.NDArray[np.bool_]
    ) -> None:
        """Add hashes of the rows that share their keys."""
        if not self._has_repeats:
            self._has_repeats = True
            self._connection.execute(
                "create temp table repeated_rows (key bigint, answer uhugeint, content uhugeint)"
            )
        given = pa.Table.from_batches([rows]).filter(pa.array(which))
        self._connection.register("given_keys", pa.table({"key": keys[which]}))
        self._connection.register("given_rows", given)
        # The text of a moment would take as long as all other columns.
        texts = [
            f"coalesce(cast({f'epoch_us({name})' if name == 'observed_at' else name} as varchar), '\x1e')"
            for name in rows.schema.names
            if name not in _KEYS
        ]
        self._connection.execute(
            f"""
            insert into repeated_rows
            select
                key,
                md5_number(concat(response_kind, '@', output)),
                md5_number(concat_ws('\x1f', {", ".join(texts)}))
            from given_rows positional join given_keys
            """
        )
        self._connection.unregister("given_rows")
        self._connection.unregister("given_keys")

    def _note_example(self, rows: pa.RecordBatch, equals_next: npt.NDArray[np.bool_]) -> None:
        """Keep the first two rows that share their keys, preferably with different responses."""
        if self._example_differs:
            return
        differs = equals_next & ~_equal(rows, _ANSWER)
        found = differs if differs.any() else equals_next
        if self._example and found is equals_next:
            return
        pair = rows.slice(int(found.argmax()), 2).to_pylist()
        self._example_differs = found is differs
        self._example = _described(pair)


def _described(pair: list[dict[str, Any]]) -> str:
    first = pair[0]
    names = ", ".join(
        f"{name.removesuffix('_id')} {_shortened(first[name])}"
        for name in ("problem_id", "test_id", "step_id", "implementation_id", "run_id")
    )
    return f"{names}: {' and '.join(_shortened(row['output']) for row in pair)}"


def _equals_next(rows: pa.RecordBatch) -> npt.NDArray[np.bool_]:
    """Return for all rows but the last whether the next one has the same keys."""
    equal = np.ones(rows.num_rows - 1, np.bool_)
    for name in _KEYS:
        equal &= _equal(rows, (name,))
        if not equal.any():
            break
    return equal


def _equal(rows: pa.RecordBatch, names: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """Return for all rows but the last whether the next one has the same values; nulls are equal."""
    equal = np.ones(rows.num_rows - 1, np.bool_)
    for name in names:
        column = rows.column(name)
        one, next_one = column.slice(0, len(column) - 1), column.slice(1)
        same = pc.equal(one, next_one)
        if column.null_count:
            same = pc.if_else(
                pc.is_valid(same), same, pc.and_(pc.is_null(one), pc.is_null(next_one))
            )
        equal &= same.to_numpy(zero_copy_only=False)
    return equal


def _shortened(value: object) -> str:
    return "nothing" if value is None else shorten(str(value))
