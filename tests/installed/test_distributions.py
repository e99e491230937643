"""What `make dist` builds: complete, small, and the same bytes from the same sources."""

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from tests.harness.commands import PROJECT
from tests.installed.conftest import PLUGIN, build_distributions

# Parts of the project that the wheel of obslake has: all files with these suffixes in these folders.
PARTS = {
    "analyses": (".sql", ".yml"),
    "docs": (".md", ".svg", ".png"),
    "macros": (".sql", ".yml"),
    "models": (".sql", ".yml", ".md"),
    "seeds": (".csv", ".yml"),
    "tests/dbt": (".sql", ".yml"),
}


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def one(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def files_of(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts]


def test_the_wheel_has_the_package_and_the_project(distributions: Path) -> None:
    wheel = one(distributions, "obslake-*.whl")
    found = names(wheel)
    loader = PROJECT / "loader"
    package = {path.relative_to(loader).as_posix() for path in files_of(loader / "obslake")}
    project = {
        path.relative_to(PROJECT).as_posix()
        for part, suffixes in PARTS.items()
        for path in files_of(PROJECT / part)
        if path.suffix in suffixes
    }
    project |= {"CHANGELOG.md", "dbt_project.yml", "obslake.sql", "profiles.yml"}
    expected = package | {f"obslake/project/{name}" for name in project}
    assert {name for name in found if ".dist-info/" not in name} == expected
    assert wheel.stat().st_size < 2_000_000


def test_the_source_archive_builds_the_wheel_and_nothing_else(distributions: Path) -> None:
    # Both wheels were built from their source archives.
    for archive in (one(distributions, "obslake-*.gz"), one(distributions, "pytest_obslake-*.gz")):
        with tarfile.open(archive) as tar:
            parts = {name.partition("/")[2].split("/")[0] for name in tar.getnames()}
        assert {"LICENSE", "README.md", "pyproject.toml", "PKG-INFO"} <= parts
        assert not {"tests", ".ci", "lake", ".venv", "demo"} & parts - {"tests"}


@pytest.mark.parametrize("name", ["obslake", "pytest_obslake"])
def test_metadata_are_complete(distributions: Path, name: str) -> None:
    wheel = one(distributions, f"{name}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        folder = next(n for n in archive.namelist() if ".dist-info/" in n).partition("/")[0]
        metadata: Message = Parser().parsestr(archive.read(f"{folder}/METADATA").decode())
        licence = archive.read(f"{folder}/licenses/LICENSE")
        points = archive.read(f"{folder}/entry_points.txt").decode()
    assert licence == (PROJECT / "LICENSE").read_bytes()
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Summary"]
    assert metadata["Keywords"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    classifiers = metadata.get_all("Classifier")
    assert classifiers
    minors = {c.rpartition(".")[2] for c in classifiers if re.search(r"Python :: 3\.\d", c)}
    lowest = re.search(r">=3\.(\d+)", metadata["Requires-Python"])
    assert lowest
    assert {int(minor) for minor in minors} == set(range(int(lowest[1]), 14))
    assert "obslake" in points
    assert "scripts" not in {n.split("/")[1] for n in names(wheel) if ".data/" in n}


def test_the_same_sources_give_the_same_bytes(distributions: Path, tmp_path: Path) -> None:
    """Neither the place nor the times of the files are in the archives."""
    checkout = tmp_path / "another place"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (PROJECT / name).is_file() and not name.startswith(("demo/", "bench/", "spark/")):
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PROJECT / name, checkout / name)
            os.utime(checkout / name, (1, 1))
    again = tmp_path / "dist"
    before = sorted(checkout.rglob("*"))
    build_distributions(again, checkout, checkout / PLUGIN.relative_to(PROJECT))
    assert sorted(checkout.rglob("*")) == before, "a build writes nothing beside the sources"
    assert hashes(again) == hashes(distributions)


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
