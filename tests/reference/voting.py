"""Naive computation of who votes, and of how many votes an oracle needs, from docs/configuration.md alone.

Like `naive`, it shares nothing with the SQL: shares are fractions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

VOTING_KINDS = frozenset({"value", "void", "instance", "exception", "verdict"})
ELIGIBILITY_KINDS = frozenset({"value", "void", "verdict"})
"""An implementation votes only if it has at least one cell of these kinds in the problem."""

SUBJECTS = ("kind", "exception", "response", "implementation")
"""What rules say votes or abstains."""


@dataclass(frozen=True, slots=True)
class VotingRule:
    """One row of the seed ``voting_rules``; None means an empty field."""

    data_set_id: str | None
    problem_id: str | None
    rule: str
    argument: str | None = None


@dataclass(frozen=True, slots=True)
class Voting:
    """How the implementations of a problem vote.

    Attributes:
        one_vote_per: ``implementation``; ``code`` or ``origin``: only the first of the voters of a problem that
            are known to have the same one votes.
        minimal_support: least number of votes for an oracle, or a share with an offset.
        eligible_kinds: kinds of responses one of which an implementation must have given to vote.
        opinions: pairs of a rule that says what votes or abstains, and its argument.
    """

    one_vote_per: str = "implementation"
    minimal_support: int | str = 1
    eligible_kinds: frozenset[str] = ELIGIBILITY_KINDS
    opinions: frozenset[tuple[str, str]] = frozenset()

    def votes_needed(self, n_voters: int, n_implementations: int) -> int:
        """Return the number of votes that an oracle needs."""
        words = str(self.minimal_support).split(" ")
        if len(words) == 1:
            return int(words[0])
        is_more = words[:2] == ["more", "than"]
        share, _, of, *offset = words[2:] if is_more else words
        exact = Fraction(share) * {"voters": n_voters, "implementations": n_implementations}[of]
        least = math.floor(exact) + 1 if is_more else math.ceil(exact)
        return least + (int(offset[1]) if offset else 0)

    def lets_vote(self, kind: str, response: str) -> bool:
        """Whether a response is a vote."""
        parts = response.split("@")
        texts = {
            "response": response,
            "exception": parts[1] if kind == "exception" and len(parts) > 1 else "",
        }
        for subject in ("response", "exception"):
            if subject == "exception" and kind != "exception":
                continue
            said = {
                rule
                for rule, argument in self.opinions
                if rule.endswith(subject) and matches(argument, texts[subject])
            }
            if said:
                return f"voting_{subject}" in said
        if ("voting_kind", kind) in self.opinions:
            return True
        return kind in VOTING_KINDS and ("abstaining_kind", kind) not in self.opinions

    def excludes(self, implementation_id: str) -> bool:
        """Whether rules name an implementation that does not vote."""
        said = {
            rule
            for rule, argument in self.opinions
            if rule.endswith("implementation") and matches(argument, implementation_id)
        }
        return said == {"abstaining_implementation"}


def matches(pattern: str, text: str) -> bool:
    """Whether a text matches a pattern in which only ``*`` has a meaning."""
    return bool(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL))


def voting_of(
    default: Voting, rules: Iterable[VotingRule], data_set_id: str, problem_id: str
) -> Voting:
    """Return how the implementations of a problem vote: by the rules of the most specific scope with any."""
    scopes: dict[tuple[bool, bool], list[VotingRule]] = {}
    for row in rules:
        if row.data_set_id in (None, data_set_id) and row.problem_id in (None, problem_id):
            scope = (row.problem_id is not None, row.data_set_id is not None)
            scopes.setdefault(scope, []).append(row)
    if not scopes:
        return default
    rows = scopes[max(scopes)]
    arguments = {row.rule: row.argument or "" for row in rows}
    kinds = frozenset(row.argument or "" for row in rows if row.rule == "eligible_kind")
    return replace(
        default,
        one_vote_per=arguments.get("one_vote_per", default.one_vote_per),
        minimal_support=arguments.get("minimal_support", default.minimal_support),
        eligible_kinds=kinds or default.eligible_kinds,
        opinions=frozenset(
            (row.rule, row.argument or "")
            for row in rows
            if row.rule.endswith(SUBJECTS) and row.rule != "eligible_kind"
        ),
    )
