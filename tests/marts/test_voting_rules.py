"""A published rule of a comparison of many implementations, in seeds alone.

The comparison: a query has a consensus if ceil(N / 2) + 1 of all N implementations agree. Errors abstain, and "not
supported" is an answer. The order of results counts in most queries, and not in some.
"""

import csv
import math
import random
from collections import Counter
from collections.abc import Callable

import pytest

from tests.harness.workspace import Workspace
from tests.marts.test_refresh import copy_project, write_seed
from tests.reference.equivalence import Equivalence
from tests.reference.voting import VotingRule

N_QUERIES, N_UNORDERED = 258, 20
SIZES = (1, 2, 5, 8, 21, 40, 54)
"""Numbers of implementations of the data sets."""

NOT_SUPPORTED = ("$EXCEPTION@NotSupported@filters", "$EXCEPTION@NotSupported@slices")
ERRORS = ("$EXCEPTION@SyntaxError@at 1", "$EXCEPTION@SyntaxError@at 2", "$TIMEOUT")
RESULTS = ("[1,2]", "[2,1]", "[1]", "[]")


def answers(size: int) -> dict[tuple[str, str], str]:
    """Return random responses by query and implementation; some implementations do not execute some queries."""
    chooser = random.Random(size)
    found = {}
    for number in range(N_QUERIES):
        kind = "unordered" if number < N_UNORDERED else "query"
        usual, share = chooser.choice((*RESULTS, *NOT_SUPPORTED)), chooser.random()
        for implementation in range(size):
            likely = chooser.random() < share
            response = usual if likely else chooser.choice((*RESULTS, *NOT_SUPPORTED, *ERRORS))
            if chooser.random() < 0.95:
                found[f"{kind}_{number:03}", f"i{implementation:02}"] = response
    return found


def consensus(found: dict[tuple[str, str], str]) -> dict[str, str | None]:
    """Return the consensus on each query, by the published rule; results in any order where it does not count."""
    n_all = len({implementation for _, implementation in found})
    queries: dict[str, Counter[str]] = {query: Counter() for query, _ in found}
    for (query, _), response in found.items():
        if response in ERRORS:
            continue
        if response in NOT_SUPPORTED:
            response = "not supported"
        elif query.startswith("unordered"):
            response = str(sorted(response))
        queries[query][response] += 1
    needed = math.ceil(n_all / 2) + 1
    leaders = {
        query: [response for response, n in counts.items() if n >= needed]
        for query, counts in queries.items()
    }
    return {query: leader[0] if leader else None for query, leader in leaders.items()}


def form(query: str, response: str | None) -> str | None:
    """Return the response of an oracle as `consensus` writes it."""
    if response is None:
        return None
    if response in NOT_SUPPORTED:
        return "not supported"
    return str(sorted(response)) if query.startswith("unordered") else response


@pytest.fixture(scope="module")
def built(make_workspace: Callable[[str], Workspace]) -> Workspace:
    workspace = make_workspace("published")
    project = copy_project(workspace)
    rules = [
        ("minimal_support", "0.5 of implementations + 1"),
        ("abstaining_kind", "exception"),
        ("voting_exception", "NotSupported"),
        ("eligible_kind", "value"),
        ("eligible_kind", "exception"),
    ]
    write_seed(project, "voting_rules", [VotingRule(None, "jsonpath", *rule) for rule in rules])
    equal = [
        (None, "exception_class"),
        ("unordered_*", "exception_class"),
        ("unordered_*", "unordered"),
    ]
    write_seed(
        project, "response_equivalences", [Equivalence(None, "jsonpath", *rule) for rule in equal]
    )
    workspace.obslake("init")
    file = workspace.folder / "answers.csv"
    with file.open("w", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(("data_set_id", "problem_id", "test_id", "implementation_id", "output"))
        for size in SIZES:
            for (query, implementation), response in answers(size).items():
                writer.writerow((f"of {size}", "jsonpath", query, implementation, response))
    workspace.obslake("load", "observations", str(file))
    workspace.dbt("--quiet", "run", "--select", "+consensus_oracles", project=project)
    return workspace


@pytest.mark.parametrize("size", SIZES)
def test_the_published_rule_in_seeds_alone(built: Workspace, size: int) -> None:
    found = answers(size)
    expected = consensus(found)
    rows = built.query(
        "select test_id, oracle_response, n_votes_needed from consensus_oracles where data_set_id = ?",
        [f"of {size}"],
    )
    assert {query: form(query, response) for query, response, _ in rows} == expected
    needed = math.ceil(len({implementation for _, implementation in found}) / 2) + 1
    assert {n for _, _, n in rows} <= {needed, None}
    if size > 2:
        assert {None, "not supported"} < set(expected.values())
        assert any(e and q.startswith("unordered") for q, e in expected.items())
