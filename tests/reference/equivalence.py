"""Naive computation of canonical forms of responses under rules, from the response protocol alone.

Like `naive`, it shares nothing with the SQL: it uses Python's own JSON parser and decimal numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context
from typing import Any, NoReturn

DEEPEST = 24
"""Maximal nesting of containers; texts with deeper nesting are compared exactly."""


@dataclass(frozen=True, slots=True)
class Equivalence:
    """One row of the seed ``response_equivalences``; None means an empty field."""

    data_set_id: str | None
    problem_id: str | None
    rule: str
    argument: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one problem."""

    by_exception_class: bool = False
    by_key: bool = False
    significant_digits: int | None = None
    unordered: str | None = None

    @property
    def reads_json(self) -> bool:
        """Whether values are read as JSON."""
        return self.by_key or self.significant_digits is not None or self.unordered is not None


EXACT = Rules()


def rules_of(equivalences: Iterable[Equivalence], data_set_id: str, problem_id: str) -> Rules:
    """Return the rules of the most specific scope of a problem."""
    scopes: dict[int, dict[str, str | None]] = {}
    for row in equivalences:
        if row.data_set_id in (None, data_set_id) and row.problem_id in (None, problem_id):
            rank = 2 * (row.problem_id is not None) + (row.data_set_id is not None)
            scopes.setdefault(rank, {})[row.rule] = row.argument
    if not scopes:
        return EXACT
    rules = scopes[max(scopes)]
    digits = rules.get("significant_digits")
    return Rules(
        by_exception_class="exception_class" in rules,
        by_key="json" in rules,
        significant_digits=int(digits) if digits else None,
        unordered=(rules["unordered"] or "all") if "unordered" in rules else None,
    )


def canonical_form(response: str, response_kind: str, rules: Rules) -> str:
    """Return the canonical form of a response, which equal responses share."""
    if response_kind == "exception" and rules.by_exception_class:
        token, *rest = response.split("@")
        return f"{token}@{rest[0]}" if token == "$EXCEPTION" and rest else response
    if response_kind != "value" or not rules.reads_json:
        return response
    try:
        value = _parse(response)
    except (ValueError, RecursionError):
        return response
    if _depth(value) > DEEPEST:
        return response
    return _write(value, rules, [], is_outermost=True)


# Numbers and strings keep their recorded text; an object is the list of its pairs.
@dataclass(frozen=True, slots=True)
class _Number:
    text: str


@dataclass(frozen=True, slots=True)
class _Object:
    pairs: list[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class _Written:
    """A string, as recorded in the response."""

    text: str


def _parse(text: str) -> Any:
    """Return the tree of a JSON text, with every string as recorded."""
    # The parser would decode strings, so numbers replace them first.
    strings: list[str] = []
    plain, start, scanner = "", 0, json.decoder.scanstring  # type: ignore[attr-defined]
    while (quote := text.find('"', start)) >= 0:
        _, end = scanner(text, quote + 1, True)
        plain += text[start:quote] + f'"{len(strings)}"'
        strings.append(text[quote:end])
        start = end
    plain += text[start:]

    def restored(value: Any) -> Any:
        if isinstance(value, str):
            return _Written(strings[int(value)])
        if isinstance(value, list):
            return [restored(item) for item in value]
        if isinstance(value, _Object):
            return _Object([(strings[int(key)], restored(item)) for key, item in value.pairs])
        return value

    return restored(
        json.loads(
            plain,
            parse_float=_Number,
            parse_int=_Number,
            parse_constant=_refuse,
            object_pairs_hook=_Object,
        )
    )


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _depth(value: Any) -> int:
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    if isinstance(value, _Object):
        return 1 + max((_depth(item) for _, item in value.pairs), default=0)
    return 0


def _write(value: Any, rules: Rules, tags: list[str], *, is_outermost: bool) -> str:
    """Return the canonical text of a value.

    Args:
        value: the parsed value.
        rules: rules of the problem.
        tags: tag of the form around the value; ``pair`` for elements of a pair in a ``$dict``.
        is_outermost: whether the value is the outermost, or only the tag of an iterator is around it.
    """
    if isinstance(value, _Number):
        return rounded(value.text, rules.significant_digits)
    if isinstance(value, _Written):
        return value.text
    if isinstance(value, _Object):
        tag = value.pairs[0][0] if len(value.pairs) == 1 else ""
        inside = [tag] if tag.startswith('"$') else []
        iterates = is_outermost and tag in ('"$iterator"', '"$iterator_prefix"')
        pairs = [
            (key, _write(item, rules, inside, is_outermost=iterates and isinstance(item, list)))
            for key, item in value.pairs
        ]
        if rules.by_key:
            pairs.sort(key=lambda pair: pair[0])  # stable: a repeated key keeps its order
        return "{" + ",".join(f"{key}:{item}" for key, item in pairs) + "}"
    if isinstance(value, list):
        pair = ["pair"] if tags == ['"$dict"'] else []
        items = [_write(item, rules, pair, is_outermost=False) for item in value]
        if _is_unordered(rules, tags, is_outermost=is_outermost):
            items.sort()
        return "[" + ",".join(items) + "]"
    return {None: "null", True: "true", False: "false"}[value]


def _is_unordered(rules: Rules, tags: list[str], *, is_outermost: bool) -> bool:
    """Whether the order of the elements of an array is ignored."""
    if tags in (['"$set"'], ['"$frozenset"']):
        return True
    if tags == ['"$dict"']:
        return rules.by_key
    if tags not in ([], ['"$iterator"'], ['"$iterator_prefix"']):
        return False
    return rules.unordered == "all" or (rules.unordered == "outermost" and is_outermost)


def rounded(number: str, significant_digits: int | None) -> str:
    """Return a float rounded half away from zero, as ``<digit>.<digits>e<exponent>``; integers unchanged."""
    lower = number.lower()
    if significant_digits is None or not set(".e") & set(lower):
        return number
    mantissa, _, exponent = lower.partition("e")
    if len(exponent.lstrip("+-").lstrip("0")) > 9:
        return number
    # The exponent is added separately, so that no number is too large or too small for a decimal.
    exact = Context(prec=max(len(mantissa), 1), Emax=10**9, Emin=-(10**9))
    value = exact.create_decimal(mantissa)
    if value == 0:
        return "0.0e0"
    short = Context(prec=significant_digits, rounding=ROUND_HALF_UP).plus(value)
    sign, digits, _ = short.as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    return f"{'-' * sign}{text[0]}.{text[1:] or '0'}e{short.adjusted() + int(exponent or 0)}"
