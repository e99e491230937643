"""The commands that run dbt: ``obslake build`` and ``obslake test``."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from obslake.cli.common import Example
from obslake.cli.text import say

AnyCommand = TypeVar("AnyCommand", bound=Callable[..., Any])

_PASSES_OPTIONS = {"ignore_unknown_options": True}


def _dbt_options(command: AnyCommand) -> AnyCommand:
    """Add the folder of the project, and the options that are passed to dbt."""
    named = click.option(
        "--project-dir",
        metavar="FOLDER",
        help="Folder of the dbt project  [default: the working folder if it has one, else that of obslake].",
    )
    passed = click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[DBT OPTIONS]...")
    return named(passed(command))


@click.command(
    cls=Example,
    example="obslake build\nobslake build --vars 'obslake_minimal_support: 2'",
    context_settings=_PASSES_OPTIONS,
)
@_dbt_options
@click.pass_obj
def build(home: str | None, project_dir: str | None, options: tuple[str, ...]) -> None:
    """Build the marts with `dbt run`, unless nothing has changed since the last build.

    The command works in any folder, and passes other options to dbt. Without new data and without changes of the
    project, it ends at once. dbt writes its files to the folder building/dbt of the lakehouse.
    """
    from obslake.marts.building import build as build_marts

    built = build_marts(home, project_dir, options)
    if not built.is_new:
        say("nothing new: the marts are up to date")
    if built.exit_status:
        sys.exit(built.exit_status)


@click.command(
    cls=Example,
    example="obslake test\nobslake test --select consensus_oracles",
    context_settings=_PASSES_OPTIONS,
)
@_dbt_options
@click.pass_obj
def test(home: str | None, project_dir: str | None, options: tuple[str, ...]) -> None:
    """Run the data tests on the marts with `dbt test`: what must hold in every lakehouse.

    The command works in any folder, and passes other options to dbt. It tests the marts as they were built last.
    """
    from obslake.marts.building import run_tests

    if status := run_tests(home, project_dir, options):
        sys.exit(status)
