"""The SQL functions in the database of the marts, and in obslake.sql on any relation of observations."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.schemas import TABLES
from obslake.lakehouse.views import create_source_views

from scripts.sql_package import write_catalogue, write_function_list, write_queries
from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace
from tests.marts.comparison import comparable

# Called by `oracle`, for its overloads.
PARTS = ["oracle_as_of"]
FUNCTIONS = sorted(
    path.stem for path in (PROJECT / "models" / "functions").glob("*.sql") if path.stem not in PARTS
)
CALLS = [
    "srm('demo', 'url_join')",
    "src('demo', 'lru_cache')",
    "clusters('demo', 'json_parse')",
    "oracle('demo', 'version_compare')",
    "oracle('demo', 'toml_parse', as_of_environment := 'cpython-3.13-linux-x86_64')",
    "behavior_diff('demo', 'version_compare', 'packaging@20.9', 'packaging@26.3')",
    "actuations('demo', 'slugify')",
    "changes('demo', 'humanize')",
    "compare_revisions('demo', 'toml@0.9.6', 'toml@0.10.2')",
    "flaky('demo')",
    "transitions('demo', 'ordered_set')",
    "assess('demo', 'json_parse')",
    "suspects('demo')",
    "minimal_suite('demo', 'slugify')",
    "failing_since('demo', 'toml')",
    "failure_groups('demo', 'toml@0.10.2')",
    "flaky_tests('demo')",
    "gate('demo', 'toml@0.10.2', base := 'toml@0.9.6')",
    "gate_runs('demo', 'toml@0.10.2', base := 'toml@0.9.6')",
    "slower_tests('demo', 'toml@0.10.2', base := 'toml@0.9.6', least_ms := 0, least_ratio := 1)",
]

SLUGIFY = "'demo', 'slugify', 'awesome-slugify@1.6.5', 'boltons@20.2.1'"
# Calls with one wrong name, and what the error says.
UNKNOWN = {
    **{
        f"{name}('demo', 'slugfy')": "no problem 'slugfy' in data set 'demo'; did you mean 'slugify'?"
        for name in (
            *(
                "actuations",
                "assess",
                "clusters",
                "minimal_suite",
                "oracle",
                "src",
                "srm",
                "transitions",
            ),
        )
    },
    **{
        f"{name}('dmo')": "no data set 'dmo'; did you mean 'demo'?"
        for name in ("flaky", "flaky_tests", "suspects")
    },
    "oracle('demo', 'slugify', as_of_run := 'demo1')": "no run 'demo1' in data set 'demo'; did you mean 'demo-",
    "oracle('demo', 'slugify', as_of_run := 'demo-1', as_of_environment := 'standards')": (
        "no run has all of run 'demo-1', environment 'standards' in data set 'demo'"
    ),
    "srm('dmo', 'slugify')": "no data set 'dmo'; did you mean 'demo'?",
    "srm('demo', '')": "no problem '' in data set 'demo'; did you mean",
    "srm('demo', null)": "no problem '' in data set 'demo'; did you mean",
    "srm(null, 'slugify')": "no data set ''; did you mean 'demo'?",
    "srm('demo', 'it''s')": "no problem 'it's' in data set 'demo'; did you mean",
    "behavior_diff('demo', 'slugfy', 'a', 'b')": "no problem 'slugfy'",
    f"behavior_diff({SLUGIFY.replace('1.6.5', '1.6.4')})": (
        "no implementation 'awesome-slugify@1.6.4' in problem 'slugify' of data set 'demo'; "
        "did you mean 'awesome-slugify@1.6.5'?"
    ),
    f"behavior_diff({SLUGIFY.replace('boltons@20.2.1', 'boltons')})": (
        "no implementation 'boltons' in problem 'slugify' of data set 'demo'; did you mean 'boltons@20.2.1'?"
    ),
    f"behavior_diff({SLUGIFY.replace('boltons@20.2.1', 'humanize@4.17.0')})": (
        "no implementation 'humanize@4.17.0' in problem 'slugify'"
    ),
    "failing_since('demo', 'humanise')": "no lineage 'humanise' in data set 'demo'; did you mean 'humanize'?",
    "failure_groups('demo', 'toml@0.10.3')": "no executed revision or implementation 'toml@0.10.3' in data set",
    "flaky_tests('demo', of_lineage := 'humanise')": "no lineage 'humanise' in data set 'demo'",
    **{
        f"{name}('demo', {arguments})": f"no {fault} in data set 'demo'"
        for name in ("gate", "gate_runs", "slower_tests")
        for arguments, fault in {
            "'toml@0.10.3'": "executed revision or implementation 'toml@0.10.3'",
            "'toml@0.10.2', base := 'toml@0.9.7'": "executed revision or implementation 'toml@0.9.7'",
            "'toml@0.10.2', of_lineage := 'tml'": "lineage 'tml'",
            "'toml@0.10.2', of_base_lineage := 'tml'": "lineage 'tml'",
        }.items()
    },
    "changes('dmo', 'humanize')": "no data set 'dmo'; did you mean 'demo'?",
    "changes('demo', 'humanise')": "no lineage 'humanise' in data set 'demo'; did you mean 'humanize'?",
    "compare_revisions('demo', 'toml@0.9.7', 'toml@0.10.2')": (
        "no executed revision or implementation 'toml@0.9.7' in data set 'demo', not counting runs that are set "
        "aside; did you mean 'toml@0.9.6'?"
    ),
    "compare_revisions('demo', 'toml@0.9.6', 'nope')": (
        "no executed revision or implementation 'nope' in data set 'demo'"
    ),
    "transitions('demo', 'slugify', from_run := 'demo1')": "no run 'demo1' in data set 'demo'; did you mean",
    "transitions('demo', 'slugify', to_run := 'demo1')": "no run 'demo1' in data set 'demo'; did you mean",
    "transitions('demo', 'slugify', to_environment := 'cpython-3.13')": (
        "no environment 'cpython-3.13' in data set 'demo'; did you mean 'cpython-3.13-linux-x86_64'?"
    ),
    "transitions('demo', 'slugify', from_revision := '1', to_revision := '0.10.2')": (
        "no executed revision '1' in data set 'demo', not counting runs that are set aside; did you mean"
    ),
}
# What a caller may do with a function: each form prunes columns, stops early, or moves a condition into it.
FORMS = {
    "all rows": "from {call}",
    "a count": "select count(*) from {call}",
    "the first row": "select 1 from {call} limit 1",
    "no row": "from {call} limit 1 offset 1000000",
    "exists": "select exists (from {call})",
    "not exists": "select 1 where not exists (from {call})",
    "a condition": "from {call} where {column} = 'no such text'",
    "two conditions": "from {call} where {column} = 'x' and {column} like 'y%'",
    "not null": "select 1 from {call} where {column} is not null",
    "null": "select 1 from {call} where {column} is null",
    "groups": "select {column}, count(*) from {call} group by {column} having count(*) > 1000000",
    "the greatest": "select max({column}) from {call}",
    "sorted": "select {column} from {call} order by {column} desc limit 1",
    "a join": "select t.* from (values ('x')) as t (x) join {call} as f on f.{column} = t.x",
    "an outer join": "select t.* from (values ('x')) as t (x) left join {call} as f on f.{column} = t.x",
    "a member": "select 'x' in (select {column} from {call})",
    "no member": "select 'x' where 'x' not in (select {column} from {call})",
    "a union": "select 'x' union all select {column} from {call}",
    "an expression": "with f as (from {call}) select (select count(*) from f), (select min({column}) from f)",
}


def example(compiled: dict[str, Any], function: str) -> str:
    return compiled["nodes"][f"model.obslake.{function}"]["config"]["meta"]["example"]


@pytest.fixture(scope="module")
def in_memory(demo: Workspace, sql_package: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB that has read obslake.sql, with the rows of the demo corpus in tables."""
    lakehouse = Lakehouse.open(demo.home)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(sql_package)
        for definition in TABLES:
            rows = lakehouse.table(definition).scan().to_arrow()
            connection.register("rows", rows)
            connection.execute(f"drop view if exists {definition.name}")
            connection.execute(f"create table {definition.name} as from rows")
        yield connection


