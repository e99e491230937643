"""Fixtures of the benchmarks."""

from pathlib import Path

import pytest

from tests.bench.helpers import PROBLEMS, run


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    run("bench.generate", str(folder), "--problems", str(PROBLEMS))
    return folder
