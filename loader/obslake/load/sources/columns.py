"""Matches the columns of a source with those of an Iceberg table by name."""

from collections.abc import Mapping, Sequence

from pyiceberg.types import MapType, StringType

from obslake.errors import SourceFormatError
from obslake.lakehouse.schemas import TableDefinition, sql_type
from obslake.load.sources.checks import Cast
from obslake.load.sources.files import SourceFile

# Beginnings of the names of DuckDB types that can be read as each type of column without loss.
_WHOLE = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)
_FITTING: Mapping[str, tuple[str, ...]] = {
    "integer": (*_WHOLE, "VARCHAR"),
    "bigint": (*_WHOLE, "HUGEINT", "VARCHAR"),
    "double": (*_WHOLE, "FLOAT", "DOUBLE", "DECIMAL", "VARCHAR"),
    "timestamptz": ("TIMESTAMP", "DATE", "VARCHAR", "INTEGER"),
}

_COUNTED = ("step_id", "attempt")


def match_columns(
    definition: TableDefinition,
    files: Sequence[SourceFile],
    columns: Sequence[str],
    renames: Mapping[str, str],
) -> tuple[dict[str, str], list[str]]:
    """Match columns of a table with those of the source.

    Returns:
        A map from columns of the table to columns of the source, and the remaining columns of the source.
    """
    by_lower = {c.lower(): c for c in columns}
    targets = [c for c in definition.column_names if c != "load_id"]
    known: dict[str, str] = {}
    for target, source in renames.items():
        if target not in targets:
            raise SourceFormatError(
                f"--map {target}={source}: {definition.name} has no column {target}\n"
                f"  its columns: {', '.join(targets)}"
            )
        if source.lower() not in by_lower:
            raise SourceFormatError(
                f"--map {target}={source}: {files[0].name} has no column {source}\n"
                f"  its columns: {', '.join(columns)}"
            )
        known[target] = by_lower[source.lower()]
    for target in targets:
        if target not in known and target in by_lower and by_lower[target] not in known.values():
            known[target] = by_lower[target]
    return known, [c for c in columns if c not in known.values()]


def require_columns(
    definition: TableDefinition,
    files: Sequence[SourceFile],
    known: Mapping[str, str],
    columns: Sequence[str],
    required: Sequence[str],
) -> None:
    """Refuse a source that lacks required columns."""
    missing = [c for c in required if c not in known]
    if missing:
        fields = "".join(
            f"  column {c}: {'missing' if c in missing else f'read from {known[c]}'}\n"
            for c in required
        )
        raise SourceFormatError(
            f"{files[0].name}: no column {', '.join(missing)}, which {definition.name} need\n{fields}"
            f"  its columns: {', '.join(columns)}\n"
            f"  to load a column with another name, use --map {missing[0]}=NAME"
        )


def retyped(
    definition: TableDefinition, known: Mapping[str, str], types: Mapping[str, str]
) -> list[str]:
    """Return one line for each column of a source whose type requires reading it as text."""
    lines = []
    for cast in typed_columns(definition):
        source = known.get(cast.column, "")
        found = types.get(source, "")
        if found and not found.startswith(_FITTING[cast.type]):
            lines.append(
                f"column {source} is {found}, but {cast.column} of {definition.name} is {cast.type}: "
                "read from its text"
            )
    return lines


def typed_columns(definition: TableDefinition) -> list[Cast]:
    """Return the columns of a table that are not text, with their SQL types."""
    return [
        Cast(field.name, sql_type(field.field_type), is_counted=field.name in _COUNTED)
        for field in definition.schema.fields
        if not isinstance(field.field_type, StringType | MapType)
    ]
