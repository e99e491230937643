"""Rows of the marts, from SQL and from the naive reference, in comparable form."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from typing import Any

import duckdb
import pyarrow as pa
from obslake.lakehouse.schemas import TABLES, sql_type

from tests.reference.equivalence import Equivalence
from tests.reference.naive import COLUMNS, Decision, Description, Marts, Observation, Renamed
from tests.reference.voting import VotingRule

MARTS = tuple(COLUMNS)
SEEDS = {
    "renamed_tests": Renamed,
    "response_equivalences": Equivalence,
    "runs_set_aside": Decision,
    "voting_rules": VotingRule,
}
"""Each seed with the type of its rows, whose fields are its columns."""

_ARROW_TYPES = {
    "step_id": pa.int32(),
    "attempt": pa.int32(),
    "duration_ns": pa.int64(),
    "observed_at": pa.timestamp("us", "UTC"),
    "revised_at": pa.timestamp("us", "UTC"),
}


def observations_table(observations: Sequence[Observation]) -> pa.Table:
    """Return observations as an Arrow table with the columns of the Iceberg table."""
    return _arrow_table(Observation, observations)


def descriptions_table(descriptions: Sequence[Description]) -> pa.Table:
    """Return descriptions as an Arrow table with columns of the Iceberg table `implementations`."""
    return _arrow_table(Description, descriptions)


def _arrow_table(row_type: type, rows: Sequence[Any]) -> pa.Table:
    return pa.table(
        {
            field.name: pa.array(
                [getattr(row, field.name) for row in rows],
                _ARROW_TYPES.get(field.name, pa.string()),
            )
            for field in fields(row_type)
        }
    )


def expected_rows(marts: Marts, mart: str) -> list[tuple[Any, ...]]:
    """Return the rows of the naive reference."""
    return comparable(marts.tuples(mart))


def sql_rows(
    connection: duckdb.DuckDBPyConnection, mart: str, relation: str | None = None
) -> list[tuple[Any, ...]]:
    """Return the same columns of a mart in DuckDB."""
    return comparable(
        connection.execute(f"select {', '.join(COLUMNS[mart])} from {relation or mart}").fetchall()
    )


def comparable(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Sort rows, and round what is computed with floating-point numbers."""
    plain = [tuple(_plain(value) for value in row) for row in rows]
    return sorted(plain, key=lambda row: [(value is not None, str(value)) for value in row])


def _plain(value: Any) -> Any:
    # A last digit of an entropy may round the other way; adding zero makes -0.0 a plain zero.
    return round(value, 5) + 0.0 if isinstance(value, float) else value


# Models of the refresh that decide what rows mean.
_RULES = ("refresh_renamed_tests", "refresh_response_rules", "refresh_voting_rules")


def create_models(
    connection: duckdb.DuckDBPyConnection, manifest: dict[str, Any], **rows: Sequence[Any]
) -> None:
    """Create the project's models as tables in memory, on tables in place of the Iceberg tables.

    Tests use the compiled SQL itself; only its materialisation differs, so that thousands of small
    inputs can be tried. ``lake.models`` keeps the SQL, in the order of dependencies.

    Args:
        connection: where to create them.
        manifest: of the compiled project.
        rows: what the models read first, as for `replace_rows` [default: nothing]. Planning the models again would
            take as long as creating them.
    """
    connection.execute("attach ':memory:' as obslake")
    connection.execute("use obslake")
    connection.execute("create schema lake")
    for table in TABLES:
        columns = ", ".join(f'"{f.name}" {sql_type(f.field_type)}' for f in table.schema.fields)
        connection.execute(f"create table lake.{table.name} ({columns})")
    for seed, row_type in SEEDS.items():
        columns = ", ".join(f"{field.name} varchar" for field in fields(row_type))
        connection.execute(f"create table main.{seed} ({columns})")
    # Only the problems; the models need no other columns of these.
    connection.execute("create schema main_refresh")
    connection.execute(
        "create view main_refresh.refresh_source_versions as "
        "select distinct 'stg_voting_rules' as source_model, data_set_id, problem_id from lake.observations"
    )
    connection.execute(
        "create view main_refresh.refresh_load_problems as "
        "select data_set_id, problem_id from lake.observations"
    )
    connection.execute("create table lake.models (number int, relation text, code text)")
    if rows:
        _replace_sources(connection, **rows)
    pending = {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
        and node["config"]["materialized"] != "table_function"
        and (node["fqn"][1] != "refresh" or node["name"] in _RULES)
    }
    while pending:
        for key, node in list(pending.items()):
            if not pending.keys() & set(node["depends_on"]["nodes"]):
                del pending[key]
                if node["config"]["materialized"] == "ephemeral":
                    continue  # dbt compiled it into the models that read it
                connection.execute(f"create schema if not exists {node['schema']}")
                relation, code = node["relation_name"], node["compiled_code"]
                connection.execute(f"create table {relation} as {code}")
                connection.execute(
                    "insert into lake.models select count(*), ?, ? from lake.models",
                    [relation, code],
                )


def create_function(
    connection: duckdb.DuckDBPyConnection, manifest: dict[str, Any], name: str
) -> None:
    """Create an SQL function on the models, and those that answer its overloads."""
    node = manifest["nodes"][f"model.obslake.{name}"]
    config = node["config"]
    overloads = config.get("overloads") or []
    if overloads:
        create_function(connection, manifest, config["answered_by"])
    forms = [(config["parameters"], node["compiled_code"])] + [
        (form["parameters"], f"from {config['answered_by']}({', '.join(form['arguments'])})")
        for form in overloads
    ]
    text = ", ".join(f"({', '.join(parameters)}) as table ({code})" for parameters, code in forms)
    connection.execute(f"create or replace macro {name} {text}")


def replace_rows(
    connection: duckdb.DuckDBPyConnection,
    observations: Sequence[Observation],
    descriptions: Sequence[Description],
    equivalences: Sequence[Equivalence] = (),
    decisions: Sequence[Decision] = (),
    renamed: Sequence[Renamed] = (),
    voting_rules: Sequence[VotingRule] = (),
) -> None:
    """Replace all rows that the models read with these observations, descriptions and rows of seeds."""
    _replace_sources(
        connection, observations, descriptions, equivalences, decisions, renamed, voting_rules
    )
    models = connection.execute("select relation, code from lake.models order by number")
    for relation, code in models.fetchall():
        connection.execute(f"delete from {relation}")
        connection.execute(f"insert into {relation} {code}")


def _replace_sources(
    connection: duckdb.DuckDBPyConnection,
    observations: Sequence[Observation],
    descriptions: Sequence[Description],
    equivalences: Sequence[Equivalence] = (),
    decisions: Sequence[Decision] = (),
    renamed: Sequence[Renamed] = (),
    voting_rules: Sequence[VotingRule] = (),
) -> None:
    for table, given in (
        ("observations", observations_table(observations)),
        ("implementations", descriptions_table(descriptions)),
    ):
        connection.execute(f"delete from lake.{table}")
        connection.register("given", given)
        connection.execute(f"insert into lake.{table} by name from given")
    given_seeds = (renamed, equivalences, decisions, voting_rules)
    for seed, rows in zip(SEEDS, given_seeds, strict=True):
        connection.execute(f"delete from main.{seed}")
        places = ", ".join("?" for _ in fields(SEEDS[seed]))
        for row in rows:
            connection.execute(f"insert into main.{seed} values ({places})", astuple(row))
