"""A pin fixes the rows that DuckDB's views show, even if the tables change afterwards."""

import json
from collections import Counter

import pytest
from obslake import engine
from obslake.engine import quote_literal
from obslake.errors import SnapshotNotFoundError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.schemas import ALL_TABLES, PINNED
from obslake.lakehouse.views import create_source_views
from obslake.upkeep.pinning import pin

from tests.harness.lake import Lake
from tests.loader.maintenance import (
    InterruptedLoadError,
    interrupted_at,
    just_before_commit,
    part,
)

Contents = dict[str, Counter[object]]


def pinned(lake: Lake) -> list[dict[str, object]]:
    """Rows of the pin table, which other engines read."""
    return lake.open().table(PINNED).scan().to_arrow().to_pylist()


def as_pinned(lake: Lake) -> Contents:
    """The rows that another engine reads from the pinned snapshots, without hidden loads."""
    rows = pinned(lake)
    lakehouse = lake.open()
    contents: Contents = {}
    with engine.connect() as connection:
        for definition in ALL_TABLES:
            (row,) = (
                r for r in rows if r["kind"] == "table" and r["table_name"] == definition.name
            )
            hidden = [
                r["load_id"]
                for r in rows
                if r["kind"] == "hidden" and r["table_name"] == definition.name
            ]
            found = []
            if row["snapshot_id"] is not None:
                location = quote_literal(lakehouse.table(definition).metadata_location)
                found = connection.execute(
                    f"from iceberg_scan({location}, snapshot_from_id = {row['snapshot_id']}) "
                    "where not list_contains($1, load_id)",
                    [hidden],
                ).fetchall()
            contents[definition.name] = Counter(map(repr, found))
    return contents | {
        "loads": Counter((r["load_id"], r["revision"]) for r in rows if r["kind"] == "load"),
        "shown": Counter((r["snapshot_id"], r["digest"]) for r in rows if r["kind"] == "shown"),
        "forgotten": Counter(
            (r["forget_id"], r["data_set_id"], r["problem_id"])
            for r in rows
            if r["kind"] == "forgotten"
        ),
    }


def as_viewed(lake: Lake) -> Contents:
    """The rows that DuckDB's views show now."""
    contents: Contents = {}
    with engine.connect() as connection:
        create_source_views(lake.open(), connection)
        for definition in ALL_TABLES:
            rows = connection.execute(f"from lake.{definition.name}").fetchall()
            contents[definition.name] = Counter(map(repr, rows))
        for name in ("loads", "shown", "forgotten"):
            contents[name] = Counter(connection.execute(f"from lake.{name}").fetchall())
    return contents


def test_pinning_an_empty_lakehouse(lake: Lake) -> None:
    lake.obslake("init")
    out, _ = lake.obslake("pin")
    assert out.splitlines() == [
        "pinned: nothing of observations, 0 loads",
        "next: dbt build --target spark",
    ]
    assert as_pinned(lake) == as_viewed(lake)


def test_a_history(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loads, an interrupted one, and forgotten, rolled back and expired rows."""
    for number in range(3):
        lake.load("observations", part(lake, number), "--run", f"r{number}")
    with monkeypatch.context() as patch:
        interrupted_at(patch, "observations")
        with pytest.raises(InterruptedLoadError):
            lake.load("observations", part(lake, 3), "--run", "r3")
    lake.obslake("pin")
    before = as_viewed(lake)
    assert as_pinned(lake) == before
    assert [r["table_name"] for r in pinned(lake) if r["kind"] == "hidden"] == ["runs"]

    # Later changes are not visible until they are pinned.
    lake.load("observations", part(lake, 4), "--run", "r4")
    lake.obslake("forget", "--data-set", "default", "--problem", "p1", "--yes")
    lake.obslake("compact")
    assert as_pinned(lake) == before != as_viewed(lake)
    lake.obslake("pin")
    assert as_pinned(lake) == as_viewed(lake)

    out, _ = lake.obslake("status", "--snapshots", "--json")
    snapshot = json.loads(out)["snapshots"][1]["snapshot_id"]
    out, _ = lake.obslake("pin", "--to", snapshot, "--json")
    assert json.loads(out) == {"snapshot_id": snapshot, "loads": 2}
    assert len([r for r in pinned(lake) if r["kind"] == "load"]) == 2

    lake.obslake("rollback", "--to", snapshot, "--undo-forget", "--yes")
    lake.obslake("pin")
    assert as_pinned(lake) == as_viewed(lake)

    lake.obslake("expire", "--older-than", "0m")
    assert len(lake.open().table(PINNED).metadata.snapshots) == 1
    assert as_pinned(lake) == as_viewed(lake)
    lake.obslake("verify", "--older-than", "0m")


def test_a_load_between_reading_and_pinning_is_not_half_visible(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two pins at once: the later one includes the earlier one's loads."""
    lake.load("observations", part(lake, 0))
    lake.obslake("pin")

    def load_and_pin() -> None:
        lake.load("observations", part(lake, 1))
        pin(Lakehouse.open(lake.home))

    done = just_before_commit(monkeypatch, load_and_pin, "pinned")
    assert pin(lake.open()).loads == 2
    assert done
    assert as_pinned(lake) == as_viewed(lake)


def test_an_unknown_snapshot_is_not_pinned(lake: Lake) -> None:
    """No table is created for it, which another engine would take for a pin."""
    lake.load("observations", part(lake, 0))
    with pytest.raises(SnapshotNotFoundError, match="observations has no snapshot 4"):
        lake.obslake("pin", "--to", "4")
    assert not lake.open().has(PINNED)


def test_each_pin_has_one_snapshot_and_one_file(lake: Lake) -> None:
    for number in range(3):
        lake.load("observations", part(lake, number))
        lake.obslake("pin")
        table = lake.open().table(PINNED)
        assert len(table.metadata.snapshots) == number + 1
        assert len(table.inspect.files()) == 1
    lake.obslake("verify", "--deep", "--older-than", "0s")


def test_a_pin_that_loses_the_race_leaves_nothing(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.load("observations", part(lake, 0))
    lake.obslake("pin")
    done = just_before_commit(monkeypatch, lambda: pin(Lakehouse.open(lake.home)), "pinned")
    pin(lake.open())
    assert done
    out, _ = lake.obslake("verify", "--older-than", "0s", "--json")
    assert json.loads(out)["orphans"] == []


def test_files_of_a_running_pin_are_not_orphans(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.load("observations", part(lake, 0))

    def remove_orphans() -> None:
        lake.obslake("verify", "--remove-orphans", "--older-than", "0s")

    done = just_before_commit(monkeypatch, remove_orphans, "pinned")
    pin(lake.open())
    assert done
    assert as_pinned(lake) == as_viewed(lake)


@pytest.mark.parametrize("pattern", ["*.avro", "*.metadata.json"])
def test_missing_files_of_the_pin_table_are_rewritten(lake: Lake, pattern: str) -> None:
    lake.load("observations", part(lake, 0))
    lake.obslake("pin")
    gone = list((lake.home / "warehouse/obslake/pinned/metadata").glob(pattern))
    assert gone
    for path in gone:
        path.unlink()
    lake.obslake("pin")
    assert as_pinned(lake) == as_viewed(lake)
    lake.obslake("verify", "--deep")
