"""Convert values of typed columns to text of the response protocol: JSON, with tags for values outside JSON.

The texts equal those of ``pytest_obslake.values`` for the same Python values, so that a value has one text in
every format. Values with a form in JSON have no tag: decimals are numbers with all their digits; dates, times and
timestamps are ISO 8601 strings.
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


# Objects whose only key is one of these are tagged values of the protocol; objects with other keys that begin with
# `$` are dictionaries.
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
    """Return the SQL of a value of an SQL type as text; text stays unchanged.

    Types that contain strings need the macros of ``sql/protocol.sql``.
    """
    if is_text(type_):
        return value if type_ == "VARCHAR" else f"cast({value} as varchar)"
    return _text(value, duckdb.sqltype(type_), 0)


def plain_text(value: str, type_: str) -> str:
    """Return the SQL of a name or a timestamp as text, without quotes; floats and structures as in the protocol.

    Bytes are decoded as UTF-8, because some tools write strings to Parquet without marking them as strings.
    """
    if type_ == "BLOB":
        return f"decode({value})"
    if is_text(type_) or duckdb.sqltype(type_).id not in (*_FLOATS, *_STRUCTURES):
        return f"cast({value} as varchar)"
    return protocol_text(value, type_)


def is_text(type_: str) -> bool:
    """Return whether the values of a type are text."""
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
    # The second child of an array type is a number, its length.
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
    # As for JSON objects: a name that looks like a tag makes the struct a dictionary.
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
    """Return the SQL of a map: an object if its keys are strings and none looks like a tag."""
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
    """Return the SQL of a float32 with the fewest digits that identify it, spelled like a float64."""
    cases = " ".join(
        f"when cast(printf('%.{n}g', cast({value} as double)) as float) = {value} "
        f"then cast(cast(printf('%.{n}g', cast({value} as double)) as double) as varchar)"
        for n in (6, 7, 8)
    )
    return f"case {cases} else cast(cast(printf('%.9g', cast({value} as double)) as double) as varchar) end"


def _tagged(tag: str, text: str) -> str:
    return quote_literal(f'{{"${tag}":"{text}"}}')
