"""Tests that go on in lockstep on one lakehouse, so that all of them share each run of dbt.

Such a test is a scenario: it changes something, yields the step of a timeline that it needs, and goes on when
the step was made. A step is made once for all that wait for it, and not at all where nobody does. What a scenario
finds is kept for the item of its own, so that one that fails neither hides nor stops the others.
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
        snapshots: snapshots of observations, by what steps call them.
    """

    snapshots: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """What is done with the lakehouse at some point of the timeline.

    Attributes:
        name: of what is done.
        make: what does it.
        is_always_made: whether it is made even where nobody waits for it, since what follows builds on it.
    """

    name: str
    make: Callable[[Shared], object]
    is_always_made: bool = False


Steps = Generator[Step, None, None]
Scenario = Callable[[Shared, str], Steps]
# What each scenario has failed with, if it has failed.
Findings = Mapping[str, Exception | None]


def in_lockstep(scenario: Scenario) -> Callable[[Findings, pytest.FixtureRequest], None]:
    """Make a test of a scenario, which gets the lakehouse and the name of a data set of its own."""

    def test(findings: Findings, request: pytest.FixtureRequest) -> None:
        if (failure := findings[request.node.name]) is not None:
            raise failure

    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(test, name, getattr(scenario, name))
    # pytest says that the test stands where the scenario does.
    test.place_as = test.scenario = scenario  # type: ignore[attr-defined]
    return test


def scenarios_of(session: pytest.Session, module: Path) -> dict[str, Scenario]:
    """Return the scenarios of a module whose tests are run, by the names of these, as they stand in it."""
    found = {
        item.name: item.function.scenario
        for item in session.items
        if isinstance(item, pytest.Function)
        and item.path == module
        and hasattr(item.function, "scenario")
    }
    return dict(sorted(found.items(), key=lambda each: each[1].__code__.co_firstlineno))


def play(timeline: Sequence[Step], shared: Shared, scenarios: Mapping[str, Scenario]) -> Findings:
    """Make the steps of a timeline, and let scenarios go on as they stand in the module."""
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
        who = [name for name in ways if waiting.get(name) is step]
        if not who and not step.is_always_made:
            continue
        error = None
        try:
            step.make(shared)
        except Exception as failure:
            if not who:
                raise
            error = failure
        for name in who:
            go_on(name, error)
    for name, step in waiting.items():
        findings[name] = LookupError(f"waits for a step that does not come any more: {step.name}")
    return findings
