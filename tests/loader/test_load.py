"""A load appends each source once, completely or not at all, sorted; repetition completes it."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from obslake import __version__, engine
from obslake.errors import NoLakehouseError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.schemas import OBSERVATIONS, TABLES

from tests.conftest import configure_catalog
from tests.harness.lake import Lake, observation
from tests.harness.workspace import Workspace
from tests.loader.maintenance import InterruptedLoadError, interrupted_at
from tests.loader.test_lasso import cell, step
from tests.loader.test_observations import published


def everything(lake: Lake, name: str = "published.parquet") -> Path:
    """Write a source with rows for every table."""
    rows = [published(step_id=n, memory_used_mb=1.0, specified_oracle=False) for n in range(3)]
    specified = [published(step_id=n, specified_oracle=True) for n in range(3)]
    return lake.parquet(name, rows + specified)


def test_a_source_is_loaded_once(lake: Lake) -> None:
    path = lake.jsonl("o.jsonl", [observation()])
    first = lake.load("observations", path)
    before = lake.snapshots()
    copy = lake.write("copy.jsonl", path.read_bytes())
    os.utime(copy, (0, 0))
    report = lake.load("observations", path, copy)
    assert report["load_id"] is None
    assert report["rows"] == {}
    assert report["skipped"] == [
        {"source": str(p), "load_id": first["load_id"]} for p in (path, copy)
    ]
    out, err = lake.obslake("load", "observations", copy)
    assert (out, err) == (
        f"{copy}: already loaded by load {first['load_id']}, nothing appended\n",
        "",
    )
    assert lake.snapshots() == before

    # A new source beside it is loaded.
    new = lake.jsonl("new.jsonl", [observation(test_id="new")])
    report = lake.load("observations", path, new)
    assert report["sources"] == [str(new)]
    assert len(report["skipped"]) == 1
    assert lake.rows("observations", "test_id") == [("new",), ("t",)]


def test_a_source_is_new_if_its_options_make_other_rows(lake: Lake) -> None:
    path = lake.jsonl("o.jsonl", [observation(time=1)])
    variants: list[list[str]] = [
        [],
        ["--data-set", "other"],
        ["--run", "other"],
        ["--environment", "other"],
        ["--map", "duration_ns=time", "--again"],
    ]
    for options in variants:
        assert lake.load("observations", path, *options)["load_id"], options
        assert lake.load("observations", path, *options)["load_id"] is None, options
    assert len(lake.rows("observations")) == len(variants)


def test_the_same_content_twice_in_one_load(lake: Lake) -> None:
    one, two = (lake.jsonl(name, [observation()]) for name in ("one.jsonl", "two.jsonl"))
    report = lake.load("observations", one, two)
    assert report["warnings"] == [f"{two} has the content of {one}: loaded once"]
    assert len(lake.rows("observations")) == 1


def test_rows_and_snapshots_of_a_load(lake: Lake) -> None:
    path = everything(lake)
    loads = [lake.load("observations", path), lake.load("observations", path, "--run", "again")]
    ids = [report["load_id"] for report in loads]
    assert [uuid.UUID(i).version for i in ids] == [7, 7]
    assert ids == sorted(ids)
    committed = []
    for definition in TABLES:
        table = lake.open().table(definition)
        assert {r["load_id"] for r in lake.rows(definition.name)} == set(ids), definition.name
        assert [s.summary.operation.value for s in table.snapshots() if s.summary] == ["append"] * 2
        summary = table.snapshots()[0].summary
        assert summary is not None
        assert summary["obslake.load-id"] == ids[0]
        assert json.loads(summary["obslake.sources"] or "") == [str(path)]
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        assert json.loads(summary["obslake.sha256"] or "") == [content]
        assert summary["obslake.reader"] == "observations"
        assert summary["obslake.version"] == __version__
        assert len(json.loads(summary["obslake.source-keys"] or "")[0]) == 64
        committed.append((table.snapshots()[0].timestamp_ms, definition.name))
    # Observations are committed last, so their descriptions are always visible.
    assert [name for _, name in sorted(committed, key=lambda c: c[0])][-1] == "observations"


@pytest.mark.parametrize("table", [t.name for t in TABLES])
def test_an_interrupted_load_is_completed_by_repetition(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    path = everything(lake)
    lake.obslake("init")
    with monkeypatch.context() as patch:
        started = interrupted_at(patch, table)
        with pytest.raises(InterruptedLoadError):
            lake.load("observations", path)
    names = [t.name for t in TABLES]
    assert started == names[: names.index(table) + 1]
    assert not list(lake.home.glob(".load-*"))
    begun = {r["load_id"] for name in names for r in lake.rows(name)}
    assert lake.rows("observations") == []

    report = lake.load("observations", path)
    assert begun <= {report["load_id"]}
    counts = {name: len(lake.rows(name)) for name in names}
    assert counts == {
        "implementations": 1,
        "tests": 1,
        "runs": 1,
        "measurements": 3,
        "observations": 6,
    }
    assert {r["load_id"] for name in names for r in lake.rows(name)} == {report["load_id"]}
    assert lake.load("observations", path)["load_id"] is None


def test_opening_a_lakehouse_leaves_no_files(lake: Lake) -> None:
    lake.obslake("init")
    before = sorted((lake.home / "warehouse").rglob("*"))
    Lakehouse.open(lake.home, create=True)
    assert sorted((lake.home / "warehouse").rglob("*")) == before


def test_a_faulty_row_leaves_nothing_behind(lake: Lake) -> None:
    contradiction = [*step(0, "1", "f"), cell("value", "2", SYSTEMID="s1")]
    lake.refused("lasso", lake.parquet("cells.parquet", contradiction))
    bad = lake.parquet("p.parquet", [published(), published(test_id=None)])
    assert "column test_id: is missing" in lake.refused("observations", bad)
    contents = [p for p in (lake.home / "warehouse").rglob("*") if p.is_file()]
    assert {p.suffix for p in contents} == {".json"}


def test_rows_are_sorted_and_in_one_file(lake: Lake) -> None:
    rows = [
        observation(problem_id=f"p{n % 3}", test_id=f"t{n % 7}", step_id=n % 5, run_id=str(n % 11))
        for n in range(500)
    ]
    paths = [lake.jsonl("a.jsonl", rows[:250]), lake.csv("b.csv", rows[250:])]
    lake.load("observations", *paths)
    (file,) = (lake.home / "warehouse/obslake/observations/data").glob("*.parquet")
    written = pq.read_table(file).select(OBSERVATIONS.sort_columns).to_pylist()
    keys = [tuple(row.values()) for row in written]
    assert len(keys) == 500
    assert keys == sorted(keys)


def test_the_memory_limit_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = "select current_setting('memory_limit'), current_setting('temp_directory')"
    monkeypatch.delenv("OBSLAKE_MEMORY_LIMIT", raising=False)
    with engine.connect(temp_directory=tmp_path) as connection:
        assert connection.execute(setting).fetchall() == [("1.8 GiB", str(tmp_path))]
    monkeypatch.setenv("OBSLAKE_MEMORY_LIMIT", "300MiB")
    with engine.connect(temp_directory=tmp_path) as connection:
        assert connection.execute(setting).fetchall() == [("300.0 MiB", str(tmp_path))]


def test_two_lakehouses_are_independent(tmp_path: Path) -> None:
    lakes = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        lakes.append(Lake(tmp_path / name))
    for lake in lakes:
        path = lake.jsonl("o.jsonl", [observation(test_id=lake.folder.name)])
        assert lake.load("observations", path)["load_id"]
    assert [lake.rows("observations", "test_id") for lake in lakes] == [[("a",)], [("b",)]]


def test_a_catalog_of_pyiceberg_s_configuration(
    nowhere: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = nowhere
    catalog, warehouse = lake.folder / "elsewhere.db", lake.folder / "bucket"
    configure_catalog(monkeypatch, uri=f"sqlite:///{catalog}", warehouse=f"file://{warehouse}")
    path = lake.jsonl("o.jsonl", [observation()])
    workspace = Workspace(lake.folder)
    workspace.obslake("load", "observations", str(path))
    assert [r["test_id"] for r in workspace.rows("observations")] == ["t"]
    assert not (workspace.home / "catalog.db").exists()
    assert list(warehouse.rglob("*.parquet"))
    configure_catalog(monkeypatch, uri=f"sqlite:///{lake.folder}/empty.db")
    assert "has no table obslake." in workspace.refused("status")
    configure_catalog(monkeypatch, uri="mysql+nodriver://user:secret@host/database")
    assert "://…@host/database" in (message := workspace.refused("status"))
    assert message.startswith(f"obslake: cannot use the catalog of {workspace.home}: ")
    configure_catalog(monkeypatch, uri="postgresql+asyncpg://host/database")
    assert "needs a package that is not installed: asyncpg\n" in workspace.refused("status")


@pytest.mark.parametrize("name", ["a b's", "100% [x]*{y}", "ü\\;$HOME"])
def test_folders_with_special_names(tmp_path: Path, name: str) -> None:
    lake = Lake(tmp_path / name)
    lake.folder.mkdir()
    lake.load("observations", lake.jsonl("o.jsonl", [observation()]))
    status = json.loads(lake.obslake("status", "--json")[0])
    assert status["tables"][-1]["rows"] == 1
    out, _ = lake.obslake("sql", "select test_id from lake.observations", "--json")
    assert json.loads(out) == [{"test_id": "t"}]


def test_folders_that_cannot_be_a_lakehouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for character in '#?"\n':
        with pytest.raises(NoLakehouseError, match=r"the path of a lakehouse cannot contain"):
            Lakehouse.open(tmp_path / f"a{character}b", create=True)
    (tmp_path / "file").touch()
    with pytest.raises(NoLakehouseError, match=r"cannot create a lakehouse at .*: File exists"):
        Lakehouse.open(tmp_path / "file", create=True)
    (tmp_path / "noise").mkdir()
    (tmp_path / "noise" / "catalog.db").write_text("no database, but long enough" * 99)
    with pytest.raises(NoLakehouseError, match=r"cannot use the catalog of .*not a database"):
        Lakehouse.open(tmp_path / "noise")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Lakehouse.open("~/home", create=True).home == tmp_path / "home"
    monkeypatch.setenv("OBSLAKE_HOME", "~/home")
    assert Lakehouse.open().home == tmp_path / "home"


def test_parallel_loads(workspace: Workspace) -> None:
    workspace.obslake("init")
    lake = Lake(workspace.folder)
    paths = [lake.jsonl(f"{n}.jsonl", [observation(test_id=str(n))]) for n in range(3)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda path: workspace.obslake("load", "observations", str(path)), paths))
    assert lake.rows("observations", "test_id") == [("0",), ("1",), ("2",)]
    assert len(lake.rows("runs")) == 3


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_load_leaves_no_temporary_files(
    lake: Lake, number: signal.Signals, status: int
) -> None:
    lake.obslake("init")
    process = subprocess.Popen(
        [sys.executable, "-m", "obslake", "--home", lake.home, "load", "observations", "-"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell makes background processes ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 20
    while not list(lake.home.glob(".load-*/stdin-*")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == status, stderr.decode()
    assert b"Traceback" not in stderr
    assert not list(lake.home.glob(".load-*"))
