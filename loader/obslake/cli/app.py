"""The command line: ``obslake``."""

import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from obslake import __version__
from obslake.cli.common import (
    AnyCommand,
    Commands,
    Example,
    check_text,
    json_option,
    verbose_option,
)
from obslake.cli.load import load
from obslake.cli.text import (
    accept_any_encoding,
    echo_answer,
    echo_export,
    echo_json,
    echo_quarantine,
    echo_retries,
    echo_status,
    say,
)
from obslake.errors import ObslakeError

if TYPE_CHECKING:
    from datetime import datetime

    from obslake.query.export import Format


def main() -> None:
    """Run the command line; errors that are meant for the user end it with their status."""
    # A loader that a CI system stops removes its temporary files, as one that Ctrl-C stops.
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
        # Ctrl-C: click makes one error of it, DuckDB another.
        if not isinstance(error, click.Abort) and not isinstance(
            error.__cause__, KeyboardInterrupt
        ):
            raise
        click.echo("obslake: interrupted", err=True)
        sys.exit(130)
    finally:
        _give_output()


def _give_output() -> None:
    """Hand over what Python still holds; if nobody reads it any more, end without Python's complaint."""
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
    """Keep what software did when it was stimulated, and compare it with SQL."""
    accept_any_encoding()
    context.obj = home


cli.add_command(load)


@cli.command(cls=Example, example="obslake --home my-lake init")
@click.pass_obj
def init(home: str | None) -> None:
    """Create the folder, the catalog and the empty tables; what exists stays as it is."""
    from obslake.lakehouse.catalog import Lakehouse

    lakehouse = Lakehouse.open(home, create=True)
    # Tables that are there and cannot be read are no lakehouse to begin with.
    lakehouse.locations()
    say(f"lakehouse at {lakehouse.home}")
    click.echo("next: obslake load --help")


@cli.command(cls=Example, example="obslake status --snapshots")
@click.option("--snapshots", is_flag=True, help="List the snapshots of observations.")
@verbose_option
@json_option
@click.pass_obj
def status(home: str | None, snapshots: bool, verbose: bool, as_json: bool) -> None:
    """Show the tables and their sizes; with --snapshots the loads that made them, too."""
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.upkeep.status import read_status

    result = read_status(Lakehouse.open(home), with_snapshots=snapshots)
    if as_json:
        echo_json(result)
    else:
        echo_status(result, verbose=verbose)


@cli.command(cls=Example, example="obslake pin --to 6482398719468012345")
@click.option(
    "--to",
    "snapshot",
    type=click.IntRange(min=0),
    metavar="SNAPSHOT",
    help="Earlier snapshot of observations [default: the newest].",
)
@json_option
@click.pass_obj
def pin(home: str | None, snapshot: int | None, as_json: bool) -> None:
    """Fix the moment as of which engines other than DuckDB see the tables.

    Whatever is loaded meanwhile, they build from these snapshots until something else is pinned.
    `obslake expire` may remove a snapshot that was pinned long ago.
    """
    from obslake.cli.text import echo_pinned
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.upkeep.pinning import pin as run_pin

    echo_pinned(run_pin(Lakehouse.open(home), snapshot), as_json=as_json)


# As in obslake.schemas, which takes too long to import for a help text.
_TABLES = ("implementations", "tests", "runs", "measurements", "quarantine", "observations")


