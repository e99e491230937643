"""The classes of changes from one revision to the next, as reports order and colour them."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class ChangeClass(NamedTuple):
    """How changes of a class look.

    Attributes:
        tone: class of the style sheet: ``bad``, ``odd``, ``good`` or ``quiet``.
        colour: colour in plots.
    """

    tone: str
    colour: str


# The most severe first. Classes that the mart has and this list has not are shown as well.
CHANGES = {
    "regressed": ChangeClass("bad", "#b4433a"),
    "new and failing": ChangeClass("bad", "#cf6a5f"),
    "changed, both wrong": ChangeClass("odd", "#8a6d3b"),
    "changed": ChangeClass("odd", "#d9a441"),
    "stimulus changed": ChangeClass("odd", "#7a5bb0"),
    "gone": ChangeClass("quiet", "#8b95a3"),
    "skipped": ChangeClass("quiet", "#b3bac4"),
    "fixed": ChangeClass("good", "#2e8b57"),
    "unskipped": ChangeClass("quiet", "#5fa8a0"),
    "new": ChangeClass("quiet", "#2f6fbf"),
}
_UNKNOWN = ChangeClass("odd", "#c2528b")
_SEVERITIES: Mapping[str, float] = {name: place for place, name in enumerate(CHANGES)}

# Something is different, and nothing says that it is right.
UNKNOWN_SEVERITY = _SEVERITIES["changed"] + 0.5


def sorted_classes(names: Iterable[str]) -> list[str]:
    """Return different classes, the most severe first."""
    return sorted(set(names), key=lambda name: (_SEVERITIES.get(name, UNKNOWN_SEVERITY), name))


def look(name: str) -> ChangeClass:
    """Return how changes of a class look."""
    return CHANGES.get(name, _UNKNOWN)
