"""Runs of dbt that are killed or fill the disk: readers see either the old marts or all new ones."""

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.conftest import TRIALS, only_long
from tests.faults.contents import Contents, marts
from tests.faults.disk import SmallDisk, small_disk
from tests.faults.sources import lasso_export, published_rows
from tests.faults.trials import Findings
from tests.harness.commands import Commands, Ended
from tests.harness.requests import Point

RUN = ("dbt", "--quiet", "run")
AROUND_PUBLISHING = (
    Point("obslake.dbt_plugin:subprocess.run", "before", 1),
    Point("obslake.dbt_plugin:subprocess.run", "after", 1),
    Point("pathlib:Path.replace", "after", 1),
)


@dataclass
class MartsLab:
    """A lakehouse whose marts dbt builds."""

    home: Path
    commands: Commands

    def obslake(self, *arguments: str) -> Ended:
        ended = self.commands.run("obslake", "--home", self.home, *arguments)
        assert ended.status == 0, ended.err
        return ended

    def run(self, *, kill_at: Point | None = None, kill_after: float | None = None) -> Ended:
        return self.commands.run(*RUN, kill_at=kill_at, kill_after=kill_after)

    def kept(self, name: str) -> Path:
        return self.home.with_name(name)

    def keep(self, name: str) -> None:
        shutil.copytree(self.home, self.kept(name))

    def restore(self, name: str) -> None:
        shutil.rmtree(self.home)
        shutil.copytree(self.kept(name), self.home)

    def seen(self) -> Contents | None:
        return marts(self.home / "obslake.duckdb")


def environment(folder: Path, home: Path) -> dict[str, str]:
    return {
        "OBSLAKE_HOME": str(home),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


@pytest.fixture(scope="module")
def marts_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MartsLab]:
    """A lakehouse in two states: ``first``, before its first build, and ``incremental``, after another load."""
    folder = tmp_path_factory.mktemp("marts")
    home = folder / "lake"
    commands = Commands(environment=environment(folder, home))
    lab = MartsLab(home, commands)
    lab.obslake("load", *published_rows(folder, "a"))
    lab.keep("first")
    assert lab.run().status == 0
    lab.obslake("load", *lasso_export(folder, "b"))
    lab.keep("incremental")
    yield lab
    commands.close()


@only_long
@pytest.mark.parametrize("build", ["first", "incremental"])
def test_a_killed_build_is_completed_by_the_next(
    marts_lab: MartsLab, findings: Callable[[str], Findings], chance: random.Random, build: str
) -> None:
    lab = marts_lab
    lab.restore(build)
    before = lab.seen()
    ended = lab.run()
    assert ended.status == 0, ended.out
    after = lab.seen()
    assert after is not None
    assert before != after
    moments = [chance.uniform(0, ended.seconds) for _ in range(TRIALS // 20)]
    for found, at, seconds in [
        *(
            (findings(f"dbt run, {build}, while it publishes"), point, None)
            for point in AROUND_PUBLISHING
        ),
        *((findings(f"dbt run, {build}, at any moment"), None, moment) for moment in moments),
    ]:
        lab.restore(build)
        killed = lab.run(kill_at=at, kill_after=seconds)
        found.trials += 1
        found.cut_off += killed.was_killed
        where = f"{build} build killed {at or f'after {seconds} s'}"
        _compare(found, where, lab.seen(), before if killed.was_killed else after, after)
        _check_next(lab, found, where, after)


def _check_next(lab: MartsLab, found: Findings, where: str, after: Contents) -> None:
    """Check that the next build completes the marts, and leaves no extra files."""
    built = lab.run()
    found.check(f"{where}, repeated: {built.out}", built)
    _compare(found, f"{where}, repeated", lab.seen(), after)
    verified = lab.commands.run("obslake", "--home", lab.home, "verify")
    if verified.status:
        found.unverified += 1
        found.messages.append(f"{where}: {verified.out}{verified.err}")
    if left := [path.name for path in lab.home.glob(".*")]:
        found.fail(f"{where}: files stay: {left}")


def _compare(found: Findings, where: str, seen: Contents | None, *allowed: Contents | None) -> None:
    """Compare the visible marts with the allowed builds; None means no file."""
    if seen not in allowed:
        found.partial += 1
        found.messages.append(f"{where}: the marts are neither those of before nor those of after")


@pytest.fixture
def small_marts_lab(tmp_path: Path) -> Iterator[tuple[SmallDisk, MartsLab]]:
    """A lakehouse on a small disk."""
    with small_disk(tmp_path / "lake") as disk:
        home = disk.folder
        commands = Commands(within=disk.within, environment=environment(tmp_path, home))
        lab = MartsLab(home, commands)
        lab.obslake("load", *published_rows(tmp_path, "a"))
        yield disk, lab
        commands.close()


@only_long
def test_a_build_on_a_full_disk_is_completed_by_the_next(
    small_marts_lab: tuple[SmallDisk, MartsLab], findings: Callable[[str], Findings]
) -> None:
    disk, lab = small_marts_lab
    found = findings("full disk, dbt run")
    count = "select count(*) as n from stimulus_response_matrix"
    rows = 0
    for number, room in enumerate((0, 64, 512, 1024, 3000, 6000, 8000, 10_000, 12_000)):
        lab.obslake("load", *published_rows(disk.folder.parent, f"load{number}"))
        disk.fill(room)
        ended = lab.run()
        disk.make_room()
        found.trials += 1
        found.cut_off += ended.status != 0
        if ended.status:
            assert "Traceback" not in ended.out + ended.err, room
            assert "site-packages" not in ended.out + ended.err, room
            assert "No space left" in ended.out, room
        expected = rows if ended.status else None
        if rows:
            answer = lab.obslake("sql", count, "--json").out
            found.partial += expected is not None and f'"n": {expected}' not in answer
        else:
            assert ended.status == 0 or not _is_published(disk, lab)
        built = lab.run()
        found.check(f"dbt run, {room} KiB, repeated: {built.out}", built)
        rows = int(lab.obslake("sql", count, "--json").out.split('"n": ')[1].split("}")[0])
        assert rows == (number + 2) * 12
        assert lab.commands.run("obslake", "--home", lab.home, "verify").status == 0


def _is_published(disk: SmallDisk, lab: MartsLab) -> bool:
    return disk.has(lab.home / "obslake.duckdb")
