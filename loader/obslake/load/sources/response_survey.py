"""Surveys the responses of a file by class: text of the response protocol, verdicts, values."""

from dataclasses import dataclass
from typing import Any

import duckdb

from obslake.engine import glob_literal, quote_identifier, quote_literal
from obslake.load.sources.files import SourceFile
from obslake.load.sources.relations import create_text_view
from obslake.load.sources.scans import OUTPUT_FORM_COLUMN, ROW_COLUMN
from obslake.load.sources.typed_text import is_text

_LONGEST_EXAMPLE = 40


@dataclass(frozen=True)
class ResponseClass:
    """The responses of a file that belong to one class.

    Attributes:
        count: number of responses.
        row: number of the first row.
        example: the response of that row.
        n_flags: number of responses that are ``true`` or ``false``.
        n_named: number of responses whose kind is given as ``value``.
    """

    count: int = 0
    row: int | None = None
    example: str = ""
    n_flags: int = 0
    n_named: int = 0

    @property
    def shown(self) -> str:
        """The example, shortened to fit into a message."""
        return shortened(self.example)


@dataclass(frozen=True)
class Survey:
    """The responses of a file by class.

    Attributes:
        is_typed: whether the type of the column alone decides how they are read.
        is_boolean: whether that type is BOOLEAN.
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
    is_boolean: bool = False
    has_missing: bool = False
    value: ResponseClass = ResponseClass()
    null: ResponseClass = ResponseClass()
    text: ResponseClass = ResponseClass()
    verdict: ResponseClass = ResponseClass()
    harness: ResponseClass = ResponseClass()
    token: ResponseClass = ResponseClass()
    plain: ResponseClass = ResponseClass()
    floats: ResponseClass = ResponseClass()

    @property
    def tokens(self) -> tuple[ResponseClass, ...]:
        """The classes of strings that say how a test ended, whatever the kind of the response."""
        return self.verdict, self.harness, self.token

    @property
    def others(self) -> tuple[ResponseClass, ...]:
        """The classes of other responses, without nulls."""
        return self.value, self.text, self.plain, self.floats

    @property
    def has_only_verdicts(self) -> bool:
        """Whether every response is a verdict or a token, and not all of them are read as such anyway."""
        are_read_anyway = not self.harness.count and not any(c.n_named for c in self.tokens)
        return not are_read_anyway and not any(c.count for c in self.others)

    @property
    def has_only_flags(self) -> bool:
        """Whether every response is ``true`` or ``false``."""
        n_flags = sum(c.n_flags for c in self.others)
        n = sum(c.count for c in (*self.others, *self.tokens))
        return self.is_boolean or (n > 0 and n == n_flags)


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


@dataclass(frozen=True)
class Responses:
    """The SQL of the responses of a file.

    Attributes:
        source: the relation with their rows.
        output: the response.
        row: number of the row.
        is_null: condition for nulls, which are neither strings nor other values.
        kind: the kind that the source names; null: none.
    """

    source: str
    output: str
    row: str
    is_null: str
    kind: str

    @property
    def are_values(self) -> str:
        """The condition for responses whose kind the source does not name, or names as ``value``."""
        return f"coalesce({self.kind}, 'value') = 'value'"


def responses_of(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, column: str, kind: str | None
) -> Responses:
    """Return the responses of a file; JSON files must be tabulated."""
    name = quote_identifier(column)
    kind_name = quote_identifier(kind) if kind else "null::varchar"
    if file.is_tabulated:
        path = quote_literal(glob_literal(file.path))
        source = f"read_parquet({path}, hive_partitioning = false)"
        is_null = f"coalesce({OUTPUT_FORM_COLUMN}, 'null') = 'null'"
        return Responses(source, name, ROW_COLUMN, is_null, kind_name)
    # This includes tabulated CSV.
    create_text_view(connection, "surveyed_rows", [file])
    row = "cast(regexp_extract(_obslake_position, '[0-9]+$') as bigint)"
    return Responses("surveyed_rows", name, row, f"{name} is null", kind_name)


def survey_responses(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    column: str,
    type_: str,
    responses: Responses,
) -> Survey:
    """Count the responses of a file by class, without those of kinds other than ``value``."""
    if not file.is_tabulated and not is_text(type_):
        return Survey(is_typed=True, is_boolean=type_ == "BOOLEAN")
    class_ = _CLASS.format(responses.output)
    class_ = (
        f"case {OUTPUT_FORM_COLUMN} when 'string' then {class_} else {OUTPUT_FORM_COLUMN} end"
        if file.is_tabulated
        else f"if({responses.is_null}, 'null', {class_})"
    )
    found = connection.execute(
        "select class, count(*), min(row), min_by(output, row), "
        "count(*) filter (lower(output) in ('true', 'false')), count(kind) from "
        f"(select {class_} as class, {responses.row} as row, {responses.output} as output, "
        f"{responses.kind} as kind from {responses.source} where {responses.are_values}) "
        "where class is not null group by class"
    ).fetchall()
    classes: dict[str, Any] = {
        class_: ResponseClass(n, row, output or "", n_flags, n_named)
        for class_, n, row, output, n_flags, n_named in found
    }
    return Survey(has_missing=file.is_tabulated, **classes)


def shortened(response: str) -> str:
    """Return a response, shortened to fit into a message."""
    return response if len(response) <= _LONGEST_EXAMPLE else response[: _LONGEST_EXAMPLE - 1] + "…"
