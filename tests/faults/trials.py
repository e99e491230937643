"""One trial: a command is killed, and what it leaves is compared with what it would have done."""

import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.contents import BareReader, Contents, seen_by_obslake, unneeded_files
from tests.harness.commands import Commands, Ended
from tests.harness.requests import Point

# Its data set is in no other load.
OTHER = "other"


@dataclass
class Findings:
    """What was found wrong, and in how many trials.

    Attributes:
        trials: how many there were.
        cut_off: in how many the command was cut off before it had ended.
        lost: rows that were not there any more.
        double: rows that were there more often than they should be.
        partial: readers that saw a part of what a command does.
        unverified: failures of ``obslake verify --deep``.
        other: commands that cannot be repeated, and files that stay.
        messages: all that, in words.
    """

    trials: int = 0
    cut_off: int = 0
    lost: int = 0
    double: int = 0
    partial: int = 0
    unverified: int = 0
    other: int = 0
    messages: list[str] = field(default_factory=list)

    def compare(self, where: str, found: Contents, *allowed: Contents) -> None:
        """Compare all that a reader sees with the states that there may be."""
        if found in allowed:
            return
        lost = sum(
            (_common(name, allowed) - rows).total()  # what every one of these states has
            for name, rows in found.items()
        )
        double = sum((rows - _most(name, allowed)).total() for name, rows in found.items())
        self.lost += lost
        self.double += double
        self.partial += not (lost or double)
        sizes = {name: rows.total() for name, rows in found.items()}
        expected = [{name: rows.total() for name, rows in each.items()} for each in allowed]
        self.messages.append(f"{where}: rows {sizes} instead of {expected}, {lost=} {double=}")

    def check(self, where: str, ended: Ended, allowed: Iterable[int] = (0,)) -> None:
        """Check that a command has succeeded."""
        if ended.status not in allowed or "Traceback" in ended.err:
            self.other += 1
            self.messages.append(f"{where}: exit status {ended.status}: {ended.err or ended.out}")

    def fail(self, message: str) -> None:
        """Note something else that is wrong."""
        self.other += 1
        self.messages.append(message)


def _common(name: str, states: Sequence[Contents]) -> Counter[str]:
    found = states[0][name]
    for state in states[1:]:
        found = found & state[name]
    return found


def _most(name: str, states: Sequence[Contents]) -> Counter[str]:
    found: Counter[str] = Counter()
    for state in states:
        found = found | state[name]
    return found


