"""The examples of the response protocol, and properties of canonical forms."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference.equivalence import (
    MASKS,
    Equivalence,
    Rules,
    canonical_form,
    rules_of,
    scopes_of,
)

SPELLING = Rules(by_key=True, by_spelling=True)
PYTHON = Rules(by_key=True, by_spelling=True, by_python=True)
SEQUENCES = Rules(by_key=True, by_spelling=True, by_python=True, by_sequence=True)

EQUAL = [
    (Rules(by_exception_class=True), "$EXCEPTION@KeyError@'a'", "$EXCEPTION@KeyError@'b'"),
    (Rules(masks=frozenset({"hex_addresses"})), "<A at 0x7f5b1c2d>", "<A at 0x7f5b1f00>"),
    (Rules(masks=frozenset({"durations"})), '"took 0.12s"', '"took 5 ms"'),
    (Rules(own_masks=frozenset({"id=[0-9]+"})), "id=1, a", "id=22, a"),
    (Rules(by_unicode=True), "é", "e\u0301"),
    (Rules(by_case=True), "Not Found", "not found"),
    (Rules(by_whitespace=True), '"a  b "', '"a b"'),
    (Rules(by_whitespace=True), '"a\\nb"', '"a b"'),
    (Rules(by_key=True), '{"a": 1, "b": [2]}', '{"b":[2],"a":1}'),
    (SPELLING, "1.0", "10e-1"),
    (SPELLING, "1", "1.0"),
    (SPELLING, '"é"', '"\\u00e9"'),
    (SPELLING, '"/"', '"\\/"'),
    (Rules(significant_digits=3), "1.2345", "123e-2"),
    (Rules(significant_digits=3), '[{"a":0.30000000000000004}]', '[{"a":0.3}]'),
    (Rules(significant_digits=3), "0.0", "-0.0"),
    (Rules(significant_digits=3), "[1.2345,NaN]", "[1.23,NaN]"),
    (Rules(significant_digits=3, in_text=True), "x = 1.2345 m.", "x = 1.23 m."),
    (Rules(unordered="all"), "[[1,2],3]", "[3,[2,1]]"),
    (Rules(unordered="outermost"), "[[1,2],3]", "[3,[1,2]]"),
    (PYTHON, "1", "true"),
    (PYTHON, "1.0", "true"),
    (PYTHON, '{"$set":[1]}', '{"$frozenset":[1]}'),
    (PYTHON, '{"$decimal":"1.50"}', '{"$decimal":"1.5"}'),
    (SEQUENCES, "[1]", '{"$tuple":[1]}'),
]
DIFFERENT = [
    (Rules(by_exception_class=True), "$EXCEPTION@KeyError@'a'", "$EXCEPTION@IndexError@'a'"),
    (Rules(masks=frozenset({"hex_addresses"})), "<A at 0x7f5b1c2d>", "<B at 0x7f5b1c2d>"),
    (Rules(by_unicode=True), "ﬁ", "fi"),
    (Rules(by_case=True), "ß", "ss"),
    (Rules(by_case=True), '{"$bytes":"QQ=="}', '{"$bytes":"qq=="}'),
    (Rules(by_whitespace=True), '"ab"', '"a b"'),
    (Rules(by_key=True), "1", "1.0"),
    (Rules(by_key=True), "1.5", "1.50"),
    (Rules(by_key=True), '"é"', '"\\u00e9"'),
    (SPELLING, "1", "true"),
    (SPELLING, "0.1", "0.10000000000000001"),
    (SPELLING, "9007199254740993", "9007199254740992"),
    (Rules(significant_digits=3), "1234", "1235"),
    (Rules(significant_digits=3), '"1.2345"', '"1.23"'),
    (Rules(significant_digits=3), "1", "1.0"),
    (Rules(significant_digits=3, in_text=True), "v1.2345.0", "v1.23.0"),
    (Rules(significant_digits=3, in_text=True), "1.2345m", "1.23m"),
    (Rules(unordered="outermost"), "[[1,2],3]", "[3,[2,1]]"),
    (Rules(unordered="all"), "[1,1,2]", "[1,2,2]"),
    (Rules(unordered="all"), '{"$tuple":[1,2]}', '{"$tuple":[2,1]}'),
    (PYTHON, "[1]", '{"$tuple":[1]}'),
    (PYTHON, '"1"', "1"),
    (PYTHON, '{"$decimal":"1"}', "1"),
]


def form(text: str, rules: Rules) -> str:
    kind = "exception" if text.startswith("$EXCEPTION") else "value"
    return canonical_form(text, kind, rules)


@pytest.mark.parametrize(("rules", "one", "other"), EQUAL)
def test_equal(rules: Rules, one: str, other: str) -> None:
    assert form(one, rules) == form(other, rules)
    assert one != other


@pytest.mark.parametrize(("rules", "one", "other"), DIFFERENT)
def test_different(rules: Rules, one: str, other: str) -> None:
    assert form(one, rules) != form(other, rules)


def test_the_most_specific_scope_of_a_test_applies() -> None:
    rows = [
        Equivalence(None, None, None, "case"),
        Equivalence("geo", None, None, "significant_digits", "6"),
        Equivalence("geo", None, None, "json"),
        Equivalence("geo", "near", None, "exact"),
        Equivalence("geo", "near", "test_*", "unordered"),
        Equivalence("geo", "near", "test_a*", "exact"),
        Equivalence(None, None, "*", "unicode"),
    ]
    unordered, exact = Rules(unordered="all"), Rules()
    assert scopes_of(rows, "geo", "near") == [("test_a*", exact), ("test_*", unordered)]
    assert rules_of(rows, "geo", "near", "test_b[*]") == unordered
    assert rules_of(rows, "geo", "near", "test_a") == exact
    assert rules_of(rows, "geo", "near", "other") == exact
    assert rules_of(rows, "geo", "far", "test_b") == Rules(by_key=True, significant_digits=6)
    assert rules_of(rows, "other", "near", "test_b") == Rules(by_unicode=True)


ANY_RULES = st.builds(
    Rules,
    by_key=st.just(True),
    by_spelling=st.booleans(),
    significant_digits=st.none() | st.integers(1, 17),
    in_text=st.booleans(),
    unordered=st.sampled_from([None, "all", "outermost"]),
    by_unicode=st.booleans(),
    by_case=st.booleans(),
    by_whitespace=st.booleans(),
    masks=st.frozensets(st.sampled_from(sorted(MASKS))),
)
WORDS = (
    *(
        "1.5",
        "1.50",
        "0.0",
        "-",
        "e3",
        ".",
        " ",
        "\\n",
        "\\u00C9",
        "É",
        "e\u0301",
        "nan",
        "NaN",
        "5 ms",
    ),
    *('"', "[", "]", "{", "}", ",", ":", "true", "line 3", "0x7f5b1c2d", "/a/b", "tmpab12cd_x"),
)


@given(ANY_RULES, st.lists(st.sampled_from(WORDS) | st.characters(exclude_categories=["Cs"])))
def test_canonical_forms_are_their_own(rules: Rules, words: list[str]) -> None:
    if rules.significant_digits is None and rules.in_text:
        return
    if rules.masks:
        # Masks see the recorded text only: `5 MS` becomes a duration when its case is ignored.
        rules = replace(rules, by_unicode=False, by_case=False, by_whitespace=False)
    text = canonical_form("".join(words), "value", rules)
    assert canonical_form(text, "value", rules) == text
