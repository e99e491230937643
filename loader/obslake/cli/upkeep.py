"""The maintenance commands: status, pin, compact, expire, verify."""

from typing import TYPE_CHECKING, Any

import click

from obslake.cli.common import Example, json_option, verbose_option
from obslake.cli.text import Cells, echo, echo_json, quantity, say, say_each, say_table, warn

if TYPE_CHECKING:
    from datetime import datetime

    from obslake.upkeep.compaction import Compaction
    from obslake.upkeep.expiry import Expiry
    from obslake.upkeep.pinning import Pinned
    from obslake.upkeep.verification.verify import Verification


_MOST_FAULTS = 20

_MOST_SOURCES = 2


# As in obslake.lakehouse.schemas, which takes too long to import for a help text.
_TABLES = ("implementations", "tests", "runs", "measurements", "quarantine", "observations")


@click.command(cls=Example, example="obslake status --snapshots")
@click.option("--snapshots", is_flag=True, help="List the snapshots of observations.")
@verbose_option
@json_option
@click.pass_obj
def status(home: str | None, snapshots: bool, verbose: bool, as_json: bool) -> None:
    """Show the tables and their sizes, and with --snapshots the loads of each snapshot."""
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.upkeep.status import read_status

    result = read_status(Lakehouse.open(home), with_snapshots=snapshots)
    if as_json:
        echo_json(result)
    else:
        echo_status(result, verbose=verbose)


def echo_status(status: dict[str, Any], *, verbose: bool = False) -> None:
    """Print the status of a lakehouse, with the first sources of each load or all if ``verbose``."""
    say(f"lakehouse  {status['home']}")
    say(f"marts      {status['marts'] or 'not built yet: run `obslake build`'}")
    columns = ("table", "rows", "files", "bytes")
    tables = ([table[column] for column in columns] for table in status["tables"])
    say("")
    say_table([columns, *tables], 16, 14, 7, 14)
    for snapshot in status.get("snapshots", []):
        say(f"\nsnapshot {snapshot['snapshot_id']}  {snapshot['committed_at']}")
        if snapshot["load_id"] is None:
            say(f"  {snapshot['operation']}")
            continue
        rolled_back = "  rolled back" if snapshot.get("rolled_back") else ""
        sources = snapshot["sources"]
        shown = sources if verbose else sources[:_MOST_SOURCES]
        more = f" and {len(sources) - len(shown):,} more" if len(shown) < len(sources) else ""
        say(
            f"  load {snapshot['load_id']}  {quantity(snapshot['rows'], 'row')}"
            f"  {', '.join(shown)}{more}{rolled_back}"
        )


@click.command(cls=Example, example="obslake pin --to 6482398719468012345")
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
    """Fix the snapshots of the tables that engines other than DuckDB read.

    They build from these snapshots until the next pin, whatever is loaded meanwhile. `obslake
    expire` may remove a snapshot that was pinned long ago.
    """
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.upkeep.pinning import pin as run_pin

    echo_pinned(run_pin(Lakehouse.open(home), snapshot), as_json=as_json)


def echo_pinned(pinned: "Pinned", *, as_json: bool) -> None:
    """Print what was pinned."""
    if as_json:
        echo_json(pinned)
        return
    loads = quantity(pinned.loads, "load")
    what = f"snapshot {pinned.snapshot_id}" if pinned.snapshot_id is not None else "nothing"
    say(f"pinned: {what} of observations, {loads}")
    echo("next: dbt build --target spark")


@click.command(cls=Example, example="obslake compact --table observations")
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
    """Rewrite small and overlapping files into a few sorted ones, so that queries read less.

    Rows and earlier snapshots stay the same; `obslake expire` removes the replaced files. Loads and
    queries may run meanwhile. Hidden rows of superseded loads are dropped.
    """
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.lakehouse.partitions import check_partitions
    from obslake.lakehouse.schemas import ALL_TABLES
    from obslake.progress import Progress
    from obslake.upkeep.compaction import compact as run_compact

    lakehouse = Lakehouse.open(home)
    chosen = [t for t in ALL_TABLES if lakehouse.has(t) and (not tables or t.name in tables)]
    # Fail before any table is changed.
    for definition in chosen:
        check_partitions(lakehouse.table(definition))
    done = (run_compact(lakehouse, definition, Progress()) for definition in chosen)
    found = say_each(done, _compacted, as_json)
    if as_json:
        echo_json(found)


