"""Two runs of a suite with random inputs are compared only where their inputs are equal."""

import json
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.harness.lake import Lake
from tests.loader.test_recording import call, lines, session, test
from tests.plugin.conftest import SOURCE, Suite

SUBJECT = """
class Stack:
    def __init__(self, items=()): self.items = list(items)
    def push(self, item): self.items.append(item); return len(self.items) + {plus}
    def pop(self): return self.items.pop()
def double(x): return 2 * x
def same(x): return x
def shared(stack, x): return x
"""

SUITE = """
import random
import pytest, subject
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
# Where the environment says CI, Hypothesis draws without regard to its seed.
many = settings(max_examples=25, database=None, derandomize=False)
SHARED = [subject.Stack([1]), subject.Stack([2])]

def test_plain(): subject.double(1)
@many
@given(x=st.integers(0, 40), y=st.lists(st.booleans(), max_size=2))
def test_values(x, y): subject.double(x); subject.same(y)
@many
@given(stack=st.builds(subject.Stack, st.lists(st.integers(0, 2), max_size=2)))
def test_built(stack): stack.push(1)
@many
@given(stack=st.sampled_from(SHARED))
def test_objects_of_nobody(stack): subject.shared(stack, 1)
@many
@given(x=st.integers(0, 9).map(lambda x: [object(), x]))
def test_without_text(x): subject.double(x[1])
@many
@given(x=st.sampled_from([object()]))
def test_inputs_without_text(x): subject.same(x)
@many
@given(data=st.data())
def test_data(data):
    if subject.double(data.draw(st.integers(0, 20))) > 20: subject.same(data.draw(st.booleans()))
class Machine(RuleBasedStateMachine):
    def __init__(self): super().__init__(); self.stack = subject.Stack()
    @rule(x=st.integers(0, 2))
    def push(self, x): self.stack.push(x)
TestMachine = Machine.TestCase
TestMachine.settings = settings(many, stateful_step_count=3)
def test_seeded():
    random.seed(1)
    for _ in range(3): subject.double(random.randrange(10**6))
@pytest.mark.parametrize('n', range(9))
def test_random(n): subject.double(random.randrange(3)); subject.same(random.randrange(2))
@pytest.mark.parametrize('n', range(9))
def test_random_inside(n): subject.same(1); random.random()
def test_random_object(): subject.shared(random.choice(SHARED), 1)
"""


def record(suite: Suite, name: str, *arguments: str, **environment: str) -> Path:
    """Record the suite, and return the file."""
    suite.environment.update(environment)
    target = "--obslake-target=subject"
    suite.run(f"--obslake={name}.jsonl", f"--obslake-run={name}", target, *arguments)
    assert suite.exit_code == 0, suite.output
    return suite.folder / f"{name}.jsonl"


def by_run(lake: Lake) -> dict[tuple[str, int], dict[str, tuple[str, str, str]]]:
    """The inputs and the answer of each cell, by run."""
    found: dict[tuple[str, int], dict[str, tuple[str, str, str]]] = {}
    for row in lake.rows("observations"):
        cell = found.setdefault((row["test_id"], row["step_id"]), {})
        assert row["run_id"] not in cell, "one answer in each cell of a run"
        cell[row["run_id"]] = (row["operation"], row["inputs"], row["output"])
    return found


def compared(cells: dict[tuple[str, int], Any], test_id: str) -> list[Any]:
    """The cells of a test in both runs."""
    prefix = f"test_it.py::{test_id}"
    return [
        cell
        for (found, _), cell in cells.items()
        if (found == prefix or found.startswith((prefix + "{", prefix + "["))) and len(cell) == 2
    ]


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    suite = Suite(tmp_path / "suite")
    suite.write("subject.py", SUBJECT.format(plus=0))
    suite.write("test_it.py", SUITE)
    suite.plugins = ["_hypothesis_pytestplugin"]
    return suite


