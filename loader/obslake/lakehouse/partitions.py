"""Splits rows by the current partition spec of a table."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.partitioning import PartitionField, PartitionFieldValue, PartitionKey
from pyiceberg.table import Table
from pyiceberg.transforms import (
    BucketTransform,
    IdentityTransform,
    TruncateTransform,
)
from pyiceberg.typedef import Record
from pyiceberg.types import IntegerType, LongType, NestedField, StringType

from obslake.errors import PartitionError

# One value for each field of the spec; the key of an unpartitioned table is empty.
Key = tuple[Hashable, ...]

_TYPES = (StringType, IntegerType, LongType)
_TRANSFORMS = (IdentityTransform, BucketTransform, TruncateTransform)

# Longest name of a folder that file systems accept; values of columns may be longer.
_LONGEST_NAME = 255


@dataclass(frozen=True)
class _Part:
    """A field of the spec: its source column and its transform."""

    column: str
    transform: Callable[[Any], Hashable]


class Partitions:
    """The partitions of a table under its current spec."""

    def __init__(self, table: Table) -> None:
        """Prepare the transforms of the spec.

        Raises:
            PartitionError: the spec has a field that obslake does not support.
        """
        self._schema, self._spec = table.schema(), table.spec()
        self._location = table.location_provider()
        name = table.name()[-1]
        columns = {field.field_id: field for field in self._schema.fields}
        self._parts = [
            _part(name, field, columns.get(field.source_id)) for field in self._spec.fields
        ]

    @property
    def is_unpartitioned(self) -> bool:
        """Whether the table is not partitioned."""
        return not self._parts

    def split(self, rows: pa.Table) -> list[tuple[Key, pa.Table]]:
        """Return the rows of each partition separately, in their order.

        If there are several partitions, their rows are copies, so that none keeps the others in memory.
        """
        keys: list[Key] = [()]
        numbers = pa.repeat(pa.scalar(0), rows.num_rows)
        for part in self._parts:
            # Only distinct values are transformed; sorted rows have few.
            column = rows.column(part.column).combine_chunks().dictionary_encode("encode")
            known: dict[Hashable, int] = {}
            of_distinct = [
                known.setdefault(part.transform(value), len(known))
                for value in column.dictionary.to_pylist()
            ]
            of_rows = pa.array(of_distinct, pa.int64()).take(column.indices)
            joint = pc.add(pc.multiply(numbers, len(known)), of_rows).dictionary_encode()
            values = list(known)
            keys = [
                (*keys[number // len(values)], values[number % len(values)])
                for number in joint.dictionary.to_pylist()
            ]
            numbers = joint.indices.cast(pa.int64())
        if len(keys) == 1:
            return [(keys[0], rows)]
        # A stable sort; partitions are in the order of their first rows.
        order = pc.array_sort_indices(numbers)
        found, start = [], 0
        for item in pc.value_counts(numbers).to_pylist():
            found.append((keys[item["values"]], rows.take(order.slice(start, item["counts"]))))
            start += item["counts"]
        return found

    def new_location(self, key: Key, name: str) -> str:
        """Return the address of a new file of a partition."""
        if self.is_unpartitioned:
            return self._location.new_data_location(name)
        values = [
            PartitionFieldValue(field, value)
            for field, value in zip(self._spec.fields, key, strict=True)
        ]
        place = _Place(values, self._spec, self._schema)
        if any(len(folder) > _LONGEST_NAME for folder in place.to_path().split("/")):
            # Readers use the manifests, not the names of folders.
            return self._location.new_data_location(name)
        return self._location.new_data_location(name, place)


class _Place(PartitionKey):
    """A partition for PyIceberg's location provider that also supports two fields of the same column."""

    @cached_property
    def partition(self) -> Record:
        """The values, which are transformed already."""
        return Record(*(value.value for value in self.field_values))


def check_partitions(table: Table) -> None:
    """Check that obslake can write the partitions of a table.

    Raises:
        PartitionError: the spec has a field that obslake does not support.
    """
    Partitions(table)


def _part(table: str, field: PartitionField, column: NestedField | None) -> _Part:
    if (
        column is None
        or not isinstance(column.field_type, _TYPES)
        or not isinstance(field.transform, _TRANSFORMS)
    ):
        of = f"{field.transform} of {column.name}" if column else str(field.transform)
        raise PartitionError(
            f"{table}: obslake cannot write partitions by field {field.name!r} ({of})\n"
            "  it supports identity, bucket and truncate of strings and integers: drop the field "
            "from the partition spec of the table; nothing was changed"
        )
    return _Part(column.name, field.transform.transform(column.field_type))
