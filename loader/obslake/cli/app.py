"""The command line: ``obslake``."""

import os
import signal
import sys
from typing import NoReturn

import click

from obslake.cli.build import build, test
from obslake.cli.common import Commands, Example
from obslake.cli.doctor import doctor
from obslake.cli.gate import gate
from obslake.cli.load import load
from obslake.cli.mcp import mcp
from obslake.cli.plot import plot
from obslake.cli.quarantine import quarantine
from obslake.cli.query import export, sql
from obslake.cli.removal import forget, rollback
from obslake.cli.report import report
from obslake.cli.rules import rules
from obslake.cli.text import accept_any_encoding, say
from obslake.cli.upkeep import compact, expire, pin, status, verify
from obslake.errors import ObslakeError
from obslake.garbage import collect_rarely
from obslake.version import __version__


def main() -> None:
    """Run the command line; an error that is meant for the user determines the exit status."""
    collect_rarely()
    # A loader that a CI system stops must remove its temporary files, as after Ctrl-C.
    signal.signal(signal.SIGTERM, _terminate)
    try:
        cli(standalone_mode=False)
    except ObslakeError as error:
        say(f"obslake: {error}", err=True)
        sys.exit(error.exit_status)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except RuntimeError as error:
        # Ctrl-C: click and DuckDB raise different errors.
        if not isinstance(error, click.Abort) and not isinstance(
            error.__cause__, KeyboardInterrupt
        ):
            raise
        click.echo("obslake: interrupted", err=True)
        sys.exit(130)
    finally:
        _flush_output()


def _flush_output() -> None:
    """Flush standard output; if its reader is gone, exit without a message from Python."""
    if sys.__stdout__ is None:
        return
    try:
        sys.__stdout__.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())
        sys.exit(1)


def _terminate(_signal: int, _frame: object) -> NoReturn:
    sys.exit(143)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="obslake")
@click.option(
    "--home",
    envvar="OBSLAKE_HOME",
    metavar="FOLDER",
    help="Folder of the lakehouse [default: $OBSLAKE_HOME, else lake].",
)
@click.pass_context
def cli(context: click.Context, home: str | None) -> None:
    """Keep the observed behaviour of software, and compare it with SQL."""
    accept_any_encoding()
    context.obj = home


@cli.command(
    cls=Example, example="obslake --home my-lake init\nobslake init --dbt-project my_analysis"
)
@click.option(
    "--dbt-project",
    metavar="FOLDER",
    help="Also create a dbt project of your own there, which uses obslake as a package.",
)
@click.pass_obj
def init(home: str | None, dbt_project: str | None) -> None:
    """Create the folder, the catalog and the empty tables; existing ones stay unchanged.

    The lakehouse of a dbt project is its folder lake, unless you name another one. In a project that exists, only
    its link to the installed package is renewed, and packages are installed.
    """
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.marts.scaffold import create_project

    project = None if dbt_project is None else create_project(dbt_project)
    if project and not home:
        home = str(project.folder / "lake")
    lakehouse = Lakehouse.open(home, create=True)
    # Fails if existing tables cannot be read.
    lakehouse.locations()
    say(f"lakehouse at {lakehouse.home}")
    if project:
        files = f": {', '.join(project.written)}" if project.written else ""
        say(f"dbt project at {project.folder}{files}")
        say(f"it uses obslake in {project.package}")
        click.echo("next, in its folder: obslake load --help, then dbt build")
    else:
        click.echo("next: obslake load --help")


for _command in (
    *(load, quarantine, build, test, rules),
    *(status, doctor, pin, compact, expire, verify),
    *(rollback, forget),
    *(sql, export, report, plot, gate, mcp),
):
    cli.add_command(_command)
