"""Reports as Markdown and as JSON, for job summaries and comments: the worst first, as far as there is room."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from obslake.markdown import MOST_BYTES, LimitedMarkdown, short_code
from obslake.report.changes import sorted_classes
from obslake.report.overview import Overview

_LONGEST_TEXT = 160

Lineages = Sequence[dict[str, Any]]


_NUMBERS = {
    "look": "To look at",
    "implementations": "Implementations",
    "clusters": "Clusters",
    "stimuli": "Stimuli",
    "ties": "Ties",
    "suspects": "Suspects",
    "flaky": "Unstable",
    "regressed": "Regressed",
}


def to_markdown(overview: Overview, lineages: Lineages, most_bytes: int = MOST_BYTES) -> str:
    """Return the overview and what the last revisions of lineages changed, in at most so many bytes of UTF-8."""
    text = LimitedMarkdown(most_bytes)
    counts = ", ".join(f"{number:,} {noun}" for noun, number in overview.counts.items())
    ending = overview.ending(short_code)
    text.add(f"# Behaviour report\n\n{counts}. {overview.built.text}{ending}\n")
    heads = ["Run", "Environment", "Data set", "Reason"]
    shown = _set_aside(overview)
    runs = (
        [
            *(short_code(each[name]) for name in ("run", "environment", "data_set")),
            short_code(each["reason"]),
        ]
        for each in shown
    )
    text.add_table(
        "Runs that are set aside, and count in nothing below:", heads, runs, len(shown), "runs"
    )
    for place, parts in enumerate(lineages):
        # Each lineage gets a part of the room, so that a long one does not hide all others.
        section = LimitedMarkdown(text.left // 2)
        if not _add_lineage(section, parts) or not text.add(section.text):
            text.add(f"\n{len(lineages) - place:,} more lineages: see `obslake report`.\n")
            break
    columns = (overview.problems[name] for name in ("problem", "data_set", *_NUMBERS))
    rows = (
        [short_code(problem), short_code(data_set), *(f"{number or 0:,}" for number in numbers)]
        for problem, data_set, *numbers in zip(*columns, strict=True)
    )
    heads = ["Problem", "Data set", *_NUMBERS.values()]
    text.add_table("## Problems", heads, rows, len(overview.chosen), "problems")
    return text.text


def _set_aside(overview: Overview) -> list[dict[str, Any]]:
    """Return the chosen run if it is set aside; of a report on all runs, those that are."""
    return [each for each in overview.set_aside if overview.run in (None, each["run"])]


def _add_lineage(text: LimitedMarkdown, parts: dict[str, Any]) -> bool:
    """Add a section on a lineage; return whether there was room for its beginning."""
    lineage, revisions = parts["lineage"], parts["revisions"]
    last = len(revisions) - 1
    counted: dict[str, int] = revisions[last]["changes"] or {}
    name = revisions[last]["revision"] or revisions[last]["implementation"]
    title = f"## {short_code(lineage['lineage'])} in {short_code(lineage['environment'])}"
    summary = ", ".join(f"{counted[change]:,} {change}" for change in sorted_classes(counted))
    if not text.add(f"\n{title}\n\nRevision {short_code(name)}: {summary or 'no changes'}.\n"):
        return False
    heads = ["Change", "Test", "Problem", "Before", "After"]
    changes = (
        [
            each["change"],
            short_code(_stimulus(each)),
            short_code(each["problem"]),
            _response(each["before"]),
            _response(each["after"]),
        ]
        for each in parts.get("changes", ())
        if each["revision"] == last
    )
    text.add_table("", heads, changes, sum(counted.values()), "changes")
    failures = parts.get("failures", ())
    rows = ([str(each["tests"]), short_code(each["message"])] for each in failures)
    text.add_table(
        "Wrong responses of the last run:", ["Tests", "Response"], rows, len(failures), "messages"
    )
    unstable = parts.get("unstable_steps", ())
    heads = ["Test", "Other than usual", "Usual", "Another"]
    rows = (
        [
            short_code(_stimulus(each)),
            f"{each['executions'] - each['n_usual']} of {each['executions']}",
            short_code(each["usual"]),
            short_code(each["other"]),
        ]
        for each in unstable
    )
    text.add_table("Unstable responses:", heads, rows, len(unstable), "responses")
    return True


def _stimulus(row: dict[str, Any]) -> str:
    """Name a step after its test; most tests have one only."""
    return f"{row['test']} · step {row['step']}" if row["step"] else str(row["test"])


def _response(text: str | None) -> str:
    return "not executed" if text is None else short_code(text)


def to_json_twin(overview: Overview, lineages: Lineages, most_bytes: int = MOST_BYTES) -> str:
    """Return the same as one JSON object in at most so many bytes; ``left_out`` counts what had no room."""
    names = ["data_set", "problem", *_NUMBERS]
    problems = [
        dict(zip(names, row, strict=True))
        for row in zip(*(overview.problems[name] for name in names), strict=True)
    ]
    set_aside = _set_aside(overview)
    result: dict[str, Any] = {
        "built": {
            "snapshot_id": overview.built.snapshot_id,
            "last_load": overview.built.loads[0].at if overview.built.loads else None,
            "versions": overview.built.versions,
            "run": overview.run,
            "later_runs": overview.n_later,
        },
        "counts": overview.counts,
        "set_aside": [],
        "lineages": [],
        "problems": [],
        "left_out": {
            "set_aside": len(set_aside),
            "lineages": len(lineages),
            "problems": len(problems),
        },
    }
    _fill(
        result,
        "set_aside",
        set_aside,
        most_bytes // 4,
        lambda row: {k: _cut(v) for k, v in row.items()},
    )
    _fill(result, "lineages", lineages, most_bytes, _shorten)
    _fill(result, "problems", problems, most_bytes, lambda row: row)
    return _dump(result)


def _fill(
    result: dict[str, Any],
    name: str,
    items: Sequence[dict[str, Any]],
    most_bytes: int,
    shorten: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    size = len(_dump(result).encode())
    # Problems keep a part of the room, however much lineages have to say.
    limit = most_bytes * 2 // 3 if name == "lineages" else most_bytes
    for item in items:
        shortened = shorten(item)
        size += len(_dump(shortened).encode()) + 2
        if size > limit:
            return
        result[name].append(shortened)
        result["left_out"][name] -= 1


def _shorten(parts: dict[str, Any]) -> dict[str, Any]:
    """Return what a lineage's page says of its last revision, with short texts."""
    revisions = parts["revisions"]
    last = len(revisions) - 1
    changes = [each for each in parts.get("changes", ()) if each["revision"] == last]
    return {
        **parts["lineage"],
        "revision": revisions[last],
        "last_run": parts.get("slices", [None])[-1],
        "changed": [{k: _cut(v) for k, v in each.items()} for each in changes[:50]],
        "failures": [
            {**each, "message": _cut(each["message"])} for each in parts.get("failures", ())
        ][:20],
        "unstable": [
            {k: _cut(v) for k, v in each.items()} for each in parts.get("unstable_steps", ())
        ][:20],
    }


def _cut(value: object) -> object:
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}…"
    return value


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
