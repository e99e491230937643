"""Format figures as Markdown, for standard output and docs/performance.md."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.ratios import REFERENCE, judged, ratios, shown

_MOST_NODES = 10
_TIMES = {"median": "median", "mean": "mean", "p95": "p95", "max": "max", "cpu_mean": "mean CPU"}
_NAMES = {
    "matrix": "wide matrix",
    "clusters": "clusters",
    "oracle": "oracle",
    "actuations": "three-way join, all of its rows",
    "actuations_counted": "three-way join, counted by implementation",
    "behavior_diff": "behavior_diff",
}
_WHERE = {
    "marts": "marts",
    "iceberg": "Iceberg directly",
    "package": "`obslake.sql` on Iceberg",
}


def markdown(figures: dict[str, Any]) -> str:
    """Return the figures as tables, with the data and the machine measured."""
    return "\n".join(
        [
            _measured_on(figures),
            "",
            *table(
                ("work", "result", "in R", "CPU", "peak memory", "bar", "reference"),
                _work(figures),
            ),
            "",
            *table(
                (
                    "question, one problem",
                    "queried",
                    "problems",
                    "median",
                    "mean",
                    "p95",
                    "p95 in R",
                    "max",
                    "mean CPU",
                    "bar",
                    "reference",
                ),
                _questions(figures),
            ),
            "",
            *table(("slowest nodes of the full build", "seconds"), _nodes(figures)),
        ]
    )


def growth(figures: dict[str, Any]) -> str:
    """Return the figures of every size, as a table."""
    head = (
        "observations",
        "on disk",
        "load",
        "build",
        f"build after {figures['share_of_more']} more",
        "matrix p95",
        "clusters p95",
        "join p95",
        "peak of load / build / questions",
    )
    lines = [_machine(figures), "", *table(head, map(_size, figures["sizes"]))]
    if figures["stopped"]:
        lines += ["", f"Stopped {figures['stopped']}."]
    return "\n".join(lines)


def replace_block(page: Path, name: str, text: str) -> None:
    """Replace a marked block of a page.

    Raises:
        ValueError: the page has no such block.
    """
    start, end = f"<!-- {name}: written by a benchmark -->", f"<!-- end of {name} -->"
    new, count = re.subn(
        f"{re.escape(start)}.*?{re.escape(end)}",
        lambda _: f"{start}\n\n{text}\n\n{end}",
        page.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    if count != 1:
        raise ValueError(f"{page} has no block {name}")
    page.write_text(new, encoding="utf-8")


def _measured_on(figures: dict[str, Any]) -> str:
    return (
        f"{figures['problems']:,} problems, {figures['actuations']:,} actuations and"
        f" {figures['observations'] - figures['actuations']:,} specified responses."
        f" {_machine(figures)}"
    )


def _machine(figures: dict[str, Any]) -> str:
    machine, disk = figures["machine"], figures["disk"]
    versions = ", ".join(f"{name} {version}" for name, version in figures["versions"].items())
    return (
        f"{figures['date'][:10]}, commit {figures['commit']}. {machine['cpu']},"
        f" {machine['cores']} cores, {machine['memory_bytes'] / 1e9:.0f} GB, {machine['system']},"
        f" load average {machine['load_average_at_start']} before the start; disk writes"
        f" {disk['write_bytes_per_second'] / 1e6:,.0f} MB/s and reads"
        f" {disk['read_bytes_per_second'] / 1e6:,.0f} MB/s. {versions}."
    )


def _size(size: dict[str, Any]) -> tuple[str, ...]:
    stored, questions = size["observations"], size["questions"]
    processes = (size["load"], size["build"], questions["process"])
    return (
        f"{stored['rows']:,}",
        f"{stored['bytes'] / 1e6:,.0f} MB in {stored['files']} files,"
        f" marts {size['build_with_more']['marts_bytes'] / 1e6:,.0f} MB",
        f"{size['load']['rows_per_second']:,} rows/s",
        f"{size['build']['wall_seconds']:.1f} s",
        f"{size['build_with_more']['wall_seconds']:.1f} s",
        *(_p95(questions[name]) for name in ("matrix", "clusters", "actuations")),
        " / ".join(f"{process['peak_bytes'] / 1e6:,.0f} MB" for process in processes),
    )


def _p95(answer: dict[str, Any]) -> str:
    if "p95_ms" in answer:
        return f"{answer['p95_ms']:.1f} ms"
    return f"> {answer['stopped_after_seconds']:.0f} s"


def _work(figures: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    export, load = figures["export"], figures["load"]
    stored = load["observations"]
    found = ratios(figures)

    def row(name: str, shown_name: str, result: str, used: dict[str, Any]) -> tuple[str, ...]:
        reference = shown(REFERENCE.get(name))
        ratio = shown(found.get(name))
        return (shown_name, result, ratio, *_used(used), judged(name, figures), reference)

    yield (
        "R: DuckDB reads every value of the export",
        f"{export['read']['seconds']:.1f} s, {export['read']['rows']:,} cells in"
        f" {export['bytes'] / 1e6:,.0f} MB",
        *("1 R", "", "", "", ""),
    )
    rate = f"{load['wall_seconds']:.1f} s, {load['rows_per_second']:,} rows/s"
    yield row("load", "load of an export", rate, load)
    yield (
        "observations on disk",
        f"{stored['bytes'] / 1e6:.1f} MB in {stored['files']} files",
        *("", "", "", "< 34 MB", "57 MB"),
    )
    for kind, rows in figures["load_rows"].items():
        result = f"{rows['wall_seconds']:.1f} s, {rows['rows']:,} rows"
        yield row(f"load {kind}", f"load of rows in {kind}", result, rows)
    yield row("build", "full build", _build(figures["build"]), figures["build"])
    nothing = figures["build_with_nothing_new"]
    yield row("build with nothing new", "build with nothing new", _build(nothing), nothing)
    for share, more in figures["build_with_more"].items():
        name, load = f"build after {share} more", more["load"]
        yield row(name, f"{name} ({load['rows']:,} rows)", _build(more), more)
        yield row("", f"load of {share} more", f"{load['wall_seconds']:.1f} s", load)
    compact = figures["compact"]
    files = f"{compact['before']['files']} files to {compact['after']['files']}"
    yield row("compact", "compact", f"{compact['wall_seconds']:.1f} s, {files}", compact)
    for name, start in figures["starts"].items():
        seconds = f"{start['wall_seconds'] * 1000:.0f} ms"
        yield row(name, f"`{name}`: process that prints clusters", seconds, start)


def _build(build: dict[str, Any]) -> str:
    return (
        f"{build['wall_seconds']:.1f} s = {build['start_seconds']:.1f} s overhead"
        f" + {build['sql_seconds']:.1f} s SQL; {build['marts_bytes'] / 1e6:,.0f} MB"
    )


def _used(usage: dict[str, Any]) -> tuple[str, str]:
    return f"{usage['cpu_seconds']:.1f} s", f"{usage['peak_bytes'] / 1e6:,.0f} MB"


def _questions(figures: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    found = ratios(figures)
    for where, answers in figures["questions"].items():
        for name, answer in answers.items():
            if name == "process":
                continue
            key = f"{where}: {name}"
            if "median_ms" in answer:
                times = [f"{answer[f'{time}_ms']:.1f} ms" for time in _TIMES]
            else:
                times = [f"> {answer['stopped_after_seconds']:.0f} s", "", "", "", ""]
            times.insert(3, shown(found.get(key)))
            bars = (judged(key, figures), shown(REFERENCE.get(key)))
            yield (_NAMES[name], _WHERE[where], str(answer["problems"]), *times, *bars)
        peak = f"{answers['process']['peak_bytes'] / 1e6:,.0f} MB peak memory"
        yield ("all of the above", _WHERE[where], "", peak, *[""] * 7)


def _nodes(figures: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    for name, seconds in list(figures["build"]["nodes"].items())[:_MOST_NODES]:
        yield (name, f"{seconds:.1f}")


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    """Yield the lines of a Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
