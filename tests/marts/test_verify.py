"""`obslake verify` checks the marts, which it recomputes with its own SQL."""

import json
from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from tests.harness.workspace import Workspace
from tests.marts.test_refresh import load_observations
from tests.reference.strategies import random_observations

ALL = ("--sample", "999")
# Only the marts that are verified.
RUN = (
    *("--quiet", "run", "--select"),
    *("+stimulus_response_matrix", "+stimulus_response_cube"),
    *("+behavior_clusters", "+behavior_cluster_members", "+consensus_oracles"),
    "+implementations",
)


@pytest.fixture(scope="module")
def built(make_workspace: Callable[[str], Workspace]) -> Workspace:
    """A built lakehouse with random observations of many kinds, loaded in three parts."""
    workspace = make_workspace("verify")
    observations = random_observations(3, n_problems=40)
    for number in range(3):
        load_observations(workspace, observations[number::3], str(number))
    workspace.dbt(*RUN)
    return workspace


def verify(workspace: Workspace, *options: str) -> dict[str, dict[str, Any]]:
    """Return the checks of the marts by name; all other checks must pass."""
    done = workspace.run("obslake", "verify", "--json", *options)
    assert "Traceback" not in done.stderr
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    wrong = {name for name, check in checks.items() if check["faults"]}
    assert done.returncode == bool(wrong)
    marts = {name.removeprefix("marts: "): c for name, c in checks.items() if "marts:" in name}
    assert wrong <= {f"marts: {name}" for name in marts}
    return marts


def faults(workspace: Workspace, *options: str) -> list[str]:
    return [
        f"{fault['where']}: {fault['what']}"
        for check in verify(workspace, *options).values()
        for fault in check["faults"]
    ]


def test_marts_match_the_observations(built: Workspace) -> None:
    checks = verify(built, *ALL)
    n = built.query("select count(distinct (data_set_id, problem_id)) from stimulus_response_cube")
    assert checks["computed again"] == {
        "name": "marts: computed again", "counted": n[0][0], "faults": [], "notes": []
    }  # fmt: skip
    assert n[0][0] >= 40
    assert checks["counts"]["faults"] == checks["counts"]["notes"] == []
    assert n[0][0] < checks["counts"]["counted"] <= 2 * n[0][0]
    assert verify(built)["computed again"]["counted"] == 20
    assert verify(built, "--sample", "0")["computed again"]["counted"] == 0


DAMAGE = {
    "update main_intermediate.int_actuations set response = response || '!' where {one} and is_cell": (
        "computed again", "stimulus_response_matrix"
    ),
    "delete from main_intermediate.int_actuations where {one} and rowid = "
    "(select min(rowid) from main_intermediate.int_actuations where {one})": (
        "counts", "stimulus_response_cube"
    ),
    "update behavior_cluster_members set is_voter = not is_voter where {one}": (
        "computed again", "behavior_clusters"
    ),
    "update behavior_clusters set n_implementations = n_implementations + 1 where {one}": (
        "computed again", "behavior_clusters"
    ),
    "delete from behavior_cluster_members where {one}": ("computed again", "behavior_clusters"),
    "update consensus_oracles set n_votes = n_votes + 1 where {one}": (
        "computed again", "consensus_oracles"
    ),
    "update consensus_oracles set specified_response = '?' where {one}": (
        "computed again", "consensus_oracles"
    ),
    "delete from consensus_oracles where {one}": ("computed again", "consensus_oracles"),
}  # fmt: skip


def test_changed_marts_are_faults(built: Workspace) -> None:
    ((data_set, problem),) = built.query(
        "select data_set_id, problem_id from behavior_clusters order by all limit 1"
    )
    one = f"data_set_id = '{data_set}' and problem_id = '{problem}'"
    whole = built.marts.read_bytes()
    place = f"data set {data_set!r}, problem {problem!r}"
    for statement, (check, mart) in DAMAGE.items():
        with duckdb.connect(built.marts) as connection:
            changed = connection.execute(statement.format(one=one)).fetchall()
            assert changed[0][0] > 0, statement
        found = verify(built, *ALL)
        assert f"{mart}: {place}" in [f["where"] for f in found[check]["faults"]], statement
        built.marts.write_bytes(whole)
        built.marts.with_suffix(".duckdb.wal").unlink(missing_ok=True)
    assert faults(built, *ALL) == []


def test_a_file_that_is_damaged_or_in_use(built: Workspace) -> None:
    with duckdb.connect(built.marts):
        assert verify(built)["counts"]["notes"] == [
            "the marts were not compared: another process has them open"
        ]
    whole = built.marts.read_bytes()
    built.marts.write_bytes(b"no database" * 1000)
    assert "not a valid DuckDB database file" in faults(built)[0]
    built.marts.unlink()
    with duckdb.connect(built.marts) as connection:
        connection.execute("create table consensus_oracles as select 1 as x")
    assert "do not record what they were built from" in verify(built)["counts"]["notes"][0]
    built.marts.write_bytes(whole)
    assert faults(built) == []


def test_outdated_marts_are_not_faults(
    built: Workspace, make_workspace: Callable[[str], Workspace]
) -> None:
    """They are compared with the snapshot they were built from, as long as it exists."""
    marts = built.marts.read_bytes()
    checks = verify(built, *ALL)
    built.obslake("compact")
    built.obslake("expire", "--older-than", "0s")
    # The snapshot no longer exists, but another one has the same rows.
    assert verify(built, *ALL) == checks
    (snapshot,) = (s["snapshot_id"] for s in built.status()["snapshots"])

    load_observations(built, random_observations(4, n_problems=3), "more")
    checks = verify(built, *ALL)
    assert checks["counts"]["notes"] == ["the marts were built before 1 load: run `obslake build`"]
    assert checks["computed again"]["counted"] >= 40
    assert faults(built, *ALL) == []
    # Tables that are run without the models that find stale problems do not change.
    built.dbt(*RUN, "--exclude", "path:models/refresh", "path:models/staging")
    assert verify(built, *ALL) == checks
    # A run of some models leaves tables of two snapshots.
    built.dbt("--quiet", "run", "--select", "path:models/refresh", "int_actuations")
    (note,) = verify(built)["counts"]["notes"]
    assert note.startswith("the marts were built by several runs of some models each")
    # Other rules, which the marts record.
    rules = {
        "obslake_oracle": "i1",
        "obslake_voting_kinds": ["value"],
        "obslake_one_vote_per": "code",
        "obslake_minimal_support": 2,
    }
    built.dbt(*RUN, "--vars", json.dumps(rules))
    checks = verify(built, *ALL)
    assert checks["counts"]["notes"] == []
    assert checks["computed again"]["counted"] >= 40
    assert faults(built, *ALL) == []

    built.obslake("rollback", "--to", str(snapshot), "--yes")
    (note,) = verify(built)["counts"]["notes"]
    assert note == "the marts still include 1 load, rolled back since: run `obslake build`"
    assert faults(built, *ALL) == []
    built.obslake("expire", "--older-than", "0s")
    (note,) = verify(built)["counts"]["notes"]
    assert "which no longer exists: they were not compared" in note
    built.marts.write_bytes(marts)
    assert faults(built, *ALL) == []
