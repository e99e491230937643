"""Checks loads against rows: each row belongs to a load, each load has its rows, no source is loaded twice."""

import itertools
from collections import Counter

import duckdb
from pyiceberg.table import Table

from obslake.engine import glob_literal, quote_identifier, reason, set_variables
from obslake.lakehouse.events import is_content
from obslake.lakehouse.ledger import Ledger, current_state, noted_loads
from obslake.lakehouse.schemas import ALL_TABLES, OBSERVATIONS
from obslake.lakehouse.snapshots import data_files_query, live_files
from obslake.lakehouse.visible import superseded_loads
from obslake.upkeep.verification.files import TableFiles
from obslake.upkeep.verification.report import Check


def check_loads(connection: duckdb.DuckDBPyConnection, tables: list[TableFiles]) -> list[Check]:
    """Check the rows of the current snapshots, except in tables with faulty files."""
    loads, sources, keys = Check("loads"), Check("sources"), Check("required values")
    sound = {files.name: files.table for files in tables if files.is_sound}
    for files in tables:
        if not files.is_sound:
            loads.notes.append(f"{files.name}: rows were not counted, because files are faulty")
    for definition in ALL_TABLES:
        if (table := sound.get(definition.name)) is None:
            continue
        required = [f.name for f in definition.schema.fields if f.required]
        try:
            rows, incomplete = _count(connection, table, required)
        except duckdb.Error as error:
            loads.fault(definition.name, f"rows cannot be counted: {reason(error)}")
            continue
        keys.counted += rows.total()
        if incomplete:
            keys.fault(definition.name, f"{incomplete:,} rows without {' or '.join(required)}")
        _check_rows(table, rows, loads)
    if observations := sound.get(OBSERVATIONS.name):
        _check_sources(observations, sources)
        _note_unfinished(observations, sound, loads)
        _check_lost(observations, sound, loads)
    return [loads, sources, keys]


def _count(
    connection: duckdb.DuckDBPyConnection, table: Table, required: list[str]
) -> tuple[Counter[str], int]:
    """Return the number of rows of each load, and of rows that lack a required value."""
    files = live_files(table, table.current_snapshot())
    if not files:
        return Counter(), 0
    set_variables(connection, {"files": [glob_literal(path) for path in files]})
    missing = " or ".join(f"{quote_identifier(column)} is null" for column in required)
    found = connection.execute(
        f"select load_id, count(*), count(*) filter (where {missing}) "
        f"from {data_files_query(connection, table)} group by load_id"
    ).fetchall()
    rows = Counter({str(load_id): count for load_id, count, _ in found})
    return rows, sum(incomplete for *_, incomplete in found)


def _check_rows(table: Table, rows: Counter[str], check: Check) -> None:
    state = current_state(table.metadata)
    name = table.name()[-1]
    for load_id in sorted(rows.keys() - state.loads.keys()):
        check.fault(
            name, f"has {rows[load_id]:,} rows of load {load_id}, which is not one of its loads"
        )
    for load_id, load in state.loads.items():
        check.counted += 1
        expected = state.rows(load)
        if expected is not None and rows[load_id] != expected:
            check.fault(
                name,
                f"has {rows[load_id]:,} rows of load {load_id}, which has committed {expected:,}",
            )


def _check_sources(observations: Table, check: Check) -> None:
    loaded: dict[str, str] = {}
    for load in current_state(observations.metadata).loads.values():
        # Users may load a content again with other options.
        for key in itertools.filterfalse(is_content, load.keys):
            check.counted += 1
            if earlier := loaded.get(key):
                check.fault(
                    OBSERVATIONS.name,
                    f"a source of load {earlier} was loaded again by load {load.load_id} (key {key})",
                )
            loaded[key] = load.load_id


def _note_unfinished(observations: Table, tables: dict[str, Table], check: Check) -> None:
    ended = noted_loads(observations.metadata)
    unfinished: set[str] = set()
    superseded: set[str] = set()
    for table in tables.values():
        unfinished |= current_state(table.metadata).loads.keys() - ended.keys()
        superseded |= superseded_loads(table.metadata, observations.metadata)
    check.notes += [
        f"load {load_id} was superseded by another load of its sources: its rows are hidden, until "
        "`obslake compact` drops them"
        for load_id in sorted(superseded)
    ]
    check.notes += [
        f"load {load_id} is being written, or was interrupted: loading its sources again completes it"
        for load_id in sorted(unfinished - superseded)
    ]


def _check_lost(observations: Table, tables: dict[str, Table], check: Check) -> None:
    complete = current_state(observations.metadata).loads
    for name, table in tables.items():
        for load_id in sorted(Ledger(table.metadata).lost(complete)):
            check.fault(
                name,
                f"has no rows of load {load_id} any more: another tool has removed them; "
                f"`obslake rollback --to {observations.metadata.current_snapshot_id}` restores them",
            )
