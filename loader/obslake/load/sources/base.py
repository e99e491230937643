"""What every reader has in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
import duckdb
import pyarrow as pa

from obslake.lakehouse.schemas import TableDefinition
from obslake.load.sources.files import DATA_SUFFIXES, SourceFile
from obslake.load.sources.records import FileRecords, write_rows
from obslake.load.sources.salvage import salvage
from obslake.load.sources.set_aside import STRICT, Tolerance


@dataclass(frozen=True)
class Options:
    """What the user said about the rows of a load.

    Attributes:
        data_set: data set of rows that do not name one.
        environment: environment of rows that do not name one.
        run: run of rows that do not name one; None: the load itself.
        renames: column of the lakehouse to column of the source.
        max_faulty: how many records that cannot be understood may be set aside.
        outputs: what strings are in columns of responses: ``text`` of the protocol, ``values``, or ``auto``.
        delimiter: what separates the fields of CSV files; None: it is found out.
        partitions: folders named ``column=value`` are columns.
        as_oracle: rows are of the specified oracle, whatever implementation they name.
        again: load contents that were loaded under other options, besides what came of them.
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
    again: bool = False

    def identity(self) -> dict[str, object]:
        """Return the options by which two loads of the same bytes differ."""
        return {**self.context(), "renames": self.renames, **self.readings()}

    def context(self) -> dict[str, object]:
        """Return what the options say about the rows besides what stands in them."""
        return {"data_set": self.data_set, "environment": self.environment, "run": self.run}

    def readings(self) -> dict[str, object]:
        """Return the options by which the same bytes mean something else, where they are not the defaults."""
        defaults = Options()
        names = ("outputs", "delimiter", "partitions", "as_oracle")
        return {n: getattr(self, n) for n in names if getattr(self, n) != getattr(defaults, n)}


@dataclass(frozen=True)
class Staged:
    """Rows ready to be appended.

    Attributes:
        views: the name of a table that gets rows to the SQL relation that has them: the table's columns,
            in any order, without load_id.
        warnings: what the user should know about the source.
        observations: rows of observations in the order of the table, without load_id;
            None where they come from their view.
        columns: columns of the source with their types, where drift is watched.
        targets: column of the source to the column that it is loaded as.
        advice_on_repeats: what to do about rows that share all their keys; None: they are not looked for.
    """

    views: Mapping[str, str]
    warnings: list[str]
    observations: Iterable[pa.RecordBatch] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    advice_on_repeats: str | None = None


def loaded(*tables: TableDefinition) -> dict[str, str]:
    """Return the views of tables that SQL files make: ``loaded_<table>``."""
    return {table.name: f"loaded_{table.name}" for table in tables}


@dataclass(frozen=True)
class Opened:
    """Files that a reader has looked at, and has not yet staged.

    Attributes:
        refused: files that cannot be loaded, with their reasons.
        stage: stages others of the files. Raises SourceFormatError where they are not what the reader
            reads, and SourceRowError where some rows cannot be understood.
    """

    refused: Mapping[SourceFile, str]
    stage: Callable[[Sequence[SourceFile], Options], Staged]


class Reader(ABC):
    """Turns files into views named after the tables.

    Its ``settings`` are the arguments by which it is made.

    Attributes:
        name: what the snapshots and its command ``obslake load NAME`` call it.
        help: what its command says it does.
        example: one or several lines that can be typed.
        options: options that its command has and others have not: fields of ``Options``, or settings.
        suffixes: how the names of files end that it reads in folders.
        whole_files: gzip files that were cut off are refused.
        refuses_single_files: a file that it cannot read does not hide the faults of the others: all
            are named, and the user may load the rest.
        salvages_rows: rows stand for themselves, so that broken lines can be set aside.
        reads_tables: files that are neither Parquet nor Arrow, CSV or JSON are refused by their kind.
        takes_run: rows that do not name a run belong to the run that the options name.
        identity_keys: column to the keys of a record whose values, joined by ``/``, are its data set,
            problem or run, where the keys are not named as the column; None: no record says them.
        identity_in_context: what stands beside a record says them, if anything does.
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

    def settings(self) -> dict[str, Any]:
        """Return the reader's own options, in a form that JSON has."""
        return {}

    def identity(self, file: SourceFile, options: Options) -> dict[str, object]:
        """Return what decides, besides the content of a file, the rows that come of it.

        Raises:
            SourceFormatError: the file cannot be loaded with these options.
        """
        del file
        return options.identity()

    def context(self, file: SourceFile, options: Options) -> dict[str, object] | None:
        """Return what a load of the same bytes must share, besides them, to be a load of the same rows.

        None where no option changes what bytes mean.
        """
        del file, options
        return None

    @abstractmethod
    def open(self, connection: duckdb.DuckDBPyConnection, files: Sequence[SourceFile]) -> Opened:
        """Look for files that cannot be loaded, before the others are staged."""

    def write_records(self, records: FileRecords, path: Path) -> list[SourceFile]:
        """Write records that a load has set aside so that they can be staged.

        Args:
            records: those of one file.
            path: where to; more than one file may be written beside it.
        """
        return write_rows(records, path)

    def check_part(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Check that staged records say what they mean without the rest of their source.

        Raises:
            SourceFormatError: they do not.
        """
        del connection


class OneStepReader(Reader):
    """A reader that looks at files when it stages them."""

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
            SourceFormatError: the files are not what the reader reads.
            SourceRowError: some rows cannot be understood.
        """
