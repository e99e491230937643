"""Killed commands: readers see all of their effect or nothing, and repetition completes them."""

import random
from collections.abc import Callable

import pytest

from tests.faults.commands import COMMANDS, point_of, prepared, targets_of
from tests.faults.conftest import TRIALS
from tests.faults.trials import Findings, Lab

# The points of a short campaign: before and after the critical steps.
POINTS = {
    "init": ("after _write_metadata 4",),
    "load published": (
        "after write_data_files 3",
        "after _write_metadata 5",
        "after commit_table 5",
    ),
    "load set aside": ("after commit_table 2",),
    "compact": ("after commit_table 3",),
    "expire": ("after delete 2",),
    "rollback": ("after commit_table 1",),
    "forget": ("after commit_table 1",),
}
MOMENTS = ("load recording",)

_PER_COMMAND = TRIALS // len(COMMANDS) // 2


@pytest.mark.parametrize("name", COMMANDS if TRIALS else POINTS)
def test_a_command_killed_at_a_point_is_completed_by_repetition(
    lab: Lab, findings: Callable[[str], Findings], chance: random.Random, name: str
) -> None:
    killing = prepared(lab, name)
    found = findings(f"{name}, at points")
    if TRIALS:
        points = killing.points(targets_of(name))
        points = chance.sample(points, min(len(points), _PER_COMMAND))
    else:
        points = [point_of(name, text) for text in POINTS[name]]
    for point in points:
        killing.trial(found, kill_at=point)
    assert found.cut_off == found.trials


@pytest.mark.parametrize("name", COMMANDS if TRIALS else MOMENTS)
def test_a_command_killed_at_any_moment_is_completed_by_repetition(
    lab: Lab, findings: Callable[[str], Findings], chance: random.Random, name: str
) -> None:
    killing = prepared(lab, name)
    found = findings(f"{name}, at any moment")
    for _ in range(_PER_COMMAND or 1):
        killing.trial(
            found,
            kill_after=chance.uniform(0, killing.seconds),
            load_between=chance.random() < 0.5,
        )
