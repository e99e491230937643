"""The record of a call."""

from __future__ import annotations

import json

import pytest
from pytest_obslake.leftout import CACHED, NO_CONSTRUCTOR, REPLACED

from .conftest import Suite, steps


def check(suite: Suite, subject: str, test: str, *arguments: str, target: str = "subject") -> list:
    """Record one test that must pass."""
    suite.write("subject.py", subject)
    suite.write("test_it.py", test)
    calls = suite.record(*arguments, target=target)
    assert suite.exit_code == 0, suite.output
    return steps(calls)


def test_arguments_are_recorded_as_bound_to_parameters(suite):
    found = check(
        suite,
        "def area(width, height=2, *more, unit='m', **rest): return width * height",
        "from subject import area\n"
        "def test(): area(3); area(3, height=4); area(3, 4, 5, 6, unit='cm', colour=None)",
    )
    assert found == [
        ("area(width)", None, "[3]", "6"),
        ("area(width, height)", None, "[3,4]", "12"),
        (
            "area(width, height, *more, *more, unit, colour)",
            None,
            '[3,4,5,6,{"$keyword":["unit","cm"]},{"$keyword":["colour",null]}]',
            "12",
        ),
    ]


def test_arguments_are_captured_before_the_call(suite):
    found = check(
        suite,
        "def drain(items): items.clear(); return items",
        "from subject import drain\ndef test(): drain([1, 2])",
    )
    assert found == [("drain(items)", None, "[[1,2]]", "[]")]


def test_an_empty_dict_is_a_value(suite):
    check(suite, "def make(): return {}", "import subject\ndef test(): subject.make()")
    assert suite.calls()[0]["response_kind"] == "value"


def test_a_record_has_the_fields_of_the_format(suite):
    check(suite, "def one(): return 1", "import subject\ndef test(): subject.one()")
    (call,) = suite.calls()
    assert list(call) == [
        "record",
        "test_id",
        "step_id",
        "attempt",
        "operation",
        "target",
        "inputs",
        "output",
        "duration_ns",
        "observed_at",
    ]
    assert call["duration_ns"] > 0
    assert call["observed_at"].endswith("+00:00")
    (record,) = suite.records("test")
    assert list(record) == [
        "record",
        "test_id",
        "attempt",
        "outcome",
        "duration_ns",
        "file",
        "line",
        "n_steps",
    ]
    assert (record["file"], record["line"], record["n_steps"]) == ("test_it.py", 2, 1)


def test_exceptions_are_answers_and_reach_the_test_unchanged(suite):
    found = check(
        suite,
        "ERROR = ValueError('no')\nclass Odd(Exception): pass\n"
        "def refuse(): raise ERROR\ndef odd(): raise Odd('a', 1)\ndef leave(): raise SystemExit(3)",
        "import pytest, subject\n"
        "def test():\n"
        "    with pytest.raises(ValueError) as caught: subject.refuse()\n"
        "    assert caught.value is subject.ERROR\n"
        "    with pytest.raises(subject.Odd): subject.odd()\n"
        "    with pytest.raises(SystemExit): subject.leave()\n",
    )
    assert [output for *_, output in found] == [
        "$EXCEPTION@ValueError@no",
        "$EXCEPTION@subject.Odd@('a', 1)",
        "$EXCEPTION@SystemExit@3",
    ]


def test_an_interruption_of_a_test_is_not_an_answer(suite):
    suite.write(
        "subject.py",
        "import pytest\ndef skip(): pytest.skip('later')\ndef fail(): pytest.fail('now')",
    )
    suite.write(
        "test_it.py", "import subject\ndef test_a(): subject.skip()\ndef test_b(): subject.fail()"
    )
    assert suite.assert_same_outcome() == []
    assert [record["outcome"] for record in suite.records("test")] == ["skipped", "failed"]


def test_a_timeout_of_pytest_timeout_is_a_timeout(suite):
    found = check(
        suite,
        "import pytest\ndef hang(): pytest.fail('Timeout (>1.0s) from pytest-timeout.')",
        "import pytest, subject\ndef test():\n    with pytest.raises(pytest.fail.Exception): subject.hang()",
    )
    assert found == [("hang()", None, "[]", "$TIMEOUT")]


