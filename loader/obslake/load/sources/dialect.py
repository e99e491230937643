"""How the fields of a CSV file are separated and quoted, and what its columns are called."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from obslake.errors import SourceFormatError
from obslake.lakehouse.schemas import ALL_TABLES
from obslake.load.sources.files import SourceFile

_DELIMITERS = ",;\t|"
_QUOTES = "\"'"

# Rows that are looked at besides the header.
_SEEN_ROWS = 100

# Excel's first line, which says how the others are separated.
_SEP_LINE = re.compile(r"\"?sep=(.)\"?\r?\n", re.IGNORECASE)

# Names that tell a header from any other line.
_KNOWN_NAMES = frozenset(
    [name for table in ALL_TABLES for name in table.column_names]
    + ["executionid", "abstractionid", "actionid", "arenaid", "sheetid", "systemid", "variantid"]
    + ["adapterid", "implementation_hash", "test_hash", "researcher_name", "record"]
)


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written.

    Attributes:
        delimiter: what separates fields.
        quote: what fields are quoted with.
        columns: names of the columns, none of them empty.
        skipped_lines: how many lines stand before the header.
    """

    delimiter: str
    quote: str
    columns: tuple[str, ...]
    skipped_lines: int = 0


def sniff(file: SourceFile, head: bytes) -> Dialect:
    """Find out how a CSV file is written.

    The names of the columns decide: a header with names that are known is one. Where no name is known, rows as
    wide as the header do.

    Args:
        file: says which delimiter it has, if the user did.
        head: how its plain content begins.

    Raises:
        SourceFormatError: the header cannot be used.
    """
    text = head.decode("utf-8", "replace")
    delimiters = file.delimiter or _DELIMITERS
    skipped = 0
    if found := _SEP_LINE.match(text):
        text = text[found.end() :]
        delimiters = file.delimiter or found[1]
        skipped = 1
    candidates = [_Candidate(text, d, q) for q in _QUOTES for d in delimiters]
    # The first of equally good ones wins.
    best = max(candidates, key=lambda c: c.score)
    header = best.header(file)
    if not header:
        raise SourceFormatError(f"{file.name}: holds no rows, nor names of columns")
    if any("\n" in name or "\r" in name for name in header):
        # DuckDB takes the rows below it for a part of the header.
        raise SourceFormatError(f"{file.name}: a line break in the name of a column")
    names = [name or f"column{number}" for number, name in enumerate(header, start=1)]
    if len({name.lower() for name in names}) < len(names):
        raise SourceFormatError(f"{file.name}: two columns of one name: {', '.join(names)}")
    return Dialect(best.delimiter, best.quote, tuple(names), skipped)


class _Candidate:
    """What a file says if it is written in one way."""

    def __init__(self, text: str, delimiter: str, quote: str) -> None:
        self.delimiter = delimiter
        self.quote = quote
        self._text = text
        rows = list(islice(self._rows(), _SEEN_ROWS + 1))
        header = rows[0] if rows else []
        n_known = sum(name.strip().lower() in _KNOWN_NAMES for name in header)
        # The last row may be cut off.
        others = rows[1:-1] if len(rows) > 2 else rows[1:]
        n_alike = sum(len(row) == len(header) for row in others)
        alike = n_alike / len(others) if others and len(header) > 1 else 0.0
        width = len(header) if quote == _QUOTES[0] else 0
        self.score = (n_known, alike if quote == _QUOTES[0] else 0.0, width)

    def header(self, file: SourceFile) -> list[str]:
        try:
            return next(self._reader(), [])
        except csv.Error as error:
            raise SourceFormatError(f"{file.name}: not readable as csv: header: {error}") from error

    def _rows(self) -> Iterator[list[str]]:
        try:
            yield from (row for row in self._reader() if row)
        except csv.Error:
            return

    def _reader(self) -> Iterator[list[str]]:
        lines = io.StringIO(self._text, newline="")
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote)
