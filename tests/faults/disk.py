"""A small disk: a file system in memory, visible only to some processes."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.commands import PROJECT

SIZE = "64M"


class SmallDisk:
    """A folder on a separate disk, for the processes that `within` starts."""

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
        """Fill the disk, except for this many KiB."""
        self.make_room()
        # Limited to this disk, never the machine's.
        self._shell(
            f'mountpoint -q "$0" || exit 1; head -c {SIZE} /dev/zero > "$0/ballast" 2> /dev/null; '
            f'truncate -s -{left}k "$0/ballast"'
        )

    def make_room(self) -> None:
        """Free all space."""
        self._shell('rm -f "$0/ballast"')

    def forbid_writing(self, *, forbidden: bool) -> None:
        """Mount the disk read-only, or writable again."""
        self._shell(f'mount -o remount,{"ro" if forbidden else "rw"} "$0"')

    def has(self, file: Path) -> bool:
        """Whether a file exists."""
        return not subprocess.run([*self.within, "test", "-e", str(file)], check=False).returncode

    def _shell(self, script: str) -> None:
        subprocess.run([*self.within, "sh", "-c", script, str(self.folder)], check=True)


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """Mount a small disk, if the system allows users to do so."""
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