def test_runs_are_compared_where_their_inputs_are_equal(lake: Lake, suite: Suite) -> None:
    files = [record(suite, f"run{seed}", f"--hypothesis-seed={seed}") for seed in (1, 2)]
    report = lake.load("recording", *files)
    assert report["warnings"] == []
    cells = by_run(lake)
    for cell in cells.values():
        assert len(set(cell.values())) == 1, "equal keys, equal inputs, equal answers"
    for test_id in ("test_plain", "test_values", "test_built", "test_without_text", "test_data"):
        assert compared(cells, test_id), test_id
    for test_id in ("TestMachine::runTest", "test_random", "test_random_inside"):
        assert compared(cells, test_id), test_id
    assert len(compared(cells, "test_seeded")) == 3
    assert len(compared(cells, "test_random_inside")) == 9
    for test_id in ("test_objects_of_nobody", "test_inputs_without_text", "test_random_object"):
        assert compared(cells, test_id) == [], test_id
        assert any(found.startswith(f"test_it.py::{test_id}{{run=run1.0") for found, _ in cells)
    assert any(len(cell) == 1 for (found, _), cell in cells.items() if "test_values{" in found)


def test_another_version_differs_only_in_its_answers(lake: Lake, suite: Suite) -> None:
    before = record(suite, "before", "--hypothesis-seed=1")
    suite.write("subject.py", SUBJECT.format(plus=1))
    lake.load("recording", before, record(suite, "after", "--hypothesis-seed=2"))
    differing = {
        (found.partition("{")[0], cell["before"][0])
        for (found, _), cell in by_run(lake).items()
        if len(cell) == 2 and cell["before"] != cell["after"]
    }
    assert differing == {
        ("test_it.py::test_built", "push(item)"),
        ("test_it.py::TestMachine::runTest", "push(item)"),
    }


def test_a_seed_of_the_run(lake: Lake, suite: Suite) -> None:
    """Such as that of pytest-randomly."""
    suite.write(
        "seeding.py",
        "import os, random\ndef pytest_runtest_setup(): random.seed(int(os.environ['SEED']))\n",
    )
    suite.write(
        "test_it.py",
        "import random, subject\ndef test_drawn(): subject.double(random.random())\n"
        "def test_plain(): subject.double(1)\n",
    )
    suite.plugins = ["seeding"]
    suite.environment["PYTHONPATH"] = f"{SOURCE}:{suite.folder}"
    seeds = {"run1": "5", "run2": "5", "run3": "6"}
    lake.load("recording", *(record(suite, run, SEED=seed) for run, seed in seeds.items()))
    runs = sorted(
        (found.partition("{")[0][12:], sorted(cell)) for (found, _), cell in by_run(lake).items()
    )
    assert runs == [
        ("test_drawn", ["run1", "run2"]),
        ("test_drawn", ["run3"]),
        ("test_plain", ["run1", "run2", "run3"]),
    ]


def test_arguments_of_examples_are_kept_with_the_tests(lake: Lake) -> None:
    example = {"record": "example", "test_id": "t[a]", "attempt": 0, "example": "ab12"}
    records = [
        session(),
        {"record": "start", "test_id": "t[a]", "attempt": 0},
        call(test_id="t[a]", operation="outside()"),
        {**example, "arguments": '[{"$keyword":["x",1]}]'},
        call(test_id="t[a]", example="ab12"),
        test(test_id="t[a]", drawn_by="hypothesis"),
    ]
    report = lake.load("recording", lake.jsonl("r.jsonl", records))
    assert report["warnings"] == []
    assert lake.rows("tests", "test_id", "stimulus_sheet", "origin") == [
        ("t[a]", None, "tests/test_slugs.py"),
        ("t[a]{example=ab12}", '[{"$keyword":["x",1]}]', "tests/test_slugs.py"),
    ]
    assert lake.rows("observations", "test_id", "operation") == [
        ("t[a]", "outside()"),
        ("t[a]{example=ab12}", "slugify(text)"),
    ]


def keys(lake: Lake, *tests: Iterable[dict[str, Any]]) -> list[tuple[str, int]]:
    """The keys of the tests of one session, with the steps."""
    lake.load("recording", lake.jsonl("r.jsonl", [session(), *(r for t in tests for r in t)]))
    return lake.rows("observations", "test_id", "step_id")


