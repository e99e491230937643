"""`obslake forget` deletes exactly the named rows, and they do not come back by themselves."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from obslake.errors import (
    ConfirmationError,
    ForgetError,
    RewriteError,
    RollbackError,
    SnapshotNotFoundError,
)
from obslake.lakehouse import commits, rewrite
from obslake.lakehouse.datafiles import write_data_files
from obslake.lakehouse.ledger import noted_forgotten
from obslake.lakehouse.schemas import OBSERVATIONS, TABLES
from obslake.load.history import History
from pyiceberg.table import Table

from tests.harness.lake import KeptLakes, Lake, observation
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
from tests.loader.test_rollback import back, seen, snapshots


@pytest.fixture(autouse=True)
def _no_retry_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "_LONGEST_WAIT_SECONDS", 0.0)


@pytest.fixture
def loaded(kept_lakes: KeptLakes) -> Lake:
    """Two data sets: two runs of five problems, and rows for every table."""
    return kept_lakes.get("two data sets", load_two_data_sets)


def load_two_data_sets(lake: Lake) -> None:
    lake.load("observations", everything(lake))
    for number, run in enumerate(("a", "b")):
        lake.load("observations", part(lake, number), "--run", run, "--data-set", "mine")
    described = [{"problem_id": p, "implementation_id": "i"} for p in ("p0", "p1")]
    lake.load("implementations", lake.jsonl("i.jsonl", described), "--data-set", "mine")
    system = lake.write("s.json", '{"response": {"docs": [{"id": "i", "content": "code"}]}}')
    lake.load("lasso", system, "--data-set", "mine")


def forget(lake: Lake, *options: str) -> dict[str, int]:
    """Forget, and return the number of rows deleted from each table."""
    report = json.loads(lake.obslake("forget", *options, "--yes", "--json")[0])
    assert report["dry_run"] == ("--dry-run" in options)
    return {t["table"]: t["rows"] for t in report["tables"] if t["rows"]}


MINE = ("--data-set", "mine")
FORGOTTEN = {
    MINE: {"implementations": 3, "runs": 2, "observations": 40},
    (*MINE, "--problem", "p1"): {"implementations": 1, "observations": 8},
    (*MINE, "--run", "b"): {"runs": 1, "observations": 20},
    (*MINE, "--run", "b", "--problem", "p1"): {"observations": 4},
}


@pytest.mark.parametrize("options", FORGOTTEN)
def test_exactly_the_named_rows_are_deleted(loaded: Lake, options: tuple[str, ...]) -> None:
    before, snapshot = contents(loaded), loaded.snapshots()
    assert forget(loaded, *options, "--dry-run") == FORGOTTEN[options]
    assert loaded.snapshots() == snapshot
    named = dict(zip(("--data-set", "--problem", "--run"), (None,) * 3, strict=True))
    named.update(zip(options[::2], options[1::2], strict=True))
    columns = {"data_set_id": "--data-set", "problem_id": "--problem", "run_id": "--run"}
    wanted = {c: named[o] for c, o in columns.items() if named[o]}
    expected = {
        t.name: [
            row
            for row in loaded.rows(t.name)
            if any(row.get(column) != value for column, value in wanted.items())
        ]
        for t in TABLES
    }
    assert forget(loaded, *options) == FORGOTTEN[options]
    for name, rows in expected.items():
        assert sorted(map(repr, loaded.rows(name))) == sorted(map(repr, rows)), name
    for name in before:
        assert before[name].total() - len(expected[name]) == FORGOTTEN[options].get(name, 0)
    # One commit per table that had such rows, and one for observations.
    changed = {name for name, id_ in loaded.snapshots().items() if id_ != snapshot[name]}
    assert changed == {*FORGOTTEN[options], "observations"}


def test_files_without_such_rows_stay_and_rewritten_files_stay_sorted(lake: Lake) -> None:
    lake.obslake("init")
    set_properties(lake, target_size=10, row_group=4)
    rows = [observation(problem_id=p, step_id=s) for p in "abcd" for s in range(4)]
    lake.load("observations", lake.jsonl("o.jsonl", rows))
    set_properties(lake, target_size=1 << 20, row_group=100)
    extra = [observation(problem_id=p, step_id=s, run_id="x") for p in "bz" for s in (9, 7, 8)]
    lake.load("observations", lake.jsonl("x.jsonl", extra))
    before = {file.file_path: file.record_count for file in live_files(lake)}
    assert sorted(before.values()) == [4, 4, 4, 4, 6]
    assert forget(lake, "--data-set", "default", "--problem", "b") == {"observations": 7}
    after = {file.file_path: file.record_count for file in live_files(lake)}
    assert len(before.keys() & after.keys()) == 3
    (new,) = after.keys() - before.keys()
    assert after[new] == 3
    written = pa.parquet.read_table(new.removeprefix("file://"))
    assert written["step_id"].to_pylist() == [7, 8, 9]
    summary = lake.open().table(OBSERVATIONS).current_snapshot()
    assert summary is not None
    assert summary.summary is not None
    assert summary.summary["total-records"] == "15"


def test_printed_report(loaded: Lake) -> None:
    with pytest.raises(ConfirmationError) as refusal:
        loaded.obslake("forget", *MINE, "--problem", "p1")
    assert str(refusal.value) == (
        "this would delete data set 'mine', problem 'p1':\n  implementations: 1 row\n"
        "  observations: 8 rows\n  nothing was changed: confirm it with --yes, or on a terminal"
    )
    lines = loaded.obslake("forget", *MINE, "--problem", "p1", "--yes")[0].splitlines()
    assert lines[0].split() == ["quarantine", "0", "rows", "deleted"]
    assert lines[1].split() == ["implementations", "1", "row", "deleted"]
    assert lines[-2:] == [
        "next: dbt run",
        "8 earlier snapshots may still hold the rows: obslake expire --older-than 0s",
    ]
    text = loaded.obslake("status", "--snapshots")[0]
    assert text.splitlines()[-1] == "  forget"


def test_invalid_options_are_refused(loaded: Lake) -> None:
    before = loaded.snapshots()
    for options, message in {
        ("--data-set", "mime"): "there is no data set 'mime'\n  there are: '.*', 'mine'$",
        (*MINE, "--problem", "p9"): (
            "no problem 'p9' in data set 'mine'\n  there are: 'p0', 'p1', 'p2', 'p3', 'p4'$"
        ),
        (*MINE, "--run", "c"): "there is no run 'c' in data set 'mine'\n  there are: '.*a', 'b'",
        ("--data-set", "it's"): 'there is no data set "it\'s"',
    }.items():
        with pytest.raises(ForgetError, match=message):
            forget(loaded, *options)
    assert loaded.snapshots() == before


def test_hostile_names(lake: Lake) -> None:
    name = "a'b\"; drop table x -- 100% é"
    rows = [observation(problem_id=name), observation(problem_id="p")]
    lake.load("observations", lake.jsonl("o.jsonl", rows), "--data-set", name, "--run", name)
    assert forget(lake, "--data-set", name, "--problem", name) == {"observations": 1}
    assert forget(lake, "--data-set", name, "--run", name) == {"runs": 1, "observations": 1}


def test_sources_are_not_loaded_again(loaded: Lake) -> None:
    """Forgotten rows do not come back, and remaining rows are not duplicated."""
    source = part(loaded, 1)
    options = ("--run", "b", *MINE)
    forget(loaded, *MINE, "--problem", "p1")
    for _ in range(2):
        report = loaded.load("observations", source, *options)
        assert report["load_id"] is None
        assert report["skipped"][0]["forgotten"] is True
        out, _ = loaded.obslake("load", "observations", source, *options)
        assert out.splitlines()[1].startswith("  rows were forgotten since")
        history = History.read(loaded.open())
        loaded.obslake("expire", "--older-than", "0s")
        assert History.read(loaded.open()) == history
    assert loaded.rows("observations", data_set_id="mine", problem_id="p1") == []
    # Another load of another source may bring rows of the same problem.
    assert loaded.load("observations", part(loaded, 5), *MINE)["load_id"]
    assert len(loaded.rows("observations", data_set_id="mine", problem_id="p1")) == 4


def test_earlier_snapshots_hold_the_rows_until_they_expire(loaded: Lake) -> None:
    earlier = snapshots(loaded)[-1]["snapshot_id"]
    files = {p for p in stored_files(loaded) if p.suffix == ".parquet"}
    forget(loaded, *MINE)
    table = loaded.open().table(OBSERVATIONS)
    assert table.scan("data_set_id = 'mine'", snapshot_id=earlier).count() == 40
    loaded.obslake("expire", "--older-than", "0s")
    remaining = {p for p in stored_files(loaded) if p.suffix == ".parquet"}
    assert len(files) == 3
    assert len(remaining) == 1
    for path in (loaded.home / "warehouse/obslake").rglob("*.parquet"):
        assert "mine" not in pa.parquet.read_table(path)["data_set_id"].to_pylist(), path


def test_a_rollback_restores_rows_only_on_request(loaded: Lake) -> None:
    before, earlier = contents(loaded), snapshots(loaded)[-1]["snapshot_id"]
    forget(loaded, *MINE, "--run", "a")
    now, last = contents(loaded), snapshots(loaded)[-1]["snapshot_id"]
    with pytest.raises(RollbackError) as refusal:
        back(loaded, earlier)
    assert "that were forgotten since: data set 'mine', run 'a'\n" in str(refusal.value)
    assert contents(loaded) == now
    back(loaded, earlier, "--undo-forget")
    assert contents(loaded) == before
    back(loaded, last)
    assert contents(loaded) == now
    loaded.obslake("expire", "--older-than", "0s")
    with pytest.raises(SnapshotNotFoundError):
        back(loaded, earlier, "--undo-forget")


@pytest.mark.parametrize("table", ["implementations", "runs", "observations"])
def test_an_interrupted_command_is_completed_by_repetition(
    loaded: Lake, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    stored = stored_files(loaded)
    with monkeypatch.context() as patch:
        interrupted_at(patch, table)
        with pytest.raises(InterruptedLoadError):
            forget(loaded, *MINE)
    assert stored_files(loaded) == stored
    assert seen(loaded)["observations"] == 46
    assert not list(loaded.home.glob(".forget-*"))
    done = forget(loaded, *MINE)
    assert done["observations"] == 40
    assert [len(loaded.rows(t.name, data_set_id="mine")) for t in TABLES] == [0] * 5
    ids = {i for t in TABLES for i in noted_forgotten(loaded.open().table(t).metadata)}
    assert len(ids) == 1


def test_an_interruption_when_observations_have_no_such_rows(
    loaded: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the note that tells the marts what to rebuild is missing."""
    loaded.load("runs", loaded.jsonl("r.jsonl", [{"run_id": "only"}]), *MINE)
    with monkeypatch.context() as patch:
        interrupted_at(patch, "observations")
        with pytest.raises(InterruptedLoadError):
            forget(loaded, *MINE, "--run", "only")
    assert forget(loaded, *MINE, "--run", "only") == {}
    assert len(noted_forgotten(loaded.open().table(OBSERVATIONS).metadata)) == 1
    with pytest.raises(ForgetError, match="there is no run 'only'"):
        forget(loaded, *MINE, "--run", "only")


