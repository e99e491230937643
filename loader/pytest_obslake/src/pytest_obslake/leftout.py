"""What is not recorded, and why."""

from __future__ import annotations

from typing import Any

IN_C = "written in C"
NO_CONSTRUCTOR = (
    "no constructor in Python, so objects are named after the first step that meets them"
)
OTHER_NAME = "recorded under another name"
BOUND = "a bound method"
CACHED = "calls answered by a cache"
REPLACED = "named, and replaced by functions that record"
EXCHANGED = "its code was exchanged by the suite, and not heard any more"
NOT_FOLLOWED = "answers that run later and cannot be followed"
FORKED = "child processes forked: what they call is not recorded"
STARTED = "child processes started: what they call is not recorded"
DISCARDED = "calls that drew arguments which Hypothesis discarded"
TEST = "tests, which are no targets"
NO_CALL = "targets of which no call was recorded"

_N_NAMES = 3
_N_NAMES_KEPT = 100


class LeftOut:
    """Reasons, and for each how often it was so and of what."""

    def __init__(self) -> None:
        """Leave nothing out so far."""
        self._counts: dict[str, int] = {}
        self._names: dict[str, dict[str, None]] = {}

    def add(self, reason: str, name: str = "", count: int = 1) -> None:
        """Leave something out."""
        self._counts[reason] = self._counts.get(reason, 0) + count
        names = self._names.setdefault(reason, {})
        if name and len(names) < _N_NAMES_KEPT:
            names[name] = None

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return bool(self._counts)

    def lines(self) -> list[str]:
        """Say it in short: reason, count, up to three names."""
        lines = []
        for reason, count in self._counts.items():
            names = list(self._names[reason])
            shown = ", ".join(names[:_N_NAMES]) + (", …" if len(names) > _N_NAMES else "")
            lines.append(f"{reason}: {count}" + (f" ({shown})" if shown else ""))
        return lines

    def records(self) -> list[dict[str, Any]]:
        """Say it for machines: up to a hundred names of each."""
        return [
            {"reason": reason, "count": count, "names": list(self._names[reason])}
            for reason, count in self._counts.items()
        ]

    def text(self) -> str:
        """Say it as one text, with all names that were kept."""
        return "; ".join(
            f"{reason}: {', '.join(self._names[reason]) or count}"
            for reason, count in self._counts.items()
        )
