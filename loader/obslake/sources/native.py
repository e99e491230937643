"""Observations: columns by the names of the table, and the published 20-column form."""

import json
from collections.abc import Sequence

import duckdb

from obslake.engine import quote_identifier, run_sql_file, set_variables
from obslake.schemas import (
    IMPLEMENTATIONS,
    MEASUREMENTS,
    OBSERVATIONS,
    RESPONSE_KINDS,
    RUNS,
    TESTS,
)
from obslake.sources.base import Options, Reader, StagedLoad
from obslake.sources.checks import Cast, Choice, check_rows, leave_out, shorten
from obslake.sources.columns import match_columns, require_columns, retyped, typed_columns
from obslake.sources.files import SourceFile
from obslake.sources.lasso import ARENA_ENVIRONMENT
from obslake.sources.relations import TextRelation, create_text_view

# The rest of an observation has defaults.
_REQUIRED_OBSERVATION = ("problem_id", "implementation_id", "test_id")

_PUBLISHED = (
    "data_set_id",
    "problem_id",
    "implementation_id",
    "test_id",
    "implementation_hash",
    "test_hash",
    "run_id",
    "environment_id",
    "step_id",
    "operation",
    "inputs",
    "output",
    "execution_time_ms",
    "memory_used_mb",
    "branch_coverage_percent",
    "created_at",
    "git_commit_hash",
    "ci_pipeline_id",
    "researcher_name",
    "specified_oracle",
)


class ObservationsReader(Reader):
    """``obslake load observations``."""

    name = "observations"
    salvages_rows = True

    def stage(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Sequence[SourceFile],
        options: Options,
    ) -> StagedLoad:
        """Create the views of ``sql/native.sql`` or ``sql/published.sql`` on the files."""
        run_sql_file(connection, "protocol")
        set_variables(
            connection,
            {
                "data_set": options.data_set,
                "environment": options.environment,
                "run": options.run,
                "arena_environment": ARENA_ENVIRONMENT,
            },
        )
        typed = [options.renames.get(c.column, c.column) for c in typed_columns(OBSERVATIONS)]
        relation = create_text_view(connection, "given_rows", files, typed)
        if {c.lower() for c in relation.columns} >= set(_PUBLISHED):
            return self._stage_published(connection, files, relation.columns, options)
        return self._stage_native(connection, files, relation, options)

    def _stage_published(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Sequence[SourceFile],
        columns: Sequence[str],
        options: Options,
    ) -> StagedLoad:
        faulty = check_rows(
            connection,
            files,
            known={c: c for c in _PUBLISHED},
            required=_REQUIRED_OBSERVATION,
            casts=(
                Cast("step_id", "integer", is_counted=True),
                Cast("execution_time_ms", "double"),
                Cast("created_at", "timestamptz"),
            ),
            tolerance=options.max_faulty,
        )
        leave_out(connection, "source_rows", "given_rows", faulty)
        run_sql_file(connection, "published")
        unknown = [c for c in columns if c.lower() not in _PUBLISHED]
        return StagedLoad(
            tables=(IMPLEMENTATIONS, TESTS, RUNS, MEASUREMENTS, OBSERVATIONS),
            warnings=[f"column {c} is not part of the published form: left out" for c in unknown],
        )

    def _stage_native(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Sequence[SourceFile],
        relation: TextRelation,
        options: Options,
    ) -> StagedLoad:
        columns = relation.columns
        known, unknown = match_columns(OBSERVATIONS, files, columns, options.renames)
        require_columns(OBSERVATIONS, files, known, columns, (*_REQUIRED_OBSERVATION, "output"))
        faulty = check_rows(
            connection,
            files,
            required=_REQUIRED_OBSERVATION,
            casts=typed_columns(OBSERVATIONS),
            choices=(Choice("response_kind", RESPONSE_KINDS),),
            known=known,
            tolerance=options.max_faulty,
        )
        leave_out(connection, "text_rows", "given_rows", faulty)
        _create_source_rows(connection, known)
        constants, warnings = _constant_columns(connection, unknown)
        set_variables(connection, {"attributes": json.dumps(constants)})
        run_sql_file(connection, "native")
        return StagedLoad(
            tables=(RUNS, OBSERVATIONS),
            warnings=[*retyped(OBSERVATIONS, known, relation.types), *warnings],
            columns=relation.types,
            targets={source: target for target, source in known.items()},
        )


def _create_source_rows(connection: duckdb.DuckDBPyConnection, known: dict[str, str]) -> None:
    columns = [
        f"{quote_identifier(source)} as {quote_identifier(c)}" for c, source in known.items()
    ]
    connection.execute(
        f"create temp view source_rows as select {', '.join(columns)}, _obslake_time from text_rows"
    )


def _constant_columns(
    connection: duckdb.DuckDBPyConnection, unknown: Sequence[str]
) -> tuple[dict[str, str], list[str]]:
    """Find unknown columns that have one value throughout: they say something about the run."""
    if not unknown:
        return {}, []
    quoted = [quote_identifier(c) for c in unknown]
    parts = [f"min({c}), max({c}), count(*) = count({c})" for c in quoted]
    row = connection.execute(f"select {', '.join(parts)} from text_rows").fetchall()[0]
    constants: dict[str, str] = {}
    warnings: list[str] = []
    for index, column in enumerate(unknown):
        low, high, is_complete = row[3 * index : 3 * index + 3]
        if low is None:
            continue
        if low == high and is_complete:
            constants[column] = low
            warnings.append(
                f"column {column} is always {shorten(low)!r}: kept as an attribute of the run"
            )
        else:
            warnings.append(
                f"column {column} is not part of observations: left out "
                f"(--map NAME={column} loads it as column NAME)"
            )
    return constants, warnings
