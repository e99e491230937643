"""Set aside the whole actuation of each faulty cell of a LASSO export."""

from collections.abc import Sequence

import duckdb

from obslake.engine import glob_literal, quote_literal, temp_directory
from obslake.load.sources.files import SourceFile
from obslake.load.sources.relations import create_text_view

# Columns that identify an actuation. If one is null, the cell may belong to any actuation.
_NEEDED = ("executionid", "abstractionid", "actionid", "sheetid", "systemid")
# May be null in valid cells.
_OPTIONAL = ("variantid", "adapterid")


def leave_out_actuations(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[SourceFile],
    typed: Sequence[str],
    faulty: str,
) -> None:
    """Set aside all cells of actuations with a faulty cell, and recreate ``source_cells`` without them.

    Args:
        connection: has the view ``source_cells`` (all columns of an export) and the macros of
            ``protocol.sql``.
        files: the files with the cells.
        typed: as in ``create_text_view``.
        faulty: SQL condition for the faulty cells, which are already set aside.
    """
    connection.execute(
        f"""
        create or replace temp table no_cells as select * from source_cells limit 0;
        create or replace temp table faulty_cells as
        select distinct
            {", ".join((*_NEEDED, *_OPTIONAL))},
            {_ARENA} as arena,
            {_STEP} as step
        from source_cells
        where {faulty} and coalesce({_STEP} >= 0, true);
        create or replace temp table exact_cells as
        from faulty_cells where {" and ".join(f"{c} is not null" for c in (*_NEEDED, "step"))};
        create or replace temp table vague_cells as
        from faulty_cells where {" or ".join(f"{c} is null" for c in (*_NEEDED, "step"))};
        """
    )
    for file in files:
        _set_aside_affected(connection, file, typed, faulty)
    # Later queries scan the cells several times, column by column: filter them once.
    sound = temp_directory(connection) / "sound_cells.parquet"
    connection.execute(
        f"""
        copy (
            select * exclude (_obslake_position)
            from source_cells as cells
            where not coalesce({faulty}, false) and not {_AFFECTED}
        ) to {quote_literal(str(sound))} (format parquet)
        """
    )
    connection.execute(
        "create or replace temp view source_cells as "
        f"from read_parquet({quote_literal(glob_literal(sound))}, hive_partitioning = false)"
    )


def _set_aside_affected(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, typed: Sequence[str], faulty: str
) -> None:
    """Set aside the valid cells of a file whose actuation has a faulty cell."""
    create_text_view(connection, "checked_rows", [file], typed, with_records=True)
    connection.execute(
        f"""
        insert into set_aside
        select
            _obslake_file,
            _obslake_row,
            null,
            'belongs to an actuation with a cell that cannot be understood',
            _obslake_record,
            'row',
            null
        from (select * from no_cells union all by name select * from checked_rows) as cells
        where not coalesce({faulty}, false) and {_AFFECTED}
        """
    )


_ARENA = "if(is_random_arena(arenaid), null, arenaid)"
_STEP = "if(try_cast(y as integer) = try_cast(y as double), try_cast(y as integer), null)"
_SAME_OPTIONAL = " and ".join(
    [
        *(f"faults.{c} is not distinct from cells.{c}" for c in _OPTIONAL),
        f"faults.arena is not distinct from {_ARENA}",
    ]
)
_EXACT = " and ".join(
    [*(f"faults.{c} = cells.{c}" for c in _NEEDED), f"faults.step = {_STEP}", _SAME_OPTIONAL]
)
_VAGUE = " and ".join(
    [
        *(f"(faults.{c} is null or faults.{c} = cells.{c})" for c in _NEEDED),
        f"(faults.step is null or faults.step = {_STEP})",
        _SAME_OPTIONAL,
    ]
)
_AFFECTED = (
    f"coalesce({_STEP} >= 0 and (exists (from exact_cells as faults where {_EXACT}) "
    f"or exists (from vague_cells as faults where {_VAGUE})), false)"
)