@cli.command(cls=Example, example="obslake compact --table observations")
@click.option(
    "--table",
    "tables",
    multiple=True,
    type=click.Choice(_TABLES),
    help="Table to compact; may be repeated [default: all].",
)
@json_option
@click.pass_obj
def compact(home: str | None, tables: tuple[str, ...], as_json: bool) -> None:
    """Rewrite small and overlapping files into few that are sorted, so that queries read less.

    The rows stay the same, and so do earlier snapshots: the files that were replaced are removed by
    `obslake expire`. Loads and queries may go on meanwhile.
    """
    from obslake.cli.text import echo_compactions
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.lakehouse.partitions import check_partitions
    from obslake.lakehouse.schemas import ALL_TABLES
    from obslake.progress import Progress
    from obslake.upkeep.compaction import compact as run_compact

    lakehouse = Lakehouse.open(home)
    chosen = [t for t in ALL_TABLES if lakehouse.has(t) and (not tables or t.name in tables)]
    # Before any of them is changed.
    for definition in chosen:
        check_partitions(lakehouse.table(definition))
    done = (run_compact(lakehouse, definition, Progress()) for definition in chosen)
    echo_compactions(done, as_json=as_json)


@cli.command(
    cls=Example, example="obslake expire --older-than 30d --dry-run\nobslake expire --keep 10"
)
@click.option(
    "--older-than",
    default="7d",
    show_default=True,
    metavar="DURATION|DATE",
    help="Remove what was replaced by then: a duration ago (90m, 12h, 7d, 2w), or a date.",
)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Keep as many of the newest snapshots of each table, however old they are.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be removed.")
@json_option
@click.pass_obj
def expire(home: str | None, older_than: str, keep: int, dry_run: bool, as_json: bool) -> None:
    """Remove old snapshots and the files that only they need.

    What is in the tables now stays as it is, and which sources have been loaded stays known. A
    snapshot is as old as the time since another took its place.
    """
    from obslake.cli.text import echo_expiries
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.lakehouse.schemas import KEPT_TABLES
    from obslake.upkeep.expiry import expire as run_expire

    moment = _moment(older_than)
    lakehouse = Lakehouse.open(home)
    tables = filter(lakehouse.has, KEPT_TABLES)
    done = (run_expire(lakehouse, t, moment, keep, dry_run=dry_run) for t in tables)
    echo_expiries(done, dry_run=dry_run, as_json=as_json)


def _moment(older_than: str) -> "datetime":
    """Return what ``--older-than`` means."""
    from datetime import UTC, datetime

    from obslake.upkeep.expiry import parse_moment

    try:
        return parse_moment(older_than, datetime.now(UTC))
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(
            f"{older_than!r} is neither a duration like 7d nor a date like 2026-01-31",
            param_hint="--older-than",
        ) from error


@cli.command(cls=Example, example="obslake verify --deep\nobslake verify --remove-orphans")
@click.option("--deep", is_flag=True, help="Read every page of every data file as well.")
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Compute the marts of as many problems anew.",
)
@click.option(
    "--remove-orphans", is_flag=True, help="Remove files that nothing refers to, if they are old."
)
@click.option(
    "--older-than",
    default="1d",
    show_default=True,
    metavar="DURATION|DATE",
    help="How old such files must be: those of a running load are referred to only at its end.",
)
@json_option
@click.pass_obj
def verify(
    home: str | None, deep: bool, sample: int, remove_orphans: bool, older_than: str, as_json: bool
) -> None:
    """Check the catalog against metadata, metadata against files, loads against rows, and the marts.

    Exits with 1 where something is wrong. Nothing is changed, but for --remove-orphans.
    """
    from obslake.cli.text import echo_verification
    from obslake.errors import VerificationError
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.upkeep.verification.verify import verify as run_verify

    moment = _moment(older_than)
    found = run_verify(
        Lakehouse.open(home), moment, deep=deep, sample=sample, remove_orphans=remove_orphans
    )
    echo_verification(found, as_json=as_json)
    if found.n_faults:
        raise VerificationError(
            f"{found.n_faults:,} {'fault' if found.n_faults == 1 else 'faults'}\n"
            "  what to do about each: docs/maintenance.md"
        )


def _yes_option(command: AnyCommand) -> AnyCommand:
    return click.option("--yes", is_flag=True, help="Do not ask for confirmation.")(command)