@dataclass
class Lab:
    """A lakehouse that is brought back to where it was for every trial.

    Attributes:
        folder: has the lakehouse, its sources and its copies.
        commands: run the commands.
        reader: reads beside obslake.
    """

    folder: Path
    commands: Commands
    reader: BareReader

    @property
    def home(self) -> Path:
        return self.folder / "lake"

    def obslake(self, *arguments: object) -> Ended:
        """Run a command, which must do what it should."""
        ended = self.commands.run("obslake", "--home", self.home, *arguments)
        assert ended.status in (0, 3), ended.err
        return ended

    def keep(self, name: str) -> None:
        """Remember the lakehouse as it is now."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        if self.home.exists():
            shutil.copytree(self.home, self.folder / name)

    def bring_back(self, name: str) -> bool:
        """Begin anew with what was remembered, else with nothing; say whether there was something."""
        shutil.rmtree(self.home, ignore_errors=True)
        if (self.folder / name).exists():
            shutil.copytree(self.folder / name, self.home)
        return self.home.exists()

    def seen(self) -> Contents:
        """Return what there is to see."""
        return seen_by_obslake(self.commands, self.home)


@dataclass
class Killing:
    """A command to be killed again and again.

    Attributes:
        lab: where.
        name: the lakehouse before it is remembered by it.
        command: arguments of ``obslake``.
        other: a load that may come before it is repeated; none where there is nothing.
        is_atomic: whether readers through obslake see all of it or nothing; else so for each table.
        statuses: with which it may end when it is repeated.
    """

    lab: Lab
    name: str
    command: tuple[str, ...]
    other: tuple[str, ...]
    is_atomic: bool = True
    statuses: tuple[int, ...] = (0, 3)

    def __post_init__(self) -> None:
        """Run the command undisturbed, to see what it does."""
        self.lab.keep(self.name)
        self.before = self.lab.seen() if self.lab.home.exists() else None
        ended = self.lab.obslake(*self.command)
        self.seconds = ended.seconds
        self.after = self.lab.seen()

    def points(self, targets: Sequence[str]) -> list[Point]:
        """Return the moments in the command at which functions are called or have returned."""
        self.lab.bring_back(self.name)
        command = ("obslake", "--home", self.lab.home, *self.command)
        ended, points = self.lab.commands.trace(targets, *command)
        assert ended.status in (0, 3), ended.err
        return points

    def trial(
        self,
        findings: Findings,
        *,
        kill_at: Point | None = None,
        kill_after: float | None = None,
        load_between: bool = False,
    ) -> None:
        """Kill the command once, and look."""
        where = f"{' '.join(self.command)[:60]} killed {kill_at or f'after {kill_after:.3f} s'}"
        self.lab.bring_back(self.name)
        run = self.lab.commands.run
        command = ("obslake", "--home", self.lab.home, *self.command)
        ended = run(*command, kill_at=kill_at, kill_after=kill_after)
        findings.trials += 1
        findings.cut_off += ended.was_killed
        if kill_at and not ended.was_killed:
            findings.fail(f"{where}: was not killed, {ended.status}: {ended.err}")
        if not ended.was_killed:
            findings.check(where, ended, self.statuses)
        self._look(findings, where, is_acknowledged=ended.status in (0, 3))
        load_between = load_between and bool(self.other)
        if load_between:
            between = run("obslake", "--home", self.lab.home, "load", *self.other)
            findings.check(f"{where}, another load", between)
        findings.check(f"{where}, repeated", run(*command), self.statuses)
        seen = self.lab.seen()
        if load_between and not _take(seen, OTHER):
            findings.fail(f"{where}: the load in between is not there")
        findings.compare(f"{where}, repeated", seen, self.after)
        self._clean(findings, where)

    def _look(self, findings: Findings, where: str, *, is_acknowledged: bool) -> None:
        """Check what readers see after the kill, and what is verified."""
        home = str(self.lab.home)
        if self.before is None:
            # What is half of a lakehouse is none yet, and says so.
            ended = self.lab.commands.run("obslake", "--home", home, "status")
            if "Traceback" in ended.err or (ended.status and "obslake init" not in ended.err):
                findings.fail(f"{where}: status: {ended.err}")
            return
        allowed = (self.after,) if is_acknowledged else (self.before, self.after)
        bare = {"observations": self.lab.reader.observations(self.lab.home)}
        findings.compare(
            f"{where}, a bare reader",
            bare,
            *({"observations": state["observations"]} for state in allowed),
        )
        seen = self.lab.seen()
        if self.is_atomic:
            findings.compare(f"{where}, obslake sql", seen, *allowed)
        else:
            for name, rows in seen.items():
                states = [{name: state[name]} for state in allowed]
                findings.compare(f"{where}, obslake sql", {name: rows}, *states)
        verified = self.lab.commands.run("obslake", "--home", home, "verify", "--deep")
        if verified.status:
            findings.unverified += 1
            findings.messages.append(f"{where}, verify: {verified.out}{verified.err}")

    def _clean(self, findings: Findings, where: str) -> None:
        """Check that the documented command removes what is left."""
        options = ("verify", "--deep", "--remove-orphans", "--older-than", "0s")
        verified = self.lab.commands.run("obslake", "--home", self.lab.home, *options)
        if verified.status or "was interrupted" in verified.out:
            findings.unverified += 1
            findings.messages.append(f"{where}, verify: {verified.out}{verified.err}")
        if left := unneeded_files(self.lab.home):
            findings.fail(f"{where}: files stay: {sorted(map(str, left))}")


def _take(contents: Contents, data_set: str) -> int:
    """Take the rows of a data set out; return how many there were."""
    taken = 0
    for rows in contents.values():
        for row in [row for row in rows if f'"data_set_id": "{data_set}"' in row]:
            taken += rows.pop(row)
    return taken
