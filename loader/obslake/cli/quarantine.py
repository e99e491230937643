"""The command ``obslake quarantine``."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from obslake.cli.common import Example, json_option
from obslake.cli.text import echo_json, one_line, quantity, say, say_rows

if TYPE_CHECKING:
    from obslake.load.quarantine import QuarantinedRecords
    from obslake.load.retry import Retry


@click.command(
    cls=Example,
    example="obslake quarantine --limit 20\nobslake quarantine --retry",
)
@click.option("--load", "load_id", metavar="LOAD", help="Only records that this load set aside.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Show at most this many records; 0: all.",
)
@click.option(
    "--retry",
    is_flag=False,
    flag_value="",
    metavar="[LOAD]",
    help="Read the records of this load [default: all] again, and load those that are understood now.",
)
@json_option
@click.pass_obj
def quarantine(
    home: str | None, load_id: str | None, limit: int, retry: str | None, as_json: bool
) -> None:
    """Show the records that loads have set aside, with reasons, or load them after all.

    A corrected file is a new source: load only its corrected rows, or take the earlier load back
    first with `obslake rollback`.
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


def echo_quarantine(found: "QuarantinedRecords", *, as_json: bool) -> None:
    """Print the records by load and file."""
    if as_json:
        echo_json(found)
        return
    if not found.total:
        say("nothing is set aside")
    load = file = None
    for record in found.records:
        if record["load_id"] != load:
            load, file = record["load_id"], None
            records = quantity(found.loads[load], "record")
            say(f"load {load}: {records} of {record['reader']}")
        if record["file"] != file:
            file = record["file"]
            say(f"  {one_line(file)}")
        where = "the file" if record["position"] is None else f"row {record['position']}"
        column = f", column {record['column_name']}" if record["column_name"] else ""
        say(f"    {where}{one_line(column)}: {one_line(record['reason'])}")
    if more := found.total - len(found.records):
        say(f"… and {more:,} more: show them with --limit")


def echo_retries(retries: "Iterable[Retry]", *, as_json: bool) -> None:
    """Print the result for the records of each load as soon as they have been read again."""
    done = []
    for retry in retries:
        done.append(retry)
        if as_json:
            continue
        say(f"load {retry.load_id}: {quantity(retry.records, 'record')} read again")
        if retry.retried_by:
            say(f"  load {retry.retried_by}: {retry.records - retry.set_aside:,} understood")
            say_rows(retry.rows, indent="    ")
        if retry.set_aside:
            say(
                f"  {retry.set_aside:,} still set aside"
                + (f": {retry.reason}" if retry.reason else "")
            )
    if as_json:
        echo_json(done)
    elif not done:
        say("nothing is set aside")
