"""Draw growth: one small diagram per figure, against the number of observations, or of nights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot

_Figure = Callable[[dict[str, Any]], float]

_DIAGRAMS: dict[str, dict[str, _Figure]] = {
    "load, thousand rows/s": {
        "one export": lambda size: size["load"]["rows_per_second"] / 1e3,
    },
    "build after an export, s": {
        "total": lambda size: size["build"]["wall_seconds"],
        "SQL": lambda size: size["build"]["sql_seconds"],
    },
    "build after 0.1 % more, s": {
        "total": lambda size: size["build_with_more"]["wall_seconds"],
        "SQL": lambda size: size["build_with_more"]["sql_seconds"],
    },
    "answer, 95th percentile, ms": {
        "wide matrix": lambda size: size["questions"]["matrix"].get("p95_ms", float("nan")),
        "clusters": lambda size: size["questions"]["clusters"].get("p95_ms", float("nan")),
        "three-way join": lambda size: size["questions"]["actuations"].get("p95_ms", float("nan")),
    },
    "peak memory, GB": {
        "load": lambda size: size["load"]["peak_bytes"] / 1e9,
        "build": lambda size: size["build"]["peak_bytes"] / 1e9,
        "questions": lambda size: size["questions"]["process"]["peak_bytes"] / 1e9,
    },
    "on disk, GB": {
        "observations": lambda size: size["observations"]["bytes"] / 1e9,
        "marts": lambda size: size["build_with_more"]["marts_bytes"] / 1e9,
    },
}


_NIGHTS = {
    "dbt run after one more night, s": "build_with_one_more",
    "dbt run with nothing new, s": "build_with_nothing_new",
    "full build, s": "build",
}


def draw(sizes: list[dict[str, Any]], path: Path) -> None:
    """Write the diagrams of `bench.scale` as one SVG, which is the same for the same figures."""
    rows = [size["observations"]["rows"] / 1e6 for size in sizes]
    figure, axes = _subplots(2, 3)
    for axis, (title, lines) in zip(axes.flat, _DIAGRAMS.items(), strict=True):
        drawn = {name: (rows, [value(size) for size in sizes]) for name, value in lines.items()}
        _draw_lines(axis, title, "observations, million", drawn)
    _save(figure, path)


def draw_nights(histories: list[dict[str, Any]], path: Path) -> None:
    """Write the diagrams of `bench.nights` as one SVG, with a line per number of problems."""
    problems = sorted({history["problems"] for history in histories})
    figure, axes = _subplots(1, len(_NIGHTS))
    for axis, (title, step) in zip(axes.flat, _NIGHTS.items(), strict=True):
        drawn = {}
        for n in problems:
            points = sorted(
                (h["nights"], h[step]["wall_seconds"]) for h in histories if h["problems"] == n
            )
            drawn[f"{n} problems"] = ([x for x, _ in points], [y for _, y in points])
        _draw_lines(axis, title, "nights", drawn)
    _save(figure, path)


def _subplots(n_rows: int, n_columns: int) -> tuple[Any, Any]:
    # Text instead of paths keeps the file small and its diffs readable.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "obslake", "font.size": 8})
    size = (3 * n_columns, 2.5 * n_rows)
    figure, axes = pyplot.subplots(
        n_rows, n_columns, figsize=size, layout="constrained", squeeze=False
    )
    return figure, axes


def _draw_lines(
    axis: Any, title: str, unit: str, lines: dict[str, tuple[list[float], list[float]]]
) -> None:
    for name, (x, y) in lines.items():
        axis.plot(x, y, marker="o", markersize=3, label=name)
    axis.set_title(title)
    axis.set_xlabel(unit)
    axis.set_xlim(left=0)
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    if len(lines) > 1:
        axis.legend(frameon=False)


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, metadata={"Creator": None, "Date": None})
    pyplot.close(figure)
