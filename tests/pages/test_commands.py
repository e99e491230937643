"""docs/commands.md lists every command and every exit status."""

import ast
import signal
from collections.abc import Iterator

import click
from obslake import errors
from obslake.cli.app import cli

from tests.harness.commands import PROJECT
from tests.pages.markdown import first_cells

PAGE = (PROJECT / "docs" / "commands.md").read_text()
CLI = PROJECT / "loader" / "obslake" / "cli"


def commands(group: click.Group = cli, name: str = "obslake") -> Iterator[str]:
    context = click.Context(group)
    for part in group.list_commands(context):
        command = group.get_command(context, part)
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {part}")
        else:
            yield f"{name} {part}"


def test_every_command_is_listed_once() -> None:
    assert sorted(first_cells(PAGE, "Commands")) == sorted(f"`{name}`" for name in commands())


def exits() -> Iterator[int]:
    """Exit statuses that the command line sets directly."""
    for path in CLI.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func) == "sys.exit"
                and isinstance(node.args[0], ast.Constant)
            ):
                yield node.args[0].value


def test_exit_statuses_are_those_of_the_code() -> None:
    of_errors = {
        error.exit_status
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.ObslakeError)
    }
    expected = {0, *exits(), *of_errors, click.UsageError.exit_code}
    assert [int(cell) for cell in first_cells(PAGE, "Exit statuses")] == sorted(expected)
    assert expected == {0, 1, 2, 3, 128 + signal.SIGINT, 128 + signal.SIGTERM}
