"""`obslake verify` reports every kind of real damage with its place."""

import json
import os
import signal
import subprocess
import sys
import time
from copy import copy
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from obslake import __version__
from obslake.cli.app import cli
from obslake.errors import VerificationError
from obslake.lakehouse.ancestry import KEYS_PROPERTY, LOAD_ID_PROPERTY
from obslake.lakehouse.ledger import committed_loads
from obslake.lakehouse.schemas import OBSERVATIONS, RUNS, TABLES
from obslake.lakehouse.snapshots import live_files, replace_files
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.manifest import DataFile

from tests.harness.lake import KeptLakes, Lake, observation
from tests.harness.workspace import Workspace
from tests.loader.maintenance import InterruptedLoadError, interrupted_at, part, stored_files
from tests.loader.test_load import everything
from tests.loader.test_rollback import back, snapshots

LONG_AGO = time.time() - 3 * 24 * 3600


@pytest.fixture
def loaded(kept_lakes: KeptLakes) -> Lake:
    """A lakehouse after three loads, two of which have rows for every table."""
    return kept_lakes.get("three loads", load_three_times)


def load_three_times(lake: Lake) -> None:
    for run in ("a", "b"):
        lake.load("observations", everything(lake), "--run", run)
    rows = [
        observation(problem_id=f"p{n % 50}", step_id=n, output=f"{n * 977}") for n in range(5000)
    ]
    lake.load("observations", part(lake, 0, rows), "--run", "a")


def verify(lake: Lake, *options: str) -> dict[str, Any]:
    """Verify, and check that the exit status says whether there are faults."""
    done = CliRunner().invoke(cli, ["--home", str(lake.home), "verify", "--json", *options])
    if done.exception is not None and not isinstance(done.exception, VerificationError):
        raise done.exception
    report = json.loads(done.stdout)
    n = sum(len(check["faults"]) for check in report["checks"])
    assert (done.exception is not None) == (n > 0)
    if n:
        assert str(done.exception).startswith(f"{n} fault")
    return report


def faults(lake: Lake, *options: str) -> dict[str, list[str]]:
    """Verify, and return the faults by check."""
    return {
        check["name"]: [f"{fault['where']}: {fault['what']}" for fault in check["faults"]]
        for check in verify(lake, *options)["checks"]
        if check["faults"]
    }


def notes(report: dict[str, Any]) -> list[str]:
    return [note for check in report["checks"] for note in check["notes"]]


def local(path: str) -> Path:
    return Path(path.removeprefix("file://"))


def greatest_file(lake: Lake) -> DataFile:
    table = lake.open().table(OBSERVATIONS)
    files = live_files(table, table.current_snapshot())
    return max(files.values(), key=lambda file: file.record_count)


def test_no_faults(loaded: Lake) -> None:
    report = verify(loaded, "--deep")
    assert {c["name"]: c["counted"] for c in report["checks"]} == {
        "tables": 6,
        "snapshots": 12,
        "manifests": 12,
        "totals": 12,
        "data files": 12,
        "loads": 12,
        "sources": 3,
        "required values": 5000 + 12 + 2 + 2 + 3 + 6,
        "marts: counts": 0,
        "marts: computed again": 0,
        # A data file, a manifest, a list and a metadata file per commit, and one more metadata file per table.
        "orphans": 4 * 12 + 6,
    }
    assert notes(report) == ["the marts are not built yet: run `obslake build`"]
    assert report["orphans"] == []
    text, err = loaded.obslake("verify")
    assert text.splitlines()[0].split() == ["check", "checked", "faults"]
    assert text.splitlines()[1].split() == ["tables", "6", "0"]
    assert err == ""
    assert not list(loaded.home.glob(".verify-*"))


