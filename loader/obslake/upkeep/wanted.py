"""Describes the rows to forget, as conditions for Iceberg and DuckDB."""

from dataclasses import dataclass

from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression, EqualTo
from pyiceberg.schema import Schema

from obslake.engine import quote_literal
from obslake.lakehouse.events import describe_rows
from obslake.lakehouse.schemas import QUARANTINE, TABLES, TableDefinition

# A record that does not name its data set belongs to the data sets of its load.
_OF_LOAD = (
    "json_extract_string(options, '$.data_set') = getvariable('data_set_id') "
    "or list_contains(getvariable('loads')::varchar[], load_id)"
)


@dataclass(frozen=True)
class Wanted:
    """Which rows to forget: those of a data set, or of one problem or run of it."""

    data_set_id: str
    problem_id: str | None = None
    run_id: str | None = None

    @property
    def what(self) -> tuple[str, str | None, str | None]:
        """The three values in the form of the notes in snapshots."""
        return self.data_set_id, self.problem_id, self.run_id

    def describe(self) -> str:
        """Return which rows these are, in the words of the options."""
        return describe_rows(*self.what)

    @property
    def columns(self) -> dict[str, str]:
        """The columns that a row must match, with their values."""
        values = {
            "data_set_id": self.data_set_id,
            "problem_id": self.problem_id,
            "run_id": self.run_id,
        }
        return {name: value for name, value in values.items() if value is not None}

    def applies_to(self, definition: TableDefinition) -> bool:
        """Whether a table can have such rows: tests have no run, and runs have no problem."""
        return definition is QUARANTINE or self.columns.keys() <= set(definition.column_names)

    def filter(self, definition: TableDefinition) -> BooleanExpression:
        """Return the condition by which Iceberg skips files."""
        condition: BooleanExpression = AlwaysTrue()
        if definition is QUARANTINE:
            # Records that do not name their data set may match too.
            return condition
        for name, value in self.columns.items():
            condition = And(condition, EqualTo(name, value))  # type: ignore[misc, call-arg, arg-type]
        return condition

    def condition(self, definition: TableDefinition, schema: Schema) -> str:
        """Return the condition in SQL, for a table with this schema; it is null if unknown.

        It reads the values from variables named as the columns, and from ``loads`` the loads that have
        rows of the data set.
        """
        if definition is not QUARANTINE:
            return " and ".join(f"{c} = getvariable('{c}')" for c in self.columns)
        parts = []
        for name in self.columns:
            # A lakehouse of an earlier version lacks these columns.
            column = name if name in schema.column_names else "null::varchar"
            part = f"{column} = getvariable('{name}')"
            if name == "data_set_id":
                part = f"coalesce({part}, {_OF_LOAD})"
            # Tests have no run, and runs have no problem.
            elif others := [t.name for t in TABLES if name not in t.column_names]:
                part += f" and reader not in ({', '.join(map(quote_literal, others))})"
            parts.append(part)
        return " and ".join(parts)
