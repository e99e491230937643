"""`obslake compact` keeps the same rows in fewer files, even if other commands commit meanwhile."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from obslake import __version__, engine
from obslake.errors import DeleteFilesError, RewriteError
from obslake.lakehouse import commits, rewrite
from obslake.lakehouse.datafiles import write_data_files
from obslake.lakehouse.schemas import ALL_TABLES, OBSERVATIONS, RUNS, TABLES
from obslake.lakehouse.views import create_source_views
from obslake.progress import Progress
from obslake.upkeep.compaction import compact
from pyiceberg.manifest import ManifestContent, ManifestFile
from pyiceberg.table import Table

from tests.harness.lake import KeptLakes, Lake, observation
from tests.loader.maintenance import (
    contents,
    just_before_commit,
    live_files,
    part,
    set_properties,
    stored_files,
)
from tests.loader.test_load import everything


@pytest.fixture(autouse=True)
def _no_retry_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "_LONGEST_WAIT_SECONDS", 0.0)


@pytest.fixture
def loaded(kept_lakes: KeptLakes) -> Lake:
    """A lakehouse after four loads, two of which have rows for every table."""
    return kept_lakes.get("four loads", load_four_times)


def load_four_times(lake: Lake) -> None:
    for number, run in enumerate(("a", "b")):
        lake.load("observations", everything(lake), "--run", run)
        lake.load("observations", part(lake, number), "--run", run)


def test_the_rows_stay_the_same(loaded: Lake) -> None:
    before = contents(loaded)
    assert all(before.values())
    old = loaded.snapshots()
    out, err = loaded.obslake("compact")
    assert err == ""
    assert contents(loaded) == before
    for definition in TABLES:
        assert len(live_files(loaded, definition)) == 1
    assert out.splitlines()[-1].startswith("observations              52 rows  4 files -> 1 file, ")
    # Compare both ways in SQL, to include maps and times.
    for definition in TABLES:
        table = loaded.open().table(definition)
        columns = ", ".join(definition.column_names)
        versions = [
            f"select {columns} from iceberg_scan('{table.metadata_location}', snapshot_from_id = {s})"
            for s in (old[definition.name], loaded.snapshots()[definition.name])
        ]
        for one, other in (versions, versions[::-1]):
            query = f"select count(*) as n from ({one} except all {other})"
            assert json.loads(loaded.obslake("sql", query, "--json")[0]) == [{"n": 0}]


def test_a_map_survives(lake: Lake) -> None:
    for n in range(2):
        row = {"run_id": str(n), "environment_id": "e", "attributes": {"os": "x", "n": str(n)}}
        lake.load("runs", lake.jsonl(f"{n}.jsonl", [row]))
    before = contents(lake)
    lake.obslake("compact")
    assert len(live_files(lake, RUNS)) == 1
    assert contents(lake) == before
    assert lake.row("runs", run_id="1")["attributes"] == {"os": "x", "n": "1"}


def test_a_second_compaction_changes_nothing(loaded: Lake) -> None:
    loaded.obslake("compact")
    before = loaded.snapshots()
    out, _ = loaded.obslake("compact")
    assert loaded.snapshots() == before
    assert [line.split(maxsplit=1) for line in out.splitlines()] == [
        ["implementations", "2 rows  already compact, 1 file"],
        ["tests", "2 rows  already compact, 1 file"],
        ["runs", "4 rows  already compact, 1 file"],
        ["measurements", "6 rows  already compact, 1 file"],
        ["quarantine", "0 rows  already compact, 0 files"],
        ["observations", "52 rows  already compact, 1 file"],
    ]


def test_empty_tables_and_single_files_are_compact(lake: Lake) -> None:
    lake.obslake("init")
    report = json.loads(lake.obslake("compact", "--json")[0])
    assert [r["table"] for r in report] == [t.name for t in ALL_TABLES]
    assert not any(r["files_rewritten"] for r in report)
    # A completed load leaves a snapshot without files.
    lake.load("runs", lake.jsonl("r.jsonl", [{"run_id": "r"}]))
    before = lake.snapshots()
    lake.obslake("compact")
    assert lake.snapshots() == before


def test_only_the_selected_tables_are_compacted(loaded: Lake) -> None:
    before = loaded.snapshots()
    report = json.loads(
        loaded.obslake("compact", "--table", "runs", "--table", "tests", "--json")[0]
    )
    assert [(r["table"], r["files_before"], r["files_after"]) for r in report] == [
        ("tests", 2, 1),
        ("runs", 4, 1),
    ]
    changed = {name for name, id_ in loaded.snapshots().items() if id_ != before[name]}
    assert changed == {"runs", "tests"}


def test_the_summary_of_the_snapshot(loaded: Lake) -> None:
    loaded.obslake("compact")
    snapshot = loaded.open().table(OBSERVATIONS).current_snapshot()
    assert snapshot is not None
    assert snapshot.summary is not None
    assert snapshot.summary.operation.value == "overwrite"
    properties = snapshot.summary.additional_properties
    assert {k: v for k, v in properties.items() if k.startswith("obslake.")} == {
        "obslake.operation": "compact",
        "obslake.version": __version__,
        "obslake.files-before": "4",
        "obslake.files-after": "1",
        "obslake.rows-before": "52",
        "obslake.rows-after": "52",
    }
    assert (properties["total-records"], properties["total-data-files"]) == ("52", "1")
    status = json.loads(loaded.obslake("status", "--snapshots", "--json")[0])
    last = status["snapshots"][-1]
    assert (last["load_id"], last["rows"], last["operation"]) == (None, 0, "compact")
    assert loaded.obslake("status", "--snapshots")[0].splitlines()[-1] == "  compact"


def test_rows_are_sorted_across_files(lake: Lake) -> None:
    lake.obslake("init")
    set_properties(lake, target_size=4000, row_group=50)
    for number in range(4):
        lake.load(
            "observations",
            part(
                lake,
                number,
                [
                    observation(problem_id=f"p{n * 7 % 300:04}", run_id=str(number), output=str(n))
                    for n in range(300)
                ],
            ),
        )
    before = contents(lake)
    lake.obslake("compact")
    assert contents(lake) == before
    files = live_files(lake)
    assert len(files) > 2
    small = [file for file in files if file.file_size_in_bytes < 4000]
    assert len(small) <= 1
    table = lake.open().table(OBSERVATIONS)
    ranges = sorted((f.lower_bounds[2], f.upper_bounds[2]) for f in files)
    assert all(one[1] <= other[0] for one, other in pairwise(ranges))
    assert len(table.scan().to_arrow()) == 1200


def test_only_overlapping_files_are_rewritten(lake: Lake) -> None:
    lake.obslake("init")
    # The target is so small that no file counts as too small.
    set_properties(lake, target_size=10)
    for n, problems in enumerate(("ab", "ce", "df", "gh")):
        rows = [observation(problem_id=problem, output=str(n)) for problem in problems]
        lake.load("observations", part(lake, n, rows))
    before = {file.file_path for file in live_files(lake)}
    assert "4 files -> 3 files" in lake.obslake("compact")[0]
    after = {file.file_path for file in live_files(lake)}
    assert len(before & after) == 2
    assert "already compact, 3 files" in lake.obslake("compact")[0]


def test_earlier_snapshots_stay_readable(loaded: Lake) -> None:
    table = loaded.open().table(OBSERVATIONS)
    snapshots = table.snapshots()
    counts = [table.scan(snapshot_id=s.snapshot_id).count() for s in snapshots]
    assert counts == [6, 26, 32, 52]
    loaded.obslake("compact")
    lakehouse = loaded.open()
    for snapshot, count in zip(snapshots, counts, strict=True):
        with engine.connect() as connection:
            create_source_views(lakehouse, connection, snapshot.snapshot_id)
            rows = connection.execute("select count(*) from lake.observations").fetchall()
            assert rows == [(count,)]
            runs = connection.execute("select count(*) from lake.runs").fetchall()
            assert runs == [(snapshots.index(snapshot) + 1,)]


def test_loaded_sources_are_still_recognised(loaded: Lake) -> None:
    loaded.obslake("compact")
    before = loaded.snapshots()
    assert loaded.load("observations", part(loaded, 0), "--run", "a")["load_id"] is None
    assert loaded.load("observations", everything(loaded), "--run", "b")["load_id"] is None
    assert loaded.snapshots() == before
    assert loaded.load("observations", part(loaded, 0), "--run", "c")["load_id"]
    assert len(live_files(loaded)) == 2
    assert "2 files -> 1 file" in loaded.obslake("compact", "--table", "observations")[0]


def while_reading(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[], object], *, times: int = 1
) -> list[int]:
    """Do something after files have been read and rewritten, before that is committed."""
    done: list[int] = []

    def write(*arguments: object, **options: object) -> object:
        written = write_data_files(*arguments, **options)  # type: ignore[arg-type]
        if len(done) < times:
            done.append(1)
            act()
        return written

    monkeypatch.setattr(rewrite, "write_data_files", write)
    return done


def test_a_load_meanwhile_is_not_lost(loaded: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    new = part(loaded, 9)
    with monkeypatch.context() as patch:
        done = while_reading(patch, lambda: loaded.load("observations", new))
        before = contents(loaded)
        report = compact(loaded.open(), OBSERVATIONS, Progress())
    assert done
    assert (report.files_before, report.files_after) == (4, 1)
    assert len(live_files(loaded)) == 2
    after = contents(loaded)
    assert before["observations"] < after["observations"]
    assert after["observations"].total() == before["observations"].total() + 20
    assert loaded.load("observations", new)["load_id"] is None


def test_a_load_just_before_the_commit_is_not_lost(
    loaded: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between PyIceberg's preparation and its commit."""
    with monkeypatch.context() as patch:
        done = just_before_commit(patch, lambda: loaded.load("observations", part(loaded, 9)))
        compact(loaded.open(), OBSERVATIONS, Progress())
    assert done
    assert len(loaded.rows("observations")) == 52 + 20
    assert len(live_files(loaded)) == 2


