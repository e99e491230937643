"""Loads are exactly those with rows, even if other tools change the history of the tables."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from obslake.errors import VerificationError
from obslake.lakehouse import commits, recount
from obslake.lakehouse.ledger import Ledger, committed_loads
from obslake.lakehouse.schemas import ALL_TABLES, OBSERVATIONS, RUNS
from obslake.upkeep.expiry import expire

from tests.harness.lake import KeptLakes, Lake
from tests.loader.maintenance import just_before_commit
from tests.loader.native import (
    as_of_earlier_version,
    cherry_pick,
    expire_all,
    expire_as_java,
    set_current,
)
from tests.loader.test_observations import published


@pytest.fixture(autouse=True)
def _no_retry_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "_LONGEST_WAIT_SECONDS", 0.0)
    # A restored copy of a lakehouse has the same snapshot ids as in another test.
    monkeypatch.setattr(recount, "_counted", {})


@pytest.fixture
def loaded(kept_lakes: KeptLakes) -> Lake:
    """A lakehouse after three loads with rows for every table."""
    return kept_lakes.get("loads for other tools", load_three)


def load_three(lake: Lake) -> None:
    for run in "abc":
        load(lake, run)


def load(lake: Lake, run: str) -> dict[str, Any]:
    rows = [
        published(run_id=run, step_id=n, memory_used_mb=1.0, specified_oracle=False)
        for n in range(6)
    ]
    return lake.load("observations", lake.parquet(f"{run}.parquet", rows))


def runs(lake: Lake) -> str:
    """Return the loads whose rows a query sees, in order; each must be complete."""
    question = (
        "select run_id, count(*) as n, (select count(*) from lake.runs where run_id = o.run_id) as r, "
        "(select count(*) from lake.loads) as loads from lake.observations as o group by run_id order by 1"
    )
    rows = json.loads(lake.obslake("sql", question, "--json")[0])
    assert all((row["n"], row["r"], row["loads"]) == (6, 1, len(rows)) for row in rows), rows
    return "".join(row["run_id"] for row in rows)


def snapshots(lake: Lake) -> list[dict[str, Any]]:
    return json.loads(lake.obslake("status", "--snapshots", "--json")[0])["snapshots"]


def assert_each_once(lake: Lake, there: str) -> None:
    """Check which loads are visible and recognised, and that each other one can be loaded once."""
    assert runs(lake) == there
    lake.obslake("verify")
    for run in "abc":
        assert (load(lake, run)["load_id"] is None) == (run in there), run
        assert load(lake, run)["load_id"] is None
    assert runs(lake) == "abc"
    lake.obslake("verify")


def test_loads_rolled_back_by_another_tool_can_be_loaded_again(loaded: Lake) -> None:
    first, _, third = snapshots(loaded)
    set_current(loaded, first["snapshot_id"])
    assert [s.get("rolled_back", False) for s in snapshots(loaded)] == [False, True, True]
    load(loaded, "c")
    assert_each_once(loaded, "ac")
    # Restore them.
    set_current(loaded, third["snapshot_id"])
    assert_each_once(loaded, "abc")


def test_a_branch_that_becomes_the_main_branch(loaded: Lake) -> None:
    first, _, third = (s["snapshot_id"] for s in snapshots(loaded))
    table = loaded.open().table(OBSERVATIONS)
    table.manage_snapshots().create_branch(third, "kept").commit()
    set_current(loaded, first)
    assert runs(loaded) == "a"
    table = loaded.open().table(OBSERVATIONS)
    table.manage_snapshots().set_current_snapshot(ref_name="kept").commit()
    assert_each_once(loaded, "abc")


@pytest.mark.parametrize("expired", [False, True])
def test_a_cherry_picked_load(loaded: Lake, expired: bool) -> None:
    first, _, third = (s["snapshot_id"] for s in snapshots(loaded))
    set_current(loaded, first)
    cherry_pick(loaded, third)
    if expired:
        expire_all(loaded)
    assert_each_once(loaded, "ac")


@pytest.mark.parametrize("remove", [expire_all, expire_as_java])
def test_snapshots_removed_by_another_tool(loaded: Lake, remove: Callable[..., object]) -> None:
    set_current(loaded, snapshots(loaded)[1]["snapshot_id"])
    loaded.obslake("compact")
    for definition in ALL_TABLES:
        remove(loaded, definition)
    assert_each_once(loaded, "ab")
    # Afterwards only the recorded notes are left.
    for definition in ALL_TABLES:
        remove(loaded, definition)
    assert_each_once(loaded, "abc")


def test_notes_on_loads_of_an_earlier_version(loaded: Lake) -> None:
    """The first new commit records them, so that other tools may remove their snapshots."""
    as_of_earlier_version(loaded, ALL_TABLES)
    load(loaded, "d")
    for definition in ALL_TABLES:
        expire_all(loaded, definition)
    for run in "abcd":
        assert load(loaded, run)["load_id"] is None
    assert runs(loaded) == "abcd"


def test_records_carried_over_by_an_earlier_version(loaded: Lake) -> None:
    for definition in ALL_TABLES:
        table = loaded.open().table(definition)
        notes = [
            [load.sequence_number, load.load_id, load.keys, load.rows]
            for load in committed_loads(table.metadata)[:-1]
        ]
        table.transaction().set_properties(
            {"obslake.expired-loads.1": json.dumps(notes)}
        ).commit_transaction()
    as_of_earlier_version(loaded, ALL_TABLES)
    for definition in ALL_TABLES:
        expire_all(loaded, definition)
    assert "known by" not in load(loaded, "a")["stderr"]
    assert_each_once(loaded, "abc")


@pytest.mark.parametrize("remove", [expire_all, expire_as_java])
def test_loads_known_only_by_their_rows(loaded: Lake, remove: Callable[..., object]) -> None:
    """Their keys are lost, which is reported; the loads are not."""
    as_of_earlier_version(loaded, ALL_TABLES)
    for definition in ALL_TABLES:
        remove(loaded, definition)
    assert runs(loaded) == "abc"
    loaded.obslake("verify")
    for _ in range(2):
        report = load(loaded, "c")
        assert report["load_id"] is None
        assert report["warnings"] == [
            "another tool has removed snapshots: 2 of the loads are known by their rows only; sources "
            "that they have read cannot be recognised, and would be loaded again"
        ]
    load(loaded, "d")
    # The result is recorded: rows are not read again.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recount, "_count", None)
        for definition in ALL_TABLES:
            remove(loaded, definition)
        assert runs(loaded) == "abcd"
        assert load(loaded, "d")["load_id"] is None
    loaded.obslake("verify")


def test_keys_are_restored_from_other_tables(loaded: Lake) -> None:
    as_of_earlier_version(loaded, ALL_TABLES)
    expire_all(loaded, OBSERVATIONS)
    assert load(loaded, "a")["warnings"] == []
    assert_each_once(loaded, "abc")


def test_a_load_that_is_restored_meanwhile(loaded: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _, third = (s["snapshot_id"] for s in snapshots(loaded))
    set_current(loaded, first)
    done = just_before_commit(monkeypatch, lambda: set_current(loaded, third), "observations")
    report = load(loaded, "b")
    assert done
    assert report["load_id"] is None
    assert_each_once(loaded, "abc")


def test_a_load_that_is_restored_and_rolled_back_meanwhile(loaded: Lake) -> None:
    """Others may have seen it, and dropped the rows that an unfinished load of its source had written."""
    first, second, third = (s["snapshot_id"] for s in snapshots(loaded))
    set_current(loaded, first)
    then = Ledger(loaded.open().table(OBSERVATIONS).metadata).moment
    assert not Ledger(loaded.open().table(OBSERVATIONS).metadata).touched_since(then)
    set_current(loaded, third)
    set_current(loaded, second)
    set_current(loaded, first)
    touched = Ledger(loaded.open().table(OBSERVATIONS).metadata).touched_since(then)
    assert [load.load_id for load in touched] == [s["load_id"] for s in snapshots(loaded)[1:]]


def test_a_load_that_is_rolled_back_meanwhile(
    loaded: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = snapshots(loaded)[0]["snapshot_id"]
    done = just_before_commit(monkeypatch, lambda: set_current(loaded, first), "observations")
    assert load(loaded, "d")["load_id"]
    assert done
    assert runs(loaded) == "ad"
    assert load(loaded, "d")["load_id"] is None


def test_the_age_of_a_snapshot_that_was_restored(loaded: Lake) -> None:
    """It counts from the last time that another snapshot replaced it."""
    first = snapshots(loaded)[0]["snapshot_id"]
    set_current(loaded, first)
    moment = datetime.now(UTC)
    load(loaded, "d")
    assert expire(loaded.open(), OBSERVATIONS, moment, keep=1).snapshots == 2
    assert snapshots(loaded)[0]["snapshot_id"] == first
    assert runs(loaded) == "ad"


def test_descriptions_rolled_back_by_another_tool(loaded: Lake) -> None:
    """Observations decide: queries find the rows in an earlier snapshot, and a rollback restores them."""
    table = loaded.open().table(RUNS)
    set_current(loaded, table.snapshots()[0].snapshot_id, RUNS)
    assert runs(loaded) == "abc"
    report = load(loaded, "b")
    assert report["load_id"] is None
    newest = snapshots(loaded)[-1]["snapshot_id"]
    assert report["warnings"] == [
        "runs: another tool has removed the rows of 2 of the loads\n"
        f"  restore them with `obslake rollback --to {newest}`"
    ]
    assert load(loaded, "d")["load_id"]
    newest = snapshots(loaded)[-1]["snapshot_id"]
    with pytest.raises(VerificationError):
        loaded.obslake("verify")
    loaded.obslake("rollback", "--to", newest, "--yes")
    assert runs(loaded) == "abcd"
    assert load(loaded, "b")["warnings"] == []
    loaded.obslake("verify")
