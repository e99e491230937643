"""Views on source files: columns as text, and the position of each row."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb
import pyarrow.parquet as pq

from obslake.engine import (
    glob_literal,
    quote_identifier,
    quote_literal,
    reason,
    set_nested_variable,
    set_variables,
)
from obslake.errors import SourceFormatError
from obslake.load.sources.dialect import sniff
from obslake.load.sources.files import SourceFile, read_head
from obslake.load.sources.scans import (
    FAULT_COLUMN,
    OUTPUT_FORM_COLUMN,
    RAW_COLUMN,
    ROW_COLUMN,
    Form,
    csv_rows,
    json_rows,
    pointer,
    scan,
)

_OWN_COLUMNS = (ROW_COLUMN, FAULT_COLUMN, RAW_COLUMN, OUTPUT_FORM_COLUMN)


@dataclass(frozen=True)
class TextRelation:
    """A view whose columns are text.

    Attributes:
        view: name of the view.
        columns: names of the columns as in the source, without the position and time.
        types: their SQL types, empty if the format has none or the files differ.
    """

    view: str
    columns: tuple[str, ...]
    types: Mapping[str, str] = field(default_factory=dict)


def create_text_view(
    connection: duckdb.DuckDBPyConnection,
    view: str,
    files: Sequence[SourceFile],
    typed: Sequence[str] = (),
    *,
    with_records: bool = False,
) -> TextRelation:
    """Create one view of text columns on files of one or several formats.

    Besides the source's columns the view has ``_obslake_position`` (file and row, 1-based) and
    ``_obslake_time`` (when the file was last written).

    Args:
        connection: where the view is created.
        view: name of the view.
        files: files that the view reads.
        typed: columns that are later cast to integers or timestamps, and may keep such a type.
        with_records: also add ``_obslake_file`` (the name that the user gave), ``_obslake_row`` and
            ``_obslake_record`` (the row as a JSON object).

    Raises:
        SourceFormatError: a file cannot be read in the format it seems to have.
    """
    source = _describe_files(connection, view, files)
    by_form: dict[Form, list[SourceFile]] = {}
    for file in files:
        by_form.setdefault(_form(connection, file), []).append(file)
    parts = []
    columns: dict[str, str] = {}
    types: dict[str, set[str]] = {}
    for index, (form, group) in enumerate(by_form.items()):
        paths = f"{view}_paths_{index}"
        set_variables(connection, {paths: [glob_literal(f.path) for f in group]})
        rows = scan(f"getvariable({quote_literal(paths)})", form, typed, with_records=with_records)
        parts.append(_part(rows, group, source, with_records=with_records))
        has_types = form.format == "parquet" and not form.is_tabulated
        for name, type_ in [*((key, "") for key in _folders(group)), *form.columns]:
            columns.setdefault(name.lower(), name)
            types.setdefault(name.lower(), set()).add(type_ if has_types else "")
    kept = (
        f"select * replace ({source}.name as _obslake_file), "
        if with_records
        else "select * exclude (_obslake_file, _obslake_row), "
    )
    connection.execute(
        f"create or replace temp view {quote_identifier(view)} as {kept}"
        f"{source}.name || ', row ' || _obslake_row as _obslake_position "
        f"from ({' union all by name '.join(f'({part})' for part in parts)})"
    )
    one_type = {
        name: next(iter(types[key])) if len(types[key]) == 1 else ""
        for key, name in columns.items()
    }
    return TextRelation(view, tuple(columns.values()), one_type)


def _describe_files(
    connection: duckdb.DuckDBPyConnection, view: str, files: Sequence[SourceFile]
) -> str:
    """Return the SQL of the name, time and folders of a row's file."""
    # The variable is named after the view because several views are in use at the same time.
    described = {
        str(file.path): {
            "name": file.name,
            "modified_at": file.modified_at.isoformat(),
            "folders": json.dumps(dict(file.partitions)),
        }
        for file in files
    }
    struct = "struct(name varchar, modified_at timestamptz, folders varchar)"
    set_nested_variable(connection, f"{view}_files", described, f"map(varchar, {struct})")
    return f"getvariable({quote_literal(view + '_files')})[_obslake_file]"


def _folders(group: Sequence[SourceFile]) -> list[str]:
    """Return the columns given by the names of the files' folders."""
    return list(dict.fromkeys(key for file in group for key, _ in file.partitions))


def _part(rows: str, group: Sequence[SourceFile], source: str, *, with_records: bool) -> str:
    """Return the SQL of the rows of one scan, with their time and the columns from their folders."""
    # A constant is cheaper than a lookup per row.
    time = (
        f"timestamptz {quote_literal(group[0].modified_at.isoformat())}"
        if len(group) == 1
        else f"{source}.modified_at"
    )
    folder_columns = {
        key: f"json_extract_string({source}.folders, {quote_literal(pointer(key))})"
        for key in _folders(group)
    }
    everything = "*"
    if folder_columns and with_records:
        members = ", ".join(f"{quote_literal(key)}: {text}" for key, text in folder_columns.items())
        record = f"json_merge_patch(cast(_obslake_record as json), to_json({{{members}}}))"
        everything = f"* replace (cast({record} as varchar) as _obslake_record)"
    texts = "".join(f", {text} as {quote_identifier(key)}" for key, text in folder_columns.items())
    return f"select {everything}, {time} as _obslake_time{texts} from ({rows})"