def test_a_load_and_a_compaction_meanwhile(loaded: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The load stays; the compaction replaces the files, so the work is repeated on the new files."""

    def others() -> None:
        loaded.load("observations", part(loaded, 7), *MINE)
        loaded.obslake("compact", "--table", "observations")

    with monkeypatch.context() as patch:
        done = just_before_commit(patch, others, "observations")
        assert forget(loaded, *MINE, "--problem", "p1")["observations"] == 12
    assert done
    assert len(loaded.rows("observations")) == 66 - 12
    assert len(live_files(loaded)) == 1


def test_a_lost_row_is_not_committed(loaded: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def lossy(table: Table, batches: Iterator[pa.RecordBatch]) -> object:
        return write_data_files(table, [next(batches).slice(1)])

    before, stored = loaded.snapshots(), stored_files(loaded)
    monkeypatch.setattr(rewrite, "write_data_files", lossy)
    with pytest.raises(RewriteError, match="15 of 16 rows to keep were written"):
        forget(loaded, *MINE, "--run", "a", "--problem", "p1")
    assert loaded.snapshots() == before
    assert stored_files(loaded) == stored


def test_a_damaged_file_is_named(loaded: Lake) -> None:
    (file,) = [f for f in live_files(loaded) if f.record_count == 6]
    Path(file.file_path.removeprefix("file://")).unlink()
    for data_set in ("gitimpress", "unknown"):
        with pytest.raises(ForgetError, match=r"^observations: .*parquet"):
            forget(loaded, "--data-set", data_set)
