"""Another project installs this one as a dbt package, with its own observations."""

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from obslake.lakehouse.schemas import TABLES, TableDefinition

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace


@pytest.fixture(scope="module")
def installed(make_workspace: Callable[[str], Workspace]) -> Workspace:
    """The integration project in its own folder, with the package installed."""
    workspace = make_workspace("package")
    folder = folder_of(workspace)
    shutil.copytree(PROJECT / "tests" / "integration_project", folder)
    # Users install the complete project, from any place.
    (folder / "packages.yml").write_text(f"packages:\n  - local: {json.dumps(str(PROJECT))}\n")
    workspace.dbt("--quiet", "deps", project=folder)
    return workspace


def folder_of(workspace: Workspace) -> Path:
    return workspace.folder / "tests" / "integration_project"


@pytest.fixture(scope="module")
def project(installed: Workspace) -> Workspace:
    """The integration project, built by the two commands that users type."""
    installed.dbt("--quiet", "seed", project=folder_of(installed))
    # The files written here are those that `retry` and `clone` read.
    installed.dbt("--quiet", "--write-json", "run", project=folder_of(installed))
    return installed


def listed(project: Workspace, *options: str) -> list[dict[str, Any]]:
    """Return the nodes of the package that dbt lists."""
    keys = "name resource_type package_name schema"
    options = ("--output", "json", "--output-keys", keys, *options)
    text = project.dbt("--quiet", "ls", *options, project=folder_of(project))
    found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [node for node in found if node["package_name"] == "obslake"]


def test_internal_models_are_in_separate_schemas(project: Workspace) -> None:
    found = query(
        project, "select distinct table_schema from information_schema.tables order by all"
    )
    # The project configures `+schema: behaviour` for models, and nothing for seeds.
    layers = (
        *("behaviour", "behaviour_intermediate", "behaviour_refresh", "behaviour_staging"),
        "staging",
    )
    assert found == [("main",), *((f"main_{layer}",) for layer in layers)]
    own = query(
        project, "select table_name from information_schema.tables where table_schema = 'main'"
    )
    assert {name for (name,) in own} == {
        "candidates", "equivalences", "experiment_results", "odd_candidates", "raw_results"
    }  # fmt: skip


def test_tests_of_the_package_are_off(
    installed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {node["resource_type"] for node in listed(installed)} == {"model", "seed", "source"}
    everything = {"model", "seed", "source", "test", "unit_test"}
    configuration = folder_of(installed) / "dbt_project.yml"
    text = configuration.read_text()
    kinds = ("data_tests", "unit_tests")
    configuration.write_text(
        text + "".join(f"\n{kind}:\n  obslake:\n    +enabled: true\n" for kind in kinds)
    )
    try:
        assert {node["resource_type"] for node in listed(installed)} == everything
    finally:
        configuration.write_text(text)
    monkeypatch.setenv("OBSLAKE_RUN_TESTS", "true")
    # Commands of other tests must not use this manifest.
    elsewhere = str(installed.folder / "with-tests")
    with_tests = listed(installed, "--no-partial-parse", "--target-path", elsewhere)
    assert {node["resource_type"] for node in with_tests} == everything


@pytest.mark.parametrize(
    "command",
    [
        "compile --select stg_observations",
        "seed",
        "run --select +stimulus_response_matrix",
        "run --select +behavior_clusters --full-refresh",
        "build --select experiment_results stg_observations",
        "test",
        "test --no-partial-parse --select stimulus_response_cube --target-path {target}/with-tests",
        "retry",
        "docs generate --select stg_observations --no-compile",
        "clone --select experiment_results --state {target}",
        "show --select experiment_results",
        "run-operation obslake.pass_at_k --args '{n_implementations: n, n_passing: m, k: 1}'",
    ],
)
def test_every_command_that_users_type(
    project: Workspace, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "--no-partial-parse" in command:
        monkeypatch.setenv("OBSLAKE_RUN_TESTS", "true")
    words = [
        word.replace("{target}", str(project.folder / "target")) for word in shlex.split(command)
    ]
    project.dbt("--quiet", *words, project=folder_of(project))


def test_a_relation_that_lacks_columns_is_refused(project: Workspace) -> None:
    model = folder_of(project) / "models" / "experiment_results.sql"
    text = model.read_text()
    model.write_text(
        text.replace("example as test_id", "example as test").replace(" as output", "")
    )
    try:
        command = ("dbt", "build", "--select", "experiment_results", "stg_observations")
        refused = project.run(*command, cwd=folder_of(project))
    finally:
        model.write_text(text)
    assert refused.returncode != 0
    assert "has no column test_id, output, which observations require" in refused.stdout
    assert "its columns: data_set_id, problem_id, implementation_id, test, answer" in refused.stdout


def query(project: Workspace, sql: str) -> list[tuple[object, ...]]:
    database = folder_of(project) / "integration_project.duckdb"
    with duckdb.connect(database, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_marts_are_in_the_configured_schema(project: Workspace) -> None:
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


def test_models_of_the_project_can_use_the_marts(project: Workspace) -> None:
    assert query(project, "from odd_candidates order by all") == [("shift", 1), ("square", 1)]


@pytest.mark.parametrize("definition", TABLES, ids=lambda definition: definition.name)
def test_columns_with_a_default_are_required_in_the_tables(definition: TableDefinition) -> None:
    """The models read columns of the tables without applying defaults."""
    model = (PROJECT / "models" / "staging" / f"stg_{definition.name}.sql").read_text()
    with_default = set(re.findall(r"'name': '(\w+)'[^{}]*'default'", model))
    required = {field.name for field in definition.schema.fields if field.required}
    assert with_default
    assert with_default <= required
