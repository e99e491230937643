"""Parallel loads of the same sources: each source is loaded once and completely."""

import json
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from obslake import engine
from obslake.lakehouse import commits, rewrite
from obslake.lakehouse.datafiles import write_data_files
from obslake.lakehouse.schemas import TABLES
from obslake.lakehouse.views import create_source_views
from obslake.load.history import History

from tests.harness.commands import Running
from tests.harness.lake import Lake
from tests.harness.requests import Point
from tests.harness.workspace import COMMANDS
from tests.loader.maintenance import InterruptedLoadError, interrupted_at, just_before_commit
from tests.loader.test_observations import published
from tests.loader.test_quarantine import mixed, newer_version

NAMES = [t.name for t in TABLES]
LOST = (
    "was superseded by another load of its sources: its rows are hidden, "
    "until `obslake compact` drops them"
)

# After all imports and parsing of options.
_READY = Point("obslake.load.loading:load", "before", 1)


@pytest.fixture
def no_retry_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "_LONGEST_WAIT_SECONDS", 0.0)


def source(lake: Lake, name: str) -> Path:
    """Write a source with rows for every table."""
    measured = {"memory_used_mb": 1.0, "specified_oracle": False}
    rows = [published(problem_id=name, run_id=name, step_id=n, **measured) for n in range(3)]
    return lake.parquet(f"{name}.parquet", rows)


def visible(lake: Lake) -> dict[str, list[tuple[str, str, str]]]:
    """Return problem, run and load of the visible rows of each table."""
    seen = {}
    with engine.connect() as connection:
        create_source_views(lake.open(), connection)
        for definition in TABLES:
            columns = (
                column if column in definition.column_names else "null"
                for column in ("problem_id", "run_id", "load_id")
            )
            query = f"select {', '.join(columns)} from lake.{definition.name}"
            seen[definition.name] = connection.execute(query).fetchall()
    return seen


def check(lake: Lake, *names: str) -> None:
    """Check that exactly these sources are visible, each once, and that a compaction drops all other rows."""
    check_seen(lake, *names)
    lake.obslake("compact")
    seen = check_seen(lake, *names)
    assert notes(lake) == []
    history = History.read(lake.open())
    assert history.unfinished == {}
    assert len(history.complete) == len(names)
    for table, rows in seen.items():
        assert sorted(lake.rows(table, "load_id")) == sorted((load_id,) for *_, load_id in rows)


def check_seen(lake: Lake, *names: str) -> dict[str, list[tuple[str, str, str]]]:
    """Check that exactly these sources are visible, each once; return the visible rows."""
    seen = visible(lake)
    for table in ("observations", "measurements"):
        measured = Counter(dict.fromkeys(names, 3))
        assert Counter(problem for problem, *_ in seen[table]) == measured
    for table in ("implementations", "tests"):
        assert sorted(problem for problem, *_ in seen[table]) == sorted(names)
    assert sorted(run for _, run, _ in seen["runs"]) == sorted(names)
    loaded = {load_id for *_, load_id in seen["observations"]}
    assert {load_id for rows in seen.values() for *_, load_id in rows} == loaded
    status = json.loads(lake.obslake("status", "--json")[0])
    assert {t["table"]: t["rows"] for t in status["tables"] if t["table"] in NAMES} == {
        table: len(rows) for table, rows in seen.items()
    }
    return seen


def notes(lake: Lake) -> list[str]:
    """Return the notes of verification on loads; it must find no faults."""
    verification = json.loads(lake.obslake("verify", "--deep", "--json")[0])
    assert [c for c in verification["checks"] if c["faults"]] == []
    return [n for c in verification["checks"] for n in c["notes"] if "load" in n]


def stored(lake: Lake) -> dict[str, int]:
    """Return the number of data files of each table, referenced or not."""
    folder = lake.home / "warehouse/obslake"
    return {name: len(list((folder / name).glob("data/*"))) for name in NAMES}


