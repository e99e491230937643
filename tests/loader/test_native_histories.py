"""Random histories of commands of obslake and of other tools, compared with the rows after each command.

The number of histories is about a tenth of ``OBSLAKE_FAULT_TRIALS``; `make faults` sets it.
"""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from obslake.lakehouse import recount
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.ledger import current_state
from obslake.lakehouse.schemas import ALL_TABLES, OBSERVATIONS, RUNS
from obslake.upkeep.verification.verify import verify
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from tests.harness.lake import Lake, observation, place_lakehouse
from tests.loader.native import cherry_pick, expire_all, expire_as_java, set_current

TRIALS = int(os.environ.get("OBSLAKE_FAULT_TRIALS", "0"))
EXAMPLES = max(4, TRIALS // 10)

Step = tuple[str, int]
ACTIONS = (
    *("load", "load", "roll back", "forget", "compact", "expire"),
    *(
        "set current",
        "set runs back",
        "go to parent",
        "cherry-pick",
        "expire natively",
        "expire as Java",
    ),
)


class History:
    """A lakehouse and the steps of a history; its state is determined from its rows."""

    def __init__(self, folder: Path) -> None:
        self.lake = Lake(folder)
        place_lakehouse(self.lake.home)

    def play(self, step: Step) -> None:
        action, number = step
        actions: dict[str, Callable[[int], object]] = {
            "load": self.load,
            "roll back": self.roll_back,
            "forget": self.forget,
            "compact": lambda _: self.lake.obslake("compact"),
            "expire": lambda n: self.lake.obslake("expire", "--older-than=0s", "--keep", n % 3 + 1),
            "set current": self.set_current,
            "set runs back": self.set_runs_back,
            "go to parent": self.go_to_parent,
            "cherry-pick": self.cherry_pick,
            "expire natively": lambda n: self.expire(expire_all, n),
            "expire as Java": lambda n: self.expire(expire_as_java, n),
        }
        actions[action](number)

    def table(self) -> Table:
        return self.lake.open().table(OBSERVATIONS)

    def sources(self) -> Counter[int]:
        """Return the sources that have rows, with their numbers of loads."""
        rows = self.lake.rows("observations", "output", "load_id", problem_id="kept")
        return Counter(int(output) for output, _ in rows)

    def load(self, number: int) -> None:
        """Load a source: it is recognised if its rows exist, otherwise appended."""
        n = number % 4
        before = self.sources()
        rows = [
            observation(data_set_id=f"d{n}", problem_id=p, output=str(n))
            for p in ("kept", "forgotten")
        ]
        path = self.lake.jsonl(f"{n}.jsonl", rows)
        report = self.lake.load("observations", path, "--run", str(n))
        assert (report["load_id"] is None) == (n in before), (n, before, report)
        assert self.sources() == before | Counter([n])
        assert self.lake.load("observations", path, "--run", str(n))["load_id"] is None
        assert not any("known by" in warning for warning in report["warnings"])

    def snapshot(self, number: int) -> int | None:
        snapshots = self.table().snapshots()
        return snapshots[number % len(snapshots)].snapshot_id if snapshots else None

    def roll_back(self, number: int) -> None:
        if (to := self.snapshot(number)) is not None:
            self.lake.obslake("rollback", "--to", to, "--yes", "--undo-forget")

    def forget(self, number: int) -> None:
        n = number % 4
        if self.lake.rows("observations", data_set_id=f"d{n}", problem_id="forgotten"):
            self.lake.obslake("forget", "--data-set", f"d{n}", "--problem", "forgotten", "--yes")

    def set_current(self, number: int) -> None:
        if (to := self.snapshot(number)) is not None:
            set_current(self.lake, to)

    def set_runs_back(self, number: int) -> None:
        snapshots = self.lake.open().table(RUNS).snapshots()
        set_current(self.lake, snapshots[number % len(snapshots)].snapshot_id, RUNS)

    def go_to_parent(self, _: int) -> None:
        snapshot = self.table().current_snapshot()
        there = snapshot and self.table().snapshot_by_id(snapshot.parent_snapshot_id or 0)
        if there:
            set_current(self.lake, there.snapshot_id)

    def cherry_pick(self, number: int) -> None:
        """Repeat a load whose rows are gone: others would become duplicate."""
        sources = self.sources()
        loads = [
            snapshot.snapshot_id
            for snapshot in self.table().snapshots()
            if snapshot.summary
            and "obslake.load-id" in snapshot.summary.additional_properties
            and self.source_of(snapshot) not in sources
        ]
        if loads:
            cherry_pick(self.lake, loads[number % len(loads)])

    @staticmethod
    def source_of(snapshot: Snapshot) -> int:
        assert snapshot.summary
        (name,) = json.loads(snapshot.summary.additional_properties["obslake.sources"])
        return int(Path(name).stem)

    def expire(self, remove: Callable[..., object], number: int) -> None:
        for definition in ALL_TABLES if number % 2 else [OBSERVATIONS]:
            if self.lake.open().table(definition).current_snapshot():
                remove(self.lake, definition)

    @staticmethod
    def load_ids(rows: list[dict[str, Any]]) -> set[str]:
        return {row["load_id"] for row in rows}

    def check(self) -> None:
        """Compare the lakehouse's reports with its rows."""
        sources = self.sources()
        assert set(sources.values()) <= {1}, sources
        rows = {d.name: self.lake.rows(d.name) for d in (RUNS, OBSERVATIONS)}
        loads = self.load_ids(rows["observations"])
        assert current_state(self.table().metadata).loads.keys() == loads
        status = json.loads(self.lake.obslake("status", "--snapshots", "--json")[0])
        assert {t["table"]: t["rows"] for t in status["tables"] if t["table"] in rows} == {
            name: sum(row["load_id"] in loads for row in some) for name, some in rows.items()
        }
        for snapshot in status["snapshots"]:
            if snapshot["load_id"]:
                assert snapshot.get("rolled_back", False) == (snapshot["load_id"] not in loads)
        # Rows of runs may be missing: other tools reset only observations.
        lost = loads - self.load_ids(rows["runs"])
        verified = verify(Lakehouse.open(self.lake.home), datetime.now(UTC))
        faults = [fault for check in verified.checks for fault in check.faults]
        assert sorted(f.what.split()[5] for f in faults) == sorted(lost), faults
        if not lost:
            seen = json.loads(self.lake.obslake("sql", "select run_id from lake.runs", "--json")[0])
            assert Counter(int(row["run_id"]) for row in seen) == sources


@seed(int(os.environ.get("OBSLAKE_FAULT_SEED", "1")))
@settings(
    max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
@given(
    st.lists(
        st.tuples(st.sampled_from(ACTIONS), st.integers(0, 11)),
        min_size=4,
        max_size=14 if TRIALS else 8,
    )
)
def test_loads_are_exactly_those_with_rows(steps: list[Step]) -> None:
    recount._counted.clear()
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder))
        for step in (("load", 0), ("load", 1), *steps):
            history.play(step)
            history.check()
