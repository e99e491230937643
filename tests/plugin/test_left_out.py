"""Calls that are not recorded are reported as left out."""

from __future__ import annotations

import json

import pytest
from pytest_obslake import leftout

from .conftest import Suite, steps

SHAPE = """
import functools
from math import gcd, hypot as _hypot
class made_half:
    def __init__(self, function): self.function = function
    def __get__(self, thing, owner=None): return self if thing is None else self.function(thing)
class bound:
    def __init__(self, inner): self.inner = inner
    def __get__(self, thing, owner=None): return functools.partial(self.inner, thing)
class Shape:
    def __init__(self, n): self.n = n
    def area(self, factor): return self.n * factor
    twice = functools.partialmethod(area, 2)
    @functools.singledispatchmethod
    def grow(self, by): raise TypeError(by)
    @grow.register
    def _(self, by: int): return self.n + by
    @grow.register
    def _(self, by: str): return by * self.n
    @staticmethod
    @functools.lru_cache
    def unit(n): return n / 10
    @classmethod
    @functools.lru_cache
    def of(cls, text): return len(text)
    @made_half
    def half(self): return self.n / 2
    @bound
    def inner(self, k): return self.n + k
    @functools.cached_property
    def third(self): return self.n / 3
    @property
    def size(self): return self.n
    @size.setter
    def size(self, value): self.n = value
    @size.deleter
    def size(self): self.n = 0
    append = list.append
hexadecimal = functools.partial(int, base=16)
doubled = functools.partial(lambda k, n: k * n, 2)
@functools.singledispatch
def show(x): return 'thing'
@show.register
def _(x: int): return 'number'
class Memo:
    def __init__(self, function): self.function = function; functools.update_wrapper(self, function)
    def __call__(self, *args): return self.function(*args)
@Memo
def squared(x): return x * x
__all__ = ['Shape', 'hexadecimal', 'doubled', 'show', 'squared', 'made_half']
"""


def test_functions_behind_descriptors(suite):
    suite.write("subject.py", SHAPE)
    suite.write(
        "test_it.py",
        "from subject import *\n"
        "def test():\n"
        "    s = Shape(4); s.twice(); s.grow(1); s.grow('a'); Shape.unit(20); Shape.unit(20); Shape.of('abc')\n"
        "    s.half; s.inner(1); s.third; s.third; s.size; s.size = 7; del s.size\n"
        "    hexadecimal('ff'); doubled(3); show(1); show('x'); squared(3)\n",
    )
    calls = suite.assert_same_outcome()
    assert suite.exit_code == 0, suite.output
    assert [row[0] + " " + row[2] + " " + row[3] for row in steps(calls)] == [
        "Shape(n) [4] $CUT@Shape@0",
        "area(factor) [2] 8",
        "grow(by) [1] 5",
        'grow(by) ["a"] "aaaa"',
        "unit(n) [20] 2.0",
        'of(text) ["abc"] 3',
        "half [] 2.0",
        "inner(k) [1] 5",
        "third [] 1.3333333333333333",
        "size [] 4",
        "size = value [7] null",
        "del size [] null",
        "doubled(k, n) [2,3] 6",
        'show(x) [1] "number"',
        'show(x) ["x"] "thing"',
        "squared(x) [3] 9",
    ]
    assert suite.left_out(leftout.IN_C) == {"count": 2, "names": ["Shape.append", "hexadecimal"]}
    assert suite.left_out(leftout.OTHER_NAME)["names"] == ["Shape.twice as Shape.area"]
    assert suite.left_out(leftout.CACHED) == {"count": 1, "names": ["Shape.unit"]}
    assert "obslake: left out: written in C: 2 (Shape.append, hexadecimal)" in suite.output
    (session,) = suite.records("session")
    assert "written in C: Shape.append, hexadecimal" in session["attributes"]["left_out"]


@pytest.mark.parametrize(
    "again",
    [
        "importlib.reload(subject)",
        "sys.modules.pop('subject'); subject = importlib.import_module('subject')",
    ],
)
def test_reloaded_modules(suite, again):
    suite.write(
        "subject.py",
        "import os\nMODE = os.environ.get('MODE', 'a')\ndef mode(x): return MODE + x\n",
    )
    suite.write(
        "test_it.py",
        "import importlib, sys, subject\nfrom subject import mode\n"
        "def test_before(): assert subject.mode('1') == 'a1'\n"
        "def test_again(monkeypatch):\n"
        f"    global subject\n    monkeypatch.setenv('MODE', 'b'); {again}\n"
        "    assert subject.mode('2') == 'b2'\n"
        "def test_after(): assert subject.mode('3') == 'b3'; mode('old')\n",
    )
    calls = suite.assert_same_outcome()
    assert suite.exit_code == 0, suite.output
    assert [json.loads(row[3])[1:] for row in steps(calls)] == ["1", "2", "3", "old"]


