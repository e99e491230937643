"""Helpers for the tests of the benchmarks, which use two generated problems."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb

from bench import shape
from tests.harness.commands import PROJECT

PROBLEMS = 2
COUNTS = shape.count(range(PROBLEMS))


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def cells(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.read_parquet(str(folder / "*.parquet")).create_view("cells")
        return connection.execute(query).fetchall()
