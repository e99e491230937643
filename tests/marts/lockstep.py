"""Tests that run in lockstep on one lakehouse, so that they share each run of dbt.

Such a test is a scenario: it changes something, yields the step of a timeline that it needs, and resumes after
that step. A step runs once for all scenarios that wait for it, and not at all if none does. The failure of a
scenario is kept for its own pytest item, so that it neither hides nor stops the others.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.harness.workspace import Workspace


@dataclass(frozen=True)
class Shared(Workspace):
    """The lakehouse of all scenarios.

    Attributes:
        snapshots: snapshots of observations, by the names that steps give them.
    """

    snapshots: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """An action on the lakehouse at some point of the timeline.

    Attributes:
        name: name of the action.
        make: function that runs it.
        is_always_made: whether it runs even if no scenario waits for it, because later steps need it.
    """

    name: str
    make: Callable[[Shared], object]
    is_always_made: bool = False


Steps = Generator[Step, None, None]
Scenario = Callable[[Shared, str], Steps]
# The exception with which each scenario has failed; None if it has not.
Findings = Mapping[str, Exception | None]


def in_lockstep(scenario: Scenario) -> Callable[[Findings, pytest.FixtureRequest], None]:
    """Make a test from a scenario, which gets the lakehouse and the name of its own data set."""

    def test(findings: Findings, request: pytest.FixtureRequest) -> None:
        if (failure := findings[request.node.name]) is not None:
            raise failure

    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(test, name, getattr(scenario, name))
    # pytest reports the location of the scenario.
    test.place_as = test.scenario = scenario  # type: ignore[attr-defined]
    return test


def scenarios_of(session: pytest.Session, module: Path) -> dict[str, Scenario]:
    """Return the scenarios of a module whose tests run, by test name, in source order."""
    found = {
        item.name: item.function.scenario
        for item in session.items
        if isinstance(item, pytest.Function)
        and item.path == module
        and hasattr(item.function, "scenario")
    }
    return dict(sorted(found.items(), key=lambda each: each[1].__code__.co_firstlineno))


def play(timeline: Sequence[Step], shared: Shared, scenarios: Mapping[str, Scenario]) -> Findings:
    """Run the steps of a timeline, and resume the waiting scenarios in source order."""
    ways = {name: scenario(shared, name) for name, scenario in scenarios.items()}
    findings: dict[str, Exception | None] = dict.fromkeys(ways)
    waiting: dict[str, Step] = {}

    def go_on(name: str, error: Exception | None = None) -> None:
        waiting.pop(name, None)
        try:
            waiting[name] = ways[name].throw(error) if error else next(ways[name])
        except StopIteration:
            pass
        except Exception as failure:
            findings[name] = failure

    for name in ways:
        go_on(name)
    for step in timeline:
        resumed = [name for name in ways if waiting.get(name) is step]
        if not resumed and not step.is_always_made:
            continue
        error = None
        try:
            step.make(shared)
        except Exception as failure:
            if not resumed:
                raise
            error = failure
        for name in resumed:
            go_on(name, error)
    for name, step in waiting.items():
        findings[name] = LookupError(f"waits for a step that has already passed: {step.name}")
    return findings
