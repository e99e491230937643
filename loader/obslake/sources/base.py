"""What every reader has in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from obslake.schemas import TableDefinition
from obslake.sources.files import DATA_SUFFIXES, SourceFile
from obslake.sources.set_aside import STRICT, Tolerance


@dataclass(frozen=True)
class Options:
    """What the user said about the rows of a load.

    Attributes:
        data_set: data set of rows that do not name one.
        environment: environment of rows that do not name one.
        run: run of rows that do not name one; None: the load itself.
        renames: column of the lakehouse to column of the source.
        max_faulty: how many records that cannot be understood may be set aside.
    """

    data_set: str = "default"
    environment: str = "default"
    run: str | None = None
    renames: dict[str, str] = field(default_factory=dict)
    max_faulty: Tolerance = STRICT

    def identity(self) -> dict[str, object]:
        """Return the options by which two loads of the same bytes differ."""
        return {name: value for name, value in asdict(self).items() if name != "max_faulty"}


@dataclass(frozen=True)
class StagedLoad:
    """Rows ready to be appended.

    Attributes:
        tables: tables that get rows, each from the view ``loaded_<name>`` of the connection.
        warnings: what the user should know about the source.
        observations: rows of observations in the order of the table, without load_id;
            None where they come from the view ``loaded_observations``.
        columns: columns of the source with their types, where drift is watched.
        targets: column of the source to the column that it is loaded as.
    """

    tables: tuple[TableDefinition, ...]
    warnings: list[str]
    observations: Iterable[pa.RecordBatch] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)


class Reader(ABC):
    """Turns files into views named after the tables.

    Attributes:
        name: what the snapshots call it.
        suffixes: how the names of files end that it reads in folders.
        whole_files: gzip files that were cut off are refused.
        refuses_single_files: a file that it cannot read does not hide the faults of the others: all
            are named, and the user may load the rest.
        salvages_rows: rows stand for themselves, so that broken lines can be set aside.
    """

    name: str
    suffixes: tuple[str, ...] = DATA_SUFFIXES
    whole_files: bool = True
    refuses_single_files: bool = False
    salvages_rows: bool = False

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

    def refuse(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Sequence[SourceFile],
        options: Options,
    ) -> dict[SourceFile, str]:
        """Look for files that cannot be loaded, with their reasons, before the others are staged."""
        del connection, files, options
        return {}

    @abstractmethod
    def stage(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Sequence[SourceFile],
        options: Options,
    ) -> StagedLoad:
        """Create the view ``loaded_<table>`` for each table that gets rows.

        The views have the table's columns, in any order, without load_id.

        Raises:
            SourceFormatError: the files are not what the reader reads.
            SourceRowError: some rows cannot be understood.
        """
