"""`obslake expire` keeps all current rows, and still recognises sources that were loaded."""

import json
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obslake import engine
from obslake.errors import SnapshotNotFoundError
from obslake.lakehouse import commits
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.ledger import committed_loads
from obslake.lakehouse.schemas import ALL_TABLES, OBSERVATIONS, TABLES
from obslake.lakehouse.views import create_source_views
from obslake.load.history import History
from obslake.upkeep import expiry
from obslake.upkeep.expiry import expire, parse_moment
from pyiceberg.io.pyarrow import PyArrowFileIO

from tests.harness.lake import KeptLakes, Lake, observation
from tests.harness.workspace import Workspace
from tests.loader.maintenance import (
    InterruptedLoadError,
    contents,
    interrupted_at,
    just_before_commit,
    live_files,
    part,
    set_properties,
    stored_files,
)
from tests.loader.test_load import everything

NOW = ("--older-than", "0s")


@pytest.fixture(autouse=True)
def _no_retry_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "_LONGEST_WAIT_SECONDS", 0.0)


@pytest.fixture
def loaded(kept_lakes: KeptLakes) -> Lake:
    """A lakehouse after three loads and a compaction of observations."""
    return kept_lakes.get("three loads and a compaction", load_and_compact)


def load_and_compact(lake: Lake) -> None:
    for number in range(3):
        lake.load("observations", part(lake, number))
    lake.obslake("compact", "--table", "observations")


def needed_files(lake: Lake) -> set[Path]:
    """Return the files that the snapshots of observations refer to."""
    table = lake.open().table(OBSERVATIONS)
    paths = set()
    for snapshot in table.snapshots():
        paths.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            paths.add(manifest.manifest_path)
            entries = manifest.fetch_manifest_entry(table.io)
            paths.update(entry.data_file.file_path for entry in entries)
    return {Path(path.removeprefix("file://")) for path in paths}


def removed(lake: Lake, *options: str) -> dict[str, int]:
    """Expire, and return the report on observations."""
    report = json.loads(lake.obslake("expire", *options, "--json")[0])
    assert report["dry_run"] == ("--dry-run" in options)
    assert [t["table"] for t in report["tables"]] == [t.name for t in ALL_TABLES]
    return {k: v for k, v in report["tables"][-1].items() if k != "table"}


def test_only_the_current_snapshot_stays(loaded: Lake) -> None:
    before, snapshots = contents(loaded), loaded.snapshots()
    stored = stored_files(loaded)
    dry = removed(loaded, *NOW, "--dry-run")
    assert stored_files(loaded) == stored
    assert len(loaded.open().table(OBSERVATIONS).snapshots()) == 4
    assert removed(loaded, *NOW) == dry
    assert contents(loaded) == before
    assert loaded.snapshots() == snapshots
    # Three loads, each with a data file, a manifest and a manifest list.
    assert (dry["snapshots"], dry["files"], dry["files_left"]) == (3, 9, 0)
    gone = stored - stored_files(loaded)
    assert len(gone) == 9
    assert stored_files(loaded) == needed_files(loaded)
    assert removed(loaded, *NOW) == {"snapshots": 0, "files": 0, "bytes": 0, "files_left": 0}


def test_reported_bytes_are_the_sizes_of_the_removed_files(loaded: Lake) -> None:
    sizes = {path: path.stat().st_size for path in stored_files(loaded)}
    report = removed(loaded, *NOW)
    gone = set(sizes) - stored_files(loaded)
    assert report["bytes"] == sum(sizes[path] for path in gone)


def test_printed_report(loaded: Lake) -> None:
    lines = loaded.obslake("expire", *NOW, "--dry-run")[0].splitlines()
    assert lines[0] == "implementations  0 snapshots, 0 files, 0 bytes would be removed"
    assert lines[-1].startswith("observations     3 snapshots, 9 files, ")
    assert loaded.obslake("expire", *NOW)[0].splitlines()[-1].endswith(" bytes removed")


