"""The server for agents: what its tools answer, and that they only read."""

import json
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError
from mcp_types import TextContent
from obslake.mcp.server import make_server

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace

_FUNCTIONS = {path.stem for path in (PROJECT / "models" / "functions").glob("*.sql")} - {
    "oracle_as_of"
}
_OTHER_TOOLS = {"overview", "list_problems", "explain_cell", "query"}
_SLUGIFY = {"data_set": "demo", "problem": "slugify"}

Use = Callable[[Client], Awaitable[Any]]


def use(demo: Workspace, act: Use, seconds: float = 30) -> Any:
    """Do something with a client that is connected to the server in memory."""

    async def connect() -> Any:
        async with Client(make_server(str(demo.home), seconds)) as client:
            return await act(client)

    return run(connect)


def run(act: Callable[[], Awaitable[Any]]) -> Any:
    """Run in a thread of its own: tests with a browser leave an event loop in that of the tests."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(anyio.run, act).result()


def call(demo: Workspace, tool: str, seconds: float = 30, **arguments: object) -> dict[str, Any]:
    """Return the structured answer of a tool."""
    answer = use(demo, lambda client: client.call_tool(tool, arguments), seconds)
    assert not answer.is_error, answer.content
    content: dict[str, Any] = answer.structured_content
    return content


def refused(demo: Workspace, tool: str, seconds: float = 30, **arguments: object) -> str:
    """Return the message with which a tool refuses."""
    answer = use(demo, lambda client: client.call_tool(tool, arguments), seconds)
    assert answer.is_error, answer.content
    (content,) = answer.content
    assert isinstance(content, TextContent)
    return content.text


def test_every_tool_is_marked_as_one_that_reads(demo: Workspace) -> None:
    listed = use(demo, lambda client: client.list_tools()).tools
    assert {tool.name for tool in listed} == _FUNCTIONS | _OTHER_TOOLS
    for tool in listed:
        assert tool.annotations.read_only_hint, tool.name
        assert not tool.annotations.destructive_hint, tool.name
        assert not tool.annotations.open_world_hint, tool.name
        assert tool.description
        assert all(p.get("description") for p in tool.input_schema["properties"].values()), (
            tool.name
        )


def test_a_tool_answers_as_its_function(demo: Workspace) -> None:
    answer = call(demo, "clusters", **_SLUGIFY, limit=500)
    rows = demo.query(
        "select cluster_rank, n_implementations from clusters('demo', 'slugify') order by 1"
    )
    assert [(row["cluster_rank"], row["n_implementations"]) for row in answer["rows"]] == rows
    assert (answer["is_truncated"], answer["notes"]) == (False, [])
    ((snapshot,),) = demo.query(
        "select snapshot_id from main_refresh.refresh_models where model = 'refresh_source_versions'"
    )
    assert answer["snapshot_id"] == str(snapshot)


def test_optional_parameters_have_their_names(demo: Workspace) -> None:
    environments = {"from_environment": "cpython-3.11-linux-x86_64"}
    answer = call(demo, "transitions", data_set="demo", problem="toml_parse", **environments)
    assert {row["from_environment_id"] for row in answer["rows"]} == set(environments.values())
    with_votes = (
        "select n_voters from oracle('demo', 'url_join', as_of_environment := $1) order by 1"
    )
    answer = call(
        demo,
        "oracle",
        data_set="demo",
        problem="url_join",
        as_of_environment="cpython-3.11-linux-x86_64",
        limit=500,
    )
    rows = demo.query(with_votes, ["cpython-3.11-linux-x86_64"])
    assert sorted(row["n_voters"] for row in answer["rows"]) == [n for (n,) in rows]
    assert max(rows) == (11,)


def test_the_rows_that_are_left_out_are_said(demo: Workspace) -> None:
    answer = call(demo, "srm", **_SLUGIFY, limit=3)
    assert len(answer["rows"]) == 3
    assert answer["is_truncated"]
    assert answer["notes"] == ["rows: the first 3; there are more"]


def test_long_values_are_cut_and_counted(demo: Workspace) -> None:
    answer = call(demo, "query", sql="select repeat('é', 5000) as t, range(500) as l")
    (row,) = answer["rows"]
    assert row["t"] == "é" * 2_000 + "… (5,000 characters)"
    assert row["l"] == list(range(100))
    assert answer["is_truncated"]
    assert [note.partition(":")[0] for note in answer["notes"]] == ["texts", "lists"]


def test_an_answer_has_a_size(demo: Workspace) -> None:
    query = "select i, repeat('x', 1900) as t, range(90) as l from range(400) as r (i)"
    answer = call(demo, "query", sql=query, limit=400)
    assert 20 < len(answer["rows"]) < 100
    assert len(json.dumps(answer)) < 120_000
    assert any(note.startswith("size: ") for note in answer["notes"])
    (row,) = call(
        demo,
        "query",
        sql="select [[repeat('\"', 900)]] || range(90).list_transform("
        "lambda x: range(90).list_transform(lambda y: repeat('x', 900))) as l",
    )["rows"]
    assert len(json.dumps(row)) < 120_000


def test_names_of_columns_count_and_columns_can_be_left_out(demo: Workspace) -> None:
    answer = call(demo, "query", sql=f'select 1 as "{"x" * 5000}" from range(500)', limit=500)
    assert len(json.dumps(answer)) < 120_000
    many = ", ".join(f"repeat('y', 1900) as c{i}" for i in range(90))
    answer = call(demo, "query", sql=f"select {many}")
    assert len(json.dumps(answer)) < 120_000
    assert "columns: those with room" in answer["notes"]


def test_what_python_cannot_hold_is_an_error(demo: Workspace) -> None:
    message = refused(demo, "query", sql="select interval '100000000 years'")
    assert "cast it to text" in message


def test_modules_of_the_working_folder_are_not_run(
    demo: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("resource", "json", "duckdb", "anyio"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit(7)\n")
    monkeypatch.chdir(tmp_path)
    assert call(demo, "query", sql="select 1 as a")["rows"] == [{"a": 1}]


def test_a_cell_is_explained(demo: Workspace) -> None:
    test, step, implementation, n_runs = demo.query(
        "select test_id, step_id, implementation_id, n_runs from stimulus_response_matrix "
        "where data_set_id = 'demo' and problem_id = 'lru_cache' and implementation_id <> 'oracle' "
        "order by n_runs desc, test_id, step_id, implementation_id limit 1"
    )[0]
    cell = {"test": test, "step": step, "implementation": implementation}
    answer = call(demo, "explain_cell", data_set="demo", problem="lru_cache", **cell)
    (row,) = answer["rows"]
    assert row["cell"]["implementation_id"] == implementation
    assert len({actuation["run_id"] for actuation in row["actuations"]}) == n_runs
    votes = [response["n_votes"] for response in row["responses"]]
    assert sum(votes) == row["oracle"]["n_voters"]
    assert max(votes) == row["oracle"]["n_votes"]
    (own,) = [r for r in row["responses"] if r["has_this_implementation"]]
    assert row["cell"]["response"] in own["recorded_responses"]
    assert all("oracle" not in response["implementations"] for response in row["responses"])
    right = {response["response_hash"] for response in row["specified"]}
    assert {r["response_hash"] for r in row["responses"] if r["is_specified"]} <= right


def test_unknown_names_are_errors(demo: Workspace) -> None:
    assert "did you mean 'demo'?" in refused(demo, "list_problems", data_set="dmo")
    assert "did you mean 'slugify'?" in refused(demo, "oracle", data_set="demo", problem="slugfy")
    cell = {**_SLUGIFY, "implementation": "boltons@20.2.1", "test": "no such test"}
    assert "'no such test'" in refused(demo, "explain_cell", **cell)


_HOSTILE = [
    "select * from read_text('/etc/passwd')",
    "select content from read_blob('/etc/passwd')",
    "from '/etc/passwd'",
    "from read_csv('http://localhost/x.csv')",
    "from glob('/etc/*')",
    "copy (select 1) to '/tmp/obslake-agent.csv'",
    "attach '/tmp/obslake-agent.db'",
    "install httpfs",
    "load httpfs",
    "select getenv('HOME')",
    "pragma enable_checkpoint_on_shutdown",
    "call pragma_version()",
    "set memory_limit = '100GB'",
    "reset lock_configuration",
    "set enable_external_access = true",
    "create table t as select 1",
    "drop table problems",
    "delete from problems",
    "insert into problems select * from problems",
    "update problems set problem_id = ''",
    "export database '/tmp/obslake-agent'",
    "checkpoint",
    "select 1; select 2",
    "select 1; drop table problems",
    "explain analyze delete from problems",
    "use memory",
    "detach obslake",
    "vacuum",
    "prepare p as select 1",
    "begin",
    "'); drop table problems; --",
    "",
]


@pytest.fixture(scope="module")
def refusals(demo: Workspace) -> dict[str, str]:
    """The answers to hostile queries; the marts are the same afterwards."""
    before = demo.marts.read_bytes()

    async def try_all(client: Client) -> dict[str, str]:
        answers: dict[str, str] = {}

        async def ask(sql: str) -> None:
            answer = await client.call_tool("query", {"sql": sql})
            (content,) = answer.content
            assert isinstance(content, TextContent)
            answers[sql] = content.text if answer.is_error else ""

        for sql in _HOSTILE:
            await ask(sql)
        return answers

    answers: dict[str, str] = use(demo, try_all)
    assert demo.marts.read_bytes() == before
    return answers


@pytest.mark.parametrize("sql", _HOSTILE)
def test_a_query_reads_nothing_but_the_lakehouse(refusals: dict[str, str], sql: str) -> None:
    assert refusals[sql]
    assert "root:" not in refusals[sql]


def test_no_argument_is_sql(demo: Workspace) -> None:
    """Every text argument of every tool is a value, whatever it contains."""
    text = "x'), (select content from read_text('/etc/passwd'))) --"

    async def try_all(client: Client) -> dict[str, str]:
        answers = {}
        for tool in (await client.list_tools()).tools:
            properties = tool.input_schema["properties"]
            texts = [n for n, p in properties.items() if "string" in json.dumps(p)]
            if tool.name in ("query", "overview"):
                continue
            for hostile in texts:
                known = {"data_set": "demo", "problem": "slugify"}
                required = tool.input_schema["required"]
                arguments = {n: known.get(n, "x") for n in texts if n in required}
                answer = await client.call_tool(tool.name, {**arguments, hostile: text})
                (content,) = answer.content
                assert isinstance(content, TextContent)
                if hostile == "containing":
                    assert not answer.is_error
                    assert not answer.structured_content["rows"]
                    continue
                assert answer.is_error, (tool.name, hostile)
                answers[f"{tool.name} {hostile}"] = content.text
        return answers

    for place, message in use(demo, try_all).items():
        assert "root:" not in message, place
        # The name is unknown, or a name before it is.
        # Some arguments are numbers.
        assert "no " in message or "Conversion Error" in message, (place, message)
        assert "Parser Error" not in message, (place, message)


def test_a_query_that_does_not_end_is_stopped(demo: Workspace) -> None:
    message = refused(
        demo, "query", seconds=1, sql="select count(*) from range(10000000000) a, range(1000) b"
    )
    assert "longer than 1 s" in message
    # Not between two pieces of the query's work.
    message = refused(
        demo, "query", seconds=1, sql="select levenshtein(repeat('a', 90000), repeat('b', 90000))"
    )
    assert "longer than 1 s" in message


def test_an_answer_larger_than_the_memory_is_refused(demo: Workspace) -> None:
    message = refused(
        demo, "query", sql="select string_agg(repeat('x', 1000000), '') from range(9000)"
    )
    assert "memory" in message.lower()


def test_half_a_character_is_refused(demo: Workspace) -> None:
    assert "not valid Unicode" in refused(demo, "query", sql="select '\ud800'")


def test_resources_define_what_rows_mean(demo: Workspace) -> None:
    async def read(client: Client) -> dict[str, str]:
        listed = (await client.list_resources()).resources
        return {r.uri: (await client.read_resource(r.uri)).contents[0].text for r in listed}

    pages: dict[str, str] = use(demo, read)
    assert "## consensus_oracles" in pages["obslake://schema"]
    assert "- `n_voters` BIGINT: " in pages["obslake://schema"]
    for page in ("functions", "concepts", "marts", "protocol"):
        assert pages[f"obslake://{page}"] == (PROJECT / "docs" / f"{page}.md").read_text()
    name = sorted(path.stem for path in (PROJECT / "docs" / "decisions").glob("*.md"))[0]
    assert f"- {name}: " in pages["obslake://decisions"]
    decision = use(demo, lambda client: client.read_resource(f"obslake://decisions/{name}"))
    assert decision.contents[0].text.startswith("# ")
    for other in ("obslake://decisions/..%2Fconcepts", "obslake://decisions/../concepts"):
        with pytest.RaisesGroup(MCPError, allow_unwrapped=True, flatten_subgroups=True):
            use(demo, lambda client, uri=other: client.read_resource(uri))  # type: ignore[misc]


def test_prompts_name_only_tools_that_exist(demo: Workspace) -> None:
    async def read(client: Client) -> list[str]:
        texts = []
        for prompt in (await client.list_prompts()).prompts:
            arguments = {a.name: "{x}" for a in prompt.arguments or []}
            answer = await client.get_prompt(prompt.name, arguments)
            content = answer.messages[0].content
            assert isinstance(content, TextContent)
            texts.append(content.text)
        return texts

    texts: list[str] = use(demo, read)
    assert len(texts) == 3
    for text in texts:
        assert "'{x}'" in text
        assert set(text.split("`")[1::2]) <= _FUNCTIONS | _OTHER_TOOLS


def test_the_real_process(demo: Workspace) -> None:
    async def ask() -> tuple[int, dict[str, Any] | None]:
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "obslake", "--home", str(demo.home), "mcp"],
            env=demo.environment,
        )
        async with Client(stdio_client(server)) as client:
            tools = (await client.list_tools()).tools
            answer = await client.call_tool("oracle", {**_SLUGIFY, "limit": 1})
            return len(tools), answer.structured_content

    n_tools, answer = run(ask)
    assert n_tools == len(_FUNCTIONS | _OTHER_TOOLS)
    assert answer is not None
    assert len(answer["rows"]) == 1
