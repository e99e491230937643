"""Decide whether the strings in a column of responses are text of the response protocol or returned strings.

``"1"`` is the number 1 in the first reading and a string in the second. If only one reading fits all rows of a
file, in any order, it is used; otherwise the user has to choose.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from obslake.engine import glob_literal, quote_identifier, quote_literal
from obslake.errors import SourceFormatError
from obslake.load.sources.files import OutputReading, SourceFile
from obslake.load.sources.relations import columns_of, create_text_view, unreadable
from obslake.load.sources.scans import OUTPUT_FORM_COLUMN, ROW_COLUMN
from obslake.load.sources.typed_text import is_text
from obslake.load.sources.verdicts import OUTCOMES

_LONGEST_EXAMPLE = 40


def read_outputs(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[SourceFile],
    column: str,
    kind_column: str,
    outputs: str,
) -> tuple[list[SourceFile], list[str]]:
    """Decide for each file how its responses are read.

    Args:
        connection: has the macros of ``sql/protocol.sql``.
        files: source files; JSON files must be tabulated.
        column: name of the column of responses, in any case.
        kind_column: name of the column of response kinds, in any case. The string of a response whose
            kind is not ``value`` is kept unchanged.
        outputs: ``text``, ``values`` or ``auto``.

    Returns:
        The files, and notes for the user.

    Raises:
        SourceFormatError: both readings fit a file.
    """
    connection.execute(
        "set variable harness_outcomes = map(?::varchar[], ?::varchar[])",
        [list(OUTCOMES), list(OUTCOMES.values())],
    )
    read = []
    notes: list[str] = []
    for file in files:
        types = {name.lower(): (name, type_) for name, type_ in columns_of(connection, file)}
        if column.lower() not in types:
            read.append(file)
            continue
        name, type_ = types[column.lower()]
        kind, _ = types.get(kind_column.lower(), (None, ""))
        try:
            survey = _survey(connection, file, name, type_, kind)
        except duckdb.Error as error:
            raise unreadable(file, error) from error
        reading = replace(_reading(file, name, survey, outputs), kind_column=kind)
        notes += _notes(file, survey, reading, outputs)
        read.append(replace(file, output=reading))
    return read, notes


@dataclass(frozen=True)
class _Class:
    """The responses of a file that belong to one class.

    Attributes:
        count: number of responses.
        row: number of the first row.
        example: the response of that row.
    """

    count: int = 0
    row: int | None = None
    example: str = ""

    @property
    def shown(self) -> str:
        text = self.example
        return text if len(text) <= _LONGEST_EXAMPLE else text[: _LONGEST_EXAMPLE - 1] + "…"


@dataclass(frozen=True)
class _Survey:
    """The responses of a file by class.

    Attributes:
        is_typed: whether the type of the column alone decides how they are read.
        has_missing: whether the format distinguishes nulls from missing values.
        value: neither strings nor nulls.
        null: nulls.
        text: strings that are JSON.
        verdict: strings that are verdicts of the protocol.
        harness: strings that are verdicts in the words of a harness.
        token: strings that are tokens in either reading.
        plain: all other strings.
        floats: strings that are JSON except for floats such as ``NaN``.
    """

    is_typed: bool = False
    has_missing: bool = False
    value: _Class = _Class()
    null: _Class = _Class()
    text: _Class = _Class()
    verdict: _Class = _Class()
    harness: _Class = _Class()
    token: _Class = _Class()
    plain: _Class = _Class()
    floats: _Class = _Class()

    @property
    def has_only_verdicts(self) -> bool:
        """Whether every string is a verdict, and some are not in the protocol's words."""
        others = self.value.count + self.text.count + self.plain.count + self.floats.count
        return bool(self.harness.count) and not others


# The class of a string; null if it does not help to decide.
_CLASS = """
case
    when is_token({0}) then 'token'
    when {0} in ('', '{{}}') or regexp_matches({0}, '^\\$[A-Z]') then null
    when is_json({0}) then 'text'
    when has_bare_floats({0}) then 'floats'
    when is_verdict({0}) then 'verdict'
    when harness_outcome({0}) is not null then 'harness'
    else 'plain'
end
"""


