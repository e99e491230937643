"""Deletes the rows of a data set, problem or run: files that hold such rows are rewritten without them.

Records of the quarantine are deleted as well, if their data set, problem and run are known.
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
        rows: number of deleted rows.
        files: number of data files that held some of them.
        snapshots: number of earlier snapshots, which may still hold them.
        unknown: number of quarantined records that stay, because their problem or run is unknown.
    """

    table: str
    rows: int
    files: int
    snapshots: int
    unknown: int = 0


@dataclass(frozen=True)
class _Found:
    """The rows to forget in a table's current snapshot: the files with such rows, and their numbers by load.

    ``unknown`` counts the records for which it is unknown whether they match.
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
        ForgetError: there are no such rows; the message lists the existing names.
        DeleteFilesError: a table has delete files of another engine.
    """
    with _work(lakehouse) as connection:
        tables = _tables(lakehouse)
        done = [_describe(_find(connection, lakehouse, t, wanted), t) for t in tables]
        if not any(d.rows for d in done) and _unfinished(lakehouse, wanted) is None:
            message = _nothing(connection, lakehouse, wanted)
            if unknown := sum(d.unknown for d in done):
                message += (
                    f"\n  quarantined records of the data set without problem or run: {unknown:,}"
                )
            raise ForgetError(message)
    return done


def forget(lakehouse: Lakehouse, wanted: Wanted, progress: Progress) -> Iterator[Forgetting]:
    """Delete the rows table by table, each table in one commit, and yield what was deleted.

    The quarantine is first, because the rows of the other tables show the data sets of its loads.
    Observations are last, and note the deletion even if they had no such rows: the note tells the
    marts what to rebuild. An interrupted deletion can be completed by running it again.

    Raises:
        ForgetError: a table cannot be read.
        RewriteError: other processes replaced the same files at each attempt, or rows would be lost.
        PartitionError: a table has a partition field that obslake cannot write; nothing was changed.
        DeleteFilesError: a table has delete files of another engine.
        CommitConflictError: other processes committed before each attempt.
    """
    for definition in _tables(lakehouse):
        check_partitions(lakehouse.table(definition))
    forget_id = _unfinished(lakehouse, wanted) or str(uuid.uuid4())
    with _work(lakehouse) as connection:
        for definition in _tables(lakehouse):
            yield _forget(connection, lakehouse, definition, wanted, forget_id, progress)


def _tables(lakehouse: Lakehouse) -> list[TableDefinition]:
    """Return the tables in the order in which their rows are deleted."""
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
        # The commit adds a snapshot without the rows.
        max(len(metadata.snapshots) - 1, 0),
        found.unknown if definition is QUARANTINE else 0,
    )


def _unfinished(lakehouse: Lakehouse, wanted: Wanted) -> str | None:
    """Return the id of an interrupted run of the same command, which observations have not noted."""
    finished = noted_forgotten(lakehouse.table(OBSERVATIONS).metadata)
    for definition in _tables(lakehouse):
        for forget_id, note in noted_forgotten(lakehouse.table(definition).metadata).items():
            if forget_id not in finished and note.what == wanted.what:
                return forget_id
    return None


def _nothing(connection: duckdb.DuckDBPyConnection, lakehouse: Lakehouse, wanted: Wanted) -> str:
    """Return a message with the first name that does not exist, and the existing names."""
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
    """Open a connection that spills to a folder in the lakehouse."""
    with (
        work_folder(lakehouse.home, ".forget-") as folder,
        engine.connect(temp_directory=folder, with_iceberg=False) as connection,
    ):
        yield connection
