"""The models use only SQL that both DuckDB and Spark understand."""

import re
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from tests.harness.commands import PROJECT

DATA_TESTS = sorted((PROJECT / "tests" / "dbt").rglob("*.sql"))
MODELS = sorted(
    path
    for layer in ("staging", "refresh", "intermediate", "marts")
    for path in (PROJECT / "models" / layer).rglob("*.sql")
)
ANALYSES = sorted((PROJECT / "analyses").glob("*.sql"))

# Constructs that only DuckDB understands, or that Spark understands differently.
FOREIGN = {
    "qualify": r"\bqualify\b",
    "pivot": r"\bpivot\b",
    "group by all": r"\bgroup\s+by\s+all\b",
    "order by all": r"\border\s+by\s+all\b",
    "* exclude": r"\*\s*(exclude|replace|except)\b",
    "distinct on": r"\bdistinct\s+on\b",
    "::": r"::",
    '"name"': r'"[^"]*"',
    "lambda": r"->|\blambda\b",
    "string_agg": r"\b(string_agg|listagg|group_concat)\b",
    "first, last, mode": r"\b(first|last|mode|list)\s*\(",
    "hash": r"\b(hash|xxhash64|bit_xor|bool_and|bool_or)\s*\(",
    "filter": r"\bfilter\s*\(\s*where\b",
    "if": r"\b(if|iff)\s*\(",
}


# The SQL of dispatched macros on DuckDB, and on Spark.
DISPATCHED = {
    # Literals.
    r"\\": r"\\\\",
    r"cast\(md5_number\((.+?)\) (& \d+|>> 64) as ubigint\)": r"conv(substr(md5(\1), 1, 16), 16, 10)",
    r"timestamp with time zone": "timestamp",
    r"map\(varchar, varchar\)": "map<string, string>",
    r"unnest\((\w+)\) as token,\s+generate_subscripts\(\1, 1\) as position": r"explode(\1) as token",
    r"\blambda piece:": "piece ->",
    r"as materialized \(": "as (",
}


@pytest.mark.parametrize("path", [*MODELS, *DATA_TESTS, *ANALYSES], ids=lambda path: path.stem)
def test_sources_avoid_constructs_of_a_single_engine(path: Path) -> None:
    text = re.sub(r"\{[{%#].*?[}%#]\}", "", path.read_text(), flags=re.DOTALL)
    text = re.sub(r"--.*|'[^']*'", "", text)
    found = [name for name, pattern in FOREIGN.items() if re.search(pattern, text, re.IGNORECASE)]
    assert not found


def test_compiled_models_parse_as_spark_sql(compiled: dict[str, Any]) -> None:
    models = {
        node["name"]: node
        for node in compiled["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["materialized"] != "table_function"
    }
    assert models.keys() == {path.stem for path in MODELS}
    models |= {n["name"]: n for n in compiled["nodes"].values() if n["resource_type"] == "analysis"}
    assert models.keys() >= {path.stem for path in ANALYSES}
    relations = [
        n["relation_name"] for n in [*compiled["nodes"].values(), *compiled["sources"].values()]
    ]
    for node in models.values():
        code = node["compiled_code"]
        for relation in filter(None, relations):
            # dbt, not the model, quotes names for the target's engine.
            for name in (relation, relation.partition(".")[2]):
                code = code.replace(name, name.replace('"', "`"))
        for on_duckdb, on_spark in DISPATCHED.items():
            code = re.sub(on_duckdb, on_spark, code)
        (tree,) = sqlglot.parse(code, read="spark")
        assert isinstance(tree, exp.Query)
        commands = list(tree.find_all(exp.Command))
        assert not commands, f"{node['name']}: not understood: {commands}"
