"""One load: from source files to one commit per Iceberg table, the observations last."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import duckdb

from obslake import engine
from obslake.engine import reason
from obslake.errors import (
    AlreadyLoadedError,
    CommitConflictError,
    SourceFormatError,
    SourceNotFoundError,
)
from obslake.lakehouse.catalog import FutureLakehouse, Lakehouse
from obslake.lakehouse.schemas import OBSERVATIONS
from obslake.lakehouse.workfolder import work_folder
from obslake.load.appending import Load, commit_load
from obslake.load.claim import LoadedMeanwhileError
from obslake.load.drift import drift
from obslake.load.history import History, content_key, source_key
from obslake.load.lineages import taken_out
from obslake.load.quarantine import stage_quarantine
from obslake.load.report import LoadReport, SkippedSource, describe_refused
from obslake.load.sources import set_aside
from obslake.load.sources.base import Opened, Options, Reader, Staged
from obslake.load.sources.files import SourceFile, open_sources
from obslake.progress import Progress

_MOST_NAMES = 5
_ROUNDS = 10
# For fewer bytes, threads that wait for each other cost a quarter more time than one thread needs.
_BYTES_FOR_THREADS = 1 << 18


def load(
    lakehouse: Lakehouse | FutureLakehouse,
    reader: Reader,
    arguments: Sequence[str],
    options: Options,
    progress: Progress,
    *,
    keep_going: bool = False,
) -> LoadReport:
    """Append the rows of source files.

    Every table gets at most one atomic commit. The observations are committed last, so a load is complete when
    its observations are there. Running an interrupted load again completes it: tables that already have its rows
    are not changed.

    If loads of the same source run concurrently, one of them appends it. The others start again with the remaining
    sources, so the result is the same as if they had run one after the other.

    Args:
        lakehouse: the lakehouse to load into; a future one is created once the files have been read.
        reader: the reader of the files.
        arguments: files, folders, patterns or ``-``.
        options: what the user specified about the rows.
        progress: shows the progress of the load.
        keep_going: if some files cannot be read, load the others, provided that the reader reads files one by one.

    Raises:
        SourceNotFoundError: an argument matches nothing that can be read.
        SourceFormatError: the reader cannot read a file.
        SourceRowError: more rows cannot be understood than the options tolerate.
        AlreadyLoadedError: the content of a file was loaded with other options.
        CommitConflictError: other processes committed first in every attempt.
    """
    reserved = lakehouse.reserve() if isinstance(lakehouse, FutureLakehouse) else nullcontext()
    with reserved, work_folder(lakehouse.home, ".load-") as temp:
        refused: list[str] = []
        made, warnings = reader.make_sources(lakehouse, options, temp)
        if not arguments and not made and not warnings:
            raise SourceNotFoundError(f"name the files to load: {reader.example.splitlines()[0]}")
        files = _open(
            [*arguments, *map(str, made)], temp, lakehouse.home, reader, progress, refused
        )
        files = [replace(file, name=made.get(file.path, file.name)) for file in files]
        for _ in range(_ROUNDS):
            report = LoadReport(refused=list(refused), warnings=list(warnings))
            try:
                with _connect(files, temp) as connection:
                    load = Load(lakehouse, connection, reader, options, report, progress)
                    _load_new(load, files, keep_going=keep_going)
            except LoadedMeanwhileError:
                if isinstance(lakehouse, FutureLakehouse):
                    lakehouse = lakehouse.create()
                continue
            return report
    raise CommitConflictError(
        f"other processes loaded some of the same sources during each of {_ROUNDS} attempts\n"
        "  nothing was loaded: run the command again"
    )


def _open(
    arguments: Sequence[str],
    spool: Path,
    home: Path,
    reader: Reader,
    progress: Progress,
    refused: list[str],
) -> list[SourceFile]:
    """Find and hash the source files."""
    with progress.task("hashing", unit="bytes") as hashed:
        return open_sources(
            arguments,
            spool,
            hashed.advance,
            without=home,
            suffixes=reader.suffixes,
            whole=reader.whole_files,
            are_tables=reader.reads_tables,
            refused=refused if reader.refuses_single_files else None,
        )


def _connect(files: Sequence[SourceFile], temp: Path) -> duckdb.DuckDBPyConnection:
    """Open a connection to read files, with as many threads as pay off."""
    is_small = sum(file.path.stat().st_size for file in files) < _BYTES_FOR_THREADS
    return engine.connect(temp_directory=temp, with_iceberg=False, threads=1 if is_small else None)


def _load_new(load: Load, files: Sequence[SourceFile], *, keep_going: bool) -> None:
    """Load the files that no load has completed yet.

    Raises:
        LoadedMeanwhileError: another load completed some of them first.
    """
    connection, reader, report = load.connection, load.reader, load.report
    if isinstance(load.destination, Lakehouse):
        load.history = History.read(load.lakehouse)
        report.warnings += _warnings(load.history)
    new = _new_sources(load, files)
    if not new and not report.refused:
        return
    set_aside.begin(connection)
    opened = reader.open(connection, list(new.values()))
    readable, faulty = _readable(load, new, opened.refused)
    if report.refused and not keep_going:
        advice = "\n  load the others with --keep-going" if readable else ""
        raise SourceFormatError(describe_refused(report) + advice)
    new = {key: file for key, file in new.items() if key in readable or key in faulty}
    if not new:
        return
    contents = {content_key(file, reader, load.options) for file in new.values()}
    # If a content is loaded again, its key stays with the earlier load.
    keys = [*new, *sorted(k for k in contents if k and k not in load.history.contents)]
    load.begin(new)
    report.sources = [file.name for file in new.values()]
    report.sha256 = [file.sha256 for file in new.values()]
    report.warnings += [note for file in new.values() for note in file.notes]
    staged = _stage(load, opened, list(readable.values()))
    set_aside.refuse_too_many(connection, load.options.max_faulty)
    report.warnings += staged.warnings
    if isinstance(load.destination, FutureLakehouse):
        load.history = History.read(load.lakehouse)
        if new.keys() & load.history.complete.keys():
            raise LoadedMeanwhileError
    kind = json.dumps([reader.name, load.options.data_set])
    metadata = load.lakehouse.table(OBSERVATIONS).metadata
    report.warnings += drift(metadata, kind, staged.columns, staged.targets)
    report.warnings += taken_out(load.lakehouse, connection, staged.views)
    staged = stage_quarantine(load, staged, new)
    report.set_aside = set_aside.count(connection)
    commit_load(load, staged, keys, kind)


def _warnings(history: History) -> Iterator[str]:
    """Warn about changes by other tools that a load cannot repair."""
    if history.keyless:
        yield (
            f"another tool has removed snapshots: {len(history.keyless):,} of the loads are known by their rows "
            "only; sources that they have read cannot be recognised, and would be loaded again"
        )
    for table, loads in history.lost.items():
        yield (
            f"{table}: another tool has removed the rows of {len(loads):,} of the loads\n"
            f"  restore them with `obslake rollback --to {history.moment.snapshot_id}`"
        )


def _stage(load: Load, opened: Opened, files: Sequence[SourceFile]) -> Staged:
    """Read the files into views.

    Raises:
        SourceFormatError: DuckDB cannot read them; the message names the sources of the report.
    """
    try:
        with load.progress.task("reading", unit="rows"):
            return opened.stage(files, load.options)
    except duckdb.Error as error:
        sources = load.report.sources
        names = ", ".join(sources[:_MOST_NAMES])
        if len(sources) > _MOST_NAMES:
            names += f" and {len(sources) - _MOST_NAMES:,} more"
        raise SourceFormatError(f"{names}: {reason(error)}") from error


def _new_sources(load: Load, files: Sequence[SourceFile]) -> dict[str, SourceFile]:
    """Return the sources that no load has completed, by their keys; report the others.

    Raises:
        AlreadyLoadedError: the content of a file was loaded with other options.
    """
    reader, options, history, report = load.reader, load.options, load.history, load.report
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
                "(such as --map), so its rows would be stored twice\n"
                "  first delete those rows with `obslake forget` or `obslake rollback`, "
                "or load the content again with --again"
            )
        elif key in new:
            same.append((file.name, new[key].name))
        else:
            new[key] = file
    report.warnings += [f"{name} has the content of {of}: loaded once" for name, of in same[:1]]
    if len(same) > 1:
        report.warnings.append(
            f"{len(same) - 1:,} more files have the content of another file: loaded once"
        )
    return new


def _readable(
    load: Load, new: dict[str, SourceFile], refused: Mapping[SourceFile, str]
) -> tuple[dict[str, SourceFile], dict[str, SourceFile]]:
    """Return the files that the reader can read, and the files that are set aside."""
    if not refused:
        return new, {}
    readable = {key: file for key, file in new.items() if file not in refused}
    if len(refused) > load.options.max_faulty.most(len(new)):
        load.report.refused += refused.values()
        return readable, {}
    faulty = {}
    for key, file in new.items():
        if file in refused:
            if set_aside.add_file(load.connection, file, refused[file]):
                faulty[key] = file
            else:
                load.report.refused.append(refused[file])
    set_aside.count_files(load.connection, len(new))
    return readable, faulty
