"""Chooses the data files to rewrite, so that a query of one problem reads few files.

Each commit adds sorted files, which overlap only files of other commits. Overlapping files of several
commits and small neighbouring files are worth rewriting.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile, ManifestEntry
from pyiceberg.schema import Schema
from pyiceberg.types import NestedField, PrimitiveType

# A place in the sort order: for each column below all values, a value, or above all values.
_Key = tuple[tuple[Any, ...], ...]
_BELOW: tuple[Any, ...] = (0,)
_ABOVE: tuple[Any, ...] = (2,)


@dataclass(frozen=True)
class _Group:
    """Files that are neighbours in the sort order.

    The bounds are those of each column by itself. So they hold however the rows are divided into files,
    and rewritten files do not seem to overlap the next time.
    """

    files: tuple[DataFile, ...]
    commits: frozenset[int | None]
    lower: _Key
    upper: _Key
    is_small: bool
    is_rewritten: bool = False

    @property
    def can_grow(self) -> bool:
        """Whether a neighbour can join without a rewrite of files that are good already."""
        return self.is_small or self.is_rewritten


def files_to_rewrite(
    entries: Iterable[ManifestEntry], schema: Schema, sort_columns: Sequence[str], target_size: int
) -> list[tuple[DataFile, ...]]:
    """Return groups of files; each group is to be sorted and written to new files by itself.

    Args:
        entries: the live data files of a snapshot.
        schema: columns of the table.
        sort_columns: the order of the rows, nulls last.
        target_size: size in bytes; smaller files are too small.
    """
    single = [_single(entry, schema, sort_columns, target_size) for entry in entries]
    groups: list[_Group] = []
    for group in sorted(single, key=lambda g: (g.lower, g.upper)):
        while groups:
            before = groups[-1]
            overlap = before.upper >= group.lower
            if not overlap and not (before.can_grow and group.can_grow):
                break
            group = _join(groups.pop(), group, overlap=overlap)
        groups.append(group)
    return [group.files for group in groups if group.is_rewritten]


def _single(
    entry: ManifestEntry, schema: Schema, sort_columns: Sequence[str], target_size: int
) -> _Group:
    file = entry.data_file
    lower, upper = [], []
    for column in sort_columns:
        field = schema.find_field(column)
        least = _value(field, file.lower_bounds)
        greatest = _value(field, file.upper_bounds)
        nulls = (file.null_value_counts or {}).get(field.field_id, 0)
        lower.append(least or _BELOW)
        upper.append(_ABOVE if nulls or greatest is None else greatest)
    return _Group(
        files=(file,),
        commits=frozenset({entry.snapshot_id}),
        lower=tuple(lower),
        upper=tuple(upper),
        is_small=file.file_size_in_bytes < target_size,
    )


def _value(field: NestedField, bounds: Mapping[int, bytes] | None) -> tuple[Any, ...] | None:
    encoded = (bounds or {}).get(field.field_id)
    if encoded is None or not isinstance(field.field_type, PrimitiveType):
        return None
    return (1, from_bytes(field.field_type, encoded))


def _join(one: _Group, other: _Group, *, overlap: bool) -> _Group:
    commits = one.commits | other.commits
    # One commit writes small files if its rows belong to more partitions than files may be open.
    are_small = one.is_small and other.is_small
    return _Group(
        files=(*one.files, *other.files),
        commits=commits,
        lower=tuple(map(min, one.lower, other.lower)),
        upper=tuple(map(max, one.upper, other.upper)),
        is_small=False,
        is_rewritten=not overlap
        or are_small
        or len(commits) > 1
        or one.is_rewritten
        or other.is_rewritten,
    )