def test_obslake_sql_is_generated_from_the_models(sql_package: str) -> None:
    assert (PROJECT / "obslake.sql").read_text() == sql_package, "stale: run `make obslake.sql`"


def test_the_catalogue_is_generated_from_the_models(compiled: dict[str, Any]) -> None:
    catalogue = (PROJECT / "docs" / "functions.md").read_text()
    assert catalogue == write_catalogue(compiled), "stale: run `make obslake.sql`"


def test_the_queries_are_generated_from_the_models(compiled: dict[str, Any]) -> None:
    folder = PROJECT / "spark" / "queries"
    written = {path.stem: path.read_text() for path in folder.iterdir()}
    assert written == write_queries(compiled), "stale: run `make obslake.sql`"


def test_the_functions_of_agents_are_generated_from_the_models(compiled: dict[str, Any]) -> None:
    functions = (PROJECT / "loader/obslake/mcp/functions.json").read_text()
    assert functions == write_function_list(compiled), "stale: run `make obslake.sql`"


def test_calls_cover_all_functions() -> None:
    assert {call.partition("(")[0] for call in CALLS} == set(FUNCTIONS)


@pytest.mark.parametrize("call", CALLS)
def test_obslake_sql_answers_as_the_marts(
    demo: Workspace, in_memory: duckdb.DuckDBPyConnection, call: str
) -> None:
    rows = demo.query(f"from {call}")
    assert rows
    assert comparable(in_memory.execute(f"from {call}").fetchall()) == comparable(rows)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_examples_of_the_catalogue_answer(
    demo: Workspace,
    in_memory: duckdb.DuckDBPyConnection,
    compiled: dict[str, Any],
    function: str,
) -> None:
    query = example(compiled, function)
    assert f"{function}(" in query
    assert demo.query(query)
    assert in_memory.execute(query).fetchall()


