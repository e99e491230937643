"""Count what is not recorded, by reason."""

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
EXCHANGED = "its code was replaced by the suite, and is not observed any more"
NOT_FOLLOWED = "answers that run later and cannot be followed"
FORKED = "child processes forked: their calls are not recorded"
STARTED = "child processes started: their calls are not recorded"
INTERRUPTED = "calls that the handler of a signal ended before their body"
DISCARDED = "calls that drew arguments which Hypothesis discarded"
TEST = "tests, which are not targets"
NO_CALL = "targets without a recorded call"

_N_NAMES = 3
_N_NAMES_KEPT = 100


class LeftOut:
    """Reasons, each with a count and names."""

    def __init__(self) -> None:
        """Start without reasons."""
        self._counts: dict[str, int] = {}
        self._names: dict[str, dict[str, None]] = {}

    def add(self, reason: str, name: str = "", count: int = 1) -> None:
        """Count something that is left out."""
        self._counts[reason] = self._counts.get(reason, 0) + count
        names = self._names.setdefault(reason, {})
        if name and len(names) < _N_NAMES_KEPT:
            names[name] = None

    def __bool__(self) -> bool:
        """Return whether anything is left out."""
        return bool(self._counts)

    def lines(self) -> list[str]:
        """Return a line per reason: reason, count, up to three names."""
        lines = []
        for reason, count in self._counts.items():
            names = list(self._names[reason])
            shown = ", ".join(names[:_N_NAMES]) + (", …" if len(names) > _N_NAMES else "")
            lines.append(f"{reason}: {count}" + (f" ({shown})" if shown else ""))
        return lines

    def records(self) -> list[dict[str, Any]]:
        """Return the reasons for the last record, with up to a hundred names each."""
        return [
            {"reason": reason, "count": count, "names": list(self._names[reason])}
            for reason, count in self._counts.items()
        ]

    def text(self) -> str:
        """Return the reasons as one text, with the stored names."""
        return "; ".join(
            f"{reason}: {', '.join(self._names[reason]) or count}"
            for reason, count in self._counts.items()
        )
