"""Views on source files: columns as text, with where each row stands."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from obslake.engine import quote_identifier, quote_literal, reason, set_variables
from obslake.errors import SourceFormatError
from obslake.sources.files import Compression, Format, SourceFile, glob_literal, read_head

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

_DELIMITERS = ",;\t|"
_QUOTE = quote_literal('"')


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
    is_salvaged: bool = False


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
        "map(?::varchar[], list_zip(?::varchar[], ?::timestamptz[]))",
        [[str(f.path) for f in files], [f.name for f in files], [f.modified_at for f in files]],
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
        parts.append(f"select *, {time} as _obslake_time from ({scan})")
        for name, type_ in form.columns:
            columns.setdefault(name.lower(), name)
            types.setdefault(name.lower(), set()).add(type_ if form.format == "parquet" else "")
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


def csv_scan(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> tuple[str, list[str], str]:
    """Return the query of a CSV file, its columns and its delimiter.

    The query has one parameter, the pattern of the file's path.
    """
    form = _form(connection, file)
    return _csv_rows("?", form), [name for name, _ in form.columns], form.delimiter


def json_scan(file: SourceFile) -> str:
    """Return the query of a JSON file, as ``json``; its one parameter is the pattern of its path."""
    return _json_rows("?", _Form(file.format, file.compression))


def json_lines_scan(file: SourceFile) -> str:
    """Return the query of a file of JSON Lines that shows null for broken ones, as ``json``.

    The query has one parameter, the pattern of the file's path.
    """
    form = _Form(file.format, file.compression)
    return _json_rows("?", form, ", format = 'newline_delimited', ignore_errors = true")


def unreadable(file: SourceFile, error: duckdb.Error) -> SourceFormatError:
    """Return the error for a file that DuckDB cannot read."""
    text = reason(error).removeprefix(f"{file.path}: ")
    return SourceFormatError(f"{file.name}: not readable as {file.format}: {text}")


def _form(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> _Form:
    """Look into a file: DuckDB would make one guess for many files, and skip what does not fit."""
    try:
        return _FORMS[file.format](connection, file)
    except duckdb.Error as error:
        raise unreadable(file, error) from error


def _parquet_form(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> _Form:
    columns = connection.execute(
        "describe from read_parquet(?)", [glob_literal(file.path)]
    ).fetchall()
    return _Form(file.format, file.compression, tuple((c[0], c[1]) for c in columns))


def _csv_form(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> _Form:
    if file.is_salvaged:
        found = _parquet_form(connection, file).columns
        columns = tuple(column for column in found if column[0] != ROW_COLUMN)
        return _Form(file.format, file.compression, columns, is_salvaged=True)
    text = read_head(file.path, file.compression).decode("utf-8", "replace")
    first_line = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first_line.count)
    try:
        header = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    except csv.Error as error:
        raise SourceFormatError(f"{file.name}: not readable as csv: header: {error}") from error
    if any("\n" in name or "\r" in name for name in header):
        # DuckDB takes the rows below it for a part of the header.
        raise SourceFormatError(f"{file.name}: a line break in the name of a column")
    names = [name or f"column{number}" for number, name in enumerate(header, start=1)]
    if len({name.lower() for name in names}) < len(names):
        raise SourceFormatError(f"{file.name}: two columns of one name: {', '.join(names)}")
    columns = tuple((name, "VARCHAR") for name in names)
    return _Form(file.format, file.compression, columns, delimiter)


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
    if form.is_salvaged:
        rows = _salvaged_rows(paths, form)
        row_number = ROW_COLUMN
    elif form.format == "parquet":
        rows = f"read_parquet({paths}, filename = '_obslake_file', file_row_number = true)"
        row_number = "file_row_number + 1"
    elif form.format == "csv":
        rows = _csv_rows(paths, form)
        # The header is row 1, as editors and spreadsheets count.
        row_number = "row_number() over () + 1"
    else:
        rows = _json_rows(paths, form)
        row_number = "row_number() over ()"
    texts = [
        f"{quote_identifier(name)}"
        if name.lower() in plain and type_ in _PLAIN_TYPES
        else f"{_text(form, name, type_)} as {quote_identifier(name)}"
        for name, type_ in form.columns
    ]
    columns = [*texts, "_obslake_file", f"{row_number} as _obslake_row"]
    if with_records:
        columns.append(f"{_record(form)} as _obslake_record")
    return f"select {', '.join(columns)} from {rows}"


def _record(form: _Form) -> str:
    """Return the SQL of a whole row: as it was written, or its columns as text."""
    if form.format == "json":
        return "cast(json as varchar)"
    texts = [f"{quote_literal(name)}: {_text(form, name, type_)}" for name, type_ in form.columns]
    return f"cast(to_json({{{', '.join(texts)}}}) as varchar)"


def _salvaged_rows(paths: str, form: _Form) -> str:
    rows = f"read_parquet({paths}, filename = '_obslake_file')"
    return rows if form.format == "csv" else f"(select * replace (json::json as json) from {rows})"


def _csv_rows(paths: str, form: _Form) -> str:
    types = ", ".join(f"{quote_literal(name)}: 'VARCHAR'" for name, _ in form.columns)
    # An empty field is missing, a quoted empty field is the empty text.
    return (
        f"read_csv({paths}, filename = '_obslake_file', header = true, auto_detect = false, "
        f"columns = {{{types}}}, delim = {quote_literal(form.delimiter)}, "
        f"quote = {_QUOTE}, escape = {_QUOTE}, allow_quoted_nulls = false, "
        f"compression = {quote_literal(form.compression)}, max_line_size = {LONGEST_CSV_LINE})"
    )


def _json_rows(paths: str, form: _Form, more: str = "") -> str:
    if form.is_salvaged:
        return _salvaged_rows(paths, form)
    return (
        f"read_json_objects({paths}, filename = '_obslake_file', "
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
    return _protocol_text(quote_identifier(name), type_)


def _protocol_text(value: str, type_: str) -> str:
    """Return the SQL of a value as text: JSON for what is no text, so that it stays a value."""
    if type_ in ("FLOAT", "DOUBLE"):
        return (
            f"case when isnan({value}) then {_tagged('float', 'nan')} "
            f"when isinf({value}) then if({value} > 0, {_tagged('float', 'inf')}, "
            f"{_tagged('float', '-inf')}) else cast({value} as varchar) end"
        )
    if type_ == "BLOB":
        return f"""'{{"$bytes":"' || to_base64({value}) || '"}}'"""
    if re.fullmatch(r"(FLOAT|DOUBLE|BLOB)(\[\])+", type_):
        item = f"item{type_.count('[')}"
        text = f"coalesce({_protocol_text(item, type_.removesuffix('[]'))}, 'null')"
        items = f"array_to_string(list_transform({value}, lambda {item}: {text}), ',')"
        return f"'[' || {items} || ']'"
    if type_.endswith("]") or type_.startswith(("STRUCT", "MAP")):
        return f"cast(to_json({value}) as varchar)"
    return f"cast({value} as varchar)"


def _tagged(tag: str, text: str) -> str:
    return quote_literal(f'{{"${tag}":"{text}"}}')
