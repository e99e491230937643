"""What the marts were built from, as reports state it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import duckdb

from obslake.errors import ReportError
from obslake.version import __version__


@dataclass(frozen=True)
class Load:
    """A load whose rows the marts have.

    Attributes:
        load: its id.
        at: when it was made, UTC to the second.
        tables: the tables in which it has rows of problems.
        data_sets: the data sets that it has rows of.
        problems: number of problems that it has rows of.
    """

    load: str
    at: str
    tables: str
    data_sets: str
    problems: int


@dataclass(frozen=True)
class Built:
    """What the marts were built from.

    Attributes:
        snapshot_id: snapshot of ``observations``; None: the marts do not say.
        loads: all loads, the latest first.
        versions: versions of obslake and DuckDB, as text.
    """

    snapshot_id: int | None
    loads: tuple[Load, ...]
    versions: str

    @property
    def text(self) -> str:
        """One sentence for people."""
        snapshot = f"snapshot {self.snapshot_id}" if self.snapshot_id else "an unknown snapshot"
        last = f", last load {self.loads[0].at} UTC" if self.loads else ""
        return f"Built from {snapshot} of the observations{last}, by {self.versions}."


@contextmanager
def of_this_version() -> Iterator[None]:
    """Read marts, and say what to do about marts that another version of obslake has built.

    Raises:
        ReportError: they have other tables or columns than are read.
    """
    try:
        yield
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise ReportError(
            f"the marts are not those that obslake {__version__} builds: {str(error).splitlines()[0]}\n"
            "  build them again: run `obslake build`"
        ) from error


def read_built(marts: duckdb.DuckDBPyConnection) -> Built:
    """Return what the marts were built from; marts that other tools have copied may not say it."""
    versions = f"obslake {__version__}, DuckDB {duckdb.__version__}"
    tables = marts.execute(
        "select count(*) from duckdb_tables() where schema_name = 'main_refresh' "
        "and table_name in ('refresh_models', 'refresh_load_problems')"
    ).fetchone()
    if tables != (2,):
        return Built(None, (), versions)
    snapshots = marts.execute(
        "select snapshot_id from main_refresh.refresh_models where model = 'refresh_source_versions'"
    ).fetchall()
    loads = marts.execute(
        "select load_id, "
        "coalesce(string_agg(distinct source_model, ', ' order by source_model) "
        "filter (data_set_id is not null), ''), "
        "coalesce(string_agg(distinct data_set_id, ', ' order by data_set_id), ''), "
        # Each load has one row without a problem: it says that the load was read.
        "count(distinct (data_set_id, problem_id)) filter (data_set_id is not null) "
        "from main_refresh.refresh_load_problems group by load_id order by load_id desc"
    ).fetchall()
    return Built(
        snapshots[0][0] if snapshots else None,
        tuple(
            Load(load, load_time(load), tables.replace("stg_", ""), data_sets, problems)
            for load, tables, data_sets, problems in loads
        ),
        versions,
    )


def load_time(load_id: str) -> str:
    """Return when a load was made: its id is a UUIDv7, which begins with the milliseconds since 1970."""
    try:
        milliseconds = UUID(load_id).int >> 80
        return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return ""
