"""A catalog locked by another process: commands wait for it, and report a long lock."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.faults.sources import observation_rows
from tests.faults.trials import Lab
from tests.harness.requests import Point

BEFORE_THE_COMMIT = Point("obslake.load.appending:_commit", "before", 1)
BETWEEN_THE_COMMITS = Point("pyiceberg.catalog.sql:SqlCatalog.commit_table", "after", 1)


@contextmanager
def locked(catalog: Path) -> Iterator[sqlite3.Connection]:
    """Lock the catalog."""
    with closing(sqlite3.connect(catalog, isolation_level=None, check_same_thread=False)) as held:
        held.execute("begin exclusive")
        yield held


@pytest.fixture
def loaded(lab: Lab) -> Lab:
    """A lakehouse with one load."""
    lab.restore("nothing")
    lab.obslake("load", *observation_rows(lab.folder, "old"))
    return lab


@pytest.mark.parametrize("at", [BEFORE_THE_COMMIT, BETWEEN_THE_COMMITS], ids=str)
def test_a_load_reports_a_locked_catalog_and_is_completed_later(loaded: Lab, at: Point) -> None:
    before = loaded.seen()
    load = ("obslake", "--home", loaded.home, "load", *observation_rows(loaded.folder, "new"))
    held: list[sqlite3.Connection] = []

    def lock() -> None:
        held.append(sqlite3.connect(loaded.home / "catalog.db", check_same_thread=False))
        held[0].execute("begin exclusive")

    ended, came = loaded.commands.run_with_pause(*load, at=at, action=lock)
    assert came
    assert ended.status == 1
    _assert_locked(loaded, ended.err)
    held[0].close()
    assert loaded.seen() == before
    assert loaded.obslake("verify", "--deep").status == 0
    assert loaded.commands.run(*load).status == 0
    after = loaded.seen()
    assert after["observations"].total() == 2 * before["observations"].total()
    assert loaded.commands.run(*load).status == 0
    assert loaded.seen() == after


def test_a_command_reports_a_catalog_that_is_locked_from_the_start(loaded: Lab) -> None:
    with locked(loaded.home / "catalog.db"):
        ended = loaded.commands.run("obslake", "--home", loaded.home, "compact")
    assert ended.status == 1
    _assert_locked(loaded, ended.err)
    loaded.obslake("compact")


def test_commands_wait_for_a_short_lock(loaded: Lab) -> None:
    with locked(loaded.home / "catalog.db") as held:
        timer = threading.Timer(1, held.close)
        timer.start()
        began = time.monotonic()
        loaded.obslake("load", *observation_rows(loaded.folder, "waited"))
        timer.join()
        assert time.monotonic() - began > 0.9
    assert loaded.seen()["observations"].total() == 60


def _assert_locked(lab: Lab, message: str) -> None:
    assert "Traceback" not in message
    assert message.startswith(f"obslake: the catalog of {lab.home} is locked by another process")
    assert "wait until that process has finished, and run the command again" in message
