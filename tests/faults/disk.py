"""A small disk: a file system in memory that only some processes see."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.commands import PROJECT

SIZE = "64M"


class SmallDisk:
    """A folder on a disk of its own, for the processes that `within` starts."""

    def __init__(self, folder: Path, process: int) -> None:
        self.folder = folder
        self.within = (
            "nsenter",
            "--preserve-credentials",
            "--user",
            "--mount",
            f"--target={process}",
            f"--wd={PROJECT}",
        )

    def fill(self, left: int) -> None:
        """Leave so many KiB."""
        self.make_room()
        # No more than this disk has, and nowhere else: never what the machine has.
        self._shell(
            f'mountpoint -q "$0" || exit 1; head -c {SIZE} /dev/zero > "$0/ballast" 2> /dev/null; '
            f'truncate -s -{left}k "$0/ballast"'
        )

    def make_room(self) -> None:
        """Leave as much as there is."""
        self._shell('rm -f "$0/ballast"')

    def forbid_writing(self, *, forbidden: bool) -> None:
        """Let nothing be written, or again everything."""
        self._shell(f'mount -o remount,{"ro" if forbidden else "rw"} "$0"')

    def has(self, file: Path) -> bool:
        """Whether a file is there."""
        return not subprocess.run([*self.within, "test", "-e", str(file)], check=False).returncode

    def _shell(self, script: str) -> None:
        subprocess.run([*self.within, "sh", "-c", script, str(self.folder)], check=True)


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """Mount a small disk, where the system lets users do so."""
    folder.mkdir()
    if not (shutil.which("unshare") and shutil.which("nsenter")):
        pytest.skip("there is no unshare or nsenter")
    script = f'mount -t tmpfs -o size={SIZE} none "$0" && echo mounted && exec sleep infinity'
    with subprocess.Popen(
        ["unshare", "-rm", "sh", "-c", script, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        if process.stdout.readline() != "mounted\n":
            pytest.skip(f"users cannot mount here: {process.stderr.read().strip()}")
        try:
            yield SmallDisk(folder, process.pid)
        finally:
            process.kill()
