"""Columns have their declared types, models have owners, and exposures list the uses of marts."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace

# Exposures, with the folder that queries the marts.
EXPOSED = {
    "obslake_functions": "models/functions",
    "obslake_analyses": "analyses",
}


def models(manifest: dict[str, Any], *layers: str) -> list[dict[str, Any]]:
    nodes = [n for n in manifest["nodes"].values() if n["resource_type"] == "model"]
    return [n for n in nodes if n["fqn"][1] in layers]


def test_intermediate_columns_have_their_declared_types(
    demo: Workspace, compiled: dict[str, Any]
) -> None:
    declared = {
        (node["name"], column["name"], column["data_type"])
        for node in models(compiled, "intermediate")
        for column in node["columns"].values()
        if node["config"]["materialized"] != "ephemeral"
    }
    names = {kind for _, _, kind in declared if kind}
    kinds = {kind: demo.query(f"select typeof(cast(null as {kind}))")[0][0] for kind in names}
    found = demo.query(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where schema_name = 'main_intermediate'"
    )
    assert {(model, name, kinds.get(kind)) for model, name, kind in declared} == set(found)


def test_every_model_has_an_owner(compiled: dict[str, Any]) -> None:
    layers = ("staging", "refresh", "intermediate", "marts", "functions")
    assert [n["name"] for n in models(compiled, *layers) if not n["config"]["group"]] == []
    assert all(group["owner"]["name"] for group in compiled["groups"].values())


@pytest.mark.parametrize("exposure", EXPOSED)
def test_exposures_list_the_marts_that_are_queried(compiled: dict[str, Any], exposure: str) -> None:
    # Some are read by macros.
    read = {
        parent
        for node in compiled["nodes"].values()
        if Path(node["original_file_path"]).parent == Path(EXPOSED[exposure])
        for parent in node["depends_on"]["nodes"]
    }
    # What is not for users, and other functions, are no marts.
    marts = {name for name in read if compiled["nodes"][name]["fqn"][1:-1] == ["marts"]}
    if "model.obslake.context_transitions" in read:
        marts |= {"model.obslake.response_signatures", "model.obslake.implementations"}
    listed = compiled["exposures"][f"exposure.obslake.{exposure}"]["depends_on"]["nodes"]
    assert set(listed) == marts


def test_obslake_sql_and_the_benchmark_are_listed(compiled: dict[str, Any]) -> None:
    exposures = {e["name"]: e["depends_on"]["nodes"] for e in compiled["exposures"].values()}
    assert exposures.keys() == {*EXPOSED, "obslake_sql", "obslake_benchmark"}
    assert exposures["obslake_sql"] == exposures["obslake_functions"]
    text = (PROJECT / "bench" / "questions.py").read_text()
    names = {node["name"] for node in models(compiled, "marts")}
    direct = {f"model.obslake.{name}" for name in names if re.search(rf"from {name}\b", text)}
    assert direct <= set(exposures["obslake_benchmark"])
