"""Fixtures of the loader's tests: lakehouses that are used inside this process."""

import gc
from pathlib import Path

import pytest

from tests.harness.lake import KeptLakes, Lake, place_lakehouse


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lakehouse of the test's own."""
    lake = Lake(tmp_path)
    place_lakehouse(lake.home)
    return lake


@pytest.fixture
def nowhere(tmp_path: Path) -> Lake:
    """A folder for a lakehouse that the first command makes."""
    return Lake(tmp_path)


@pytest.fixture(scope="session")
def kept_lakes(tmp_path_factory: pytest.TempPathFactory) -> KeptLakes:
    """Lakehouses that are made once, for tests that begin with the same."""
    # What is imported stays: collecting garbage need not look at it.
    gc.freeze()
    return KeptLakes(tmp_path_factory.mktemp("kept"))
