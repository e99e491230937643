"""The data of the pages of problems."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from obslake.report.trees import read_clusters, tree_data

_SQL = Path(__file__).parent / "sql"

# Limits of one page. What they cut is stated on the page.
_LIMITS = {
    "max_cells": 2_000_000,
    "max_clusters": 400,
    "max_contexts": 60,
    "max_durations": 600_000,
    "max_characters": 16_000_000,
}

# Cells that are read at once, but whole problems.
_BATCH_CELLS = 400_000

PARTS = (
    "problem",
    "implementations",
    "codes",
    "clusters",
    "answers",
    "stimuli",
    "cells",
    "other_texts",
    "contexts",
    "context_sets",
    "usual_contexts",
    "other_contexts",
    "unstable",
    "durations",
    "suite",
)


@dataclass(frozen=True)
class Problem:
    """A problem that gets a page."""

    data_set: str
    problem: str
    cells: int


def problem_data(
    marts: duckdb.DuckDBPyConnection, problems: Sequence[Problem]
) -> Iterator[tuple[Problem, bytes]]:
    """Yield the data of the page of each problem, as JSON, in the order of the problems."""
    for name, value in _LIMITS.items():
        marts.execute(f"set variable {name} = ?", [value])
    statements = [
        (_SQL / name).read_text(encoding="utf-8") for name in ("problems.sql", "parts.sql")
    ]
    for batch in _batches(problems):
        marts.execute(
            "create or replace temp table report_problems as "
            "select unnest(?::varchar[]) as data_set_id, unnest(?::varchar[]) as problem_id, "
            "unnest(?::int[]) as p",
            [[b.data_set for b in batch], [b.problem for b in batch], list(range(len(batch)))],
        )
        for text in statements:
            marts.execute(text)
        parts = {
            part: dict(marts.execute(f"select p, value from report_part_{part}").fetchall())
            for part in PARTS
        }
        trees = {number: tree_data(found) for number, found in read_clusters(marts).items()}
        parts["tree"] = {number: json.dumps(tree) for number, tree in trees.items() if tree}
        for number, problem in enumerate(batch):
            texts = (
                f"{json.dumps(part)}:{values[number]}"
                for part, values in parts.items()
                if number in values
            )
            yield problem, f"{{{','.join(texts)}}}".encode()


def _batches(problems: Sequence[Problem]) -> Iterator[list[Problem]]:
    """Yield problems that are read at once."""
    batch: list[Problem] = []
    cells = 0
    for problem in problems:
        if batch and cells + problem.cells > _BATCH_CELLS:
            yield batch
            batch, cells = [], 0
        batch.append(problem)
        cells += problem.cells
    if batch:
        yield batch
