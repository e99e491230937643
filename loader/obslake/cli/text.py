"""How the command line prints: as text for people, as JSON for programs."""

import codecs
import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import click

from obslake.values import plain

Cells: TypeAlias = Sequence[str | int]
Report = TypeVar("Report")


def accept_any_encoding() -> None:
    """Write characters that the encoding of an output lacks as escapes, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not has_all_characters(stream):
            stream.reconfigure(errors="backslashreplace")


def has_all_characters(stream: object) -> bool:
    """Return whether the encoding of a stream has every character."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return codecs.lookup(encoding).name.startswith("utf")


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print a text unchanged."""
    # Without ``file``, click would write UTF-8 to another stream on an ASCII terminal.
    click.echo(text, file=sys.stderr if err else sys.stdout, nl=nl)


def to_json(value: object, indent: int | None = None) -> str:
    """Return JSON in characters that the encoding of standard output has."""
    return json.dumps(value, ensure_ascii=not has_all_characters(sys.stdout), indent=indent)


def say(text: str, *, err: bool = False) -> None:
    """Print lines for people; control characters in sources and names are escaped."""
    echo("\n".join(map(one_line, text.split("\n"))), err=err)


def warn(message: str) -> None:
    """Print a warning on standard error."""
    say(f"obslake: warning: {message}", err=True)


def echo_json(value: object) -> None:
    """Print a value as JSON."""
    echo(to_json(plain(value), indent=2))


def say_table(rows: Iterable[Cells], *widths: int, indent: str = "") -> None:
    """Print rows as they arrive, with the first cell aligned left and the others right.

    Numbers get thousands separators. Cells beyond the given widths are not aligned.
    """
    for row in rows:
        first, *others = (f"{cell:,}" if isinstance(cell, int) else cell for cell in row)
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=False)]
        say(indent + " ".join([*cells, *others[len(cells) - 1 :]]))


def say_each(done: Iterable[Report], row: Callable[[Report], Cells], as_json: bool) -> list[Report]:
    """Print a row about each report as soon as it arrives, unless JSON follows; return all reports."""
    found = []
    for one in done:
        found.append(one)
        if not as_json:
            say_table([row(one)], 16, 16)
    return found


def say_rows(rows: Mapping[str, int], indent: str) -> None:
    """Print how many rows each table got."""
    counted = ((table, n, "row" if n == 1 else "rows") for table, n in rows.items())
    say_table(counted, 16, 12, indent=indent)


def one_line(text: str) -> str:
    """Return a text with escapes for line breaks and other characters that are not printable."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def quantity(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 row``, ``2 rows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
