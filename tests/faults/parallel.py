"""Parallel work on one lakehouse: loaders, compactions, expiries, builds, and readers that count."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from obslake import engine
from obslake.engine import quote_literal
from pyiceberg.catalog import load_catalog
from pyiceberg.table import Table

from tests.harness.commands import PROJECT, Ended
from tests.harness.workspace import COMMANDS, Workspace

LOADERS = 8
PROBLEMS = ("sort", "parse", "round")
IMPLEMENTATIONS = 5
STEPS = 4
ROWS = len(PROBLEMS) * IMPLEMENTATIONS * STEPS

# Each source is one run in every table and mart.
_COUNTS = "select run_id, count(*) from {} group by run_id"
_SQL = (
    "select run_id, (select count(*) from lake.runs where runs.run_id = o.run_id) as runs, "
    "count(*) as n from lake.observations as o group by run_id"
)


def write_sources(folder: Path, number: int, seed: int) -> dict[str, Path]:
    """Write sources with the same number of rows and different answers; return them by run."""
    chance = random.Random(seed)
    found = {}
    for n in range(number):
        run = f"run-{n:04}"
        rows = [
            {
                "problem_id": problem,
                "implementation_id": f"i{implementation}",
                "test_id": f"t{step % 2}",
                "step_id": step // 2,
                "output": str(step + chance.choice([0, 0, 0, implementation])),
                "run_id": run,
                "observed_at": f"2026-01-01T00:{n // 60 % 60:02}:{n % 60:02}Z",
            }
            for problem in PROBLEMS
            for implementation in range(IMPLEMENTATIONS)
            for step in range(STEPS)
        ]
        found[run] = folder / f"{run}.jsonl"
        found[run].write_text("".join(json.dumps(row) + "\n" for row in rows))
    return found


def deal(runs: Sequence[str], rounds: int, seed: int) -> list[list[list[str]]]:
    """Return the loads of every loader, each of one to four sources; all sources occur, many repeatedly."""
    chance = random.Random(seed)
    rest = [*runs, *chance.choices(runs, k=len(runs))]
    chance.shuffle(rest)
    hands: list[list[list[str]]] = [[[] for _ in range(rounds)] for _ in range(LOADERS)]
    for n, run in enumerate(rest):
        hands[n % LOADERS][n // LOADERS % rounds].append(run)
    return [[load for load in hand if load] for hand in hands]


# Called for every commit that must be repeated because of another one.
_CONFLICT = "obslake.lakehouse.commits:_Attempt._failed"


@dataclass(frozen=True)
class Done:
    """The end of a command, and the number of its repeated commits."""

    arguments: tuple[str, ...]
    ended: Ended
    conflicts: int


@dataclass
class Campaign:
    """A lakehouse, the parallel work on it, and the findings.

    Attributes:
        workspace: the lakehouse.
        catalog: address of its catalog and of its warehouse, for PyIceberg.
        done: the commands that have ended, by thread.
        faults: wrong observations.
        looks: numbers of reads by kind of reader.
    """

    workspace: Workspace
    catalog: Mapping[str, str]
    done: dict[str, list[Done]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    looks: Counter[str] = field(default_factory=Counter)
    _ended: threading.Event = field(default_factory=threading.Event)
    _begun: dict[int, datetime] = field(default_factory=dict)

    def run(self, sources: Mapping[str, Path], hands: Sequence[Sequence[Sequence[str]]]) -> None:
        """Load everything in parallel with all other work, until all is loaded and every other thread has run."""
        loaders = [
            self._thread(f"loader {n}", lambda hand=hand: self._load(sources, hand))
            for n, hand in enumerate(hands)
        ]
        others = [
            self._thread("upkeep", self._keep_up),
            self._thread("obslake sql", self._ask),
            self._thread("metadata", lambda: self._repeat("metadata", self._read_metadata)),
            self._thread("marts", lambda: self._repeat("marts", self._read_marts)),
            self._thread("dbt", lambda: self._repeat("dbt", self._build)),
        ]
        for thread in (*loaders, *others):
            thread.start()
        for thread in loaders:
            thread.join()
        self._ended.set()
        for thread in others:
            thread.join()

    def tables(self, name: str) -> Table:
        """Return the current state of a table."""
        catalog = load_catalog("obslake", **self.catalog)
        return catalog.load_table(("obslake", name))

    def conflicts(self) -> int:
        return sum(done.conflicts for commands in self.done.values() for done in commands)

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        self.done[name] = []

        def guarded() -> None:
            try:
                work()
            except Exception as error:
                self.faults.append(f"{name}: {error!r}")

        return threading.Thread(target=guarded, name=name)

    def _repeat(self, kind: str, act: Callable[[], object]) -> None:
        while True:
            # The last repetition comes after the last load.
            is_last = self._ended.is_set()
            act()
            self.looks[kind] += 1
            if is_last:
                return
            time.sleep(0.2)

    @contextmanager
    def _began_now(self) -> Iterator[None]:
        """Record the start of a read: expiry keeps the snapshots of that moment."""
        me = threading.get_ident()
        self._begun[me] = datetime.now(UTC)
        try:
            yield
        finally:
            del self._begun[me]

    def _command(self, *arguments: str) -> Ended:
        ended, points = COMMANDS.trace(
            [_CONFLICT], "obslake", *arguments, environment=self.workspace.environment
        )
        conflicts = sum(point.when == "before" for point in points)
        self.done[threading.current_thread().name].append(Done(arguments, ended, conflicts))
        if ended.status:
            self.faults.append(f"{' '.join(arguments)}: {ended.status}: {ended.err}")
        return ended

    def _load(self, sources: Mapping[str, Path], hand: Sequence[Sequence[str]]) -> None:
        for runs in hand:
            paths = [str(sources[run]) for run in runs]
            self._command("load", "observations", "--json", *paths)

    def _keep_up(self) -> None:
        def turn() -> None:
            for _ in range(3):
                self._command("compact")
            oldest = min([datetime.now(UTC), *self._begun.copy().values()])
            self._command("expire", "--older-than", oldest.isoformat())

        self._repeat("upkeep", turn)

    def _ask(self) -> None:
        def look() -> None:
            with self._began_now():
                answer = self._command("sql", _SQL, "--json")
            if answer.status == 0:
                rows = json.loads(answer.out)
                self._check("obslake sql", {r["run_id"]: r["n"] for r in rows})
                lonely = [r["run_id"] for r in rows if r["runs"] != 1]
                if lonely:
                    self.faults.append(f"obslake sql: not described once: {lonely}")

        self._repeat("obslake sql", look)

    def _read_metadata(self) -> None:
        with self._began_now():
            table = self.tables("observations")
            if table.current_snapshot() is None:
                return
            with engine.connect() as connection:
                self._check("metadata", scan(connection, table.metadata_location))

    def _read_marts(self) -> None:
        if not self.workspace.marts.exists():
            return
        with duckdb.connect(self.workspace.marts, read_only=True) as connection:
            rows = connection.execute(_COUNTS.format("stimulus_response_cube")).fetchall()
            self._check("marts", dict(rows))

    def _build(self) -> None:
        with self._began_now():
            built = self.workspace.run("dbt", "--quiet", "run", cwd=PROJECT)
        if built.returncode:
            self.faults.append(f"dbt: {built.stdout}{built.stderr}")

    def _check(self, reader: str, counts: Mapping[str, int]) -> None:
        parts = {run: n for run, n in counts.items() if n != ROWS}
        if parts:
            self.faults.append(f"{reader}: {parts}")


def scan(
    connection: duckdb.DuckDBPyConnection, location: str, snapshot_id: int | None = None
) -> dict[str, int]:
    """Count the rows of each run with DuckDB's Iceberg extension only."""
    which = f", snapshot_from_id = {snapshot_id}" if snapshot_id else ""
    relation = f"iceberg_scan({quote_literal(location)}{which})"
    return dict(connection.execute(_COUNTS.format(relation)).fetchall())


def reports(campaign: Campaign) -> list[dict[str, Any]]:
    """Return the reports of the loads."""
    return [
        json.loads(done.ended.out)
        for name, commands in campaign.done.items()
        if name.startswith("loader")
        for done in commands
    ]