STACK = """
class Base:
    def size(self): return len(self.items)

class Stack(Base):
    limit = 9
    def __init__(self, items=()): self.items = list(items)
    def push(self, item): self.items.append(item); return self
    def merge(self, other): return self.push(other.items[0])
    @property
    def top(self): return self.items[-1]
    @classmethod
    def of(cls, *items): return cls(items)
    @staticmethod
    def join(one, two): return Stack(one.items + two.items)
    def __len__(self): return self.size()
    def __hash__(self): return 1
    def _private(self): return 2
"""


def test_objects_under_test_are_references(suite):
    found = check(
        suite,
        STACK,
        "from subject import Stack\n"
        "def test():\n"
        "    one = Stack([1]); two = Stack.of(2, 3); one.push(4).push(5); len(one); one.top; one.size()\n"
        "    one.merge(two); both = Stack.join(one, two); both._private(); hash(both); both.top\n",
    )
    assert found == [
        ("Stack(items)", "Stack", "[[1]]", "$CUT@Stack@0"),
        ("of(*items, *items)", "Stack", "[2,3]", "$CUT@Stack@1"),
        ("push(item)", "$CUT@Stack@0", "[4]", "$CUT@Stack@0"),
        ("push(item)", "$CUT@Stack@0", "[5]", "$CUT@Stack@0"),
        ("__len__()", "$CUT@Stack@0", "[]", "3"),
        ("top", "$CUT@Stack@0", "[]", "5"),
        ("size()", "$CUT@Stack@0", "[]", "3"),
        ("merge(other)", "$CUT@Stack@0", '["$CUT@Stack@1"]', "$CUT@Stack@0"),
        ("join(one, two)", "Stack", '["$CUT@Stack@0","$CUT@Stack@1"]', "$CUT@Stack@8"),
        ("top", "$CUT@Stack@8", "[]", "3"),
    ]


def test_an_object_made_outside_of_the_steps_has_no_row(suite):
    found = check(
        suite, STACK, "from subject import Stack\nGLOBAL = Stack([7])\ndef test(): GLOBAL.top"
    )
    assert found == [("top", "$CUT@Stack", "[]", "7")]


def test_constructors_of_every_kind_of_class(suite):
    found = check(
        suite,
        "import dataclasses, typing, enum\n"
        "class Plain: pass\n"
        "class Built:\n    def __new__(cls, size): return super().__new__(cls)\n"
        "@dataclasses.dataclass\nclass Point:\n    x: int\n    y: int = 0\n"
        "class Named(typing.NamedTuple):\n    x: int\n"
        "class Text(str): pass\n"
        "class Slots:\n    __slots__ = ('a',)\n"
        "    def __init__(self): self.a = 1\n    def get(self): return self.a\n"
        "class Colour(enum.Enum):\n    RED = 1\n    def shout(self): return self.name + '!'\n"
        "class Refused(Plain):\n    def __init__(self): raise ValueError('never')\n",
        "import pytest, inspect\nfrom subject import *\n"
        "def test():\n"
        "    Plain(); Built(3); assert Point(1, y=2) == Point(1, 2); assert Named(4) == (4,)\n"
        "    assert Text('a') == 'a'; Slots().get(); assert Colour(1).shout() == 'RED!'\n"
        "    with pytest.raises(ValueError): Refused()\n"
        "    with pytest.raises(TypeError, match=r'^Plain\\(\\) takes no arguments$'): Plain(1)\n"
        "    assert str(inspect.signature(Plain)) == '()'\n"
        "    assert str(inspect.signature(Built)) == '(size)'\n",
    )
    assert [(operation, output) for operation, _, _, output in found] == [
        ("Built(size)", "$CUT@Built@0"),
        ("Point(x, y)", "$CUT@Point@1"),
        ("Point(x, y)", "$CUT@Point@2"),
        ("__eq__(other)", "true"),
        ("Named(x)", "$CUT@Named@4"),
        ("Slots()", "$CUT@Slots@5"),
        ("get()", "1"),
        ("shout()", '"RED!"'),
        ("Refused()", "$EXCEPTION@ValueError@never"),
    ]
    assert suite.left_out(NO_CONSTRUCTOR)["names"] == ["Plain", "Text"]


def test_a_subclass_in_the_test_is_under_test(suite):
    found = check(
        suite,
        STACK,
        "from subject import Stack\n"
        "class Mine(Stack):\n    def __init__(self): super().__init__([8])\n"
        "def test():\n    mine = Mine(); mine.top; mine.__init__()\n",
    )
    assert found == [
        ("Mine(items)", "Mine", "[[8]]", "$CUT@Mine@0"),
        ("top", "$CUT@Mine@0", "[]", "8"),
        ("__init__(items)", "$CUT@Mine@0", "[[8]]", "null"),
    ]


