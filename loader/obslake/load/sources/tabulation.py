"""Rows of CSV and JSON brought into columns of text, once, in a Parquet file that all further reading is of.

DuckDB reads most of them. In CSV it may overlook a line that is broken in a column which a query does not
need. In JSON it spells floats in its own way, and takes ``NaN`` in any case and the first of two values of one
key: objects with such things in them are read by Python's reader, which keeps the text of numbers.
"""

import tempfile
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import duckdb
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType

from obslake.engine import glob_literal, quote_identifier, quote_literal, temp_directory
from obslake.load.sources.exact_json import exact_reader
from obslake.load.sources.files import SourceFile
from obslake.load.sources.relations import csv_scan, json_scan, unreadable
from obslake.load.sources.scans import (
    FAULT_COLUMN,
    OUTPUT_FORM_COLUMN,
    RAW_COLUMN,
    ROW_COLUMN,
    pointer,
)

# What DuckDB would spell otherwise in the text of an array or an object: floats, what is not JSON,
# control characters, keys that may be tags, keys that may be there twice.
_SPELLED_OTHERWISE = r'[0-9][.eE]|(?i:nan|inf)|\\u00|"\$|\{.*:.*:'


def tabulate(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    *,
    exact: Collection[str],
    plain: Collection[str] = (),
    output: str | None = None,
) -> SourceFile:
    """Return a file of CSV or JSON in columns; any other file as it is.

    Besides the columns a row has its number. Names of JSON go without case; of JSON a row also says why it cannot
    be understood, and what its output was: ``string``, ``null``, ``value``, or null where there was none.

    Args:
        connection: has the macros of ``sql/protocol.sql``.
        file: the file.
        exact: columns, in lower case, of which it matters how numbers are spelled.
        plain: those among them that are no values of the protocol, and have no tags.
        output: the column of the responses, in lower case.

    Raises:
        SourceFormatError: the file cannot be read.
    """
    try:
        if file.format == "json":
            return _tabulated_json(connection, file, exact, plain, output)
        if file.format == "csv" and not file.is_salvaged:
            return _tabulated_csv(connection, file)
    except duckdb.Error as error:
        raise unreadable(file, error) from error
    return file


