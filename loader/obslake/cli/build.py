"""The command that builds the marts: ``obslake build``."""

import sys

import click

from obslake.cli.common import Example
from obslake.cli.text import say


@click.command(
    cls=Example,
    example="obslake build\nobslake build --vars 'obslake_minimal_support: 2'",
    context_settings={"ignore_unknown_options": True},
)
@click.option(
    "--project-dir",
    metavar="FOLDER",
    help="Folder of the dbt project  [default: the working folder, else the clone of obslake].",
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[DBT OPTIONS]...")
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
