"""Finds rows that earlier loads of the same run have loaded already: only one row per actuation counts.

A load notes its runs in its snapshot, so a load of a new run knows from the metadata that there is nothing to
find.
"""

import json
from hashlib import sha256

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from obslake.engine import (
    glob_literal,
    quote_identifier,
    quote_literal,
    reason,
    set_variables,
)
from obslake.lakehouse.ancestry import LOAD_ID_PROPERTY
from obslake.lakehouse.schemas import ACTUATION_KEYS, OBSERVATIONS
from obslake.lakehouse.snapshots import data_files_query
from obslake.load.history import History

# Summary property of a snapshot of observations: hashes of data set, run and environment of runs with a name. The
# names themselves would stay there if their rows were forgotten.
RUNS_PROPERTY = "obslake.runs"

_CONTEXT = ("data_set_id", "run_id", "environment_id")

# More runs are not noted, because the metadata of a table would become too large.
_MOST_RUNS = 100

_SHOWN_LOADS = 3


class NamedRuns:
    """The runs of a load that have a name; a run without one has the id of the load, and no other load has it."""

    def __init__(self, load_id: str) -> None:
        """Begin without rows of the load."""
        self._load_id = load_id
        self._found: set[str] = set()
        self._last: tuple[str, str, str] | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Note the runs of the next rows."""
        contexts = batch.select(_CONTEXT)
        if self._last is not None and _is_constant(contexts, self._last):
            return
        if len(self._found) > _MOST_RUNS:
            return
        distinct = pa.Table.from_batches([contexts]).group_by(list(_CONTEXT)).aggregate([])
        for row in distinct.to_pylist():
            self._last = row["data_set_id"], row["run_id"], row["environment_id"]
            if row["run_id"] != self._load_id:
                self._found.add(sha256(json.dumps(self._last).encode()).hexdigest()[:16])

    def properties(self) -> dict[str, str]:
        """Return the property of the snapshot, unless there are too many runs or none."""
        if not 0 < len(self._found) <= _MOST_RUNS:
            return {}
        return {RUNS_PROPERTY: json.dumps(sorted(self._found))}

    def describe_known(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: Table,
        files: list[DataFile],
        history: History,
    ) -> list[str]:
        """Return a warning, if earlier loads have rows with the keys of rows in these files, not yet committed."""
        loads = self._earlier_loads(table, history) if files else []
        if not loads:
            return []
        try:
            known, same = self._count_known(connection, table, files, loads)
        except (duckdb.Error, OSError) as error:
            # A file that is missing should not keep others from being loaded.
            text = reason(error) if isinstance(error, duckdb.Error) else str(error)
            return [f"rows that earlier loads of the same run have loaded are not known: {text}"]
        if not known:
            return []
        named = ", ".join(loads[-_SHOWN_LOADS:]) + ", …" * (len(loads) > _SHOWN_LOADS)
        return [
            f"{known:,} {'row has' if known == 1 else 'rows have'} problem, test, step, implementation, "
            "environment, run and attempt of rows that were loaded before, and only one of each counts in the "
            f"matrix: with the same response: {same:,}, with a different response: {known - same:,} (loaded by "
            f"{named}; if the rows are of another run, give it another name with --run)"
        ]

    def _count_known(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: Table,
        files: list[DataFile],
        loads: list[str],
    ) -> tuple[int, int]:
        """Return how many rows have keys of earlier rows, and how many of them also their response."""
        ids = ", ".join(map(quote_literal, loads))
        earlier = [t.file for t in table.scan(row_filter=f"load_id in ({ids})").plan_files()]
        if not earlier:
            return 0, 0
        set_variables(
            connection,
            {
                "new_files": [glob_literal(file.file_path) for file in files],
                "earlier_files": [glob_literal(file.file_path) for file in earlier],
            },
        )
        keys = ", ".join(map(quote_identifier, ACTUATION_KEYS))
        columns = (
            "* replace (coalesce(alternative, '') as alternative), coalesce(output, '') as answer"
        )
        known, same = connection.execute(
            f"""
            with new_rows as (
                select {columns} from {data_files_query(connection, table, "new_files")}
            ),

            earlier_rows as (
                select {columns} from {data_files_query(connection, table, "earlier_files")}
                where load_id in ({ids})
            )

            select
                (select count(*) from new_rows semi join earlier_rows using ({keys})),
                (select count(*) from new_rows semi join earlier_rows using ({keys}, response_kind, answer))
            """
        ).fetchall()[0]
        return known, same

    def _earlier_loads(self, table: Table, history: History) -> list[str]:
        """Return the visible loads that have rows of these runs, as far as their snapshots exist."""
        visible = history.loads.get(OBSERVATIONS.name, set()) - {self._load_id}
        found = []
        for snapshot in table.metadata.snapshots if self.properties() else []:
            summary = snapshot.summary.additional_properties if snapshot.summary else {}
            runs = json.loads(summary.get(RUNS_PROPERTY, "[]"))
            if summary.get(LOAD_ID_PROPERTY) in visible and not self._found.isdisjoint(runs):
                found.append(summary[LOAD_ID_PROPERTY])
        return sorted(found)


def _is_constant(rows: pa.RecordBatch, values: tuple[str, ...]) -> bool:
    return all(
        pc.all(pc.equal(column, value)).as_py()
        for column, value in zip(rows.columns, values, strict=True)
    )
