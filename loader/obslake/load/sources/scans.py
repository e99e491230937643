"""The SQL that reads files of one format as text."""

from collections.abc import Sequence
from dataclasses import dataclass

from obslake.engine import quote_identifier, quote_literal
from obslake.load.sources.compression import Compression
from obslake.load.sources.files import Format, OutputReading
from obslake.load.sources.typed_text import is_text, plain_text, protocol_text

# Bounds the memory for reading: DuckDB's CSV reader reserves a multiple of the longest line.
LONGEST_CSV_LINE = 8 << 20
LONGEST_JSON_LINE = 64 << 20

# Types that are not converted to text and parsed again: parsing would cost more than the rest of reading.
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

# In salvaged and tabulated files: the number of a row in its source.
ROW_COLUMN = "_obslake_row"

# In tabulated files: why a row as a whole cannot be understood.
FAULT_COLUMN = "_obslake_fault"

# In tabulated files: such a row as it was written.
RAW_COLUMN = "_obslake_raw"

# In tabulated files: the kind of JSON value that the output of a row was.
OUTPUT_FORM_COLUMN = "_obslake_output_form"


@dataclass(frozen=True)
class Form:
    """The properties that files read by one scan have in common, including names and types of columns."""

    format: Format
    compression: Compression
    columns: tuple[tuple[str, str], ...] = ()
    delimiter: str = ""
    quote: str = '"'
    is_salvaged: bool = False
    is_tabulated: bool = False
    skipped_lines: int = 0
    output: OutputReading | None = None


def scan(paths: str, form: Form, typed: Sequence[str], *, with_records: bool) -> str:
    """Return the query that reads files with one ``Form`` as text."""
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
        rows = csv_rows(paths, form)
        # The header is row 1, as in editors and spreadsheets.
        row_number = f"row_number() over () + {1 + form.skipped_lines}"
    else:
        rows = json_rows(paths, form)
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


def _record(form: Form) -> str:
    """Return the SQL of a record: the row as written, or its columns as text."""
    if form.format == "json":
        return "cast(json as varchar)"
    texts = [f"{quote_literal(name)}: {_text(form, name, type_)}" for name, type_ in form.columns]
    record = f"cast(to_json({{{', '.join(texts)}}}) as varchar)"
    return f"coalesce({RAW_COLUMN}, {record})" if form.is_tabulated else record


def _salvaged_rows(paths: str, form: Form) -> str:
    rows = f"read_parquet({paths}, filename = '_obslake_file', hive_partitioning = false)"
    return rows if form.format != "json" else f"(select * replace (json::json as json) from {rows})"


def csv_rows(paths: str, form: Form) -> str:
    """Return the SQL of the rows of CSV files."""
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


def json_rows(paths: str, form: Form, more: str = "") -> str:
    """Return the SQL of the objects of JSON files, as ``json``."""
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


def _text(form: Form, name: str, type_: str) -> str:
    """Return the SQL of a column as text."""
    if form.format == "json":
        return f"json_extract_string(json, {quote_literal(pointer(name))})"
    value = quote_identifier(name)
    if form.output and form.output.column == name:
        return _output_text(form, form.output, value, type_)
    if form.output and form.output.are_verdicts and form.output.kind_column == name:
        # The kind follows from the verdict.
        return f"nullif({plain_text(value, type_)}, 'value')"
    return plain_text(value, type_)


def _output_text(form: Form, output: OutputReading, value: str, type_: str) -> str:
    """Return the SQL of a response as the text of the protocol."""
    string = f"string_response({value})"
    if output.kind_column:
        # A string whose kind is not a value is kept unchanged.
        kind = quote_identifier(output.kind_column)
        string = f"if(coalesce({kind}, 'value') = 'value', {string}, {value})"
    if not form.is_tabulated:
        is_string = is_text(type_)
        if output.are_values:
            text = string if is_string else protocol_text(value, type_)
            # A null in CSV is a missing field; a null in Parquet is a returned null.
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
