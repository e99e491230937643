"""Folders that are built once for all test processes."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


class SharedFolders:
    """Folders that the first process that needs one builds, and that all only read."""

    def __init__(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        """Find the folder shared by all processes of this session."""
        base = tmp_path_factory.getbasetemp()
        # Every xdist worker has its own folder inside that of the session.
        self._folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
        self._files: dict[Path, dict[str, tuple[int, int]]] = {}

    def built(self, name: str, build: Callable[[Path], None]) -> Path:
        """Return a folder; build it if necessary, or wait while another process builds it."""
        folder = self._folder / f"shared-{name}"
        complete = folder.with_name(f"{folder.name}-is-complete")
        with folder.with_name(f"{folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not complete.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                build(folder)
                complete.touch()
        self._files.setdefault(folder, _files(folder))
        return folder

    def check_unchanged(self) -> None:
        """Check that no test has written to a shared folder."""
        for folder, files in self._files.items():
            changed = dict(files.items() ^ _files(folder).items())
            assert not changed, f"a test has written to {folder}: {sorted(changed)}"


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of each file."""
    found = ((path, path.stat()) for path in folder.rglob("*") if path.is_file())
    return {str(path): (is_.st_size, is_.st_mtime_ns) for path, is_ in found}