def _compacted(done: "Compaction") -> Cells:
    """Return a row about the compaction of a table."""
    if not done.files_rewritten:
        what = f"already compact, {quantity(done.files_before, 'file')}"
    else:
        what = f"{quantity(done.files_before, 'file')} -> {quantity(done.files_after, 'file')}"
        what += f", {done.bytes_before:,} -> {done.bytes_after:,} bytes"
    if done.rows_dropped:
        what += f", {quantity(done.rows_dropped, 'row')} of superseded loads dropped"
    return done.table, quantity(done.rows, "row"), f" {what}"


@click.command(
    cls=Example, example="obslake expire --older-than 30d --dry-run\nobslake expire --keep 10"
)
@click.option(
    "--older-than",
    default="7d",
    show_default=True,
    metavar="DURATION|DATE",
    help="Remove snapshots replaced before then: a duration ago (90m, 12h, 7d, 2w), or a date.",
)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Keep at least this many of the newest snapshots of each table, however old they are.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be removed.")
@json_option
@click.pass_obj
def expire(home: str | None, older_than: str, keep: int, dry_run: bool, as_json: bool) -> None:
    """Remove old snapshots and the files that only they need.

    The current rows stay, and loaded sources stay known. The age of a snapshot counts from the
    moment another replaced it.
    """
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.lakehouse.schemas import KEPT_TABLES
    from obslake.upkeep.expiry import expire as run_expire

    moment = _moment(older_than)
    lakehouse = Lakehouse.open(home)
    tables = filter(lakehouse.has, KEPT_TABLES)
    done = (_with_warning(run_expire(lakehouse, t, moment, keep, dry_run=dry_run)) for t in tables)
    removed = "would be removed" if dry_run else "removed"
    found = say_each(done, lambda one: _expired(one, removed), as_json)
    if as_json:
        echo_json({"dry_run": dry_run, "tables": found})


def _with_warning(done: "Expiry") -> "Expiry":
    if done.files_left:
        warn(f"{done.table}: {quantity(done.files_left, 'file')} could not be deleted")
    return done


def _expired(done: "Expiry", removed: str) -> Cells:
    """Return a row about the expiry of a table."""
    what = f"{quantity(done.snapshots, 'snapshot')}, {quantity(done.files, 'file')}"
    return done.table, f"{what}, {done.bytes:,} bytes {removed}"


@click.command(cls=Example, example="obslake verify --deep\nobslake verify --remove-orphans")
@click.option("--deep", is_flag=True, help="Read every page of every data file as well.")
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Compute the marts of this many problems again, and compare them.",
)
@click.option("--remove-orphans", is_flag=True, help="Remove old files that nothing refers to.")
@click.option(
    "--older-than",
    default="1d",
    show_default=True,
    metavar="DURATION|DATE",
    help="Minimum age of such files: a running load refers to its files only at its end.",
)
@json_option
@click.pass_obj
def verify(
    home: str | None, deep: bool, sample: int, remove_orphans: bool, older_than: str, as_json: bool
) -> None:
    """Check the catalog against metadata, metadata against files, loads against rows, and the marts.

    Exits with 1 if there are faults. Changes nothing without --remove-orphans.
    """
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


def echo_verification(found: "Verification", *, as_json: bool) -> None:
    """Print the checks, and each fault with its place."""
    if as_json:
        echo_json(
            {
                "checks": found.checks,
                "orphans": found.orphans,
            }
        )
        return
    checks = ((check.name, check.counted, len(check.faults)) for check in found.checks)
    say_table([("check", "checked", "faults"), *checks], 24, 14, 8)
    for check in found.checks:
        for fault in check.faults[:_MOST_FAULTS]:
            say(f"fault: {fault.where}: {fault.what}")
        if len(check.faults) > _MOST_FAULTS:
            say(f"fault: {check.name}: and {len(check.faults) - _MOST_FAULTS:,} more: see --json")
    for check in found.checks:
        for note in check.notes:
            say(f"note: {note}")
    for orphan in found.orphans:
        what = "removed" if orphan.removed else "nothing refers to it"
        say(f"orphan: {orphan.path}: {quantity(orphan.bytes, 'byte')}, {what}")
    if any(not orphan.removed for orphan in found.orphans):
        say("remove them: obslake verify --remove-orphans")


def _moment(older_than: str) -> "datetime":
    """Parse ``--older-than``."""
    from datetime import UTC, datetime

    from obslake.upkeep.expiry import parse_moment

    try:
        return parse_moment(older_than, datetime.now(UTC))
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(
            f"{older_than!r} is neither a duration like 7d nor a date like 2026-01-31",
            param_hint="--older-than",
        ) from error
