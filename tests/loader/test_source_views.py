"""Views on the tables that are used for a long time, as in a build."""

import os
import shutil
import time

import duckdb
import pytest
from obslake import engine
from obslake.errors import MovedLakehouseError
from obslake.lakehouse import catalog_file, kept_views
from obslake.lakehouse.moved import local_path
from obslake.lakehouse.schemas import OBSERVATIONS
from obslake.lakehouse.views import create_source_views

from tests.harness.lake import Lake, observation

COUNT = "select count(*) from lake.observations"


def commit_often(lake: Lake, times: int = 101) -> None:
    """Commit to observations more often than the number of metadata files kept."""
    table = lake.open().table(OBSERVATIONS)
    for number in range(times):
        table.transaction().set_properties({"number": str(number)}).commit_transaction()


def test_metadata_is_kept_for_long_readers(lake: Lake) -> None:
    lake.load("observations", lake.jsonl("o.jsonl", [observation()]))
    kept = lake.home / "kept"
    with engine.connect() as reader, engine.connect() as builder:
        create_source_views(lake.open(), reader)
        create_source_views(lake.open(), builder, keep=kept)
        commit_often(lake)
        lake.load("observations", lake.jsonl("p.jsonl", [observation(test_id="u")]))
        with pytest.raises(duckdb.IOException, match="No such file"):
            reader.execute(COUNT)
        assert builder.execute(COUNT).fetchall() == [(1,)]


def test_copies_of_metadata_are_removed_after_a_day(lake: Lake) -> None:
    lake.obslake("init")
    kept = lake.home / "kept"
    with engine.connect() as connection:
        create_source_views(lake.open(), connection, keep=kept)
        first = set(kept.iterdir())
        commit_often(lake, 1)
        create_source_views(lake.open(), connection, keep=kept)
        # The other tables have no new metadata.
        assert len(set(kept.iterdir()) - first) == 1
        for path in kept.iterdir():
            os.utime(path, (0, time.time() - 90_000))
        create_source_views(lake.open(), connection, keep=kept)
        assert len(list(kept.iterdir())) == len(first)
        assert connection.execute(COUNT).fetchall() == [(0,)]


def test_views_are_kept_until_something_changes(lake: Lake) -> None:
    lake.load("observations", lake.jsonl("o.jsonl", [observation()]))
    kept = lake.home / "kept"

    def version(as_of: int | None = None) -> tuple[str, dict[str, str]]:
        tables = kept_views.local_tables(lake.home)
        assert tables
        return kept_views.version_of_views(tables, as_of, kept), tables

    def are_kept(as_of: int | None = None) -> bool:
        noted, tables = version(as_of)
        return kept_views.has_views(connection, noted, tables, kept)

    def create() -> None:
        create_source_views(lake.open(), connection, keep=kept)
        kept_views.note_views(connection, version()[0])

    with engine.connect() as connection:
        assert not are_kept()
        create()
        assert are_kept()
        assert not are_kept(as_of=1)
        lake.load("observations", lake.jsonl("p.jsonl", [observation(test_id="u")]))
        assert not are_kept()
        # Whoever begins to replace them leaves no version, even if it does not end.
        noted, tables = version()
        create_source_views(lake.open(), connection, keep=kept)
        assert not kept_views.has_views(connection, noted, tables, kept)
        create()
        assert connection.execute(COUNT).fetchall() == [(2,)]
        connection.execute("drop view lake.runs")
        assert not are_kept()
        create()
        for path in kept.iterdir():
            os.utime(path, (0, 0))
        assert are_kept()
        copies = [kept_views.kept_copy(*item, kept) for item in version()[1].items()]
        assert all(copy.stat().st_mtime for copy in copies)
        copies[0].write_text("")
        assert not are_kept()
        create()
        assert are_kept()
        copies[0].unlink()
        assert not are_kept()


def test_tables_elsewhere_are_left_to_pyiceberg(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kept_views.local_tables(lake.home.with_name("none")) is None
    tables = kept_views.local_tables(lake.home)
    assert tables == {
        table.name()[-1]: table.metadata_location for table in lake.open().tables_of("obslake")
    }
    # A copy would read the files of its original.
    copy = lake.home.with_name("copy")
    shutil.copytree(lake.home, copy)
    with pytest.raises(MovedLakehouseError, match="was moved or copied"):
        kept_views.local_tables(copy)
    metadata = local_path(tables["observations"])
    metadata.rename(metadata.with_name("hidden"))
    assert kept_views.local_tables(lake.home) is None
    metadata.with_name("hidden").rename(metadata)
    monkeypatch.setattr(catalog_file, "has_default_catalog", lambda: False)
    assert kept_views.local_tables(lake.home) is None