def test_no_faults_after_maintenance(lake: Lake) -> None:
    lake.obslake("init")
    assert faults(lake) == {}
    for number in range(3):
        lake.load("observations", part(lake, number), "--run", str(number))
    first = snapshots(lake)[0]["snapshot_id"]
    lake.obslake("compact")
    lake.obslake("forget", "--data-set", "default", "--problem", "p1", "--yes")
    assert faults(lake) == {}
    back(lake, first, "--undo-forget")
    lake.load("observations", part(lake, 1), "--run", "1")
    assert faults(lake) == {}
    lake.obslake("forget", "--data-set", "default", "--run", "1", "--yes")
    lake.obslake("expire", "--older-than", "0s")
    report = verify(lake)
    assert not any(check["faults"] for check in report["checks"])
    assert report["orphans"] == []


def test_a_missing_data_file(loaded: Lake) -> None:
    path = greatest_file(loaded).file_path
    local(path).unlink()
    assert faults(loaded) == {"data files": [f"observations: {path}: does not exist"]}
    assert "observations: rows were not counted, because files are faulty" in notes(verify(loaded))


def test_a_missing_data_file_of_an_earlier_snapshot(loaded: Lake) -> None:
    path = greatest_file(loaded).file_path
    loaded.obslake("compact")
    local(path).unlink()
    # The current rows can still be counted.
    report = verify(loaded)
    assert not any("were not counted" in note for note in notes(report))
    assert faults(loaded) == {"data files": [f"observations: {path}: does not exist"]}


def test_a_truncated_data_file(loaded: Lake) -> None:
    path = greatest_file(loaded).file_path
    size = local(path).stat().st_size
    os.truncate(local(path), size - 10)
    expected = f"observations: {path}: has {size - 10:,} bytes instead of {size:,}"
    assert faults(loaded) == {"data files": [expected]}


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 0x55
    path.write_bytes(data)


def test_changed_bytes(loaded: Lake) -> None:
    """Changes in the footer's length are detected at once, changes in a page by its checksum."""
    file = local(greatest_file(loaded).file_path)
    whole = file.read_bytes()
    for position in (1, 6):
        flip(file, len(whole) - position)
        assert list(faults(loaded)) == ["data files"]
        file.write_bytes(whole)
    assert faults(loaded, "--deep") == {}
    metadata = pq.read_metadata(file)
    for column in range(metadata.num_columns):
        chunk = metadata.row_group(0).column(column)
        end = (chunk.dictionary_page_offset or chunk.data_page_offset) + chunk.total_compressed_size
        flip(file, end - 1)
        found = faults(loaded, "--deep")
        assert found["data files"][0].startswith(f"observations: file://{file}: "), column
        file.write_bytes(whole)
    assert faults(loaded, "--deep") == {}


def test_changed_bytes_that_decode(lake: Lake) -> None:
    lake.obslake("init")
    transaction = lake.open().table(OBSERVATIONS).transaction()
    transaction.set_properties({"write.parquet.compression-codec": "uncompressed"})
    transaction.remove_properties("write.parquet.compression-level").commit_transaction()
    rows = [observation(step_id=n, output=f'"right {n}"') for n in range(3)]
    lake.load("observations", lake.jsonl("o.jsonl", rows))
    file = local(greatest_file(lake).file_path)
    data = file.read_bytes()
    file.write_bytes(data.replace(b"right 1", b"wrong 1", 1))
    assert '"wrong 1"' in pq.read_table(file)["output"].to_pylist()
    assert faults(lake) == {}
    (found,) = faults(lake, "--deep")["data files"]
    assert "checksum" in found or "CRC" in found


