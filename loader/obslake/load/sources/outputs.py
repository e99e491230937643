"""Decide whether the strings in a column of responses are text of the response protocol or returned strings.

``"1"`` is the number 1 in the first reading and a string in the second. If only one reading fits all rows of a
file, in any order, it is used; otherwise the user has to choose.
"""

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from obslake.engine import set_nested_variable
from obslake.errors import SourceFormatError
from obslake.load.sources.files import OutputReading, SourceFile
from obslake.load.sources.relations import columns_of, unreadable
from obslake.load.sources.response_survey import (
    ResponseClass,
    Responses,
    Survey,
    responses_of,
    shortened,
    survey_responses,
)
from obslake.load.sources.verdicts import OUTCOMES, TOKENS, Outcome, outcome

_MOST_WORDS = 12


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
        outputs: ``text``, ``values``, ``verdicts`` or ``auto``.

    Returns:
        The files, and notes for the user.

    Raises:
        SourceFormatError: both readings fit a file, or a response is not the verdict that it should be.
    """
    for variable, words in (("harness_outcomes", OUTCOMES), ("verdict_tokens", TOKENS)):
        set_nested_variable(connection, variable, words, "map(varchar, varchar)")
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
            responses = responses_of(connection, file, name, kind)
            if outputs == "verdicts":
                _check_verdicts(connection, file, name, responses)
                surveyed = Survey()
            else:
                surveyed = survey_responses(connection, file, name, type_, responses)
            reading = replace(_reading(file, name, surveyed, outputs), kind_column=kind)
            notes += _notes(file, surveyed, reading, outputs)
            if reading.are_verdicts:
                notes += _translations(connection, file, name, responses)
        except duckdb.Error as error:
            raise unreadable(file, error) from error
        read.append(replace(file, output=reading))
    return read, notes


def _check_verdicts(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, column: str, responses: Responses
) -> None:
    """Refuse a file with responses that are not known as verdicts, or flags that mean the contrary."""
    if _outcomes_in_name(column) - {"passed"}:
        ((row,),) = connection.execute(
            f"select min({responses.row}) from {responses.source} "
            f"where {responses.are_values} and flag_verdict({responses.output}) is not null"
        ).fetchall()
        if row is not None:
            raise SourceFormatError(
                f"{file.name}, column {column}, row {row}: a flag, but the column's name does not say passed\n"
                "  write passed and failed instead of true and false"
            )
    ((unknown, row, example),) = connection.execute(
        f"select count(*), min({responses.row}), min_by({responses.output}, {responses.row}) "
        f"from {responses.source} where {responses.are_values} and not {responses.is_null} "
        f"and not (is_token({responses.output}) or is_verdict({responses.output})) "
        f"and translated_verdict({responses.output}) is null"
    ).fetchall()
    if unknown:
        raise SourceFormatError(
            f"{file.name}, column {column}: responses that are not known as verdicts: {unknown:,}, such as "
            f"{shortened(example)!r} in row {row}\n"
            "  replace them by words that docs/observations.md lists, or load them without --outputs verdicts"
        )


def _translations(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, column: str, responses: Responses
) -> list[str]:
    """Return a note on the responses that are translated into verdicts of the protocol, by word."""
    found = connection.execute(
        f"""
        select
            coalesce(nullif(harness_words(output), ''), output) as word,
            verdict,
            count(*) as n,
            cast(sum(count(*)) over () as bigint) as total,
            min_by(output, row) as example,
            min(row) as first_row
        from (
            select
                {responses.output} as output,
                {responses.row} as row,
                translated_verdict({responses.output}) as verdict
            from {responses.source}
            where {responses.are_values} and not {responses.is_null}
        )
        where verdict is not null
        group by all
        order by n desc, word
        """
    ).fetchall()
    if not found:
        return []
    words = [f"{word} as {verdict} ({n:,})" for word, verdict, n, *_ in found[:_MOST_WORDS]]
    rest = ", …" if len(found) > _MOST_WORDS else ""
    row, example = min((row, example) for *_, example, row in found)
    return [
        f"{file.name}, column {column}: every response is a verdict; verdicts that are not in the protocol's "
        f"words are translated: {found[0][3]:,}, such as {shortened(example)!r} in row {row}: "
        f"{', '.join(words)}{rest}"
    ]


def _reading(file: SourceFile, column: str, survey: Survey, outputs: str) -> OutputReading:
    as_text = OutputReading(
        column,
        are_verdicts=survey.has_only_verdicts,
        has_bare_floats=bool(survey.floats.count),
    )
    as_values = OutputReading(column, are_values=True)
    if outputs == "verdicts":
        return OutputReading(column, are_verdicts=True)
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


def _first_row(found: ResponseClass) -> int:
    return found.row or 0


def _notes(file: SourceFile, survey: Survey, reading: OutputReading, outputs: str) -> list[str]:
    """Return notes on the decisions that another choice of ``--outputs`` would change."""
    where = f"{file.name}, column {reading.column}"
    if outputs == "verdicts":
        return []
    notes = _notes_on_verdicts(where, survey, reading, outputs)
    if reading.are_values:
        return notes + _notes_on_values(where, survey, is_choice=outputs == "auto")
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
    return notes


def _notes_on_verdicts(
    where: str, survey: Survey, reading: OutputReading, outputs: str
) -> list[str]:
    """Return notes on responses that say how a test ended, or look like it."""
    named = [c for c in survey.tokens if c.n_named]
    n_named = sum(c.n_named for c in named)
    if reading.are_verdicts:
        if not named:
            return []
        return [
            f"{where}: every response is a verdict or a token of the response protocol, so they have its kinds, "
            f"although response_kind calls them values: {n_named:,}"
        ]
    if survey.has_only_flags and "passed" in _outcomes_in_name(reading.column):
        return [
            f"{where}: every response is true or false, read as a returned value "
            "(--outputs verdicts reads them as passed and failed)"
        ]
    if reading.are_values:
        verdicts = [c for c in (survey.verdict, survey.harness) if c.count]
        if verdicts and not any(c.count for c in survey.others):
            first = min(verdicts, key=_first_row)
            return [
                f"{where}: every string is a verdict, but is read as a returned string: "
                f"{sum(c.count for c in verdicts):,}, such as {first.shown!r} in row {first.row} "
                "(--outputs verdicts reads them as verdicts)"
            ]
    notes = []
    if survey.harness.count and outputs != "values":
        notes.append(
            f"{where}: responses that look like verdicts, while others do not: {survey.harness.count:,}, such "
            f"as {survey.harness.shown!r} in row {survey.harness.row}; they are kept unchanged, as values "
            "(--outputs verdicts names a response that is not known as a verdict)"
        )
    if reading.are_values:
        return notes
    if n_named := n_named - survey.harness.n_named:
        first = min((c for c in named if c is not survey.harness), key=_first_row)
        notes.append(
            f"{where}: verdicts and tokens of the response protocol that response_kind calls values: "
            f"{n_named:,}, such as {first.shown} in row {first.row}; they are kept as values (if the cell of "
            "response_kind is empty, the protocol decides)"
        )
    return notes


def _outcomes_in_name(column: str) -> set[Outcome]:
    """Return the outcomes that the name of a column promises, as ``passed`` and ``is_correct`` do."""
    found = (outcome(word) for word in column.replace("-", "_").split("_"))
    return {meaning for meaning in found if meaning}


def _notes_on_values(where: str, survey: Survey, *, is_choice: bool) -> list[str]:
    """Return notes on strings and nulls that are read as returned values."""
    notes = []
    strings = survey.plain if survey.plain.count else survey.harness
    if is_choice and strings.count and not survey.value.count:
        notes.append(
            f"{where}: no string is JSON, so strings are values: {strings.shown} is the string "
            f'"{strings.shown}" (--outputs text reads them as text of the response protocol)'
        )
    if survey.token.count and survey.has_missing:
        notes.append(
            f"{where}: strings such as {survey.token.shown} that are tokens of the response protocol, "
            f"not values: {survey.token.count:,}"
        )
    if survey.null.count and is_choice and survey.has_missing:
        notes.append(
            f"{where}: nulls read as returned nulls: {survey.null.count:,} (leave the key out if nothing "
            "was executed; --outputs text reads them as not executed)"
        )
    return notes