def test_another_compaction_meanwhile(loaded: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(loaded)
    with monkeypatch.context() as patch:
        done = while_reading(patch, lambda: loaded.obslake("compact", "--table", "observations"))
        report = compact(loaded.open(), OBSERVATIONS, Progress())
    assert done
    # It starts again after the other compaction, and finds nothing to do.
    assert (report.files_before, report.files_rewritten) == (1, 0)
    assert contents(loaded) == before
    used = {file.file_path for file in live_files(loaded)}
    written = {f"file://{path}" for path in stored_files(loaded) if path.suffix == ".parquet"}
    table = loaded.open().table(OBSERVATIONS)
    for snapshot in table.snapshots():
        used.update(
            t.file.file_path for t in table.scan(snapshot_id=snapshot.snapshot_id).plan_files()
        )
    assert written == used


def test_files_removed_by_another_compaction_lose_no_rows(
    loaded: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another compaction replaces and removes the files before they are read."""
    before = contents(loaded)
    done: list[int] = []

    def late(*arguments: object, **options: object) -> object:
        if not done:
            done.append(1)
            loaded.obslake("compact", "--table", "observations")
            loaded.obslake("expire", "--older-than", "0s")
        return write_data_files(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(rewrite, "write_data_files", late)
    assert compact(loaded.open(), OBSERVATIONS, Progress()).files_rewritten == 0
    assert contents(loaded) == before


def test_a_compaction_gives_up_after_three_attempts(
    loaded: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(loaded)

    def compact_and_load() -> None:
        number = len(done)
        with monkeypatch.context() as patch:
            patch.setattr(rewrite, "write_data_files", write_data_files)
            loaded.load("observations", part(loaded, 20 + number))
            loaded.obslake("compact", "--table", "observations")
            loaded.load("observations", part(loaded, 30 + number))

    done = while_reading(monkeypatch, compact_and_load, times=99)
    with pytest.raises(RewriteError, match="other processes replaced its files during each of"):
        compact(loaded.open(), OBSERVATIONS, Progress())
    assert len(done) == 3
    assert before["observations"] < contents(loaded)["observations"]


def test_a_lost_row_is_not_committed(loaded: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def lossy(table: Table, batches: object) -> object:
        first, *_ = batches  # type: ignore[misc]
        return write_data_files(table, [first.slice(1)])

    before, stored = loaded.snapshots(), stored_files(loaded)
    monkeypatch.setattr(rewrite, "write_data_files", lossy)
    with pytest.raises(RewriteError, match="51 of 52 rows to keep were written"):
        loaded.obslake("compact", "--table", "observations")
    assert loaded.snapshots() == before
    assert stored_files(loaded) == stored
    assert not list(loaded.home.glob(".compact-*"))


def test_delete_files_are_refused(loaded: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ManifestFile, "content", ManifestContent.DELETES)
    with pytest.raises(DeleteFilesError, match="observations has delete files"):
        compact(loaded.open(), OBSERVATIONS, Progress())


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143)])
def test_a_compaction_can_be_interrupted(loaded: Lake, number: signal.Signals, status: int) -> None:
    before, snapshots, stored = contents(loaded), loaded.snapshots(), stored_files(loaded)
    code = (
        "import sys, time\n"
        "from obslake.lakehouse import rewrite\n"
        "from obslake.cli.app import main\n"
        "write = rewrite.write_data_files\n"
        "def slow(*arguments):\n"
        "    files = write(*arguments)\n"
        "    print('written', flush=True)\n"
        "    time.sleep(60)\n"
        "    return files\n"
        "rewrite.write_data_files = slow\n"
        f"sys.argv = ['obslake', '--home', {str(loaded.home)!r}, 'compact', '--table', 'observations']\n"
        "main()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(number)
        assert process.wait(timeout=20) == status
    assert loaded.snapshots() == snapshots
    assert contents(loaded) == before
    if number == signal.SIGTERM:
        assert len(stored_files(loaded) - stored) <= 1
        assert not list(loaded.home.glob(".compact-*"))
    assert "4 files -> 1 file" in loaded.obslake("compact", "--table", "observations")[0]
    assert contents(loaded) == before


def test_compactions_and_loads_in_parallel(loaded: Lake) -> None:
    """Real processes: three loads, and one compaction after another."""
    command = [sys.executable, "-m", "obslake", "--home", str(loaded.home)]
    paths = [part(loaded, 40 + n) for n in range(3)]
    loads = [subprocess.Popen([*command, "load", "observations", str(p)]) for p in paths]
    deadline = time.monotonic() + 120
    while any(load.poll() is None for load in loads):
        subprocess.run([*command, "compact"], check=True, capture_output=True)
        assert time.monotonic() < deadline
    assert [load.wait() for load in loads] == [0, 0, 0]
    assert len(loaded.rows("observations")) == 52 + 60
    assert len(set(loaded.rows("observations", "load_id"))) == 7


def test_a_lakehouse_with_special_characters_in_its_path(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "100% [x]*{y} ü;'$HOME")
    lake.folder.mkdir()
    for n in range(2):
        lake.load("observations", part(lake, n))
    before = contents(lake)
    assert "2 files -> 1 file" in lake.obslake("compact")[0]
    assert contents(lake) == before
