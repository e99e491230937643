"""Views on the tables that are used for a long time, as in a build."""

import os
import time

import duckdb
import pytest
from obslake import engine
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
