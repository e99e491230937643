"""Values of typed columns as the text of the response protocol: JSON, with tags for what JSON has no form for.

The texts are those that ``pytest_obslake.values`` gives the same values of Python, so that a value has one text
whatever format it came in. What has a form in JSON gets it: decimals are numbers with all their digits; days,
times and moments are strings of ISO 8601.
"""

from typing import cast

import duckdb
from duckdb.sqltypes import DuckDBPyType

from obslake.engine import quote_literal

_FLOATS = ("float", "double")
_NUMBERS = (
    "tinyint",
    "smallint",
    "integer",
    "bigint",
    "hugeint",
    "utinyint",
    "usmallint",
    "uinteger",
    "ubigint",
    "uhugeint",
    "decimal",
    "boolean",
)
_STRUCTURES = ("blob", "list", "array", "map", "struct")
_MOMENTS = ("timestamp", "timestamp_s", "timestamp_ms", "timestamp_us", "timestamp with time zone")


# Objects of one of these keys are the tagged forms of the protocol; of any other that begins with `$`,
# dictionaries.
TAGS = frozenset(
    (
        "$bytearray",
        "$bytes",
        "$complex",
        "$date",
        "$datetime",
        "$decimal",
        "$dict",
        "$ellipsis",
        "$float",
        "$fraction",
        "$frozenset",
        "$iterator",
        "$iterator_prefix",
        "$keyword",
        "$range",
        "$set",
        "$str",
        "$time",
        "$timedelta",
        "$tuple",
        "$uuid",
    )
)


def protocol_text(value: str, type_: str) -> str:
    """Return the SQL of a value, of a type of SQL, as text; what is text stays what it is.

    The macros of ``sql/protocol.sql`` must be there for types with strings in them.
    """
    if is_text(type_):
        return value if type_ == "VARCHAR" else f"cast({value} as varchar)"
    return _text(value, duckdb.sqltype(type_), 0)


def plain_text(value: str, type_: str) -> str:
    """Return the SQL of a name or a moment as text, without quotes; structures are JSON all the same.

    Bytes are text in UTF-8: some tools write strings to Parquet without saying that they are.
    """
    if type_ == "BLOB":
        return f"decode({value})"
    if is_text(type_) or duckdb.sqltype(type_).id not in (*_FLOATS, *_STRUCTURES):
        return f"cast({value} as varchar)"
    return protocol_text(value, type_)


def is_text(type_: str) -> bool:
    """Tell whether the values of a type are text already."""
    return type_ in ("VARCHAR", "JSON", "") or type_.startswith("ENUM(")


def _text(value: str, type_: DuckDBPyType, depth: int) -> str:
    kind = type_.id
    if kind in _FLOATS:
        digits = f"cast({value} as varchar)" if kind == "double" else _shortest_float(value)
        return (
            f"case when isnan({value}) then {_tagged('float', 'nan')} "
            f"when isinf({value}) then if({value} > 0, {_tagged('float', 'inf')}, "
            f"{_tagged('float', '-inf')}) else {digits} end"
        )
    if kind in _NUMBERS:
        return f"cast({value} as varchar)"
    if kind == "blob":
        return f"""'{{"$bytes":"' || to_base64({value}) || '"}}'"""
    if kind in ("list", "array"):
        return f"'[' || {_joined(value, _parts(type_)[0][1], depth)} || ']'"
    if kind == "map":
        return _map(value, type_, depth)
    if kind == "struct":
        return _struct(value, type_, depth)
    if kind in _MOMENTS:
        zone = "+00:00" if kind.endswith("zone") else ""
        return f"""'"' || iso_moment(cast({value} as timestamp)) || '{zone}"'"""
    if kind == "timestamp_ns":
        is_exact = f"cast(cast({value} as timestamp) as timestamp_ns) = {value}"
        nanoseconds = f"replace(cast({value} as varchar), ' ', 'T')"
        return f"""'"' || if({is_exact}, iso_moment(cast({value} as timestamp)), {nanoseconds}) || '"'"""
    return f"json_string(cast({value} as varchar))"


def _parts(type_: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    """Return the types inside a type, with their names."""
    # Behind the type of its items an array has their number.
    return [(name, cast(DuckDBPyType, part)) for name, part in type_.children]


def _nested(value: str, type_: DuckDBPyType, depth: int) -> str:
    return f"coalesce({_text(value, type_, depth)}, 'null')"


def _joined(values: str, type_: DuckDBPyType, depth: int) -> str:
    """Return the SQL of the items of a list, separated by commas."""
    item = f"item{depth}"
    text = _nested(item, type_, depth + 1)
    return f"array_to_string(list_transform({values}, lambda {item}: {text}), ',')"


def _struct(value: str, type_: DuckDBPyType, depth: int) -> str:
    parts = _parts(type_)
    names = [name for name, _ in parts]
    # As objects of JSON: what could be taken for a tag is a member of a dictionary.
    is_dictionary = any(name.startswith("$") for name in names) and not (
        len(names) == 1 and names[0] in TAGS
    )
    fields = []
    for name, field in parts:
        text = _nested(f"({value})[{quote_literal(name)}]", field, depth + 1)
        key = f"json_string({quote_literal(name)})"
        fields.append(
            f"'[' || {key} || ',' || {text} || ']'" if is_dictionary else f"{key} || ':' || {text}"
        )
    members = " || ',' || ".join(fields)
    start, end = ("""'{"$dict":['""", "']}'") if is_dictionary else ("'{'", "'}'")
    return f"if({value} is null, null, {start} || {members} || {end})"


def _map(value: str, type_: DuckDBPyType, depth: int) -> str:
    """Return the SQL of a map: an object where its keys are strings that look like no tag."""
    (_, keys), (_, values) = _parts(type_)
    entry = f"entry{depth}"
    key = _nested(f"{entry}.key", keys, depth + 1)
    text = _nested(f"{entry}.value", values, depth + 1)
    entries = f"map_entries({value})"
    pairs = (
        f"""'{{"$dict":[' || array_to_string(list_transform({entries}, """
        f"""lambda {entry}: '[' || {key} || ',' || {text} || ']'), ',') || ']}}'"""
    )
    if keys.id != "varchar":
        return pairs
    members = (
        f"'{{' || array_to_string(list_transform({entries}, "
        f"lambda {entry}: {key} || ':' || {text}), ',') || '}}'"
    )
    has_tags = f"len(list_filter(map_keys({value}), lambda {entry}: starts_with({entry}, '$'))) > 0"
    return f"if({has_tags}, {pairs}, {members})"


def _shortest_float(value: str) -> str:
    """Return the SQL of a float32 by the fewest digits that say it, spelled as a float64 is."""
    cases = " ".join(
        f"when cast(printf('%.{n}g', cast({value} as double)) as float) = {value} "
        f"then cast(cast(printf('%.{n}g', cast({value} as double)) as double) as varchar)"
        for n in (6, 7, 8)
    )
    return f"case {cases} else cast(cast(printf('%.9g', cast({value} as double)) as double) as varchar) end"


def _tagged(tag: str, text: str) -> str:
    return quote_literal(f'{{"${tag}":"{text}"}}')
