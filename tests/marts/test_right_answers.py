"""Several right answers to one stimulus, from files through the command line to a plain DuckDB client."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.schemas import OBSERVATIONS

from tests.harness.workspace import Workspace

# (test, implementation): what it answered.
ANSWERS = {
    ("unordered", "a"): "[1,2]",
    ("unordered", "b"): "[2,1]",
    ("unordered", "c"): "[2,1]",
    ("unordered", "e"): "[3]",
    ("strict", "a"): "1",
    ("strict", "b"): "1",
    ("strict", "c"): "1",
    ("strict", "e"): "2",
}


@pytest.fixture(scope="module")
def workspace(make_workspace: Callable[[str], Workspace]) -> Workspace:
    """A lakehouse of a version without alternatives, with one expected answer to each test, and its marts."""
    workspace = make_workspace("right_answers")
    rows = [
        {"problem_id": "p", "test_id": test, "implementation_id": i, "output": output}
        for (test, i), output in ANSWERS.items()
    ]
    expected = expected_answers(
        workspace, "expected.csv", [("unordered", "", "[1,2]"), ("strict", "", "2")]
    )
    path = workspace.folder / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    workspace.obslake("load", "observations", str(path), "--outputs", "text", "--run", "r")
    load_expected(workspace, expected, "--run", "first")
    with Lakehouse.open(workspace.home).table(OBSERVATIONS).update_schema() as update:
        update.delete_column("alternative")
    workspace.dbt("--quiet", "run")
    return workspace


def expected_answers(workspace: Workspace, name: str, answers: list[tuple[str, str, str]]) -> Path:
    """Write expected answers: test, alternative, output."""
    path = workspace.folder / name
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["problem_id", "test_id", "alternative", "output"])
        writer.writerows(("p", *answer) for answer in answers)
    return path


def load_expected(workspace: Workspace, path: Path, *options: str) -> None:
    workspace.obslake("load", "observations", str(path), "--as-oracle", *options)


def right(workspace: Workspace) -> dict[tuple[str, str | None], str]:
    rows = workspace.query("select test_id, alternative, response from specified_responses")
    return {(test, alternative): response for test, alternative, response in rows}


def passing(workspace: Workspace) -> dict[str, tuple[int, bool]]:
    rows = workspace.query(
        "select implementation_id, n_specified_agreeing, passes_specified from implementation_assessments"
    )
    return {implementation: (n, passes) for implementation, n, passes in rows}


def test_right_answers_from_load_to_client(workspace: Workspace) -> None:
    """A lakehouse without the column has one right answer; later loads add others, or take them back."""
    assert right(workspace) == {("unordered", None): "[1,2]", ("strict", None): "2"}
    assert passing(workspace) == {
        "a": (1, False),
        "b": (0, False),
        "c": (0, False),
        "e": (1, False),
    }
    suspects = "select test_id, n_specified_votes from suspects('default') order by test_id"
    # The leading answers are [2,1], and 1.
    assert workspace.query(suspects) == [("strict", 1), ("unordered", 1)]

    lenient = expected_answers(
        workspace,
        "lenient.csv",
        [
            ("unordered", "", "[1,2]"),
            ("unordered", "reversed", "[2,1]"),
            ("unordered", "again", "[1,2]"),
            ("strict", "", "2"),
            ("strict", "1", "3"),
        ],
    )
    load_expected(workspace, lenient, "--run", "lenient")
    workspace.dbt("--quiet", "run")
    assert right(workspace) == {
        ("unordered", None): "[1,2]",
        ("unordered", "reversed"): "[2,1]",
        ("strict", None): "2",
        ("strict", "1"): "3",
    }
    assert passing(workspace) == {
        "a": (1, False),
        "b": (1, False),
        "c": (1, False),
        "e": (1, False),
    }
    assert workspace.query(suspects) == [("strict", 1)]
    oracle = (
        "select test_id, oracle_response, n_voters, specified_response, n_specified_responses, "
        "agrees_with_specified from oracle('default', 'p') order by test_id"
    )
    assert workspace.query(oracle) == [
        ("strict", "1", 4, "2", 2, False),
        ("unordered", "[2,1]", 4, "[1,2]", 2, True),
    ]
    # An alternative is no implementation, and no actuation.
    assert workspace.query("select n_implementations from problems") == [(4,)]
    assert workspace.query("select count(*) from stimulus_response_matrix") == [(10,)]
    cube = "select count(*) from stimulus_response_cube where run_id = 'lenient'"
    assert workspace.query(cube) == [(2,)]
    (problem,) = workspace.query(
        "select n_specified_stimuli, n_consensus_compared, n_consensus_differing from problem_assessments"
    )
    assert problem == (2, 2, 1)
    agreeing = (
        "select implementation_id from training_examples "
        "where test_id = 'unordered' and agrees_with_specified"
    )
    assert {i for (i,) in workspace.query(agreeing)} == {"a", "b", "c"}
    workspace.obslake("verify")

    strict = expected_answers(workspace, "strict.csv", [("unordered", "", "[2,1]")])
    load_expected(workspace, strict, "--run", "strict")
    workspace.dbt("--quiet", "run")
    # What the latest run does not have stays as it is.
    assert right(workspace) == {
        ("unordered", None): "[2,1]",
        ("strict", None): "2",
        ("strict", "1"): "3",
    }
    assert passing(workspace)["a"] == (0, False)
    assert passing(workspace)["b"] == (1, False)
