"""Appending what is staged: one commit per table, the observations last."""

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

from obslake import __version__
from obslake.engine import quote_identifier, quote_literal, reason
from obslake.errors import (
    SourceRowError,
)
from obslake.lakehouse.ancestry import KEYS_PROPERTY, LOAD_ID_PROPERTY
from obslake.lakehouse.catalog import FutureLakehouse, Lakehouse
from obslake.lakehouse.commits import add_missing_columns, commit
from obslake.lakehouse.datafiles import remove_data_files, write_data_files
from obslake.lakehouse.partitions import check_partitions
from obslake.lakehouse.schemas import ALL_TABLES, OBSERVATIONS, TableDefinition
from obslake.lakehouse.snapshots import append_files
from obslake.load.claim import AlreadyCommittedError, Claim
from obslake.load.drift import COLUMNS_PROPERTY, KIND_PROPERTY
from obslake.load.history import History
from obslake.load.repeats import Repeats
from obslake.load.report import LoadReport
from obslake.load.sources.base import Options, Reader, Staged
from obslake.progress import Progress

_BATCH_ROWS = 16_384


@dataclass
class Load:
    """One load on its way into the tables.

    Attributes:
        destination: where to.
        connection: has the views of what is staged.
        reader: what the sources are read with.
        options: what the user said about the rows.
        report: has the load and the names of its sources; what is appended is counted there.
        progress: told how far it is.
        history: what earlier loads have committed, as soon as it was read.
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
        """The lakehouse, which is created when it is needed first."""
        there = self.destination
        return there.create() if isinstance(there, FutureLakehouse) else there

    @property
    def load_id(self) -> str:
        """The id that its rows have."""
        return self.report.load_id or ""

    def begin(self, sources: Collection[str]) -> None:
        """Give the load an id: that of an interrupted load of the same sources, or one after all others.

        Rows that name no run are of the run of this name.
        """
        load_id = self.history.interrupted(sources)
        if load_id is None:
            ((load_id,),) = self.connection.execute("select uuidv7()::varchar").fetchall()
        self.report.load_id = load_id
        self.options = replace(self.options, run=self.options.run or load_id)


def commit_load(load: Load, staged: Staged, keys: Sequence[str], kind: str = "") -> None:
    """Append what is staged, and count it in the report.

    Args:
        load: what is loaded.
        staged: the tables.
        keys: what the load is known by when it is repeated.
        kind: what later loads have in common with which its columns are compared.

    Raises:
        LoadedMeanwhileError: another load has completed some of the sources before this one.
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
    _commit(_prepare(load, staged), properties, claim)
    report.rows = {t.name: report.rows[t.name] for t in ALL_TABLES if report.rows.get(t.name)}


@dataclass(frozen=True)
class _Append:
    """Data files that are written, and not yet committed."""

    definition: TableDefinition
    table: Table
    files: list[DataFile]


def _prepare(load: Load, staged: Staged) -> list[_Append]:
    """Write all data files before the first commit: a faulty row leaves every table as it was."""
    staged_tables = [table for table in ALL_TABLES if table.name in staged.views]
    for definition in staged_tables:
        check_partitions(load.lakehouse.table(definition))
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
                # An empty commit says that the load is complete.
                rows = iter(())
            else:
                continue
            table = load.lakehouse.table(definition)
            add_missing_columns(table, definition.schema)
            repeats = (
                Repeats()
                if definition is OBSERVATIONS and staged.advice_on_repeats is not None
                else None
            )
            files = _write(load, table, definition, rows, repeats)
            if repeats is not None:
                load.report.warnings += repeats.describe(staged.advice_on_repeats or "")
            if files or definition is OBSERVATIONS:
                prepared.append(_Append(definition, table, files))
    except BaseException:
        for append in prepared:
            remove_data_files(append.table.io, append.files)
        raise
    return prepared


def _commit(prepared: Sequence[_Append], properties: dict[str, str], claim: Claim) -> None:
    """Commit table by table; where one cannot be committed, leave no files of it and of the rest."""
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
    """Stream the staged rows of a table in its sort order; DuckDB spills what does not fit."""
    # Else DuckDB spells the names as the source does.
    columns = ", ".join(
        f"{quote_identifier(c)} as {quote_identifier(c)}"
        for c in definition.column_names
        if c != "load_id"
    )
    order = ", ".join(quote_identifier(c) for c in definition.sort_columns)
    query = (
        f"select {columns}, {quote_literal(load.load_id)} as load_id from {view} order by {order}"
    )
    yield from load.connection.execute(query).to_arrow_reader(_BATCH_ROWS)


def _of_load(batches: Iterable[pa.RecordBatch], load_id: str) -> Iterator[pa.RecordBatch]:
    """Add the load to its rows."""
    for batch in batches:
        yield batch.append_column("load_id", pa.repeat(load_id, batch.num_rows))


def _write(
    load: Load,
    table: Table,
    definition: TableDefinition,
    rows: Iterator[pa.RecordBatch],
    repeats: Repeats | None,
) -> list[DataFile]:
    """Write the rows into data files, and count them."""
    kinds: Counter[str] = Counter()
    count = 0
    with load.progress.task(f"writing {definition.name}", unit="rows") as written:

        def counted() -> Iterator[pa.RecordBatch]:
            nonlocal count
            for batch in rows:
                count += batch.num_rows
                if definition is OBSERVATIONS:
                    if repeats is not None:
                        repeats.add(batch)
                    for item in pc.value_counts(batch.column("response_kind")).to_pylist():
                        kinds[item["values"]] += item["counts"]
                written.advance(batch.num_rows)
                yield batch

        try:
            files = write_data_files(table, counted())
        except duckdb.Error as error:
            raise SourceRowError(f"{reason(error)}\n  nothing was loaded") from error
    load.report.rows[definition.name] = count
    if definition is OBSERVATIONS:
        load.report.response_kinds = dict(sorted(kinds.items()))
    return files