def test_young_snapshots_stay(loaded: Lake) -> None:
    assert removed(loaded)["snapshots"] == 0
    assert removed(loaded, "--older-than", "1h")["snapshots"] == 0
    assert removed(loaded, "--older-than", "2020-01-01")["snapshots"] == 0


def test_keep_retains_the_newest_snapshots(loaded: Lake) -> None:
    assert removed(loaded, *NOW, "--keep", "99")["snapshots"] == 0
    assert removed(loaded, *NOW, "--keep", "3")["snapshots"] == 1
    table = loaded.open().table(OBSERVATIONS)
    assert [table.scan(snapshot_id=s.snapshot_id).count() for s in table.snapshots()] == [
        40,
        60,
        60,
    ]
    assert stored_files(loaded) == needed_files(loaded)


def test_the_age_counts_from_when_a_snapshot_was_replaced(loaded: Lake) -> None:
    """The snapshot that was current at a moment stays readable for readers that started then."""
    table = loaded.open().table(OBSERVATIONS)
    times = [snapshot.timestamp_ms for snapshot in table.snapshots()]
    moment = datetime.fromtimestamp((times[2] + 1) / 1000, UTC)
    report = expire(loaded.open(), OBSERVATIONS, moment, keep=1)
    assert report.snapshots == 2
    remaining = loaded.open().table(OBSERVATIONS).snapshots()
    assert [s.timestamp_ms for s in remaining] == times[2:]
    assert report.files == 2


def test_tagged_snapshots_stay(loaded: Lake) -> None:
    table = loaded.open().table(OBSERVATIONS)
    first = table.snapshots()[0].snapshot_id
    table.manage_snapshots().create_tag(first, "paper").commit()
    assert removed(loaded, *NOW)["snapshots"] == 2
    table.refresh()
    assert table.scan(snapshot_id=first).count() == 20
    assert stored_files(loaded) == needed_files(loaded)
    # It shows only its own load, although records of other loads are carried over.
    with engine.connect() as connection:
        create_source_views(loaded.open(), connection, first)
        assert connection.execute("select count(*) from lake.runs").fetchall() == [(1,)]
        create_source_views(loaded.open(), connection)
        assert connection.execute("select count(*) from lake.runs").fetchall() == [(3,)]


def test_files_kept_by_a_compaction_stay(lake: Lake) -> None:
    """They are listed in a removed manifest, with files that were replaced, and in a new one."""
    lake.obslake("init")
    set_properties(lake, target_size=10, row_group=2)
    for number, problems in enumerate(("abxy", "ab")):
        rows = [observation(problem_id=p, output=str(number)) for p in problems]
        lake.load("observations", part(lake, number, rows))
    assert len(live_files(lake)) == 3
    before = contents(lake)
    assert "3 files -> 3 files" in lake.obslake("compact", "--table", "observations")[0]
    report = removed(lake, *NOW)
    # Two data files, two manifests and two manifest lists; the file with x and y is still needed.
    assert (report["snapshots"], report["files"]) == (2, 6)
    assert contents(lake) == before
    assert stored_files(lake) == needed_files(lake)


def test_loaded_sources_are_still_recognised(loaded: Lake) -> None:
    history = History.read(loaded.open())
    loads = committed_loads(loaded.open().table(OBSERVATIONS).metadata)
    removed(loaded, *NOW)
    before = loaded.snapshots()
    assert History.read(loaded.open()) == history
    assert committed_loads(loaded.open().table(OBSERVATIONS).metadata) == loads
    for number in range(3):
        report = loaded.load("observations", part(loaded, number))
        assert report["load_id"] is None
        assert report["skipped"][0]["load_id"] == loads[number].load_id
    assert loaded.snapshots() == before

    # Again, when only the recorded notes know the first loads.
    loaded.load("observations", part(loaded, 3))
    loaded.obslake("compact")
    removed(loaded, *NOW)
    metadata = loaded.open().table(OBSERVATIONS).metadata
    assert [load.load_id for load in committed_loads(metadata)][:3] == [x.load_id for x in loads]
    assert len(committed_loads(metadata)) == 4
    for number in range(4):
        assert loaded.load("observations", part(loaded, number))["load_id"] is None


