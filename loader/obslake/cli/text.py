"""How the command line prints results: as text for people, as JSON for programs."""

import base64
import codecs
import io
import json
import math
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import asdict
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import duckdb

    from obslake.lakehouse.ledger import CommittedLoad, Forgotten
    from obslake.load.quarantine import QuarantinedRecords
    from obslake.load.report import LoadReport
    from obslake.load.retry import Retry
    from obslake.query.export import Export
    from obslake.upkeep.compaction import Compaction
    from obslake.upkeep.expiry import Expiry
    from obslake.upkeep.forgetting import Forgetting
    from obslake.upkeep.pinning import Pinned
    from obslake.upkeep.rollback import Rollback
    from obslake.upkeep.verification.verify import Verification

_MOST_ROWS = 1000
_BATCH_ROWS = 1000
_MOST_FAULTS = 20
_MOST_SOURCES = 2


# How tables are drawn where an encoding has no lines.
_DRAWN_IN_ASCII = str.maketrans("┌┬┐├┼┤└┴┘─│·…", "+++++++++-|..")


def accept_any_encoding() -> None:
    """Write characters that the encoding of a terminal does not have as escapes, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not _has_all_characters(stream):
            stream.reconfigure(errors="backslashreplace")


def _has_all_characters(stream: object) -> bool:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return codecs.lookup(encoding).name.startswith("utf")


def _echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    # To the stream itself: on an ASCII terminal, click would write UTF-8 to another one.
    click.echo(text, file=sys.stderr if err else sys.stdout, nl=nl)


def _json(value: object, indent: int | None = None) -> str:
    """Return JSON that can be written to standard output whatever its encoding."""
    return json.dumps(value, ensure_ascii=not _has_all_characters(sys.stdout), indent=indent)


def say(text: str, *, err: bool = False) -> None:
    """Print lines for people; what a source or a name has in them cannot steer a terminal."""
    _echo("\n".join(map(_one_line, text.split("\n"))), err=err)


def warn(message: str) -> None:
    """Print a warning on standard error."""
    say(f"obslake: warning: {message}", err=True)


def echo_json(value: object) -> None:
    """Print a value as JSON."""
    _echo(_json(_plain(value), indent=2))


def echo_report(report: "LoadReport", *, as_json: bool, verbose: bool = False) -> None:
    """Print what a load did; its warnings go to standard error.

    Files that were loaded before are one line per load that has done it, unless each is wanted.
    """
    for warning in report.warnings:
        warn(warning)
    if other := report.response_kinds.get("other"):
        warn(f"{_count(other, 'response')} of a kind the protocol does not know")
    if as_json:
        echo_json(
            {
                "load_id": report.load_id,
                "sources": report.sources,
                "skipped": [
                    {"source": s.name, "load_id": s.load_id}
                    | ({"forgotten": True} if s.is_forgotten else {})
                    for s in report.skipped
                ],
                "refused": report.refused,
                "set_aside": report.set_aside,
                "rows": report.rows,
                "response_kinds": report.response_kinds,
                "warnings": report.warnings,
            }
        )
        return
    groups: dict[tuple[str, bool, int], list[str]] = {}
    for number, skipped in enumerate(report.skipped):
        key = (skipped.load_id, skipped.is_forgotten, number if verbose else 0)
        groups.setdefault(key, []).append(skipped.name)
    for (load_id, is_forgotten, _), names in groups.items():
        what = names[0] if len(names) == 1 else f"{len(names):,} sources"
        say(f"{what}: already loaded by load {load_id}, nothing appended")
        if is_forgotten:
            say("  rows were forgotten since: they do not come back by loading again")
    if report.load_id is None:
        return
    say(f"load {report.load_id}: {_count(len(report.sources), 'source')}")
    for table, rows in report.rows.items():
        say(f"  {table:<16} {rows:>12,} {'row' if rows == 1 else 'rows'}")
    for kind, rows in report.response_kinds.items():
        say(f"    {kind:<16} {rows:>10,}")


def echo_status(status: dict[str, Any], *, verbose: bool = False) -> None:
    """Print what is in a lakehouse, with all sources of a load or the first ones."""
    say(f"lakehouse  {status['home']}")
    say(f"marts      {status['marts'] or 'not built yet: run `dbt build`'}")
    say(f"\n{'table':<16} {'rows':>14} {'files':>7} {'bytes':>14}")
    for table in status["tables"]:
        say(f"{table['table']:<16} {table['rows']:>14,} {table['files']:>7,} {table['bytes']:>14,}")
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
            f"  load {snapshot['load_id']}  {_count(snapshot['rows'], 'row')}"
            f"  {', '.join(shown)}{more}{rolled_back}"
        )


def echo_compactions(compactions: "Iterable[Compaction]", *, as_json: bool) -> None:
    """Print what was done to each table, as soon as it is done."""
    if as_json:
        echo_json([asdict(compaction) for compaction in compactions])
        return
    for done in compactions:
        if not done.files_rewritten:
            what = f"already compact, {_count(done.files_before, 'file')}"
        else:
            what = f"{_count(done.files_before, 'file')} -> {_count(done.files_after, 'file')}"
            what += f", {done.bytes_before:,} -> {done.bytes_after:,} bytes"
        say(f"{done.table:<16} {_count(done.rows, 'row'):>16}  {what}")


def echo_expiries(expiries: "Iterable[Expiry]", *, dry_run: bool, as_json: bool) -> None:
    """Print what was removed from each table, as soon as it is."""
    tables = []
    for done in expiries:
        tables.append(asdict(done))
        if done.files_left:
            warn(f"{done.table}: {_count(done.files_left, 'file')} could not be deleted")
        if not as_json:
            what = f"{_count(done.snapshots, 'snapshot')}, {_count(done.files, 'file')}"
            removed = "would be removed" if dry_run else "removed"
            say(f"{done.table:<16} {what}, {done.bytes:,} bytes {removed}")
    if as_json:
        echo_json({"dry_run": dry_run, "tables": tables})


def echo_pinned(pinned: "Pinned", *, as_json: bool) -> None:
    """Print what was pinned."""
    if as_json:
        echo_json(asdict(pinned))
        return
    loads = _count(pinned.loads, "load")
    what = f"snapshot {pinned.snapshot_id}" if pinned.snapshot_id is not None else "nothing"
    say(f"pinned: {what} of observations, {loads}")
    _echo("next: dbt build --target spark")


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
    return "; ".join(
        describe_rows(one.data_set_id, one.problem_id, one.run_id) for one in forgotten
    )


def describe_rows(data_set: str, problem: str | None, run: str | None) -> str:
    """Return which rows some options name."""
    parts = {"data set": data_set, "problem": problem, "run": run}
    return ", ".join(f"{name} {value!r}" for name, value in parts.items() if value is not None)


def echo_forgetting(tables: "Iterable[Forgetting]", *, dry_run: bool, as_json: bool) -> None:
    """Print what was forgotten in each table, as soon as it is, and what still holds it."""
    done = []
    for table in tables:
        done.append(table)
        if not as_json:
            would = "would be deleted" if dry_run else "deleted"
            say(f"{table.table:<16} {_count(table.rows, 'row'):>16}  {would}")
    for table in done:
        if table.unsaid:
            warn(
                f"{table.table}: {_count(table.unsaid, 'record')} of the data set "
                f"{'does' if table.unsaid == 1 else 'do'} not say of which problem or run, and "
                f"{'stays' if table.unsaid == 1 else 'stay'}: see `obslake quarantine`"
            )
    if as_json:
        echo_json({"dry_run": dry_run, "tables": [asdict(table) for table in done]})
    elif not dry_run:
        snapshots = sum(table.snapshots for table in done if table.rows)
        say("\nnext: dbt run")
        if snapshots:
            say(
                f"{_count(snapshots, 'earlier snapshot')} may hold the rows still: "
                "obslake expire --older-than 0s"
            )


def echo_rollback(done: "Rollback", *, as_json: bool) -> None:
    """Print what a rollback did, and how it is undone."""
    for table in done.tables:
        if table.hidden:
            warn(
                f"{table.table}: rows of {_count(len(table.hidden), 'load')} stay there, and are not "
                "shown: the snapshot without them is not there any more"
            )
        if table.lost:
            warn(
                f"{table.table}: the rows of {_count(len(table.lost), 'load')} are missing: the "
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
                "tables": [asdict(table) for table in done.tables],
            }
        )
        return
    for table in done.tables:
        what = "as it was" if table.rows == table.rows_before else f"{table.rows_before:,} before"
        say(f"{table.table:<16} {_count(table.rows, 'row'):>16}  {what}")
    say("\nnext: dbt run")
    say(f"undo: obslake rollback --to {done.previous_snapshot_id}")


def _of_load(load: "CommittedLoad") -> str:
    return load.load_id if load.rows is None else f"{load.load_id} ({_count(load.rows, 'row')})"


def echo_verification(found: "Verification", *, as_json: bool) -> None:
    """Print what was checked, and everything that is wrong with its place."""
    if as_json:
        echo_json(
            {
                "checks": [asdict(check) for check in found.checks],
                "orphans": [asdict(orphan) for orphan in found.orphans],
            }
        )
        return
    say(f"{'check':<24} {'checked':>14} {'faults':>8}")
    for check in found.checks:
        say(f"{check.name:<24} {check.counted:>14,} {len(check.faults):>8,}")
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
        say(f"orphan: {orphan.path}: {_count(orphan.bytes, 'byte')}, {what}")
    if any(not orphan.removed for orphan in found.orphans):
        say("remove them: obslake verify --remove-orphans")


def echo_quarantine(found: "QuarantinedRecords", *, as_json: bool) -> None:
    """Print records that are set aside, by load and file."""
    if as_json:
        echo_json(asdict(found))
        return
    if not found.total:
        say("nothing is set aside")
    load = file = None
    for record in found.records:
        if record["load_id"] != load:
            load, file = record["load_id"], None
            records = _count(found.loads[load], "record")
            say(f"load {load}: {records} of {record['reader']}")
        if record["file"] != file:
            file = record["file"]
            say(f"  {_one_line(file)}")
        where = "the file" if record["position"] is None else f"row {record['position']}"
        column = f", column {record['column_name']}" if record["column_name"] else ""
        say(f"    {where}{_one_line(column)}: {_one_line(record['reason'])}")
    if more := found.total - len(found.records):
        say(f"… and {more:,} more: show them with --limit")


def echo_retries(retries: "Iterable[Retry]", *, as_json: bool) -> None:
    """Print what came of the records of each load, as soon as they were read again."""
    done = []
    for retry in retries:
        done.append(asdict(retry))
        if as_json:
            continue
        say(f"load {retry.load_id}: {_count(retry.records, 'record')} read again")
        if retry.retried_by:
            say(f"  load {retry.retried_by}: {retry.records - retry.set_aside:,} understood")
            for table, rows in retry.rows.items():
                say(f"    {table:<16} {rows:>12,} {'row' if rows == 1 else 'rows'}")
        if retry.set_aside:
            say(
                f"  {retry.set_aside:,} still set aside"
                + (f": {retry.reason}" if retry.reason else "")
            )
    if as_json:
        echo_json(done)
    elif not done:
        say("nothing is set aside")


def _one_line(text: str) -> str:
    """Return a text without characters that would move the cursor."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def echo_answer(answer: "duckdb.DuckDBPyRelation", *, as_json: bool) -> None:
    """Print the rows of a query."""
    if as_json:
        _echo_json_rows(answer)
    elif answer.columns == ["explain_key", "explain_value"]:
        for _, plan in answer.fetchall():
            _echo(plan if _has_all_characters(sys.stdout) else plan.translate(_DRAWN_IN_ASCII))
    else:
        _echo_table(answer)