def test_another_file_in_its_place(loaded: Lake) -> None:
    """It is readable, but has other rows and columns than in the manifest."""
    table = loaded.open().table(OBSERVATIONS)
    file = greatest_file(loaded)
    rows = pq.read_table(local(file.file_path)).slice(1).drop_columns("test_id")
    alien = pa.field("x", pa.int32(), metadata={"PARQUET:field_id": "99"})
    rows = rows.append_column(alien, pa.array([1] * len(rows), pa.int32()))
    pq.write_table(rows, local(file.file_path))
    new = copy(file)
    new[5] = local(file.file_path).stat().st_size
    assert new.file_size_in_bytes == new[5]
    transaction = table.transaction()
    replace_files(transaction, [file], [new], {})
    transaction.commit_transaction()
    loaded.obslake("expire", "--older-than", "0s")
    where = f"observations: {file.file_path}: "
    assert faults(loaded)["data files"] == [
        f"{where}has 4,999 rows instead of 5,000",
        f"{where}has columns whose field ids the table does not have: [99]",
        f"{where}lacks columns that the table requires: field ids [3]",
    ]


@pytest.mark.parametrize("kind", ["manifest list", "manifest"])
def test_metadata_files(loaded: Lake, kind: str) -> None:
    table = loaded.open().table(OBSERVATIONS)
    snapshot = table.metadata.snapshots[0]
    manifest = snapshot.manifests(table.io)[0].manifest_path
    path = snapshot.manifest_list if kind == "manifest list" else manifest
    check = "snapshots" if kind == "manifest list" else "manifests"
    whole = local(path).read_bytes()
    workspace = Workspace(loaded.folder)
    for damage in (None, whole[: len(whole) // 2], b"x" * len(whole)):
        if damage is None:
            local(path).unlink()
        else:
            local(path).write_bytes(damage)
        # In a separate process, because PyIceberg caches manifests.
        done = workspace.run("obslake", "verify", "--json")
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        report = json.loads(done.stdout)
        found = {c["name"]: c["faults"] for c in report["checks"] if c["faults"]}
        assert next(iter(found)) == check
        assert path in found[check][0]["what"]
        if kind == "manifest" and damage and len(damage) < len(whole):
            assert f"bytes instead of {len(whole):,}" in found[check][0]["what"]
        assert report["orphans"] == []
        (note,) = [n for n in notes(report) if "nothing refers to" in n]
        assert note.endswith("because metadata is faulty")
    # With incomplete metadata no file can be called an orphan.
    (orphan := local(manifest).with_name("orphan.avro")).touch()
    os.utime(orphan, (LONG_AGO, LONG_AGO))
    workspace.run("obslake", "verify", "--remove-orphans")
    assert orphan.exists()


def test_a_table_that_cannot_be_read(loaded: Lake) -> None:
    path = local(loaded.open().table(RUNS).metadata_location)
    path.write_text("{}")
    found = faults(loaded)
    assert list(found) == ["tables"]
    assert found["tables"][0].startswith("runs: its metadata cannot be read: ")


def test_wrong_totals(loaded: Lake) -> None:
    path = local(loaded.open().table(OBSERVATIONS).metadata_location)
    metadata = json.loads(path.read_text())
    last = max(metadata["snapshots"], key=lambda s: s["sequence-number"])
    last["summary"].update({"total-records": "5013", "total-data-files": "4"})
    path.write_text(json.dumps(metadata))
    assert faults(loaded) == {
        "totals": [
            f"observations: snapshot {last['snapshot-id']}: total-records is 5013, its manifests have 5012",
            f"observations: snapshot {last['snapshot-id']}: total-data-files is 4, its manifests have 3",
        ]
    }


def test_a_load_whose_rows_differ_from_its_record(loaded: Lake) -> None:
    path = local(loaded.open().table(OBSERVATIONS).metadata_location)
    metadata = json.loads(path.read_text())
    snapshot = metadata["snapshots"][-1]
    note = f"obslake.commit.{snapshot['snapshot-id']}"
    metadata["properties"][note] = metadata["properties"][note].replace('"5000"', '"4999"')
    path.write_text(json.dumps(metadata))
    load_id = snapshot["summary"][LOAD_ID_PROPERTY]
    assert faults(loaded) == {
        "loads": [f"observations: has 5,000 rows of load {load_id}, which has committed 4,999"]
    }


def test_rows_without_a_load(loaded: Lake) -> None:
    table = loaded.open().table(RUNS)
    table.append(table.scan().to_arrow().slice(0, 1))
    (load,) = set(table.scan().to_arrow()["load_id"].to_pylist()[:1])
    assert list(faults(loaded)) == ["loads"]
    rows = table.scan().to_arrow()
    other = pa.array(["other"] * len(rows), pa.large_string())
    schema = rows.schema
    index = schema.get_field_index("load_id")
    table.append(rows.set_column(index, schema.field(index), other.cast(schema.field(index).type)))
    found = faults(loaded)["loads"]
    assert "runs: has 4 rows of load other, which is not one of its loads" in found
    assert any(load in fault for fault in found)


def test_a_source_that_was_loaded_twice(loaded: Lake) -> None:
    """Two loaders that do not see each other could do this."""
    table = loaded.open().table(OBSERVATIONS)
    load = committed_loads(table.metadata)[0]
    rows = table.scan(f"load_id = '{load.load_id}'").to_arrow()
    index = rows.schema.get_field_index("load_id")
    field = rows.schema.field(index)
    again = rows.set_column(index, field, pa.array(["again"] * len(rows)).cast(field.type))
    properties = {LOAD_ID_PROPERTY: "again", KEYS_PROPERTY: json.dumps(load.keys)}
    table.append(again, snapshot_properties=properties)
    (found,) = faults(loaded)["sources"]
    assert found.startswith(
        f"observations: a source of load {load.load_id} was loaded again by load again (key {load.keys[0]}"
    )
    assert list(faults(loaded)) == ["sources"]


def test_rows_without_a_required_value(loaded: Lake, tmp_path: Path) -> None:
    """An engine that ignores the schema could write them."""
    table = loaded.open().table(OBSERVATIONS)
    file = greatest_file(loaded)
    rows = pq.read_table(local(file.file_path))
    index = rows.schema.get_field_index("test_id")
    field = rows.schema.field(index).with_nullable(True)
    values = [None, *rows["test_id"].to_pylist()[1:]]
    new = local(file.file_path).with_name("new.parquet")
    pq.write_table(rows.set_column(index, field, pa.array(values, field.type)), new)
    data_file = DataFile.from_args(
        content=file.content,
        file_path=f"file://{new}",
        file_format=file.file_format,
        partition=file.partition,
        record_count=file.record_count,
        file_size_in_bytes=new.stat().st_size,
    )
    data_file.spec_id = file.spec_id
    transaction = table.transaction()
    replace_files(transaction, [file], [data_file], {"obslake.version": __version__})
    transaction.commit_transaction()
    found = faults(loaded)
    assert list(found) == ["required values"]
    assert found["required values"][0].startswith("observations: 1 rows without data_set_id or ")


def test_an_unfinished_load_is_not_a_fault(loaded: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        interrupted_at(patch, "observations")
        with pytest.raises(InterruptedLoadError):
            loaded.load("observations", everything(loaded), "--run", "late")
    report = verify(loaded)
    assert sum("is being written, or was interrupted" in note for note in notes(report)) == 1
    assert faults(loaded) == {}


def test_orphans(loaded: Lake) -> None:
    stored = stored_files(loaded)
    data = loaded.home / "warehouse/obslake/observations/data"
    old, young = data / "old.parquet", data / "young.parquet"
    metadata = loaded.home / "warehouse/obslake/runs/metadata/old.avro"
    for path in (old, young, metadata):
        path.write_bytes(b"x" * 100)
    for path in (old, metadata, *stored):
        os.utime(path, (LONG_AGO, LONG_AGO))
    left = loaded.home / ".load-left"
    left.mkdir()
    (left / "spilled").write_bytes(b"x" * 7)
    for path in (left / "spilled", left):
        os.utime(path, (LONG_AGO, LONG_AGO))
    (loaded.home / ".compact-young").mkdir()
    report = verify(loaded)
    expected = [(str(metadata), 100), (str(old), 100), (str(left), 7)]
    found = [(o["path"], o["bytes"]) for o in report["orphans"]]
    assert sorted(found) == sorted(expected)
    assert not any(o["removed"] for o in report["orphans"])
    assert any(note.startswith("1 file that nothing refers to may") for note in notes(report))
    text = loaded.obslake("verify")[0]
    assert f"orphan: {old}: 100 bytes, nothing refers to it\n" in text
    assert text.endswith("remove them: obslake verify --remove-orphans\n")
    assert old.exists()

    report = verify(loaded, "--remove-orphans")
    assert all(o["removed"] for o in report["orphans"])
    assert not any(path.exists() for path in (old, metadata, left))
    assert stored_files(loaded) == stored | {young}
    assert verify(loaded)["orphans"] == []
    report = verify(loaded, "--remove-orphans", "--older-than", "0s")
    assert {o["path"] for o in report["orphans"]} == {
        str(young), str(loaded.home / ".compact-young")
    }  # fmt: skip
    assert stored_files(loaded) == stored
    assert faults(loaded, "--deep") == {}


def test_files_named_by_java_are_not_orphans(loaded: Lake) -> None:
    """Java writes file:/path for file:///path."""
    catalog = loaded.open().catalog
    assert isinstance(catalog, SqlCatalog)
    for definition in TABLES:
        path = local(loaded.open().table(definition).metadata_location)
        path.write_text(path.read_text().replace("file:///", "file:/"))
    with catalog.engine.begin() as connection:
        connection.exec_driver_sql(
            "update iceberg_tables set metadata_location = replace(metadata_location, 'file:///', 'file:/')"
        )
    assert loaded.open().table(OBSERVATIONS).metadata_location.startswith(f"file:{loaded.home}")
    stored = {path for path in loaded.home.rglob("*") if path.is_file()}
    for path in stored:
        os.utime(path, (LONG_AGO, LONG_AGO))
    report = verify(loaded, "--deep", "--remove-orphans")
    assert report["orphans"] == []
    assert {path for path in loaded.home.rglob("*") if path.is_file()} == stored
    assert len(loaded.rows("observations")) > 5000


def test_files_of_a_running_load_are_not_orphans(loaded: Lake) -> None:
    """Its folder is locked, and files written since it started are not checked."""
    code = (
        "import sys, time\n"
        "from obslake.load import appending\n"
        "from obslake.cli.app import main\n"
        "def slow(*arguments):\n"
        "    print('written', flush=True)\n"
        "    time.sleep(60)\n"
        "appending._commit = slow\n"
        f"sys.argv = ['obslake', '--home', {str(loaded.home)!r}, 'load', 'observations', sys.argv[1]]\n"
        "main()\n"
    )

    def stored_anywhere() -> set[Path]:
        return set((loaded.home / "warehouse").rglob("*.parquet"))

    stored = stored_anywhere()
    command = [sys.executable, "-c", code, str(part(loaded, 9))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"written\n"
            new = stored_anywhere() - stored
            assert len(new) == 2
            report = verify(loaded, "--remove-orphans", "--older-than", "0s")
            assert report["orphans"] == []
            assert new <= stored_anywhere()
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=20)
    (folder,) = loaded.home.glob(".load-*")
    report = verify(loaded, "--remove-orphans", "--older-than", "0s")
    assert {Path(o["path"]) for o in report["orphans"]} == {*new, folder}
    assert not folder.exists()
    assert stored_anywhere() == stored


def test_files_committed_meanwhile_are_not_orphans(
    loaded: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    from obslake.upkeep.verification import verify as module

    listed = module.list_stored
    done: list[int] = []

    def late(*arguments: Any) -> Any:
        stored = listed(*arguments)
        done.append(1)
        loaded.load("observations", part(loaded, 9))
        return stored

    monkeypatch.setattr(module, "list_stored", late)
    report = verify(loaded, "--remove-orphans", "--older-than", "0s")
    assert done
    assert report["orphans"] == []
    monkeypatch.undo()
    assert faults(loaded) == {}