def _confirm(what: str, *, yes: bool) -> None:
    """Say what a command does, and ask on the terminal whether it may."""
    from obslake.errors import ConfirmationError

    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfirmationError(
            f"this would {what}\n  nothing was changed: confirm it with --yes, or on a terminal"
        )
    if not click.confirm(f"this will {what}\ncontinue?", err=True):
        raise ConfirmationError("nothing was changed")


@cli.command(
    cls=Example,
    example=(
        "obslake rollback --to 6482398719468012345\n"
        "obslake rollback --to 0199a3c1-7c6e-7d3a-9c65-2b8f3b1f6a10 --yes"
    ),
)
@click.option(
    "--to",
    "target",
    required=True,
    metavar="SNAPSHOT|LOAD",
    help="Snapshot of observations, or load after which it was made: see `obslake status --snapshots`.",
)
@click.option("--undo-forget", is_flag=True, help="Bring back what was forgotten since, too.")
@_yes_option
@json_option
@click.pass_obj
def rollback(home: str | None, target: str, undo_forget: bool, yes: bool, as_json: bool) -> None:
    """Make all tables show what they showed at an earlier snapshot.

    That is a new snapshot on top, so it can be rolled back as well. Sources of loads that are not
    shown any more can be loaded again.
    """
    from obslake.cli.text import describe_forgotten, describe_rollback, echo_rollback
    from obslake.errors import RollbackError
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.upkeep.rollback import plan_rollback, roll_back

    lakehouse = Lakehouse.open(home)
    plan = plan_rollback(lakehouse, target)
    if plan.brought_back and not undo_forget:
        raise RollbackError(
            f"snapshot {plan.snapshot_id} still has rows that were forgotten since: "
            f"{describe_forgotten(plan.brought_back)}\n"
            "  nothing was changed: add --undo-forget to bring them back"
        )
    if plan.loads_removed or plan.loads_restored or plan.brought_back:
        _confirm(describe_rollback(plan), yes=yes)
    echo_rollback(roll_back(lakehouse, plan), as_json=as_json)


