"""Naive computation of canonical forms of responses under rules, from the response protocol alone.

Like `naive`, it shares nothing with the SQL: it uses Python's own JSON parser, decimal numbers, regular
expressions and Unicode tables.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Context
from typing import Any

DEEPEST = 24
"""Maximal nesting of containers; texts with deeper nesting are compared exactly."""

MASK = "█"


@dataclass(frozen=True, slots=True)
class Equivalence:
    """One row of the seed ``response_equivalences``; None means an empty field."""

    data_set_id: str | None
    problem_id: str | None
    test_pattern: str | None
    rule: str
    argument: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one test."""

    by_exception_class: bool = False
    by_key: bool = False
    by_spelling: bool = False
    significant_digits: int | None = None
    in_text: bool = False
    unordered: str | None = None
    by_python: bool = False
    by_sequence: bool = False
    by_unicode: bool = False
    by_case: bool = False
    by_whitespace: bool = False
    masks: frozenset[str] = frozenset()
    own_masks: frozenset[str] = frozenset()

    @property
    def reads_json(self) -> bool:
        """Whether values are read as JSON."""
        return bool(
            self.by_key
            or self.significant_digits
            or self.unordered
            or self.by_unicode
            or self.by_case
            or self.by_whitespace
        )


EXACT = Rules()


def scopes_of(
    equivalences: Iterable[Equivalence], data_set_id: str, problem_id: str
) -> list[tuple[str | None, Rules]]:
    """Return the rules of a problem: patterns of tests, with the rules of each, in the order in which they apply.

    The pattern None is for all tests, and the last one.
    """
    scopes: dict[tuple[Any, ...], list[Equivalence]] = {}
    for row in equivalences:
        if row.data_set_id in (None, data_set_id) and row.problem_id in (None, problem_id):
            pattern = row.test_pattern
            precedence = (
                row.problem_id is None,
                row.data_set_id is None,
                pattern is None,
                -len((pattern or "").replace("*", "")),
                pattern or "",
            )
            scopes.setdefault(precedence, []).append(row)
    found: dict[str | None, Rules] = {}
    for precedence in sorted(scopes):
        rows = scopes[precedence]
        found.setdefault(rows[0].test_pattern, _rules(rows))
        if rows[0].test_pattern is None:
            break
    if found.get(None) == EXACT:
        del found[None]
    return list(found.items())


def rules_of(
    equivalences: Iterable[Equivalence], data_set_id: str, problem_id: str, test_id: str
) -> Rules:
    """Return the rules of the most specific scope of a test, by its latest name."""
    for pattern, rules in scopes_of(equivalences, data_set_id, problem_id):
        expression = ".*".join(map(re.escape, (pattern or "*").split("*")))
        if re.fullmatch(expression, test_id, re.DOTALL):
            return rules
    return EXACT


def _rules(rows: Iterable[Equivalence]) -> Rules:
    arguments = {row.rule: row.argument or "" for row in rows}
    masks = [row.argument or "" for row in rows if row.rule == "mask"]
    digits, _, place = arguments.get("significant_digits", "").partition(" ")
    by_python = "python_equality" in arguments
    return Rules(
        by_exception_class="exception_class" in arguments,
        by_key="json" in arguments or by_python,
        by_spelling=arguments.get("json") == "spelling" or by_python,
        significant_digits=int(digits) if digits else None,
        in_text=bool(place),
        unordered=(arguments["unordered"] or "all") if "unordered" in arguments else None,
        by_python=by_python,
        by_sequence=arguments.get("python_equality") == "sequences",
        by_unicode="unicode" in arguments,
        by_case="case" in arguments,
        by_whitespace="whitespace" in arguments,
        masks=frozenset(mask for mask in masks if mask in MASKS),
        own_masks=frozenset(mask[1:-1] for mask in masks if mask not in MASKS),
    )


