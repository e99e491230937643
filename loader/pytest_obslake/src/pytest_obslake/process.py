"""Count texts that name their process: addresses, temporary paths, the time of the run."""

from __future__ import annotations

import datetime
import os
import re
import sys
import time
from typing import Any

from pytest_obslake.isolation import private_modules
from pytest_obslake.sink import quote
from pytest_obslake.steps import Call
from pytest_obslake.values import EXCEPTION_PREFIX

ADDRESS = "an address"
PATH = "a temporary path"
TIME = "the time of the run"

_modules = sys.modules
_N_OPERATIONS = 3
SHORTEST = 10
"""Shorter texts cannot name the process."""

_DAY = 86_400
# The largest offset of a zone from UTC, in seconds.
_FARTHEST = 14 * 3_600

_VARIABLES = ("TMPDIR", "TEMP", "TMP", "PYTEST_DEBUG_TEMPROOT")
_AT = " at 0x"
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]{8,16}(?=[>,])")
_MOMENT = re.compile(
    r"(?<!\d)(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?"
    r"(?: ?(Z|[+-]\d\d:?\d\d))?(?!\d)"
)
_EPOCH = re.compile(r"(?<![\w.])(\d{10})(?:\.\d+|\d{3}|\d{6}|\d{9})?(?!\d)")
_COMPONENT = r"(?:/|\\)+([^/\\\"'\s<>|,;:)\]}]+)"
_MADE_UP = re.compile(r"(?:tmp[a-z0-9_]{8}|pytest-of-.+)")


class Kind:
    """Number of texts that name the process in one way."""

    def __init__(self) -> None:
        """Start with no texts."""
        self.answers = 0
        self.exceptions = 0
        self.inputs = 0
        self.operations: dict[str, None] = {}

    def such_as(self) -> str:
        """Return one of the operations as an example."""
        return f" (such as {next(iter(self.operations))})" if self.operations else ""


