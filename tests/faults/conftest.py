"""Fixtures of the fault campaign, and its final table.

``OBSLAKE_FAULT_TRIALS`` is the number of kills of a long campaign, ``OBSLAKE_FAULT_SEED`` its random
seed; `make faults` sets both. Without them every test runs only a few fixed trials.
"""

import os
import random
from collections.abc import Callable, Iterator

import pytest

from tests.faults.contents import BareReader
from tests.faults.trials import Findings, Lab
from tests.harness.workspace import COMMANDS

TRIALS = int(os.environ.get("OBSLAKE_FAULT_TRIALS", "0"))
SEED = os.environ.get("OBSLAKE_FAULT_SEED", "1")

_FINDINGS = pytest.StashKey[dict[str, Findings]]()

only_long = pytest.mark.skipif(not TRIALS, reason="takes minutes: `make faults` runs it")


@pytest.fixture(scope="session")
def reader() -> Iterator[BareReader]:
    """A reader that does not use obslake."""
    bare = BareReader()
    yield bare
    bare.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, reader: BareReader) -> Lab:
    """A lab for trials; tests share the lakehouses prepared in it."""
    return Lab(tmp_path_factory.mktemp("lab"), COMMANDS, reader)


@pytest.fixture
def findings(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Findings]]:
    """The findings of the trials of a fault; a test with findings fails."""
    everything = request.config.stash.setdefault(_FINDINGS, {})
    mine: list[tuple[Findings, int]] = []

    def of(fault: str) -> Findings:
        found = everything.setdefault(fault, Findings())
        mine.append((found, len(found.messages)))
        return found

    yield of
    messages = [message for found, before in mine for message in found.messages[before:]]
    assert not messages, "\n".join(messages[:20])


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Random numbers, the same in every run with the same seed."""
    return random.Random(f"{SEED} {request.node.name}")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the table of a long campaign."""
    found = config.stash.get(_FINDINGS, {})
    if not TRIALS or not found:
        return
    write = terminalreporter.write_line
    terminalreporter.section("faults")
    columns = ("trials", "cut off", "rows lost", "rows double", "saw part", "verify", "other")
    width = max(map(len, found))
    write(" " * width + "".join(f"{name:>13}" for name in columns))
    for fault, each in found.items():
        numbers = (
            each.trials,
            each.cut_off,
            each.lost,
            each.double,
            each.partial,
            each.unverified,
            each.other,
        )
        write(f"{fault:<{width}}" + "".join(f"{number:>13,}" for number in numbers))
