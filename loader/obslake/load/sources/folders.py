"""Columns from the folders in a file's path, and options that apply to single files."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from obslake.errors import SourceFormatError
from obslake.load.sources.base import Options
from obslake.load.sources.files import SourceFile

# Hive's name for a partition without a value.
_NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"


def with_options(files: Iterable[SourceFile], options: Options) -> list[SourceFile]:
    """Return files with the options for reading them.

    Raises:
        SourceFormatError: two folders in a path name the same column.
    """
    return [
        replace(
            file,
            delimiter=options.delimiter,
            partitions=_partitions_of(file.name) if options.partitions else (),
        )
        for file in files
    ]


def columns_in_path(file: SourceFile, options: Options) -> dict[str, object]:
    """Return the columns in a file's path as part of its identity, if folders are columns."""
    return {"folders": _partitions_of(file.name)} if options.partitions else {}


def _partitions_of(name: str) -> tuple[tuple[str, str | None], ...]:
    """Return the columns in a path such as ``run_id=007/x.csv``.

    Raises:
        SourceFormatError: two folders name the same column.
    """
    found: dict[str, str | None] = {}
    for part in Path(name).parts[:-1]:
        key, is_partition, text = part.partition("=")
        if not is_partition or not key:
            continue
        key = unquote(key)
        if key.lower() in map(str.lower, found):
            raise SourceFormatError(f"{name}: two folders name the column {key}")
        found[key] = None if text == _NO_PARTITION else unquote(text)
    return tuple(found.items())