def canonical_form(response: str, response_kind: str, rules: Rules) -> str:
    """Return the canonical form of a response, which equal responses share."""
    if response_kind == "exception":
        token, *parts = response.split("@", 2)
        if token != "$EXCEPTION" or not parts:
            return plain(changed(response, rules), rules)
        if rules.by_exception_class or len(parts) == 1:
            return f"{token}@{parts[0]}"
        message = plain(changed(parts[1], rules), rules)
        return f"{token}@{parts[0]}@{message}"
    if response_kind != "value" or response.startswith("$TRUNCATED@"):
        return response
    text = changed(response, rules)
    if not rules.reads_json or text.startswith("$"):
        return plain(text, rules)
    try:
        value = _parse(text, rules)
    except (ValueError, RecursionError):
        return plain(text, rules)
    if _depth(value) > DEEPEST:
        return plain(text, rules)
    return _write(_with_lists(value, rules), rules, [], is_outermost=True)


# --- texts ---------------------------------------------------------------------------------------

_HEX = "[0-9a-fA-F]"
_CLOCK = r"\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?"
_ZONE = r"(?:[ ]?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_START = r"(?P<kept>\b|\\[nrt])"
_PATH_START = r"""(?P<kept>^|\\[nrt]|[ \t\n\r"'`(=,:;<>|{\[])"""

MASKS = {
    "timestamps": rf"\d{{4}}[/-]\d\d[/-]\d\d[T ]{_CLOCK}{_ZONE}"
    rf"|{_DAY},?[ ]\d\d?[ ]{_MONTH}[ ]\d{{4}}[ ]{_CLOCK}{_ZONE}"
    rf"|{_DAY}[ ]{_MONTH}[ ][ ]?\d\d?[ ]{_CLOCK}(?:[ ][A-Z]{{3,4}})?[ ]\d{{4}}",
    "uuids": rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}",
    "hex_addresses": rf"0[xX]{_HEX}{{6,16}}|@[0-9a-f]{{5,8}}\b",
    "temporary_names": rf"{_START}(?:tmp[0-9a-z_]{{8}}|tmp\d{{9,20}}|tmp[.-][0-9A-Za-z]{{6,10}}"
    r"|pytest-of-[\w.-]+/pytest-\d+|junit-?\d{9,20})\b",
    "absolute_paths": rf"{_PATH_START}(?:(?:/[\w.@+~%$█-]+)(?:/[\w.@+~%$█-]+)+/?"
    r"|[A-Za-z]:(?:\\\\?[\w.@+~%$█-]+)+)",
    "line_numbers": r"(?P<kept>(?:\b|\\[nrt])[Ll]ines?[ ]|\.[A-Za-z]{1,5}:)\d+(?:[:-]\d+)?\b",
    "durations": rf"{_START}\d+(?:\.\d+)?(?:e-\d+)?[ ]?"
    r"(?:[nuµm]?s|secs?|seconds?|mins?|minutes?|h|hours?|min)\b",
}
"""Regular expressions of the lists, in the order in which they apply."""


def changed(text: str, rules: Rules) -> str:
    """Return a text, masked, without what other rules ignore, and masked again where these changed it."""
    recorded = masked(text, rules)
    text = _same_text(recorded, rules)
    return text if text == recorded else masked(text, rules)


def masked(text: str, rules: Rules) -> str:
    """Return a text with a mask for each match."""
    if rules.own_masks:
        # What the expressions leave out never includes the mask.
        own = [expression.replace("[^", f"[^{MASK}") for expression in sorted(rules.own_masks)]
        text = re.sub("|".join(f"(?:{e})" for e in own), MASK, text, flags=re.ASCII)
    for name, expression in MASKS.items():
        if name in rules.masks:
            text = re.sub(
                expression,
                lambda found: (found.groupdict().get("kept") or "") + MASK,
                text,
                flags=re.ASCII,
            )
    return text


_LETTERS = ((0x41, 0x5A), (0xC0, 0x24F), (0x370, 0x556), (0x1E00, 0x1FFF))
_BYTES = r"""(?P<bytes>"\$bytes"[ \t\n\r]*:[ \t\n\r]*"[^"]*"|"\$bytearray"[ \t\n\r]*:[ \t\n\r]*"[^"]*")|[^"]+|\""""
_BLANK = "[ \t\n\x0b\f\r\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"


def _same_text(text: str, rules: Rules) -> str:
    """Return a text without what `unicode`, `case` and `whitespace` ignore."""
    if rules.by_unicode:
        text = unicodedata.normalize("NFC", text)
    if rules.by_case:
        text = re.sub(_BYTES, lambda e: e[0] if e["bytes"] else _small(e[0]), text)
    if rules.by_unicode:
        text = unicodedata.normalize("NFC", text)
    return re.sub(_BLANK, " ", text).strip(" ") if rules.by_whitespace else text


