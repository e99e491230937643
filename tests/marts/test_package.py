"""Another project installs this one as a dbt package, on observations of its own."""

import json
import re
import shutil
from collections.abc import Callable

import duckdb
import pytest
from obslake.schemas import TABLES, TableDefinition

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace


@pytest.fixture(scope="module")
def project(make_workspace: Callable[[str], Workspace]) -> Workspace:
    """The integration project in a folder of its own, built."""
    workspace = make_workspace("package")
    folder = workspace.folder / "tests" / "integration_project"
    shutil.copytree(PROJECT / "tests" / "integration_project", folder)
    # What a user installs is the whole project, from wherever it is.
    (folder / "packages.yml").write_text(f"packages:\n  - local: {json.dumps(str(PROJECT))}\n")
    workspace.dbt("--quiet", "deps", project=folder)
    # These are run with the demo corpus, and are of models that nothing which the project sets changes.
    unit_tests = [f"obslake.{layer},test_type:unit" for layer in ("intermediate", "marts")]
    workspace.dbt("--quiet", "build", "--exclude", *unit_tests, project=folder)
    return workspace


def query(project: Workspace, sql: str) -> list[tuple[object, ...]]:
    database = project.folder / "tests" / "integration_project" / "integration_project.duckdb"
    with duckdb.connect(database, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_marts_stand_in_the_schema_of_choice(project: Workspace) -> None:
    assert query(
        project,
        "select cluster_rank, n_implementations, exemplar_implementation_id "
        "from main_behaviour.behavior_clusters order by cluster_rank",
    ) == [(1, 2, "plus"), (2, 1, "shift"), (3, 1, "square")]


def test_missing_columns_take_their_defaults(project: Workspace) -> None:
    assert query(
        project,
        "select distinct data_set_id, step_id, environment_id, run_id, response_kind "
        "from main_behaviour.stimulus_response_matrix order by all",
    ) == [("mine", 0, "default", "default", kind) for kind in ("exception", "value")]


def test_responses_are_equal_by_the_rules_of_the_project(project: Workspace) -> None:
    assert query(
        project,
        "select count(distinct response), count(distinct response_hash) "
        "from main_behaviour.stimulus_response_matrix where response_kind = 'exception'",
    ) == [(2, 1)]


def test_functions_join_the_relations_of_the_project(project: Workspace) -> None:
    assert query(
        project,
        "select distinct implementation_id, content "
        "from main_behaviour.actuations('mine', 'double') order by all",
    ) == [("plus", "x + x"), ("shift", "x << 1"), ("square", "x * x"), ("times", "2 * x")]


def test_models_of_the_project_stand_on_the_marts(project: Workspace) -> None:
    assert query(project, "from odd_candidates order by all") == [("shift", 1), ("square", 1)]


@pytest.mark.parametrize("definition", TABLES, ids=lambda definition: definition.name)
def test_columns_with_a_default_are_required_in_the_tables(definition: TableDefinition) -> None:
    """There the models read them as they are."""
    model = (PROJECT / "models" / "staging" / f"stg_{definition.name}.sql").read_text()
    with_default = set(re.findall(r"'name': '(\w+)'[^{}]*'default'", model))
    required = {field.name for field in definition.schema.fields if field.required}
    assert with_default
    assert with_default <= required