def _survey(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    column: str,
    type_: str,
    kind: str | None,
) -> _Survey:
    if not file.is_tabulated and not is_text(type_):
        return _Survey(is_typed=True)
    name = quote_identifier(column)
    if file.is_tabulated:
        class_ = (
            f"case {OUTPUT_FORM_COLUMN} when 'string' then {_CLASS.format(name)} "
            f"else {OUTPUT_FORM_COLUMN} end"
        )
        source = (
            f"read_parquet({quote_literal(glob_literal(file.path))}, hive_partitioning = false)"
        )
        row = ROW_COLUMN
    else:
        # This includes tabulated CSV.
        create_text_view(connection, "surveyed_rows", [file])
        class_ = f"if({name} is null, 'null', {_CLASS.format(name)})"
        source = "surveyed_rows"
        row = "cast(regexp_extract(_obslake_position, '[0-9]+$') as bigint)"
    is_value = f" and coalesce({quote_identifier(kind)}, 'value') = 'value'" if kind else ""
    found = connection.execute(
        f"select class, count(*), min(row), min_by(output, row) from "
        f"(select {class_} as class, {row} as row, {name} as output from {source} where true{is_value}) "
        "where class is not null group by class"
    ).fetchall()
    classes: dict[str, Any] = {
        class_: _Class(n, row, output or "") for class_, n, row, output in found
    }
    return _Survey(has_missing=file.is_tabulated, **classes)


def _reading(file: SourceFile, column: str, survey: _Survey, outputs: str) -> OutputReading:
    as_text = OutputReading(
        column,
        are_verdicts=survey.has_only_verdicts,
        has_bare_floats=bool(survey.floats.count),
    )
    as_values = OutputReading(column, are_values=True)
    if outputs != "auto":
        return as_text if outputs == "text" else as_values
    if survey.is_typed:
        return as_values
    if not file.is_tabulated or survey.has_only_verdicts:
        return as_text
    texts = [c for c in (survey.text, survey.floats, survey.verdict) if c.count]
    others = [c for c in (survey.value, survey.plain, survey.harness) if c.count]
    if not others:
        return as_text
    if not texts:
        return as_values
    text, other = min(texts, key=_first_row), min(others, key=_first_row)
    shown = other.shown if other is survey.value else f'"{other.shown}"'
    raise SourceFormatError(
        f"{file.name}: strings in column {column} can be read in two ways: "
        f'row {other.row} has {shown}, row {text.row} has "{text.shown}"\n'
        f"  as values (--outputs values): row {text.row} returned the string "
        f'"{text.shown}", row {other.row} {shown}, and null is a returned null\n'
        f"  as text of the response protocol (--outputs text): row {text.row} returned "
        f"{text.shown}, row {other.row} {other.shown}, and null was not executed"
    )


def _first_row(found: _Class) -> int:
    return found.row or 0


def _notes(file: SourceFile, survey: _Survey, reading: OutputReading, outputs: str) -> list[str]:
    """Return notes on the decisions that another choice of ``--outputs`` would change."""
    notes = []
    where = f"{file.name}, column {reading.column}"
    strings = survey.plain if survey.plain.count else survey.harness
    if reading.are_values:
        if outputs == "auto" and strings.count and not survey.value.count:
            notes.append(
                f"{where}: no string is JSON, so strings are values: {strings.shown} is the string "
                f'"{strings.shown}" (--outputs text reads them as text of the response protocol)'
            )
        if survey.token.count and survey.has_missing:
            notes.append(
                f"{where}: strings such as {survey.token.shown} that are tokens of the response protocol, "
                f"not values: {survey.token.count:,}"
            )
        if survey.null.count and outputs == "auto" and survey.has_missing:
            notes.append(
                f"{where}: nulls read as returned nulls: {survey.null.count:,} (leave the key out if nothing "
                "was executed; --outputs text reads them as not executed)"
            )
        return notes
    if survey.null.count and outputs == "auto" and survey.has_missing:
        notes.append(
            f"{where}: nulls read as not executed: {survey.null.count:,} (strings are text of the response "
            "protocol, where a returned null is the text null; --outputs values reads them as returned nulls)"
        )
    if survey.floats.count:
        notes.append(
            f"{where}: responses with floats that are not valid JSON: {survey.floats.count:,}, such as "
            f'{survey.floats.shown} in row {survey.floats.row}, read as {{"$float":…}}'
        )
    if reading.are_verdicts:
        notes.append(
            f"{where}: every response is a verdict; verdicts that are not in the protocol's words are "
            f"translated: {survey.harness.count:,}, such as {survey.harness.shown!r} in row {survey.harness.row}"
        )
    elif survey.harness.count:
        notes.append(
            f"{where}: responses that look like verdicts, while others do not: {survey.harness.count:,}, such "
            f"as {survey.harness.shown!r} in row {survey.harness.row}; they are kept unchanged, as values"
        )
    return notes
