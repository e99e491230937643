"""Which rows are to be forgotten, and how Iceberg and DuckDB are asked for them."""

from dataclasses import dataclass

from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression, EqualTo

from obslake.engine import quote_identifier
from obslake.lakehouse.events import describe_rows
from obslake.lakehouse.schemas import QUARANTINE, TableDefinition

# What `RecordScope.ask` says of a record of the quarantine.
RECORD = ("load_id", "file", "reader", "options", "record", "record_form", "coalesce(context, '')")
ASKED = f"ask_record({', '.join(RECORD)})"


@dataclass(frozen=True)
class Wanted:
    """Which rows to forget: those of a data set, or of one problem or run of it."""

    data_set_id: str
    problem_id: str | None = None
    run_id: str | None = None

    @property
    def what(self) -> tuple[str, str | None, str | None]:
        """The three as they are noted."""
        return self.data_set_id, self.problem_id, self.run_id

    def describe(self) -> str:
        """Return which rows these are, in the words of the options that name them."""
        return describe_rows(*self.what)

    @property
    def columns(self) -> dict[str, str]:
        """Columns and their values that a row must have."""
        values = {
            "data_set_id": self.data_set_id,
            "problem_id": self.problem_id,
            "run_id": self.run_id,
        }
        return {name: value for name, value in values.items() if value is not None}

    def applies_to(self, definition: TableDefinition) -> bool:
        """Whether a table can have such rows: a test is of no run, and a run of no problem."""
        return definition is QUARANTINE or self.columns.keys() <= set(definition.column_names)

    def filter(self, definition: TableDefinition) -> BooleanExpression:
        """Return the condition for Iceberg, which skips files by it."""
        condition: BooleanExpression = AlwaysTrue()
        if definition is QUARANTINE:
            # Its records have no such columns.
            return condition
        for name, value in self.columns.items():
            condition = And(condition, EqualTo(name, value))  # type: ignore[misc, call-arg, arg-type]
        return condition

    def condition(self, definition: TableDefinition) -> str:
        """Return the condition in SQL; the values are the variables of the columns' names."""
        if definition is QUARANTINE:
            return f"{ASKED} = 'wanted'"
        parts = [f"{quote_identifier(c)} = getvariable('{c}')" for c in self.columns]
        return " and ".join(parts)
