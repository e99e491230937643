"""Readers of rows that describe observations; columns are matched by name with the table they are loaded into."""

from collections.abc import Mapping, Sequence

import click
import duckdb
from pyiceberg.types import MapType, StringType

from obslake.engine import quote_identifier, quote_literal, run_sql_file, set_variables
from obslake.lakehouse.schemas import (
    IMPLEMENTATIONS,
    MEASUREMENTS,
    RUNS,
    TESTS,
    TableDefinition,
    sql_type,
)
from obslake.load.sources import SQL
from obslake.load.sources.base import OneStepReader, Options, Staged, loaded
from obslake.load.sources.checks import Cast, Choice, Rules, check_rows, leave_out
from obslake.load.sources.columns import match_columns, require_columns, retyped, typed_columns
from obslake.load.sources.command_options import READING
from obslake.load.sources.files import SourceFile
from obslake.load.sources.folders import columns_in_path, with_options
from obslake.load.sources.relations import create_text_view
from obslake.load.sources.tabulation import tabulate


class DescriptionsReader(OneStepReader):
    """``obslake load implementations`` and the other tables that describe observations.

    Attributes:
        definition: the columns that rows may have, named as the command.
        table: the table that gets the rows.
        required: columns that identify a description; the others are optional or have a default.
        objects: columns that are JSON objects.
        choices: columns with a fixed set of words.
    """

    options: tuple[click.Option, ...] = READING
    salvages_rows = True
    definition: TableDefinition
    table: TableDefinition
    required: tuple[str, ...]
    objects: tuple[Cast, ...] = ()
    choices: tuple[Choice, ...] = ()

    def __init_subclass__(cls) -> None:
        """Name the reader after what its rows describe."""
        cls.name = name = cls.definition.name
        if "table" in vars(cls):
            return
        cls.table = cls.definition
        *others, last = cls.required
        needed = f"{', '.join(others)} and {last}" if others else last
        cls.help = (
            f"Load descriptions for the table {name} (Parquet, JSON Lines, CSV; gzip or not).\n\n"
            f"Required columns: {needed}."
        )
        cls.example = f"obslake load {name} {name}.jsonl --data-set mine"

    def context(self, file: SourceFile, options: Options) -> dict[str, object] | None:
        """Return the context in the options and folders."""
        return {**options.context(), **columns_in_path(file, options)}

    def identity(self, file: SourceFile, options: Options) -> dict[str, object]:
        """Return the options and the columns in the folders."""
        return {**options.identity(), **columns_in_path(file, options)}

    def constants(self) -> dict[str, str]:
        """Return the texts of columns in rows that have none."""
        return {}

    def stage(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Sequence[SourceFile],
        options: Options,
    ) -> Staged:
        """Create the view of the table; unknown columns are left out with a warning."""
        run_sql_file(connection, SQL / "zones.sql")
        definition = self.definition
        run_sql_file(connection, SQL / "protocol.sql")
        texts = [
            options.renames.get(field.name, field.name).lower()
            for field in definition.schema.fields
            if isinstance(field.field_type, StringType | MapType)
        ]
        files = [
            tabulate(connection, f, exact=texts, plain=texts) for f in with_options(files, options)
        ]
        relation = create_text_view(connection, "given_rows", files)
        known, unknown = match_columns(definition, files, relation.columns, options.renames)
        constants = self.constants()
        require_columns(definition, files, known, relation.columns, self.required)
        faulty = check_rows(
            connection,
            files,
            Rules(
                known,
                required=self.required,
                casts=[*typed_columns(definition), *self.objects],
                choices=self.choices,
            ),
            options.max_faulty,
        )
        leave_out(connection, "text_rows", "given_rows", faulty)
        set_variables(
            connection, {"data_set": options.data_set, "environment": options.environment}
        )
        columns = [
            f"{_typed(_value(definition, field.name, known, constants), sql_type(field.field_type))} "
            f"as {quote_identifier(field.name)}"
            for field in self.table.schema.fields
            if field.name != "load_id"
        ]
        connection.execute(
            f"create temp view {quote_identifier('loaded_' + self.table.name)} as "
            f"select {', '.join(columns)} from text_rows"
        )
        return Staged(
            views=loaded(self.table),
            warnings=[
                *retyped(definition, known, relation.types),
                *(f"column {c} is not part of {definition.name}: left out" for c in unknown),
            ],
        )


class ImplementationsReader(DescriptionsReader):
    """``obslake load implementations``."""

    definition = IMPLEMENTATIONS
    required = ("problem_id", "implementation_id")


class TestsReader(DescriptionsReader):
    """``obslake load tests``."""

    definition = TESTS
    required = ("problem_id", "test_id")


class RunsReader(DescriptionsReader):
    """``obslake load runs``."""

    definition = RUNS
    required = ("run_id",)
    objects = (Cast("attributes", "object"),)


class MeasurementsReader(DescriptionsReader):
    """``obslake load measurements``."""

    definition = MEASUREMENTS
    required = ("problem_id", "subject_kind", "subject_id", "metric")
    choices = (Choice("subject_kind", ("implementation", "system", "test", "problem")),)


def _value(
    definition: TableDefinition,
    column: str,
    known: Mapping[str, str],
    constants: Mapping[str, str],
) -> str:
    """Return the SQL of a column's value as text."""
    value = quote_identifier(known[column]) if column in known else "null"
    if column == "attributes" and column in known:
        return f"from_json({value}, '\"MAP(VARCHAR, VARCHAR)\"')"
    if column == "content_hash" and "content" in known:
        return f"coalesce({value}, sha256({quote_identifier(known['content'])}))"
    if column in constants:
        return f"coalesce({value}, {quote_literal(constants[column])})"
    if column == "data_set_id":
        return f"coalesce({value}, getvariable('data_set'))"
    if column == "environment_id" and definition is RUNS:
        return f"coalesce({value}, getvariable('environment'))"
    return value


def _typed(value: str, type_: str) -> str:
    """Return the SQL that converts a text to the type of its column."""
    return f"moment({value})" if type_ == "timestamptz" else f"cast({value} as {type_})"
