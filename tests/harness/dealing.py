"""Deals out tests to the workers of pytest-xdist, so that all are busy to the end.

A whole file goes to one worker, because its tests share what they build; the slowest files go
first. Tests that share nothing go one by one, after all others, so that the workers end together.
"""

from collections.abc import Iterable
from functools import cache

import pytest
from xdist.scheduler import LoadFileScheduling

from tests.harness.commands import PROJECT

# The slowest files, slowest first, as shown by `--durations`.
LONGEST = (
    "tests/spark/test_refresh.py",
    "tests/spark/test_equality.py",
    "tests/marts/test_refresh.py",
    "tests/bench/test_bench.py",
    "tests/installed/test_installed.py",
    "tests/marts/test_verify.py",
    "tests/marts/test_end_to_end.py",
    "tests/gate/test_pipeline.py",
    "tests/marts/test_publish.py",
    "tests/faults/test_parallel.py",
    "tests/marts/test_properties.py",
    "tests/marts/test_maintenance.py",
    "tests/marts/test_analyses.py",
    "tests/report/test_browser.py",
    "tests/faults/test_one_writer.py",
    "tests/loader/test_partitions.py",
    "tests/loader/test_verify.py",
)
# Files whose tests mostly wait: they leave the processors to the linters, which run during the first tests.
_WAITING = ("tests/loader/test_side_by_side.py", "tests/faults/test_locked_catalog.py")
# Folders in which tests share nothing, unless the file declares it.
_ONE_BY_ONE = ("tests/loader/", "tests/plugin/")
_SHARED = ('scope="module"', "kept_lakes")


class Dealing(LoadFileScheduling):
    """Deals out whole files, and the tests of some files one by one."""

    def _split_scope(self, nodeid: str) -> str:
        file = _file(nodeid)
        return nodeid if _share_nothing(file) else file


def in_order(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Return the tests in the order in which they are dealt out."""
    return sorted(items, key=lambda item: _place(_file(item.nodeid)))


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]


@cache
def _place(file: str) -> tuple[bool, bool, int]:
    longest = LONGEST.index(file) if file in LONGEST else len(LONGEST)
    return file not in _WAITING, _share_nothing(file), longest


@cache
def _share_nothing(file: str) -> bool:
    if not file.startswith(_ONE_BY_ONE):
        return False
    text = (PROJECT / file).read_text()
    return not any(each in text for each in _SHARED)
