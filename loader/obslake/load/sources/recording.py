"""Recordings of the pytest plugin: JSON Lines that begin with a session record."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from obslake.engine import (
    quote_identifier,
    quote_literal,
    run_sql_file,
    set_variables,
    temp_directory,
)
from obslake.errors import SourceFormatError
from obslake.lakehouse.schemas import IMPLEMENTATIONS, OBSERVATIONS, RESPONSE_KINDS, RUNS, TESTS
from obslake.load.sources import SQL
from obslake.load.sources.base import OneStepReader, Options, Staged, loaded
from obslake.load.sources.checks import Cast, Choice, Rules, check_rows, shorten
from obslake.load.sources.cut_off import whole_lines
from obslake.load.sources.files import SourceFile
from obslake.load.sources.records import FileRecords
from obslake.load.sources.relations import create_text_view
from obslake.load.sources.set_aside import Tolerance

# The newest supported format of recordings.
_FORMAT = "1"

# Fields by record.
_REQUIRED = {
    "session": ("problem_id", "implementation_id"),
    "start": ("test_id",),
    "example": ("test_id", "example"),
    "call": ("test_id", "step_id"),
    "test": ("test_id",),
    "end": (),
}
_OPTIONAL = {
    "session": (
        "format",
        "tool",
        "data_set_id",
        "system",
        "lineage",
        "revision",
        "environment_id",
        "run_id",
        "started_at",
        "git_commit",
        "git_branch",
        "pipeline",
        "attributes",
    ),
    "start": ("attempt", "started_at"),
    "example": ("attempt", "arguments"),
    "call": (
        "example",
        "attempt",
        "operation",
        "target",
        "inputs",
        "output",
        "response_kind",
        "duration_ns",
        "observed_at",
    ),
    "test": ("attempt", "outcome", "duration_ns", "file", "line", "n_steps", "drawn_by", "seed"),
    "end": (
        "ended_at",
        "n_calls",
        "n_tests",
        "left_out",
        "failures",
        "examples",
        "names_the_process",
    ),
}
_CASTS = (
    Cast("step_id", "integer", is_counted=True),
    Cast("attempt", "integer", is_counted=True),
    Cast("duration_ns", "bigint"),
    Cast("observed_at", "timestamptz"),
    Cast("started_at", "timestamptz"),
)
_FIELDS = tuple(
    dict.fromkeys(
        field
        for record in _REQUIRED
        for field in ("record", *_REQUIRED[record], *_OPTIONAL[record])
    )
)


class RecordingReader(OneStepReader):
    """``obslake load recording``."""

    name = "recording"
    help = """Load recordings of the pytest plugin (JSON Lines; gzip or not).

    If a recording ends in the middle of a line, because the tests were killed, the lines before are loaded.
    """
    example = "obslake load recording behaviour.jsonl.gz --data-set mine"
    suffixes = (".jsonl", ".ndjson")
    whole_files = False
    takes_run = True
    # The context of a line is its session, which has the identity.
    identity_in_context = True

    def stage(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Sequence[SourceFile],
        options: Options,
    ) -> Staged:
        """Create the views of ``sql/recording.sql`` on the lines of the files."""
        run_sql_file(connection, SQL / "protocol.sql")
        run_sql_file(connection, SQL / "zones.sql")
        run_sql_file(connection, SQL / "recording_lines.sql")
        warnings = []
        unknown: Counter[str] = Counter()
        for file in files:
            whole = whole_lines(file, temp_directory(connection))
            if whole is not file:
                warnings.append(f"{file.name} is cut off: loaded up to its last whole line")
            _add_lines(connection, whole, unknown, options.max_faulty)
        set_variables(
            connection,
            {
                "data_set": options.data_set,
                "environment": options.environment,
                "run": options.run,
            },
        )
        run_sql_file(connection, SQL / "recording_tests.sql")
        run_sql_file(connection, SQL / "recording.sql")
        records = connection.execute("from unknown_records").fetchall()
        warnings += [f"records of unknown type {record}: {n:,}, left out" for record, n in records]
        warnings += [
            f"records with unknown field {field}: {n:,}, the field is left out"
            for field, n in unknown.items()
        ]
        # Steps that were set aside are said elsewhere.
        if not connection.execute("from set_aside limit 1").fetchall():
            missing = connection.execute("from missing_steps").fetchall()
            warnings += [
                f"steps that are not in the files: {n_steps:,}, counted by the last records of {n:,} sessions"
                for n, n_steps in missing
            ]
        return Staged(
            views=loaded(IMPLEMENTATIONS, TESTS, RUNS, OBSERVATIONS),
            warnings=warnings,
            advice_on_repeats="record each run with a different --obslake-run",
        )

    def write_records(self, records: FileRecords, path: Path) -> list[SourceFile]:
        """Write lines of a recording, each after its session record."""
        rows = records.connection.execute(
            f"select n, record, context from {records.those()} order by n"
        )
        session = None
        position = 0
        places: list[tuple[int | None, int]] = []
        with path.open("w", encoding="utf-8") as stream:
            while batch := rows.fetchmany(1000):
                for n, record, context in batch:
                    if context not in (None, session):
                        stream.write(context + "\n")
                        position += 1
                    session = context or record
                    stream.write(record + "\n")
                    position += 1
                    places.append((position, n))
        return [records.written(path, "json", places)]


def _add_lines(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    unknown: Counter[str],
    tolerance: Tolerance,
) -> None:
    """Add the lines of a file to ``recording_lines``, and count its unknown fields."""
    relation = create_text_view(connection, "source_lines", [file])
    _check_session(connection, file, relation.columns)
    present = [field for field in _FIELDS if field in relation.columns]
    faulty = {
        record: check_rows(
            connection,
            [file],
            Rules(
                {c: c for c in present},
                required=required,
                casts=_CASTS,
                choices=(Choice("response_kind", RESPONSE_KINDS),),
                only=("record", record),
            ),
            tolerance,
        )
        for record, required in _REQUIRED.items()
    }
    if any(faulty.values()):
        _leave_out_lines(connection, file, faulty)
    columns = ", ".join(map(quote_identifier, present))
    # A file that was concatenated from several recordings has several sessions.
    connection.execute(
        f"""
        insert into recording_lines by name
        select
            {columns},
            _obslake_time as source_time,
            (select coalesce(max(session), 0) from recording_lines)
            + count(*) filter (where record = 'session') over (rows unbounded preceding) as session
        from source_lines
        """
    )
    if others := [field for field in relation.columns if field not in _FIELDS]:
        counts = ", ".join(f"count({quote_identifier(field)})" for field in others)
        known = ", ".join(map(quote_literal, _REQUIRED))
        (found,) = connection.execute(
            f"select {counts} from source_lines where record in ({known})"
        ).fetchall()
        unknown.update({field: n for field, n in zip(others, found, strict=True) if n})


def _leave_out_lines(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, faulty: Mapping[str, str | None]
) -> None:
    """Recreate ``source_lines`` without faulty lines, and add the session to lines set aside.

    If a session record is faulty, all lines of its session are set aside.
    """
    create_text_view(connection, "given_lines", [file], with_records=True)
    any_fault = " or ".join(condition for condition in faulty.values() if condition)
    connection.execute(
        f"""
        create or replace temp table numbered_lines as
        select
            *,
            coalesce({any_fault}, false) as _obslake_is_faulty,
            count(*) filter (where record = 'session')
                over (order by _obslake_row rows unbounded preceding) as _obslake_session
        from given_lines;

        create or replace temp table sessions_of_file as
        select _obslake_session, _obslake_record as session_record, _obslake_is_faulty as is_lost
        from numbered_lines
        where record = 'session';

        update set_aside
        set context = session_record
        from numbered_lines join sessions_of_file using (_obslake_session)
        where
            file = _obslake_file and position = _obslake_row and record_form = 'row'
            and numbered_lines.record is distinct from 'session';

        insert into set_aside
        select
            _obslake_file,
            _obslake_row,
            null,
            'belongs to a session that cannot be understood',
            _obslake_record,
            'row',
            session_record
        from numbered_lines join sessions_of_file using (_obslake_session)
        where is_lost and not _obslake_is_faulty;

        create or replace temp view source_lines as
        select numbered_lines.* exclude (
            _obslake_file, _obslake_row, _obslake_record, _obslake_is_faulty, _obslake_session
        )
        from numbered_lines join sessions_of_file using (_obslake_session)
        where not _obslake_is_faulty and not is_lost
        order by _obslake_row
        """
    )


def _check_session(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, columns: Sequence[str]
) -> None:
    rows = (
        connection.execute("select record from source_lines limit 1").fetchall()
        if file.format == "json" and "record" in columns
        else []
    )
    if not rows or rows[0][0] != "session":
        raise SourceFormatError(
            f"{file.name}: not a recording: its first line is not a session record\n"
            "  load rows with named columns with `obslake load observations`"
        )
    if "format" not in columns:
        return
    newer = connection.execute(
        "select format from source_lines where record = 'session' and format <> ? limit 1",
        [_FORMAT],
    ).fetchall()
    if newer:
        raise SourceFormatError(
            f"{file.name}: a recording in format {shorten(newer[0][0])}; this version reads format {_FORMAT}"
        )