def _tabulated_csv(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> SourceFile:
    scan = csv_scan(connection, file)
    names = ", ".join(map(quote_identifier, scan.columns))
    # The header is row 1, as editors and spreadsheets count.
    query = (
        f"select {names}, row_number() over () + {1 + scan.skipped_lines} as {ROW_COLUMN} "
        f"from {scan.query}"
    )
    target = _write(connection, file, query)
    return replace(file, path=target, compression="uncompressed", is_salvaged=True)


def _write(connection: duckdb.DuckDBPyConnection, file: SourceFile, query: str) -> Path:
    """Write the rows of a query on a file to a Parquet file, in their order."""
    with tempfile.NamedTemporaryFile(
        dir=temp_directory(connection), prefix="rows-", delete=False
    ) as copy:
        target = Path(copy.name)
    connection.execute(
        f"copy ({query}) to {quote_literal(str(target))} (format parquet)",
        [glob_literal(file.path)],
    )
    return target


@dataclass(frozen=True)
class _Keys:
    """The keys of a file's objects, by their names without case.

    Attributes:
        spellings: the ways in which each is spelled.
        exact: those of which it matters how numbers are spelled, in the order of ``read_exactly``.
        repeat: whether an object has one of them twice; ``repeating_keys`` has the keys of such objects.
    """

    spellings: dict[str, list[str]]
    exact: list[str]
    repeat: bool

    @classmethod
    def read(
        cls, connection: duckdb.DuckDBPyConnection, file: SourceFile, exact: Collection[str]
    ) -> "_Keys":
        """Find the keys of a file."""
        connection.execute(
            f"create or replace temp table key_lists as "
            f"select distinct json_keys(json) as keys from {json_scan(file)}",
            [glob_literal(file.path)],
        )
        names = connection.execute(
            "select distinct unnest(keys) as key from key_lists where keys is not null order by key"
        ).fetchall()
        spellings: dict[str, list[str]] = {}
        for (key,) in names:
            spellings.setdefault(key.lower(), []).append(key)
        ((repeating,),) = connection.execute(
            "create or replace temp table repeating_keys as select keys from key_lists "
            "where len(keys) <> len(list_distinct(list_transform(keys, lambda key: lower(key))))"
        ).fetchall()
        return cls(spellings, [key for key in spellings if key in exact], bool(repeating))

    @cached_property
    def places(self) -> dict[str, int]:
        """Where the value of each spelling stands in ``texts`` and ``types``."""
        spelled = (spelling for found in self.spellings.values() for spelling in found)
        return {spelling: place for place, spelling in enumerate(spelled, start=1)}

    def first(self, values: str, key: str) -> str:
        """Return the SQL of what ``texts`` or ``types`` say of a key, in the first spelling that is there."""
        found = [f"{values}[{self.places[spelling]}]" for spelling in self.spellings[key]]
        return f"coalesce({', '.join(found)})" if len(found) > 1 else found[0]

    def is_irregular(self) -> str:
        """Return the SQL condition of an object that DuckDB would spell otherwise."""
        conditions = [
            "false",
            *(f"{self.first('types', key)} = 'DOUBLE'" for key in self.exact),
            *(
                f"({self.first('types', key)} in ('ARRAY', 'OBJECT') and "
                f"regexp_matches({self.first('texts', key)}, {quote_literal(_SPELLED_OTHERWISE)}))"
                for key in self.exact
            ),
        ]
        if self.repeat:
            conditions.append("json_keys(json) in (select keys from repeating_keys)")
        return " or ".join(conditions)

    def columns(self) -> list[str]:
        """Return the SQL of the texts by their names: of several spellings the one in lower case."""
        position = {key: number for number, key in enumerate(self.exact, start=1)}
        columns = []
        for key, found in self.spellings.items():
            text = self.first("texts", key)
            if key in position:
                text = f"if(exact is null, {text}, exact[{position[key]}])"
            columns.append(f"{text} as {quote_identifier(key if key in found else found[0])}")
        return columns

    def form(self, output: str | None) -> str:
        """Return the SQL of what the output of a row was."""
        if output not in self.spellings:
            return "null::varchar"
        type_ = self.first("types", output)
        return (
            f"case {type_} when 'VARCHAR' then 'string' when 'NULL' then 'null' "
            f"else if({type_} is null, null, 'value') end"
        )


def _tabulated_json(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    exact: Collection[str],
    plain: Collection[str],
    output: str | None,
) -> SourceFile:
    keys = _Keys.read(connection, file, exact)
    _define_reader(connection, keys.exact, plain)
    number = ROW_COLUMN if file.is_salvaged else "row_number() over ()"
    paths = f"[{', '.join(quote_literal(pointer(key)) for key in keys.places)}]::varchar[]"
    read = (
        f"select json, {number} as {ROW_COLUMN}, json_extract_string(json, {paths}) as texts, "
        f"json_type(json, {paths}) as types from {json_scan(file)}"
    )
    fault = f"exact[{len(keys.exact) + 1}]"
    kept = [
        *keys.columns(),
        f"{keys.form(output)} as {OUTPUT_FORM_COLUMN}",
        f"{fault} as {FAULT_COLUMN}",
        f"if({fault} is null, null, cast(json as varchar)) as {RAW_COLUMN}",
        ROW_COLUMN,
    ]
    query = (
        f"select {', '.join(kept)} from "
        f"(select *, if({keys.is_irregular()}, read_exactly(cast(json as varchar)), null) as exact "
        f"from ({read}))"
    )
    return replace(
        file,
        path=_write(connection, file, query),
        format="parquet",
        compression="uncompressed",
        is_salvaged=False,
        is_tabulated=True,
    )


def _define_reader(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[str], plain: Collection[str]
) -> None:
    """Create the function of SQL ``read_exactly``: the texts of an object's columns, and its fault."""
    read = exact_reader(columns, plain)

    def read_all(texts: pa.ChunkedArray) -> pa.Array:
        return pa.array([read(text) for text in texts.to_pylist()], pa.list_(pa.string()))

    # That of the file before: to ask whether there is one takes longer than to read a small file.
    with suppress(duckdb.InvalidInputException):
        connection.remove_function("read_exactly")
    connection.create_function(
        "read_exactly",
        read_all,
        [duckdb.sqltypes.VARCHAR],
        duckdb.list_type(duckdb.sqltypes.VARCHAR),
        type=PythonUDFType.ARROW,
        null_handling=FunctionNullHandling.SPECIAL,
    )