class ProcessNames:
    """Counts the texts that name the process. A few searches for substrings rule out most texts."""

    def __init__(self, started_at: float, base_folder: str | None) -> None:
        """Take the start of the session and pytest's configured folder for temporary files."""
        self.kinds: dict[str, Kind] = {}
        self.n_answers = 0
        self.n_exceptions = 0
        self.n_inputs = 0
        self._started_at = int(started_at)
        times = [started_at - _FARTHEST, started_at + _FARTHEST, started_at + 2 * _DAY]
        months = {time.strftime("%Y-%m-", time.gmtime(moment)) for moment in times}
        epochs = {str(int(moment))[:5] for moment in times[1:]} | {str(self._started_at)[:5]}
        self._offset = time.localtime(started_at).tm_gmtoff or 0
        self._folders = {text: _folder_pattern(text) for text in map(_inner, _folders())}
        self._base = _inner(os.path.abspath(base_folder)) if base_folder else None
        needles = [_AT, *months, *epochs, *self._folders, *([self._base] if self._base else [])]
        # If one contains another, the shorter one is enough.
        self._needles = tuple(n for n in needles if not any(m in n and n != m for m in needles))

    def look(self, call: Call, output: str) -> None:
        """Check the texts of a step."""
        text = output + call.inputs
        for needle in self._needles:
            if needle in text:
                self._look_closely(call, output)
                return

    def record(self) -> list[dict[str, Any]]:
        """Return the counts for the last record."""
        return [
            {
                "kind": name,
                "answers": kind.answers,
                "exceptions": kind.exceptions,
                "inputs": kind.inputs,
                "operations": list(kind.operations),
            }
            for name, kind in self.kinds.items()
        ]

    def lines(self) -> list[str]:
        """Return the counts for the report, with the equality rule that helps."""
        lines = []
        if self.n_answers:
            text = _count(self.n_answers, "answer", "name") + " the process"
            text += (
                self._by_kind("answers", self.n_answers) + "; no rule of equality masks this yet"
            )
            if self.n_exceptions:
                text += "; exception_class does for " + _exceptions(
                    self.n_exceptions, self.n_answers
                )
            lines.append(text)
        if self.n_inputs:
            text = _count(self.n_inputs, "call", "receive") + " values that name the process"
            lines.append(text + self._by_kind("inputs", self.n_inputs))
        return lines

    def _by_kind(self, what: str, n_all: int) -> str:
        """Return the counts by kind; without numbers if all are of one kind."""
        counts = [(getattr(kind, what), name, kind) for name, kind in self.kinds.items()]
        found = [(n, f"by {name}{kind.such_as()}") for n, name, kind in counts if n]
        if len(found) == 1 and found[0][0] == n_all:
            return f", {found[0][1]}"
        return ": " + ", ".join(f"{n} {text}" for n, text in found)

    def _look_closely(self, call: Call, output: str) -> None:
        in_output = self._find(output)
        in_inputs = self._find(call.inputs)
        is_exception = output.startswith(EXCEPTION_PREFIX)
        self.n_answers += bool(in_output)
        self.n_exceptions += bool(in_output) and is_exception
        self.n_inputs += bool(in_inputs)
        for name in in_output | in_inputs:
            kind = self.kinds.setdefault(name, Kind())
            kind.answers += name in in_output
            kind.exceptions += name in in_output and is_exception
            kind.inputs += name in in_inputs
            if len(kind.operations) < _N_OPERATIONS:
                kind.operations[call.operation.strip('"')] = None

    def _find(self, text: str) -> set[str]:
        """Return the ways in which a text names the process."""
        found = set()
        if _AT in text and _ADDRESS.search(text):
            found.add(ADDRESS)
        if self._has_path(text):
            found.add(PATH)
        if self._has_moment(text):
            found.add(TIME)
        return found

    def _has_path(self, text: str) -> bool:
        if self._base and self._base in text:
            return True
        # A generated path exists or looks generated; any other is a constant of the test, the same in each run.
        return any(
            _MADE_UP.fullmatch(match[2]) or os.path.lexists(os.path.join(match[1], match[2]))
            for folder, pattern in self._folders.items()
            if folder in text
            for match in pattern.finditer(text)
        )

    def _has_moment(self, text: str) -> bool:
        until = time.time() + 1
        for match in _EPOCH.finditer(text):
            if self._started_at <= int(match[1]) <= until:
                return True
        return any(
            self._started_at - (0 if match[6] else 59) <= moment <= until
            for match in _MOMENT.finditer(text)
            for moment in self._moments(match)
        )

    def _moments(self, match: re.Match[str]) -> list[float]:
        """Return the times that a text may mean; without a zone, it is local or in UTC."""
        try:
            parts = [int(part) for part in match.group(1, 2, 3, 4, 5)]
            zone = datetime.timezone.utc
            there = datetime.datetime(*parts, int(match[6] or 0), tzinfo=zone).timestamp()  # type: ignore[arg-type, misc]
        except ValueError:
            return []
        zone_text = match[7]
        if zone_text is None:
            return [there, there - self._offset]
        if zone_text == "Z":
            return [there]
        seconds = int(zone_text[1:3]) * 3_600 + int(zone_text[-2:]) * 60
        return [there + seconds if zone_text[0] == "-" else there - seconds]


def _count(n: int, noun: str, verb: str) -> str:
    if n != 1:
        return f"{n} {noun}s {verb}"
    first, _, rest = verb.partition(" ")
    return f"1 {noun} {first}s{' ' + rest if rest else ''}"


def _exceptions(n: int, n_answers: int) -> str:
    if n == n_answers:
        return "it, an exception" if n == 1 else "them, all exceptions"
    return "the exception among them" if n == 1 else f"the {n} exceptions among them"


def _inner(path: str) -> str:
    """Return a path as written in the text of a string."""
    return quote(path)[1:-1]


def _folder_pattern(folder: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.-])({re.escape(folder)}){_COMPONENT}")


def _folders() -> list[str]:
    """Return the folders of temporary files, without calling `tempfile`, which would cache its answer."""
    chosen = getattr(_modules.get("tempfile"), "tempdir", None)
    named = (os.environ.get(name) for name in _VARIABLES)
    found = [chosen, *named, "/tmp", "/var/tmp"]  # noqa: S108
    folders: dict[str, None] = {}
    for folder in found:
        if isinstance(folder, str) and os.path.isdir(folder) and os.path.dirname(folder) != folder:
            folders[os.path.abspath(folder)] = None
            folders[os.path.realpath(folder)] = None
    return list(folders)


private_modules(globals())