def test_nested_calls_are_recorded_only_on_request(suite):
    subject = "def outer(x): return inner(x) + 1\ndef inner(x): return x"
    test = "import subject\ndef test(): subject.outer(1); subject.inner(5)"
    assert [row[0] for row in check(suite, subject, test)] == ["outer(x)", "inner(x)"]
    assert check(suite, subject, test, "--obslake-nested") == [
        ("outer(x)", None, "[1]", "2"),
        ("inner(x)", None, "[1]", "1"),
        ("inner(x)", None, "[5]", "5"),
    ]


def test_every_reference_to_a_function_leads_to_the_recorder(suite):
    found = check(
        suite,
        "def one(): return 1\nTABLE = {'one': one}",
        "import functools, pickle, pytest, subject\nfrom subject import one, TABLE\n"
        "LATER = functools.partial(one)\nORIGINAL = one\n"
        "@pytest.mark.parametrize('function', [one])\n"
        "def test(function):\n"
        "    from subject import one as again\n"
        "    assert function is again is one is ORIGINAL\n"
        "    function(); TABLE['one'](); LATER(); pickle.loads(pickle.dumps(one))()\n",
    )
    assert len(found) == 4


def test_functions_without_python_code(suite):
    found = check(
        suite,
        "import functools\n"
        "@functools.lru_cache(maxsize=None)\ndef twice(x): return 2 * x\n"
        "class Box:\n    @functools.cached_property\n    def size(self): return 3\n"
        "    @functools.lru_cache(maxsize=None)\n    def double(self): return 6\n",
        "import subject, pytest\nfrom subject import twice, Box\n"
        "@pytest.mark.parametrize('function', [twice])\n"
        "def test(function):\n"
        "    twice(2); function(2); assert subject.twice.cache_info().hits == 1\n"
        "    box = Box(); box.size; box.size; box.double(); box.double()\n",
    )
    assert [(row[0], row[3]) for row in found] == [
        ("twice(x)", "4"),
        ("size", "3"),
        ("double()", "6"),
    ]
    assert suite.left_out(CACHED) == {"count": 2, "names": ["twice", "Box.double"]}


def test_named_functions_without_python_code_are_replaced(suite):
    found = check(
        suite,
        "import functools\nfrom math import gcd\n"
        "@functools.lru_cache(maxsize=None)\ndef twice(x): return 2 * x\n",
        "import math, subject, pytest\nfrom subject import gcd, twice\n"
        "@pytest.mark.parametrize('function', [twice])\n"
        "def test(function):\n"
        "    twice(2); function(2); assert subject.twice.cache_info().hits == 1; twice.cache_clear()\n"
        "    gcd(4, 6); assert math.gcd is gcd is subject.gcd\n",
        target="subject:twice,gcd",
    )
    assert [(row[0], row[2], row[3]) for row in found] == [
        ("twice(x)", "[2]", "4"),
        ("twice(x)", "[2]", "4"),
        ("gcd(argument0, argument1)", "[4,6]", "2"),
    ]
    assert suite.left_out(REPLACED)["names"] == ["twice", "gcd"]


def test_everything_is_restored_at_the_end(suite):
    suite.is_started = True
    suite.write("subject.py", STACK + "class Plain: pass\ndef one(): return 1\n")
    suite.write("test_it.py", "import subject\ndef test(): subject.one(); subject.Plain()")
    suite.write(
        "conftest.py",
        "import subject\n"
        "def state():\n"
        "    return (subject.one.__code__, vars(subject.one), dict(vars(subject.Plain)),\n"
        "            subject.Stack.push.__code__, subject.Stack.of.__func__.__code__)\n"
        "BEFORE = repr(state())\n"
        "def pytest_unconfigure(config):\n"
        "    print('restored', repr(state()) == BEFORE, 'wrapped', hasattr(subject.one, '__wrapped__'))\n",
    )
    suite.record("-s")
    assert "restored True wrapped False" in suite.output


