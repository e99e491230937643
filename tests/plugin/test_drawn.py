"""Tests whose inputs are random in each run: from Hypothesis, and from random numbers."""

from __future__ import annotations

import hashlib
import importlib.util
import json

import pytest

from .conftest import SOURCE, Suite

pytest.importorskip("hypothesis")
needs_numpy = pytest.mark.skipif(not importlib.util.find_spec("numpy"), reason="no numpy")
needs_reruns = pytest.mark.skipif(
    not importlib.util.find_spec("pytest_rerunfailures"), reason="no pytest-rerunfailures"
)

SUBJECT = """
class Stack:
    def __init__(self, items=()): self.items = list(items)
    def push(self, item): self.items.append(item); return len(self.items)
def double(x): return 2 * x
def count(n): yield from range(n)
async def later(x): return x
N = []
def other(x): N.append(x); return len(N)
"""

IMPORTS = """
import random, unittest
import pytest, subject
from hypothesis import Phase, example, given, reject, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
exactly = settings(phases=[Phase.explicit], database=None)
"""


@pytest.fixture
def drawn(suite):
    suite.write("subject.py", SUBJECT)
    return suite


def key(**arguments: object) -> str:
    """The key of an example with these arguments."""
    pairs = [{"$keyword": [name, value]} for name, value in sorted(arguments.items())]
    text = json.dumps(pairs, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def record(suite: Suite, text: str, *arguments: str) -> list[tuple]:
    """Record a suite; return the calls with their examples and steps."""
    suite.write("test_it.py", IMPORTS + text)
    suite.record(*arguments)
    assert [record["failures"] for record in suite.records("end")] == [{}]
    return [
        (call.get("example"), call["step_id"], call["operation"], json.loads(call["inputs"]))
        for call in suite.records("call")
    ]


def drawn_by(suite: Suite) -> dict[str, tuple]:
    """The source of random inputs of each test, and the seed."""
    tests = suite.records("test")
    return {
        test["test_id"].rpartition("::")[2]: (test.get("drawn_by"), test.get("seed"))
        for test in tests
    }


# -- examples


def test_an_example_is_identified_by_its_arguments_and_has_its_own_steps(drawn):
    found = record(
        drawn,
        "@pytest.fixture(scope='module')\ndef far(): subject.double('setup'); yield 1; subject.double('end')\n"
        "@pytest.mark.parametrize('p', [7])\n"
        "@exactly\n@example(x=1, y='é')\n@example(x=2, y='b')\n@given(x=st.integers(), y=st.text())\n"
        "def test(far, p, x, y): subject.double(x); subject.double(y)\n",
    )
    first, second = (
        key(x=2, y="b"),
        hashlib.sha256('[{"$keyword":["x",1]},{"$keyword":["y","é"]}]'.encode()).hexdigest()[:16],
    )
    assert found == [
        (None, 0, "double(x)", ["setup"]),
        (second, 0, "double(x)", [1]),
        (second, 1, "double(x)", ["é"]),
        (first, 0, "double(x)", [2]),
        (first, 1, "double(x)", ["b"]),
        (None, 1, "double(x)", ["end"]),
    ] or found == [
        (None, 0, "double(x)", ["setup"]),
        (first, 0, "double(x)", [2]),
        (first, 1, "double(x)", ["b"]),
        (second, 0, "double(x)", [1]),
        (second, 1, "double(x)", ["é"]),
        (None, 1, "double(x)", ["end"]),
    ]
    assert {(e["test_id"], e["attempt"], e["example"]) for e in drawn.records("example")} == {
        ("test_it.py::test[7]", 0, first),
        ("test_it.py::test[7]", 0, second),
    }
    assert drawn_by(drawn) == {"test[7]": ("hypothesis", None)}
    assert "2 examples drawn by Hypothesis, 0 of them repeated" in drawn.output


@pytest.mark.parametrize(
    "text",
    [
        "class TestIt:\n    @exactly\n    @example(5)\n    @given(x=st.integers())\n"
        "    def test(self, x): subject.double(x)\n",
        "class Case(unittest.TestCase):\n    @exactly\n    @example(5)\n    @given(st.integers())\n"
        "    def test(self, x): subject.double(x)\n",
        "class Base:\n    @exactly\n    @example(x=5)\n    @given(x=st.integers())\n"
        "    def test(self, x): subject.double(x)\n"
        "class TestIt(Base): pass\n",
        "@exactly\n@example(x=5)\n@given(x=st.integers())\ndef test(*, x): subject.double(x)\n",
        "@exactly\n@example(x=5)\n@given(x=st.integers())\ndef test(**given): subject.double(given['x'])\n",
        "from unittest.mock import patch\n"
        "@exactly\n@example(x=5)\n@given(x=st.integers())\n@patch('random.random', lambda: 0)\n"
        "def test(x): subject.double(x)\n",
        "def make():\n    @exactly\n    @example(x=5)\n    @given(x=st.integers())\n"
        "    def test(x): (lambda: subject.double(x))()\n    return test\n"
        "make(); test = make(); make()\n",
    ],
    ids=["method", "unittest", "inherited", "by keyword", "keywords", "patched", "made"],
)
def test_every_kind_of_test(drawn, text):
    assert record(drawn, text) == [(key(x=5), 0, "double(x)", [5])]


def test_a_test_that_is_a_coroutine(drawn):
    """As in pytest-asyncio, which replaces the inner function."""
    drawn.write(
        "conftest.py",
        "import asyncio, functools, pytest\n"
        "@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_call(item):\n"
        "    inner = item.obj.hypothesis.inner_test\n"
        "    @functools.wraps(inner)\n    def run(*args, **kwargs): asyncio.run(inner(*args, **kwargs))\n"
        "    item.obj.hypothesis.inner_test = run\n",
    )
    found = record(
        drawn,
        "@exactly\n@example(x=5)\n@example(x=6)\n@given(x=st.integers())\n"
        "async def test(x):\n    await subject.later(x)\n    subject.double(x)\n",
    )
    assert sorted(found) == sorted(
        (key(x=x), step, operation, [x])
        for x in (5, 6)
        for step, operation in enumerate(["later(x)", "double(x)"])
    )


def test_objects_and_generators_belong_to_their_example(drawn):
    record(
        drawn,
        "@exactly\n@example(x=1)\n@example(x=2)\n@given(x=st.integers())\n"
        "def test(x):\n    subject.double(x)\n    subject.Stack([x]).push(x)\n"
        "    open = subject.count(3)\n    next(open)\n    globals()['kept'] = open\n",
    )
    for example in (key(x=1), key(x=2)):
        calls = [call for call in drawn.records("call") if call["example"] == example]
        assert [call["step_id"] for call in calls] == [0, 1, 2, 3]
        assert calls[2]["target"] == calls[1]["output"] == "$CUT@Stack@1"
        assert calls[3]["output"] == '{"$iterator_prefix":[0]}'


def test_calls_that_draw_arguments_belong_to_the_example(drawn):
    found = record(
        drawn,
        "@settings(max_examples=30, database=None)\n"
        "@given(s=st.builds(subject.Stack, st.lists(st.integers(0, 1), max_size=1)))\n"
        "def test(s): s.push(9)\n",
    )
    stimuli: dict[str, set] = {}
    for example in {example for example, *_ in found}:
        steps = [(step, *rest) for e, step, *rest in found if e == example]
        assert [step[:2] for step in steps] == [(0, "Stack(items)"), (1, "push(item)")]
        stimuli.setdefault(json.dumps(steps), set()).add(example)
    assert len(stimuli) == 3  # [], [0] and [1]
    assert all(len(examples) == 1 for examples in stimuli.values())


def test_calls_that_drew_discarded_arguments_are_left_out(drawn):
    found = record(
        drawn,
        "@settings(max_examples=5, database=None)\n"
        "@given(x=st.integers(0, 3).map(subject.double).filter(lambda x: x > 2))\n"
        "def test(x): subject.other(x)\n",
    )
    assert {operation for _, step, operation, _ in found if not step} == {"double(x)"}
    assert all(example for example, *_ in found)


def test_a_repeated_example_is_recorded_once(drawn):
    found = record(
        drawn,
        "@settings(phases=[Phase.explicit], database=None)\n"
        "@example(x=1)\n@example(x=2)\n@example(x=1)\n@given(x=st.integers())\n"
        "def test(x): subject.double(x); subject.other(x)\n",
    )
    assert len(found) == len(set(map(str, found))) == 4
    (end,) = drawn.records("end")
    assert end["examples"] == {
        "count": 3,
        "repeated": 1,
        "without_text": 0,
        "different_answers": 1,
        "operations": ["other(x)"],
    }
    assert (
        "3 examples drawn by Hypothesis, 1 of them repeated; 1 answers differ for equal arguments (other(x))"
    ) in drawn.output


def test_a_failure_is_replayed_and_recorded_once(drawn):
    found = record(
        drawn,
        "@settings(database=None)\n@given(x=st.integers())\n"
        "def test(x): assert subject.double(x) < 100\n",
    )
    assert drawn.exit_code == 1
    assert len(found) == len({example for example, *_ in found})
    assert (key(x=50), 0, "double(x)", [50]) in found
    assert drawn.records("end")[0]["examples"]["repeated"] >= 1


@needs_reruns
def test_each_attempt_has_its_examples(drawn):
    drawn.plugins = ["pytest_rerunfailures"]
    found = record(
        drawn,
        "@exactly\n@example(x=1)\n@given(x=st.integers())\n"
        "def test(x): assert subject.other(x) > 1\n",
        "--reruns=2",
    )
    assert [example for example, *_ in found] == [key(x=1)] * 2
    assert [example["attempt"] for example in drawn.records("example")] == [0, 1]


def test_values_drawn_inside_the_test_are_identified_by_number(drawn):
    found = record(
        drawn,
        "@settings(max_examples=4, database=None)\n@given(st.data())\n"
        "def test_data(data): subject.double(data.draw(st.integers()))\n"
        "class Machine(RuleBasedStateMachine):\n"
        "    def __init__(self): super().__init__(); self.stack = subject.Stack()\n"
        "    @rule(x=st.integers())\n    def push(self, x): self.stack.push(x)\n"
        "TestMachine = Machine.TestCase\n"
        "TestMachine.settings = settings(max_examples=3, stateful_step_count=4, database=None)\n"
        "def test_inside():\n"
        "    @exactly\n    @example(x=1)\n    @given(x=st.integers())\n"
        "    def inner(x): subject.double(x)\n    inner(); subject.other('after')\n",
    )
    names = [e["example"] for e in drawn.records("example")]
    assert set(names) == {"#1", "#2", "#3", "#4"} or set(names) == {"#1", "#2", "#3"}
    assert all(example.startswith("#") for example, *_, inputs in found if inputs != ["after"])
    assert found[-1] == (None, 0, "other(x)", ["after"])
    for test in {e["test_id"] for e in drawn.records("example")}:
        calls = [c for c in drawn.records("call") if c["test_id"] == test and c.get("example")]
        for example in {call["example"] for call in calls}:
            steps = [call["step_id"] for call in calls if call["example"] == example]
            assert steps == list(range(len(steps)))
    assert "have arguments without a text, and are identified by their calls" in drawn.output


def test_hypothesis_is_not_affected(drawn):
    drawn.plugins = ["_hypothesis_pytestplugin"]
    drawn.write(
        "test_it.py",
        IMPORTS + "@settings(database=None, max_examples=200, deadline=None)\n"
        "@given(st.lists(st.integers()), st.builds(subject.Stack))\n"
        "def test(items, stack): random.random(); stack.push(1); assert sum(map(subject.double, items)) < 5000\n",
    )
    drawn.assert_same_outcome("--hypothesis-seed=3")


# -- random numbers

RANDOM = """
def test_unseeded(): subject.double(random.random())
def test_seeded(): random.seed(42); subject.double(random.random())
def test_seeded_by_system(): random.seed(); subject.double(random.random())
def test_put_back_and_used():
    state = random.getstate(); random.seed(1); random.setstate(state); subject.double(random.random())
def test_seeded_late(): random.random(); random.seed(42); subject.double(random.random())
def test_seeded_and_not_used(): random.seed(42); subject.double(1)
def test_untouched(): subject.double(1)
def test_own_generator(): subject.double(random.Random(3).random()); random.Random()
def test_put_back():
    state = random.getstate(); random.seed(1); subject.double(random.random()); random.setstate(state)
def test_state(): random.setstate(random.Random(3).getstate()); subject.double(random.random())
@pytest.mark.parametrize('seed', [300, 301])
def test_by_parameter(seed): random.seed(seed); subject.double(random.random())
@pytest.fixture
def seeded(): random.seed('text')
def test_in_fixture(seeded): subject.double(random.random())
class Case(unittest.TestCase):
    def setUp(self): random.seed(7)
    def test_in_setup(self): subject.double(random.random())
"""


def test_random_numbers(drawn):
    record(drawn, RANDOM)
    found = drawn_by(drawn)
    put_back = found.pop("test_put_back_and_used")
    assert put_back[1]
    by_seed = {name for name, (by, seed) in found.items() if seed}
    assert by_seed == {"test_state", "test_by_parameter[300]", "test_by_parameter[301]"}
    assert found["test_by_parameter[300]"] != found["test_by_parameter[301]"]
    assert {name for name, (by, seed) in found.items() if by and not seed} == {
        "test_unseeded",
        "test_seeded_by_system",
        "test_seeded_late",
    }
    record(drawn, RANDOM)
    assert drawn_by(drawn)["test_put_back_and_used"] != put_back
    assert drawn_by(drawn).items() >= found.items()


def test_a_plugin_that_seeds_before_each_phase(drawn):
    """Like pytest-randomly: first with the seed of the run, then from the saved state."""
    drawn.write(
        "seeding.py",
        "import os, random, sys\nSTATES = {}\n"
        "def seed(n):\n"
        "    if n in STATES: random.setstate(STATES[n])\n"
        "    else: random.seed(n); STATES[n] = random.getstate()\n"
        "    if 'numpy' in sys.modules: sys.modules['numpy'].random.seed(n)\n"
        "def pytest_runtest_setup(item): seed(int(os.environ['SEED']))\n"
        "def pytest_runtest_call(item): seed(int(os.environ['SEED']))\n"
        "def pytest_runtest_teardown(item): seed(int(os.environ['SEED']))\n",
    )
    drawn.plugins = ["seeding"]
    drawn.environment["PYTHONPATH"] = f"{SOURCE}:{drawn.folder}"
    found = {}
    for seed in ("5", "5", "6"):
        drawn.environment["SEED"] = seed
        record(
            drawn,
            "def test_a(): subject.double(random.random())\ndef test_b(): subject.double(1)\n",
        )
        by = drawn_by(drawn)
        assert by["test_b"] == (None, None)
        assert by["test_a"][0] == "random"
        assert found.setdefault(seed, by) == by
    assert found["5"] != found["6"]


@needs_numpy
def test_numpy(drawn):
    drawn.is_started = True
    record(
        drawn,
        "def test_import():\n    import numpy\n    subject.double(1)\n"
        "def test_used(): import numpy; subject.double(int(numpy.random.randint(9)))\n"
        "def test_seeded(): import numpy; numpy.random.seed(1); subject.double(1)\n"
        "def test_normal(): import numpy; subject.double(float(numpy.random.normal()))\n"
        "def test_untouched(): subject.double(1)\n"
        "def test_own(): import numpy; subject.double(float(numpy.random.default_rng().random()))\n",
    )
    assert {name for name, (by, _) in drawn_by(drawn).items() if by == "numpy"} == {
        "test_used",
        "test_normal",
    }
    record(drawn, "def test(): import numpy; subject.double(int(numpy.random.randint(9)))\n")
    assert drawn_by(drawn) == {"test": ("numpy", None)}


@pytest.mark.skipif(not importlib.util.find_spec("pytest_randomly"), reason="no pytest-randomly")
def test_pytest_randomly(drawn):
    drawn.plugins = ["pytest_randomly"]
    found = {}
    for seed in ("5", "5", "6"):
        text = "".join(f"def test_{n}(): subject.double(random.random())\n" for n in range(3))
        record(drawn, text + "def test_plain(): subject.double(1)\n", f"--randomly-seed={seed}")
        by = drawn_by(drawn)
        assert by.pop("test_plain") == (None, None)
        assert found.setdefault(seed, by) == by
        assert all(drawn_by == "random" and seed for drawn_by, seed in by.values())
    assert not set(found["5"].values()) & set(found["6"].values())
