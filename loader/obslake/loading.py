"""One load: from source files to one commit per Iceberg table, the observations last."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, Transaction

from obslake import __version__, engine
from obslake.commits import commit
from obslake.datafiles import remove_data_files, write_data_files
from obslake.drift import COLUMNS_PROPERTY, KIND_PROPERTY, drift
from obslake.engine import quote_identifier, quote_literal, reason
from obslake.errors import SourceFormatError, SourceRowError
from obslake.history import History, source_key
from obslake.lakehouse import Lakehouse
from obslake.ledger import KEYS_PROPERTY, LOAD_ID_PROPERTY
from obslake.progress import Progress
from obslake.quarantine import stage_quarantine
from obslake.schemas import ALL_TABLES, OBSERVATIONS, TableDefinition
from obslake.sources import set_aside
from obslake.sources.base import Options, Reader, StagedLoad
from obslake.sources.files import SourceFile, open_sources
from obslake.sources.salvage import salvage_files
from obslake.workfolder import work_folder

_BATCH_ROWS = 16_384
_MOST_NAMES = 5


@dataclass(frozen=True)
class SkippedSource:
    """A source that an earlier load has loaded already.

    Attributes:
        name: the source.
        load_id: the load.
        is_forgotten: whether rows of it were forgotten since; they are not loaded again.
    """

    name: str
    load_id: str
    is_forgotten: bool = False


@dataclass
class LoadReport:
    """What a load did.

    Attributes:
        load_id: the load, None when there was nothing new.
        sources: names of the files that were loaded.
        skipped: files that were loaded before, by content and options.
        refused: why files were left out that could not be read.
        set_aside: how many records were set aside, which could not be understood.
        rows: rows appended, by table.
        response_kinds: rows appended to observations, by response kind.
        warnings: what the user should know about the sources.
    """

    load_id: str | None = None
    sources: list[str] = field(default_factory=list)
    skipped: list[SkippedSource] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    set_aside: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    response_kinds: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def load(
    lakehouse: Lakehouse,
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

    Args:
        lakehouse: where to.
        reader: what the files are.
        arguments: files, folders, patterns or ``-``.
        options: what the user said about the rows.
        progress: told how far the load is.
        keep_going: load the other files where some cannot be read, if the reader can tell them apart.

    Raises:
        SourceNotFoundError: an argument names nothing that can be read.
        SourceFormatError: a file is not what the reader reads.
        SourceRowError: more rows cannot be understood than the options tolerate.
    """
    with work_folder(lakehouse.home, ".load-") as temp:
        report = LoadReport()
        with progress.task("hashing", unit="bytes") as hashed:
            files = open_sources(
                arguments,
                temp,
                hashed.advance,
                without=lakehouse.home,
                suffixes=reader.suffixes,
                whole=reader.whole_files,
                refused=report.refused if reader.refuses_single_files else None,
            )
        history = History.read(lakehouse)
        new = _new_sources(files, reader, options, history, report)
        if not new and not report.refused:
            return report
        with engine.connect(temp_directory=temp, with_iceberg=False) as connection:
            set_aside.begin(connection)
            readable, faulty = _readable(connection, new, reader, options, report)
            if report.refused and not keep_going:
                advice = "\n  load the others with --keep-going" if readable else ""
                raise SourceFormatError(describe_refused(report) + advice)
            new = {key: file for key, file in new.items() if key in readable or key in faulty}
            if not new:
                return report
            load_id = history.interrupted(new) or new_load_id(connection)
            report.load_id = load_id
            report.sources = [file.name for file in new.values()]
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
            kind = json.dumps([reader.name, options.data_set])
            metadata = lakehouse.table(OBSERVATIONS).metadata
            report.warnings += drift(metadata, kind, staged.columns, staged.targets)
            staged = stage_quarantine(connection, staged, reader, new, options)
            report.set_aside = set_aside.count(connection)
            commit_load(
                lakehouse, connection, staged, history, reader, list(new), report, progress, kind
            )
    return report


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
    """
    load_id = report.load_id or ""
    properties = {
        LOAD_ID_PROPERTY: load_id,
        KEYS_PROPERTY: json.dumps(keys),
        "obslake.sources": json.dumps(report.sources),
        "obslake.reader": reader.name,
        "obslake.version": __version__,
    }
    if kind and staged.columns:
        properties |= {KIND_PROPERTY: kind, COLUMNS_PROPERTY: json.dumps(staged.columns)}
    prepared = _prepare(lakehouse, connection, staged, history, load_id, report, progress)
    _commit(prepared, properties)
    report.rows = {t.name: report.rows[t.name] for t in ALL_TABLES if report.rows.get(t.name)}


def _new_sources(
    files: Sequence[SourceFile],
    reader: Reader,
    options: Options,
    history: History,
    report: LoadReport,
) -> dict[str, SourceFile]:
    """Return the sources that no load has completed, by their keys; report the others."""
    new: dict[str, SourceFile] = {}
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
        elif key in new:
            report.warnings.append(f"{file.name} has the content of {new[key].name}: loaded once")
        else:
            new[key] = file
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


def describe_refused(report: LoadReport) -> str:
    """Return the reasons for the files that were left out, as one message."""
    if len(report.refused) == 1:
        return report.refused[0]
    loaded = "the others were loaded" if report.load_id else "nothing was loaded"
    lines = [f"{len(report.refused):,} files cannot be loaded; {loaded}"]
    lines += [f"  {reason}" for reason in report.refused]
    return "\n".join(lines)


def describe_set_aside(report: LoadReport) -> str:
    """Return what was set aside, and how to look at it, as one message."""
    records = "1 record" if report.set_aside == 1 else f"{report.set_aside:,} records"
    return (
        f"{records} could not be understood and {'was' if report.set_aside == 1 else 'were'} "
        f"set aside; the others were loaded\n  see `obslake quarantine --load {report.load_id}`"
    )


def new_load_id(connection: duckdb.DuckDBPyConnection) -> str:
    """Return an id that is greater than those before it."""
    return str(connection.execute("select uuidv7()").fetchall()[0][0])


@dataclass(frozen=True)
class _Append:
    """Data files that are written, and not yet committed."""

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
            files = _write(table, definition, rows, report, progress)
            if files or definition is OBSERVATIONS:
                prepared.append(_Append(table, files))
    except BaseException:
        for append in prepared:
            remove_data_files(append.table.io, append.files)
        raise
    return prepared


def _commit(prepared: Sequence[_Append], properties: dict[str, str]) -> None:
    """Commit table by table; where one cannot be committed, leave no files of it and of the rest."""
    for number, append in enumerate(prepared):

        def stage(transaction: Transaction, files: list[DataFile] = append.files) -> None:
            with transaction.update_snapshot(snapshot_properties=properties).fast_append() as new:
                for file in files:
                    new.append_data_file(file)

        try:
            commit(append.table, stage, added=append.files)
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
    columns = ", ".join(quote_identifier(c) for c in definition.column_names if c != "load_id")
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
