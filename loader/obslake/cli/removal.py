"""The commands that remove or restore rows: rollback and forget."""

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
    """Describe what a command will do, and ask for confirmation on the terminal."""
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
    help="Snapshot of observations, or the load that committed it: see `obslake status --snapshots`.",
)
@click.option("--undo-forget", is_flag=True, help="Also restore rows that were forgotten since.")
@_yes_option
@json_option
@click.pass_obj
def rollback(home: str | None, target: str, undo_forget: bool, yes: bool, as_json: bool) -> None:
    """Restore all tables to their state at an earlier snapshot.

    This adds new snapshots, so it can be rolled back as well. Sources of removed loads can be loaded
    again.
    """
    from obslake.errors import RollbackError
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.upkeep.rollback import plan_rollback, roll_back

    lakehouse = Lakehouse.open(home)
    plan = plan_rollback(lakehouse, target)
    if plan.forgotten_restored and not undo_forget:
        raise RollbackError(
            f"snapshot {plan.snapshot_id} still has rows that were forgotten since: "
            f"{describe_forgotten(plan.forgotten_restored)}\n"
            "  nothing was changed: add --undo-forget to restore them"
        )
    if plan.loads_removed or plan.loads_restored or plan.forgotten_restored:
        _confirm(describe_rollback(plan), yes=yes)
    echo_rollback(roll_back(lakehouse, plan), as_json=as_json)


def describe_rollback(plan: "Rollback") -> str:
    """Return what a rollback does, as a sentence that continues "this would" or "this will"."""
    when = plan.committed_at.isoformat(timespec="seconds")
    lines = [f"roll back to snapshot {plan.snapshot_id} of {when}:"]
    lines += [f"  load {_with_rows(load)} is removed" for load in plan.loads_removed]
    lines += [f"  load {_with_rows(load)} is restored" for load in plan.loads_restored]
    lines += [f"  {describe_forgotten([one])}: is restored" for one in plan.forgotten_restored]
    return "\n".join(lines)


def describe_forgotten(forgotten: "Iterable[Forgotten]") -> str:
    """Return which rows were forgotten, in the words of the options."""
    return "; ".join(one.describe() for one in forgotten)


def _with_rows(load: "CommittedLoad") -> str:
    return load.load_id if load.rows is None else f"{load.load_id} ({quantity(load.rows, 'row')})"


def echo_rollback(done: "Rollback", *, as_json: bool) -> None:
    """Print what a rollback did, and how to undo it."""
    for table in done.tables:
        if table.hidden:
            warn(
                f"{table.table}: rows of {quantity(len(table.hidden), 'load')} stay, but are hidden: the "
                "snapshot without them no longer exists"
            )
        if table.lost:
            warn(
                f"{table.table}: the rows of {quantity(len(table.lost), 'load')} are missing: the "
                "snapshots with them no longer exist"
            )
    if as_json:
        echo_json(
            {
                "snapshot_id": done.snapshot_id,
                "previous_snapshot_id": done.previous_snapshot_id,
                "loads_removed": [load.load_id for load in done.loads_removed],
                "loads_restored": [load.load_id for load in done.loads_restored],
                "forgotten_again_there": [one.forget_id for one in done.forgotten_restored],
                "tables": done.tables,
            }
        )
        return
    for table in done.tables:
        what = "unchanged" if table.rows == table.rows_before else f"{table.rows_before:,} before"
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
    """Delete the rows of a data set, or of one problem or run of it.

    Matching records of the quarantine are deleted as well. Loading the sources again restores nothing.
    Earlier snapshots hold the rows until `obslake expire` removes them, the marts until `obslake build`.
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
    """Print the deleted rows of each table as soon as they are deleted, and which snapshots hold them."""
    deleted = " would be deleted" if dry_run else " deleted"
    done = say_each(tables, lambda one: (one.table, quantity(one.rows, "row"), deleted), as_json)
    for table in done:
        if table.unknown:
            warn(
                f"{table.table}: {quantity(table.unknown, 'record')} of the data set "
                f"{'does' if table.unknown == 1 else 'do'} not name a problem or run, and "
                f"{'stays' if table.unknown == 1 else 'stay'}: see `obslake quarantine`"
            )
    if as_json:
        echo_json({"dry_run": dry_run, "tables": done})
    elif not dry_run:
        snapshots = sum(table.snapshots for table in done if table.rows)
        say("\nnext: dbt run")
        if snapshots:
            say(
                f"{quantity(snapshots, 'earlier snapshot')} may still hold the rows: "
                "obslake expire --older-than 0s"
            )
