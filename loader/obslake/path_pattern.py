"""Patterns that name the parts of a path: ``ci/{run}/{environment}/*.xml``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from obslake.errors import SourceFormatError

PLACEHOLDERS = (
    "run",
    "environment",
    "revision",
    "implementation",
    "lineage",
    "problem",
    "data_set",
    "branch",
)

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
# As in glob patterns: `**` matches any folders, `*` and `?` match characters of one name.
_WILDCARD = re.compile(r"\*\*/|\*\*|\*|\?")
_WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@dataclass(frozen=True)
class PathPattern:
    """A pattern with named placeholders for parts of a path.

    Attributes:
        text: the pattern as given.
        names: its placeholders.
    """

    text: str
    names: tuple[str, ...]
    _regex: re.Pattern[str]

    @classmethod
    def parse(cls, text: str, allowed: Sequence[str]) -> "PathPattern":
        """Parse a pattern.

        Raises:
            SourceFormatError: a placeholder is unknown or repeated, or there is none.
        """
        names = tuple(_PLACEHOLDER.findall(text))
        for name in names:
            if name not in allowed:
                known = ", ".join(f"{{{n}}}" for n in allowed)
                raise SourceFormatError(
                    f"--path-pattern {text}: unknown placeholder {{{name}}}; there are {known}"
                )
            if names.count(name) > 1:
                raise SourceFormatError(f"--path-pattern {text}: {{{name}}} occurs twice")
        if not names:
            raise SourceFormatError(
                f"--path-pattern {text}: there is no placeholder, such as {{{allowed[0]}}}"
            )
        # Splitting by a pattern with one group gives literal text and names in turn.
        parts = _PLACEHOLDER.split(text.replace("\\", "/").removeprefix("./"))
        regex = "".join(
            f"(?P<{part}>[^/]+?)" if index % 2 else _literal(part)
            for index, part in enumerate(parts)
        )
        return cls(text, names, re.compile(f"(?:.*/)?{regex}", re.DOTALL))

    def match(self, path: Path) -> dict[str, str] | None:
        """Return the values of the placeholders; None if the end of the path does not match."""
        found = self._regex.fullmatch(path.as_posix())
        return found.groupdict() if found else None


def _literal(text: str) -> str:
    regex = ""
    end = 0
    for wildcard in _WILDCARD.finditer(text):
        regex += re.escape(text[end : wildcard.start()]) + _WILDCARDS[wildcard[0]]
        end = wildcard.end()
    return regex + re.escape(text[end:])
