"""The words of test harnesses for outcomes, and the verdicts of the response protocol that they mean.

All readers share this table, which docs/observations.md shows, and do not guess the meaning of other words. The
words are those of human-eval, EvalPlus, LiveCodeBench, MultiPL-E and online judges, of unittest, pytest, TAP,
Jest, Mocha, `go test -json`, CTest, TRX and NUnit.
"""

import re
from collections.abc import Mapping
from typing import Literal

Outcome = Literal["passed", "failed", "error", "skipped", "timeout", "crash", "not_executed"]

# Case, blanks, hyphens and underscores do not matter: `timed out` also matches `TIMED_OUT` and `timedout`.
_SPELLINGS: Mapping[Outcome, str] = {
    "passed": """
        passed, pass, ok, success, successful, succeeded, accepted, correct, xpass, xpassed, unexpected pass,
        unexpected success, ac
    """,
    "failed": """
        failed, fail, failure, nok, not ok, ko, not passed, unsuccessful, rejected, incorrect, wrong, wrong answer,
        wrong output, assertion error, presentation error, partially accepted, partially correct, wa, pe
    """,
    # The failure is not in the tested behaviour.
    "error": """
        error, errored, broken, exception, runtime error, compile error, compilation error, compilation failed,
        build failed, syntax error, internal error, system error, output limit exceeded, aborted, interrupted,
        disconnected, invalid, re, rte, ce, ole
    """,
    "skipped": """
        skipped, skip, ignored, ignore, disabled, pending, todo, suppressed, excluded, deselected, xfail, xfailed,
        expected fail, expected failure, inconclusive, incomplete
    """,
    "timeout": """
        timeout, timed out, timeout error, timeout expired, time limit, time limit exceeded,
        idleness limit exceeded, deadline exceeded, hang, hung, tle
    """,
    "crash": """
        crash, crashed, killed, terminated, segfault, segmentation fault, core dump, core dumped, panic, panicked,
        sigabrt, sigkill, sigsegv, out of memory, memory limit exceeded, oom, mle
    """,
    "not_executed": """
        not executed, not run, no run, never run, not runnable, not started, not tested, unexecuted, untested,
        blocked, cancelled, canceled
    """,
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
    normalize(word): outcome for outcome, words in _SPELLINGS.items() for word in words.split(",")
}


def outcome(word: str) -> Outcome | None:
    """Return the outcome that a word means; None: the word is unknown."""
    return OUTCOMES.get(normalize(word))
