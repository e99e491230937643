"""The list of known failures: tests that may fail, why, and until when."""

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from obslake.errors import GateError
from obslake.gate.findings import Allowed, Finding

COLUMNS = ("test_pattern", "reason", "until")
_OPTIONAL = ("environment_id", "problem_id")


@dataclass(frozen=True)
class Entry:
    """A row of the list.

    Attributes:
        place: file and line.
        until: last day on which the tests may fail; None: always.
        environment: the only environment; empty: all.
        problem: the only problem; empty: all.
    """

    place: str
    pattern: str
    reason: str
    until: date | None
    environment: str = ""
    problem: str = ""

    @property
    def tests(self) -> str:
        """The tests it is for, as messages say it."""
        only = [text for text in (self.environment, self.problem) if text]
        return f"{self.pattern} ({', '.join(only)})" if only else self.pattern

    def matches(self, finding: Finding) -> bool:
        """Return whether the entry is for a finding."""
        return (
            matches(self.pattern, finding.test)
            and self.environment in ("", finding.environment)
            and self.problem in ("", finding.problem)
        )


def matches(pattern: str, text: str) -> bool:
    """Return whether a text matches a pattern, in which only ``*`` has a meaning: any text."""
    parts = (re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), text, re.DOTALL) is not None


def read_allowed(path: Path) -> list[Entry]:
    """Read a list of known failures.

    Raises:
        GateError: the file cannot be read, or a row is invalid; the message says where.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(path, csv.DictReader(file, strict=True))
    except OSError as error:
        raise GateError(f"--allow {path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise GateError(f"--allow {path} is not CSV in UTF-8: {error}") from error


def _read(path: Path, rows: "csv.DictReader[str]") -> list[Entry]:
    names = rows.fieldnames or ()
    missing = [name for name in COLUMNS if name not in names]
    unknown = [name for name in names if name not in (*COLUMNS, *_OPTIONAL)]
    if missing or unknown:
        fault = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(unknown)}"
        raise GateError(
            f"the first line of {path} {fault}\n  the columns are {','.join(COLUMNS)}, "
            f"and if you like {','.join(_OPTIONAL)}"
        )
    entries = []
    for row in rows:
        place = f"{path}:{rows.line_num}"
        if None in row or None in row.values():
            raise GateError(f"{place}: the row does not have {len(names)} fields")
        fields = {name: value.strip() for name, value in row.items()}
        for name in ("test_pattern", "reason"):
            if not fields[name]:
                raise GateError(f"{place}: {name} is empty")
        entries.append(
            Entry(
                place,
                fields["test_pattern"],
                fields["reason"],
                _day(place, fields["until"]),
                fields.get("environment_id", ""),
                fields.get("problem_id", ""),
            )
        )
    return entries


def _day(place: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise GateError(
            f"{place}: until is {text!r}, not a day such as 2026-12-31; empty means always"
        ) from error


def excuse(
    findings: Iterable[Finding],
    entries: Sequence[Entry],
    today: date,
    is_known: Callable[[Entry], bool],
) -> tuple[list[Finding], list[Allowed]]:
    """Take the listed tests from what counts, and return what became of each entry.

    Args:
        findings: the findings.
        entries: the list of known failures.
        today: the day on which it is asked.
        is_known: whether an entry is for any test.
    """
    matched = [0] * len(entries)
    result = []
    for finding in findings:
        reason = finding.excuse
        if finding.counts:
            for number, entry in enumerate(entries):
                if not entry.matches(finding):
                    continue
                matched[number] += 1
                if not _is_expired(entry, today) and reason is None:
                    until = f", until {entry.until}" if entry.until else ""
                    reason = f"allowed: {entry.reason}{until}"
        result.append(replace(finding, counts=finding.counts and reason is None, excuse=reason))
    states = [
        Allowed(
            entry.place,
            entry.pattern,
            entry.tests,
            entry.reason,
            str(entry.until) if entry.until else None,
            _is_expired(entry, today),
            number,
            number > 0 or is_known(entry),
        )
        for entry, number in zip(entries, matched, strict=True)
    ]
    return result, states


def _is_expired(entry: Entry, today: date) -> bool:
    return entry.until is not None and entry.until < today


def notes_on(allowed: Iterable[Allowed]) -> list[str]:
    """Return sentences on entries that have expired, or match nothing."""
    notes = []
    for each in allowed:
        if each.is_expired and each.findings:
            notes.append(
                f"{each.place}: {each.tests} was allowed until {each.until}, and counts again"
            )
        elif each.is_expired:
            notes.append(
                f"{each.place}: {each.tests} was allowed until {each.until}: remove the row"
            )
        elif not each.is_known:
            notes.append(f"{each.place}: no test matches {each.tests}")
        elif not each.findings:
            notes.append(f"{each.place}: nothing that counts matches {each.tests}")
    return notes