def test_a_target_may_be_a_package_that_exports_names_of_its_modules(suite):
    suite.write("package/__init__.py", "from .core import visible\nfrom os.path import join")
    suite.write(
        "package/core.py",
        "def visible(): return _hidden()\ndef _hidden(): return 1\ndef other(): return 2",
    )
    suite.write(
        "test_it.py",
        "import package, package.core\ndef test(): package.visible(); package.join('a'); package.core.other()",
    )
    assert [row[0] for row in steps(suite.record(target="package"))] == ["visible()"]
    assert [row[0] for row in steps(suite.record(target="package.core"))] == [
        "visible()",
        "other()",
    ]
    assert [row[0] for row in steps(suite.record(target="package.core:other"))] == ["other()"]
    assert [row[0] for row in steps(suite.record(target="package.core.other"))] == ["other()"]


def test_named_methods_include_the_constructor(suite):
    found = check(
        suite,
        STACK,
        "from subject import Stack\ndef test(): stack = Stack([1]); stack.push(2); stack.top",
        target="subject:Stack.top",
    )
    assert [row[0] for row in found] == ["Stack(items)", "top"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("missing", "No module named 'missing'"),
        ("subject:missing", "has no attribute 'missing'"),
        ("subject:", "write package.module, or package.module:name"),
        ("a b", "write package.module, or package.module:name"),
        ("subject:VALUE", "VALUE is not a function or class"),
    ],
)
def test_a_misspelt_target_is_a_usage_error(suite, target, message):
    suite.write("subject.py", "VALUE = 1\ndef one(): return 1")
    suite.write("test_it.py", "def test(): pass")
    suite.run("--obslake=records.jsonl", f"--obslake-target={target}")
    assert suite.exit_code == 4
    assert message in suite.output


def test_recording_needs_a_target(suite):
    suite.write("test_it.py", "def test(): pass")
    assert "--obslake needs --obslake-target" in suite.run("--obslake=records.jsonl")


def test_ini_options(suite):
    suite.write("subject.py", "def one(): return 'x' * 100")
    suite.write("test_it.py", "import subject\ndef test(): subject.one()")
    suite.write(
        "pytest.ini",
        "[pytest]\nobslake_target = subject\nobslake_problem = ones\nobslake_max_bytes = 10\n"
        "obslake_data_set = mine\nobslake_lineage = line\n",
    )
    suite.run("--obslake=records.jsonl")
    (session,) = suite.records("session")
    assert [session[key] for key in ("problem_id", "data_set_id", "lineage")] == [
        "ones",
        "mine",
        "line",
    ]
    assert suite.calls()[0]["output"].startswith("$TRUNCATED@")


def test_without_the_option_the_recorder_is_not_imported(suite):
    suite.is_started = True
    suite.write("subject.py", "def one(): return 1")
    suite.write(
        "test_it.py",
        "import sys, subject\ndef test():\n    assert subject.one.__code__.co_filename == subject.__file__\n"
        "    assert [m for m in sys.modules if m.startswith('pytest_obslake')] == "
        "['pytest_obslake', 'pytest_obslake.plugin']\n",
    )
    suite.run("--obslake-target=subject")
    assert suite.exit_code == 0, suite.output


def test_records_are_json_for_any_text(suite):
    found = check(
        suite,
        "def echo(text): return text",
        "import subject\ndef test(): subject.echo('é\\n\\u2028'); subject.echo('\\ud800')",
    )
    assert [json.loads(row[3]) for row in found] == ["é\n\u2028", "\ud800"]


def test_a_copy_does_not_take_the_row_of_a_deleted_object(suite):
    suite.write(
        "subject.py",
        "import copy\n"
        "class Thing:\n    __slots__ = ('n',)\n    def __init__(self, n): self.n = n\n"
        "def changed(thing, n):\n    new = copy.copy(thing); new.n = n; return new\n"
        "def deep(thing): return copy.deepcopy(thing)\n"
        "def same(thing): return thing\n",
    )
    suite.write(
        "test_it.py",
        "import copy\nfrom subject import Thing, changed, deep, same\n"
        "def test():\n"
        "    thing = Thing(1)\n"
        "    for n in range(3):\n        changed(thing, n); deep(thing)\n"
        "    same(thing)\n"
        "    for n in range(3):\n        same(copy.copy(thing))\n",
    )
    outputs = [call["output"] for call in suite.record()]
    assert outputs[:8] == [f"$CUT@Thing@{row}" for row in (0, 1, 2, 3, 4, 5, 6, 0)]
    # Copies made by the test itself are not made by a step.
    assert outputs[8:] == [f"$CUT@Thing@{row}" for row in (8, 9, 10)]
