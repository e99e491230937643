"""Names and responses with the same DuckDB hash stay distinct in the marts and in every command."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness.workspace import Workspace
from tests.marts.comparison import MARTS, create_models, expected_rows, replace_rows, sql_rows
from tests.marts.test_refresh import load_observations
from tests.reference.collisions import colliding_texts, some_colliding_texts
from tests.reference.naive import ORACLE, Observation, compute
from tests.reference.strategies import random_observations


@pytest.fixture(scope="module")
def models(compiled: dict[str, Any]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The models as tables; tests replace the rows."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        create_models(connection, compiled)
        yield connection


def renamed(observations: list[Observation], texts: list[str]) -> list[Observation]:
    """Replace the distinct names and values of observations with colliding texts, colliding ones adjacent."""

    def names(column: str) -> dict[str, str]:
        found = sorted({getattr(row, column) for row in observations} - {ORACLE})
        new = dict(zip(found, texts, strict=False))
        return {name: new.get(name, name) for name in [*found, ORACLE]}

    changed = {
        column: names(column)
        for column in ("problem_id", "test_id", "implementation_id", "environment_id", "run_id")
    }
    values = [row for row in observations if row.response_kind == "value" and row.output]
    outputs = dict(zip(sorted({str(row.output) for row in values}), texts, strict=False))
    return [
        replace(
            row,
            **{column: new[getattr(row, column)] for column, new in changed.items()},
            output=outputs.get(str(row.output), row.output)
            if row.response_kind == "value"
            else row.output,
        )
        for row in observations
    ]


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=colliding_texts(), seed=st.integers(0, 999))
def test_marts_are_those_of_the_reference(
    models: duckdb.DuckDBPyConnection, texts: list[str], seed: int
) -> None:
    observations = renamed(random_observations(seed, n_problems=20), texts)
    replace_rows(models, observations, [])
    expected = compute(observations, [], [])
    for mart in MARTS:
        assert sql_rows(models, mart) == expected_rows(expected, mart), mart


@pytest.fixture(scope="module")
def built(make_workspace: Callable[[str], Workspace]) -> tuple[Workspace, list[Observation]]:
    """A built lakehouse with such names, loaded in two parts."""
    workspace = make_workspace("equal-hashes")
    observations = renamed(random_observations(5, n_problems=40), some_colliding_texts())
    for number in range(2):
        load_observations(workspace, observations[number::2], str(number))
    workspace.dbt("--quiet", "run")
    return workspace, observations


def test_commands_tell_them_apart(
    built: tuple[Workspace, list[Observation]], tmp_path: Path
) -> None:
    workspace, observations = built
    assert faults(workspace) == []
    expected = compute(observations, [], [])
    with duckdb.connect(str(workspace.marts), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for mart in MARTS:
            assert sql_rows(connection, mart) == expected_rows(expected, mart), mart
    file = tmp_path / "matrix.parquet"
    workspace.obslake("export", "stimulus_response_matrix", "--output", str(file))
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        exported = sql_rows(connection, "stimulus_response_matrix", f"'{file}'")
    assert exported == expected_rows(expected, "stimulus_response_matrix")
    counts = {
        "n": len(observations),
        "tests": len({row.test_id for row in observations}),
        "outputs": len({row.output for row in observations} - {None}),
    }
    assert counted(workspace) == counts
    workspace.obslake("compact")
    assert counted(workspace) == counts
    assert faults(workspace) == []


def counted(workspace: Workspace) -> dict[str, int]:
    query = (
        "select count(*) as n, count(distinct test_id) as tests, count(distinct output) as outputs "
        "from lake.observations"
    )
    (row,) = json.loads(workspace.obslake("sql", "--json", query))
    return dict(row)


def faults(workspace: Workspace) -> list[Any]:
    done = workspace.run("obslake", "verify", "--json", "--sample", "999")
    return [fault for check in json.loads(done.stdout)["checks"] for fault in check["faults"]]
