"""``obslake rules try``: what it says is what the next build does. Seeds of earlier versions are read."""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from obslake.lakehouse.home import identity

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace
from tests.marts.test_refresh import copy_project, load_observations, write_seed
from tests.reference.equivalence import Equivalence
from tests.reference.naive import compute
from tests.reference.strategies import random_observations
from tests.reference.voting import VotingRule

# By the name of the figure in the trial.
FIGURES = {
    "different responses of a stimulus": "select count(distinct (data_set_id, problem_id, test_id, step_id, "
    "response_hash)) from stimulus_response_cube",
    "clusters": "select count(*) from behavior_clusters",
    "oracles with a winner": "select count(*) from consensus_oracles where oracle_response is not null",
    "unstable cells of the matrix": "select count(*) from stimulus_response_matrix where not is_stable",
    "flaky responses": "select count(*) from flaky_responses",
    **{
        f"oracles: {name}": f"select count(*) from consensus_oracles where consensus = '{name}'"
        for name in ("unanimous", "majority", "plurality", "tie", "no_votes")
    },
}
ORACLES = (
    "select data_set_id, problem_id, test_id, step_id, consensus, oracle_response, n_votes, "
    "n_distinct_responses from consensus_oracles"
)
HASHES = (
    "select count(distinct response_hash) from stimulus_response_cube where data_set_id = ? and "
    "problem_id = ? and test_id = ? and step_id = ? and response in (select unnest(?::varchar[]))"
)


RESPONSES = ('"[1, 2.0]"', '"[2,1]"', "took 5 s", "took 6 s", "$EXCEPTION@E@a", "$EXCEPTION@E@b")

KEYS = ("data_set_id", "problem_id", "test_id", "step_id")


@pytest.fixture(scope="module")
def built(make_workspace: Callable[[str], Workspace]) -> tuple[Workspace, Path]:
    """A lakehouse that is built with one rule, from a seed as earlier versions had it."""
    workspace = make_workspace("rules")
    project = copy_project(workspace)
    (project / "seeds" / "response_equivalences.csv").write_text(
        "data_set_id,problem_id,rule,argument\n,,exception_class,\n"
    )
    load_observations(workspace, random_observations(3, n_problems=12), "observations")
    file = workspace.folder / "responses.csv"
    rows = [
        f"ds,near,{test},{implementation},{output}"
        for test in ("t1", "u1")
        for implementation, output in zip("abcdef", RESPONSES, strict=True)
    ]
    file.write_text("\n".join(["data_set_id,problem_id,test_id,implementation_id,output", *rows]))
    workspace.obslake("load", "observations", str(file))
    workspace.obslake("build", "--quiet", "--project-dir", str(project))
    return workspace, project


def figures(workspace: Workspace) -> dict[str, int]:
    return {name: workspace.query(query)[0][0] for name, query in FIGURES.items()}


def test_a_trial_says_what_the_next_build_does(built: tuple[Workspace, Path]) -> None:
    workspace, project = built
    options = ("--project-dir", str(project))
    rules = ("json=spelling", "significant_digits=1 in text", "unordered", "mask=durations")
    scope = ("--data-set", "ds", "--test", "t*")
    published = identity(workspace.marts)
    before, oracles = figures(workspace), set(workspace.query(ORACLES))
    trial = json.loads(
        workspace.obslake("rules", "try", *rules, *scope, *options, "--limit", "999", "--json")
    )
    assert identity(workspace.marts) == published
    assert not list((workspace.home / "building").glob(".trial-*"))
    said = {f["name"]: (f["before"], f["after"]) for f in trial["figures"]}
    hashes = [
        workspace.query(HASHES, [*map(e.get, KEYS), e["responses"]])[0][0]
        for e in trial["examples"]
    ]
    assert all(n > 1 for n, e in zip(hashes, trial["examples"], strict=True) if e["is_merged"])

    # The rules for these tests replace those for everything, so some exceptions become different.
    assert {e["is_merged"] for e in trial["examples"]} == {True, False}
    added = [Equivalence("ds", None, "t*", *rule.split("=")) for rule in rules]
    old = [Equivalence(None, None, None, "exception_class")]
    write_seed(project, "response_equivalences", [*old, *added])
    workspace.obslake("build", "--quiet", *options)
    after = figures(workspace)
    assert {name: said.pop(name) for name in FIGURES} == {n: (before[n], after[n]) for n in FIGURES}
    n_changed = len({row[:4] for row in oracles ^ set(workspace.query(ORACLES))})
    assert said == {"oracles that change": (0, n_changed)}
    for example in trial["examples"]:
        found = workspace.query(HASHES, [*map(example.get, KEYS), example["responses"]])
        assert (found == [(1,)]) == example["is_merged"]


