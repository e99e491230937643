"""The words of test harnesses for outcomes, and the verdicts of the response protocol that they mean.

All readers share this table and do not guess the meaning of other words.
"""

import re
from collections.abc import Mapping
from typing import Literal

Outcome = Literal["passed", "failed", "error", "skipped", "timeout", "crash", "not_executed"]

# Case, blanks, hyphens and underscores do not matter: `timed out` also matches `TIMED_OUT` and `timedout`.
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
    # The failure is not in the tested behaviour.
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

# The response in the protocol for an outcome without details.
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
    """Return a word without case, blanks, hyphens and underscores, as in ``OUTCOMES``."""
    return re.sub(r"[\s_-]+", "", word).casefold()


OUTCOMES: Mapping[str, Outcome] = {
    normalize(word): outcome for outcome, words in _SPELLINGS.items() for word in words
}


def outcome(word: str) -> Outcome | None:
    """Return the outcome that a word means; None: the word is unknown."""
    return OUTCOMES.get(normalize(word))
