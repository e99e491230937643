"""What is pinned is what DuckDB's views show, whatever happens to the tables afterwards."""

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
    """Rows of the table that another engine reads."""
    return lake.open().table(PINNED).scan().to_arrow().to_pylist()


def as_pinned(lake: Lake) -> Contents:
    """What an engine shows that reads the pinned snapshots, without the loads that are hidden."""
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
    """What DuckDB's views show now."""
    contents: Contents = {}
    with engine.connect() as connection:
        create_source_views(lake.open(), connection)
        for definition in ALL_TABLES:
            rows = connection.execute(f"from lake.{definition.name}").fetchall()
            contents[definition.name] = Counter(map(repr, rows))
        for name in ("loads", "shown", "forgotten"):
            contents[name] = Counter(connection.execute(f"from lake.{name}").fetchall())
    return contents


def test_nothing_was_loaded(lake: Lake) -> None:
    lake.obslake("init")
    out, _ = lake.obslake("pin")
    assert out.splitlines() == [
        "pinned: nothing of observations, 0 loads",
        "next: dbt build --target spark",
    ]
    assert as_pinned(lake) == as_viewed(lake)


def test_a_history(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loads, one that was interrupted, what was forgotten, taken back and removed."""
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

    # What happens afterwards is not seen until it is pinned.
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


def test_what_is_loaded_between_looking_and_pinning_is_not_half_seen(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two pin at once: the one that comes second has seen what the first has."""
    lake.load("observations", part(lake, 0))
    lake.obslake("pin")

    def load_and_pin() -> None:
        lake.load("observations", part(lake, 1))
        pin(Lakehouse.open(lake.home))

    done = just_before_commit(monkeypatch, load_and_pin, "pinned")
    assert pin(lake.open()).loads == 2
    assert done
    assert as_pinned(lake) == as_viewed(lake)


def test_what_never_was_is_not_pinned(lake: Lake) -> None:
    """Not even a table for it is made, which another engine would take for a pin."""
    lake.load("observations", part(lake, 0))
    with pytest.raises(SnapshotNotFoundError, match="observations has no snapshot 4"):
        lake.obslake("pin", "--to", "4")
    assert not lake.open().has(PINNED)


def test_one_snapshot_and_one_file_each(lake: Lake) -> None:
    for number in range(3):
        lake.load("observations", part(lake, number))
        lake.obslake("pin")
        table = lake.open().table(PINNED)
        assert len(table.metadata.snapshots) == number + 1
        assert len(table.inspect.files()) == 1
    lake.obslake("verify", "--deep", "--older-than", "0s")


def test_a_pin_that_comes_second_leaves_nothing(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.load("observations", part(lake, 0))
    lake.obslake("pin")
    done = just_before_commit(monkeypatch, lambda: pin(Lakehouse.open(lake.home)), "pinned")
    pin(lake.open())
    assert done
    out, _ = lake.obslake("verify", "--older-than", "0s", "--json")
    assert json.loads(out)["orphans"] == []


def test_what_is_being_pinned_is_no_orphan(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.load("observations", part(lake, 0))

    def remove_orphans() -> None:
        lake.obslake("verify", "--remove-orphans", "--older-than", "0s")

    done = just_before_commit(monkeypatch, remove_orphans, "pinned")
    pin(lake.open())
    assert done
    assert as_pinned(lake) == as_viewed(lake)


@pytest.mark.parametrize("pattern", ["*.avro", "*.metadata.json"])
def test_what_is_damaged_is_made_anew(lake: Lake, pattern: str) -> None:
    lake.load("observations", part(lake, 0))
    lake.obslake("pin")
    gone = list((lake.home / "warehouse/obslake/pinned/metadata").glob(pattern))
    assert gone
    for path in gone:
        path.unlink()
    lake.obslake("pin")
    assert as_pinned(lake) == as_viewed(lake)
    lake.obslake("verify", "--deep")
