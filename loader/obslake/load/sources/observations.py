"""Observations: rows with the table's column names, or in the published 20-column form."""

import json
from collections.abc import Sequence
from dataclasses import replace

import click
import duckdb

from obslake.engine import quote_identifier, run_sql_file, set_variables
from obslake.lakehouse.schemas import (
    IMPLEMENTATIONS,
    MEASUREMENTS,
    OBSERVATIONS,
    RESPONSE_KINDS,
    RUNS,
    TESTS,
)
from obslake.load.sources import SQL
from obslake.load.sources.base import OneStepReader, Options, Staged, loaded
from obslake.load.sources.checks import (
    Cast,
    Choice,
    Reserved,
    Rules,
    check_rows,
    leave_out,
    shorten,
)
from obslake.load.sources.columns import match_columns, require_columns, retyped, typed_columns
from obslake.load.sources.command_options import READING
from obslake.load.sources.files import SourceFile
from obslake.load.sources.folders import columns_in_path, with_options
from obslake.load.sources.outputs import read_outputs
from obslake.load.sources.relations import TextRelation, create_text_view
from obslake.load.sources.samples import (
    check_samples,
    counted_samples,
    sample_column,
    sample_number,
)
from obslake.load.sources.tabulation import tabulate

# Words that suggest which column of the table a user's column corresponds to.
_MEANT = {
    "duration_ns": ("time_ns", "duration", "elapsed_ns", "nanos"),
    "attempt": ("attempt", "trial", "retry", "repetition"),
    "observed_at": ("timestamp", "created_at", "datetime"),
    "environment_id": ("environment", "platform", "python_version"),
    "run_id": ("run",),
    "step_id": ("step",),
}

# Words that suggest that a column tells samples of one implementation apart.
_OF_SAMPLES = ("sample", "seed", "completion", "generation", "candidate")

_ADVICE_ON_KINDS = (
    "if the column is empty, the kind follows from the output, also from words such as PASS"
)

_ONLY_OF_ORACLE = Reserved(
    "alternative",
    ("implementation_id", "oracle"),
    "is an alternative of a specified response, which only rows of implementation oracle have (a file of expected "
    "answers: --as-oracle; samples: --sample alternative; anything else: give the column another name)",
)

# The other columns have defaults.
_REQUIRED_OBSERVATION = ("problem_id", "implementation_id", "test_id")

# Columns whose text is kept exactly as written.
_TEXT_COLUMNS = (
    "data_set_id",
    "problem_id",
    "implementation_id",
    "test_id",
    "environment_id",
    "run_id",
    "operation",
    "target",
    "inputs",
    "output",
    "test_content_hash",
    "alternative",
)

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