def _echo_table(answer: "duckdb.DuckDBPyRelation") -> None:
    """Print the first rows, and how many there are; DuckDB draws lines that not every encoding has."""
    width = _table_width()
    if _has_all_characters(sys.stdout):
        answer.show(max_width=width, max_rows=_MOST_ROWS)
        return
    with redirect_stdout(io.StringIO()) as drawn:
        answer.show(max_width=width, max_rows=_MOST_ROWS)
    _echo(drawn.getvalue().translate(_DRAWN_IN_ASCII), nl=False)


def echo_export(done: "Export", *, as_json: bool) -> None:
    """Print what was exported; on standard error where the rows themselves are on standard output."""
    is_apart = done.output == "-"
    if not done.rows:
        warn(f"no row of {done.relation} is of what was chosen")
    if as_json:
        _echo(_json(asdict(done), indent=2), err=is_apart)
    elif not is_apart:
        say(f"{done.output}: {_count(done.rows, 'row')} of {done.relation}, {done.bytes:,} bytes")


def _echo_json_rows(answer: "duckdb.DuckDBPyRelation") -> None:
    """Print an array with one object a row, without holding all rows."""
    names = list(_distinct(answer.columns))
    separator = "\n"
    _echo("[", nl=False)
    while batch := answer.fetchmany(_BATCH_ROWS):
        for row in batch:
            line = _json(_plain(dict(zip(names, row, strict=True))))
            _echo(f"{separator}  {line}", nl=False)
            separator = ",\n"
    _echo("\n]")


def _distinct(names: list[str]) -> Iterator[str]:
    """Give the repetitions of a name a number, as an object has each key once."""
    seen: set[str] = set()
    for name in names:
        unique, number = name, 1
        while unique in seen:
            unique = f"{name}_{number}"
            number += 1
        seen.add(unique)
        yield unique


def _plain(value: object) -> object:
    """Return a value in the forms that JSON has.

    Dates and times are ISO 8601 text, bytes base64 text, and numbers that JSON cannot hold text.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return float(value) if Decimal(repr(float(value))) == value else str(value)
        case date() | time():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case list() | tuple():
            return [_plain(item) for item in value]
        case dict():
            return {
                key if isinstance(key, str) else str(_plain(key)): _plain(item)
                for key, item in value.items()
            }
        case _:
            return str(value)


def _table_width() -> int:
    """Return the width for drawn tables: the terminal's, or wide where nobody looks on."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 240


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
