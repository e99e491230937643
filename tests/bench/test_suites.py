"""The campaign on suites of real distributions, tested with local suites that need no network."""

import json
import re
from pathlib import Path

import pytest

from bench.suites.__main__ import main
from bench.suites.catalogue import SuiteError, read
from bench.suites.tracing import recorded_call

SUBJECT = """
def add(a, b=1, *, scale=1):
    return (a + b) * scale

def count(n):
    for i in range(n):
        yield i

def fail(text):
    try:
        raise KeyError(text)
    finally:
        try:
            raise ValueError
        except ValueError:
            pass

async def later(x):
    return add(x)

class Stack:
    def __init__(self, items=()):
        self.items = list(items)
    def push(self, item):
        self.items.append(item)
        return self
    @property
    def top(self):
        return self.items[-1]
    @classmethod
    def of(cls, *items):
        return cls(items)
    def __len__(self):
        return len(self.items)
"""

TESTS = """
import asyncio
import inspect
import random
import warnings
import pytest
from subject import Stack, add, count, fail, later

def test_functions():
    assert add(1) == 2
    assert add(1, 3, scale=2) == 8
    assert list(count(3)) == [0, 1, 2]
    with pytest.raises(KeyError):
        fail("no")
    assert asyncio.run(later(1)) == 2

def test_objects():
    stack = Stack.of(1, 2).push(3)
    assert len(stack) == 3 and stack.top == 3

def test_prefix():
    items = count(3)
    assert next(items) == 0

@pytest.mark.skip(reason="not today")
def test_skipped():
    pass

def test_arity():
    warnings.warn("of the suite")
    assert len(inspect.signature(add).parameters) == 3, "the code is another"

def test_unsteady():
    assert False, random.random()
"""

# A recorder that changes the code under test.
PLUGIN = """
import warnings
import pytest

def pytest_addoption(parser):
    parser.addoption("--obslake")
    parser.addoption("--obslake-target", action="append")

def pytest_collection_finish(session):
    import subject
    subject.add.__code__ = (lambda *args, **kwargs: 0).__code__
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "subject"
    folder.mkdir()
    (folder / "subject.py").write_text(SUBJECT)
    (folder / "test_subject.py").write_text(TESTS)
    data = tmp_path / "suites.toml"
    data.write_text(
        '[suites.subject]\nfolder = "subject"\narguments = ["test_subject.py"]\n'
        'environment = { PYTEST_DISABLE_PLUGIN_AUTOLOAD = "1" }\n'
    )
    return data


def campaign(data: Path, *arguments: str) -> tuple[int, dict]:
    out = data.with_name("out.json")
    options = {"--data": data, "--cache": data.parent / "cache", "--out": out}
    status = main(
        [*(str(part) for option in options.items() for part in option), "--here", *arguments]
    )
    return status, json.loads(out.read_text())["suites"]["subject"]


def test_a_suite_runs_as_it_does_without_the_recorder_and_a_second_tracer_sees_the_same(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, found = campaign(data, "--trace", "all")
    trace = found["trace"]
    assert trace["different"] == 0, trace["kinds"]
    assert trace["recorded"] == trace["traced"] == trace["same"] == 10
    assert found["outcomes"] == {"passed": 4, "skipped": 1, "failed": 1}
    assert found["exit_status"] == [1, 1]
    assert found["warnings"] == [1, 1]
    # A message that changes in every run is not a difference.
    assert found["in_short"] == "same"
    assert [name for name, *_ in found["unsteady"]["tests"]] == ["test_subject.py::test_unsteady"]
    assert status == 0
    assert re.search(r"\| subject +\| 6 +\|", capsys.readouterr().out)


def test_changes_made_by_a_recorder_are_found(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = tmp_path / "recorder"
    package = recorder / "src" / "pytest_obslake"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "plugin.py").write_text(PLUGIN)
    (recorder / "pyproject.toml").write_text("[project]\nname = 'pytest-obslake'\n")

    status, found = campaign(data, "--trace", "none", "--recorder", str(recorder))
    assert status == 1
    changed = {
        node_id.partition("::")[2]: outcomes for node_id, *outcomes in found["differences"]["tests"]
    }
    assert changed.keys() == {"test_functions", "test_arity"}
    assert changed["test_arity"][0] == [["call", "passed", ""]]
    assert "the code is another" in changed["test_arity"][1][0][2]
    assert "test_subject.py::test_arity\n  without:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("operation", "inputs", "arguments"),
    [
        ("f()", "[]", ()),
        ("top", "[]", ()),
        ("f(a, b)", '[1,"x,]"]', (("a", "1"), ("b", '"x,]"'))),
        ("f(*rest, *rest)", '[[1,2],{"a":"\\""}]', (("*rest", "[1,2]"), ("*rest", '{"a":"\\""}'))),
        ("f(a, c)", '[1,{"$keyword":["c",[2,3]]}]', (("a", "1"), ("c", "[2,3]"))),
    ],
)
def test_arguments_of_a_record_are_read_by_name(
    operation: str, inputs: str, arguments: tuple
) -> None:
    record = {"operation": operation, "inputs": inputs, "target": None, "output": "null"}
    assert recorded_call(record).arguments == arguments


def test_the_list_of_suites_is_complete() -> None:
    catalogue = read()
    assert len(catalogue.suites) >= 25
    assert sum(suite.traced for suite in catalogue.suites.values()) >= 5
    for suite in catalogue.suites.values():
        assert suite.version, suite.name
        assert all(reason for _, reason in suite.deselected), suite.name
    assert all(catalogue.left_out.values())


def test_an_unknown_suite_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nothing"]) == 2
    assert capsys.readouterr().err == "Error: no suite nothing: it is not in the list\n"


def test_a_misspelt_setting_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "suites.toml"
    data.write_text('[suites.a]\nversoin = "1"\n')
    with pytest.raises(SuiteError, match="versoin"):
        read(data)
