"""Reads the rows of a mart in the order of their keys, a few problems at a time."""

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from obslake.engine import quote_identifier
from obslake.errors import ExportError
from obslake.query.names import check_names, has_name

KEY_COLUMNS = (
    "data_set_id",
    "problem_id",
    "lineage",
    "subject_kind",
    "subject_id",
    "scope",
    "metric",
    "test_id",
    "step_id",
    "implementation_id",
    "implementation_a",
    "implementation_b",
    "cluster_id",
    "from_environment_id",
    "to_environment_id",
    "environment_id",
    "run_id",
    "attempt",
    "value",
    "value_text",
    "unit",
    "measured_at",
    "change",
    "content_hash",
    "stimulus_id",
    "response_hash",
)
"""Columns of the keys of the marts, in sort order."""

# Rows per query; more if one problem has more.
_QUERIED_ROWS = 65_536
_BATCH_ROWS = 2_048


class MartRows:
    """The chosen rows of a mart, a few problems at a time."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        relation: str,
        data_sets: Sequence[str],
        problems: Sequence[str],
    ) -> None:
        """Choose the rows of some data sets and problems; empty: all.

        Raises:
            ExportError: there is no such mart, or it lacks the column of the choice.
            UnknownNameError: neither it nor the mart of all problems has the data set or problem.
        """
        self._connection = connection
        self._relation = relation
        self.columns: dict[str, str] = dict(
            connection.execute(
                "select column_name, data_type from duckdb_columns() "
                "where database_name = current_database() and schema_name = 'main' "
                "and table_name = ? order by column_index",
                [relation],
            ).fetchall()
        )
        if not self.columns:
            raise ExportError(
                f"there is no mart {relation!r}; there are {', '.join(self._names())}"
            )
        self._wanted: dict[str, list[str]] = {}
        for column, values in {"data_set_id": data_sets, "problem_id": problems}.items():
            if values and column not in self.columns:
                raise ExportError(f"{relation} has no {column} to choose by")
            if values:
                self._wanted[column] = list(values)
        # Some marts have rows of problems that were never observed, such as measurements.
        for kind, column, values, within in (
            ("data set", "data_set_id", data_sets, ()),
            ("problem", "problem_id", problems, data_sets),
        ):
            others = [v for v in values if not has_name(connection, relation, column, v, within)]
            check_names(connection, kind, others, within)

    def _names(self) -> list[str]:
        tables = (
            "select table_name from information_schema.tables "
            "where table_catalog = current_database() and table_schema = 'main' order by 1"
        )
        return [name for (name,) in self._connection.execute(tables).fetchall()]

    def batches(self, selected: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows in the order of their keys, in small batches."""
        keys = [quote_identifier(name) for name in KEY_COLUMNS if name in self.columns]
        order = f"order by {', '.join(keys)}" if keys else ""
        for condition, values in self._parts():
            reader = self._connection.sql(
                f"select {selected} from {quote_identifier(self._relation)} "
                f"where {condition} {order}",
                params=values,
            ).to_arrow_reader(_BATCH_ROWS)
            yield from reader

    def schema(self, selected: str) -> pa.Schema:
        """Return the Arrow schema of the selected columns."""
        query = f"select {selected} from {quote_identifier(self._relation)} where false"
        return self._connection.sql(query).to_arrow_table().schema

    def _parts(self) -> Iterator[tuple[str, list[object]]]:
        """Yield conditions, with their parameters, that split the rows in the order of their keys."""
        chosen = " and ".join(
            ["true", *(f"list_contains(?, {quote_identifier(name)})" for name in self._wanted)]
        )
        values: list[object] = list(self._wanted.values())
        if not {"data_set_id", "problem_id"} <= self.columns.keys():
            yield chosen, values
            return
        counted = self._connection.execute(
            f"select data_set_id, problem_id, count(*) from {quote_identifier(self._relation)} "
            f"where {chosen} group by data_set_id, problem_id order by data_set_id, problem_id",
            values,
        ).fetchall()
        for data_set, first, last in _runs(counted):
            if first is None:
                yield f"{chosen} and data_set_id = ? and problem_id is null", [*values, data_set]
            else:
                within = f"{chosen} and data_set_id = ? and problem_id >= ? and problem_id <= ?"
                yield within, [*values, data_set, first, last]


def _runs(counted: Sequence[tuple[Any, ...]]) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield data set, first problem and last problem of each group that is read with one query."""
    start, end, rows = None, None, 0
    for data_set, problem, count in counted:
        if start and (start[0] != data_set or problem is None or rows + count > _QUERIED_ROWS):
            yield (*start, end)
            start, rows = None, 0
        start = start or (data_set, problem)
        end, rows = problem, rows + count
    if start:
        yield (*start, end)
