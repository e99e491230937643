"""The quarantine: stages the records that a load has set aside, and reads those of earlier loads."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import duckdb

from obslake import engine
from obslake.engine import quote_identifier, quote_literal
from obslake.errors import QuarantineError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.schemas import QUARANTINE, sql_type
from obslake.lakehouse.views import create_source_views
from obslake.load.appending import Load
from obslake.load.history import History, retry_key
from obslake.load.record_identity import identity_of_file, identity_query
from obslake.load.sources import set_aside
from obslake.load.sources.base import Staged
from obslake.load.sources.files import SourceFile

_COLUMNS = (
    "load_id",
    "file",
    "position",
    "column_name",
    "reason",
    "record",
    "record_form",
    "context",
    "reader",
    "set_aside_at",
)


@dataclass(frozen=True)
class QuarantinedRecords:
    """Records that are still set aside.

    Attributes:
        total: number of records.
        loads: number of records, by load.
        records: some of the records, as dictionaries by column.
    """

    total: int
    loads: dict[str, int]
    records: list[dict[str, Any]]


def stage_quarantine(load: Load, staged: Staged, sources: Mapping[str, SourceFile]) -> Staged:
    """Add the records that were set aside to the staged tables.

    Args:
        load: the load; its connection has the tables of ``sources/sql/set_aside.sql``, its options have the run.
        staged: the other tables.
        sources: the files by their keys.
    """
    connection = load.connection
    if not set_aside.count(connection):
        return staged
    ((columns,),) = connection.execute(
        "select coalesce(list(distinct name order by name), []) from "
        "(select unnest(columns) as name from checked_files)"
    ).fetchall()
    saved = {**load.options.identity(), "columns": columns, "settings": load.reader.settings()}
    connection.execute(
        "create or replace temp table set_aside_files "
        "(file varchar, source_key varchar, file_time timestamptz, "
        "data_set_id varchar, problem_id varchar, run_id varchar)"
    )
    connection.executemany(
        "insert into set_aside_files values (?, ?, ?, ?, ?, ?)",
        [
            [file.name, key, file.modified_at, *identity_of_file(load.reader, file, load.options)]
            for key, file in sources.items()
        ],
    )
    connection.execute(
        "create or replace temp table set_aside_by as "
        "select ? as reader, ? as options, ?::timestamptz as set_aside_at",
        [load.reader.name, json.dumps(saved, sort_keys=True), datetime.now(UTC)],
    )
    rows = (
        "(select set_aside.*, set_aside_by.*, source_key, file_time, "
        f"{identity_query(load.reader, columns, load.options)} "
        "from set_aside join set_aside_files using (file) cross join set_aside_by)"
    )
    return replace(staged, views={**staged.views, QUARANTINE.name: rows})


def read_quarantine(
    lakehouse: Lakehouse, *, load_id: str | None = None, limit: int = 0
) -> QuarantinedRecords:
    """Return the records that are still set aside, ordered by load, file and position.

    Args:
        lakehouse: the lakehouse to read.
        load_id: only records of this load.
        limit: return at most this many records; 0: all.

    Raises:
        QuarantineError: the load has no such records.
    """
    with engine.connect() as connection:
        loads = open_loads(lakehouse, connection)
        if load_id is not None:
            loads = chosen_load(loads, load_id)
        found = ", ".join(map(quote_literal, loads)) or "null"
        most = f" limit {limit}" if limit else ""
        answer = connection.execute(
            f"select {', '.join(_COLUMNS)} from lake.quarantine where load_id in ({found}) "
            f"order by load_id, file, position nulls first{most}"
        )
        records = [dict(zip(_COLUMNS, row, strict=True)) for row in answer.fetchall()]
    return QuarantinedRecords(sum(loads.values()), loads, records)


def all_columns(relation: str) -> str:
    """Return a query of records with all columns; columns that an older table lacks are null."""
    columns = ", ".join(
        f"null::{sql_type(field.field_type)} as {quote_identifier(field.name)}"
        for field in QUARANTINE.schema.fields
    )
    return f"from {relation} union all by name select {columns} where false"


def open_loads(lakehouse: Lakehouse, connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return the number of records that are still set aside, by load.

    The views of the lakehouse are created on the connection.
    """
    create_source_views(lakehouse, connection)
    if not lakehouse.has(QUARANTINE):
        return {}
    history = History.read(lakehouse)
    counted = connection.execute(
        "select load_id, count(*) from lake.quarantine group by load_id order by load_id"
    ).fetchall()
    return {load: n for load, n in counted if retry_key(load) not in history.complete}


def chosen_load(loads: dict[str, int], load_id: str) -> dict[str, int]:
    """Return one of the loads.

    Raises:
        QuarantineError: no records of it are set aside.
    """
    if load_id not in loads:
        raise QuarantineError(
            f"load {load_id} has no records set aside\n  list all loads with `obslake quarantine`"
        )
    return {load_id: loads[load_id]}
