"""Convert rows of CSV and JSON to columns of text in a Parquet file, which is read from then on.

In CSV, DuckDB may overlook a line that is broken in a column which a query does not need. In JSON, it respells
floats, accepts ``NaN`` in any case, and takes the first of two values of one key: Python's reader, which keeps the
text of numbers, reads such objects.
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

# Parts of arrays and objects that DuckDB would change: floats, invalid JSON, control characters, keys that may be
# tags, keys that may be repeated.
_SPELLED_OTHERWISE = r'[0-9][.eE]|(?i:nan|inf)|\\u00|"\$|\{.*:.*:'

# DuckDB forgets the sign of a negative zero: a zero in an array or object, and one that is negative in the text.
_ZERO = r"[\[:,]0[\],}]"
_NEGATIVE_ZERO = r"[\[:,\s]-0[\],}\s]"


def tabulate(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    *,
    exact: Collection[str],
    plain: Collection[str] = (),
    output: str | None = None,
) -> SourceFile:
    """Return a CSV or JSON file in columns; any other file unchanged.

    A row also has its number. Keys of JSON are matched without case; a row of JSON also has the reason why it
    cannot be understood, and the form of its output: ``string``, ``null``, ``value``, or null if there was none.

    Args:
        connection: has the macros of ``sql/protocol.sql``.
        file: the file.
        exact: columns, in lower case, whose numbers must keep their spelling.
        plain: those of ``exact`` that are not values of the protocol and have no tags.
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
    # The header is row 1, as in editors and spreadsheets.
    query = (
        f"select {names}, row_number() over () + {1 + scan.skipped_lines} as {ROW_COLUMN} "
        f"from {scan.query}"
    )
    target = _write(connection, file, query)
    return replace(file, path=target, compression="uncompressed", is_salvaged=True)


def _write(connection: duckdb.DuckDBPyConnection, file: SourceFile, query: str) -> Path:
    """Write the rows of a query on a file to a Parquet file, in order."""
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
    """The keys of a file's objects, in lower case.

    Attributes:
        spellings: the spellings of each key.
        exact: keys whose numbers must keep their spelling, in the order of ``read_exactly``.
        repeat: whether an object has a key twice; ``repeating_keys`` has the keys of such objects.
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
        """Position of each spelling in ``texts`` and ``types``, from 1."""
        spelled = (spelling for found in self.spellings.values() for spelling in found)
        return {spelling: place for place, spelling in enumerate(spelled, start=1)}

    def first(self, values: str, key: str) -> str:
        """Return the SQL of a key's element in ``texts`` or ``types``, for its first spelling that is present."""
        found = [f"{values}[{self.places[spelling]}]" for spelling in self.spellings[key]]
        return f"coalesce({', '.join(found)})" if len(found) > 1 else found[0]

    def is_irregular(self) -> str:
        """Return the SQL condition for objects that DuckDB would respell."""
        conditions = [
            "false",
            *(f"{self.first('types', key)} = 'DOUBLE'" for key in self.exact),
            # A zero without a sign is an UBIGINT.
            *(
                f"({self.first('types', key)} = 'BIGINT' and {self.first('texts', key)} = '0')"
                for key in self.exact
            ),
            *(
                f"({self.first('types', key)} in ('ARRAY', 'OBJECT') and "
                f"regexp_matches({self.first('texts', key)}, {quote_literal(_SPELLED_OTHERWISE)}))"
                for key in self.exact
            ),
            *(
                f"({self.first('types', key)} in ('ARRAY', 'OBJECT') and "
                f"regexp_matches({self.first('texts', key)}, {quote_literal(_ZERO)}) and "
                f"regexp_matches(cast(json as varchar), {quote_literal(_NEGATIVE_ZERO)}))"
                for key in self.exact
            ),
        ]
        if self.repeat:
            conditions.append("json_keys(json) in (select keys from repeating_keys)")
        return " or ".join(conditions)

    def columns(self) -> list[str]:
        """Return the SQL of the columns, named by their lower-case spelling or else by the first one."""
        position = {key: number for number, key in enumerate(self.exact, start=1)}
        columns = []
        for key, found in self.spellings.items():
            text = self.first("texts", key)
            if key in position:
                text = f"if(exact is null, {text}, exact[{position[key]}])"
            columns.append(f"{text} as {quote_identifier(key if key in found else found[0])}")
        return columns

    def form(self, output: str | None) -> str:
        """Return the SQL of the form of a row's output."""
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
    """Create the SQL function ``read_exactly``: the texts of an object's columns, and its fault."""
    read = exact_reader(columns, plain)

    def read_all(texts: pa.ChunkedArray) -> pa.Array:
        return pa.array([read(text) for text in texts.to_pylist()], pa.list_(pa.string()))

    # Remove the function of the previous file. Looking it up first would take longer than reading a small file.
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
