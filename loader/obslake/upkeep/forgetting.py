"""Deletes rows that were named: files that hold some of them are rewritten without them.

Records of the quarantine are deleted with them, as far as their data set, problem and run can be told.
"""

import uuid
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from obslake import engine
from obslake.engine import glob_literal, quote_identifier, reason, set_variables
from obslake.errors import ForgetError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.ledger import forget_properties, noted_forgotten
from obslake.lakehouse.partitions import check_partitions
from obslake.lakehouse.rewrite import Group, rewrite, until_not_replaced
from obslake.lakehouse.schemas import OBSERVATIONS, QUARANTINE, TABLES, TableDefinition
from obslake.lakehouse.snapshots import data_files_query, live_files
from obslake.lakehouse.workfolder import work_folder
from obslake.progress import Progress
from obslake.upkeep.wanted import Wanted

_MOST_NAMES = 20


@dataclass(frozen=True)
class Forgetting:
    """What was deleted from one table, or would be.

    Attributes:
        table: name of the table.
        rows: rows that were deleted.
        files: data files that held some of them.
        snapshots: earlier snapshots, which may hold them still.
        unknown: records of the quarantine that stay, since their problem or run cannot be told.
    """

    table: str
    rows: int
    files: int
    snapshots: int
    unknown: int = 0


@dataclass(frozen=True)
class _Found:
    """The rows to forget in a table's current snapshot: of each file, how many of which load.

    ``unknown`` counts those of which it cannot be told whether they are.
    """

    table: Table
    files: dict[str, tuple[DataFile, Counter[str]]] = field(default_factory=dict)
    unknown: int = 0

    @property
    def rows(self) -> Counter[str]:
        return sum((counts for _, counts in self.files.values()), Counter())


def count(lakehouse: Lakehouse, wanted: Wanted) -> list[Forgetting]:
    """Return what would be deleted from each table.

    Raises:
        ForgetError: there are no such rows; the message names what there is.
        DeleteFilesError: a table has delete files of another engine.
    """
    with _work(lakehouse) as connection:
        tables = _tables(lakehouse)
        done = [_describe(_find(connection, lakehouse, t, wanted), t) for t in tables]
        if not any(d.rows for d in done) and _unfinished(lakehouse, wanted) is None:
            message = _nothing(connection, lakehouse, wanted)
            if unknown := sum(d.unknown for d in done):
                message += (
                    f"\n  records set aside that may be of it, and do not say so: {unknown:,}"
                )
            raise ForgetError(message)
    return done


def forget(lakehouse: Lakehouse, wanted: Wanted, progress: Progress) -> Iterator[Forgetting]:
    """Delete the rows from table after table, each in one commit, and say what was deleted.

    The quarantine is first: of which data sets its loads are is said by the rows of the others.
    Observations are last, and note what was forgotten even where they had no such rows: by this the
    marts know what to rebuild. Interrupted before, it is completed by running it again.

    Raises:
        ForgetError: a table cannot be read.
        RewriteError: others replaced the same files all the time, or rows would be lost.
        PartitionError: a table is partitioned by what obslake cannot write; nothing was changed.
        DeleteFilesError: a table has delete files of another engine.
        CommitConflictError: others committed all the time.
    """
    for definition in _tables(lakehouse):
        check_partitions(lakehouse.table(definition))
    forget_id = _unfinished(lakehouse, wanted) or str(uuid.uuid4())
    with _work(lakehouse) as connection:
        for definition in _tables(lakehouse):
            yield _forget(connection, lakehouse, definition, wanted, forget_id, progress)


def _tables(lakehouse: Lakehouse) -> list[TableDefinition]:
    """Return the tables in the order in which rows of them are forgotten."""
    return [*filter(lakehouse.has, [QUARANTINE]), *TABLES]


def _forget(
    connection: duckdb.DuckDBPyConnection,
    lakehouse: Lakehouse,
    definition: TableDefinition,
    wanted: Wanted,
    forget_id: str,
    progress: Progress,
) -> Forgetting:

    def attempt() -> Forgetting:
        with progress.task(f"forgetting {definition.name}", unit="rows") as task:
            found = _find(connection, lakehouse, definition, wanted)
            if found.files or definition is OBSERVATIONS:
                rewrite(
                    connection,
                    found.table,
                    [Group((f,), f.record_count - n.total()) for f, n in found.files.values()],
                    f"where ({wanted.condition(definition, found.table.schema())}) is distinct from true",
                    lambda _: forget_properties(forget_id, wanted.what, found.rows),
                    task,
                )
            return _describe(found, definition)

    return until_not_replaced(definition.name, attempt)


