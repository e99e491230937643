"""What happens when others commit at the same time, or a commit is interrupted."""

from collections.abc import Callable

import pytest
from obslake import commits
from obslake.errors import CommitConflictError
from obslake.schemas import OBSERVATIONS
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table, Transaction

from tests.loader.conftest import Lake, observation

Commit = Callable[[Transaction], Table]


class Stopped(BaseException):
    """Stands for a signal that ends the process."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "_LONGEST_WAIT_SECONDS", 0.0)


def on_commit(monkeypatch: pytest.MonkeyPatch, act: Callable[[Commit, Transaction], Table]) -> None:
    """Let something else happen where observations are committed."""
    original = Transaction.commit_transaction

    def commit(transaction: Transaction) -> Table:
        if transaction._table.name()[-1] != "observations":
            return original(transaction)
        return act(original, transaction)

    monkeypatch.setattr(Transaction, "commit_transaction", commit)


def data_files(lake: Lake) -> int:
    return len(list((lake.home / "warehouse/obslake/observations/data").glob("*")))


def test_a_load_survives_that_its_first_snapshot_is_removed(
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


def test_a_commit_gives_up_at_last(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(commit: Commit, transaction: Transaction) -> Table:
        raise CommitFailedException

    on_commit(monkeypatch, refuse)
    path = lake.jsonl("o.jsonl", [observation()])
    with pytest.raises(CommitConflictError, match="observations: others committed 10 times"):
        lake.load("observations", path)
    assert data_files(lake) == 0
    monkeypatch.undo()
    assert lake.load("observations", path)["rows"] == {"observations": 1}


@pytest.mark.parametrize("landed", [True, False])
def test_only_what_was_not_committed_is_removed(
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