@pytest.fixture(scope="module")
def marts(demo: Workspace) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts as any program opens them."""
    with duckdb.connect(str(demo.marts), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def text_columns(marts: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The first column with texts of what each call returns."""
    columns = {
        call: marts.execute(f"describe from {call}").fetchall() for call in (*CALLS, *UNKNOWN)
    }
    return {
        call: next(name for name, kind, *_ in found if kind == "VARCHAR")
        for call, found in columns.items()
    }


@pytest.mark.parametrize("call", UNKNOWN)
def test_an_unknown_name_is_an_error(marts: duckdb.DuckDBPyConnection, call: str) -> None:
    with pytest.raises(duckdb.InvalidInputException) as raised:
        marts.execute(f"from {call}").fetchall()
    assert f"obslake: {UNKNOWN[call]}" in str(raised.value)


def test_unknown_names_cover_all_functions() -> None:
    assert {call.partition("(")[0] for call in UNKNOWN} == set(FUNCTIONS)


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("form", FORMS)
def test_an_unknown_name_is_an_error_whatever_is_asked(
    marts: duckdb.DuckDBPyConnection, text_columns: dict[str, str], form: str, threads: int
) -> None:
    with marts.cursor() as cursor:
        cursor.execute(f"set threads = {threads}")
        for call in UNKNOWN:
            query = FORMS[form].format(call=call, column=text_columns[call])
            with pytest.raises(duckdb.InvalidInputException, match="obslake: no "):
                cursor.execute(query).fetchall()


@pytest.mark.parametrize("form", FORMS)
def test_known_names_are_no_error_whatever_is_asked(
    marts: duckdb.DuckDBPyConnection, text_columns: dict[str, str], form: str
) -> None:
    for call in CALLS:
        marts.execute(FORMS[form].format(call=call, column=text_columns[call])).fetchall()


def test_functions_are_described_in_the_database(
    demo: Workspace, in_memory: duckdb.DuckDBPyConnection
) -> None:
    query = (
        "select function_name, comment from duckdb_functions() "
        "where not internal and function_type = 'table_macro' and schema_name = 'main' order by 1"
    )
    described = dict(demo.query(query))
    assert sorted(described) == sorted([*FUNCTIONS, *PARTS])
    assert all(described.values())
    assert dict(in_memory.execute(query).fetchall()) == described


