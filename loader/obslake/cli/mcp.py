"""The command ``obslake mcp``."""

import importlib.util

import click

from obslake.cli.common import Example


@click.command(cls=Example, example="obslake --home my-lake mcp --seconds 60")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1),
    default=30,
    show_default=True,
    help="Time of one query; it is interrupted after that.",
)
@click.pass_obj
def mcp(home: str | None, seconds: float) -> None:
    """Answer agents over the Model Context Protocol, on standard input and output.

    An agent's program starts this command. Its tools only read. It needs the extra obslake[mcp];
    docs/agents.md says how to set it up.
    """
    from obslake.errors import MissingExtraError

    if importlib.util.find_spec("mcp") is None:
        raise MissingExtraError(
            "the packages of the Model Context Protocol are not installed\n  pip install 'obslake[mcp]'"
        )
    from obslake.mcp.server import make_server

    make_server(home, seconds).run("stdio")
