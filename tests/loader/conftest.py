"""Fixtures of the loader's tests: lakehouses used within this process."""

import gc
from pathlib import Path

import pytest

from tests.harness.lake import KeptLakes, Lake, place_lakehouse


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lakehouse for one test."""
    lake = Lake(tmp_path)
    place_lakehouse(lake.home)
    return lake


@pytest.fixture
def nowhere(tmp_path: Path) -> Lake:
    """A folder for a lakehouse that the first command creates."""
    return Lake(tmp_path)


@pytest.fixture(scope="session")
def kept_lakes(tmp_path_factory: pytest.TempPathFactory) -> KeptLakes:
    """Lakehouses created once, for tests with the same initial state."""
    # Imported modules live forever: garbage collection need not visit them.
    gc.freeze()
    return KeptLakes(tmp_path_factory.mktemp("kept"))