@dataclass(frozen=True)
class CsvScan:
    """How a CSV file is read.

    Attributes:
        query: query with one parameter, the pattern of the file's path.
        columns: names of the columns.
        delimiter: separator of fields.
        quote: quote character.
        skipped_lines: number of lines before the header.
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
    return CsvScan(csv_rows("?", form), names, form.delimiter, form.quote, form.skipped_lines)


def json_scan(file: SourceFile) -> str:
    """Return the query of a JSON file's objects, as ``json``; its one parameter is the pattern of the path."""
    return json_rows("?", Form(file.format, file.compression, is_salvaged=file.is_salvaged))


def json_lines_scan(file: SourceFile) -> str:
    """Return the query of a JSON Lines file's objects, as ``json``, with null for broken lines.

    The query has one parameter, the pattern of the file's path.
    """
    form = Form(file.format, file.compression)
    return json_rows("?", form, ", format = 'newline_delimited', ignore_errors = true")


def unreadable(file: SourceFile, error: duckdb.Error) -> SourceFormatError:
    """Return the error for a file that DuckDB cannot read."""
    text = reason(error).removeprefix(f"{file.path}: ")
    separation = (
        f" (its fields are separated by --delimiter {file.delimiter!r})" if file.delimiter else ""
    )
    return SourceFormatError(f"{file.name}: not readable as {file.format}: {text}{separation}")


def columns_of(
    connection: duckdb.DuckDBPyConnection, file: SourceFile
) -> tuple[tuple[str, str], ...]:
    """Return the columns of a file, with their types where the format has them."""
    return _form(connection, file).columns


def _form(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> Form:
    """Inspect each file: DuckDB would guess once for many files, and skip rows that do not fit."""
    try:
        form = _FORMS[file.format](connection, file)
    except duckdb.Error as error:
        raise unreadable(file, error) from error
    names = {name.lower(): name for name, _ in form.columns}
    for key, text in file.partitions:
        if key.lower() in names:
            raise SourceFormatError(
                f"{file.name}: the folder {key}={text} and the column {names[key.lower()]} of the file "
                "have the same name\n  load it without --partitions, or rename one of them"
            )
    return replace(form, output=file.output)


def _parquet_columns(
    connection: duckdb.DuckDBPyConnection, file: SourceFile
) -> list[tuple[str, str]]:
    columns = connection.execute(
        "describe from read_parquet(?, hive_partitioning = false)", [glob_literal(file.path)]
    ).fetchall()
    return [(c[0], c[1]) for c in columns]


def _parquet_form(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> Form:
    columns = _parquet_columns(connection, file)
    _refuse_long_decimals(file)
    if file.is_tabulated:
        own = [c for c in columns if c[0] not in _OWN_COLUMNS]
        return Form(file.format, file.compression, tuple(own), is_tabulated=True)
    # If two names differ in case only, DuckDB changes the second.
    names = [name for name, _ in columns]
    if {*names} != {*(given := pq.read_schema(file.path).names)}:
        twice = [n for n in given if [g.lower() for g in given].count(n.lower()) > 1]
        if twice:
            raise SourceFormatError(
                f"{file.name}: the names of columns differ in case only: {', '.join(twice)}\n"
                "  rename all but one of them, or leave them out"
            )
    return Form(file.format, file.compression, tuple(columns))


def _refuse_long_decimals(file: SourceFile) -> None:
    """Refuse decimals that DuckDB would read as floats."""
    for column in pq.read_schema(file.path):
        if "decimal256(" in str(column.type):
            raise SourceFormatError(
                f"{file.name}: column {column.name} is {column.type}: decimals with more than 38 digits "
                "would lose digits\n  write the column as text, or leave it out"
            )


def _csv_form(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> Form:
    if file.is_salvaged:
        columns = [c for c in _parquet_columns(connection, file) if c[0] != ROW_COLUMN]
        return Form(file.format, file.compression, tuple(columns), is_salvaged=True)
    found = sniff(file, read_head(file.path, file.compression))
    return Form(
        file.format,
        file.compression,
        tuple((name, "VARCHAR") for name in found.columns),
        found.delimiter,
        found.quote,
        skipped_lines=found.skipped_lines,
    )


def _json_form(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> Form:
    form = Form(file.format, file.compression, is_salvaged=file.is_salvaged)
    keys = connection.execute(
        f"select distinct unnest(json_keys(json)) from {json_rows('?', form)} order by 1",
        [glob_literal(file.path)],
    ).fetchall()
    return replace(form, columns=tuple((key, "VARCHAR") for (key,) in keys))


_FORMS = {"parquet": _parquet_form, "csv": _csv_form, "json": _json_form}
