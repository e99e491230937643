"""Helpers for the tests of loads and of maintenance."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from obslake.lakehouse.schemas import OBSERVATIONS, TABLES, TableDefinition
from pyiceberg.table import Table, Transaction

from tests.harness.lake import Lake, observation


def contents(lake: Lake) -> dict[str, Counter[str]]:
    """Return the rows of every table with their counts."""
    return {t.name: Counter(map(repr, map(_sorted, lake.rows(t.name)))) for t in TABLES}


def _sorted(row: dict[str, Any]) -> list[tuple[str, object]]:
    return [(k, sorted(v.items()) if isinstance(v, dict) else v) for k, v in row.items()]


def live_files(lake: Lake, definition: TableDefinition = OBSERVATIONS) -> list[Any]:
    """Return the data files of a table's current snapshot."""
    return [task.file for task in lake.open().table(definition).scan().plan_files()]


def stored_files(lake: Lake, definition: TableDefinition = OBSERVATIONS) -> set[Path]:
    """Return the files of a table, except its JSON metadata."""
    folder = lake.home / "warehouse/obslake" / definition.name
    return {p for p in folder.rglob("*") if p.suffix in (".parquet", ".avro")}


def set_properties(lake: Lake, **properties: int) -> None:
    """Set properties of observations so that few rows make many files or row groups."""
    names = {
        "target_size": "write.target-file-size-bytes",
        "row_group": "write.parquet.row-group-limit",
    }
    table = lake.open().table(OBSERVATIONS)
    table.transaction().set_properties(
        {names[name]: str(value) for name, value in properties.items()}
    ).commit_transaction()


def part(lake: Lake, number: int, rows: Iterable[dict[str, Any]] | None = None) -> Path:
    """Write a source; all of them have rows for the same problems."""
    some = [
        observation(problem_id=f"p{n % 5}", step_id=n, output=f'"{number} {n}"') for n in range(20)
    ]
    return lake.jsonl(f"part{number}.jsonl", rows or some)


class InterruptedLoadError(Exception):
    """Simulates the end of the process."""


def interrupted_at(patch: pytest.MonkeyPatch, table: str) -> list[str]:
    """Interrupt commits to a table; return a list that receives the tables of all commits up to that one."""
    commit = Transaction.commit_transaction
    started: list[str] = []

    def interrupted(transaction: Transaction) -> Table:
        started.append(transaction._table.name()[-1])
        if started[-1] == table:
            raise InterruptedLoadError
        return commit(transaction)

    patch.setattr(Transaction, "commit_transaction", interrupted)
    return started


def just_before_commit(
    patch: pytest.MonkeyPatch, action: Callable[[], object], table: str | None = None
) -> list[int]:
    """Run an action once between PyIceberg's preparation and commit; return a list that it then appends to."""
    commit = Transaction.commit_transaction
    done: list[int] = []

    def late(transaction: Transaction) -> Table:
        if not done and table in (None, transaction._table.name()[-1]):
            done.append(1)
            action()
        return commit(transaction)

    patch.setattr(Transaction, "commit_transaction", late)
    return done
