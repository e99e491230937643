"""The interface of all readers."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
import duckdb
import pyarrow as pa

from obslake.lakehouse.catalog import FutureLakehouse, Lakehouse
from obslake.lakehouse.schemas import TableDefinition
from obslake.load.sources.files import DATA_SUFFIXES, SourceFile
from obslake.load.sources.records import FileRecords, write_rows
from obslake.load.sources.salvage import salvage
from obslake.load.sources.set_aside import STRICT, Tolerance


@dataclass(frozen=True)
class Options:
    """What the user specified about the rows of a load.

    Attributes:
        data_set: data set of rows that do not name one.
        environment: environment of rows that do not name one.
        run: run of rows that do not name one; None: the load itself.
        renames: maps columns of the lakehouse to columns of the source.
        max_faulty: how many records that cannot be understood may be set aside.
        outputs: what strings in columns of responses are: ``text`` of the protocol, ``values``, ``verdicts``
            of a test harness, or ``auto``.
        delimiter: delimiter of CSV files; None: detected.
        partitions: folders named ``column=value`` are columns.
        as_oracle: all rows belong to the specified oracle, whatever implementation they name.
        sample: column that tells samples of one implementation apart; None: rows are not samples.
        count_samples: rows that share their keys are samples, numbered in the order of the rows.
        again: load contents again that were loaded with other options.
    """

    data_set: str = "default"
    environment: str = "default"
    run: str | None = None
    renames: dict[str, str] = field(default_factory=dict)
    max_faulty: Tolerance = STRICT
    outputs: str = "auto"
    delimiter: str | None = None
    partitions: bool = False
    as_oracle: bool = False
    sample: str | None = None
    count_samples: bool = False
    again: bool = False

    def identity(self) -> dict[str, object]:
        """Return the options that distinguish loads of the same bytes."""
        return {**self.context(), "renames": self.renames, **self.readings()}

    def context(self) -> dict[str, object]:
        """Return the options that add values to the rows."""
        return {"data_set": self.data_set, "environment": self.environment, "run": self.run}

    def readings(self) -> dict[str, object]:
        """Return the options that change the meaning of the same bytes, if they are not the defaults."""
        defaults = Options()
        names = ("outputs", "delimiter", "partitions", "as_oracle", "sample", "count_samples")
        return {n: getattr(self, n) for n in names if getattr(self, n) != getattr(defaults, n)}


@dataclass(frozen=True)
class Staged:
    """Rows ready to be appended.

    Attributes:
        views: maps the name of each table that gets rows to an SQL relation with its columns, in any order,
            without load_id.
        warnings: warnings about the source.
        observations: rows of observations in the order of the table, without load_id; None: they are in a view.
        columns: columns of the source with their types, if drift is to be reported.
        targets: maps columns of the source to the columns they are loaded as.
        advice_on_repeats: what to do about rows that share all their keys.
    """

    views: Mapping[str, str]
    warnings: list[str]
    observations: Iterable[pa.RecordBatch] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    advice_on_repeats: str = ""


def loaded(*tables: TableDefinition) -> dict[str, str]:
    """Map tables to the views that SQL files create: ``loaded_<table>``."""
    return {table.name: f"loaded_{table.name}" for table in tables}


@dataclass(frozen=True)
class Opened:
    """Files that a reader has checked but not yet staged.

    Attributes:
        refused: files that cannot be loaded, with their reasons.
        stage: stages the other files. Raises SourceFormatError if the reader cannot read them, and SourceRowError
            if some rows cannot be understood.
    """

    refused: Mapping[SourceFile, str]
    stage: Callable[[Sequence[SourceFile], Options], Staged]


class Reader(ABC):
    """Turns files into views with the rows of tables.

    The constructor accepts its ``settings``.

    Attributes:
        name: its name in snapshots and in its command ``obslake load NAME``.
        help: help text of its command.
        example: example commands, one per line.
        options: options that only its command has: fields of ``Options``, or settings.
        suffixes: suffixes of the files that it reads in folders.
        whole_files: truncated gzip files are refused.
        refuses_single_files: files are refused one by one: all faulty files are named, and the user may load the
            others.
        salvages_rows: rows are independent of each other, so broken lines can be set aside.
        reads_tables: it reads Parquet, Arrow, CSV and JSON, so files of other kinds are refused.
        takes_run: rows that do not name a run belong to the run in the options.
        identity_keys: maps the columns of data set, problem and run to keys of a record whose values, joined by
            ``/``, name them, if the keys differ from the column; None: records name none of them.
        identity_in_context: the context of a record names them rather than the record itself.
        takes_paths: its command needs paths; otherwise it can also make sources itself.
    """

    name: str
    help: str
    example: str
    options: tuple[click.Option, ...] = ()
    suffixes: tuple[str, ...] = DATA_SUFFIXES
    whole_files: bool = True
    refuses_single_files: bool = False
    salvages_rows: bool = False
    reads_tables: bool = True
    takes_run: bool = False
    identity_keys: Mapping[str, tuple[str, ...]] | None = MappingProxyType({})
    identity_in_context: bool = False
    takes_paths: bool = True

    def settings(self) -> dict[str, Any]:
        """Return the reader's own options as JSON values."""
        return {}

    def make_sources(
        self, lakehouse: Lakehouse | FutureLakehouse, options: Options, folder: Path
    ) -> tuple[dict[Path, str], list[str]]:
        """Write sources to a folder; return their names by path, and warnings.

        Raises:
            ObslakeError: they cannot be made.
        """
        del lakehouse, options, folder
        return {}, []

    def identity(self, file: SourceFile, options: Options) -> dict[str, object]:
        """Return everything except a file's content that determines its rows.

        Raises:
            SourceFormatError: the file cannot be loaded with these options.
        """
        del file
        return options.identity()

    def context(self, file: SourceFile, options: Options) -> dict[str, object] | None:
        """Return what loads of the same content must share to load the same actuations.

        None: no option changes the meaning of a content.
        """
        del file, options
        return None

    @abstractmethod
    def open(self, connection: duckdb.DuckDBPyConnection, files: Sequence[SourceFile]) -> Opened:
        """Find files that cannot be loaded, before the others are staged."""

    def write_records(self, records: FileRecords, path: Path) -> list[SourceFile]:
        """Write records that a load has set aside to files that can be staged.

        Args:
            records: the records of one file.
            path: the file to write; further files may be written next to it.
        """
        return write_rows(records, path)

    def check_part(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Check that the meaning of staged records does not depend on the rest of their source.

        Raises:
            SourceFormatError: it does.
        """
        del connection


class OneStepReader(Reader):
    """A reader that checks files only when it stages them."""

    def open(self, connection: duckdb.DuckDBPyConnection, files: Sequence[SourceFile]) -> Opened:
        """Refuse nothing yet."""
        del files

        def stage(files: Sequence[SourceFile], options: Options) -> Staged:
            if self.salvages_rows and not options.max_faulty.is_strict:
                files = [salvage(connection, file) for file in files]
            return self.stage(connection, files, options)

        return Opened({}, stage)

    @abstractmethod
    def stage(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Sequence[SourceFile],
        options: Options,
    ) -> Staged:
        """Create the views of the tables that get rows.

        Raises:
            SourceFormatError: the reader cannot read the files.
            SourceRowError: some rows cannot be understood.
        """
