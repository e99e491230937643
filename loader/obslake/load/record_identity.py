"""Works out which data set, problem and run a quarantined record belongs to, as far as possible.

A row names them like the other rows of its source, or leaves them to the options of the load. For a line that is
not a row, the value of a column that its source has is unknown.
"""

from collections.abc import Sequence
from pathlib import Path

from obslake.engine import quote_literal
from obslake.load.sources.base import Options, Reader
from obslake.load.sources.files import SourceFile
from obslake.load.sources.scans import pointer
from obslake.path_pattern import PLACEHOLDERS, PathPattern

IDENTITY = ("data_set_id", "problem_id", "run_id")


def identity_of_file(reader: Reader, file: SourceFile, options: Options) -> list[str | None]:
    """Return the data set, problem and run of those rows of a file that do not name them."""
    run = options.run if reader.takes_run else None
    settings = reader.settings()
    values = {"data_set": options.data_set, "problem": settings.get("problem"), "run": run}
    if pattern := settings.get("path_pattern"):
        found = PathPattern.parse(pattern, PLACEHOLDERS).match(Path(file.name)) or {}
        values.update({name: value for name, value in found.items() if name in values})
    return [*values.values()]


def identity_query(reader: Reader, columns: Sequence[str], options: Options) -> str:
    """Return SQL expressions for data set, problem and run of the rows of ``set_aside``.

    Args:
        reader: the reader of the source.
        columns: names of the columns as the source spells them; empty: not known.
        options: the options of the load.
    """
    source = "coalesce(nullif(context, ''), record)" if reader.identity_in_context else "record"
    keys = reader.identity_keys

    def value(name: str) -> str:
        spellings = {c: None for c in (*columns, name) if c.lower() == name}
        found = (
            f"json_extract_string(try_cast({source} as json), {quote_literal(pointer(c))})"
            for c in spellings
        )
        return f"coalesce({', '.join((*found, 'null'))})"

    def identity(column: str) -> str:
        of_file = f"set_aside_files.{column}"
        if keys is None:
            return of_file
        name = options.renames.get(column, column).lower()
        is_in_source = not columns or name in map(str.lower, columns)
        of_row = " || '/' || ".join(map(value, keys.get(column, (name,))))
        of_line = "null" if is_in_source else of_file
        return f"if(record_form = 'row', coalesce({of_row}, {of_file}), {of_line})"

    return ", ".join(f"{identity(column)} as {column}" for column in IDENTITY)
