"""Commits that conflict with others, or are interrupted."""

from collections.abc import Callable

import pytest
from obslake.errors import CatalogError, CommitConflictError
from obslake.lakehouse import commits
from obslake.lakehouse.schemas import OBSERVATIONS
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException
from pyiceberg.table import Table, Transaction
from sqlalchemy.exc import OperationalError

from tests.harness.lake import Lake, observation

Commit = Callable[[Transaction], Table]


class Stopped(BaseException):
    """Simulates a signal that ends the process."""


@pytest.fixture(autouse=True)
def _no_retry_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "_LONGEST_WAIT_SECONDS", 0.0)


def on_commit(monkeypatch: pytest.MonkeyPatch, act: Callable[[Commit, Transaction], Table]) -> None:
    """Replace the commit of observations."""
    original = Transaction.commit_transaction

    def commit(transaction: Transaction) -> Table:
        if transaction._table.name()[-1] != "observations":
            return original(transaction)
        return act(original, transaction)

    monkeypatch.setattr(Transaction, "commit_transaction", commit)


def data_files(lake: Lake) -> int:
    return len(list((lake.home / "warehouse/obslake/observations/data").glob("*")))


def test_a_load_survives_the_removal_of_an_earlier_snapshot_meanwhile(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [lake.jsonl(f"{n}.jsonl", [observation(test_id=str(n))]) for n in range(3)]
    lake.load("observations", paths[0])
    interfered: list[bool] = []

    def interfere(commit: Commit, transaction: Transaction) -> Table:
        if not interfered:
            interfered.append(True)
            lake.load("observations", paths[1])
            table = lake.open().table(OBSERVATIONS)
            table.maintenance.expire_snapshots().by_id(table.snapshots()[0].snapshot_id).commit()
        return commit(transaction)

    on_commit(monkeypatch, interfere)
    lake.load("observations", paths[2])
    assert interfered
    assert lake.rows("observations", "test_id") == [("0",), ("1",), ("2",)]
    assert data_files(lake) == 3


def test_a_commit_gives_up_after_30_conflicts(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(commit: Commit, transaction: Transaction) -> Table:
        raise CommitFailedException

    on_commit(monkeypatch, refuse)
    path = lake.jsonl("o.jsonl", [observation()])
    with pytest.raises(CommitConflictError, match="committed first in each of 30 attempts"):
        lake.load("observations", path)
    assert data_files(lake) == 0
    monkeypatch.undo()
    assert lake.load("observations", path)["rows"] == {"observations": 1}


def test_every_attempt_is_prepared_from_the_newest_metadata(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The metadata seen by an earlier attempt may be out of date."""
    path = lake.jsonl("o.jsonl", [observation()])
    lake.load("observations", path)
    table = lake.open().table(OBSERVATIONS)
    seen: list[int] = []

    def stage(transaction: Transaction) -> None:
        seen.append(len(transaction.table_metadata.snapshots))
        with transaction.update_snapshot().fast_append():
            pass

    others = [lake.jsonl(f"{n}.jsonl", [observation(test_id=str(n))]) for n in range(3)]

    def interfere(commit: Commit, transaction: Transaction) -> Table:
        if len(seen) <= len(others) and transaction._table is table:
            lake.load("observations", others[len(seen) - 1])
        return commit(transaction)

    on_commit(monkeypatch, interfere)
    commits.commit(table, stage)
    assert seen == [1, 2, 3, 4]
    assert len(table.snapshots()) == 5
    # PyIceberg's own retries are disabled in memory, not in the catalog.
    assert lake.open().table(OBSERVATIONS).properties["commit.retry.num-retries"] == "10"


@pytest.mark.parametrize("landed", [True, False])
@pytest.mark.parametrize(
    "error",
    [OperationalError("update", {}, Exception("server closed the connection")),
     CommitStateUnknownException("timeout")],
)  # fmt: skip
def test_a_commit_whose_result_is_unknown(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, landed: bool, error: Exception
) -> None:
    path = lake.jsonl("o.jsonl", [observation()])
    failed: list[int] = []

    def fail(commit: Commit, transaction: Transaction) -> Table:
        if len(failed) == 2:
            return commit(transaction)
        failed.append(1)
        if landed:
            commit(transaction)
        raise error

    on_commit(monkeypatch, fail)
    assert lake.load("observations", path)["rows"]["observations"] == 1
    assert len(failed) == 2 - landed
    assert len(lake.rows("observations")) == 1
    assert len(lake.open().table(OBSERVATIONS).snapshots()) == 1


def test_a_catalog_that_does_not_answer(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lake.jsonl("o.jsonl", [observation()])

    def fail(commit: Commit, transaction: Transaction) -> Table:
        raise OperationalError("update", {}, Exception("connection refused"))

    with monkeypatch.context() as patch:
        on_commit(patch, fail)
        with pytest.raises(CatalogError, match="did not respond: connection refused\n  run the"):
            lake.load("observations", path)
    # The commit may have succeeded, so its file stays, although it did not become part of the table.
    assert data_files(lake) == 1
    assert lake.load("observations", path)["rows"]["observations"] == 1
    assert len(lake.rows("observations")) == 1


@pytest.mark.parametrize("landed", [True, False])
def test_only_uncommitted_files_are_removed(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, landed: bool
) -> None:
    def interrupt(commit: Commit, transaction: Transaction) -> Table:
        if landed:
            commit(transaction)
        raise Stopped

    path = lake.jsonl("o.jsonl", [observation()])
    with monkeypatch.context() as patch:
        on_commit(patch, interrupt)
        with pytest.raises(Stopped):
            lake.load("observations", path)
    assert data_files(lake) == landed
    metadata = lake.home / "warehouse/obslake/observations/metadata"
    assert len(list(metadata.glob("*.avro"))) == 2 * landed
    assert len(lake.rows("observations")) == landed
    assert (lake.load("observations", path)["load_id"] is None) == landed
    assert len(lake.rows("observations")) == 1
