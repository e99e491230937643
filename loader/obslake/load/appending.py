"""Appends staged rows to the tables: one commit per table, the observations last."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, Transaction

from obslake.engine import quote_identifier, quote_literal, reason
from obslake.errors import (
    SourceRowError,
)
from obslake.lakehouse.ancestry import KEYS_PROPERTY, LOAD_ID_PROPERTY
from obslake.lakehouse.catalog import FutureLakehouse, Lakehouse
from obslake.lakehouse.commits import add_missing_columns, commit
from obslake.lakehouse.datafiles import remove_data_files, write_data_files
from obslake.lakehouse.partitions import check_partitions
from obslake.lakehouse.schemas import (
    ACTUATION_KEYS,
    ALL_TABLES,
    OBSERVATIONS,
    TableDefinition,
)
from obslake.lakehouse.snapshots import append_files
from obslake.load.claim import AlreadyCommittedError, Claim
from obslake.load.drift import COLUMNS_PROPERTY, KIND_PROPERTY
from obslake.load.history import History
from obslake.load.named_runs import NamedRuns
from obslake.load.repeats import Repeats
from obslake.load.report import LoadReport
from obslake.load.sources.base import Options, Reader, Staged
from obslake.load.strangers import Strangers
from obslake.progress import Progress
from obslake.version import __version__

_BATCH_ROWS = 16_384


@dataclass
class Load:
    """A running load.

    Attributes:
        destination: the lakehouse to load into.
        connection: has the staged views.
        reader: the reader of the sources.
        options: what the user specified about the rows.
        report: has the load's id and the names of its sources, and counts the appended rows.
        progress: shows the progress of the load.
        history: the commits of earlier loads, once they have been read.
    """

    destination: Lakehouse | FutureLakehouse
    connection: duckdb.DuckDBPyConnection
    reader: Reader
    options: Options
    report: LoadReport
    progress: Progress
    history: History = field(default_factory=History.empty)

    @cached_property
    def lakehouse(self) -> Lakehouse:
        """The lakehouse, created at first use."""
        found = self.destination
        return found.create() if isinstance(found, FutureLakehouse) else found

    @property
    def load_id(self) -> str:
        """The load id of its rows."""
        return self.report.load_id or ""

    def begin(self, sources: Collection[str]) -> None:
        """Give the load the id of an interrupted load of the same sources, or a new one, greater than all others.

        The id is also the run of rows that name none.
        """
        load_id = self.history.interrupted(sources)
        if load_id is None:
            ((load_id,),) = self.connection.execute("select uuidv7()::varchar").fetchall()
        self.report.load_id = load_id
        self.options = replace(self.options, run=self.options.run or load_id)


def commit_load(load: Load, staged: Staged, keys: Sequence[str], kind: str = "") -> None:
    """Append the staged rows, and count them in the report.

    Args:
        load: the load.
        staged: the staged tables.
        keys: keys by which a repetition of the load is recognised.
        kind: identifies the loads whose columns are compared.

    Raises:
        LoadedMeanwhileError: another load completed some of the sources first.
    """
    report = load.report
    properties = {
        LOAD_ID_PROPERTY: load.load_id,
        KEYS_PROPERTY: json.dumps(keys),
        "obslake.sources": json.dumps(report.sources),
        "obslake.sha256": json.dumps(report.sha256),
        "obslake.reader": load.reader.name,
        "obslake.version": __version__,
    }
    if kind and staged.columns:
        properties |= {KIND_PROPERTY: kind, COLUMNS_PROPERTY: json.dumps(staged.columns)}
    claim = Claim(load.lakehouse, load.history, load.load_id, keys)
    runs = NamedRuns(load.load_id)
    prepared = _prepare(load, staged, runs)
    _commit(prepared, {**properties, **runs.properties()}, claim)
    report.rows = {t.name: report.rows[t.name] for t in ALL_TABLES if report.rows.get(t.name)}


@dataclass(frozen=True)
class _Append:
    """Data files that are written but not yet committed."""

    definition: TableDefinition
    table: Table
    files: list[DataFile]


def _prepare(load: Load, staged: Staged, runs: NamedRuns) -> list[_Append]:
    """Write all data files before the first commit, so that a faulty row leaves all tables unchanged."""
    staged_tables = [table for table in ALL_TABLES if table.name in staged.views]
    tables = {table.name: load.lakehouse.table(table) for table in staged_tables}
    for table in tables.values():
        check_partitions(table)
    prepared: list[_Append] = []
    try:
        for definition in ALL_TABLES:
            if load.load_id in load.history.loads[definition.name]:
                continue
            if definition is OBSERVATIONS and staged.observations is not None:
                rows = _of_load(staged.observations, load.load_id)
            elif definition in staged_tables:
                rows = _rows(load, definition, staged.views[definition.name])
            elif definition is OBSERVATIONS:
                # An empty commit records that the load is complete.
                rows = iter(())
            else:
                continue
            table = tables.get(definition.name) or load.lakehouse.table(definition)
            add_missing_columns(table, definition.schema)
            files = (
                _write_observations(load, table, rows, staged.advice_on_repeats, runs)
                if definition is OBSERVATIONS
                else _write(load, table, definition, rows)
            )
            if files or definition is OBSERVATIONS:
                prepared.append(_Append(definition, table, files))
    except BaseException:
        for append in prepared:
            remove_data_files(append.table.io, append.files)
        raise
    return prepared


def _commit(prepared: Sequence[_Append], properties: dict[str, str], claim: Claim) -> None:
    """Commit table by table; if a commit fails, remove its files and those of the remaining tables."""
    for number, append in enumerate(prepared):

        def stage(transaction: Transaction, append: _Append = append) -> None:
            claim.check(append.definition, transaction.table_metadata)
            append_files(transaction, append.files, properties)

        try:
            commit(append.table, stage, added=append.files)
        except AlreadyCommittedError:
            continue
        except BaseException:
            for rest in prepared[number + 1 :]:
                remove_data_files(rest.table.io, rest.files)
            raise


def _rows(load: Load, definition: TableDefinition, view: str) -> Iterator[pa.RecordBatch]:
    """Stream the staged rows of a table in its sort order; DuckDB spills if memory is short."""
    # Without aliases DuckDB spells the names as the source does.
    columns = ", ".join(
        f"{quote_identifier(c)} as {quote_identifier(c)}"
        for c in definition.column_names
        if c != "load_id"
    )
    # Rows that share all keys are neighbours, so that they are found.
    keys = ACTUATION_KEYS if definition is OBSERVATIONS else definition.sort_columns
    order = ", ".join(map(quote_identifier, keys))
    query = (
        f"select {columns}, {quote_literal(load.load_id)} as load_id from {view} order by {order}"
    )
    yield from load.connection.execute(query).to_arrow_reader(_BATCH_ROWS)


def _of_load(batches: Iterable[pa.RecordBatch], load_id: str) -> Iterator[pa.RecordBatch]:
    """Add the column ``load_id``."""
    for batch in batches:
        yield batch.append_column("load_id", pa.repeat(load_id, batch.num_rows))


def _write_observations(
    load: Load, table: Table, rows: Iterator[pa.RecordBatch], advice: str, runs: NamedRuns
) -> list[DataFile]:
    """Write observations, count their kinds, and warn about rows that hide each other or cannot be compared."""
    repeats, strangers = Repeats(load.connection, advice), Strangers()
    kinds: Counter[str] = Counter()

    def checked() -> Iterator[pa.RecordBatch]:
        for batch in rows:
            runs.add(batch)
            repeats.add(batch)
            strangers.add(batch)
            for item in pc.value_counts(batch.column("response_kind")).to_pylist():
                kinds[item["values"]] += item["counts"]
            yield batch

    files = _write(load, table, OBSERVATIONS, checked())
    report = load.report
    report.response_kinds = dict(sorted(kinds.items()))
    try:
        report.warnings += repeats.describe()
        report.warnings += runs.describe_known(load.connection, table, files, load.history)
        report.warnings += strangers.describe()
    except BaseException:
        remove_data_files(table.io, files)
        raise
    return files


def _write(
    load: Load, table: Table, definition: TableDefinition, rows: Iterator[pa.RecordBatch]
) -> list[DataFile]:
    """Write rows to data files, and count them."""
    count = 0
    with load.progress.task(f"writing {definition.name}", unit="rows") as written:

        def counted() -> Iterator[pa.RecordBatch]:
            nonlocal count
            for batch in rows:
                count += batch.num_rows
                written.advance(batch.num_rows)
                yield batch

        try:
            files = write_data_files(table, counted())
        except duckdb.Error as error:
            raise SourceRowError(f"{reason(error)}\n  nothing was loaded") from error
    load.report.rows[definition.name] = count
    return files
