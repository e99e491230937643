"""Records that cannot be understood, on their way into the quarantine; how many of them are tolerated.

They wait in the temporary table ``set_aside`` of the connection. What a source has in all is
counted in ``checked_files``.
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

# A file that is set aside as a whole becomes one value of a column.
LARGEST_FILE = 64 << 20


@dataclass(frozen=True)
class Tolerance:
    """How many records of a load may be set aside: a number, or a share of all.

    Attributes:
        text: what the user wrote.
        count: the number; of a share the greatest there is.
        share: the share, from 0 to 1; None: a number is meant.
    """

    text: str = "0"
    count: int = 0
    share: float | None = None

    @classmethod
    def parse(cls, text: str) -> "Tolerance":
        """Understand a number (``12``) or a percentage (``0.5%``).

        Raises:
            ValueError: it is neither.
        """
        if re.fullmatch(r"[0-9]{1,18}", text):
            return cls(text, int(text))
        if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,9})?%", text) and float(text[:-1]) <= 100:
            return cls(text, 0, float(text[:-1]) / 100)
        raise ValueError(text)

    def most(self, records: int | None) -> float:
        """Return how many of some records may be set aside; of an unknown number: at most."""
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
    """Create the empty tables; replace those of an earlier attempt."""
    run_sql_file(connection, SQL / "set_aside.sql")


def add_file(connection: duckdb.DuckDBPyConnection, file: SourceFile, reason: str) -> bool:
    """Set a file aside as a whole; return whether it is small enough for that."""
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
    """Count files that stand for one record each."""
    connection.execute("insert into checked_files values (null, ?, [])", [number])


def as_text(content: bytes) -> tuple[str, str]:
    """Return bytes as text that a table can keep, and which form of ``record_form`` it has."""
    try:
        return content.decode(), "text"
    except UnicodeDecodeError:
        return b64encode(content).decode("ascii"), "base64"


def count(connection: duckdb.DuckDBPyConnection) -> int:
    """Return how many records are set aside."""
    ((found,),) = connection.execute("select count(*) from set_aside").fetchall()
    return int(found)


def refuse_too_many(connection: duckdb.DuckDBPyConnection, tolerance: Tolerance) -> None:
    """Refuse a load of which more is set aside than is tolerated.

    Raises:
        SourceRowError: it names the first, by file and row.
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
    """Raise the error for records that cannot be understood, of which some are shown."""
    many = f"{found:,}" if records is None or tolerance.is_strict else f"{found:,} of {records:,}"
    what = f"{many} row{'' if many == '1' else 's'} cannot be understood"
    if not tolerance.is_strict:
        what += f", more than --max-faulty {tolerance.text} allows"
    more = [f"  … and {found - len(shown):,} more"] if found > len(shown) else []
    advice = f"  set them aside, and load the others, with --max-faulty {found}"
    raise SourceRowError("\n".join([f"{what}; nothing was loaded", *shown, *more, advice]))


def describe(file: str, position: int | None, column: str | None, reason: str) -> str:
    """Return one record that was set aside as a line of a message."""
    where = file if position is None else f"{file}, row {position}"
    return f"  {where}, column {column}: {reason}" if column else f"  {where}: {reason}"
