"""Loads, kills and maintenance in any order: every source is loaded completely and once, or not at all."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import TRIALS
from tests.faults.contents import Contents
from tests.faults.sources import (
    Load,
    half_understood,
    junit_reports,
    lasso_export,
    observation_rows,
    published_rows,
    recording,
)
from tests.faults.trials import Findings, Lab

KINDS: tuple[Callable[[Path, str], Load], ...] = (
    published_rows,
    observation_rows,
    half_understood,
    lasso_export,
    recording,
    junit_reports,
)
MAINTENANCE = (("compact",), ("expire", "--older-than=0s"), ("compact", "--table=observations"))
SECONDS = 1.0


@pytest.mark.parametrize("history", range(max(1, TRIALS // 40)))
def test_a_random_history_leaves_every_source_once(
    lab: Lab, findings: Callable[[str], Findings], chance: random.Random, history: int
) -> None:
    kinds = KINDS if TRIALS else KINDS[::2][:2]
    loads = {f"source{n}": kind(lab.folder, f"source{n}") for n, kind in enumerate(kinds)}
    once = _each_alone(lab, loads)
    found = findings("histories")
    loaded: set[str] = set()
    for step in range(20 if TRIALS else 5):
        name = chance.choice(list(loads))
        command = chance.choice([("load", *loads[name])] * 2 + [chance.choice(MAINTENANCE)])
        kill_after = chance.choice([None, chance.uniform(0, SECONDS)])
        ended = lab.commands.run("obslake", "--home", lab.home, *command, kill_after=kill_after)
        found.trials += 1
        found.cut_off += ended.was_killed
        if not ended.was_killed:
            found.check(f"step {step}, {command}", ended, (0, 3))
            loaded.update({name} if command[0] == "load" else ())
        _check(lab, found, f"history {history}, step {step}", once, loaded)
    for load in loads.values():
        lab.obslake("load", *load)
    _check(lab, found, f"history {history}, at the end", once, set(loads))
    verified = lab.obslake("verify", "--deep")
    if "interrupted" in verified.out:
        found.fail(f"history {history}: {verified.out}")


def _each_alone(lab: Lab, loads: dict[str, Load]) -> dict[str, Contents]:
    """Return the rows of each source."""
    lab.restore("nothing")
    once: dict[str, Contents] = {}
    before = None
    for name, load in loads.items():
        lab.obslake("load", *load)
        seen = lab.seen()
        once[name] = {t: rows - before[t] if before else rows for t, rows in seen.items()}
        before = seen
    lab.restore("nothing")
    lab.obslake("init")
    return once


def _check(
    lab: Lab, found: Findings, where: str, once: dict[str, Contents], loaded: set[str]
) -> None:
    """Check that each source has all of its rows, or none if no load has reported success."""
    seen = lab.seen()
    nothing: Contents = {table: rows - rows for table, rows in seen.items()}
    rest = dict(seen)
    for name, rows in once.items():
        part = {
            table: type(there)({row: n for row, n in there.items() if row in rows[table]})
            for table, there in seen.items()
        }
        rest = {table: rest[table] - part[table] for table in rest}
        allowed = (rows,) if name in loaded else (rows, nothing)
        found.compare(f"{where}, {name}", part, *allowed)
    found.compare(f"{where}, what is of no source", rest, nothing)
