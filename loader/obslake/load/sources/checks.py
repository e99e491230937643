"""Checks the rows of a source before any of them is loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from obslake.engine import quote_identifier, quote_literal
from obslake.load.sources import set_aside
from obslake.load.sources.files import SourceFile
from obslake.load.sources.relations import TextRelation, create_text_view, unreadable
from obslake.load.sources.scans import FAULT_COLUMN
from obslake.load.sources.set_aside import STRICT, Tolerance

_SHOWN = 5
_LONGEST_VALUE = 60
_SHORT_VALUE = (
    f"if(length(fault.value) > {_LONGEST_VALUE}, "
    f"left(fault.value, {_LONGEST_VALUE - 1}) || '…', fault.value)"
)

_UNKNOWN_ZONE = (
    "names an ambiguous or unknown time zone: write its offset, such as +02:00 "
    "(known names: UTC, GMT, EST, EDT, CST, CDT, MST, MDT, PST, PDT)"
)

# Limits of what Arrow can store in microseconds and Python can display.
_FIRST_MOMENT = "timestamptz '0001-01-02 00:00:00+00'"
_LAST_MOMENT = "timestamptz '9999-12-30 00:00:00+00'"


@dataclass(frozen=True)
class Cast:
    """A column whose values must be readable as an SQL type and storable.

    Attributes:
        column: its name.
        type: `integer`, `bigint`, `double`, `timestamptz`, or `object` in JSON.
        is_counted: whether it counts from 0.
    """

    column: str
    type: str
    is_counted: bool = False

    def fault(self, value: str, given: str = "VARCHAR") -> str:
        """Return the SQL condition for an unreadable value of a given type.

        If the value has the type already, DuckDB often needs no reading to evaluate the condition.
        """
        if given == "TIMESTAMP WITH TIME ZONE" and self.type == "timestamptz":
            return f"not ({value} between {_FIRST_MOMENT} and {_LAST_MOMENT})"
        if given == self.type.upper() and self.type in ("integer", "bigint"):
            return f"{value} < 0" if self.is_counted else "false"
        typed = f"try_cast({value} as {self.type})"
        if self.type == "timestamptz":
            # Text may name a zone; values of other types have none.
            typed = f"moment({value})" if given == "VARCHAR" else typed
            readable = f"{typed} between {_FIRST_MOMENT} and {_LAST_MOMENT}"
        elif self.type == "object":
            readable = f"json_valid({value}) and json_type(try_cast({value} as json)) = 'OBJECT'"
        elif self.type == "double":
            readable = f"isfinite({typed})"
        else:
            # A cast in DuckDB rounds to the nearest integer.
            readable = f"{typed} = try_cast({value} as double)"
            if self.is_counted:
                readable += f" and {typed} >= 0"
        return f"{value} is not null and coalesce(not ({readable}), true)"

    @property
    def problem(self) -> str:
        """The message about an unreadable value."""
        if self.type == "object":
            return "is not a JSON object"
        if self.type == "timestamptz":
            return "is not an ISO 8601 timestamp, such as 2024-07-01T10:00:00+02:00"
        counted = ", from 0" if self.is_counted else ""
        return f"is not a value of type {self.type}{counted}"


@dataclass(frozen=True)
class Choice:
    """A text column that must be one of some words.

    Attributes:
        column: its name.
        words: the words.
        in_any_case: case does not matter.
        advice: what to do about other words.
    """

    column: str
    words: tuple[str, ...]
    in_any_case: bool = False
    advice: str = ""

    @property
    def problem(self) -> str:
        """The message about another word."""
        return f"is not one of {', '.join(self.words)}" + (self.advice and f" ({self.advice})")


@dataclass(frozen=True)
class Reserved:
    """A text column that only rows with a certain value in another column (``owner``) may have."""

    column: str
    owner: tuple[str, str]
    problem: str


@dataclass(frozen=True)
class _Fault:
    """A possible fault of a row: an SQL condition and its message."""

    condition: str
    column: str | None
    value: str
    problem: str

    @property
    def details(self) -> str:
        """The SQL struct that `_first` returns for this fault."""
        column = "null" if self.column is None else quote_literal(self.column)
        problem = FAULT_COLUMN if self.column is None else quote_literal(self.problem)
        return (
            f"{{'column': {column}, 'value': cast({self.value} as varchar), 'problem': {problem}}}"
        )


@dataclass(frozen=True)
class Rules:
    """The rules for the rows of a source.

    Attributes:
        known: maps the column names used in the other attributes to columns of the source.
        required: columns without missing values.
        casts: columns and their types.
        choices: columns and their possible words.
        reserved: columns that only some rows may have.
        only: check only rows with this value in this column; None: all rows.
    """

    known: Mapping[str, str]
    required: Sequence[str] = ()
    casts: Sequence[Cast] = ()
    choices: Sequence[Choice] = ()
    reserved: Sequence[Reserved] = ()
    only: tuple[str, str] | None = None


def check_rows(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[SourceFile],
    rules: Rules,
    tolerance: Tolerance = STRICT,
) -> str | None:
    """Check that required columns have values and that typed columns can be read as their types.

    Faulty rows within the tolerance go into the table ``set_aside``; the reader leaves them out.

    Args:
        connection: reads the files.
        files: the source.
        rules: the rules for its rows.
        tolerance: how many rows may be set aside.

    Returns:
        The SQL condition for rows that cannot be understood, on a view of all files; None: there are none.

    Raises:
        SourceFormatError: a file cannot be read to its end.
        SourceRowError: more rows than are tolerated cannot be understood; the message names the first ones by file
            and row.
    """
    shown: list[str] = []
    total = 0
    everywhere: dict[str, str] = {}
    typed = [rules.known[cast.column] for cast in rules.casts if cast.column in rules.known]
    # File by file, so that each file has its own row numbers, and errors name the unreadable file.
    for file in files:
        try:
            relation = create_text_view(
                connection, "checked_rows", [file], typed, with_records=not tolerance.is_strict
            )
            columns = _present(relation, rules)
            everywhere.update(columns)
            described = connection.execute("describe checked_rows").fetchall()
            types = {name: type_ for name, type_, *_ in described}
            faults = _faults(columns, types, rules, has_own_faults=file.is_tabulated)
            found, examples = _find(connection, faults, _SHOWN - len(shown))
            total += found
            if not tolerance.is_strict and total <= tolerance.most(None):
                _set_aside(connection, file, relation, faults, rules.only)
        except duckdb.Error as error:
            raise unreadable(file, error) from error
        shown += examples
    if total > tolerance.most(None):
        set_aside.refuse(total, shown, tolerance)
    # In a view of all files, a column may have another type than in one of them.
    if not total:
        return None
    has_own_faults = any(file.is_tabulated for file in files)
    return _any(_faults(everywhere, {}, rules, has_own_faults=has_own_faults))


def _present(relation: TextRelation, rules: Rules) -> dict[str, str]:
    """Map the known columns that a file has to its own spelling."""
    present = {c.lower(): c for c in relation.columns}
    return {
        name: present[source.lower()]
        for name, source in rules.known.items()
        if source.lower() in present
    }


def leave_out(
    connection: duckdb.DuckDBPyConnection, view: str, given: str, faulty: str | None
) -> None:
    """Create a view of another view without the rows that match a condition."""
    kept = f" where not coalesce({faulty}, false)" if faulty else ""
    connection.execute(
        f"create or replace temp view {quote_identifier(view)} as "
        f"select * from {quote_identifier(given)}{kept}"
    )


def _any(faults: Sequence[_Fault]) -> str:
    return "(" + " or ".join(f"({fault.condition})" for fault in faults) + ")"


def _faults(
    columns: Mapping[str, str],
    types: Mapping[str, str],
    rules: Rules,
    *,
    has_own_faults: bool,
) -> list[_Fault]:
    faults = []
    if has_own_faults:
        faults.append(_Fault(f"{FAULT_COLUMN} is not null", None, "null", ""))
    for name in rules.required:
        # If a file lacks the column, the value is missing in all its rows.
        value = quote_identifier(columns[name]) if name in columns else "null"
        faults.append(_Fault(f"{value} is null", name, "null", "is missing"))
    for cast in rules.casts:
        if cast.column in columns:
            value = quote_identifier(columns[cast.column])
            given = types.get(columns[cast.column], "VARCHAR")
            if cast.type == "timestamptz" and given == "VARCHAR":
                unknown = (
                    f"{value} is not null and moment({value}) is null "
                    f"and zone_seconds(written_zone({value})) is null"
                )
                faults.append(_Fault(unknown, cast.column, value, _UNKNOWN_ZONE))
            condition = cast.fault(value, given)
            faults.append(_Fault(condition, cast.column, value, cast.problem))
    for choice in rules.choices:
        if choice.column in columns:
            value = quote_identifier(columns[choice.column])
            word = f"lower({value})" if choice.in_any_case else value
            condition = f"{word} not in ({', '.join(map(quote_literal, choice.words))})"
            faults.append(_Fault(condition, choice.column, value, choice.problem))
    for reserved in rules.reserved:
        owner, wanted = reserved.owner
        if reserved.column in columns and owner in columns:
            value = quote_identifier(columns[reserved.column])
            condition = (
                f"{value} <> '' and {quote_identifier(columns[owner])} <> {quote_literal(wanted)}"
            )
            faults.append(_Fault(condition, reserved.column, value, reserved.problem))
    if not faults:
        # Without rules no row has a fault.
        faults.append(_Fault("false", "", "null", ""))
    if rules.only:
        column, value = rules.only
        checked = f"{quote_identifier(columns[column])} = {quote_literal(value)}"
        faults = [replace(f, condition=f"{checked} and ({f.condition})") for f in faults]
    return faults


def _find(
    connection: duckdb.DuckDBPyConnection, faults: Sequence[_Fault], limit: int
) -> tuple[int, list[str]]:
    """Return how many rows of ``checked_rows`` have a fault, and the first of them as text."""
    ((found,),) = connection.execute(
        f"select count(*) from checked_rows where {_any(faults)}"
    ).fetchall()
    if not found or not limit:
        return found, []
    rows = connection.execute(
        "select _obslake_position, fault.* from "
        f"(select _obslake_position, {_first(faults)} as fault from checked_rows) "
        f"where fault is not null limit {limit}"
    ).fetchall()
    return found, [
        f"  {position}{f', column {column}' if column else ''}: {_reason(value, problem)}"
        for position, column, value, problem in rows
    ]


def _first(faults: Sequence[_Fault]) -> str:
    """Return the SQL of a row's first fault; null: it has none."""
    cases = " ".join(f"when {fault.condition} then {fault.details}" for fault in faults)
    return f"case {cases} end"


def _reason(value: str | None, problem: str) -> str:
    return problem if value is None else f"{shorten(value)!r} {problem}"


def _set_aside(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    relation: TextRelation,
    faults: Sequence[_Fault],
    only: tuple[str, str] | None,
) -> None:
    """Count the rows of ``checked_rows``, and set those with a fault aside."""
    checked = f" where {quote_identifier(only[0])} = {quote_literal(only[1])}" if only else ""
    connection.execute(
        f"insert into checked_files select ?, count(*), ? from checked_rows{checked}",
        [file.name, list(relation.columns)],
    )
    connection.execute(
        f"""
        insert into set_aside
        select
            _obslake_file,
            _obslake_row,
            fault.column,
            concat('''' || {_SHORT_VALUE} || ''' ', fault.problem),
            _obslake_record,
            -- A line without columns is kept as text.
            if(fault.column is null, 'text', 'row'),
            if(fault.column is null, 'json', null)
        from (select *, {_first(faults)} as fault from checked_rows)
        where fault is not null
        """
    )


def shorten(value: str) -> str:
    """Return a value, shortened to fit into a message."""
    return value if len(value) <= _LONGEST_VALUE else value[: _LONGEST_VALUE - 1] + "…"
