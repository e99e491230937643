"""Detects the delimiter, quotes and column names of a CSV file."""

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

# Number of rows to examine in addition to the header.
_SAMPLE_ROWS = 100

# Excel's first line, which names the delimiter.
_SEP_LINE = re.compile(r"\"?sep=(.)\"?\r?\n", re.IGNORECASE)

# Names that distinguish a header from other lines.
_KNOWN_NAMES = frozenset(
    [name for table in ALL_TABLES for name in table.column_names]
    + ["executionid", "abstractionid", "actionid", "arenaid", "sheetid", "systemid", "variantid"]
    + ["adapterid", "implementation_hash", "test_hash", "researcher_name", "record"]
)


@dataclass(frozen=True)
class Dialect:
    """The format of a CSV file.

    Attributes:
        delimiter: character that separates fields.
        quote: character that quotes fields.
        columns: names of the columns, none of them empty.
        skipped_lines: number of lines before the header.
    """

    delimiter: str
    quote: str
    columns: tuple[str, ...]
    skipped_lines: int = 0


def sniff(file: SourceFile, head: bytes) -> Dialect:
    """Detect the format of a CSV file.

    The format with the most known column names in the header wins. If no name is known, it is the format with
    the most rows as wide as the header.

    Args:
        file: the file; has its delimiter if the user specified one.
        head: the beginning of its decompressed content.

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
    # The first of equally good candidates wins.
    best = max(candidates, key=lambda c: c.score)
    header = best.header(file)
    if not header:
        raise SourceFormatError(f"{file.name}: has neither rows nor column names")
    if any("\n" in name or "\r" in name for name in header):
        # DuckDB would take the following rows for a part of the header.
        raise SourceFormatError(f"{file.name}: a column name contains a line break")
    names = [name or f"column{number}" for number, name in enumerate(header, start=1)]
    if len({name.lower() for name in names}) < len(names):
        raise SourceFormatError(f"{file.name}: two columns have the same name: {', '.join(names)}")
    return Dialect(best.delimiter, best.quote, tuple(names), skipped)


class _Candidate:
    """A possible format of a file, and its score."""

    def __init__(self, text: str, delimiter: str, quote: str) -> None:
        self.delimiter = delimiter
        self.quote = quote
        self._text = text
        rows = list(islice(self._rows(), _SAMPLE_ROWS + 1))
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
