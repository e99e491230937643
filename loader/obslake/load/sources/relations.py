"""Views on source files: columns as text, with where each row stands."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb
import pyarrow.parquet as pq

from obslake.engine import glob_literal, quote_identifier, quote_literal, reason, set_variables
from obslake.errors import SourceFormatError
from obslake.load.sources.dialect import sniff
from obslake.load.sources.files import Compression, Format, OutputReading, SourceFile, read_head
from obslake.load.sources.typed_text import is_text, plain_text, protocol_text

# A record is bounded, and with it the memory for reading it: DuckDB's CSV reader reserves a
# multiple of the longest line that it has to expect.
LONGEST_CSV_LINE = 8 << 20
LONGEST_JSON_LINE = 64 << 20

# Types that need no detour by text to become a number or a moment: parsing would cost more than all
# the rest of reading.
_PLAIN_TYPES = frozenset(
    {
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "TIMESTAMP",
        "TIMESTAMP WITH TIME ZONE",
    }
)

# Number of a row in its source, in a file of rows that were salvaged from it.
ROW_COLUMN = "_obslake_row"

# Why a row cannot be understood as a whole, in a file that was brought into columns.
FAULT_COLUMN = "_obslake_fault"

# The whole of such a row as it was written.
RAW_COLUMN = "_obslake_raw"

# What the output of a row was before it became text, in such a file.
OUTPUT_FORM_COLUMN = "_obslake_output_form"

_OWN_COLUMNS = (ROW_COLUMN, FAULT_COLUMN, RAW_COLUMN, OUTPUT_FORM_COLUMN)


@dataclass(frozen=True)
class TextRelation:
    """A view whose columns are text.

    Attributes:
        view: name of the view.
        columns: names of the columns as the source has them, without the position and time.
        types: their types in SQL, empty where the format has none, or the files several.
    """

    view: str
    columns: tuple[str, ...]
    types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Form:
    """What files must have in common to be read by one scan: names and types of columns as well."""

    format: Format
    compression: Compression
    columns: tuple[tuple[str, str], ...] = ()
    delimiter: str = ""
    quote: str = '"'
    is_salvaged: bool = False
    is_tabulated: bool = False
    skipped_lines: int = 0
    output: OutputReading | None = None


def create_text_view(
    connection: duckdb.DuckDBPyConnection,
    view: str,
    files: Sequence[SourceFile],
    typed: Sequence[str] = (),
    *,
    with_records: bool = False,
) -> TextRelation:
    """Show files of one or several formats as one view of text columns.

    Besides the source's own columns the view has ``_obslake_position`` (file and row, 1-based) and
    ``_obslake_time`` (when the file was last written).

    Args:
        connection: where the view is created.
        view: its name.
        files: what it shows.
        typed: columns that are cast to whole numbers or moments anyway: they may be of such a type.
        with_records: the view has ``_obslake_file`` (what the user calls it), ``_obslake_row`` and
            ``_obslake_record`` (the row as a JSON object) as well.

    Raises:
        SourceFormatError: a file cannot be read in the format it seems to have.
    """
    # Of the view's own name: other views stay in use beside it.
    connection.execute(
        f"set variable {quote_identifier(view + '_files')} = "
        "map(?::varchar[], list_zip(?::varchar[], ?::timestamptz[], ?::varchar[]))",
        [
            [str(f.path) for f in files],
            [f.name for f in files],
            [f.modified_at for f in files],
            [json.dumps(dict(f.partitions)) for f in files],
        ],
    )
    by_form: dict[_Form, list[SourceFile]] = {}
    for file in files:
        by_form.setdefault(_form(connection, file), []).append(file)
    parts = []
    columns: dict[str, str] = {}
    types: dict[str, set[str]] = {}
    source = f"getvariable({quote_literal(view + '_files')})[_obslake_file]"
    for index, (form, group) in enumerate(by_form.items()):
        paths = f"{view}_paths_{index}"
        set_variables(connection, {paths: [glob_literal(f.path) for f in group]})
        # A time that is the same in all rows costs nothing.
        time = (
            f"timestamptz {quote_literal(group[0].modified_at.isoformat())}"
            if len(group) == 1
            else f"{source}[2]"
        )
        scan = _scan(f"getvariable({quote_literal(paths)})", form, typed, with_records=with_records)
        folders = dict.fromkeys(key for file in group for key, _ in file.partitions)
        texts = [
            f", json_extract_string({source}[3], {quote_literal(pointer(key))}) as {quote_identifier(key)}"
            for key in folders
        ]
        everything = "*"
        if texts and with_records:
            members = ", ".join(
                f"{quote_literal(key)}: json_extract_string({source}[3], {quote_literal(pointer(key))})"
                for key in folders
            )
            record = f"json_merge_patch(cast(_obslake_record as json), to_json({{{members}}}))"
            everything = f"* replace (cast({record} as varchar) as _obslake_record)"
        parts.append(f"select {everything}, {time} as _obslake_time{''.join(texts)} from ({scan})")
        for key in folders:
            columns.setdefault(key.lower(), key)
            types.setdefault(key.lower(), set()).add("")
        has_types = form.format == "parquet" and not form.is_tabulated
        for name, type_ in form.columns:
            columns.setdefault(name.lower(), name)
            types.setdefault(name.lower(), set()).add(type_ if has_types else "")
    kept = (
        f"select * replace ({source}[1] as _obslake_file), "
        if with_records
        else "select * exclude (_obslake_file, _obslake_row), "
    )
    connection.execute(
        f"create or replace temp view {quote_identifier(view)} as {kept}"
        f"{source}[1] || ', row ' || _obslake_row as _obslake_position "
        f"from ({' union all by name '.join(f'({part})' for part in parts)})"
    )
    one_type = {
        name: next(iter(types[key])) if len(types[key]) == 1 else ""
        for key, name in columns.items()
    }
    return TextRelation(view, tuple(columns.values()), one_type)


@dataclass(frozen=True)
class CsvScan:
    """How a CSV file is read.

    Attributes:
        query: has one parameter, the pattern of the file's path.
        columns: names of the columns.
        delimiter: what separates fields.
        quote: what fields are quoted with.
        skipped_lines: lines before the header.
    """

    query: str
    columns: list[str]
    delimiter: str
    quote: str
    skipped_lines: int


def csv_scan(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> CsvScan:
    """Return how a CSV file is read."""
    form = _form(connection, file)
    names = [name for name, _ in form.columns]
    return CsvScan(_csv_rows("?", form), names, form.delimiter, form.quote, form.skipped_lines)


def json_scan(file: SourceFile) -> str:
    """Return the query of a JSON file, as ``json``; its one parameter is the pattern of its path."""
    return _json_rows("?", _Form(file.format, file.compression, is_salvaged=file.is_salvaged))


def json_lines_scan(file: SourceFile) -> str:
    """Return the query of a file of JSON Lines that shows null for broken ones, as ``json``.

    The query has one parameter, the pattern of the file's path.
    """
    form = _Form(file.format, file.compression)
    return _json_rows("?", form, ", format = 'newline_delimited', ignore_errors = true")


def unreadable(file: SourceFile, error: duckdb.Error) -> SourceFormatError:
    """Return the error for a file that DuckDB cannot read."""
    text = reason(error).removeprefix(f"{file.path}: ")
    said = (
        f" (its fields are separated as --delimiter {file.delimiter!r} says)"
        if file.delimiter
        else ""
    )
    return SourceFormatError(f"{file.name}: not readable as {file.format}: {text}{said}")


def columns_of(
    connection: duckdb.DuckDBPyConnection, file: SourceFile
) -> tuple[tuple[str, str], ...]:
    """Return the columns of a file, with their types where the format has them."""
    return _form(connection, file).columns


def _form(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> _Form:
    """Look into a file: DuckDB would make one guess for many files, and skip what does not fit."""
    try:
        form = _FORMS[file.format](connection, file)
    except duckdb.Error as error:
        raise unreadable(file, error) from error
    names = {name.lower(): name for name, _ in form.columns}
    for key, text in file.partitions:
        if key.lower() in names:
            raise SourceFormatError(
                f"{file.name}: the folder {key}={text} and the column {names[key.lower()]} of the file "
                "are of one name\n  load it without --partitions, or rename one of them"
            )
    return replace(form, output=file.output)


def _parquet_columns(
    connection: duckdb.DuckDBPyConnection, file: SourceFile
) -> list[tuple[str, str]]:
    columns = connection.execute(
        "describe from read_parquet(?, hive_partitioning = false)", [glob_literal(file.path)]
    ).fetchall()
    return [(c[0], c[1]) for c in columns]


def _parquet_form(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> _Form:
    columns = _parquet_columns(connection, file)
    _refuse_long_decimals(file)
    if file.is_tabulated:
        own = [c for c in columns if c[0] not in _OWN_COLUMNS]
        return _Form(file.format, file.compression, tuple(own), is_tabulated=True)
    # Where two names differ in case only, DuckDB changes the second.
    names = [name for name, _ in columns]
    if {*names} != {*(given := pq.read_schema(file.path).names)}:
        twice = [n for n in given if [g.lower() for g in given].count(n.lower()) > 1]
        if twice:
            raise SourceFormatError(
                f"{file.name}: columns whose names differ in case only: {', '.join(twice)}\n"
                "  rename all but one of them, or leave them out"
            )
    return _Form(file.format, file.compression, tuple(columns))


def _refuse_long_decimals(file: SourceFile) -> None:
    """Refuse decimals that DuckDB would read as floats."""
    for column in pq.read_schema(file.path):
        if "decimal256(" in str(column.type):
            raise SourceFormatError(
                f"{file.name}: column {column.name} is {column.type}: decimals of more than 38 digits "
                "would lose digits\n  write the column as text, or leave it out"
            )


def _csv_form(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> _Form:
    if file.is_salvaged:
        columns = [c for c in _parquet_columns(connection, file) if c[0] != ROW_COLUMN]
        return _Form(file.format, file.compression, tuple(columns), is_salvaged=True)
    found = sniff(file, read_head(file.path, file.compression))
    return _Form(
        file.format,
        file.compression,
        tuple((name, "VARCHAR") for name in found.columns),
        found.delimiter,
        found.quote,
        skipped_lines=found.skipped_lines,
    )


def _json_form(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> _Form:
    form = _Form(file.format, file.compression, is_salvaged=file.is_salvaged)
    keys = connection.execute(
        f"select distinct unnest(json_keys(json)) from {_json_rows('?', form)} order by 1",
        [glob_literal(file.path)],
    ).fetchall()
    return replace(form, columns=tuple((key, "VARCHAR") for (key,) in keys))


_FORMS = {"parquet": _parquet_form, "csv": _csv_form, "json": _json_form}


def _scan(paths: str, form: _Form, typed: Sequence[str], *, with_records: bool) -> str:
    """Return the query that reads files of one form as text."""
    plain = {name.lower() for name in typed}
    if form.is_tabulated or form.is_salvaged:
        rows = _salvaged_rows(paths, form)
        row_number = ROW_COLUMN
    elif form.format == "parquet":
        rows = (
            f"read_parquet({paths}, filename = '_obslake_file', file_row_number = true, "
            "hive_partitioning = false)"
        )
        row_number = "file_row_number + 1"
    elif form.format == "csv":
        rows = _csv_rows(paths, form)
        # The header is row 1, as editors and spreadsheets count.
        row_number = f"row_number() over () + {1 + form.skipped_lines}"
    else:
        rows = _json_rows(paths, form)
        row_number = "row_number() over ()"
    texts = [
        f"{quote_identifier(name)}"
        if name.lower() in plain and type_ in _PLAIN_TYPES
        else f"{_text(form, name, type_)} as {quote_identifier(name)}"
        for name, type_ in form.columns
    ]
    fault = [FAULT_COLUMN] if form.is_tabulated else []
    columns = [*texts, *fault, "_obslake_file", f"{row_number} as _obslake_row"]
    if with_records:
        columns.append(f"{_record(form)} as _obslake_record")
    return f"select {', '.join(columns)} from {rows}"


def _record(form: _Form) -> str:
    """Return the SQL of a whole row: as it was written, or its columns as text."""
    if form.format == "json":
        return "cast(json as varchar)"
    texts = [f"{quote_literal(name)}: {_text(form, name, type_)}" for name, type_ in form.columns]
    record = f"cast(to_json({{{', '.join(texts)}}}) as varchar)"
    return f"coalesce({RAW_COLUMN}, {record})" if form.is_tabulated else record


def _salvaged_rows(paths: str, form: _Form) -> str:
    rows = f"read_parquet({paths}, filename = '_obslake_file', hive_partitioning = false)"
    return rows if form.format != "json" else f"(select * replace (json::json as json) from {rows})"


def _csv_rows(paths: str, form: _Form) -> str:
    types = ", ".join(f"{quote_literal(name)}: 'VARCHAR'" for name, _ in form.columns)
    # An empty field is missing, a quoted empty field is the empty text.
    return (
        f"read_csv({paths}, filename = '_obslake_file', header = true, auto_detect = false, "
        f"hive_partitioning = false, skip = {form.skipped_lines}, "
        f"columns = {{{types}}}, delim = {quote_literal(form.delimiter)}, "
        f"quote = {quote_literal(form.quote)}, escape = {quote_literal(form.quote)}, "
        "allow_quoted_nulls = false, "
        f"compression = {quote_literal(form.compression)}, max_line_size = {LONGEST_CSV_LINE})"
    )


def _json_rows(paths: str, form: _Form, more: str = "") -> str:
    if form.is_salvaged:
        return _salvaged_rows(paths, form)
    return (
        f"read_json_objects({paths}, filename = '_obslake_file', hive_partitioning = false, "
        f"compression = {quote_literal(form.compression)}, "
        f"maximum_object_size = {LONGEST_JSON_LINE}{more})"
    )


def pointer(key: str) -> str:
    """Return the JSON pointer of a key of an object."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _text(form: _Form, name: str, type_: str) -> str:
    """Return the SQL of a column as text."""
    if form.format == "json":
        return f"json_extract_string(json, {quote_literal(pointer(name))})"
    value = quote_identifier(name)
    if form.output and form.output.column == name:
        return _output_text(form, form.output, value, type_)
    return plain_text(value, type_)


def _output_text(form: _Form, output: OutputReading, value: str, type_: str) -> str:
    """Return the SQL of a response as the text of the protocol."""
    string = f"string_response({value})"
    if output.kind_column:
        # The file itself may say that it is not a value.
        kind = quote_identifier(output.kind_column)
        string = f"if(coalesce({kind}, 'value') = 'value', {string}, {value})"
    if not form.is_tabulated:
        is_string = is_text(type_)
        if output.are_values:
            text = string if is_string else protocol_text(value, type_)
            # A field of CSV is missing, a null of Parquet is one.
            return text if form.format == "csv" else f"coalesce({text}, 'null')"
        text = protocol_text(value, type_)
    elif output.are_values:
        return (
            f"case {OUTPUT_FORM_COLUMN} when 'string' then {string} "
            f"when 'null' then 'null' else {value} end"
        )
    else:
        text = value
    if output.has_bare_floats:
        text = f"with_tagged_floats({text})"
    return f"verdict_response({text})" if output.are_verdicts else text
