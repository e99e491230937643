"""Takes the rows of loads that cannot be completed any more out of the tables again."""

from collections.abc import Iterator

import duckdb
import pyarrow as pa
from pyiceberg.expressions import EqualTo
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, Transaction

from obslake import __version__, engine
from obslake.engine import glob_literal, set_variables
from obslake.errors import CommitConflictError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.commits import commit
from obslake.lakehouse.datafiles import remove_data_files, write_data_files
from obslake.lakehouse.events import CommittedLoad
from obslake.lakehouse.ledger import current_state, withdraw_properties
from obslake.lakehouse.schemas import ALL_TABLES, OBSERVATIONS, TableDefinition
from obslake.lakehouse.snapshots import (
    FilesReplacedError,
    data_files_query,
    live_files,
    replace_files,
)
from obslake.lakehouse.workfolder import work_folder
from obslake.load.history import History

_BATCH_ROWS = 16_384
_ATTEMPTS = 10


class _WithdrawnError(Exception):
    """Another process has done it, or it must not be done any more."""


def withdraw_superseded(lakehouse: Lakehouse, history: History) -> None:
    """Take out what loads have left that have begun with sources which others have completed.

    They have committed no observations, and never will: that would load a source a second time. So
    no query has ever shown these rows.

    Args:
        lakehouse: where the tables are.
        history: what loads have committed.

    Raises:
        CommitConflictError: others committed, or replaced the same files, all the time.
    """
    for load_id in history.superseded():
        for definition in ALL_TABLES:
            if definition is not OBSERVATIONS and load_id in history.loads[definition.name]:
                _withdraw(lakehouse, definition, load_id)


def _withdraw(lakehouse: Lakehouse, definition: TableDefinition, load_id: str) -> None:
    for _ in range(_ATTEMPTS):
        try:
            _replace(lakehouse, lakehouse.table(definition), load_id)
        except FilesReplacedError:
            continue
        except _WithdrawnError:
            pass
        return
    raise CommitConflictError(
        f"{definition.name}: its files were replaced by others while rows of load {load_id}, which "
        "others have loaded, were taken out\n  load the same source again to have that done"
    )


def _replace(lakehouse: Lakehouse, table: Table, load_id: str) -> None:
    """Commit files without the rows of a load in place of those with them."""
    removed: list[DataFile] = []
    added: list[DataFile] = []
    try:
        with (
            work_folder(lakehouse.home, ".load-") as folder,
            engine.connect(temp_directory=folder, with_iceberg=False) as connection,
        ):
            for file in _files_with(connection, table, load_id):
                removed.append(file)
                added += write_data_files(table, _other_rows(connection, table, file, load_id))
    except BaseException as error:
        remove_data_files(table.io, added)
        now = live_files(table, table.refresh().current_snapshot())
        if isinstance(error, Exception) and any(f.file_path not in now for f in removed):
            raise FilesReplacedError from error
        raise

    def stage(transaction: Transaction) -> None:
        load = current_state(transaction.table_metadata).loads.get(load_id)
        if load is None or not _is_superseded(lakehouse, load):
            raise _WithdrawnError
        replace_files(
            transaction,
            removed,
            added,
            {**withdraw_properties(load_id), "obslake.version": __version__},
        )

    commit(table, stage, added=added)


def _is_superseded(lakehouse: Lakehouse, load: CommittedLoad) -> bool:
    complete = current_state(lakehouse.table(OBSERVATIONS).metadata).loads
    keys = {key for other in complete.values() for key in other.keys}
    return load.load_id not in complete and not keys.isdisjoint(load.keys)


def _files_with(
    connection: duckdb.DuckDBPyConnection, table: Table, load_id: str
) -> Iterator[DataFile]:
    """Yield the data files with rows of a load."""
    # By their statistics, of which the bounds may be those of loads of the same moment.
    scan = table.scan(EqualTo("load_id", load_id))  # type: ignore[misc, arg-type, call-arg]
    for task in scan.plan_files():
        set_variables(connection, {"files": [glob_literal(task.file.file_path)]})
        ((rows,),) = connection.execute(
            f"select count(*) from {data_files_query(connection, table)} where load_id = ?",
            [load_id],
        ).fetchall()
        if rows:
            yield task.file


def _other_rows(
    connection: duckdb.DuckDBPyConnection, table: Table, file: DataFile, load_id: str
) -> Iterator[pa.RecordBatch]:
    set_variables(connection, {"files": [glob_literal(file.file_path)], "load_id": load_id})
    query = f"select * from {data_files_query(connection, table)} where load_id <> getvariable('load_id')"
    yield from connection.execute(query).to_arrow_reader(_BATCH_ROWS)
