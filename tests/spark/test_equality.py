"""Spark builds the same marts as DuckDB, row for row, whatever the texts are, at once and bit by bit."""

import random

import pytest

from tests.conftest import PROJECT
from tests.marts.test_refresh import (
    copy_project,
    load_descriptions,
    load_observations,
    write_seed,
)
from tests.reference.equivalence import Equivalence
from tests.reference.naive import Observation
from tests.reference.strategies import (
    random_descriptions,
    random_equivalences,
    random_observations,
)
from tests.spark.running import SparkWorkspace

SEED = 17


def equivalences(seed: int, observations: list[Observation]) -> list[Equivalence]:
    """Rules for some problems; dbt itself reads a carriage return in a seed as a line feed."""
    rules = random_equivalences(seed, observations)
    return [rule for rule in rules if "\r" not in (rule.problem_id or "")]


def test_hostile_corpus(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Cursed names, every kind of response, rules of equivalence; loaded, forgotten, rolled back."""
    workspace = SparkWorkspace(tmp_path_factory.mktemp("hostile"))
    project = copy_project(workspace)
    observations = random_observations(SEED, n_problems=60)
    descriptions = random_descriptions(SEED, observations)
    write_seed(project, equivalences(SEED, observations))
    early = observations[: len(observations) // 2]
    late = observations[len(early) :]

    load_observations(workspace, early, "early")
    load_descriptions(workspace, descriptions, "descriptions")
    workspace.configure()
    workspace.obslake("pin")
    # With all unit tests and data tests.
    workspace.spark("--quiet", "build", project=project)
    workspace.dbt("--quiet", "build", "--exclude", "test_type:unit", project=project)
    before = workspace.compare()
    assert all(rows for mart, rows in before.items() if mart != "measurements"), before

    # What is loaded later is seen when it is pinned.
    load_observations(workspace, late, "late")
    workspace.spark("--quiet", "run", project=project)
    assert workspace.compare() == before

    data_set, problem = random.Random(SEED).choice(
        sorted({(o.data_set_id, o.problem_id) for o in early})
    )
    workspace.obslake("forget", "--data-set", data_set, "--problem", problem, "--yes")
    # Another rule is read by `dbt seed`.
    write_seed(project, equivalences(SEED + 1, observations))
    workspace.obslake("pin")
    workspace.spark("--quiet", "seed", project=project)
    workspace.spark("--quiet", "run", project=project)
    workspace.dbt("--quiet", "run", project=project)
    after = workspace.compare()
    assert after["stimulus_response_cube"] > before["stimulus_response_cube"]
    workspace.spark("--quiet", "test", "--exclude", "test_type:unit", project=project)


def test_nothing_pinned_is_said(tmp_path_factory: pytest.TempPathFactory) -> None:
    workspace = SparkWorkspace(tmp_path_factory.mktemp("unpinned"))
    workspace.obslake("init")
    workspace.configure("local[1]")
    done = workspace.run("dbt", "run", "--target", "spark", cwd=PROJECT)
    assert done.returncode != 0
    assert "run `obslake pin` first" in done.stdout