def test_a_trial_of_voting_rules(built: tuple[Workspace, Path]) -> None:
    workspace, project = built
    options = ("--project-dir", str(project))
    rules = ("abstaining_kind=exception", "minimal_support=0.5 of implementations + 1")
    before = figures(workspace)
    trial = json.loads(workspace.obslake("rules", "try", *rules, *options, "--json"))
    assert trial["examples"] == []
    said = {f["name"]: (f["before"], f["after"]) for f in trial["figures"]}
    write_seed(
        project, "voting_rules", [VotingRule(None, None, *rule.split("=")) for rule in rules]
    )
    workspace.obslake("build", "--quiet", *options)
    after = figures(workspace)
    assert {name: said[name] for name in FIGURES} == {n: (before[n], after[n]) for n in FIGURES}
    assert after["oracles with a winner"] < before["oracles with a winner"]
    assert said["oracles that change"][1] > 0


def test_the_example_of_the_page_is_true() -> None:
    """The reference counts before and after what the page shows."""
    page = (PROJECT / "docs" / "protocol.md").read_text()
    ((written, shown),) = re.findall(
        r"^```json\n(.*?)^```$.*?^\$ obslake rules try mask=absolute_paths.*?\n(.*?)^```$",
        page,
        re.DOTALL | re.MULTILINE,
    )
    rows = [json.loads(line) for line in written.splitlines()]
    observations = [
        replace(
            random_observations(1, n_problems=1)[0],
            data_set_id="nightly",
            problem_id=row["problem_id"],
            test_id=row["test_id"],
            step_id=0,
            implementation_id=row["implementation_id"],
            environment_id="e",
            run_id=row["run_id"],
            attempt=0,
            output=str(row["output"]),
            response_kind="exception" if "$" in str(row["output"]) else "value",
            alternative=None,
        )
        for row in rows
    ]
    rule = Equivalence("nightly", None, None, "mask", "absolute_paths")
    for column, marts in enumerate((compute(observations, []), compute(observations, [], [rule]))):
        consensus = Counter(row.consensus for row in marts.consensus_oracles)
        counted = {
            "different responses of a stimulus": len(
                {(row.test_id, row.response_hash) for row in marts.stimulus_response_cube}
            ),
            "clusters": len(marts.behavior_clusters),
            "oracles with a winner": sum(
                row.oracle_response is not None for row in marts.consensus_oracles
            ),
            "unstable cells of the matrix": sum(
                not row.is_stable for row in marts.stimulus_response_matrix
            ),
            "flaky responses": len(marts.flaky_responses),
            **{f"oracles: {name}": consensus[name] for name in ("unanimous", "tie")},
        }
        for name, number in counted.items():
            (line,) = re.findall(rf"^{name} +(\d+) +(\d+)$", shown, re.MULTILINE)
            assert int(line[column]) == number, name


def test_rules_that_cannot_be_tried(built: tuple[Workspace, Path]) -> None:
    workspace, project = built
    options = ("--project-dir", str(project))
    assert "rule fuzzy: the rule must be exact" in workspace.refused(
        "rules", "try", "fuzzy", *options
    )
    scoped = ("voting_kind=timeout", "--test", "t*")
    assert "a voting rule, which is for all tests" in workspace.refused(
        "rules", "try", *scoped, *options
    )
    said = workspace.refused("rules", "try", "json", *options, "--vars", "obslake_pass_at_k: 2")
    assert "the marts are not up to date" in said
    (project / "seeds" / "response_equivalences.csv").unlink()
    assert "has no seed response_equivalences.csv" in workspace.refused(
        "rules", "try", "json", *options
    )


def test_seeds_and_tables_of_earlier_versions_and_unknown_columns(workspace: Workspace) -> None:
    project = copy_project(workspace)
    workspace.obslake("init")
    seed = project / "seeds" / "response_equivalences.csv"
    run = ("dbt", "--quiet", "run", "--select", "stg_response_equivalences")
    seed.write_text('\ufeff"rule",data_set_id\r\njson,d\r\n')
    done = workspace.run(*run, cwd=project)
    assert done.returncode == 0, done.stdout
    # The table of an earlier version has no column for tests.
    table = "select * from response_equivalences"
    with duckdb.connect(workspace.home / "building" / "obslake.duckdb") as connection:
        assert connection.execute(table).fetchall() == [("d", None, None, "json", None)]
        connection.execute("alter table response_equivalences drop test_pattern")
    write_seed(project, "response_equivalences", [Equivalence("d", None, "t*", "case")])
    workspace.dbt("--quiet", "seed", project=project)
    with duckdb.connect(workspace.home / "building" / "obslake.duckdb") as connection:
        columns = "select rule, test_pattern from response_equivalences"
        assert connection.execute(columns).fetchall() == [("case", "t*")]

    seed.write_text("data_set_id,tests,rule\nd,t,json\n")
    done = workspace.run(*run, cwd=project)
    assert done.returncode != 0
    assert (
        "response_equivalences.csv has a column tests, which response_equivalences do not have"
        in done.stdout
    )