@pytest.mark.usefixtures("no_retry_delay")
@pytest.mark.parametrize("table", NAMES)
def test_a_source_loaded_by_another_process_just_before_a_commit(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    path = source(lake, "a")
    reports: list[dict[str, Any]] = []
    just_before_commit(monkeypatch, lambda: reports.append(lake.load("observations", path)), table)
    later = lake.load("observations", path)
    assert later["load_id"] is None
    assert later["skipped"] == [{"source": str(path), "load_id": reports[0]["load_id"]}]
    assert f"{path}: already loaded by load" in lake.obslake("load", "observations", path)[0]
    check(lake, "a")
    # It continues the load that has started, so nothing has to be undone.
    assert stored(lake) == dict.fromkeys(NAMES, 1)
    assert not list(lake.home.glob(".load-*"))


@pytest.mark.usefixtures("no_retry_delay")
@pytest.mark.parametrize("compacted", [False, True])
@pytest.mark.parametrize("table", NAMES)
@pytest.mark.parametrize(("mine", "theirs"), [("ab", "bc"), ("b", "abc")])
def test_sources_in_other_combinations(
    lake: Lake,
    monkeypatch: pytest.MonkeyPatch,
    table: str,
    mine: str,
    theirs: str,
    compacted: bool,
) -> None:
    paths = {name: source(lake, name) for name in {*mine, *theirs}}
    reports: list[dict[str, Any]] = []

    def load_theirs() -> None:
        reports.append(lake.load("observations", *(paths[name] for name in theirs)))
        if compacted:
            lake.obslake("compact")

    just_before_commit(monkeypatch, load_theirs, table)
    later = lake.load("observations", *(paths[name] for name in mine))
    both = [str(paths[name]) for name in mine if name in theirs]
    assert [s["source"] for s in later["skipped"]] == both
    assert {s["load_id"] for s in later["skipped"]} == {reports[0]["load_id"]}
    rest = [str(paths[name]) for name in mine if name not in theirs]
    assert later["sources"] == rest
    assert (later["load_id"] is None) == (not rest)
    check(lake, *paths)


@pytest.mark.usefixtures("no_retry_delay")
@pytest.mark.parametrize("table", NAMES[1:])
def test_rows_of_a_superseded_load_are_hidden_and_dropped_by_the_next_compaction(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    paths = {name: source(lake, name) for name in "abc"}
    with monkeypatch.context() as patch:
        interrupted_at(patch, table)
        with pytest.raises(InterruptedLoadError):
            lake.load("observations", paths["a"], paths["b"])
    # Another load has rows in the same files.
    lake.load("observations", paths["c"])
    lake.obslake("compact")
    assert len(History.read(lake.open()).unfinished) == 1
    lake.load("observations", paths["b"])
    check_seen(lake, "b", "c")
    assert LOST in "".join(notes(lake))
    seen = visible(lake)
    hidden = {name: len(lake.rows(name)) - len(seen[name]) for name in NAMES}
    assert hidden[NAMES[0]]
    done = json.loads(lake.obslake("compact", "--json")[0])
    assert {d["table"]: d["rows_dropped"] for d in done if d["table"] in NAMES} == hidden
    check(lake, "b", "c")
    lake.load("observations", paths["a"], paths["b"])
    check(lake, "a", "b", "c")
    shown = lake.rows("observations")
    first = lake.obslake("status", "--snapshots", "--json")[0]
    lake.obslake("expire", "--older-than", "0s")
    check(lake, "a", "b", "c")
    to = json.loads(first)["snapshots"][-1]["snapshot_id"]
    lake.obslake("rollback", "--to", str(to), "--yes")
    assert lake.rows("observations") == shown


@pytest.mark.usefixtures("no_retry_delay")
def test_a_load_interrupted_while_being_superseded_is_not_completed(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = {name: source(lake, name) for name in "abc"}

    def others_and_an_end() -> None:
        lake.load("observations", paths["b"])
        raise InterruptedLoadError

    with monkeypatch.context() as patch:
        just_before_commit(patch, others_and_an_end, "measurements")
        with pytest.raises(InterruptedLoadError):
            lake.load("observations", paths["a"], paths["b"])
    lake.load("observations", paths["b"])
    check(lake, "b")


@pytest.mark.usefixtures("no_retry_delay")
def test_rows_that_a_rollback_makes_usable_again_are_not_dropped(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = {name: source(lake, name) for name in "abc"}
    lake.load("observations", paths["c"])
    to = lake.snapshots()["observations"]
    with monkeypatch.context() as patch:
        interrupted_at(patch, "observations")
        with pytest.raises(InterruptedLoadError):
            lake.load("observations", paths["a"], paths["b"])
    (interrupted,) = History.read(lake.open()).unfinished
    lake.load("observations", paths["b"])
    done: list[int] = []

    def late(*arguments: Any) -> object:
        written = write_data_files(*arguments)
        if not done:
            done.append(1)
            # Only observations are rolled back so far.
            with monkeypatch.context() as patch:
                interrupted_at(patch, "implementations")
                with pytest.raises(InterruptedLoadError):
                    lake.obslake("rollback", "--to", to, "--yes")
        return written

    with monkeypatch.context() as patch:
        patch.setattr(rewrite, "write_data_files", late)
        assert "dropped" not in lake.obslake("compact", "--table", "tests")[0]
    assert done
    lake.obslake("rollback", "--to", to, "--yes")
    assert lake.load("observations", paths["a"], paths["b"])["load_id"] == interrupted
    check(lake, *"abc")


@pytest.mark.usefixtures("no_retry_delay")
def test_a_superseded_load_is_not_continued(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compaction may drop its rows at any time."""
    path = source(lake, "a")
    with monkeypatch.context() as patch:
        interrupted_at(patch, "observations")
        with pytest.raises(InterruptedLoadError):
            lake.load("observations", path)
    (interrupted,) = History.read(lake.open()).unfinished
    # The same content, with other options.
    lake.load("observations", path, "--map", "target=operation")
    assert lake.load("observations", path, "--again")["load_id"] not in (None, interrupted)
    assert notes(lake) == [f"load {interrupted} {LOST}"]


@pytest.mark.usefixtures("no_retry_delay")
def test_a_source_loaded_and_rolled_back_meanwhile_is_checked_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others may have seen the load while it was complete, so everything is checked again."""
    paths = {name: source(lake, name) for name in "abc"}
    lake.load("observations", paths["c"])
    to = lake.snapshots()["observations"]

    def there_and_back() -> None:
        lake.load("observations", paths["b"])
        lake.obslake("rollback", "--to", to, "--yes")

    just_before_commit(monkeypatch, there_and_back, "observations")
    assert len(lake.load("observations", paths["a"], paths["b"])["sources"]) == 2
    check(lake, "a", "b", "c")


@pytest.mark.usefixtures("no_retry_delay")
def test_a_rollback_that_restores_a_source_just_before_the_commit(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = {name: source(lake, name) for name in "bc"}
    lake.load("observations", paths["c"])
    before = lake.snapshots()["observations"]
    first = lake.load("observations", paths["b"])["load_id"]
    after = lake.snapshots()["observations"]
    lake.obslake("rollback", "--to", before, "--yes")
    just_before_commit(
        monkeypatch, lambda: lake.obslake("rollback", "--to", after, "--yes"), "observations"
    )
    again = lake.load("observations", paths["b"])
    assert [s["load_id"] for s in again["skipped"]] == [first]
    check(lake, "b", "c")


@pytest.mark.usefixtures("no_retry_delay")
@pytest.mark.parametrize("table", ["quarantine", "observations"])
def test_records_that_were_set_aside_are_retried_once(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    lake.load_partly("observations", mixed(lake, "o.jsonl"))
    newer_version(monkeypatch)
    retries: list[Any] = []
    just_before_commit(monkeypatch, lambda: retries.append(lake.quarantine("--retry")), table)
    assert lake.quarantine("--retry") == []
    ((first,),) = retries
    assert first["set_aside"] == 1
    assert len(lake.rows("observations")) == 4
    assert lake.quarantine()["total"] == 1
    # Two from the load, one that is still not understood.
    assert len(lake.rows("quarantine")) == 3
    assert History.read(lake.open()).unfinished == {}


def begin(lake: Lake, paths: Sequence[Path], at: Point, note: Path) -> Running:
    """Load in a separate process up to a point, and wait there while the note exists."""
    return COMMANDS.start(
        *("obslake", "--home", lake.home, "load", "observations", *paths, "--json"),
        action="pause",
        points=(at,),
        note=note,
        settings={"obslake.lakehouse.catalog_file:LOCK_TIMEOUT_SECONDS": 30},
    )


def at_once(lake: Lake, loads: Sequence[Sequence[Path]]) -> list[Running]:
    """Load in parallel, each in its own process, as soon as all are ready."""
    notes = [lake.folder / f"ready-{number}" for number in range(len(loads))]
    running = [begin(lake, paths, _READY, note) for paths, note in zip(loads, notes, strict=True)]
    for each, note in zip(running, notes, strict=True):
        each.wait_until(note.exists)
    for note in notes:
        note.unlink()
    return running


def reports_of(running: Sequence[Running]) -> list[dict[str, Any]]:
    """Return the reports of loads, which must succeed."""
    done = [each.wait() for each in running]
    assert [ended.status for ended in done] == [0] * len(done), done
    return [json.loads(ended.out) for ended in done]


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("number", [2, 8])
def test_the_same_source_at_the_same_moment(nowhere: Lake, number: int, exists: bool) -> None:
    lake = nowhere
    if exists:
        lake.obslake("init")
    path = source(lake, "a")
    reports = reports_of(at_once(lake, [[path]] * number))
    (loaded,) = {r["load_id"] for r in reports if r["load_id"]}
    assert sum(not r["skipped"] for r in reports) == 1
    assert {s["load_id"] for r in reports for s in r["skipped"]} == {loaded}
    check(lake, "a")


def test_the_same_sources_in_many_combinations_at_the_same_moment(lake: Lake) -> None:
    paths = {name: source(lake, name) for name in "abcdef"}
    loads = ["abc", "cde", "ef", "fa", "bd", "abcdef", "c", "dcba"]
    reports = reports_of(at_once(lake, [[paths[name] for name in names] for names in loads]))
    loaded = Counter(s for r in reports for s in r["sources"])
    assert loaded == Counter(str(path) for path in paths.values())
    check(lake, *paths)


@pytest.mark.parametrize("table", ["tests", "observations"])
def test_a_load_that_is_killed_while_another_loads_its_sources(lake: Lake, table: str) -> None:
    paths = {name: source(lake, name) for name in "abc"}
    # Every table gets rows, and a commit.
    commit = Point(
        "pyiceberg.table:Transaction.commit_transaction", "before", 1 + NAMES.index(table)
    )
    note = lake.folder / "before-its-commit"
    victim = begin(lake, [paths["a"], paths["b"]], commit, note)
    victim.wait_until(note.exists)
    (report,) = reports_of(at_once(lake, [[paths["b"], paths["c"]]]))
    victim.send(signal.SIGKILL)
    assert victim.wait().was_killed
    assert report["sources"] == [str(paths["b"]), str(paths["c"])]
    check(lake, "b", "c")
    assert lake.load("observations", *paths.values())["sources"] == [str(paths["a"])]
    check(lake, "a", "b", "c")
