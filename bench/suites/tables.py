"""The results of the campaign as Markdown tables."""

from collections.abc import Iterable
from typing import Any


def outcome_table(results: dict[str, Any]) -> str:
    """Return the outcomes and the time of every suite with and without the recorder."""
    rows = [
        [
            "suite",
            "tests",
            "outcomes",
            "status",
            "warnings",
            "with the recorder",
            "calls",
            "s without",
            "s with",
            "µs a call",
        ]
    ]
    for title, result in results.items():
        if "error" in result:
            rows.append([title, result["error"].splitlines()[0]])
        elif "tests" in result:
            rows.append(_outcome_row(title, result))
    return _table(rows) + "\n" + "".join(_differences(results))


def trace_table(results: dict[str, Any]) -> str:
    """Return the agreement of the records with the second tracer."""
    rows = [
        [
            "suite",
            "tests",
            "calls recorded",
            "calls traced",
            "same",
            "tests that differ",
            "not compared: unsteady, disturbed",
        ]
    ]
    lines = []
    for title, result in results.items():
        trace = result.get("trace")
        if trace is None:
            continue
        rows.append(
            [
                title,
                *(
                    f"{trace[key]:,}"
                    for key in ("tests", "recorded", "traced", "same", "different")
                ),
                f"{len(trace['unsteady'])}, {len(trace['disturbed'])}",
            ]
        )
        for kind, (number, example) in trace["kinds"].items():
            lines.append(f"- {title}: {number} times {kind}: {example}\n")
    return _table(rows) + "\n" + "".join(lines)


def _outcome_row(title: str, result: dict[str, Any]) -> list[str]:
    outcomes = ", ".join(f"{number} {word}" for word, number in result["outcomes"].items())
    time_of_call = result["microseconds"]
    unsteady = result["unsteady"]
    n_unsteady = len(unsteady["tests"]) + len(unsteady["texts"]) if unsteady else 0
    return [
        title,
        f"{result['tests']:,}",
        outcomes,
        _both(result["exit_status"]),
        _both(result["warnings"]),
        result["in_short"] + (f" ({n_unsteady} unsteady)" if n_unsteady else ""),
        f"{result['calls']:,}",
        *(f"{seconds:.2f}" for seconds in result["seconds"]),
        "-" if time_of_call is None else f"{time_of_call:.1f}",
    ]


def _both(pair: list[Any]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]} → {pair[1]}"


def _differences(results: dict[str, Any]) -> Iterable[str]:
    for title, result in results.items():
        if "error" in result:
            yield f"\n{title}: {result['error']}\n"
        found = result.get("differences")
        if not found:
            continue
        for node_id, without, with_ in (*found["tests"], *found["texts"]):
            yield f"\n{title}: {node_id}\n  without: {without}\n  with:    {with_}\n"
        for warning, number in found["warnings"]:
            yield f"\n{title}: {number:+} times {warning}\n"


def _table(rows: list[list[str]]) -> str:
    width = len(rows[0])
    filled = [[*row, *[""] * (width - len(row))] for row in rows]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in filled]
    lines.insert(1, "|" + "---|" * width)
    return "\n".join(lines) + "\n"
