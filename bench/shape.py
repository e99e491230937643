"""Sizes of the generated problems, computed without generating rows.

On average a problem has 26 implementations and 189 tests of 3.4 steps: a constructor and 2.4 calls.
"""

from collections.abc import Iterable
from dataclasses import dataclass

MEASUREMENTS = 4

_STEPS = (2, 3, 2, 4, 3, 5, 2, 4, 3, 6)


def implementations(problem: int) -> int:
    """Return the number of implementations of a problem: 20 to 32."""
    return 20 + (problem * 5 + 3) % 13


def tests(problem: int) -> int:
    """Return the number of tests of a problem: 126 to 252."""
    return 126 + (problem * 50 + 17) % 127


def steps(problem: int, test: int) -> int:
    """Return the number of steps of a test: 2 to 6."""
    return _STEPS[(problem * 7 + test) % len(_STEPS)]


@dataclass(frozen=True)
class Counts:
    """The numbers of rows that a load of generated problems appends.

    Attributes:
        actuations: executed steps of all implementations.
        specified: steps of the specified oracle, which are also observations.
        implementations: systems that were stimulated.
        tests: stimulus sheets.
    """

    actuations: int
    specified: int
    implementations: int
    tests: int

    @property
    def observations(self) -> int:
        """Rows of the table `observations`."""
        return self.actuations + self.specified


def count(problems: Iterable[int]) -> Counts:
    """Count the rows of one run of some problems."""
    totals = [0, 0, 0, 0]
    for problem in problems:
        stimuli = sum(steps(problem, test) for test in range(tests(problem)))
        n = implementations(problem)
        for i, more in enumerate((stimuli * n, stimuli, n, tests(problem))):
            totals[i] += more
    return Counts(*totals)


def choose(problems: int, share: float) -> list[int]:
    """Choose a share of the first problems, evenly spread, at least one."""
    chosen = max(1, round(problems * share))
    return sorted({int((i + 0.5) * problems / chosen) for i in range(chosen)})


def share(text: str) -> float:
    """Parse a share from the command line: 0.1% or 0.001."""
    value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    if not 0 < value <= 1:
        raise ValueError(f"not a share: {text}")
    return value
