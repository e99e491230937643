"""LASSO arena exports (Parquet, the older CSV) and the Solr export of their candidates (JSON)."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from obslake.engine import quote_literal, run_sql_file, set_variables
from obslake.errors import SourceFormatError
from obslake.schemas import IMPLEMENTATIONS, MEASUREMENTS, OBSERVATIONS, RUNS, TESTS
from obslake.sources.base import Options, Reader, StagedLoad
from obslake.sources.checks import Cast, check_rows
from obslake.sources.files import SourceFile, glob_literal
from obslake.sources.relations import create_text_view, unreadable

# Stands for the environment of exports whose arena has only a random id.
ARENA_ENVIRONMENT = "arena"

# Cells of an export that are brought together at a time.
CELLS_PER_PART = 3_000_000

_REQUIRED = (
    "EXECUTIONID",
    "ABSTRACTIONID",
    "ACTIONID",
    "SHEETID",
    "SYSTEMID",
    "X",
    "Y",
    "TYPE",
    "VALUE",
)
_OPTIONAL = (
    "ARENAID",
    "VARIANTID",
    "ADAPTERID",
    "RAWVALUE",
    "VALUETYPE",
    "LASTMODIFIED",
    "EXECUTIONTIME",
)
_NOT_NULL = tuple(c for c in _REQUIRED if c != "VALUE")
_CASTS = (Cast("X", "integer"), Cast("Y", "integer"), Cast("LASTMODIFIED", "timestamptz"))


class LassoReader(Reader):
    """``obslake load lasso``."""

    name = "lasso"

    def stage(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Sequence[SourceFile],
        options: Options,
    ) -> StagedLoad:
        """Create the views of ``sql/lasso.sql`` on the files."""
        cells = [f for f in files if f.format != "json"]
        candidates = [f for f in files if f.format == "json"]
        warnings: list[str] = []
        if cells:
            typed = [cast.column for cast in _CASTS]
            relation = create_text_view(connection, "source_cells", cells, typed)
            warnings += _check_columns(relation.columns, cells)
            known = {c: c for c in (*_REQUIRED, *_OPTIONAL)}
            check_rows(connection, cells, known=known, required=_NOT_NULL, casts=_CASTS)
        else:
            connection.execute(
                "create temp view source_cells as select null::varchar as executionid where false"
            )
        _create_candidates_view(connection, candidates)
        set_variables(
            connection, {"data_set": options.data_set, "arena_environment": ARENA_ENVIRONMENT}
        )
        run_sql_file(connection, "protocol")
        run_sql_file(connection, "lasso")
        warnings += _candidate_warnings(connection)
        return StagedLoad(
            tables=(IMPLEMENTATIONS, TESTS, RUNS, MEASUREMENTS, OBSERVATIONS),
            warnings=warnings,
            parts=_split(connection),
        )


def _split(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Split the cells of a large export into files by problem and test.

    The cells of an actuation stand anywhere in an export, and bringing them together needs memory for
    all of them at once, which DuckDB cannot spill: so it is done part by part.

    Returns:
        Statements that show one part each, in the order of problems and tests.
    """
    ((cells, folder),) = connection.execute(
        "select count(*), current_setting('temp_directory') from step_cells"
    ).fetchall()
    if cells <= CELLS_PER_PART:
        return ()
    connection.execute(
        f"""
        create temp table cell_parts as
        select
            problem_id,
            test_id,
            sum(n) over (order by problem_id, test_id rows unbounded preceding) // {CELLS_PER_PART} as part
        from (select problem_id, test_id, count(*) as n from step_cells group by problem_id, test_id)
        """
    )
    connection.execute(
        f"""
        copy (select step_cells.*, part from step_cells join cell_parts using (problem_id, test_id))
        to {quote_literal(f"{folder}/cells")} (format parquet, partition_by (part), compression lz4)
        """
    )
    parts = connection.execute("select distinct part from cell_parts order by part").fetchall()
    return tuple(
        "create or replace temp view step_cells as select * exclude (part) from "
        f"read_parquet({quote_literal(f'{glob_literal(Path(folder))}/cells/part={part}/*.parquet')})"
        for (part,) in parts
    )


def _check_columns(columns: Sequence[str], files: Sequence[SourceFile]) -> list[str]:
    present = {c.upper() for c in columns}
    missing = [c for c in _REQUIRED if c not in present]
    if missing:
        raise SourceFormatError(
            f"{files[0].name}: not a LASSO arena export: no column {', '.join(missing)}\n"
            f"  its columns: {', '.join(columns)}\n"
            "  rows with other columns are loaded with `obslake load observations`"
        )
    unknown = [c for c in columns if c.upper() not in (*_REQUIRED, *_OPTIONAL)]
    return [f"column {c} is not part of a LASSO export: left out" for c in unknown]


def _create_candidates_view(
    connection: duckdb.DuckDBPyConnection, files: Sequence[SourceFile]
) -> None:
    """Show the documents of Solr exports, one JSON value a row, in ``source_candidates``."""
    if not files:
        connection.execute(
            "create temp view source_candidates as select null::json as document where false"
        )
        return
    # An export is one JSON value: it is read as a whole, so its size bounds the memory.
    size = max(
        f.path.stat().st_size * (1 if f.compression == "uncompressed" else 20) for f in files
    )
    scan = (
        "read_json_objects(getvariable('candidate_paths'), format = 'unstructured', "
        f"maximum_object_size = {min(size + 1024, 4 << 30)})"
    )
    for file in files:
        set_variables(connection, {"candidate_paths": [glob_literal(file.path)]})
        try:
            ((without,),) = connection.execute(
                "select count(*) filter (json_type(json, '$.response.docs') is distinct from 'ARRAY') "
                f"from {scan}"
            ).fetchall()
        except duckdb.Error as error:
            raise unreadable(file, error) from error
        if without:
            raise SourceFormatError(f"{file.name}: not a Solr export: no array at response.docs")
    set_variables(connection, {"candidate_paths": [glob_literal(f.path) for f in files]})
    connection.execute(
        "create temp view source_candidates as "
        f"select unnest(json_extract(json, '$.response.docs[*]')) as document from {scan}"
    )


def _candidate_warnings(connection: duckdb.DuckDBPyConnection) -> list[str]:
    ((nameless, homeless),) = connection.execute(
        "select "
        "(select count(*) from source_candidates where json_extract_string(document, '$.id') is null), "
        "(select count(*) from candidates where problem_id is null)"
    ).fetchall()
    warnings = []
    if nameless:
        warnings.append(f"candidates without id: {nameless:,}, left out")
    if homeless:
        warnings.append(f"candidates without abstractionId: {homeless:,}, loaded without metrics")
    return warnings