def _small(text: str) -> str:
    return "".join(c.lower() if any(a <= ord(c) <= b for a, b in _LETTERS) else c for c in text)


def plain(text: str, rules: Rules) -> str:
    """Return the canonical form of a text that is not JSON, from what text rules make of it."""
    if not rules.in_text:
        return text

    def word(found: re.Match[str]) -> str:
        for end in ("", "."):
            number = found["word"].removesuffix(end)
            if len(number) + len(end) == len(found["word"]) and _is_float(number):
                # The mark keeps texts like `.5` from becoming JSON.
                return "≈" + rounded(number, replace(rules, by_spelling=False)) + end
        return found[0]

    return re.sub(r"≈?(?P<word>(?:[0-9.][eE][+-][0-9]|[0-9A-Za-z_.])+)", word, text)


def _is_float(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return word[0] in ".0123456789" and "_" not in word and bool(set(".eE") & set(word))


# --- JSON ----------------------------------------------------------------------------------------


# Numbers keep their recorded text; an object is the list of its pairs.
@dataclass(frozen=True, slots=True)
class _Number:
    text: str


@dataclass(frozen=True, slots=True)
class _Constant:
    text: str


@dataclass(frozen=True, slots=True)
class _Object:
    pairs: list[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class _Written:
    """A string, as recorded in the response or by its characters, and without what rules ignore."""

    decoded: str
    text: str


def _parse(text: str, rules: Rules) -> Any:
    """Return the tree of a JSON text, with every string as rules write it."""
    # The parser would decode strings, so numbers replace them first.
    strings: list[str] = []
    bare, start, scanner = "", 0, json.decoder.scanstring  # type: ignore[attr-defined]
    while (quote := text.find('"', start)) >= 0:
        _, end = scanner(text, quote + 1, True)
        bare += text[start:quote] + f'"{len(strings)}"'
        strings.append(text[quote:end])
        start = end
    bare += text[start:]
    if rules.by_case:
        # As the rule writes them.
        bare = re.sub("nan|infinity", lambda e: _WORDS[e[0]], bare)
    written = [_string(string, rules) for string in strings]

    def restored(value: Any) -> Any:
        if isinstance(value, str):
            return written[int(value)]
        if isinstance(value, list):
            return [restored(item) for item in value]
        if isinstance(value, _Object):
            return _Object([(written[int(key)].text, restored(item)) for key, item in value.pairs])
        return value

    hooks: dict[str, Callable[..., Any]] = {
        "parse_float": _Number,
        "parse_int": _Number,
        "parse_constant": _Constant,
        "object_pairs_hook": _Object,
    }
    return restored(json.loads(bare, **hooks))


_WORDS = {"nan": "NaN", "infinity": "Infinity"}
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def _string(token: str, rules: Rules) -> _Written:
    """Return a JSON string, with its quotes."""
    has_escapes = "\\" in token
    if rules.by_spelling:
        token = '"' + "".join(map(_character, json.loads(token))) + '"'
    text = token[1:-1]
    if rules.by_whitespace:
        text = re.sub(r"\\(.)", lambda e: " " if e[1] in "tnfr" else e[0], text)
    # Other strings are as the rules have already made them.
    if has_escapes or rules.by_whitespace:
        text = masked(_same_text(text, rules), rules)
    return _Written(token, f'"{text}"')


def _character(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    is_half = 0xD800 <= ord(character) <= 0xDFFF
    return f"\\u{ord(character):04x}" if is_half or character < " " else character


def _depth(value: Any) -> int:
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    if isinstance(value, _Object):
        return 1 + max((_depth(item) for _, item in value.pairs), default=0)
    return 0


def _with_lists(value: Any, rules: Rules) -> Any:
    """Return a value in which lists stand for tuples, where they are equal."""
    if isinstance(value, list):
        return [_with_lists(item, rules) for item in value]
    if not isinstance(value, _Object):
        return value
    pairs = [(key, _with_lists(item, rules)) for key, item in value.pairs]
    is_tuple = len(pairs) == 1 and pairs[0][0] == '"$tuple"' and isinstance(value.pairs[0][1], list)
    return pairs[0][1] if is_tuple and rules.by_sequence else _Object(pairs)


_ONE_TYPE = {'"$frozenset"': '"$set"', '"$bytearray"': '"$bytes"'}


def _write(value: Any, rules: Rules, tags: list[str], *, is_outermost: bool) -> str:
    """Return the canonical text of a value.

    Args:
        value: the parsed value.
        rules: rules of the problem.
        tags: tag of the form around the value; ``pair`` for elements of a pair in a ``$dict``.
        is_outermost: whether the value is the outermost, or only the tag of an iterator is around it.
    """
    if isinstance(value, _Number):
        return rounded(value.text, rules)
    if isinstance(value, _Constant):
        return value.text.lower() if rules.by_case else value.text
    if isinstance(value, _Written):
        return _write_string(value, rules, tags)
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
        if inside and rules.by_python:
            pairs = [(_ONE_TYPE.get(key, key), item) for key, item in pairs]
        return "{" + ",".join(f"{key}:{item}" for key, item in pairs) + "}"
    if isinstance(value, list):
        pair = ["pair"] if tags == ['"$dict"'] else []
        items = [_write(item, rules, pair, is_outermost=False) for item in value]
        if _is_unordered(rules, tags, is_outermost=is_outermost):
            items.sort()
        return "[" + ",".join(items) + "]"
    if rules.by_python and value is not None:
        return str(int(value))
    return {None: "null", True: "true", False: "false"}[value]


def _write_string(value: _Written, rules: Rules, tags: list[str]) -> str:
    if tags in (['"$bytes"'], ['"$bytearray"']):
        return value.decoded
    number = value.decoded[1:-1]
    is_number = re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", number)
    if rules.by_python and tags == ['"$decimal"'] and is_number:
        return f'"{rounded(number, replace(rules, significant_digits=None))}"'
    return value.text


def _is_unordered(rules: Rules, tags: list[str], *, is_outermost: bool) -> bool:
    """Whether the order of the elements of an array is ignored."""
    if tags in (['"$set"'], ['"$frozenset"']):
        return True
    if tags == ['"$dict"']:
        return rules.by_key
    if tags not in ([], ['"$iterator"'], ['"$iterator_prefix"']):
        return False
    return rules.unordered == "all" or (rules.unordered == "outermost" and is_outermost)


# --- numbers -------------------------------------------------------------------------------------


def rounded(number: str, rules: Rules) -> str:
    """Return a number as rules write it.

    A float is rounded half away from zero, as ``<digit>.<digits>e<exponent>``; integers are unchanged. By
    spelling, all numbers are written as JavaScript does, but exactly.
    """
    digits = rules.significant_digits
    lower = number.lower()
    if not rules.by_spelling and (digits is None or not set(".e") & set(lower)):
        return number
    mantissa, _, exponent = lower.partition("e")
    if len(exponent.lstrip("+-").lstrip("0")) > 9:
        return number
    # The exponent is added separately, so that no number is too large or too small for a decimal.
    exact = Context(prec=max(len(mantissa), 1), Emax=10**9, Emin=-(10**9))
    value = exact.create_decimal(mantissa)
    if value == 0:
        return "0" if rules.by_spelling else "0.0e0"
    if digits is not None:
        value = Context(prec=digits, rounding=ROUND_HALF_UP).plus(value)
    sign = "-" * value.as_tuple().sign
    text = "".join(map(str, value.as_tuple().digits)).rstrip("0")
    scale = value.adjusted() + int(exponent or 0)
    return sign + (_plain_number(text, scale) if rules.by_spelling else _scientific(text, scale))


def _scientific(digits: str, scale: int) -> str:
    return f"{digits[0]}.{digits[1:] or '0'}e{scale}"


def _plain_number(digits: str, scale: int) -> str:
    """Return a number as ECMAScript's Number::toString writes it."""
    if len(digits) - 1 <= scale < 21:
        return digits.ljust(scale + 1, "0")
    if 0 <= scale < 21:
        return f"{digits[: scale + 1]}.{digits[scale + 1 :]}"
    if -7 < scale < 0:
        return "0." + "0" * (-scale - 1) + digits
    return f"{digits[0]}{'.' * (len(digits) > 1)}{digits[1:]}e{scale:+d}"