def test_a_wide_matrix_in_one_line(demo: Workspace) -> None:
    rows = demo.query(
        "pivot (from srm('demo', 'edit_distance')) "
        "on implementation_id using first(response) group by test_id, step_id order by all"
    )
    stimuli = demo.query("select distinct test_id, step_id from srm('demo', 'edit_distance')")
    assert len(rows) == len(stimuli)


def test_minimal_rows_are_enough(sql_package: str, tmp_path: Path) -> None:
    file = tmp_path / "o'clock.csv"
    file.write_text("problem_id,implementation_id,test_id,output\np,a,t,1\np,b,t,1\np,c,t,2\n")
    with duckdb.connect() as connection:
        connection.execute(sql_package)
        connection.read_csv(str(file)).create_view("observations")
        assert connection.execute(
            "select cluster_rank, implementation_ids from clusters('default', 'p')"
        ).fetchall() == [(1, ["a", "b"]), (2, ["c"])]
        assert connection.execute(
            "select oracle_response, consensus from oracle('default', 'p')"
        ).fetchall() == [("1", "majority")]


def test_reading_twice_and_beside_own_relations(sql_package: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create table observations as "
            "select 'p' as problem_id, 'a' as implementation_id, 't' as test_id, '1' as output"
        )
        connection.execute(sql_package)
        connection.execute(sql_package)
        assert connection.execute("select count(*) from srm('default', 'p')").fetchall() == [(1,)]
        assert connection.execute("select count(*) from observations").fetchall() == [(1,)]


def test_iceberg_directly(demo: Workspace, sql_package: str) -> None:
    from obslake import engine
    from obslake.lakehouse.catalog import Lakehouse

    with engine.connect() as connection:
        connection.execute(sql_package)
        create_source_views(Lakehouse.open(demo.home), connection)
        connection.execute("create view observations as from lake.observations")
        rows = connection.execute("from oracle('demo', 'json_parse')").fetchall()
    assert comparable(rows) == comparable(demo.query("from oracle('demo', 'json_parse')"))


def test_a_revision_of_one_side_alone_is_compared_with_any_other(sql_package: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(sql_package)
        connection.execute(
            "create table observations as from (values "
            "('p', 'a1', 't', 'r1', '1', timestamptz '2025-01-01'), "
            "('p', 'a2', 't', 'r1', '2', timestamptz '2025-01-02'), "
            "('p', 'alone', 't', 'r1', '2', timestamptz '2025-01-02')) "
            "as rows (problem_id, implementation_id, test_id, run_id, output, observed_at)"
        )
        connection.execute(
            "create or replace view implementations as select *, 'default' as data_set_id, "
            "timestamptz '2025-01-01' as revised_at from (values "
            "('p', 'a1', 'a', '1'), ('p', 'a2', 'a', '2')) "
            "as rows (problem_id, implementation_id, lineage, revision)"
        )
        for side in ("from", "to"):
            assert connection.execute(
                "select subject_id, from_run_id, to_run_id, transition "
                f"from transitions('default', 'p', {side}_revision := '1')"
            ).fetchall() == [("a", "r1", "r1", "moved")]


def test_an_oracle_as_of_no_context_is_that_of_all_runs(
    demo: Workspace, in_memory: duckdb.DuckDBPyConnection
) -> None:
    whole = demo.query("from oracle('demo', 'toml_parse')")
    none = "from oracle('demo', 'toml_parse', as_of_run := null, as_of_revision := null)"
    assert demo.query(none) == whole == in_memory.execute(none).fetchall()


def test_obslake_sql_says_that_no_row_has_the_context(
    in_memory: duckdb.DuckDBPyConnection,
) -> None:
    with pytest.raises(duckdb.InvalidInputException) as raised:
        in_memory.execute("from oracle('demo', 'slugify', as_of_revision := '0.10.2')").fetchall()
    assert "obslake: no run has all of revision '0.10.2' in data set 'demo'" in str(raised.value)
