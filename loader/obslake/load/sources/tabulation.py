"""Rows of CSV and JSON brought into columns of text, once, in a Parquet file that all further reading is of.

DuckDB reads most of them. In CSV it may overlook a line that is broken in a column which a query does not
need. In JSON it spells floats in its own way, and takes ``NaN`` in any case and the first of two values of one
key: objects with such things in them are read by Python's reader, which keeps the text of numbers.
"""

import json
import re
import tempfile
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType

from obslake.engine import glob_literal, quote_identifier, quote_literal, temp_directory
from obslake.load.sources.files import SourceFile
from obslake.load.sources.relations import csv_scan, json_scan, unreadable
from obslake.load.sources.scans import (
    FAULT_COLUMN,
    OUTPUT_FORM_COLUMN,
    RAW_COLUMN,
    ROW_COLUMN,
    pointer,
)
from obslake.load.sources.typed_text import TAGS

# What DuckDB would spell otherwise in the text of an array or an object: floats, what is not JSON,
# control characters, keys that may be tags, keys that may be there twice.
_SPELLED_OTHERWISE = r'[0-9][.eE]|(?i:nan|inf)|\\u00|"\$|\{.*:.*:'

_LONGEST_VALUE = 60


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


def _tabulated_json(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    exact_columns: Collection[str],
    plain: Collection[str],
    output: str | None,
) -> SourceFile:
    path = [glob_literal(file.path)]
    scan = json_scan(file)
    connection.execute(
        f"create or replace temp table key_lists as "
        f"select distinct json_keys(json) as keys from {scan}",
        path,
    )
    names = connection.execute(
        "select distinct unnest(keys) as key from key_lists where keys is not null order by key"
    ).fetchall()
    # By the name without case; of several spellings the one in lower case names the column.
    spellings: dict[str, list[str]] = {}
    for (key,) in names:
        spellings.setdefault(key.lower(), []).append(key)
    columns = {key: key if key in found else found[0] for key, found in spellings.items()}
    ((repeating,),) = connection.execute(
        "create or replace temp table repeating_keys as select keys from key_lists "
        "where len(keys) <> len(list_distinct(list_transform(keys, lambda key: lower(key))))"
    ).fetchall()
    exact = [key for key in spellings if key in exact_columns]
    position = {key: number for number, key in enumerate(exact, start=1)}
    _define_reader(connection, exact, plain)
    paths = [pointer(key) for found in spellings.values() for key in found]
    place = {key: n for n, key in enumerate((k for f in spellings.values() for k in f), start=1)}

    def first(values: str, key: str) -> str:
        found = [f"{values}[{place[spelling]}]" for spelling in spellings[key]]
        return f"coalesce({', '.join(found)})" if len(found) > 1 else found[0]

    irregular = [
        "false",
        *(f"{first('types', key)} = 'DOUBLE'" for key in exact),
        *(
            f"({first('types', key)} in ('ARRAY', 'OBJECT') and "
            f"regexp_matches({first('texts', key)}, {quote_literal(_SPELLED_OTHERWISE)}))"
            for key in exact
        ),
    ]
    if repeating:
        irregular.append("json_keys(json) in (select keys from repeating_keys)")
    texts = []
    for key, name in columns.items():
        text = first("texts", key)
        if key in position:
            text = f"if(exact is null, {text}, exact[{position[key]}])"
        texts.append(f"{text} as {quote_identifier(name)}")
    form = "null::varchar"
    if output in spellings:
        type_ = first("types", output)
        form = (
            f"case {type_} when 'VARCHAR' then 'string' when 'NULL' then 'null' "
            f"else if({type_} is null, null, 'value') end"
        )
    number = ROW_COLUMN if file.is_salvaged else "row_number() over ()"
    path_list = f"[{', '.join(map(quote_literal, paths))}]::varchar[]"
    read = (
        f"select json, {number} as {ROW_COLUMN}, json_extract_string(json, {path_list}) as texts, "
        f"json_type(json, {path_list}) as types from {scan}"
    )
    fault = f"exact[{len(exact) + 1}]"
    kept = [
        *texts,
        f"{form} as {OUTPUT_FORM_COLUMN}",
        f"{fault} as {FAULT_COLUMN}",
        f"if({fault} is null, null, cast(json as varchar)) as {RAW_COLUMN}",
        ROW_COLUMN,
    ]
    is_irregular = " or ".join(irregular)
    query = (
        f"select {', '.join(kept)} from "
        f"(select *, if({is_irregular}, read_exactly(cast(json as varchar)), null) as exact "
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


class _Number(str):
    """A number as it is written, or what stands for it."""

    __slots__ = ()


class _Pairs(list[tuple[str, object]]):
    """The members of an object, in their order."""

    __slots__ = ()


_TAGGED_FLOATS = {
    "NaN": _Number('{"$float":"nan"}'),
    "Infinity": _Number('{"$float":"inf"}'),
    "-Infinity": _Number('{"$float":"-inf"}'),
}

_DECODER = json.JSONDecoder(
    object_pairs_hook=_Pairs,
    parse_float=_Number,
    parse_int=_Number,
    parse_constant=_TAGGED_FLOATS.__getitem__,
    strict=False,
)

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def exact_reader(
    columns: Sequence[str], plain: Collection[str] = ()
) -> Callable[[str], list[str | None]]:
    """Return what reads an object: the texts of some columns, by names in lower case, then its fault.

    Strings are the columns' texts as they are, anything else is the JSON of the response protocol, with
    numbers as they are written.
    """

    def read(text: str) -> list[str | None]:
        found: dict[str, object] = {}
        fault = None
        try:
            members = _DECODER.decode(text)
            if isinstance(members, _Pairs):
                for key, value in members:
                    if key.lower() in found:
                        fault = _said_twice(key, found[key.lower()], value)
                    found.setdefault(key.lower(), value)
            texts = [
                _column_text(found.get(column), has_tags=column not in plain) for column in columns
            ]
        except RepeatedKeyError as error:
            return [None] * len(columns) + [str(error)]
        except (ValueError, RecursionError) as error:
            return [None] * len(columns) + [f"is no JSON: {error}"]
        return [*texts, fault]

    return read


class RepeatedKeyError(ValueError):
    """An object inside a value has a key twice."""


def _said_twice(key: str, first: object, second: object) -> str:
    values = (_shorten(_json_text(value)) for value in (first, second))
    return f"has {key} twice: {' and '.join(values)}"


def _column_text(value: object, *, has_tags: bool) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and not isinstance(value, _Number):
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return _json_text(value, has_tags=has_tags)


def _json_text(value: object, *, has_tags: bool = True) -> str:
    """Return a value that was read as text of the protocol, or as plain JSON, where nothing has tags."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=_LONE_SURROGATE.search(value) is not None)
    if isinstance(value, _Pairs):
        return _object_text(value, has_tags=has_tags)
    if isinstance(value, list):
        return "[" + ",".join(_json_text(item, has_tags=has_tags) for item in value) + "]"
    return "null" if value is None else "true" if value else "false"


def _object_text(members: _Pairs, *, has_tags: bool) -> str:
    keys = [key for key, _ in members]
    if len(set(keys)) < len(keys):
        twice = next(key for n, key in enumerate(keys) if key in keys[:n])
        first, second, *_ = (value for key, value in members if key == twice)
        raise RepeatedKeyError(_said_twice(twice, first, second))
    texts = [(_json_text(key), _json_text(value, has_tags=has_tags)) for key, value in members]
    if (
        has_tags
        and any(key.startswith("$") for key in keys)
        and not (len(keys) == 1 and keys[0] in TAGS)
    ):
        return '{"$dict":[' + ",".join(f"[{key},{text}]" for key, text in texts) + "]}"
    return "{" + ",".join(f"{key}:{text}" for key, text in texts) + "}"


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
