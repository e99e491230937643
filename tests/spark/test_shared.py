"""One lakehouse in PostgreSQL and an S3-compatible store: concurrent loads, built by Spark, read by DuckDB."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from pyarrow.fs import FileSelector

from tests.harness.commands import PROJECT
from tests.harness.lake import observation
from tests.spark.running import SparkWorkspace
from tests.spark.seaweed import BUCKET, Store

MARTS = ("behavior_clusters", "consensus_oracles", "stimulus_response_matrix")
SELECTED = ("--select", *(f"+{mart}" for mart in MARTS))
IMPLEMENTATIONS = 4
STEPS = 20


def source(folder: Path, name: str, data_set: str, problems: int = 3) -> list[str]:
    """Write observations, some with equal responses; return the arguments that load them."""
    rows = [
        observation(
            data_set_id=data_set,
            problem_id=f"p{problem}",
            test_id=name,
            step_id=str(step),
            implementation_id=f"i{implementation}",
            output=json.dumps({"step": step, "odd": implementation == step % 7}),
        )
        for problem in range(problems)
        for implementation in range(IMPLEMENTATIONS)
        for step in range(STEPS)
    ]
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return ["load", "observations", str(path), "--run", name]


def rows_of(workspace: SparkWorkspace, query: str, *options: str) -> Counter[str]:
    """Return the rows of a query as a multiset."""
    answer = json.loads(workspace.obslake("sql", query, "--json", *options))
    return Counter(json.dumps(row, sort_keys=True) for row in answer)


def count(workspace: SparkWorkspace, relation: str, *options: str) -> int:
    answer = workspace.obslake("sql", f"select count(*) as n from {relation}", "--json", *options)
    ((number,),) = (row.values() for row in json.loads(answer))
    return int(number)


def compare(workspace: SparkWorkspace) -> dict[str, int]:
    """Compare the marts of both engines; return their numbers of rows."""
    numbers = {}
    for mart in MARTS:
        on_duckdb = rows_of(workspace, f"from {mart}")
        on_spark = rows_of(workspace, f"from {mart}", "--marts", "marts")
        assert on_spark - on_duckdb == Counter()
        assert on_duckdb - on_spark == Counter()
        numbers[mart] = on_spark.total()
    return numbers


def verify(workspace: SparkWorkspace, *options: str) -> dict[str, Any]:
    """Verify the lakehouse, which must have no faults."""
    report = json.loads(workspace.obslake("verify", "--deep", "--json", *options))
    assert [fault for check in report["checks"] for fault in check["faults"]] == []
    return report


def test_engines_share_a_lakehouse(shared: SparkWorkspace, store: Store) -> None:
    loads = [source(shared.folder, "a", "mine"), source(shared.folder, "b", "yours")]
    running = [shared.start("obslake", *load, "--json") for load in loads]
    for process in running:
        ended = process.wait()
        assert ended.status == 0, ended.err
    rows = 2 * 3 * IMPLEMENTATIONS * STEPS
    assert count(shared, "lake.observations") == rows
    # The folder contains nothing of the tables.
    assert not list(shared.folder.rglob("*.parquet"))
    assert not (shared.home / "catalog.db").exists()
    warehouse = FileSelector(f"{BUCKET}/warehouse/obslake/observations/data", recursive=True)
    assert len(store.file_system().get_file_info(warehouse)) == 2

    shared.configure_for_few_rows()
    shared.obslake("pin")
    # As from a user's shell: Java has only the libraries of this catalog and this store.
    seeded = shared.run_installed("dbt", *shared.on_spark("--quiet", "seed"), cwd=PROJECT)
    assert seeded.returncode == 0, seeded.stdout + seeded.stderr[-5000:]
    shared.spark("--quiet", "run", *SELECTED)
    shared.dbt("--quiet", "run")
    before = compare(shared)
    assert before == {
        "behavior_clusters": before["behavior_clusters"],
        "consensus_oracles": 2 * 3 * STEPS,
        "stimulus_response_matrix": rows,
    }
    assert before["behavior_clusters"] > 2 * 3
    verify(shared)

    # New tests of known problems; the other problems do not change.
    shared.obslake(*source(shared.folder, "c", "yours", problems=2))
    more = 2 * IMPLEMENTATIONS * STEPS
    assert count(shared, "lake.observations", "--marts", "marts") == rows + more
    # The marts are as of the pin.
    assert count(shared, "stimulus_response_matrix", "--marts", "marts") == rows
    shared.obslake("pin")
    shared.spark("--quiet", "run", *SELECTED)
    shared.dbt("--quiet", "run")
    after = compare(shared)
    assert after["stimulus_response_matrix"] == rows + more
    assert after["consensus_oracles"] == before["consensus_oracles"] + 2 * STEPS

    # The files that Spark wrote and reads are kept.
    report = verify(shared, "--remove-orphans", "--older-than", "0s")
    assert all(f"{BUCKET}/warehouse/obslake/" in orphan["path"] for orphan in report["orphans"])
    assert verify(shared)["orphans"] == []
    assert compare(shared) == after
