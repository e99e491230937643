"""What the folders in the path of a file say of its rows, and how the options have a file read."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from obslake.errors import SourceFormatError
from obslake.load.sources.base import Options
from obslake.load.sources.files import SourceFile

# What Hive calls a partition that has no value.
_NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"


def with_options(files: Iterable[SourceFile], options: Options) -> list[SourceFile]:
    """Return files with what the options say about how they are read.

    Raises:
        SourceFormatError: two folders in the path of a file say the same.
    """
    return [
        replace(
            file,
            delimiter=options.delimiter,
            partitions=_partitions_of(file.name) if options.partitions else (),
        )
        for file in files
    ]


def said_by_folders(file: SourceFile, options: Options) -> dict[str, object]:
    """Return what the folders of a file say, where they are columns, as a part of its identity."""
    return {"folders": _partitions_of(file.name)} if options.partitions else {}


def _partitions_of(name: str) -> tuple[tuple[str, str | None], ...]:
    """Return what the folders in a path say of their files: ``run_id=007/x.csv``.

    Raises:
        SourceFormatError: two folders say it of one column.
    """
    found: dict[str, str | None] = {}
    for part in Path(name).parts[:-1]:
        key, is_partition, text = part.partition("=")
        if not is_partition or not key:
            continue
        key = unquote(key)
        if key.lower() in map(str.lower, found):
            raise SourceFormatError(f"{name}: two folders say what {key} is")
        found[key] = None if text == _NO_PARTITION else unquote(text)
    return tuple(found.items())