def test_runs_of_removed_snapshots_are_visible(loaded: Lake) -> None:
    question = (
        "select (select count(*) from lake.runs) as runs, count(*) as n from lake.observations"
    )
    expected = [{"runs": 3, "n": 60}]
    assert json.loads(loaded.obslake("sql", question, "--json")[0]) == expected
    removed(loaded, *NOW)
    assert json.loads(loaded.obslake("sql", question, "--json")[0]) == expected


def test_a_removed_snapshot_is_reported_as_missing(loaded: Lake) -> None:
    first = loaded.open().table(OBSERVATIONS).snapshots()[0].snapshot_id
    removed(loaded, *NOW)
    with engine.connect() as connection, pytest.raises(SnapshotNotFoundError):
        create_source_views(loaded.open(), connection, first)


@pytest.mark.parametrize("table", [t.name for t in TABLES])
def test_an_interrupted_load_can_be_completed_after_expiry(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    """Some tables were committed before the interruption, then everything was compacted and expired."""
    options = ("--run", "earlier")
    earlier = lake.load("observations", everything(lake), *options)["load_id"]
    path = everything(lake)
    with monkeypatch.context() as patch:
        interrupted_at(patch, table)
        with pytest.raises(InterruptedLoadError):
            lake.load("observations", path)
    question = "select count(*) as n from lake.runs"
    for _ in range(2):
        lake.obslake("compact")
        removed(lake, *NOW)
        # No row of the unfinished load is visible.
        assert json.loads(lake.obslake("sql", question, "--json")[0]) == [{"n": 1}]
    begun = {r["load_id"] for t in TABLES for r in lake.rows(t.name)} - {earlier}
    report = lake.load("observations", path)
    assert begun <= {report["load_id"]}
    assert {t.name: len(lake.rows(t.name)) for t in TABLES} == {
        "implementations": 2,
        "tests": 2,
        "runs": 2,
        "measurements": 6,
        "observations": 12,
    }
    assert json.loads(lake.obslake("sql", question, "--json")[0]) == [{"n": 2}]
    assert lake.load("observations", path)["load_id"] is None


def test_another_expiry_meanwhile(loaded: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(loaded)
    done = just_before_commit(
        monkeypatch, lambda: expire(loaded.open(), OBSERVATIONS, datetime.now(UTC), keep=2)
    )
    expire(loaded.open(), OBSERVATIONS, datetime.now(UTC), keep=1)
    assert done
    assert contents(loaded) == before
    metadata = loaded.open().table(OBSERVATIONS).metadata
    assert len(metadata.snapshots) == 1
    assert len(committed_loads(metadata)) == 3
    assert stored_files(loaded) == needed_files(loaded)


def test_a_load_meanwhile(loaded: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    done = just_before_commit(monkeypatch, lambda: loaded.load("observations", part(loaded, 9)))
    expire(loaded.open(), OBSERVATIONS, datetime.now(UTC), keep=1)
    assert done
    assert len(loaded.rows("observations")) == 80
    assert loaded.load("observations", part(loaded, 9))["load_id"] is None
    assert needed_files(loaded) <= stored_files(loaded)


def test_a_branch_meanwhile(loaded: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot created while old ones are removed uses the files of one of them."""
    table = loaded.open().table(OBSERVATIONS)
    first = table.snapshots()[0].snapshot_id
    rows = table.scan(snapshot_id=first).to_arrow()

    def branch() -> None:
        table.manage_snapshots().create_branch(first, "other").commit()
        table.append(rows, branch="other")

    just_before_commit(monkeypatch, branch)
    expire(loaded.open(), OBSERVATIONS, datetime.now(UTC), keep=1)
    table.refresh()
    assert first not in {snapshot.snapshot_id for snapshot in table.snapshots()}
    assert table.scan().use_ref("other").count() == 40
    assert len(loaded.rows("observations")) == 60


def test_a_rollback_meanwhile(loaded: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old snapshot becomes the current one again: it stays."""
    first = loaded.open().table(OBSERVATIONS).snapshots()[0].snapshot_id

    def roll_back() -> None:
        table = loaded.open().table(OBSERVATIONS)
        table.manage_snapshots().rollback_to_snapshot(first).commit()

    done = just_before_commit(monkeypatch, roll_back)
    expire(loaded.open(), OBSERVATIONS, datetime.now(UTC), keep=1)
    assert done
    assert loaded.snapshots()["observations"] == first
    assert len(loaded.rows("observations")) == 20


def test_an_interruption_leaves_only_unneeded_files(
    loaded: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(loaded)

    def interrupted(*_: object) -> set[str]:
        raise InterruptedLoadError

    with monkeypatch.context() as patch:
        patch.setattr(expiry, "_delete", interrupted)
        with pytest.raises(InterruptedLoadError):
            expire(loaded.open(), OBSERVATIONS, datetime.now(UTC), keep=1)
    assert contents(loaded) == before
    assert needed_files(loaded) < stored_files(loaded)
    assert removed(loaded, *NOW)["snapshots"] == 0


def test_files_that_cannot_be_deleted_are_reported(
    loaded: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = PyArrowFileIO.delete
    gone: list[str] = []

    def hindered(io: PyArrowFileIO, path: str) -> None:
        if path.endswith(".parquet"):
            gone.append(path)
            raise PermissionError if len(gone) == 1 else FileNotFoundError
        delete(io, path)

    monkeypatch.setattr(PyArrowFileIO, "delete", hindered)
    out, err = loaded.obslake("expire", *NOW)
    assert err == "obslake: warning: observations: 1 file could not be deleted\n"
    assert "3 snapshots, 8 files" in out


def test_an_empty_lakehouse(lake: Lake) -> None:
    lake.obslake("init")
    assert removed(lake, *NOW) == {"snapshots": 0, "files": 0, "bytes": 0, "files_left": 0}


def test_moments() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    for text, moment in {
        "0s": now,
        "90m": now - timedelta(minutes=90),
        "12 h": now - timedelta(hours=12),
        "7d": now - timedelta(days=7),
        "2w": now - timedelta(days=14),
        "2026-01-31": datetime(2026, 1, 31, tzinfo=UTC),
        "2026-01-31T12:00:00+02:00": datetime(2026, 1, 31, 10, tzinfo=UTC),
    }.items():
        assert parse_moment(text, now) == moment, text


def test_invalid_moments(workspace: Workspace) -> None:
    for text in ("7", "d", "yesterday", "-1d", "99999999999999d"):
        done = workspace.run("obslake", "expire", "--older-than", text)
        assert done.returncode == 2
        assert "is neither a duration like 7d nor a date like 2026-01-31" in done.stderr
    assert workspace.run("obslake", "expire", "--keep", "0").returncode == 2


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("load"), st.integers(0, 3)),
            st.tuples(st.just("compact"), st.just(0)),
            st.tuples(st.just("expire"), st.integers(1, 2)),
        ),
        min_size=2,
        max_size=8,
    )
)
def test_every_source_is_loaded_exactly_once(steps: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        lake.obslake("init")
        loaded: set[int] = set()
        for action, number in steps:
            if action == "load":
                rows = [observation(problem_id=p, output=str(number)) for p in "ab"]
                report = lake.load("observations", part(lake, number, rows))
                assert (report["load_id"] is None) == (number in loaded)
                loaded.add(number)
            elif action == "compact":
                lake.obslake("compact")
                assert len(live_files(lake)) <= 1
            else:
                lake.obslake("expire", *NOW, "--keep", str(number))
                assert len(Lakehouse.open(lake.home).table(OBSERVATIONS).snapshots()) <= number
                assert stored_files(lake) == needed_files(lake)
            outputs = Counter(r["output"] for r in lake.rows("observations"))
            assert outputs == {str(number): 2 for number in loaded}