@cli.command(
    cls=Example,
    example=(
        "obslake forget --data-set mine --problem slugify --dry-run\n"
        "obslake forget --data-set mine --run nightly-17"
    ),
)
@click.option("--data-set", required=True, help="Data set of the rows.")
@click.option("--problem", help="Only rows of this problem [default: all].")
@click.option("--run", help="Only rows of this run [default: all].")
@click.option("--dry-run", is_flag=True, help="Only count the rows.")
@_yes_option
@json_option
@click.pass_obj
def forget(
    home: str | None,
    data_set: str,
    problem: str | None,
    run: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Delete the rows of a data set, of one problem of it, or of one run.

    Records of it that were set aside are deleted as well. Sources that the rows came from are not
    loaded again. Earlier snapshots hold them until `obslake expire` removes these, and the marts
    until `dbt run`.
    """
    from obslake.cli.text import describe_rows, echo_forgetting
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.progress import Progress
    from obslake.upkeep.forgetting import Wanted, count
    from obslake.upkeep.forgetting import forget as run_forget

    for name, value in {"data-set": data_set, "problem": problem, "run": run}.items():
        check_text(f"--{name}", value)
    lakehouse = Lakehouse.open(home)
    wanted = Wanted(data_set, problem, run)
    counted = count(lakehouse, wanted)
    if dry_run:
        echo_forgetting(counted, dry_run=True, as_json=as_json)
        return
    lines = [
        f"  {c.table}: {c.rows:,} {'row' if c.rows == 1 else 'rows'}" for c in counted if c.rows
    ]
    _confirm("\n".join([f"delete {describe_rows(*wanted.what)}:", *lines]), yes=yes)
    done = run_forget(lakehouse, wanted, Progress())
    echo_forgetting(done, dry_run=False, as_json=as_json)


@cli.command(
    cls=Example,
    example="obslake quarantine --limit 20\nobslake quarantine --retry",
)
@click.option("--load", "load_id", metavar="LOAD", help="Only what this load has set aside.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Show as many records at most; 0: all.",
)
@click.option(
    "--retry",
    is_flag=False,
    flag_value="",
    metavar="[LOAD]",
    help="Read the records again, of this load or of all, and load those that are understood now.",
)
@json_option
@click.pass_obj
def quarantine(
    home: str | None, load_id: str | None, limit: int, retry: str | None, as_json: bool
) -> None:
    """Show the records that loads have set aside, with reasons, or load them after all.

    A file that you have corrected is a source of its own: load only its corrected rows, or take the
    earlier load back first with `obslake rollback`.
    """
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.load.quarantine import read_quarantine
    from obslake.load.retry import retry as run_retry
    from obslake.progress import Progress

    lakehouse = Lakehouse.open(home)
    if retry is None:
        found = read_quarantine(lakehouse, load_id=load_id, limit=limit)
        echo_quarantine(found, as_json=as_json)
        return
    echo_retries(run_retry(lakehouse, retry or load_id, Progress()), as_json=as_json)


@cli.command(
    cls=Example,
    example=(
        "obslake sql \"from clusters('demo', 'slugify')\"\n"
        'obslake sql "select count(*) from lake.observations" --json\n'
        'obslake sql --marts marts "select count(*) from behavior_clusters"\n'
        "obslake sql -"
    ),
)
@click.argument("query")
@click.option(
    "--marts",
    "marts_in",
    metavar="NAMESPACE",
    help="Ask the marts that another engine keeps as Iceberg tables in this namespace of the catalog.",
)
@click.option("--external-access", is_flag=True, help="Let the query read other files as well.")
@json_option
@click.pass_obj
def sql(
    home: str | None, query: str, marts_in: str | None, external_access: bool, as_json: bool
) -> None:
    """Answer one SQL query, read-only, from the marts and the tables (schema lake).

    - is a query on standard input.
    """
    from obslake.errors import QueryError
    from obslake.query.ask import ask

    if query == "-":
        try:
            query = click.get_binary_stream("stdin").read().decode()
        except UnicodeDecodeError as error:
            raise QueryError("the query on standard input is no UTF-8") from error
    with ask(home, query, external_access=external_access, marts_in=marts_in) as answer:
        echo_answer(answer, as_json=as_json)


@cli.command(
    cls=Example,
    example=(
        "obslake export -o examples.parquet\n"
        "obslake export consensus_oracles --data-set demo -o oracles.jsonl.gz\n"
        "obslake export --problem slugify -o -"
    ),
)
@click.argument("relation", default="training_examples", metavar="[MART]")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    help="File to write; - is standard output, as JSON Lines.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["parquet", "jsonl"]),
    help="Format, where the name of the file does not say it.",
)
@click.option("--data-set", "data_sets", multiple=True, help="Only this data set; may be repeated.")
@click.option("--problem", "problems", multiple=True, help="Only this problem; may be repeated.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@json_option
@click.pass_obj
def export(
    home: str | None,
    relation: str,
    output: str,
    form: "Format | None",
    data_sets: tuple[str, ...],
    problems: tuple[str, ...],
    force: bool,
    as_json: bool,
) -> None:
    """Write a mart to a Parquet or JSON Lines file: training examples, unless another is named.

    Rows are sorted by their key. The file is there when it is complete. Names that end with .gz or
    .zst compress JSON Lines. docs/export.md says how to read it.
    """
    from obslake.progress import Progress
    from obslake.query.export import export as run_export

    for option, values in {"--data-set": data_sets, "--problem": problems, "-o": (output,)}.items():
        for value in values:
            check_text(option, value)
    with Progress().task(relation, "rows") as shown:
        done = run_export(
            home,
            relation,
            output,
            shown,
            form=form,
            data_sets=data_sets,
            problems=problems,
            overwrite=force,
            stdout=click.get_binary_stream("stdout"),
        )
    echo_export(done, as_json=as_json)
