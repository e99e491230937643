"""Collect records that cannot be understood for the quarantine, and refuse too many of them.

The temporary table ``set_aside`` of the connection holds these records; ``checked_files`` counts all records of
each source.
"""

import math
import re
from base64 import b64encode
from dataclasses import dataclass

import duckdb

from obslake.engine import run_sql_file
from obslake.errors import SourceRowError
from obslake.load.sources import SQL
from obslake.load.sources.files import SourceFile

_SHOWN = 5

# A file that is set aside as a whole becomes one value of a column, so its size is bounded.
LARGEST_FILE = 64 << 20


@dataclass(frozen=True)
class Tolerance:
    """How many records of a load may be set aside: a number, or a share of all records.

    Attributes:
        text: the option as the user wrote it.
        count: the number; ignored if there is a share.
        share: the share, from 0 to 1; None: the number counts.
    """

    text: str = "0"
    count: int = 0
    share: float | None = None

    @classmethod
    def parse(cls, text: str) -> "Tolerance":
        """Parse a number (``12``) or a percentage (``0.5%``).

        Raises:
            ValueError: the text is neither.
        """
        if re.fullmatch(r"[0-9]{1,18}", text):
            return cls(text, int(text))
        if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,9})?%", text) and float(text[:-1]) <= 100:
            return cls(text, 0, float(text[:-1]) / 100)
        raise ValueError(text)

    def most(self, records: int | None) -> float:
        """Return how many of ``records`` may be set aside; with None, the upper bound for any number."""
        if self.share is None:
            return self.count
        return math.inf if records is None and self.share else self.share * (records or 0)

    @property
    def is_strict(self) -> bool:
        """Whether nothing may be set aside."""
        return not self.most(None)


STRICT = Tolerance()
ANY = Tolerance.parse("100%")


def begin(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty tables, replacing those of an earlier attempt."""
    run_sql_file(connection, SQL / "set_aside.sql")


def add_file(connection: duckdb.DuckDBPyConnection, file: SourceFile, reason: str) -> bool:
    """Set aside a whole file; return False if it is too large for that."""
    if file.path.stat().st_size > LARGEST_FILE:
        return False
    text, form = as_text(file.path.read_bytes())
    reason = reason.removeprefix(f"{file.name}: ")
    connection.execute(
        "insert into set_aside values (?, null, null, ?, ?, ?, null)",
        [file.name, reason, text, form],
    )
    return True


def count_files(connection: duckdb.DuckDBPyConnection, number: int) -> None:
    """Count files that are one record each."""
    connection.execute("insert into checked_files values (null, ?, [])", [number])


def as_text(content: bytes) -> tuple[str, str]:
    """Return bytes as text that a table can hold, and its ``record_form``."""
    try:
        return content.decode(), "text"
    except UnicodeDecodeError:
        return b64encode(content).decode("ascii"), "base64"


def count(connection: duckdb.DuckDBPyConnection) -> int:
    """Return how many records are set aside."""
    ((found,),) = connection.execute("select count(*) from set_aside").fetchall()
    return int(found)


def refuse_too_many(connection: duckdb.DuckDBPyConnection, tolerance: Tolerance) -> None:
    """Refuse a load that has set aside more records than tolerated.

    Raises:
        SourceRowError: names the first records by file and row.
    """
    if tolerance.is_strict:
        return
    found = count(connection)
    ((records,),) = connection.execute("select coalesce(sum(n), 0) from checked_files").fetchall()
    if found <= tolerance.most(records):
        return
    rows = connection.execute(
        "select file, position, column_name, reason from set_aside "
        f"order by file, position limit {_SHOWN}"
    ).fetchall()
    refuse(found, [describe(*row) for row in rows], tolerance, records)


def refuse(found: int, shown: list[str], tolerance: Tolerance, records: int | None = None) -> None:
    """Raise the error for records that cannot be understood, showing the first ones."""
    many = f"{found:,}" if records is None or tolerance.is_strict else f"{found:,} of {records:,}"
    what = f"{many} row{'' if many == '1' else 's'} cannot be understood"
    if not tolerance.is_strict:
        what += f", more than --max-faulty {tolerance.text} allows"
    more = [f"  … and {found - len(shown):,} more"] if found > len(shown) else []
    advice = f"  to set them aside and load the others, add --max-faulty {found}"
    raise SourceRowError("\n".join([f"{what}; nothing was loaded", *shown, *more, advice]))


def describe(file: str, position: int | None, column: str | None, reason: str) -> str:
    """Return the line of a message about one record that was set aside."""
    where = file if position is None else f"{file}, row {position}"
    return f"  {where}, column {column}: {reason}" if column else f"  {where}: {reason}"
