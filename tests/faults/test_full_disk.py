"""A full or read-only disk: commands report it and lose nothing, and repetition completes them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.conftest import TRIALS
from tests.faults.contents import Contents, seen_by_obslake
from tests.faults.disk import SmallDisk, small_disk
from tests.faults.sources import Load, many_observations, published_rows
from tests.faults.trials import Findings
from tests.harness.commands import Commands, Ended

SIZES: dict[str, Callable[[Path, str], Load]] = {
    "small": published_rows,
    "large": many_observations,
}
ROOM = (0, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256) if TRIALS else (48,)


@dataclass(frozen=True)
class DiskLab:
    """A lakehouse on a small disk."""

    disk: SmallDisk
    sources: Path
    commands: Commands

    @property
    def home(self) -> Path:
        return self.disk.folder

    def run(self, *arguments: str) -> Ended:
        return self.commands.run("obslake", "--home", self.home, *arguments)

    def obslake(self, *arguments: str) -> None:
        """Run a command that must succeed."""
        ended = self.run(*arguments)
        assert ended.status == 0, ended.err

    def seen(self) -> Contents:
        return seen_by_obslake(self.commands, self.home)


@pytest.fixture(scope="module")
def disk_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiskLab]:
    """A lakehouse with two loads."""
    folder = tmp_path_factory.mktemp("disk")
    with small_disk(folder / "lake") as disk:
        commands = Commands(within=disk.within)
        lab = DiskLab(disk, folder, commands)
        for name in ("a", "b"):
            lab.obslake("load", *published_rows(folder, name))
        yield lab
        commands.close()


def full(lab: DiskLab, room: int, *command: str) -> Ended:
    """Run a command with this much free space; it must succeed or report that the disk is full."""
    lab.disk.fill(room)
    ended = lab.run(*command)
    lab.disk.make_room()
    if ended.status:
        assert ended.status == 1
        assert "Traceback" not in ended.err
        assert f"obslake: there is no space left for the lakehouse at {lab.home}: " in ended.err
        assert "free some space, and run the command again" in ended.err
    return ended


@pytest.mark.parametrize("room", ROOM)
@pytest.mark.parametrize("size", SIZES if TRIALS else ["large"])
def test_a_load_on_a_full_disk_is_completed_by_repetition(
    disk_lab: DiskLab,
    findings: Callable[[str], Findings],
    size: str,
    room: int,
) -> None:
    name = f"{size}{room}"
    load = ("load", *SIZES[size](disk_lab.sources, name))
    before = disk_lab.seen()
    found = findings("full disk, load")
    found.trials += 1
    ended = full(disk_lab, room, *load)
    found.cut_off += ended.status != 0
    assert room or ended.status
    during = disk_lab.seen()
    _verify(disk_lab, found, name)
    disk_lab.obslake(*load)
    after = disk_lab.seen()
    found.compare(f"{name}, without room", during, before if ended.status else after, after)
    new = {table: rows - before[table] for table, rows in after.items()}
    assert new["observations"].total() in (12, 20_000)
    assert max(new["observations"].values()) == 1
    assert all(rows <= after[table] for table, rows in before.items())


@pytest.mark.parametrize("room", ROOM)
def test_a_compaction_on_a_full_disk_is_completed_by_repetition(
    disk_lab: DiskLab, findings: Callable[[str], Findings], room: int
) -> None:
    disk_lab.obslake("load", *published_rows(disk_lab.sources, f"compacted{room}"))
    before = disk_lab.seen()
    found = findings("full disk, compact")
    found.trials += 1
    ended = full(disk_lab, room, "compact")
    found.cut_off += ended.status != 0
    found.compare(f"compact, {room} KiB", disk_lab.seen(), before)
    _verify(disk_lab, found, f"compact, {room} KiB")
    disk_lab.obslake("compact")
    found.compare(f"compact, {room} KiB, repeated", disk_lab.seen(), before)


def test_commands_report_a_read_only_disk(disk_lab: DiskLab) -> None:
    commands = (
        ("load", *published_rows(disk_lab.sources, "read-only")),
        ("compact",),
        ("expire", "--older-than=0s"),
        ("forget", "--data-set=a", "--yes"),
    )
    # Gives the compaction something to do.
    disk_lab.obslake("load", *published_rows(disk_lab.sources, "before"))
    before = disk_lab.seen()
    disk_lab.disk.forbid_writing(forbidden=True)
    try:
        refused = [disk_lab.run(*command) for command in commands]
        assert disk_lab.seen() == before
        disk_lab.obslake("status")
    finally:
        disk_lab.disk.forbid_writing(forbidden=False)
    for each in refused:
        assert each.status == 1
        assert "Traceback" not in each.err
        assert f"obslake: the lakehouse at {disk_lab.home} cannot be written: " in each.err
        assert "get permission to write there, and run the command again" in each.err
    assert disk_lab.seen() == before
    for command in commands:
        disk_lab.obslake(*command)


def _verify(lab: DiskLab, found: Findings, where: str) -> None:
    verified = lab.run("verify", "--deep")
    if verified.status:
        found.unverified += 1
        found.messages.append(f"{where}: {verified.out}{verified.err}")
