"""One load: from source files to one commit per Iceberg table, the observations last."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, Transaction

from obslake import __version__, engine
from obslake.engine import quote_identifier, quote_literal, reason
from obslake.errors import (
    AlreadyLoadedError,
    CommitConflictError,
    SourceFormatError,
    SourceRowError,
)
from obslake.lakehouse.catalog import FutureLakehouse, Lakehouse
from obslake.lakehouse.commits import commit
from obslake.lakehouse.datafiles import remove_data_files, write_data_files
from obslake.lakehouse.ledger import KEYS_PROPERTY, LOAD_ID_PROPERTY
from obslake.lakehouse.partitions import check_partitions
from obslake.lakehouse.schemas import ALL_TABLES, OBSERVATIONS, TableDefinition
from obslake.lakehouse.snapshots import append_files
from obslake.lakehouse.workfolder import work_folder
from obslake.load.claim import AlreadyCommittedError, Claim, LoadedMeanwhileError
from obslake.load.drift import COLUMNS_PROPERTY, KIND_PROPERTY, drift
from obslake.load.history import History, content_key, source_key
from obslake.load.quarantine import stage_quarantine
from obslake.load.repeats import Repeats
from obslake.load.report import LoadReport, SkippedSource, describe_refused
from obslake.load.sources import set_aside
from obslake.load.sources.base import Options, Reader, StagedLoad
from obslake.load.sources.files import SourceFile, open_sources
from obslake.load.sources.salvage import salvage_files
from obslake.load.withdrawal import withdraw_superseded
from obslake.progress import Progress

_BATCH_ROWS = 16_384
_MOST_NAMES = 5
_ROUNDS = 10


def load(
    lakehouse: Lakehouse | FutureLakehouse,
    reader: Reader,
    arguments: Sequence[str],
    options: Options,
    progress: Progress,
    *,
    keep_going: bool = False,
) -> LoadReport:
    """Append the rows of the named files.

    Every table gets at most one commit, which readers see as a whole or not at all. The
    observations are committed last, so a load is complete when its observations are there. A load
    that was interrupted before that is completed by running it again: tables that have its rows
    already are left as they are.

    Of loads of the same source side by side one appends it. The others begin anew with what is left,
    so that they end as they would have ended one after the other.

    Args:
        lakehouse: where to; one that is not there yet is created once the files turn out to be loadable.
        reader: what the files are.
        arguments: files, folders, patterns or ``-``.
        options: what the user said about the rows.
        progress: told how far the load is.
        keep_going: load the other files where some cannot be read, if the reader can tell them apart.

    Raises:
        SourceNotFoundError: an argument names nothing that can be read.
        SourceFormatError: a file is not what the reader reads.
        SourceRowError: more rows cannot be understood than the options tolerate.
        AlreadyLoadedError: the content of a file was loaded under other options.
        CommitConflictError: others committed all the time.
    """
    reserved = lakehouse.reserve() if isinstance(lakehouse, FutureLakehouse) else nullcontext()
    with reserved, work_folder(lakehouse.home, ".load-") as temp:
        refused: list[str] = []
        with progress.task("hashing", unit="bytes") as hashed:
            files = open_sources(
                arguments,
                temp,
                hashed.advance,
                without=lakehouse.home,
                suffixes=reader.suffixes,
                whole=reader.whole_files,
                are_tables=reader.reads_tables,
                refused=refused if reader.refuses_single_files else None,
            )
        for _ in range(_ROUNDS):
            report = LoadReport(refused=list(refused))
            try:
                with engine.connect(temp_directory=temp, with_iceberg=False) as connection:
                    _load_new(
                        lakehouse, connection, files, reader, options, report, progress, keep_going
                    )
            except LoadedMeanwhileError:
                if isinstance(lakehouse, FutureLakehouse):
                    lakehouse = lakehouse.create()
                continue
            return report
    raise CommitConflictError(
        f"others loaded some of the same sources meanwhile, {_ROUNDS} times\n"
        "  nothing was loaded: run the command again"
    )


def _load_new(
    lakehouse: Lakehouse | FutureLakehouse,
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[SourceFile],
    reader: Reader,
    options: Options,
    report: LoadReport,
    progress: Progress,
    keep_going: bool,
) -> None:
    """Load those of the files that no load has completed.

    Raises:
        LoadedMeanwhileError: another load has completed some of them before this one.
    """
    if isinstance(lakehouse, FutureLakehouse):
        history = History.empty()
    else:
        history = History.read(lakehouse)
        withdraw_superseded(lakehouse, history)
    new = _new_sources(files, reader, options, history, report)
    if not new and not report.refused:
        return
    set_aside.begin(connection)
    readable, faulty = _readable(connection, new, reader, options, report)
    if report.refused and not keep_going:
        advice = "\n  load the others with --keep-going" if readable else ""
        raise SourceFormatError(describe_refused(report) + advice)
    new = {key: file for key, file in new.items() if key in readable or key in faulty}
    if not new:
        return
    contents = {key: content_key(file, reader, options) for key, file in new.items()}
    # Where a content is loaded again, its key stays with the earlier load.
    keys = [*new, *sorted({k for k in contents.values() if k and k not in history.contents})]
    load_id = history.interrupted(new) or new_load_id(connection)
    report.load_id = load_id
    report.sources = [file.name for file in new.values()]
    report.sha256 = [file.sha256 for file in new.values()]
    report.warnings += [note for file in new.values() for note in file.notes]
    options = replace(options, run=options.run or load_id)
    try:
        with progress.task("reading", unit="rows"):
            whole = salvage_files(connection, reader, list(readable.values()), options)
            staged = reader.stage(connection, whole, options)
    except duckdb.Error as error:
        names = ", ".join(report.sources[:_MOST_NAMES])
        if len(report.sources) > _MOST_NAMES:
            names += f" and {len(report.sources) - _MOST_NAMES:,} more"
        raise SourceFormatError(f"{names}: {reason(error)}") from error
    set_aside.refuse_too_many(connection, options.max_faulty)
    report.warnings += staged.warnings
    if isinstance(lakehouse, FutureLakehouse):
        lakehouse = lakehouse.create()
        history = History.read(lakehouse)
        if new.keys() & history.complete.keys():
            raise LoadedMeanwhileError
    kind = json.dumps([reader.name, options.data_set])
    metadata = lakehouse.table(OBSERVATIONS).metadata
    report.warnings += drift(metadata, kind, staged.columns, staged.targets)
    staged = stage_quarantine(connection, staged, reader, new, options)
    report.set_aside = set_aside.count(connection)
    commit_load(lakehouse, connection, staged, history, reader, keys, report, progress, kind)


def commit_load(
    lakehouse: Lakehouse,
    connection: duckdb.DuckDBPyConnection,
    staged: StagedLoad,
    history: History,
    reader: Reader,
    keys: Sequence[str],
    report: LoadReport,
    progress: Progress,
    kind: str = "",
) -> None:
    """Append what is staged as the load of the report, and count it there.

    Args:
        lakehouse: where to.
        connection: has the views of what is staged.
        staged: the tables.
        history: what earlier loads have committed.
        reader: what the sources were read with.
        keys: what the load is known by when it is repeated.
        report: has the load and the names of its sources.
        progress: told how far it is.
        kind: what later loads have in common with which its columns are compared.

    Raises:
        LoadedMeanwhileError: another load has completed some of the sources before this one.
    """
    load_id = report.load_id or ""
    properties = {
        LOAD_ID_PROPERTY: load_id,
        KEYS_PROPERTY: json.dumps(keys),
        "obslake.sources": json.dumps(report.sources),
        "obslake.sha256": json.dumps(report.sha256),
        "obslake.reader": reader.name,
        "obslake.version": __version__,
    }
    if kind and staged.columns:
        properties |= {KIND_PROPERTY: kind, COLUMNS_PROPERTY: json.dumps(staged.columns)}
    prepared = _prepare(lakehouse, connection, staged, history, load_id, report, progress)
    claim = Claim(lakehouse, history, load_id, keys)
    _commit(prepared, properties, claim)
    if claim.has_met_others:
        withdraw_superseded(lakehouse, History.read(lakehouse))
    report.rows = {t.name: report.rows[t.name] for t in ALL_TABLES if report.rows.get(t.name)}


def _new_sources(
    files: Sequence[SourceFile],
    reader: Reader,
    options: Options,
    history: History,
    report: LoadReport,
) -> dict[str, SourceFile]:
    """Return the sources that no load has completed, by their keys; report the others.

    Raises:
        AlreadyLoadedError: the content of one was loaded, and meant something else.
    """
    new: dict[str, SourceFile] = {}
    same: list[tuple[str, str]] = []
    for file in files:
        try:
            key = source_key(file, reader, options)
        except SourceFormatError as error:
            if not reader.refuses_single_files:
                raise
            report.refused.append(str(error))
            continue
        if load_id := history.complete.get(key):
            is_forgotten = load_id in history.partly_forgotten
            report.skipped.append(SkippedSource(file.name, load_id, is_forgotten))
        elif (other := history.contents.get(content_key(file, reader, options) or "")) and not (
            options.again or other in history.emptied
        ):
            raise AlreadyLoadedError(
                f"{file.name}: load {other} has loaded this content with other options "
                "(such as --map): its rows would be there twice\n"
                "  delete those rows first, with `obslake forget` or `obslake rollback`, "
                "or load it besides with --again"
            )
        elif key in new:
            same.append((file.name, new[key].name))
        else:
            new[key] = file
    report.warnings += [f"{name} has the content of {of}: loaded once" for name, of in same[:1]]
    if len(same) > 1:
        report.warnings.append(
            f"{len(same) - 1:,} more files have the content of another one: loaded once"
        )
    return new


def _readable(
    connection: duckdb.DuckDBPyConnection,
    new: dict[str, SourceFile],
    reader: Reader,
    options: Options,
    report: LoadReport,
) -> tuple[dict[str, SourceFile], dict[str, SourceFile]]:
    """Return the files that the reader can read, and those that are set aside as a whole."""
    refused = reader.refuse(connection, list(new.values()), options)
    if not refused:
        return new, {}
    readable = {key: file for key, file in new.items() if file not in refused}
    if len(refused) > options.max_faulty.most(len(new)):
        report.refused += refused.values()
        return readable, {}
    faulty = {}
    for key, file in new.items():
        if file in refused:
            if set_aside.add_file(connection, file, refused[file]):
                faulty[key] = file
            else:
                report.refused.append(refused[file])
    set_aside.count_files(connection, len(new))
    return readable, faulty


def new_load_id(connection: duckdb.DuckDBPyConnection) -> str:
    """Return an id that is greater than those before it."""
    return str(connection.execute("select uuidv7()").fetchall()[0][0])


@dataclass(frozen=True)
class _Append:
    """Data files that are written, and not yet committed."""

    definition: TableDefinition
    table: Table
    files: list[DataFile]


def _prepare(
    lakehouse: Lakehouse,
    connection: duckdb.DuckDBPyConnection,
    staged: StagedLoad,
    history: History,
    load_id: str,
    report: LoadReport,
    progress: Progress,
) -> list[_Append]:
    """Write all data files before the first commit: a faulty row leaves every table as it was."""
    for definition in staged.tables:
        check_partitions(lakehouse.table(definition))
    prepared: list[_Append] = []
    try:
        for definition in ALL_TABLES:
            if load_id in history.loads[definition.name]:
                continue
            if definition in staged.tables:
                if definition is OBSERVATIONS and staged.observations is not None:
                    rows = _of_load(staged.observations, load_id)
                else:
                    rows = _rows(connection, definition, load_id)
            elif definition is OBSERVATIONS:
                # An empty commit says that the load is complete.
                rows = iter(())
            else:
                continue
            table = lakehouse.table(definition)
            repeats = (
                Repeats()
                if definition is OBSERVATIONS and staged.advice_on_repeats is not None
                else None
            )
            files = _write(table, definition, rows, report, progress, repeats)
            if repeats is not None:
                report.warnings += repeats.describe(staged.advice_on_repeats or "")
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


def _rows(
    connection: duckdb.DuckDBPyConnection,
    definition: TableDefinition,
    load_id: str,
) -> Iterator[pa.RecordBatch]:
    """Stream the staged rows of a table in its sort order; DuckDB spills what does not fit."""
    # Else DuckDB spells the names as the source does.
    columns = ", ".join(
        f"{quote_identifier(c)} as {quote_identifier(c)}"
        for c in definition.column_names
        if c != "load_id"
    )
    order = ", ".join(quote_identifier(c) for c in definition.sort_columns)
    query = (
        f"select {columns}, {quote_literal(load_id)} as load_id "
        f"from {quote_identifier('loaded_' + definition.name)} order by {order}"
    )
    yield from connection.execute(query).to_arrow_reader(_BATCH_ROWS)


def _of_load(batches: Iterable[pa.RecordBatch], load_id: str) -> Iterator[pa.RecordBatch]:
    """Add the load to its rows."""
    for batch in batches:
        yield batch.append_column("load_id", pa.repeat(load_id, batch.num_rows))


def _write(
    table: Table,
    definition: TableDefinition,
    rows: Iterator[pa.RecordBatch],
    report: LoadReport,
    progress: Progress,
    repeats: Repeats | None,
) -> list[DataFile]:
    """Write the rows into data files, and count them."""
    kinds: Counter[str] = Counter()
    count = 0
    with progress.task(f"writing {definition.name}", unit="rows") as written:

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
    report.rows[definition.name] = count
    if definition is OBSERVATIONS:
        report.response_kinds = dict(sorted(kinds.items()))
    return files
