"""LASSO arena exports (Parquet, the older CSV) and the Solr export of their candidates (JSON)."""

import secrets
from collections.abc import Iterator, Sequence
from types import MappingProxyType

import duckdb

from obslake.engine import glob_literal, run_sql_file, set_variables
from obslake.errors import SourceFormatError
from obslake.lakehouse.schemas import IMPLEMENTATIONS, MEASUREMENTS, OBSERVATIONS, RUNS, TESTS
from obslake.load.sources import SQL
from obslake.load.sources.actuations import read_actuations
from obslake.load.sources.base import OneStepReader, Options, Staged, loaded
from obslake.load.sources.checks import Cast, Rules, check_rows
from obslake.load.sources.files import SourceFile
from obslake.load.sources.lasso_faults import leave_out_actuations
from obslake.load.sources.relations import create_text_view, unreadable

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


class LassoReader(OneStepReader):
    """``obslake load lasso``."""

    name = "lasso"
    help = """Load LASSO arena exports (Parquet, CSV) and the Solr export of their candidates (JSON).

    PATH is a file, a folder, a pattern, or - for standard input. Load all files of one export with
    one command: the cells of an actuation may be in several files.
    """
    example = "obslake load lasso srm.parquet candidates.json --data-set lasso-2025"
    identity_keys = MappingProxyType(
        {"problem_id": ("abstractionid",), "run_id": ("executionid", "actionid")}
    )

    def stage(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Sequence[SourceFile],
        options: Options,
    ) -> Staged:
        """Create the views of ``sql/lasso.sql`` on the files."""
        cells = [f for f in files if f.format != "json"]
        run_sql_file(connection, SQL / "zones.sql")
        candidates = [f for f in files if f.format == "json"]
        warnings: list[str] = []
        if cells:
            typed = [*(cast.column for cast in _CASTS), "EXECUTIONTIME"]
            relation = create_text_view(connection, "given_cells", cells, typed)
            warnings += _check_columns(relation.columns, cells)
            _create_cells_view(connection, relation.columns)
            known = {c: c for c in (*_REQUIRED, *_OPTIONAL)}
            faulty = check_rows(
                connection,
                cells,
                Rules(known, required=_NOT_NULL, casts=_CASTS),
                options.max_faulty,
            )
            if faulty:
                run_sql_file(connection, SQL / "protocol.sql")
                leave_out_actuations(connection, cells, typed, faulty)
        else:
            connection.execute(
                "create temp view given_cells as select null::timestamptz as _obslake_time where false"
            )
            _create_cells_view(connection, ())
        _create_candidates_view(connection, candidates)
        set_variables(connection, {"data_set": options.data_set})
        run_sql_file(connection, SQL / "protocol.sql")
        _name_origins_and_texts(connection)
        run_sql_file(connection, SQL / "lasso.sql")
        warnings += _candidate_warnings(connection)
        return Staged(
            views=loaded(IMPLEMENTATIONS, TESTS, RUNS, MEASUREMENTS, OBSERVATIONS),
            warnings=warnings,
            observations=read_actuations(connection, options.data_set),
        )

    def check_part(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Check that each cell alone identifies its test."""
        ((unknown,),) = connection.execute(
            "select count(*) from source_cells "
            "where systemid = 'oracle' and arenaid is not null and not is_random_arena(arenaid)"
        ).fetchall()
        if unknown:
            raise SourceFormatError(
                "the tests of an older arena's oracle can only be identified with the rest of the export: "
                "load the corrected export"
            )


def _name_origins_and_texts(connection: duckdb.DuckDBPyConnection) -> None:
    """Collect the repeated names and texts of cells, each with a unique hash.

    Hashes save time; equality never depends on them: if two different texts have the same hash, all texts are
    hashed again with another salt.
    """
    run_sql_file(connection, SQL / "lasso_texts.sql")
    for salt in _salts():
        set_variables(connection, {"hash_salt": salt})
        if _all_differ(connection, "equal_text_hashes"):
            run_sql_file(connection, SQL / "lasso_names.sql")
            if _all_differ(connection, "equal_hashes"):
                return


def _salts() -> Iterator[str | None]:
    """Yield None (no salt, the fastest), then random salts without end."""
    yield None
    while True:
        yield secrets.token_hex(8)


def _all_differ(connection: duckdb.DuckDBPyConnection, view: str) -> bool:
    ((n_equal,),) = connection.execute(f"select sum(n) from {view}").fetchall()
    return not n_equal


def _check_columns(columns: Sequence[str], files: Sequence[SourceFile]) -> list[str]:
    present = {c.upper() for c in columns}
    missing = [c for c in _REQUIRED if c not in present]
    if missing:
        raise SourceFormatError(
            f"{files[0].name}: not a LASSO arena export: no column {', '.join(missing)}\n"
            f"  its columns: {', '.join(columns)}\n"
            "  load rows with other columns with `obslake load observations`"
        )
    unknown = [c for c in columns if c.upper() not in (*_REQUIRED, *_OPTIONAL)]
    return [f"column {c} is not part of a LASSO export: left out" for c in unknown]


def _create_cells_view(connection: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> None:
    """Create ``source_cells``: ``given_cells`` with all columns of an export."""
    present = {c.upper() for c in columns}
    missing = [f"null::varchar as {c}" for c in (*_REQUIRED, *_OPTIONAL) if c not in present]
    connection.execute(
        f"create temp view source_cells as select {', '.join(['*', *missing])} from given_cells"
    )


def _create_candidates_view(
    connection: duckdb.DuckDBPyConnection, files: Sequence[SourceFile]
) -> None:
    """Create ``source_candidates``: the documents of Solr exports, one JSON value per row."""
    if not files:
        connection.execute(
            "create temp view source_candidates as select null::json as document where false"
        )
        return
    # An export is one JSON value and is read as a whole, so memory is bounded by its size.
    size = max(
        f.path.stat().st_size * (1 if f.compression == "uncompressed" else 20) for f in files
    )
    scans = {
        # The compression is explicit because standard input has no file name to detect it by.
        compression: f"read_json_objects(getvariable('{compression}_paths'), format = 'unstructured', "
        f"compression = '{compression}', maximum_object_size = {min(size + 1024, 4 << 30)})"
        for compression in ("uncompressed", "gzip", "zstd")
    }
    for file in files:
        set_variables(connection, {f"{file.compression}_paths": [glob_literal(file.path)]})
        try:
            ((without,),) = connection.execute(
                "select count(*) filter (json_type(json, '$.response.docs') is distinct from 'ARRAY') "
                f"from {scans[file.compression]}"
            ).fetchall()
        except duckdb.Error as error:
            raise unreadable(file, error) from error
        if without:
            raise SourceFormatError(f"{file.name}: not a Solr export: no array at response.docs")
    parts = []
    for compression in {f.compression: None for f in files}:
        paths = [glob_literal(f.path) for f in files if f.compression == compression]
        set_variables(connection, {f"{compression}_paths": paths})
        parts.append(
            "select unnest(json_extract(json, '$.response.docs[*]')) as document "
            f"from {scans[compression]}"
        )
    connection.execute(f"create temp view source_candidates as {' union all '.join(parts)}")


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
