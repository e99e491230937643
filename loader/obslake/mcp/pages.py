"""Resources, which agents read, and prompts, which people choose."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.server.mcpserver.prompts import Prompt

from obslake.marts.project import own_project
from obslake.mcp.answers import Answer

_SCHEMA = """
select
    columns.table_name as name,
    any_value(tables.comment) as description,
    list({name: column_name, type: data_type, description: columns.comment} order by column_index) as columns
from duckdb_columns() as columns
inner join (
    select database_name, schema_name, table_name, comment from duckdb_tables()
    union all
    select database_name, schema_name, view_name, comment from duckdb_views()
) as tables using (database_name, schema_name, table_name)
where columns.database_name = 'obslake' and columns.schema_name = 'main'
group by columns.table_name
order by columns.table_name
"""

_PAGES = {
    "functions": "The SQL functions, each with an example.",
    "concepts": "The terms.",
    "marts": "The marts: what each row means.",
    "protocol": "How responses are written, and which are equal.",
}


def add_resources(server: MCPServer, ask: Callable[[str], Awaitable[Answer]]) -> None:
    """Add the schema of the marts, and the pages that define what rows mean."""

    @server.resource(
        "obslake://schema",
        description="The marts, with the types and descriptions of their columns.",
        mime_type="text/markdown",
    )
    async def schema() -> str:
        lines = ["# Marts"]
        for table in (await ask(_SCHEMA)).rows:
            lines += ["", f"## {table['name']}", "", str(table["description"] or ""), ""]
            lines += [
                f"- `{column['name']}` {column['type']}: {column['description'] or ''}".rstrip(": ")
                for column in table["columns"]
            ]
        return "\n".join(lines) + "\n"

    for page, description in _PAGES.items():
        _add_page(server, page, description)

    @server.resource(
        "obslake://decisions",
        description="The decisions, by name and title; obslake://decisions/{name} is the text of one.",
        mime_type="text/markdown",
    )
    def decisions() -> str:
        titles = (
            f"- {name}: {path.read_text(encoding='utf-8').splitlines()[0].lstrip('# ')}"
            for name, path in _decisions().items()
        )
        return "# Decisions\n\n" + "\n".join(titles) + "\n"

    @server.resource(
        "obslake://decisions/{name}",
        description="The text of a decision: why something is as it is.",
        mime_type="text/markdown",
    )
    def decision(name: str) -> str:
        path = _decisions().get(name)
        if path is None:
            raise ResourceNotFoundError(
                f"there is no decision {name[:100]!r}; obslake://decisions lists them"
            )
        return path.read_text(encoding="utf-8")


def _add_page(server: MCPServer, page: str, description: str) -> None:
    def read() -> str:
        return (own_project() / "docs" / f"{page}.md").read_text(encoding="utf-8")

    server.resource(
        f"obslake://{page}", name=page, description=description, mime_type="text/markdown"
    )(read)


def _decisions() -> dict[str, Path]:
    """Return the files of the decisions by their names; no other file can be named."""
    return {path.stem: path for path in sorted((own_project() / "docs/decisions").glob("*.md"))}


_PROMPTS = (
    (
        "compare_implementations",
        "Which implementations of a problem behave alike, and where do the others differ?",
        ("data_set", "problem"),
        "Which implementations of problem {problem!r} in data set {data_set!r} behave alike? Use `clusters`, then "
        "`behavior_diff` of a member of the largest cluster with a member of each other large one, and say which "
        "inputs tell them apart. Say with `oracle` how clear the votes are there. State the snapshot.",
    ),
    (
        "review_revision",
        "What does a revision change in behaviour, compared with another one?",
        ("data_set", "base", "head"),
        "What does revision {head!r} of data set {data_set!r} change in behaviour, compared with {base!r}? "
        "Use `compare_revisions`, the worst classes first. Check with `flaky` and `explain_cell` whether a "
        "changed response is a real change, and with `query` on the mart runs whether a run was set aside. Name "
        "the tests, both responses, and what could not be compared. State the snapshot.",
    ),
    (
        "check_labels",
        "Which specified responses may be wrong?",
        ("data_set",),
        "Which specified responses of data set {data_set!r} may be wrong? Use `suspects`. For the clearest "
        "ones look with `explain_cell` at all responses and votes, and with `actuations` at the code of some "
        "implementations. Say for each whether the label or the majority is wrong, and why. State the snapshot.",
    ),
)


def add_prompts(server: MCPServer) -> None:
    """Add the questions that people ask."""
    for name, description, parameters, text in _PROMPTS:
        arguments = [{"name": p, "required": True} for p in parameters]
        server.add_prompt(
            Prompt.model_validate(
                {
                    "name": name,
                    "description": description,
                    "arguments": arguments,
                    "fn": partial(_asked, text),
                }
            )
        )


def _asked(text: str, **arguments: str) -> str:
    return text.format(**arguments)
