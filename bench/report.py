"""Format figures as Markdown, for standard output and docs/performance.md."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# Targets; in brackets, the figures of the reference implementation of published observation lakehouses, on a
# machine with two cores, for an export of the same shape (8.38 M actuations).
_BARS = {
    "load": "≥ 800,000 rows/s in < 3 GB (81,000 rows/s, 9.8 GB)",
    "bytes": "< 34 MB (57 MB)",
    "build": "< 30 s",
    "nothing": "< 6 s",
    "0.1%": "< 10 s",
    "start": "< 0.5 s",
}
_QUESTION_BARS = {
    ("marts", "matrix"): "p95 < 10 ms (mean 48 ms)",
    ("marts", "clusters"): "p95 < 3 ms (mean 31 ms)",
    ("marts", "oracle"): "p95 < 3 ms",
    ("marts", "actuations"): "p95 < 14 ms (mean 70 ms)",
    ("iceberg", "matrix"): "p95 < 20 ms",
    ("iceberg", "clusters"): "p95 < 8 ms",
}
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
            *table(("work", "result", "CPU", "peak memory", "bar"), _work(figures)),
            "",
            *table(
                (
                    "question, one problem",
                    "queried",
                    "problems",
                    "median",
                    "mean",
                    "p95",
                    "max",
                    "mean CPU",
                    "bar",
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
    export, load, build = figures["export"], figures["load"], figures["build"]
    stored = load["observations"]
    yield (
        "DuckDB reads every value of the export",
        f"{export['read']['seconds']:.1f} s, {export['read']['rows']:,} cells in"
        f" {export['bytes'] / 1e6:,.0f} MB",
        "",
        "",
        "",
    )
    yield (
        "load",
        f"{load['wall_seconds']:.1f} s, {load['rows_per_second']:,} rows/s",
        *_used(load),
        _BARS["load"],
    )
    yield (
        "observations on disk",
        f"{stored['bytes'] / 1e6:.1f} MB in {stored['files']} files",
        "",
        "",
        _BARS["bytes"],
    )
    yield ("full build", _build(build), *_used(build), _BARS["build"])
    nothing = figures["build_with_nothing_new"]
    yield ("build with nothing new", _build(nothing), *_used(nothing), _BARS["nothing"])
    for share, more in figures["build_with_more"].items():
        yield (
            f"build after {share} more ({more['load']['rows']:,} rows)",
            _build(more),
            *_used(more),
            _BARS.get(share, ""),
        )
        load = more["load"]
        yield (f"load of {share} more", f"{load['wall_seconds']:.1f} s", *_used(load), "")
    if compact := figures["compact"]:
        files = f"{compact['before']['files']} files to {compact['after']['files']}"
        yield ("compact", f"{compact['wall_seconds']:.1f} s, {files}", *_used(compact), "")
    for name, start in figures["starts"].items():
        seconds = f"{start['wall_seconds'] * 1000:.0f} ms"
        yield (f"`{name}`: process that prints clusters", seconds, *_used(start), _BARS["start"])


def _build(build: dict[str, Any]) -> str:
    return (
        f"{build['wall_seconds']:.1f} s = {build['start_seconds']:.1f} s overhead"
        f" + {build['sql_seconds']:.1f} s SQL; {build['marts_bytes'] / 1e6:,.0f} MB"
    )


def _used(usage: dict[str, Any]) -> tuple[str, str]:
    return f"{usage['cpu_seconds']:.1f} s", f"{usage['peak_bytes'] / 1e6:,.0f} MB"


def _questions(figures: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    for where, answers in figures["questions"].items():
        for name, answer in answers.items():
            if name == "process":
                continue
            bar = _QUESTION_BARS.get((where, name), "")
            if "median_ms" in answer:
                times = [f"{answer[f'{time}_ms']:.1f} ms" for time in _TIMES]
            else:
                times = [f"> {answer['stopped_after_seconds']:.0f} s", "", "", "", ""]
            yield (_NAMES[name], _WHERE[where], str(answer["problems"]), *times, bar)
        peak = f"{answers['process']['peak_bytes'] / 1e6:,.0f} MB peak memory"
        yield ("all of the above", _WHERE[where], "", peak, "", "", "", "", "")


def _nodes(figures: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    for name, seconds in list(figures["build"]["nodes"].items())[:_MOST_NODES]:
        yield (name, f"{seconds:.1f}")


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    """Yield the lines of a Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
