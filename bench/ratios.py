"""Figures as multiples of R: the time in which DuckDB reads every value of the export on the same machine.

A busy machine slows both down, so ratios can be compared between runs, and seconds cannot. R is measured right
before and after each step.
"""

from collections.abc import Iterator
from typing import Any

# A ratio that has grown by more than this share is slower: less is noise.
NOISE = 0.15

# At most so many R, for the full size of 509 problems. R is 1.4 s if the machine does nothing else.
BARS = {
    "load": 8,
    "load Parquet": 4.3,
    "load JSON Lines": 17.9,
    "build": 18,
    "build with nothing new": 3.6,
    "build after 0.1% more": 4.3,
    "build after 1.0% more": 5.7,
    "obslake sql": 0.086,
    "marts: matrix": 0.0071,
    "marts: actuations": 0.0143,
    "marts: clusters": 0.0014,
    "marts: oracle": 0.0021,
    "iceberg: matrix": 0.0107,
    "iceberg: clusters": 0.0057,
    "package: clusters": 0.0143,
}
# The figures of the reference implementation of published observation lakehouses, for an export of the same shape
# (8.38 M actuations) on a machine with two cores.
REFERENCE = {
    "load": 71,
    "marts: matrix": 0.034,
    "marts: actuations": 0.05,
    "marts: clusters": 0.022,
    "iceberg: matrix": 0.034,
    "iceberg: clusters": 0.022,
    "package: clusters": 0.022,
}
FULL_SIZE = 509


def ratios(figures: dict[str, Any]) -> dict[str, float]:
    """Return the wall time of each step, and the 95th percentile of each question, in R."""
    found = {
        name: work["wall_seconds"] / work["read_seconds"]
        for name, work in _steps(figures)
        if work.get("read_seconds")
    }
    for where, answers in figures.get("questions", {}).items():
        for name, answer in answers.items():
            if "p95_ms" in answer and answers["process"].get("read_seconds"):
                seconds = answer["p95_ms"] / 1000
                found[f"{where}: {name}"] = seconds / answers["process"]["read_seconds"]
    return found


def slower(figures: dict[str, Any], earlier: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Return the ratios that have grown by more than noise, each with the earlier one.

    Raises:
        ValueError: the exports differ in size, so the ratios cannot be compared.
    """
    if figures["problems"] != earlier["problems"]:
        raise ValueError(
            f"{figures['problems']:,} problems cannot be compared with {earlier['problems']:,}"
        )
    before = ratios(earlier)
    return {
        name: (before[name], now)
        for name, now in ratios(figures).items()
        if name in before and now > before[name] * (1 + NOISE)
    }


def shown(ratio: float | None) -> str:
    """Format a ratio, if there is one; small ones in mR, thousandths of R."""
    if ratio is None:
        return ""
    return f"{ratio * 1000:.1f} mR" if ratio < 0.1 else f"{ratio:.1f} R"


def judged(name: str, figures: dict[str, Any]) -> str:
    """Format a bar, and whether it is met; nothing for an export of another size."""
    bar = BARS.get(name)
    ratio = ratios(figures).get(name)
    if bar is None or ratio is None or figures["problems"] != FULL_SIZE:
        return ""
    return f"{shown(bar)}: {'met' if ratio <= bar else 'missed'}"


def _steps(figures: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each measured step by its name, in the order of the table."""
    for name, key in {
        "load": "load",
        "build": "build",
        "build with nothing new": "build_with_nothing_new",
        "compact": "compact",
    }.items():
        if work := figures.get(key):
            yield name, work
    yield from figures.get("starts", {}).items()
    for kind, work in figures.get("load_rows", {}).items():
        yield f"load {kind}", work
    for share, work in figures.get("build_with_more", {}).items():
        yield f"build after {share} more", work