def test_modules_with_getattr(suite):
    suite.write(
        "package/__init__.py",
        "import importlib\n__all__ = ['early', 'late', 'later']\nfrom ._early import early\n"
        "def __getattr__(name):\n"
        "    if name in ('late', 'later', 'Made'):\n"
        "        return getattr(importlib.import_module('package._late'), name)\n"
        "    raise AttributeError(name)\n",
    )
    suite.write(
        "package/_early.py",
        "def early(): return lazily()\ndef lazily():\n    import package._third\n",
    )
    suite.write("package/_third.py", "")
    suite.write(
        "package/_late.py",
        "def late(x): return x\ndef later(x): return -x\nclass Made:\n    def __init__(self): self.x = 1\n",
    )
    suite.write(
        "test_it.py",
        "import sys, package\n"
        "def test():\n"
        "    assert 'package._late' not in sys.modules\n"
        "    package.late(1); package.late(2); package.early(); package.Made()\n"
        "def test_imported():\n    from package import later\n    later(3)\n",
    )
    calls = suite.assert_same_outcome(target="package")
    assert suite.exit_code == 0, suite.output
    assert [row[0] + row[3] for row in steps(calls)] == [
        "late(x)1",
        "late(x)2",
        "early()null",
        "Made()$CUT@Made@3",
        "later(x)-3",
    ]


def test_coroutines_and_generators_behind_decorators(suite):
    suite.write(
        "subject.py",
        "import asyncio, functools\n"
        "def logged(function):\n    @functools.wraps(function)\n"
        "    def wrapper(*args, **kwargs): return function(*args, **kwargs)\n    return wrapper\n"
        "@logged\nasync def double(x): await asyncio.sleep(0); return 2 * x\n"
        "@logged\ndef count(n): yield from range(n)\n"
        "@logged\nasync def acount(n):\n    for i in range(n): yield i\n"
        "@logged\n@logged\nasync def deep(x): return x\n"
        "def _private(n): yield n\n"
        "def private(n): return _private(n)\n"
        "@logged\nasync def fails(): raise ValueError('late')\n"
        "def same(x): return x\n",
    )
    suite.write(
        "test_it.py",
        "import asyncio, pytest\nfrom subject import *\n"
        "async def all_of(items): return [i async for i in items]\n"
        "def test():\n"
        "    assert asyncio.run(double(4)) == 8 and list(count(2)) == [0, 1]\n"
        "    assert asyncio.run(all_of(acount(2))) == [0, 1] and asyncio.run(deep(3)) == 3\n"
        "    assert list(private(7)) == [7]\n"
        "    with pytest.raises(ValueError): asyncio.run(fails())\n"
        "    double(1).close(); (i for i in same(i for i in [1]))\n"
        "    g = (i for i in [5]); assert same(g) is g; list(g)\n",
    )
    calls = suite.assert_same_outcome()
    assert suite.exit_code == 0, suite.output
    assert [row[0] + row[3] for row in steps(calls)][:6] == [
        "double(x)8",
        'count(n){"$iterator":[0,1]}',
        'acount(n){"$iterator":[0,1]}',
        "deep(x)3",
        'private(n){"$iterator":[7]}',
        "fails()$EXCEPTION@ValueError@late",
    ]


def test_generators_advanced_by_another_target(suite):
    suite.write(
        "subject.py",
        "def count(n):\n    yield from range(n)\ndef total(items): return sum(items)\n"
        "def pairs(*many): return list(zip(*many))\n",
    )
    suite.write(
        "test_it.py",
        "from subject import *\ndef test():\n    assert total(count(3)) == 3; pairs(count(1), count(n=2))\n",
    )
    assert [row[0] + row[3] for row in steps(suite.assert_same_outcome())] == [
        "total(items)3",
        'count(n){"$iterator":[0,1,2]}',
        'pairs(*many, *many)[{"$tuple":[0,0]}]',
        'count(n){"$iterator":[0]}',
        'count(n){"$iterator_prefix":[0]}',
    ]


def test_another_object_or_generator_at_the_same_address(suite):
    suite.write(
        "subject.py",
        "class Thing:\n    __slots__ = ('n',)\n    def __init__(self, n): self.n = n\n"
        "def make(n): return Thing(n)\ndef get(thing): return thing.n\n"
        "def order(items): return (item for item in items)\n",
    )
    suite.write(
        "test_it.py",
        "from subject import *\ndef test():\n"
        "    for n in range(3):\n        a = make(n); get(a); del a\n"
        "    for n in range(3):\n        a = Thing(n); get(a); del a\n"
        "    assert order([1]) != [1]; assert list(order([2])) == [2]\n",
    )
    assert [row[0] + row[3] for row in steps(suite.assert_same_outcome())] == [
        *(f"make(n)$CUT@Thing@{n}" if not n % 2 else f"get(thing){n // 2}" for n in range(6)),
        *(
            f"Thing(n)$CUT@Thing@{n}" if not n % 2 else f"get(thing){n // 2 - 3}"
            for n in range(6, 12)
        ),
        'order(items){"$iterator_prefix":[]}',
        'order(items){"$iterator":[2]}',
    ]


