"""Checks of the rows of a source, before anything of it is loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from obslake.engine import quote_identifier, quote_literal
from obslake.errors import SourceRowError
from obslake.sources.files import SourceFile
from obslake.sources.relations import create_text_view, unreadable

_SHOWN = 5
_LONGEST_VALUE = 60

# What Arrow can keep, in microseconds, and Python can show.
_FIRST_MOMENT = "timestamptz '0001-01-02 00:00:00+00'"
_LAST_MOMENT = "timestamptz '9999-12-30 00:00:00+00'"


@dataclass(frozen=True)
class Cast:
    """A column that must be readable as an SQL type, and say a value that can be kept.

    Attributes:
        column: its name.
        type: `integer`, `bigint`, `double` or `timestamptz`.
        is_counted: whether it counts from 0.
    """

    column: str
    type: str
    is_counted: bool = False

    def fault(self, value: str, given: str = "VARCHAR") -> str:
        """Return the SQL condition of a value, of a given type, that is not readable.

        Of values that are of the type already, DuckDB often knows the answer without reading them.
        """
        if given == "TIMESTAMP WITH TIME ZONE" and self.type == "timestamptz":
            return f"not ({value} between {_FIRST_MOMENT} and {_LAST_MOMENT})"
        if given == self.type.upper() and self.type in ("integer", "bigint"):
            return f"{value} < 0" if self.is_counted else "false"
        typed = f"try_cast({value} as {self.type})"
        if self.type == "timestamptz":
            readable = f"{typed} between {_FIRST_MOMENT} and {_LAST_MOMENT}"
        elif self.type == "double":
            readable = f"isfinite({typed})"
        else:
            # DuckDB would round a text to the nearest whole number.
            readable = f"{typed} = try_cast({value} as double)"
            if self.is_counted:
                readable += f" and {typed} >= 0"
        return f"{value} is not null and coalesce(not ({readable}), true)"

    @property
    def problem(self) -> str:
        """What is said of a value that is not readable."""
        counted = ", from 0" if self.is_counted else ""
        return f"is not a value of type {self.type}{counted}"


@dataclass(frozen=True)
class Choice:
    """A text column that must be one of some words."""

    column: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class _Fault:
    """What can be wrong with a row: an SQL condition, and how it is told."""

    condition: str
    column: str
    value: str
    problem: str


def check_rows(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[SourceFile],
    *,
    known: Mapping[str, str],
    required: Sequence[str] = (),
    casts: Sequence[Cast] = (),
    choices: Sequence[Choice] = (),
    only: tuple[str, str] | None = None,
) -> None:
    """Check that required columns have values and that typed columns can be read as their types.

    Args:
        connection: where the files are read.
        files: the source.
        known: column as the following arguments name it to column of the source.
        required: columns without missing values.
        casts: columns and their types.
        choices: columns and their possible words.
        only: a column and its value in the rows that are checked; by default all rows are.

    Raises:
        SourceFormatError: a file cannot be read to its end.
        SourceRowError: some rows cannot be understood; it names the first, by file and row.
    """
    shown: list[str] = []
    total = 0
    # File by file, so that rows are counted in each, and an unreadable one is known.
    for file in files:
        try:
            typed = [known[cast.column] for cast in casts if cast.column in known]
            relation = create_text_view(connection, "checked_rows", [file], typed)
            present = {c.lower(): c for c in relation.columns}
            columns = {
                name: present[source.lower()]
                for name, source in known.items()
                if source.lower() in present
            }
            types = {
                name: type_
                for name, type_, *_ in connection.execute("describe checked_rows").fetchall()
            }
            faults = _faults(columns, types, required, casts, choices)
            if only:
                checked = f"{quote_identifier(columns[only[0]])} = {quote_literal(only[1])}"
                faults = [replace(f, condition=f"{checked} and {f.condition}") for f in faults]
            found, examples = _find(connection, faults, _SHOWN - len(shown))
        except duckdb.Error as error:
            raise unreadable(file, error) from error
        total += found
        shown += examples
    if total:
        more = [f"  … and {total - len(shown):,} more"] if total > len(shown) else []
        raise SourceRowError(
            f"{total:,} row{'' if total == 1 else 's'} cannot be understood; nothing was loaded\n"
            + "\n".join(shown + more)
        )


def _faults(
    columns: Mapping[str, str],
    types: Mapping[str, str],
    required: Sequence[str],
    casts: Sequence[Cast],
    choices: Sequence[Choice],
) -> list[_Fault]:
    faults = []
    for name in required:
        # A column that a file does not have is missing in all its rows.
        value = quote_identifier(columns[name]) if name in columns else "null"
        faults.append(_Fault(f"{value} is null", name, "null", "is missing"))
    for cast in casts:
        if cast.column in columns:
            value = quote_identifier(columns[cast.column])
            condition = cast.fault(value, types[columns[cast.column]])
            faults.append(_Fault(condition, cast.column, value, cast.problem))
    for choice in choices:
        if choice.column in columns:
            value = quote_identifier(columns[choice.column])
            condition = f"{value} not in ({', '.join(map(quote_literal, choice.words))})"
            problem = f"is not one of {', '.join(choice.words)}"
            faults.append(_Fault(condition, choice.column, value, problem))
    return faults


def _find(
    connection: duckdb.DuckDBPyConnection, faults: Sequence[_Fault], limit: int
) -> tuple[int, list[str]]:
    """Return how many rows of ``checked_rows`` have a fault, and the first of them as text."""
    any_fault = " or ".join(f"({fault.condition})" for fault in faults)
    ((found,),) = connection.execute(
        f"select count(*) from checked_rows where {any_fault}"
    ).fetchall()
    if not found or not limit:
        return found, []
    cases = " ".join(
        f"when {fault.condition} then {{'column': {quote_literal(fault.column)}, "
        f"'value': cast({fault.value} as varchar), 'problem': {quote_literal(fault.problem)}}}"
        for fault in faults
    )
    rows = connection.execute(
        f"select _obslake_position, fault.* from (select _obslake_position, case {cases} end as fault "
        f"from checked_rows) where fault is not null limit {limit}"
    ).fetchall()
    return found, [
        f"  {position}, column {column}:{'' if value is None else f' {shorten(value)!r}'} {problem}"
        for position, column, value, problem in rows
    ]


def shorten(value: str) -> str:
    """Return a value as far as a message has room for it."""
    return value if len(value) <= _LONGEST_VALUE else value[: _LONGEST_VALUE - 1] + "…"
