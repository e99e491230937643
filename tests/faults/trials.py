"""One trial: a command is killed, and the result is compared with the command's complete effect."""

import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.contents import BareReader, Contents, seen_by_obslake, unneeded_files
from tests.harness.commands import Commands, Ended
from tests.harness.requests import Point

# A data set that occurs in no other load.
OTHER = "other"


@dataclass
class Findings:
    """The faults found, and the number of trials.

    Attributes:
        trials: number of trials.
        cut_off: number of trials in which the command was killed before its end.
        lost: missing rows.
        double: duplicate rows.
        partial: readers that saw a part of a command's effect.
        unverified: failures of ``obslake verify --deep``.
        other: commands that cannot be repeated, and leftover files.
        messages: descriptions of all faults.
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
        """Compare the visible rows with the allowed states."""
        if found in allowed:
            return
        lost = sum(
            (_common(name, allowed) - rows).total()  # rows in all allowed states
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
        """Check that a command succeeded."""
        if ended.status not in allowed or "Traceback" in ended.err:
            self.other += 1
            self.messages.append(f"{where}: exit status {ended.status}: {ended.err or ended.out}")

    def fail(self, message: str) -> None:
        """Record another fault."""
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
    """A lakehouse that is restored for every trial.

    Attributes:
        folder: contains the lakehouse, its sources and its copies.
        commands: runs the commands.
        reader: reads without obslake.
    """

    folder: Path
    commands: Commands
    reader: BareReader

    @property
    def home(self) -> Path:
        return self.folder / "lake"

    def obslake(self, *arguments: object) -> Ended:
        """Run a command that must succeed."""
        ended = self.commands.run("obslake", "--home", self.home, *arguments)
        assert ended.status in (0, 3), ended.err
        return ended

    def keep(self, name: str) -> None:
        """Save a copy of the lakehouse."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        if self.home.exists():
            shutil.copytree(self.home, self.folder / name)

    def restore(self, name: str) -> bool:
        """Restore a saved lakehouse, else start with none; return whether there was a copy."""
        shutil.rmtree(self.home, ignore_errors=True)
        if (self.folder / name).exists():
            shutil.copytree(self.folder / name, self.home)
        return self.home.exists()

    def seen(self) -> Contents:
        """Return the visible rows."""
        return seen_by_obslake(self.commands, self.home)


@dataclass
class Killing:
    """A command that is killed repeatedly.

    Attributes:
        lab: the lab it runs in.
        name: name of the saved initial lakehouse.
        command: arguments of ``obslake``.
        other: arguments of a load that may run before the repetition; empty for none.
        is_atomic: whether obslake's readers see all of its effect or nothing; otherwise this holds per table.
        statuses: allowed exit statuses of the repetition.
    """

    lab: Lab
    name: str
    command: tuple[str, ...]
    other: tuple[str, ...]
    is_atomic: bool = True
    statuses: tuple[int, ...] = (0, 3)

    def __post_init__(self) -> None:
        """Run the command undisturbed, to learn its effect."""
        self.lab.keep(self.name)
        self.before = self.lab.seen() if self.lab.home.exists() else None
        ended = self.lab.obslake(*self.command)
        self.seconds = ended.seconds
        self.after = self.lab.seen()

    def points(self, targets: Sequence[str]) -> list[Point]:
        """Return the points at which the command calls these functions or returns from them."""
        self.lab.restore(self.name)
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
        """Kill the command once, and check the result."""
        where = f"{' '.join(self.command)[:60]} killed {kill_at or f'after {kill_after:.3f} s'}"
        self.lab.restore(self.name)
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
        """Check the visible rows and the verification after the kill."""
        home = str(self.lab.home)
        if self.before is None:
            # An incomplete lakehouse is reported as missing.
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
        """Check that the documented command removes leftover files."""
        options = ("verify", "--deep", "--remove-orphans", "--older-than", "0s")
        verified = self.lab.commands.run("obslake", "--home", self.lab.home, *options)
        if verified.status or "was interrupted" in verified.out:
            findings.unverified += 1
            findings.messages.append(f"{where}, verify: {verified.out}{verified.err}")
        if left := unneeded_files(self.lab.home):
            findings.fail(f"{where}: files stay: {sorted(map(str, left))}")


def _take(contents: Contents, data_set: str) -> int:
    """Remove the rows of a data set; return their number."""
    taken = 0
    for rows in contents.values():
        for row in [row for row in rows if f'"data_set_id": "{data_set}"' in row]:
            taken += rows.pop(row)
    return taken
