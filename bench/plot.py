"""Draw growth: one small diagram per figure, against the number of observations."""

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


def draw(sizes: list[dict[str, Any]], path: Path) -> None:
    """Write the diagrams as one SVG, which is the same for the same figures."""
    # Text instead of paths keeps the file small and its diffs readable.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "obslake", "font.size": 8})
    rows = [size["observations"]["rows"] / 1e6 for size in sizes]
    figure, axes = pyplot.subplots(2, 3, figsize=(9, 5), layout="constrained")
    for axis, (title, lines) in zip(axes.flat, _DIAGRAMS.items(), strict=True):
        for name, value in lines.items():
            axis.plot(rows, [value(size) for size in sizes], marker="o", markersize=3, label=name)
        axis.set_title(title)
        axis.set_xlabel("observations, million")
        axis.set_xlim(left=0)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        if len(lines) > 1:
            axis.legend(frameon=False)
    figure.savefig(path, metadata={"Creator": None, "Date": None})
    pyplot.close(figure)
