"""Prepare a suite: its source distribution, and a virtual environment with its dependencies."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.suites.catalogue import Suite, SuiteError

INSIDE = Path(__file__).parent / "inside"
RECORDER = Path(__file__).parents[2] / "loader" / "pytest_obslake"


@dataclass(frozen=True)
class Places:
    """Folders of the campaign, and the interpreter that runs the suites.

    Attributes:
        cache: folder for all downloads and results.
        python: base interpreter of the environments.
        recorder: folder of the recorder under test, with its ``pyproject.toml`` and ``src``.
        is_here: whether suites run in this interpreter's own environment, without installing anything.
    """

    cache: Path
    python: str
    recorder: Path
    is_here: bool = False

    def run_folder(self, suite: Suite) -> Path:
        """Folder for the runs of a suite."""
        return self.cache / "runs" / suite.name

    def source(self, suite: Suite) -> Path:
        """Return the folder of the unpacked suite; download it if necessary."""
        if suite.folder is not None:
            return suite.folder
        folder = self.cache / "sources" / f"{suite.name}-{suite.version}"
        if not folder.is_dir():
            with_parts = folder.with_name(folder.name + ".part")
            shutil.rmtree(with_parts, ignore_errors=True)
            _unpack(self._download(suite), with_parts)
            (only,) = with_parts.iterdir()
            only.rename(folder)
            with_parts.rmdir()
        return folder

    def interpreter(self, suite: Suite, constraints: Sequence[str]) -> Path:
        """Return the interpreter of an environment with the suite's distribution and dependencies."""
        if self.is_here:
            return Path(sys.executable)
        wanted = [*suite.requires]
        if suite.installed:
            wanted.append(suite.installed)
        key = _key([self.python, *wanted, "", *constraints])
        folder = self.cache / "environments" / f"{suite.name}-{key}"
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _succeed([self.python, "-m", "venv", "--without-pip", os.fspath(folder)])
            limits = folder / "constraints.txt"
            limits.write_text("\n".join(constraints), encoding="utf-8")
            pip = [sys.executable, "-m", "pip", "--python", os.fspath(folder / "bin" / "python")]
            _succeed([*pip, "install", "--quiet", "--constraint", os.fspath(limits), *wanted])
            (folder / "complete").touch()
        return folder / "bin" / "python"

    def recorder_packages(self) -> Path | None:
        """Return the folder of the recorder's dependencies other than pytest, or None if there are none."""
        project = tomllib.loads((self.recorder / "pyproject.toml").read_text(encoding="utf-8"))
        dependencies: list[str] = project["project"].get("dependencies", [])
        wanted = [each for each in dependencies if not each.startswith("pytest")]
        if self.is_here or not wanted:
            return None
        folder = self.cache / "recorders" / _key([self.python, *wanted]) / "site-packages"
        if not folder.is_dir():
            part = folder.with_name("part")
            shutil.rmtree(part, ignore_errors=True)
            pip = [sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet"]
            _succeed([*pip, "--target", os.fspath(part), *wanted])
            part.mkdir(parents=True, exist_ok=True)
            part.rename(folder)
        return folder

    def _download(self, suite: Suite) -> Path:
        folder = self.cache / "downloads" / f"{suite.name}-{suite.version}"
        archives = [*folder.glob("*.tar.gz"), *folder.glob("*.zip")]
        if not archives:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            wanted = f"{suite.name}=={suite.version}"
            _succeed([*pip, "--no-binary", ":all:", "--dest", os.fspath(folder), wanted])
            archives = [*folder.glob("*.tar.gz"), *folder.glob("*.zip")]
        return archives[0]


def _key(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _unpack(archive: Path, folder: Path) -> None:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as zipped:
            zipped.extractall(folder)  # noqa: S202 - zipfile never writes outside the folder
    else:
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")


def _succeed(command: Sequence[str]) -> None:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        last = "\n".join(done.stdout.strip().splitlines()[-5:])
        raise SuiteError(f"{' '.join(command[:4])} … failed:\n{last}")
