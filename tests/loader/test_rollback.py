"""`obslake rollback` resets all tables, does not disturb readers, and can be undone."""

import json
import os
import pty
import random
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from obslake import engine
from obslake.errors import ConfirmationError, RollbackError, SnapshotNotFoundError
from obslake.lakehouse import commits
from obslake.lakehouse.ledger import committed_loads
from obslake.lakehouse.schemas import OBSERVATIONS, RUNS, TABLES
from obslake.lakehouse.views import create_source_views
from obslake.load.history import History
from obslake.upkeep.expiry import expire
from obslake.upkeep.rollback import plan_rollback, roll_back

from tests.harness.lake import KeptLakes, Lake, observation
from tests.loader.maintenance import (
    InterruptedLoadError,
    contents,
    interrupted_at,
    just_before_commit,
    part,
    stored_files,
)
from tests.loader.test_load import everything

LOOK = " union all ".join(
    f"select '{t.name}' as t, count(*) as n from lake.{t.name}" for t in TABLES
)


@pytest.fixture(autouse=True)
def _no_retry_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "_LONGEST_WAIT_SECONDS", 0.0)


@pytest.fixture
def loaded(kept_lakes: KeptLakes) -> Lake:
    """A lakehouse after three loads with rows for every table, and one with only observations."""
    return kept_lakes.get("three loads and one", load_three_and_one)


def load_three_and_one(lake: Lake) -> None:
    for run in ("a", "b", "c"):
        lake.load("observations", everything(lake), "--run", run)
    lake.load("observations", part(lake, 0), "--run", "a")


def snapshots(lake: Lake) -> list[dict[str, Any]]:
    return json.loads(lake.obslake("status", "--snapshots", "--json")[0])["snapshots"]


def seen(lake: Lake) -> dict[str, int]:
    """Return the number of rows of each table that a query sees."""
    return {r["t"]: r["n"] for r in json.loads(lake.obslake("sql", LOOK, "--json")[0])}


def back(lake: Lake, to: object, *options: str) -> dict[str, Any]:
    return json.loads(lake.obslake("rollback", "--to", to, "--yes", "--json", *options)[0])


def test_all_tables_are_rolled_back_and_restored(lake: Lake) -> None:
    states = []
    for run in ("a", "b", "c"):
        lake.load("observations", everything(lake), "--run", run)
        states.append(contents(lake))
    assert all(states[0].values())
    first, second, third = (s["snapshot_id"] for s in snapshots(lake))
    stored = stored_files(lake)
    report = back(lake, first)
    assert contents(lake) == states[0]
    assert seen(lake) == {name: rows.total() for name, rows in states[0].items()}
    assert report["previous_snapshot_id"] == third
    assert len(report["loads_removed"]) == 2
    assert report["tables"][-1] == {
        "table": "observations", "rows_before": 18, "rows": 6, "hidden": [], "lost": []
    }  # fmt: skip
    # Running readers still find their files: only metadata is added.
    assert {p for p in stored_files(lake) - stored if p.suffix == ".parquet"} == set()
    assert stored <= stored_files(lake)
    for to, state in ((third, states[2]), (second, states[1]), (third, states[2])):
        back(lake, to)
        assert contents(lake) == state
    # Nothing is rewritten: every state has its own snapshot.
    assert len(snapshots(lake)) == 3 + 4
    assert [s.get("operation") for s in snapshots(lake)] == [None] * 3 + ["rollback"] * 4


def test_printed_report(loaded: Lake) -> None:
    first, *_, last = snapshots(loaded)
    lines = loaded.obslake("rollback", "--to", first["load_id"], "--yes")[0].splitlines()
    assert lines[0].split() == ["implementations", "1", "row", "3", "before"]
    assert lines[4].split() == ["quarantine", "0", "rows", "unchanged"]
    assert lines[5].split() == ["observations", "6", "rows", "38", "before"]
    assert lines[-2:] == ["next: dbt run", f"undo: obslake rollback --to {last['snapshot_id']}"]
    text = loaded.obslake("status", "--snapshots")[0]
    assert text.count("  rolled back") == 3
    assert text.splitlines()[-1] == "  rollback"
    again = loaded.obslake("rollback", "--to", first["snapshot_id"])[0].splitlines()
    assert again[5].split() == ["observations", "6", "rows", "unchanged"]
    assert len(snapshots(loaded)) == 5


def test_sources_can_be_loaded_again(loaded: Lake) -> None:
    before, now = snapshots(loaded), seen(loaded)
    back(loaded, before[1]["snapshot_id"])
    assert loaded.load("observations", everything(loaded), "--run", "b")["load_id"] is None
    again = loaded.load("observations", everything(loaded), "--run", "c")
    assert again["load_id"] not in {s["load_id"] for s in before}
    assert again["rows"]["observations"] == 6
    assert loaded.load("observations", part(loaded, 0), "--run", "a")["load_id"]
    for run in ("a", "b", "c"):
        assert loaded.load("observations", everything(loaded), "--run", run)["load_id"] is None
    assert seen(loaded) == now
    # Back to before the rollback: the first loads count again, the later ones do not.
    back(loaded, before[3]["snapshot_id"])
    assert seen(loaded) == now
    skipped = loaded.load("observations", everything(loaded), "--run", "c")["skipped"]
    assert skipped[0]["load_id"] == before[2]["load_id"]


