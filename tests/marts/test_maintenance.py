"""Marts do not depend on how the rows are stored."""

import json

import duckdb

from tests.harness.lake import Lake, observation
from tests.harness.workspace import Workspace

MARTS = ("stimulus_response_matrix", "behavior_clusters", "consensus_oracles", "runs")


def built(workspace: Workspace, *options: str) -> dict[str, list[str]]:
    """Build the marts, and return their rows."""
    selected = (f"+{mart}" for mart in MARTS)
    workspace.dbt("--quiet", "run", "--select", *selected, *options)
    return {mart: sorted(map(repr, workspace.query(f"from {mart}"))) for mart in MARTS}


def test_marts_after_compaction_and_expiry(workspace: Workspace) -> None:
    lake = Lake(workspace.folder)
    for load in range(3):
        rows = [
            observation(problem_id=p, implementation_id=i, step_id=s, output=str(len(i) * s % 4))
            for p in ("p", "q")
            for i in (f"i{load}", "again")
            for s in range(4)
        ]
        path = lake.jsonl(f"{load}.jsonl", rows)
        workspace.obslake("load", "observations", str(path), "--run", str(load))
    before = built(workspace)
    assert all(before.values())
    second = workspace.status()["snapshots"][1]["snapshot_id"]
    as_of = ("--vars", json.dumps({"as_of_snapshot": second}))
    earlier = built(workspace, *as_of)
    assert earlier != before

    # Earlier versions created this table, when the model had another name.
    with duckdb.connect(workspace.home / "building" / "obslake.duckdb") as connection:
        connection.execute("create table main_intermediate.int_run_columns as select 1 as x")

    assert "3 files -> 1 file" in workspace.obslake("compact")
    assert built(workspace, *as_of) == earlier
    assert built(workspace) == before
    assert "3 snapshots, " in workspace.obslake("expire", "--older-than", "0s")
    assert built(workspace) == before
    assert workspace.query("select 1 from duckdb_tables() where table_name = 'int_run_signatures'")
    assert not workspace.query("select 1 from duckdb_tables() where table_name = 'int_run_columns'")
