"""Reads quarantined records again, and loads those that can now be understood."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from obslake import engine
from obslake.engine import quote_literal, reason
from obslake.errors import ObslakeError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.schemas import QUARANTINE, RUNS
from obslake.lakehouse.views import create_source_views
from obslake.lakehouse.workfolder import work_folder
from obslake.load.appending import Load, commit_load
from obslake.load.claim import LoadedMeanwhileError
from obslake.load.history import History, retry_key
from obslake.load.quarantine import all_columns, chosen_load, open_loads
from obslake.load.report import LoadReport
from obslake.load.sources import set_aside
from obslake.load.sources.base import Options, Staged
from obslake.load.sources.files import SourceFile
from obslake.load.sources.records import LINES, FileRecords
from obslake.load.sources.registry import reader_class
from obslake.progress import Progress


@dataclass(frozen=True)
class Retry:
    """The result of a retry of the records that one load has set aside.

    Attributes:
        load_id: that load.
        records: number of records that it had set aside.
        retried_by: the load that has appended the records understood now; None: there are none.
        rows: number of appended rows, by table, including the quarantine.
        set_aside: number of records that are still not understood.
        reason: why no record can be read, if there is one reason for all.
    """

    load_id: str
    records: int
    retried_by: str | None = None
    rows: dict[str, int] = field(default_factory=dict)
    set_aside: int = 0
    reason: str | None = None


def retry(lakehouse: Lakehouse, load_id: str | None, progress: Progress) -> Iterator[Retry]:
    """Read the records that were set aside again, with the same reader and options.

    For each load with such records, a new load appends those that are understood now, and sets the others aside
    again with their current reasons. So a record is either loaded or set aside, and repeating a retry appends
    nothing. Repeating an interrupted retry completes it.

    Args:
        lakehouse: the lakehouse to read and load into.
        load_id: only the records of this load.
        progress: shows the progress of the retry.

    Raises:
        QuarantineError: the load has no records set aside.
    """
    with engine.connect() as connection:
        loads = open_loads(lakehouse, connection)
    if load_id:
        loads = chosen_load(loads, load_id)
    for each, records in loads.items():
        # If another process has retried the same records meanwhile, that process reports the result.
        with suppress(LoadedMeanwhileError):
            yield _retry(lakehouse, each, records, progress)


def _retry(lakehouse: Lakehouse, load_id: str, records: int, progress: Progress) -> Retry:
    with (
        work_folder(lakehouse.home, ".load-") as folder,
        engine.connect(temp_directory=folder) as connection,
    ):
        create_source_views(lakehouse, connection)
        connection.execute(
            "create temp table retried as select *, "
            "row_number() over (order by file, position nulls first) as n "
            f"from ({all_columns('lake.quarantine')}) where load_id = {quote_literal(load_id)}"
        )
        ((reader_name, saved),) = connection.execute(
            "select reader, options from retried limit 1"
        ).fetchall()
        options = json.loads(saved)
        load = Load(
            lakehouse,
            connection,
            reader_class(reader_name)(**options["settings"]),
            _options(options),
            LoadReport(),
            progress,
        )
        set_aside.begin(connection)
        files = _write_records(load, folder, options["columns"])
        try:
            staged = _staged(load, files)
        except (ObslakeError, duckdb.Error) as error:
            text = reason(error) if isinstance(error, duckdb.Error) else str(error)
            return Retry(load_id, records, set_aside=records, reason=text.splitlines()[0])
        left = _stage_rest(connection)
        if left >= records:
            return Retry(load_id, records, set_aside=records)
        load.history = History.read(lakehouse)
        key = retry_key(load_id)
        if key in load.history.complete:
            raise LoadedMeanwhileError
        load.begin([key])
        load.report.sources = sorted({file.name.removesuffix(LINES) for file in files})
        if left:
            staged = replace(staged, views={**staged.views, QUARANTINE.name: "rest"})
        commit_load(load, staged, [key])
        return Retry(load_id, records, load.report.load_id, load.report.rows, left)


def _write_records(load: Load, folder: Path, columns: list[str]) -> list[SourceFile]:
    """Write the records to files for the reader."""
    connection = load.connection
    connection.execute("create temp table retried_rows (file varchar, position bigint, n bigint)")
    groups = connection.execute(
        "select file, max(file_time) from retried group by file order by file"
    ).fetchall()
    return [
        file
        for number, (name, modified_at) in enumerate(groups)
        for file in load.reader.write_records(
            FileRecords(connection, name, modified_at, columns), folder / f"retried-{number}"
        )
    ]


def _options(saved: dict[str, Any]) -> Options:
    return Options(
        data_set=saved["data_set"],
        environment=saved["environment"],
        run=saved["run"],
        renames=saved["renames"],
        # The outputs of records set aside as columns are already text of the protocol.
        outputs="text",
        as_oracle=saved.get("as_oracle", False),
        sample=saved.get("sample"),
        delimiter=saved.get("delimiter"),
        max_faulty=set_aside.ANY,
    )


def _staged(load: Load, files: list[SourceFile]) -> Staged:
    opened = load.reader.open(load.connection, files)
    for file, why in opened.refused.items():
        set_aside.add_file(load.connection, file, why)
    with load.progress.task("reading", unit="rows"):
        staged = opened.stage(files, load.options)
    load.reader.check_part(load.connection)
    if RUNS.name not in staged.views:
        return staged
    # A few rows of a run must not replace the description that was derived from all of its rows.
    new_runs = f"""(
        from {staged.views[RUNS.name]} as loaded
        where not exists (
            from lake.runs
            where
                runs.data_set_id = loaded.data_set_id
                and runs.run_id = loaded.run_id
                and runs.environment_id = loaded.environment_id
        )
    )"""
    return replace(staged, views={**staged.views, RUNS.name: new_runs})


def _stage_rest(connection: duckdb.DuckDBPyConnection) -> int:
    """Put the records that are still not understood, with their current reasons, into the table ``rest``."""
    connection.execute(
        """
        create temp table rest as
        select
            retried.* replace (
                if(faults.n is null, retried.column_name, faults.column_name) as column_name,
                if(faults.n is null, retried.reason, faults.reason) as reason,
                ?::timestamptz as set_aside_at
            )
        from retried
        left join (select n from retried_rows) as passed using (n)
        left join (
            select retried_rows.n, set_aside.column_name, set_aside.reason
            from set_aside
            join retried_rows
                on set_aside.file = retried_rows.file
                and set_aside.position is not distinct from retried_rows.position
        ) as faults using (n)
        -- Records that were not passed to the reader are not understood either.
        where faults.n is not null or passed.n is null
        """,
        [datetime.now(UTC)],
    )
    ((left,),) = connection.execute("select count(*) from rest").fetchall()
    return int(left)
