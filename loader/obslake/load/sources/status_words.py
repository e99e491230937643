"""The words of test reports for the outcome of a case; those listed here are documented in docs/junit.md.

They are the words of all harnesses, and more that are unambiguous only in a report: elsewhere `done` or `good` may
be a returned value.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from obslake.load.sources.verdicts import Outcome, normalize, outcome

# A case that was not executed counts as skipped if a report names it.
Verdict = Literal["passed", "failed", "error", "skipped", "timeout", "crash"]

# From the least to the most severe; the most severe of several words counts.
_SEVERITY: tuple[Verdict, ...] = ("passed", "skipped", "failed", "error", "timeout", "crash")

UNKNOWN = "other"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OF_REPORTS: Mapping[Outcome, frozenset[str]] = {
    "passed": _words(
        """
        true complete completed
        done executed expected finished fixed flaky good green okay passedbutrunaborted passes
        passing positive ran run valid warning
        """
    ),
    "failed": _words("false bad failing fails failures negative red regression unexpected"),
    "error": _words(
        "abort ambiguous err errors fatal inprogress running started stopped warningaserror"
    ),
    "skipped": _words(
        """
        assumptionfailure assumptionviolated filtered ignoredtest muted na notapplicable notimplemented omitted
        planned quarantined queued scheduled skips unsupported waiting
        """
    ),
    "timeout": _words("timeouts"),
    "crash": _words("crashes"),
    "not_executed": _words("undefined"),
}
_MEANING = {word: meaning for meaning, words in OF_REPORTS.items() for word in words}


def verdict_of(word: str) -> Verdict | None:
    """Return the verdict of a word, or of the part before a colon (`failed: AssertionError`); None: unknown."""
    first = word.partition(":")[0]
    found = outcome(first) or _MEANING.get(normalize(first))
    return "skipped" if found == "not_executed" else found


def most_severe(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the most severe of several verdicts; None if there are none."""
    return max(verdicts, key=_SEVERITY.index, default=None)