def test_a_module_with_getattr_exports_no_other_names(suite):
    suite.write(
        "package/__init__.py",
        "def __getattr__(name): raise AttributeError(name)\ndef shown(x): return x\n",
    )
    suite.write("package/sub.py", "def hidden(x): return x\n")
    suite.write(
        "test_it.py",
        "from package import shown\nfrom package.sub import hidden\ndef test(): hidden(1); shown(2)\n",
    )
    assert [row[0] + row[3] for row in steps(suite.record(target="package"))] == ["shown(x)2"]


def test_functions_with_themselves_as_default(suite):
    suite.write(
        "subject.py",
        "def decorate(inner):\n    def func(*args, _me=None): return _me.inner(*args)\n"
        "    func.inner = inner; func.__kwdefaults__ = {'_me': func}; return func\n"
        "one = decorate(lambda x: x)\n_other = decorate(lambda x: -x)\ntwo = decorate(lambda x: 2 * x)\n",
    )
    suite.write("test_it.py", "import subject as s\ndef test(): s.one(1); s._other(1); s.two(1)\n")
    assert [row[0] + row[3] for row in steps(suite.assert_same_outcome())] == [
        "one(*args)1",
        "two(*args)2",
    ]


def test_code_replaced_by_the_suite_is_reported(suite):
    suite.write(
        "subject.py",
        "def lazy(x):\n    lazy.__code__ = _real.__code__\n    return lazy(x)\ndef _real(x): return x\n",
    )
    suite.write("test_it.py", "import subject\ndef test(): subject.lazy(1); subject.lazy(2)\n")
    assert len(suite.assert_same_outcome()) == 1
    assert suite.left_out(leftout.EXCHANGED)["names"] == ["lazy"]


@pytest.mark.parametrize("nested", [[], ["--obslake-nested"]])
@pytest.mark.parametrize("targets", [["subject:hypot,cached"], ["subject", "subject:hypot,cached"]])
def test_replaced_targets_stay_the_same_when_modules_are_loaded(suite, targets, nested):
    suite.write(
        "subject.py",
        "import functools\nfrom math import hypot\n"
        "@functools.lru_cache\ndef cached(x): return x + 1\n",
    )
    suite.write("other.py", "from math import hypot\n")
    suite.write(
        "test_it.py",
        "import importlib, subject\n"
        "def call():\n    subject.hypot(3); subject.cached(1); subject.cached(1)\n"
        "def test_a(): call(); import other\n"
        "def test_b():\n    import other\n    call(); other.hypot(3)\n"
        "def test_c(): importlib.reload(subject); call()\n",
    )
    calls = suite.record(
        *[f"--obslake-target={each}" for each in targets[1:]], *nested, target=targets[0]
    )
    assert suite.exit_code == 0, suite.output
    recorded = {
        test: [
            (call["operation"], call["inputs"], call["output"])
            for call in calls
            if test in call["test_id"]
        ]
        for test in ("test_a", "test_b", "test_c")
    }
    hypot, cached = ("hypot(argument0)", "[3]", "3.0"), ("cached(x)", "[1]", "2")
    assert recorded == {
        "test_a": [hypot, cached, cached],
        "test_b": [hypot, cached, cached, hypot],
        "test_c": [hypot, cached, cached],
    }
    assert suite.left_out(leftout.CACHED) == {}


def test_child_processes_are_counted(suite):
    suite.is_started = True
    suite.write("subject.py", "def one(x): return x\n")
    suite.write(
        "test_it.py",
        "import os, subprocess, sys, pytest, subject\n"
        "def test_fork():\n"
        "    if not hasattr(os, 'fork'): pytest.skip('no fork')\n"
        "    child = os.fork()\n"
        "    if child == 0:\n        subject.one('child'); os._exit(0)\n"
        "    os.waitpid(child, 0)\n"
        "def test_start(): subprocess.run([sys.executable, '-c', ''], check=True)\n"
        "def test_one(): subject.one(1)\n",
    )
    assert [call["output"] for call in suite.record("-W", "ignore")] == ["1"]
    assert suite.left_out(leftout.FORKED)["count"] == 1
    assert suite.left_out(leftout.STARTED)["count"] == 1


def test_targets_without_a_call_are_reported(suite):
    suite.write(
        "subject.py",
        "def one(): return 1\ndef two(): return 2\nclass Box:\n    def get(self): pass\n",
    )
    suite.write("test_it.py", "import subject\ndef test(): subject.one()\n")
    suite.record()
    assert suite.left_out(leftout.NO_CALL) == {"count": 2, "names": ["two", "Box.get"]}
    assert "targets without a recorded call: 2 (two, Box.get)" in suite.output


def test_a_named_method_alone(suite: Suite):
    suite.write("subject.py", SHAPE)
    suite.write(
        "test_it.py", "from subject import *\ndef test(): Shape(4).grow(1); Shape(1).area(3)\n"
    )
    calls = suite.record(target="subject:Shape.grow")
    assert [row[0] for row in steps(calls)] == ["Shape(n)", "grow(by)", "Shape(n)"]
