"""The words in which test harnesses say how a test ended, and what they are in the response protocol.

One table for all readers: a word that is not in it is never taken for one that is.
"""

import re
from collections.abc import Mapping
from typing import Literal

Outcome = Literal["passed", "failed", "error", "skipped", "timeout", "crash", "not_executed"]

# Case, blanks, hyphens and underscores say nothing: `timed out` stands for `TIMED_OUT` and `timedout` as well.
_SPELLINGS: Mapping[Outcome, tuple[str, ...]] = {
    "passed": (
        "passed",
        "pass",
        "ok",
        "success",
        "successful",
        "succeeded",
        "accepted",
        "correct",
        "xpass",
        "xpassed",
    ),
    "failed": (
        "failed",
        "fail",
        "failure",
        "nok",
        "not ok",
        "ko",
        "unsuccessful",
        "rejected",
        "incorrect",
        "wrong",
        "wrong answer",
    ),
    # Something else went wrong than what was tested.
    "error": (
        "error",
        "errored",
        "broken",
        "exception",
        "runtime error",
        "compile error",
        "compilation error",
        "syntax error",
        "aborted",
        "interrupted",
        "disconnected",
        "invalid",
    ),
    "skipped": (
        "skipped",
        "skip",
        "ignored",
        "ignore",
        "disabled",
        "pending",
        "todo",
        "suppressed",
        "excluded",
        "deselected",
        "xfail",
        "xfailed",
        "expected failure",
        "inconclusive",
        "incomplete",
    ),
    "timeout": (
        "timeout",
        "timed out",
        "time out",
        "time limit exceeded",
        "deadline exceeded",
    ),
    "crash": (
        "crash",
        "crashed",
        "killed",
        "terminated",
        "segfault",
        "segmentation fault",
        "out of memory",
        "memory limit exceeded",
    ),
    "not_executed": (
        "not executed",
        "not run",
        "no run",
        "not runnable",
        "not started",
        "unexecuted",
        "untested",
        "blocked",
        "cancelled",
        "canceled",
    ),
}

# What stands in the protocol for an outcome of which no more is known.
TOKENS: Mapping[Outcome, str] = {
    "passed": "passed",
    "failed": "failed",
    "error": "error",
    "skipped": "skipped",
    "timeout": "$TIMEOUT",
    "crash": "$CRASH",
    "not_executed": "$*",
}


def normalize(word: str) -> str:
    """Return a word as the table has it: without case, blanks, hyphens and underscores."""
    return re.sub(r"[\s_-]+", "", word).casefold()


OUTCOMES: Mapping[str, Outcome] = {
    normalize(word): outcome for outcome, words in _SPELLINGS.items() for word in words
}


def outcome(word: str) -> Outcome | None:
    """Return how a test ended that ended with this word; None: the word is not known."""
    return OUTCOMES.get(normalize(word))