class ObservationsReader(OneStepReader):
    """``obslake load observations``."""

    name = "observations"
    takes_run = True
    help = """Load rows of your own (Parquet, JSON Lines, CSV; gzip or not), one per actuation.

    The columns problem_id, implementation_id, test_id and output are required. Rows in the 20-column
    form of published observation lakehouses are recognised.
    """
    example = (
        "obslake load observations results.jsonl.gz --data-set mine --run nightly-17\n"
        "generate | obslake load observations - --map duration_ns=time_ns"
    )
    options = (
        click.Option(
            ["--environment"],
            default="default",
            show_default=True,
            help="Environment of rows without one.",
        ),
        click.Option(["--run"], help="Run of rows without one [default: the load itself]."),
        *READING,
        click.Option(
            ["--outputs"],
            type=click.Choice(["auto", "text", "values", "verdicts"]),
            default="auto",
            show_default=True,
            help=(
                "Strings in column output are text of the response protocol, returned values, or verdicts of a "
                "harness; auto: whichever fits all rows of a file, which is refused if text and values both do."
            ),
        ),
        click.Option(
            ["--as-oracle"],
            is_flag=True,
            help="The rows are expected answers: their implementation is oracle, whatever they name.",
        ),
        click.Option(
            ["--sample"],
            metavar="COLUMN",
            help="Samples of one implementation, told apart by COLUMN, are implementations: model#3.",
        ),
        click.Option(
            ["--count-samples"],
            is_flag=True,
            help="The same without a column: rows that share all keys are samples, numbered in their order.",
        ),
    )
    salvages_rows = True

    def stage(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Sequence[SourceFile],
        options: Options,
    ) -> Staged:
        """Create the views of ``sql/observations.sql`` or ``sql/published.sql`` on the files."""
        run_sql_file(connection, SQL / "protocol.sql")
        run_sql_file(connection, SQL / "zones.sql")
        set_variables(
            connection,
            {
                "data_set": options.data_set,
                "environment": options.environment,
                "run": options.run,
            },
        )
        typed = [options.renames.get(c.column, c.column) for c in typed_columns(OBSERVATIONS)]
        texts = [options.renames.get(c, c).lower() for c in _TEXT_COLUMNS]
        output = options.renames.get("output", "output")
        files = [
            tabulate(connection, f, exact=texts, output=output.lower())
            for f in with_options(files, options)
        ]
        kind = options.renames.get("response_kind", "response_kind")
        files, notes = read_outputs(connection, files, output, kind, options.outputs)
        relation = create_text_view(connection, "given_rows", files, typed)
        is_published = {c.lower() for c in relation.columns} >= set(_PUBLISHED)
        check_samples(options, is_published=is_published)
        if is_published and not options.as_oracle:
            staged = self._stage_published(connection, files, relation.columns, options)
        else:
            staged = self._stage_native(connection, files, relation, options)
        return replace(
            staged,
            warnings=[*notes, *staged.warnings],
            advice_on_repeats="name a column that tells them apart: samples of one implementation with --sample "
            "COLUMN, or number them with --count-samples; retries with --map attempt=COLUMN; runs with --map "
            "run_id=COLUMN; several right answers of the oracle with --map alternative=COLUMN",
        )

    def identity(self, file: SourceFile, options: Options) -> dict[str, object]:
        """Return the options and the values from the folder names."""
        return {**options.identity(), **columns_in_path(file, options)}

    def context(self, file: SourceFile, options: Options) -> dict[str, object]:
        """Return where the rows belong; renamed columns or another reading of outputs do not change that."""
        return {**options.context(), **columns_in_path(file, options)}

    def _stage_published(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Sequence[SourceFile],
        columns: Sequence[str],
        options: Options,
    ) -> Staged:
        faulty = check_rows(
            connection,
            files,
            Rules(
                {c: c for c in _PUBLISHED},
                required=_REQUIRED_OBSERVATION,
                casts=(
                    Cast("step_id", "integer", is_counted=True),
                    Cast("execution_time_ms", "double"),
                    Cast("created_at", "timestamptz"),
                ),
                choices=(Choice("specified_oracle", ("true", "false"), in_any_case=True),),
            ),
            options.max_faulty,
        )
        leave_out(connection, "source_rows", "given_rows", faulty)
        run_sql_file(connection, SQL / "published.sql")
        unknown = [c for c in columns if c.lower() not in _PUBLISHED]
        return Staged(
            views=loaded(IMPLEMENTATIONS, TESTS, RUNS, MEASUREMENTS, OBSERVATIONS),
            warnings=[f"column {c} is not part of the published form: left out" for c in unknown],
        )

    def _stage_native(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Sequence[SourceFile],
        relation: TextRelation,
        options: Options,
    ) -> Staged:
        columns = relation.columns
        known, unknown = match_columns(OBSERVATIONS, files, columns, options.renames)
        required = [
            c for c in _REQUIRED_OBSERVATION if not (options.as_oracle and c == "implementation_id")
        ]
        require_columns(OBSERVATIONS, files, known, columns, (*required, "output"))
        sample = sample_column(options, files, columns)
        if sample is not None and known.get("alternative") == sample:
            del known["alternative"]
        faulty = check_rows(
            connection,
            files,
            Rules(
                known,
                required=required,
                casts=typed_columns(OBSERVATIONS),
                choices=(Choice("response_kind", RESPONSE_KINDS, advice=_ADVICE_ON_KINDS),),
                reserved=() if options.as_oracle else (_ONLY_OF_ORACLE,),
            ),
            options.max_faulty,
        )
        leave_out(connection, "text_rows", "given_rows", faulty)
        unknown = [c for c in unknown if c != sample]
        replaced = known.pop("implementation_id", None) if options.as_oracle else None
        _create_source_rows(connection, known, options, sample)
        free = [c for c in OBSERVATIONS.column_names if c not in (*known, "load_id")]
        constants, warnings = _constant_columns(connection, unknown, free)
        # pandas makes whole numbers floats if some are missing, as those of the first alternatives are. In a text,
        # `1.0` is another name than `1`.
        are_floats = relation.types.get(known.get("alternative", "")) in ("DOUBLE", "FLOAT")
        set_variables(
            connection, {"attributes": json.dumps(constants), "names_are_floats": are_floats}
        )
        run_sql_file(connection, SQL / "observations.sql")
        described = [IMPLEMENTATIONS] if sample or options.count_samples else []
        return Staged(
            views=loaded(*described, RUNS, OBSERVATIONS),
            warnings=[
                *retyped(OBSERVATIONS, known, relation.types),
                *([f"column {replaced} is left out: rows are the oracle's"] if replaced else []),
                *warnings,
            ],
            columns=relation.types,
            targets={source: target for target, source in known.items()},
        )


def _create_source_rows(
    connection: duckdb.DuckDBPyConnection,
    known: dict[str, str],
    options: Options,
    sample: str | None,
) -> None:
    columns = [
        f"{quote_identifier(source)} as {quote_identifier(c)}" for c, source in known.items()
    ]
    if options.as_oracle:
        columns.append("'oracle' as implementation_id")
    if sample:
        columns.append(f"{sample_number(sample)} as _obslake_sample")
    query = f"select {', '.join(columns)}, _obslake_time from text_rows"
    if options.count_samples:
        query = counted_samples(query, known)
    connection.execute(f"create temp view source_rows as {query}")


def _constant_columns(
    connection: duckdb.DuckDBPyConnection, unknown: Sequence[str], free: Sequence[str]
) -> tuple[dict[str, str], list[str]]:
    """Return unknown columns with the same value in all rows, which describe the run, and warnings."""
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
                f"column {column} is not part of observations: left out{_advice(column, free)}"
            )
    return constants, warnings


def _advice(column: str, free: Sequence[str]) -> str:
    """Return the option that would load a column, into a column of the table that is still free."""
    if any(word in column.lower() for word in _OF_SAMPLES):
        return f" (--sample {column} makes each sample an implementation of its own)"
    for target, words in _MEANT.items():
        if target in free and any(word in column.lower() for word in words):
            return f" (--map {target}={column} loads it as {target})"
    if not free:
        return ""
    return f" (--map COLUMN={column} loads it as COLUMN: {', '.join(free)})"
