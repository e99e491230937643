"""The commands that take rows out of the tables, or bring them back: rollback and forget."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from obslake.cli.common import AnyCommand, Example, check_text, json_option
from obslake.cli.text import echo_json, quantity, say, say_each, say_table, warn

if TYPE_CHECKING:
    from obslake.lakehouse.events import CommittedLoad, Forgotten
    from obslake.upkeep.forgetting import Forgetting
    from obslake.upkeep.rollback import Rollback


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


@click.command(
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


def describe_rollback(plan: "Rollback") -> str:
    """Return what a rollback would do, as a sentence that goes on "this would"."""
    when = plan.committed_at.isoformat(timespec="seconds")
    lines = [f"roll back to snapshot {plan.snapshot_id} of {when}:"]
    lines += [f"  load {_of_load(load)} is removed" for load in plan.loads_removed]
    lines += [f"  load {_of_load(load)} is there again" for load in plan.loads_restored]
    lines += [f"  {describe_forgotten([one])}: is there again" for one in plan.brought_back]
    return "\n".join(lines)


def describe_forgotten(forgotten: "Iterable[Forgotten]") -> str:
    """Return what was forgotten, in the words of the options that name it."""
    return "; ".join(one.describe() for one in forgotten)


def _of_load(load: "CommittedLoad") -> str:
    return load.load_id if load.rows is None else f"{load.load_id} ({quantity(load.rows, 'row')})"


def echo_rollback(done: "Rollback", *, as_json: bool) -> None:
    """Print what a rollback did, and how it is undone."""
    for table in done.tables:
        if table.hidden:
            warn(
                f"{table.table}: rows of {quantity(len(table.hidden), 'load')} stay there, and are not "
                "shown: the snapshot without them is not there any more"
            )
        if table.lost:
            warn(
                f"{table.table}: the rows of {quantity(len(table.lost), 'load')} are missing: the "
                "snapshots with them are not there any more"
            )
    if as_json:
        echo_json(
            {
                "snapshot_id": done.snapshot_id,
                "previous_snapshot_id": done.previous_snapshot_id,
                "loads_removed": [load.load_id for load in done.loads_removed],
                "loads_restored": [load.load_id for load in done.loads_restored],
                "forgotten_again_there": [one.forget_id for one in done.brought_back],
                "tables": done.tables,
            }
        )
        return
    for table in done.tables:
        what = "as it was" if table.rows == table.rows_before else f"{table.rows_before:,} before"
        say_table([(table.table, quantity(table.rows, "row"), f" {what}")], 16, 16)
    say("\nnext: dbt run")
    say(f"undo: obslake rollback --to {done.previous_snapshot_id}")


@click.command(
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
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.progress import Progress
    from obslake.upkeep.forgetting import count
    from obslake.upkeep.forgetting import forget as run_forget
    from obslake.upkeep.wanted import Wanted

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
    _confirm("\n".join([f"delete {wanted.describe()}:", *lines]), yes=yes)
    done = run_forget(lakehouse, wanted, Progress())
    echo_forgetting(done, dry_run=False, as_json=as_json)


def echo_forgetting(tables: "Iterable[Forgetting]", *, dry_run: bool, as_json: bool) -> None:
    """Print what was forgotten in each table, as soon as it is, and what still holds it."""
    deleted = " would be deleted" if dry_run else " deleted"
    done = say_each(tables, lambda one: (one.table, quantity(one.rows, "row"), deleted), as_json)
    for table in done:
        if table.unknown:
            warn(
                f"{table.table}: {quantity(table.unknown, 'record')} of the data set "
                f"{'does' if table.unknown == 1 else 'do'} not say of which problem or run, and "
                f"{'stays' if table.unknown == 1 else 'stay'}: see `obslake quarantine`"
            )
    if as_json:
        echo_json({"dry_run": dry_run, "tables": done})
    elif not dry_run:
        snapshots = sum(table.snapshots for table in done if table.rows)
        say("\nnext: dbt run")
        if snapshots:
            say(
                f"{quantity(snapshots, 'earlier snapshot')} may hold the rows still: "
                "obslake expire --older-than 0s"
            )
