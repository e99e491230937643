"""Shared parts of the commands."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from obslake.errors import ObslakeError

AnyCommand = TypeVar("AnyCommand", bound=Callable[..., Any])


class Commands(click.Group):
    """A group of commands that turns errors of the system into errors for the user."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            # A closed pipe is not a fault of the lakehouse.
            if isinstance(error, click.ClickException | click.exceptions.Exit | BrokenPipeError):
                raise
            from obslake.lakehouse.home import home_folder
            from obslake.lakehouse.system_errors import system_error

            if found := system_error(error, home_folder(ctx.params.get("home"))):
                raise found from error
            raise


class Example(click.Command):
    """A command whose help ends with an example."""

    def __init__(self, *args: Any, example: str, **kwargs: Any) -> None:
        """Set the example: one or several lines to type."""
        super().__init__(*args, **kwargs)
        self.example = example

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example."""
        with formatter.section("Example"):
            for line in self.example.splitlines():
                formatter.write(f"  {line}\n")


def json_option(command: AnyCommand) -> AnyCommand:
    """Add the option that prints JSON."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def verbose_option(command: AnyCommand) -> AnyCommand:
    """Add the option that names every source."""
    return click.option("--verbose", is_flag=True, help="Name every source.")(command)


def check_text(option: str, value: str | None) -> None:
    """Refuse a value that was typed in another encoding than UTF-8."""
    try:
        (value or "").encode()
    except UnicodeEncodeError as error:
        shown = os.fsencode(value or "").decode(errors="backslashreplace")
        raise ObslakeError(f"{option}: {shown} is not valid UTF-8") from error