def drawn(test_id: str, *steps: dict[str, Any], **fields: object) -> list[dict[str, Any]]:
    calls = [call(test_id=test_id, step_id=n, **step) for n, step in enumerate(steps)]
    return [*calls, test(test_id=test_id, drawn_by="random", **fields)]


def test_keys_of_tests_with_random_inputs(lake: Lake) -> None:
    stack = {"target": "Stack", "output": "$CUT@Stack@0", "inputs": "[]"}
    on_it = {"target": "$CUT@Stack@0"}
    found = keys(
        lake,
        drawn("a", {"inputs": "[1]"}, {"inputs": "[2]"}),
        drawn("b", {"inputs": "[1]", "output": "another"}, {"inputs": "[2]"}),
        drawn("c", {"inputs": "[2]"}, {"inputs": "[1]"}),
        drawn("d", stack, on_it),
        drawn("e", on_it),
        drawn("f", {"target": "$CUT@Stack"}),
        drawn("g", {"inputs": '[["$N/A@object"]]'}),
        drawn("h", {}, seed="5eed"),
    )
    by_test = {test_id[0]: test_id[1:] for test_id, _ in found}
    assert by_test["a"].startswith("{calls=")
    assert by_test["a"] == by_test["b"] != by_test["c"]
    assert by_test["d"].startswith("{calls=")
    assert by_test["e"] == by_test["f"] == by_test["g"] == "{run=run-7.0}"
    assert by_test["h"] == "{seed=5eed}"


def test_examples_with_equal_inputs_are_one(lake: Lake) -> None:
    steps = [
        call(example="#2", output="2"),
        call(example="#10", output="10"),
        call(example="#11", inputs='["$N/A@object"]'),
        call(example="#12", inputs='["$N/A@object"]'),
    ]
    lake.load("recording", lake.jsonl("r.jsonl", [session(), *steps]))
    found = lake.rows("observations", "test_id", "output")
    assert [(test_id[:16], output) for test_id, output in found] == [
        ("t{example=calls-", "2"),
        ("t{run=run-7.0#11", '"e"'),
        ("t{run=run-7.0#12", '"e"'),
    ]


def test_random_seeds_of_a_session(lake: Lake) -> None:
    names = [{"kind": "an address", "answers": 2, "inputs": 0, "operations": ["f(x)"]}]
    end = {"record": "end", "examples": {"count": 3}, "names_the_process": names}
    text = lines([session(attributes={}), call(), end])
    assert lake.load("recording", lake.write("r.jsonl", text))["warnings"] == []
    attributes = lake.row("runs")["attributes"]
    assert {name: json.loads(value) for name, value in attributes.items()} == {
        "examples": {"count": 3},
        "names_the_process": names,
    }


@pytest.mark.skipif(os.name != "posix", reason="no signals")
@pytest.mark.parametrize("n_calls", [1001, 3000])
def test_a_run_that_was_killed_is_loaded_up_to_its_last_call(
    lake: Lake, suite: Suite, n_calls: int
) -> None:
    """The file ends in zeros while a test makes many calls."""
    suite.is_started = True
    suite.write(
        "test_it.py",
        "import os, signal, subject\n"
        "def test_whole(): subject.double(1)\n"
        "def test_killed():\n"
        f"    for n in range({n_calls}): subject.double(n)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n",
    )
    suite.run("--obslake=killed.jsonl", "--obslake-target=subject")
    assert suite.exit_code == -signal.SIGKILL
    file = suite.folder / "killed.jsonl"
    whole, _, rest = file.read_bytes().rpartition(b"}\n")
    assert len(whole.splitlines()) == n_calls + 5
    assert len(rest) > 1000
    assert not rest.strip(b"\0")
    report = lake.load("recording", file)
    assert report["warnings"] == [f"{file} is cut off: loaded up to its last whole line"]
    answers = {(row["test_id"], row["step_id"]): row["output"] for row in lake.rows("observations")}
    assert answers == {
        ("test_it.py::test_whole", 0): "2",
        **{("test_it.py::test_killed", n): str(2 * n) for n in range(n_calls)},
    }
