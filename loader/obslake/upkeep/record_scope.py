"""Of which data set, problem and run a record of the quarantine is, as far as that can be told.

A record is what could not be understood. A row mostly says it all the same, as the others of its source do,
or leaves it to the options of its load. In a line or a file that is no row only the name itself can be looked for.
"""

import json
import re
from base64 import b64decode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import escape

from obslake.path_pattern import PLACEHOLDERS, PathPattern

# `unsaid`: it may be what is wanted, and does not say so.
Answer = Literal["wanted", "other", "unsaid"]

# Tests are of no run, and runs of no problem.
_ALL_COLUMNS = ("data_set_id", "problem_id", "run_id")
_COLUMNS = {
    "implementations": ("data_set_id", "problem_id"),
    "tests": ("data_set_id", "problem_id"),
    "runs": ("data_set_id", "run_id"),
}

# Readers whose rows are of the run that the options name, where they name none.
_WITH_RUN_OPTION = ("observations", "recording", "junit")

# Files that are no UTF-8 are kept as their bytes.
_ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be")


@dataclass(frozen=True)
class QuarantinedRecord:
    """What the quarantine has of a record, by its columns."""

    load_id: str
    file: str
    reader: str
    options: str
    record: str
    record_form: str
    context: str

    def said(self) -> dict[str, str | None]:
        """Return what is said of data set, problem and run; None: there is no telling."""
        options = _options(self.options)
        said = {
            "data_set_id": options["data_set"],
            "problem_id": None,
            "run_id": options["run"] if self.reader in _WITH_RUN_OPTION else None,
        }
        if self.reader == "junit":
            settings = options["settings"]
            by_path = _said_by_path(settings["path_pattern"], self.file)
            said["problem_id"] = settings["problem"]
            said.update({f"{k}_id": v for k, v in by_path.items() if f"{k}_id" in said})
            return said
        # Of a recording, the session says it.
        row = self._row(self.context if self.reader == "recording" else "")
        if self.reader == "lasso":
            execution, action = row.get("executionid"), row.get("actionid")
            said["problem_id"] = row.get("abstractionid")
            said["run_id"] = f"{execution}/{action}" if execution and action else None
            return said
        for column in said:
            name = options["renames"].get(column, column).lower()
            if self.is_row:
                value = row.get(name)
                said[column] = said[column] if value is None else value
            elif not options["columns"] or name in map(str.lower, options["columns"]):
                # What stands in the column cannot be told.
                said[column] = None
        return said

    @property
    def is_row(self) -> bool:
        """Whether it has columns."""
        return self.record_form == "row"

    def mentions(self, name: re.Pattern[bytes]) -> bool:
        """Whether a record that is no row has a name in it, in any encoding and escaped in any way."""
        if self.is_row:
            return False
        is_text = self.record_form == "text"
        content = self.record.encode() if is_text else b64decode(self.record)
        return name.search(content) is not None

    def _row(self, session: str) -> dict[str, str | None]:
        """Return the columns of the row, or those of its session, in lower case."""
        if not self.is_row:
            return {}
        try:
            # Of a key that is there twice the first one counts, as it does for DuckDB; numbers stay as written.
            row = json.loads(
                session or self.record,
                object_pairs_hook=lambda pairs: dict(reversed(pairs)),
                parse_int=str,
                parse_float=str,
            )
        except (ValueError, RecursionError):
            return {}
        if not isinstance(row, dict):
            return {}
        return {
            key.lower(): value if value is None or isinstance(value, str) else json.dumps(value)
            for key, value in row.items()
        }


@dataclass(frozen=True)
class RecordScope:
    """Which records are wanted: those of a data set, or of one problem or run of it.

    Attributes:
        wanted: columns and the values that rows have in them.
        loads: loads that have rows of the data set.
    """

    wanted: Mapping[str, str]
    loads: Collection[str]

    def ask(self, record: QuarantinedRecord) -> Answer:
        """Return whether a record is wanted.

        What names a data set in no way is of its load: of the data set in its options, and of those that it has
        rows of.
        """
        if not self.wanted.keys() <= set(_COLUMNS.get(record.reader, _ALL_COLUMNS)):
            return "other"
        said = record.said()
        options = _options(record.options)
        by_option = {"data_set_id": options["data_set"], "run_id": options["run"]}
        answer: Answer = "wanted"
        for column, value in self.wanted.items():
            if said[column] == value:
                continue
            if said[column] is not None:
                return "other"
            if not record.is_row and by_option.get(column) == value:
                continue
            if record.mentions(self._patterns[column]):
                continue
            if column == "data_set_id":
                if record.load_id not in self.loads:
                    return "other"
            else:
                answer = "unsaid"
        return answer

    @cached_property
    def _patterns(self) -> dict[str, re.Pattern[bytes]]:
        return {column: _pattern(value) for column, value in self.wanted.items()}


def _pattern(name: str) -> re.Pattern[bytes]:
    """Return what finds a name in a text that is JSON, CSV or XML, but not as a part of a longer word."""
    if not name:
        return re.compile(b"(?!)")
    written = {
        name,
        name.replace('"', '""'),
        json.dumps(name)[1:-1],
        json.dumps(name, ensure_ascii=False)[1:-1],
        escape(name),
        escape(name, {'"': "&quot;"}),
        escape(name, {'"': "&quot;", "'": "&apos;"}),
    }
    found = set()
    for text in written:
        before = rb"(?<![0-9A-Za-z_])" if _is_word(text[0]) else b""
        after = rb"(?![0-9A-Za-z_])" if _is_word(text[-1]) else b""
        for encoding in _ENCODINGS:
            try:
                found.add(before + re.escape(text.encode(encoding)) + after)
            except UnicodeEncodeError:
                continue
    return re.compile(b"|".join(sorted(found)))


def _is_word(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character == "_")


@lru_cache(maxsize=64)
def _options(text: str) -> dict[str, Any]:
    options: dict[str, Any] = json.loads(text)
    return options


@lru_cache(maxsize=1024)
def _said_by_path(pattern: str | None, file: str) -> dict[str, str]:
    if pattern is None:
        return {}
    return PathPattern.parse(pattern, PLACEHOLDERS).match(Path(file)) or {}