def test_rolled_back_loads_stay_rolled_back(loaded: Lake) -> None:
    """Even after the snapshots that record it are removed."""
    back(loaded, snapshots(loaded)[1]["snapshot_id"])
    loads = committed_loads(loaded.open().table(OBSERVATIONS).metadata)
    history = History.read(loaded.open())
    now = contents(loaded)
    for _ in range(2):
        loaded.obslake("expire", "--older-than", "0s")
        assert committed_loads(loaded.open().table(OBSERVATIONS).metadata) == loads
        assert History.read(loaded.open()) == history
        assert contents(loaded) == now
        loaded.load("runs", loaded.jsonl("r.jsonl", [{"run_id": "r"}]))
        loads = committed_loads(loaded.open().table(OBSERVATIONS).metadata)
        history, now = History.read(loaded.open()), contents(loaded)
    assert loaded.load("observations", everything(loaded), "--run", "b")["load_id"] is None
    assert loaded.load("observations", everything(loaded), "--run", "c")["load_id"]


def test_invalid_targets(loaded: Lake) -> None:
    first = snapshots(loaded)[0]
    for to, message in {
        1: "observations has no snapshot 1\n  list the snapshots with `obslake status",
        "nonsense": "there is no load nonsense\n",
    }.items():
        with pytest.raises(SnapshotNotFoundError, match=message):
            back(loaded, to)
    loaded.obslake("expire", "--older-than", "0s")
    with pytest.raises(SnapshotNotFoundError, match=f"the snapshot of load {first['load_id']} was"):
        back(loaded, first["load_id"])
    with pytest.raises(SnapshotNotFoundError, match="observations has no snapshot"):
        back(loaded, first["snapshot_id"])


def test_confirmation_is_required(loaded: Lake) -> None:
    first = snapshots(loaded)[0]
    before = loaded.snapshots()
    with pytest.raises(ConfirmationError) as refusal:
        loaded.obslake("rollback", "--to", first["snapshot_id"])
    message = str(refusal.value)
    assert message.startswith(f"this would roll back to snapshot {first['snapshot_id']} of 20")
    assert message.count(" is removed") == 3
    assert "(20 rows) is removed" in message
    assert message.endswith("nothing was changed: confirm it with --yes, or on a terminal")
    assert loaded.snapshots() == before