def _find(
    connection: duckdb.DuckDBPyConnection,
    lakehouse: Lakehouse,
    definition: TableDefinition,
    wanted: Wanted,
) -> _Found:
    table = lakehouse.table(definition)
    found = _Found(table)
    snapshot = table.current_snapshot()
    if snapshot is None or not wanted.applies_to(definition):
        return found
    files = live_files(table, snapshot)
    scan = table.scan(wanted.filter(definition), snapshot_id=snapshot.snapshot_id)
    paths = sorted({task.file.file_path for task in scan.plan_files()})
    if definition is QUARANTINE and paths:
        data_set = Wanted(wanted.data_set_id)
        loads = [_find(connection, lakehouse, each, data_set).rows.keys() for each in TABLES]
        set_variables(connection, {"loads": sorted(set().union(*loads))})
    set_variables(connection, {**wanted.columns})
    condition = wanted.condition(definition, table.schema())
    query = (
        f"select load_id, {condition} as is_wanted, count(*) from {data_files_query(connection, table)} "
        "where is_wanted is distinct from false group by all"
    )
    n_unknown = 0
    for path in paths:
        set_variables(connection, {"files": [glob_literal(path)]})
        rows = _rows(connection, definition, query)
        n_unknown += sum(count for _, is_wanted, count in rows if not is_wanted)
        if counts := Counter({load_id: n for load_id, is_wanted, n in rows if is_wanted}):
            found.files[path] = files[path], counts
    return replace(found, unknown=n_unknown)


def _describe(found: _Found, definition: TableDefinition) -> Forgetting:
    metadata = found.table.metadata
    return Forgetting(
        definition.name,
        found.rows.total(),
        len(found.files),
        # After the commit the current one is without them.
        max(len(metadata.snapshots) - 1, 0),
        found.unknown if definition is QUARANTINE else 0,
    )


def _unfinished(lakehouse: Lakehouse, wanted: Wanted) -> str | None:
    """Return the id of the same command that was interrupted: observations have not noted it."""
    finished = noted_forgotten(lakehouse.table(OBSERVATIONS).metadata)
    for definition in _tables(lakehouse):
        for forget_id, note in noted_forgotten(lakehouse.table(definition).metadata).items():
            if forget_id not in finished and note.what == wanted.what:
                return forget_id
    return None


def _nothing(connection: duckdb.DuckDBPyConnection, lakehouse: Lakehouse, wanted: Wanted) -> str:
    """Return which part of what was named is not there, and what is."""
    known: dict[str, str] = {}
    kinds = {"data_set_id": "data set", "problem_id": "problem", "run_id": "run"}
    for column, value in wanted.columns.items():
        there = _values(connection, lakehouse, column, known)
        if value not in there:
            names = ", ".join(map(repr, sorted(there)[:_MOST_NAMES])) or "none"
            if len(there) > _MOST_NAMES:
                names += f" and {len(there) - _MOST_NAMES:,} more"
            place = f" in data set {wanted.data_set_id!r}" if known else ""
            return f"there is no {kinds[column]} {value!r}{place}\n  there are: {names}"
        if not known:
            known = {column: value}
    return f"there are no rows of {wanted.describe()}\n  nothing was changed"


def _values(
    connection: duckdb.DuckDBPyConnection,
    lakehouse: Lakehouse,
    column: str,
    known: dict[str, str],
) -> Collection[str]:
    values: set[str] = set()
    for definition in TABLES:
        table = lakehouse.table(definition)
        files = live_files(table, table.current_snapshot())
        if column not in definition.column_names or not files:
            continue
        set_variables(connection, {**known, "files": [glob_literal(path) for path in files]})
        where = "".join(f" where {quote_identifier(c)} = getvariable('{c}')" for c in known)
        query = f"select distinct {quote_identifier(column)} from {data_files_query(connection, table)}{where}"
        rows = _rows(connection, definition, query)
        values.update(value for (value,) in rows if value is not None)
    return values


def _rows(
    connection: duckdb.DuckDBPyConnection, definition: TableDefinition, query: str
) -> list[tuple[Any, ...]]:
    try:
        return connection.execute(query).fetchall()
    except duckdb.Error as error:
        raise ForgetError(f"{definition.name}: {reason(error)}") from error


@contextmanager
def _work(lakehouse: Lakehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection that spills to the folder of the lakehouse."""
    with (
        work_folder(lakehouse.home, ".forget-") as folder,
        engine.connect(temp_directory=folder, with_iceberg=False) as connection,
    ):
        yield connection
