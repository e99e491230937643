"""The suites of the campaign, read from ``suites.toml``."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).with_name("suites.toml")


class SuiteError(Exception):
    """A suite cannot be run here, or its description is invalid."""


@dataclass(frozen=True)
class Suite:
    """The test suite in one source distribution.

    Attributes:
        name: name of the distribution.
        version: its release.
        requires: additional pip requirements of its tests.
        targets: recording targets.
        arguments: arguments for pytest.
        deselected: node ids that are not run, each with its reason.
        environment: environment variables it needs.
        installed: pip requirement of the distribution, with extras; None if `folder` is given.
        folder: folder of a local suite, instead of a distribution.
        seconds: time limit of one run.
        traced: whether it is also compared with the second tracer.
    """

    name: str
    version: str
    requires: tuple[str, ...]
    targets: tuple[str, ...]
    arguments: tuple[str, ...]
    deselected: tuple[tuple[str, str], ...]
    environment: dict[str, str]
    installed: str | None
    folder: Path | None
    seconds: float
    traced: bool

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}".strip()

    def pytest_arguments(self) -> list[str]:
        """Return the arguments for pytest in every run."""
        arguments = [*self.arguments]
        if any(requirement.startswith("hypothesis") for requirement in self.requires):
            arguments.append("--hypothesis-seed=0")
        for node_id, _ in self.deselected:
            arguments += ["--deselect", node_id]
        return arguments


@dataclass(frozen=True)
class Catalogue:
    """All suites, their common constraints, and the suites that cannot be run, with reasons."""

    suites: dict[str, Suite]
    constraints: tuple[str, ...]
    left_out: dict[str, str]

    def chosen(self, names: Sequence[str]) -> list[Suite]:
        """Return the suites with these names, or all if no names are given. Raises SuiteError."""
        for name in names:
            if name not in self.suites:
                reason = self.left_out.get(name, "it is not in the list")
                raise SuiteError(f"no suite {name}: {reason}")
        return [self.suites[name] for name in names or self.suites]


def read(file: Path = DATA) -> Catalogue:
    """Read the list of suites."""
    with file.open("rb") as stream:
        data = tomllib.load(stream)
    common = tuple(data.get("requires", ()))
    suites = {
        name: _suite(name, entry, common, file.parent) for name, entry in data["suites"].items()
    }
    return Catalogue(suites, tuple(data.get("constraints", ())), data.get("left_out", {}))


def _suite(name: str, entry: dict[str, Any], common: tuple[str, ...], root: Path) -> Suite:
    entry = dict(entry)
    folder = entry.pop("folder", None)
    version = entry.pop("version", "")
    extras = entry.pop("extras", "")
    suite = Suite(
        name=name,
        version=version,
        requires=(*common, *entry.pop("requires", ())),
        targets=tuple(entry.pop("targets", (name,))),
        arguments=tuple(entry.pop("arguments", ("tests",))),
        deselected=tuple((node_id, reason) for node_id, reason in entry.pop("deselected", ())),
        environment=entry.pop("environment", {}),
        installed=None if folder else f"{name}{extras}=={version}",
        folder=root / folder if folder else None,
        seconds=entry.pop("seconds", 600),
        traced=entry.pop("traced", False),
    )
    if entry:
        raise SuiteError(f"{name}: unknown setting: {', '.join(entry)}")
    return suite
