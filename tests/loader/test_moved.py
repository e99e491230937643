"""A lakehouse that was moved or copied: Iceberg's metadata refers to its former path."""

import shutil
from pathlib import Path

import pytest
from obslake.errors import DamagedMetadataError

from tests.harness.commands import PROJECT
from tests.harness.lake import Lake, observation
from tests.harness.workspace import Workspace

COMMANDS = (
    ["status"],
    ["init"],
    ["compact"],
    ["expire"],
    ["sql", "select 1"],
    ["load", "observations", "o.jsonl"],
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    folder = tmp_path / "one"
    folder.mkdir()
    lake = Lake(folder)
    lake.load("observations", lake.jsonl("o.jsonl", [observation()]))
    return lake


def assert_refused(workspace: Workspace, former: Path, place: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in former.parent.rglob("*") if path.is_file()}
    expected = (
        f"obslake: the lakehouse at {workspace.home} was moved or copied: its table implementations "
        f"names files in {former}, which {place}\n"
    )
    for command in COMMANDS:
        assert workspace.refused(*command).startswith(expected), command
    done = workspace.run("dbt", "run", cwd=PROJECT)
    assert done.returncode != 0
    assert "was moved or copied" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    after = {path: path.stat().st_mtime_ns for path in former.parent.rglob("*") if path.is_file()}
    assert after == before


def test_moved(lake: Lake, tmp_path: Path) -> None:
    other = tmp_path / "other"
    lake.folder.rename(other)
    assert_refused(Workspace(other), lake.home, "no longer exist")
    # A link from its former path makes it work again.
    lake.folder.symlink_to(other)
    assert len(Lake(other).rows("observations")) == 1
    assert len(lake.rows("observations")) == 1


def test_copied(lake: Lake, tmp_path: Path) -> None:
    """Otherwise the copy would read, write and remove the files of the original."""
    other = tmp_path / "other"
    shutil.copytree(lake.folder, other)
    assert_refused(Workspace(other), lake.home, "still exist")
    assert len(lake.rows("observations")) == 1


def test_a_lakehouse_under_another_path(lake: Lake, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(lake.folder)
    assert len(Lake(link).rows("observations")) == 1


def test_missing_metadata(lake: Lake) -> None:
    (file,) = (lake.home / "warehouse/obslake/tests/metadata").glob("*.json")
    whole = file.read_bytes()
    for damage in (None, b"", whole[:-20]):
        if damage is None:
            file.unlink()
        else:
            file.write_bytes(damage)
        with pytest.raises(
            DamagedMetadataError, match=r"^tests: its metadata (file is missing|cannot)"
        ):
            lake.obslake("status")
        assert "tests: its metadata" in Workspace(lake.folder).refused("load", "tests", "o.jsonl")
    file.write_bytes(whole)
    assert "observations" in lake.obslake("status")[0]
