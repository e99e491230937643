"""Canonical forms of responses: SQL agrees with the reference, and values equal by rules have equal forms."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from obslake.engine import quote_literal

from tests.harness.commands import PROJECT
from tests.reference.equivalence import MASK, MASKS, Rules, canonical_form

RULES = [
    Rules(by_key=True),
    Rules(significant_digits=1),
    Rules(significant_digits=3),
    Rules(significant_digits=17, by_key=True),
    Rules(unordered="all"),
    Rules(unordered="outermost"),
    Rules(by_key=True, significant_digits=2, unordered="all", by_exception_class=True),
    Rules(by_key=True, by_spelling=True),
    Rules(by_key=True, by_spelling=True, significant_digits=3),
    Rules(by_key=True, by_spelling=True, by_python=True),
    Rules(by_key=True, by_spelling=True, by_python=True, by_sequence=True, unordered="all"),
    Rules(by_key=True, by_spelling=True, by_python=True, by_sequence=True, unordered="outermost"),
    Rules(by_unicode=True),
    Rules(by_case=True),
    Rules(by_whitespace=True),
    Rules(by_whitespace=True, by_case=True, by_unicode=True),
    Rules(by_key=True, by_spelling=True, by_whitespace=True, by_case=True, by_unicode=True),
    Rules(significant_digits=2, in_text=True),
    Rules(significant_digits=3, in_text=True, by_whitespace=True, by_case=True),
    *(Rules(masks=frozenset({name})) for name in MASKS),
    Rules(masks=frozenset(MASKS), own_masks=frozenset({r"[^0-9]{2,}\.", "b|1+"})),
    Rules(
        masks=frozenset(MASKS), by_key=True, by_spelling=True, by_case=True, significant_digits=2
    ),
    *(
        Rules(masks=frozenset(MASKS), own_masks=frozenset({"[0-9]+ steps"}), **{rule: True})
        for rule in ("by_unicode", "by_case", "by_whitespace")
    ),
    Rules(masks=frozenset(MASKS), by_unicode=True, by_case=True, by_whitespace=True),
    Rules(
        masks=frozenset(MASKS),
        by_key=True,
        by_spelling=True,
        by_unicode=True,
        by_case=True,
        by_whitespace=True,
    ),
]
"""Sets of rules. Those that `json` or `python_equality` imply are named, too."""

Forms = dict[tuple[Rules, str], str]


def row_of(rules: Rules) -> dict[str, Any]:
    """Return the row of `refresh_response_rules` for rules."""
    own = [expression.replace("[^", f"[^{MASK}") for expression in sorted(rules.own_masks)]
    return {
        "is_by_exception_class": rules.by_exception_class,
        "is_json": rules.reads_json,
        "is_by_key": rules.by_key,
        "is_by_spelling": rules.by_spelling,
        "significant_digits": rules.significant_digits,
        "is_rounded_in_text": rules.in_text,
        "unordered_arrays": rules.unordered,
        "is_by_python": rules.by_python,
        "is_by_sequence": rules.by_sequence,
        "is_by_unicode": rules.by_unicode,
        "is_by_case": rules.by_case,
        "is_by_whitespace": rules.by_whitespace,
        "masks": ",".join(sorted(rules.masks)) or None,
        "mask_expression": "|".join(f"(?:{e})" for e in own) or None,
    }


class Models:
    """The compiled models, applied to texts under every rule."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        """Create the relations that the models read."""
        self.connection = duckdb.connect()
        self.connection.execute("attach ':memory:' as obslake")
        self.connection.execute("use obslake")
        for model in ("stg_observations", "refresh_response_rules", "int_json_nodes"):
            schema = manifest["nodes"][f"model.obslake.{model}"]["schema"]
            self.connection.execute(f"create schema {schema}")
        for relation, columns in {
            "main_staging.stg_observations": "data_set_id, problem_id, test_id, response_kind, output",
            "main_refresh.refresh_renamed_tests": "data_set_id, problem_id, from_test_id, to_test_id",
            "main_intermediate.int_test_rules": "data_set_id, problem_id, test_id, test_pattern",
        }.items():
            typed = columns.replace(",", " varchar,")
            self.connection.execute(f"create table {relation} ({typed} varchar)")
        rows = [
            {"data_set_id": "d", "problem_id": str(number), "test_pattern": "", **row_of(rules)}
            for number, rules in enumerate(RULES)
        ]
        rules_table = pa.Table.from_pylist(rows)
        self.connection.register("given", rules_table)
        self.connection.execute(
            "create table main_refresh.refresh_response_rules as select * from given"
        )
        self.steps = {
            model: manifest["nodes"][f"model.obslake.{model}"]["compiled_code"]
            for model in ("int_ruled_responses", "int_json_nodes", "int_canonical_responses")
        }

    def forms(self, texts: Sequence[str], kind: str = "value") -> Forms:
        """Return the canonical form of each text under each rule."""
        self.connection.execute("delete from main_staging.stg_observations")
        self.connection.execute(
            "insert into main_staging.stg_observations select 'd', problem_id, 't', $2, unnest($1::varchar[]) "
            "from main_refresh.refresh_response_rules",
            [list(texts), kind],
        )
        for model, code in self.steps.items():
            self.connection.execute(f"create or replace table main_intermediate.{model} as {code}")
        found = {
            (problem, exact_hash): text
            for problem, exact_hash, text in self.connection.execute(
                "select problem_id, exact_hash, canonical_response "
                "from main_intermediate.int_canonical_responses"
            ).fetchall()
        }
        hashes = self.connection.execute(
            "select text, md5(text) from (select unnest($1::varchar[]) as text)", [list(texts)]
        ).fetchall()
        return {
            (rules, text): found.get((str(number), exact_hash), text)
            for number, rules in enumerate(RULES)
            for text, exact_hash in hashes
        }


@pytest.fixture(scope="module")
def models(compiled: dict[str, Any]) -> Iterator[Models]:
    made = Models(compiled)
    yield made
    made.connection.close()


def assert_as_computed(models: Models, texts: Sequence[str], kind: str = "value") -> Forms:
    forms = models.forms(texts, kind)
    expected = {(r, text): canonical_form(text, kind, r) for r, text in forms}
    wrong = {key: (form, expected[key]) for key, form in forms.items() if form != expected[key]}
    assert not wrong
    return forms


TEXTS = [
    "", " ", "{}", "[]", "[{},[]]", "null", " true ", "-0", "-0.0", "0.0e5", "1E5", "1e+05", "1e-5", "9.5",
    "9.49999", "0.95", "99.5e-1", "5e-324", "1e-400", "1e400", "1e999999999", "1e9999999999",
    "1e-0000000000000000001", "0." + "0" * 320 + "15", "9" * 300 + ".9", "123456789012345678.5", "1.", ".5",
    "+1", "01", "1e", "--1", "0x1", "NaN", "Infinity", "-Infinity", "nul", "True", '"', '""', '"a', 'a"',
    '"\\"', '"\\""', '"\\u00e9"', '"é"', '"\\x"', '"\\u12g4"', '"1.5"', '"a\nb"', '"a\\nb"', '"\x7f\x00"',
    "[1 2]", "[1,,2]", "[,]", "[1,]", "[", "]", "[[]", "[]]", "[}", "{]", "{,}", '{"a"}', '{"a":}', '{"a":1,}',
    '{"a":1 "b":2}', "{1:2}", '{"a":1:2}', "[1:2]", "1,2", "1:2", '"a":1', "[1][2]", "[1],[2]", "{}{}",
    '{"a":1,"a":0}', '{"":[2,1]}', '{"$set":[2,1],"a":1}', '{"$set":{"b":1,"a":2}}', '{"$set":[[2,1],[1.4,1]]}',
    '{"$frozenset":[1.04,1.01,1.0]}', '{"$tuple":[[2,1],{"$tuple":[2,1]}]}',
    '{"$dict":[[[2,1],[4,3]],[[1,0],{"b":1,"a":2}]]}', '{"$dict":[3,2,1]}', '{"$dict":{"a":[[2,1]]}}',
    '{"$iterator":[2,1]}', '{"$iterator":{"$iterator":[2,1]}}', '[{"$iterator":[2,1]}]',
    '{"$iterator":{"a":[2,1]}}', '{"$iterator_prefix":[[2,1],[1,0]]}', '{"$":[2,1]}', '{"\\u0024set":[2,1]}',
    '{"$float":"nan"}', '{"$complex":[1.25,-0.0]}', '{"$range":[2,1,1]}', '{"$decimal":"1.50"}',
    "$TRUNCATED@00", "$[2,1]", "\ufeff[2, 1]", "\u00a0[2, 1]", "[2,\t1]\r\n", "[2,\x0b1]", "[2,\u20281]",
    "[1.04,NaN]", "[-Infinity, NaN, +Infinity]", "[nan]", "-infinity", "[TRUE, 1.0]", '{"A": 1, "a": 2}',
    '" a\\n\tb "', "12e1", "1e21", "123456789012345678901", "1e20", "0.000001", "1e-7", '"\\ud83d\\ude00"',
    '"\\ude00\\ud83d"', '"\\/"', '"\\u0022\\u005c\\u000A\\u001F"', "É", "E\u0301", "\u0130 I\u0307", "H\u0331",
    "\u212b", "\u2003a\xa0\x0b b", '"\\n\u0301"', '{"$tuple":[2,1]}', '[{"$tuple":[2,{"$tuple":[]}]},[2,[]]]',
    '{"$iterator":{"$tuple":[2,1]}}', '{"$tuple":{"a":1}}', '{"$dict":[{"$tuple":[2,1]},[2,1]]}',
    '{"$frozenset":[true,0.0]}', '{"$bytearray":"QQ=="}', '{"$bytes":"Q\\/Q="}', '{"$decimal":"1E+3"}',
    '{"$decimal":"NaN"}', '{"\\u0024bytes":"QQ=="}', '{"$SET":[2,1]}', "see 1.5, 1.50. 1. .5e-3. v1.2",
    "at 0x7f5b1c2d", "Foo@1b6d3586 Foo@decade1x", "/srv/u/x.py:3", '"\\n/a/b\\nline 3"', "https://a.b/c/d",
    "C:\\a\\b", "=/a", "2026-11-29T17:56:45Z", "Mon, 29 Nov 2026 17:56:45 GMT", "Sun Nov  9 17:56:45 2026",
    "in 5ms, 5 m", "1e-05 seconds", "tmpab12cd_x", "/tmp/tmp.a1B2c3d4/x", "pytest-of-a/pytest-0/x",
    "550e8400-e29b-41d4-a716-446655440000", "█/█/█", "[" * 24 + "2.0, 1" + "]" * 24,
    "[" * 25 + "2.0, 1" + "]" * 25, '{"a":' * 24 + "1.0" + "}" * 24, '{"a":' * 25 + "1.0" + "}" * 25,
    "[" * 3000, "[" * 2000 + "]" * 2000,
]  # fmt: skip


def test_special_texts(models: Models) -> None:
    assert_as_computed(models, TEXTS)


@pytest.mark.parametrize("kind", ["exception", "instance", "verdict", "other"])
def test_other_kinds(models: Models, kind: str) -> None:
    texts = [
        "$EXCEPTION@E@m",
        "$EXCEPTION@É@É  1.25 0x7f5b1c2d",
        "$EXCEPTION@E@n@",
        "$EXCEPTION@E",
        "$EXCEPTION@",
        "$EXCEPTION",
        "[2, 1]",
        "",
        "x@y@z",
    ]
    assert_as_computed(models, texts, kind)


class Generated:
    """Random JSON values, and texts of them."""

    def __init__(self, seed: int) -> None:
        """Seed the choices."""
        self.chance = random.Random(seed)

    def value(self, depth: int = 3) -> Any:
        """Return a random value with at most this depth."""
        kind = self.chance.choice(
            ["scalar", "scalar", "array", "object", "tag"] if depth else ["scalar"]
        )
        inner = (
            [self.value(depth - 1) for _ in range(self.chance.randint(0, 3))]
            if kind != "scalar"
            else []
        )
        if kind == "array":
            return inner
        if kind == "object":
            return {
                self.chance.choice(["a", "b", "é", "$set", "$dict", 'q"', ""]) + "x" * i: v
                for i, v in enumerate(inner)
            }
        if kind == "tag":
            tag = self.chance.choice(
                [
                    "$set",
                    "$frozenset",
                    "$tuple",
                    "$dict",
                    "$iterator",
                    "$iterator_prefix",
                    "$complex",
                    "$new",
                ]
            )
            pairs = [[v, w] for v, w in zip(inner, inner[::-1], strict=True)]
            return {tag: pairs if tag == "$dict" else inner}
        return self.chance.choice(
            [
                None,
                True,
                1,
                -7,
                10**20,
                "",
                "a, b",
                '"[1.50]"',
                "\u00e9\n",
                self.float(),
                self.float(),
                self.float(),
            ]
        )

    def float(self) -> float:
        """Return a float with few or many digits, close to other ones."""
        digits = self.chance.choice([1, 2, 3, 17])
        number = self.chance.choice([1.0, 1.05, 9.96, 2.5, 0.125, 1e20, 3e-9]) * self.chance.choice(
            [1, -1, 1 + 1e-9]
        )
        return float(f"{number:.{digits}g}")

    def text(self, value: Any) -> str:
        """Return a text of a value, with random white space."""
        blank = self.chance.choice(["", "", " ", "\n\t"])
        if isinstance(value, list):
            return f"[{blank}" + f",{blank}".join(map(self.text, value)) + f"{blank}]"
        if isinstance(value, dict):
            pairs = [f"{json.dumps(k)}{blank}:{self.text(v)}" for k, v in value.items()]
            return "{" + f"{blank},".join(pairs) + f"{blank}}}"
        if isinstance(value, float):
            return self.chance.choice([repr(value), f"{value:.20e}", f"{value:.3E}"])
        return json.dumps(value, ensure_ascii=False)

    def rewritten(self, value: Any, rules: Rules) -> Any:
        """Return a value that is equal by rules, with keys and elements in another order."""
        if isinstance(value, dict):
            pairs = [(k, self.rewritten(v, rules)) for k, v in value.items()]
            if rules.by_key:
                self.chance.shuffle(pairs)
            return dict(pairs)
        if isinstance(value, list):
            items = [self.rewritten(v, rules) for v in value]
            if rules.unordered == "all":
                self.chance.shuffle(items)
            return items
        return value


@pytest.mark.parametrize("seed", range(2))
def test_random_values(models: Models, seed: int) -> None:
    generated = Generated(seed)
    texts = [generated.text(generated.value()) for _ in range(500)]
    texts += [damaged(generated.chance, text) for text in texts[:200]]
    forms = assert_as_computed(models, texts)
    # The canonical form of a canonical form is the form itself.
    again = models.forms(sorted(set(forms.values())))
    for (rules, _), form in forms.items():
        assert again[rules, form] == form


def damaged(chance: random.Random, text: str) -> str:
    """Return a text with one character removed or replaced."""
    place = chance.randrange(len(text) + 1)
    return (
        text[:place]
        + chance.choice(["", "", ",", "]", '"', "\\", "e", "1", " "])
        + text[place + 1 :]
    )


def test_values_that_are_equal_by_rules(models: Models) -> None:
    """Other notations and orders of a value have its canonical form, and other values do not."""
    generated = Generated(5)
    rules = [r for r in RULES if r.unordered != "outermost"]
    plain = [v for v in (generated.value() for _ in range(900)) if "$" not in json.dumps(v)]
    written = {
        r: [(generated.text(v), generated.text(generated.rewritten(v, r))) for v in plain]
        for r in rules
    }
    forms = models.forms(sorted({t for pairs in written.values() for pair in pairs for t in pair}))
    for r, pairs in written.items():
        # Not all notations of a float have 17 digits.
        if r.significant_digits in (1, 2, 3):
            for one, other in pairs:
                assert forms[r, one] == forms[r, other]
        classes = {forms[r, one] for one, _ in pairs}
        assert 80 < len(classes) < len(pairs)


# Words that rules read, and some that only look like them.
WORDS = (
    "1.5", "1.50", "-0", "1e5", "12e5.", " ", "  ", "\n", "\t", "\\n", "\\\\", "\\u00e9", "\\u00C9", "é",
    "e\u0301", "É", "İ", "ẖ", "H\u0331", "\u212a", "\\ud83d\\ude00", "\\uDE00", "\\u0041", "\\/", '"', "[", "]",
    "{", "}", ",", ":", '{"$tuple":[', "]}", '{"$bytes":"QUJD"}', "true", "NaN", "Infinity", "nan", "line 12",
    ".py:12:5", "0x7f12ab34", "@1b6d3586", "/a/b", "https://h/a/b", "C:\\\\a", "2024-01-01T10:00:00.123Z",
    "12 ms", "0.5s", "5 steps", "LINE 12", "Line\\n12", "12\\tMS", "5  Steps", "TMPAB12CD_X", "3\u00a0min",
    "\\u0031 ms", "Line", "12", "ms", "MIN", "tmpab12cd_x", "pytest-of-a/pytest-1", "\u3000", "$", "█",
)  # fmt: skip


@pytest.mark.parametrize("kind", ["value", "exception"])
def test_random_words(models: Models, kind: str) -> None:
    chance = random.Random(11)
    prefix = "$EXCEPTION@E@" if kind == "exception" else ""
    texts = sorted(
        {prefix + "".join(chance.choices(WORDS, k=chance.randint(1, 5))) for _ in range(300)}
    )
    forms = assert_as_computed(models, texts, kind)
    # The canonical form of a canonical form is the form itself.
    again = models.forms(sorted(set(forms.values())), kind)
    for (rules, _), form in forms.items():
        assert again[rules, form] == form


def test_more_rules_make_no_responses_different(models: Models) -> None:
    """A set of rules makes equal whatever a part of it does, apart from masks, which see recorded texts."""
    generated = Generated(7)
    texts = [generated.text(generated.value()) for _ in range(300)]
    texts += ["".join(generated.chance.choices(WORDS, k=3)) for _ in range(300)]
    forms = models.forms(sorted(set(texts)))
    unmasked = [r for r in RULES if not r.masks]
    pairs = [(few, many) for few in unmasked for many in unmasked if is_part(few, many)]
    assert len(pairs) > 12
    for few, many in pairs:
        classes: dict[str, set[str]] = {}
        for text in texts:
            classes.setdefault(forms[few, text], set()).add(forms[many, text])
        assert [form for form, found in classes.items() if len(found) > 1] == []


def is_part(few: Rules, many: Rules) -> bool:
    """Whether each rule of one set is in the other one, with the same argument."""
    default = Rules()
    return few != many and all(
        getattr(few, field.name) in (getattr(default, field.name), getattr(many, field.name))
        for field in fields(Rules)
    )


@pytest.mark.parametrize(
    ("expression", "is_allowed"),
    [
        (r"/id=[0-9]+/", True),
        (r"/(?:a|b\.c){2,3}x?/", True),
        (r"/[^\]\-a-z_]+?\d\w\n/", True),
        (r"/(?:(?:a*)?b)?c/", True),
        ("/é█/", False),
        ("/é😀/", True),
        *((f"/{e}/", False) for e in ("a.b", "^a", "a$", r"a\b", r"\s", "(?i)a", "(a)", "(?=a)")),
        *(
            (f"/{e}/", False)
            for e in (r"\1", "a++", "(?:a*)+b", "(?:a|b?)*c", "(?:a", "a)", "[a", "")
        ),
        *(
            (f"/{e}/", False)
            for e in ("a|", "|a", "(?:|a)b", "[a-é]", "[a&&b]", "[[:alpha:]]", "a**")
        ),
        *(
            (f"/{e}/", False)
            for e in ("a*", "a?|b", "(?:a?)", "a{1000}", "{2}", r"\p", r"\D", "[-a]")
        ),
        *((name, True) for name in MASKS),
        ("uuid", False),
    ],
)
def test_expressions_that_engines_read_alike(expression: str, is_allowed: bool) -> None:
    literal = quote_literal
    macros = SimpleNamespace(
        mask_character=lambda: MASK,
        mask_patterns=lambda: MASKS,
        text_literal=literal,
        text_literals=lambda texts: ", ".join(map(literal, texts)),
    )
    environment = Environment(extensions=["jinja2.ext.do"])
    environment.globals |= {"obslake": macros, "return": lambda value: value}
    for name in ("common_expression", "mask_expression", "fault_of_mask"):
        text = (PROJECT / "macros" / f"{name}.sql").read_text()
        setattr(macros, name, getattr(environment.from_string(text).module, name))
    query = f"select {macros.fault_of_mask('argument')} from (select $1 as argument)"
    with duckdb.connect() as connection:
        assert (connection.execute(query, [expression]).fetchall() == [(None,)]) == is_allowed


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.text(alphabet='[]{}:,"\\ 019.eE-+truefalsn$a\t', max_size=30)
        | st.lists(st.sampled_from(WORDS), max_size=4).map("".join)
        | st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("$set"), inner),
        ).map(json.dumps),
        # Planning the models takes longer than running them.
        min_size=20,
        max_size=60,
    )
)
def test_any_texts(models: Models, texts: list[str]) -> None:
    assert_as_computed(models, [text.replace("\x00", "") for text in texts])