@pytest.mark.parametrize(("answer", "status"), [("n", 1), ("y", 0)])
def test_confirmation_on_a_terminal(loaded: Lake, answer: str, status: int) -> None:
    first, before = snapshots(loaded)[0], loaded.snapshots()
    command = [sys.executable, "-m", "obslake", "--home", str(loaded.home), "rollback", "--to"]
    mine, terminal = pty.openpty()
    try:
        with subprocess.Popen(
            [*command, str(first["snapshot_id"]), "--json"],
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            os.write(mine, f"{answer}\n".encode())
            out, err = process.communicate(timeout=60)
    finally:
        os.close(mine)
        os.close(terminal)
    assert process.returncode == status
    assert b"this will roll back to snapshot" in err
    assert (loaded.snapshots() == before) == (answer == "n")
    if answer == "y":
        assert json.loads(out)["snapshot_id"] == first["snapshot_id"]
    else:
        assert err.endswith(b"obslake: nothing was changed\n")


@pytest.mark.parametrize("table", ["observations", "implementations", "runs", "measurements"])
def test_an_interrupted_rollback_is_completed_by_repetition(
    loaded: Lake, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    first, before = snapshots(loaded)[0]["snapshot_id"], seen(loaded)
    with monkeypatch.context() as patch:
        interrupted_at(patch, table)
        with pytest.raises(InterruptedLoadError):
            back(loaded, first)
    expected = {
        "implementations": 1, "tests": 1, "runs": 1, "measurements": 3, "observations": 6
    }  # fmt: skip
    # Observations come first: a query sees all of the rollback or nothing.
    assert seen(loaded) == (before if table == "observations" else expected)
    # A source loaded in between makes a separate load.
    if table != "observations":
        again = loaded.load("observations", everything(loaded), "--run", "b")["load_id"]
        assert again not in {s["load_id"] for s in snapshots(loaded)[:4]}
        assert seen(loaded) == {name: 2 * n for name, n in expected.items()}
    back(loaded, first)
    assert seen(loaded) == expected
    assert {name: rows.total() for name, rows in contents(loaded).items()} == expected


@pytest.mark.parametrize("compacted", [False, True])
def test_an_unfinished_load_is_not_disturbed(
    loaded: Lake, monkeypatch: pytest.MonkeyPatch, compacted: bool
) -> None:
    """Its descriptions are committed, its observations are not: it is running or was interrupted."""
    first = snapshots(loaded)[0]["snapshot_id"]
    with monkeypatch.context() as patch:
        interrupted_at(patch, "observations")
        with pytest.raises(InterruptedLoadError):
            loaded.load("observations", everything(loaded), "--run", "late")
    if compacted:
        loaded.obslake("compact")
    expected = {
        "implementations": 1, "tests": 1, "runs": 1, "measurements": 3, "observations": 6
    }  # fmt: skip
    back(loaded, first)
    assert seen(loaded) == expected
    begun = {r["load_id"] for r in loaded.rows("runs")} - {snapshots(loaded)[0]["load_id"]}
    assert len(begun) == 1
    assert {loaded.load("observations", everything(loaded), "--run", "late")["load_id"]} == begun
    assert seen(loaded) == {name: 2 * n for name, n in expected.items()}
    assert {name: rows.total() for name, rows in contents(loaded).items()} == seen(loaded)


def test_missing_snapshots_of_other_tables(loaded: Lake) -> None:
    first, before = snapshots(loaded)[0]["snapshot_id"], seen(loaded)
    last = snapshots(loaded)[-1]["snapshot_id"]
    assert expire(loaded.open(), RUNS, datetime.now(UTC), keep=1).snapshots == 3
    _, err = loaded.obslake("rollback", "--to", first, "--yes")
    assert err.startswith("obslake: warning: runs: rows of 3 loads stay, but are hidden: ")
    assert seen(loaded)["runs"] == 1
    back(loaded, last)
    assert seen(loaded) == before


def test_earlier_snapshots_show_all_tables(loaded: Lake) -> None:
    before = snapshots(loaded)
    counts = seen(loaded)
    back(loaded, before[0]["snapshot_id"])
    with engine.connect() as connection:
        create_source_views(loaded.open(), connection, before[-1]["snapshot_id"])
        assert dict(connection.execute(LOOK).fetchall()) == counts
        create_source_views(loaded.open(), connection, before[1]["snapshot_id"])
        assert dict(connection.execute(LOOK).fetchall())["measurements"] == 6
        loads = connection.execute("select load_id from lake.loads order by 1").fetchall()
        assert loads == [(s["load_id"],) for s in before[:2]]


def test_a_load_meanwhile_is_not_rolled_back(loaded: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lakehouse = loaded.open()
    plan = plan_rollback(lakehouse, str(snapshots(loaded)[0]["snapshot_id"]))
    loaded.load("observations", part(loaded, 7))
    before = loaded.snapshots()
    with pytest.raises(RollbackError, match="other loads were committed"):
        roll_back(lakehouse, plan)
    assert loaded.snapshots() == before

    # Also just before the commit.
    plan = plan_rollback(lakehouse, str(snapshots(loaded)[0]["snapshot_id"]))
    done = just_before_commit(monkeypatch, lambda: loaded.load("observations", part(loaded, 8)))
    with pytest.raises(RollbackError, match="other loads were committed"):
        roll_back(lakehouse, plan)
    assert done
    assert loaded.load("observations", part(loaded, 8))["load_id"] is None


def test_a_compaction_in_between(loaded: Lake) -> None:
    first, *_, last = (s["snapshot_id"] for s in snapshots(loaded))
    now = contents(loaded)
    loaded.obslake("compact")
    report = back(loaded, first)
    assert report["tables"][-1]["rows"] == 6
    loaded.obslake("compact")
    back(loaded, last)
    assert contents(loaded) == now


@pytest.mark.parametrize("seed", range(3))
def test_random_histories(lake: Lake, seed: int) -> None:
    """Loads, rollbacks, compactions and expiries in any order, compared with a model."""
    chance = random.Random(seed)
    lake.obslake("init")
    shown: dict[int, frozenset[int]] = {}
    now: frozenset[int] = frozenset()

    def rows(sources: frozenset[int]) -> dict[str, Counter[str]]:
        return {
            "observations": Counter(f"{n} {s}" for n in sources for s in range(2)),
            "runs": Counter(str(n) for n in sources),
        }

    for _ in range(14):
        match chance.choice(["load", "load", "load", "back", "back", "compact", "expire"]):
            case "load":
                n = chance.randrange(6)
                some = [observation(step_id=s, output=f"{n} {s}") for s in range(2)]
                path = lake.jsonl(f"{n}.jsonl", some)
                report = lake.load("observations", path, "--run", str(n))
                assert (report["load_id"] is None) == (n in now)
                now |= {n}
            case "back" if shown:
                to = chance.choice(sorted(shown))
                back(lake, to)
                now = shown[to]
            case "compact":
                lake.obslake("compact")
            case "expire":
                lake.obslake("expire", "--older-than", "0s", "--keep", str(chance.choice([1, 4])))
        there = {s["snapshot_id"] for s in snapshots(lake)}
        shown = {i: state for i, state in shown.items() if i in there}
        if current := lake.snapshots()["observations"]:
            shown[current] = now
        found = {
            "observations": Counter(json.loads(r["output"]) for r in lake.rows("observations")),
            "runs": Counter(r["run_id"] for r in lake.rows("runs")),
        }
        assert found["observations"] == rows(now)["observations"]
        queried = json.loads(lake.obslake("sql", "select run_id from lake.runs", "--json")[0])
        assert Counter(r["run_id"] for r in queried) == rows(now)["runs"]
