"""Suites that change the interpreter they share with the recorder."""

from __future__ import annotations

import dis
import importlib.util
import json
import os
import subprocess
import sys

import pytest

from .conftest import Suite, steps


def same(suite: Suite, subject: str, test: str, *arguments: str, target: str = "subject") -> list:
    """Run tests that must pass, with and without the recorder, and return the steps."""
    suite.write("subject.py", subject)
    suite.write("test_it.py", test)
    calls = suite.assert_same_outcome(*arguments, target=target)
    assert suite.exit_code == 0, suite.output
    assert "not everything" not in suite.output
    return steps(calls)


def printed(suite: Suite, *arguments: str) -> list[str]:
    """The texts that the tests print between angle brackets."""
    return [line for line in suite.run("-s", *arguments).splitlines() if line.startswith("<")]


# -- the interpreter


def test_recursion_ends_at_the_same_depth(suite):
    suite.write(
        "subject.py",
        "def depth():\n    try: return 1 + depth()\n    except RecursionError: return 1\n"
        "def between(f): return f()\n"
        "class Box:\n"
        "    def deep(self):\n        try: return 1 + self.deep()\n        except RecursionError: return 1\n",
    )
    suite.write(
        "test_it.py",
        "import sys, subject\n"
        "def other():\n    try: return 1 + other()\n    except RecursionError: return 1\n"
        "def test():\n"
        "    limit = sys.getrecursionlimit()\n"
        "    found = [subject.depth(), subject.between(other), subject.Box().deep()]\n"
        "    assert sys.getrecursionlimit() == limit\n"
        "    print(); print('<', found)\n",
    )
    without = printed(suite)
    assert without
    with_recorder = printed(suite, "--obslake=records.jsonl", "--obslake-target=subject")
    if "RESUME" in dis.opmap:
        assert with_recorder == without
    else:  # before Python 3.11, calls of C functions count too
        one, other = (json.loads(line[1:]) for line in (*without, *with_recorder))
        assert all(0 <= depth - other[index] <= 8 for index, depth in enumerate(one))
    assert "not everything" not in suite.output


def test_objects_are_deleted_at_the_same_time(suite):
    same(
        suite,
        "import gc, weakref\n"
        "class Thing:\n    def __init__(self, other=None): self.other = other\n"
        "    def get(self): return self.other\n"
        "class Slotted:\n    __slots__ = ('other',)\n    def __init__(self, other): self.other = other\n"
        "def echo(value): return value\n"
        "def drop(value):\n    ref = weakref.ref(value)\n    del value\n    return ref\n"
        "def hold(value):\n    yield value\n    value = None\n    yield 1\n"
        "def fail(value): raise ValueError('no')\n",
        "import gc, sys, weakref, pytest\nfrom subject import *\n"
        "def test_results():\n"
        "    ref = weakref.ref(echo(Thing())); assert ref() is None\n"
        "    held = Thing(); ref = weakref.ref(held); one = Slotted(held); del held, one; assert ref() is None\n"
        "    box = [Thing()]; ref = drop(box.pop()); assert ref() is None\n"
        "def test_generators():\n"
        "    thing = Thing(); ref = weakref.ref(thing); g = hold(thing); next(g); del thing\n"
        "    assert next(g) == 1 and ref() is None\n"
        "    thing = Thing(); ref = weakref.ref(thing); g = hold(thing); next(g); del thing, g\n"
        "    assert ref() is None\n"
        "def test_exceptions():\n"
        "    thing = Thing(); ref = weakref.ref(thing)\n"
        "    with pytest.raises(ValueError): fail(thing)\n"
        "    del thing; gc.collect(); assert ref() is None\n"
        "def test_counts():\n"
        "    thing = Thing(); n = sys.getrefcount(thing); thing.get(); echo(thing)\n"
        "    assert sys.getrefcount(thing) == n\n"
        "def test_garbage():\n"
        "    gc.collect(); gc.disable()\n"
        "    try:\n"
        "        thing = Thing(); thing.other = thing; ref = weakref.ref(thing); del thing\n"
        "        assert ref() is not None; gc.collect(); assert ref() is None\n"
        "    finally: gc.enable()\n"
        "def test_locals():\n"
        "    def probe(a):\n        b = a\n        return sorted(locals())\n"
        "    assert echo(probe(1)) == ['a', 'b']\n",
    )


def test_other_tools_see_the_same_events(suite):
    same(
        suite,
        "def count(n):\n"
        "    total = 0\n"
        "    for i in range(n):\n"
        "        total += i\n"
        "    return total\n"
        "def items(n):\n"
        "    try:\n"
        "        yield n\n"
        "    finally:\n"
        "        n = 0\n",
        "import sys, tracemalloc, subject\n"
        "def lines(act):\n"
        "    seen = []\n"
        "    def trace(frame, event, arg):\n"
        "        if frame.f_code.co_filename != subject.__file__: return None\n"
        "        seen.append((event, frame.f_lineno, sorted(frame.f_locals)))\n"
        "        return trace\n"
        "    before = sys.gettrace(); sys.settrace(trace)\n"
        "    try: act()\n"
        "    finally: sys.settrace(before)\n"
        "    return seen\n"
        "def test_lines():\n"
        "    found = [(event, line) for event, line, _ in lines(lambda: subject.count(1))]\n"
        "    assert [f for f in found if f != ('line', 3)] == [\n"
        "        ('call', 1), ('line', 2), ('line', 4), ('line', 5), ('return', 5)]\n"
        "    found = [(event, line) for event, line, _ in lines(lambda: list(subject.items(1)))]\n"
        "    assert found[:3] == [('call', 6), ('line', 7), ('line', 8)] and found[-1][0] == 'return'\n"
        "def test_memory():\n"
        "    tracemalloc.start()\n"
        "    try:\n"
        "        for _ in range(100): subject.count(3)\n"
        "        before = tracemalloc.get_traced_memory()[0]\n"
        "        for _ in range(500): subject.count(3)\n"
        "        assert tracemalloc.get_traced_memory()[0] - before < 20000\n"
        "    finally: tracemalloc.stop()\n"
        "def test_contexts():\n"
        "    import contextvars\n"
        "    before = len(contextvars.copy_context()); subject.count(1)\n"
        "    assert len(contextvars.copy_context()) == before\n",
    )


@pytest.mark.skipif(not importlib.util.find_spec("coverage"), reason="no coverage")
def test_coverage(suite):
    suite.write(
        "subject.py",
        "def sign(n):\n    if n < 0:\n        return -1\n    try:\n        return 1 // n * n\n"
        "    except ZeroDivisionError:\n        return 0\n",
    )
    suite.write(
        "test_it.py", "from subject import sign\ndef test(): assert sign(0) == 0 and sign(1) == 1\n"
    )
    suite.is_started = True
    found = []
    for arguments in ([], ["--obslake=records.jsonl", "--obslake-target=subject"]):
        command = "import coverage, pytest, sys\n"
        command += "c = coverage.Coverage(branch=True, include='subject.py', data_file=None)\n"
        command += "c.start(); s = pytest.main(sys.argv[1:]); c.stop(); d = c.get_data()\n"
        command += "f = [f for f in d.measured_files()]; print('<', sorted(d.arcs(f[0])), int(s))\n"
        suite.write("cover.py", command)
        done = subprocess.run(
            [sys.executable, "cover.py", "-q", "-p", "pytest_obslake.plugin", *arguments],
            cwd=suite.folder,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            },
            capture_output=True,
            check=False,
        )
        found.append([line for line in done.stdout.decode().splitlines() if line.startswith("<")])
    assert found[0]
    if (
        "RERAISE" in dis.opmap and dis.opmap["RERAISE"] > 48
    ):  # Python 3.9 reports a line per instruction
        assert found[1] == found[0]
    assert len(suite.calls()) == 2


def test_exits_and_errors(suite):
    suite.write(
        "subject.py",
        "import sys\ndef leave(code): sys.exit(code)\ndef full(): raise MemoryError\n"
        "def stop(): raise KeyboardInterrupt\ndef one(): return 1\n",
    )
    suite.write(
        "test_it.py",
        "import pytest, subject\n"
        "def test_leave():\n    with pytest.raises(SystemExit): subject.leave(3)\n"
        "def test_leave_again(): subject.leave(4)\n"
        "def test_full():\n    with pytest.raises(MemoryError): subject.full()\n"
        "def test_one(): subject.one()\n",
    )
    calls = suite.assert_same_outcome()
    assert [row[3] for row in steps(calls)] == [
        "$EXCEPTION@SystemExit@3",
        "$EXCEPTION@SystemExit@4",
        "$EXCEPTION@MemoryError@",
        "1",
    ]
    suite.write(
        "test_it.py",
        "import subject\ndef test_stop(): subject.stop()\ndef test_one(): subject.one()\n",
    )
    assert suite.assert_same_outcome() == []
    assert suite.exit_code == 2


@pytest.mark.skipif(not hasattr(__import__("signal"), "setitimer"), reason="no timers")
def test_signals_that_raise(suite):
    found = same(
        suite,
        "def spin():\n    while True: pass\ndef one(x): return x\n",
        "import signal, pytest, subject\n"
        "class Late(BaseException): pass\n"
        "def late(*_): raise Late\n"
        "@pytest.mark.parametrize('n', range(20))\n"
        "def test(n):\n"
        "    before = signal.signal(signal.SIGALRM, late)\n"
        "    try:\n"
        "        with pytest.raises(Late):\n"
        "            signal.setitimer(signal.ITIMER_REAL, 0.001 + n / 10000)\n"
        "            while True: subject.one(n)\n"
        "        with pytest.raises(Late):\n"
        "            signal.setitimer(signal.ITIMER_REAL, 0.001)\n"
        "            subject.spin()\n"
        "    finally: signal.setitimer(signal.ITIMER_REAL, 0); signal.signal(signal.SIGALRM, before)\n"
        "def test_after(): assert subject.one('after') == 'after'\n",
    )
    assert found[-1][3] == '"after"'


# -- threads, tasks and other kinds of tests


def test_threads_and_tasks(suite):
    found = same(
        suite,
        "import asyncio\n"
        "def work(n): return helper(n) + 1\ndef helper(n): return n\n"
        "async def later(n):\n    await asyncio.sleep(0)\n    return helper(n) * 2\n"
        "async def items(n):\n    for i in range(n):\n        await asyncio.sleep(0)\n        yield helper(i)\n"
        "async def swallow():\n    try: await asyncio.sleep(9)\n"
        "    except asyncio.CancelledError: return 'swallowed'\n"
        "async def outer(): return await swallow()\n",
        "import asyncio, threading, subject\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "def test_threads():\n"
        "    with ThreadPoolExecutor(4) as pool: assert sum(pool.map(subject.work, range(100))) == 5050\n"
        "def test_tasks():\n"
        "    async def consume(n): return [i async for i in subject.items(n)]\n"
        "    async def main():\n"
        "        found = await asyncio.gather(subject.later(1), consume(2), subject.later(3), consume(1))\n"
        "        assert found == [2, [0, 1], 6, [0]]\n"
        "        task = asyncio.ensure_future(subject.outer()); await asyncio.sleep(0); task.cancel()\n"
        "        assert await task == 'swallowed'\n"
        "    asyncio.run(main())\n",
    )
    tasks = [row for row in found if not row[0].startswith("work")]
    assert len(found) - len(tasks) == 100
    assert sorted(row[0] + row[3] for row in tasks) == [
        'items(n){"$iterator":[0,1]}',
        'items(n){"$iterator":[0]}',
        "later(n)2",
        "later(n)6",
        'outer()"swallowed"',
    ]


def test_doctests_and_unittest(suite):
    found = same(
        suite,
        "def one(x):\n    '''\n    >>> one(3)\n    3\n    '''\n    return x\n",
        "import unittest, subject\n"
        "class Case(unittest.TestCase):\n"
        "    def setUp(self): subject.one('up')\n"
        "    def test(self):\n"
        "        for i in range(2):\n"
        "            with self.subTest(i=i): self.assertEqual(subject.one(i), i)\n"
        "class Later(unittest.IsolatedAsyncioTestCase):\n"
        "    async def test(self): subject.one('later')\n",
        "--doctest-modules",
    )
    assert [row[3] for row in found] == ["3", '"up"', "0", "1", '"later"']


def test_a_suite_that_runs_suites(suite):
    suite.plugins = ["pytester"]
    found = same(
        suite,
        "def one(x): return x\n",
        "import subject\n"
        "def test(pytester):\n"
        "    pytester.makepyfile(test_inner='import subject\\ndef test(): assert subject.one(1) == 1')\n"
        "    pytester.syspathinsert(__import__('os').path.dirname(subject.__file__))\n"
        "    assert pytester.runpytest_inprocess('-p', 'no:cacheprovider').ret == 0\n"
        "    assert subject.one(2) == 2\n",
    )
    assert [row[3] for row in found] == ["1", "2"]


def test_tests_in_the_package_under_test_are_not_targets(suite):
    suite.write("subject/__init__.py", "def one(x): return x\n__all__ = ['one', 'test_a']\n")
    suite.write("subject/tests/__init__.py", "")
    suite.write(
        "subject/tests/test_it.py",
        "import pytest\nfrom subject import one\n"
        "def setup_function(): one('setup')\n"
        "@pytest.fixture\ndef made(): return one('made')\n"
        "def helped(x): return one(x)\n"
        "def test_a(made): one(1); helped(2)\n"
        "class Base:\n    def helper(self): return one(3)\n    def test_b(self): self.helper()\n"
        "class TestIt(Base):\n    def test_c(self): one(4)\n",
    )
    calls = suite.record(target="subject.tests.test_it")
    # Helpers are targets like any other function.
    assert [call["operation"] for call in calls] == ["helped(x)"]
    calls = [*suite.record("--obslake-target=subject", target="subject.tests.test_it")]
    assert [call["inputs"] for call in calls if call["operation"] == "one(x)"] == [
        '["setup"]',
        '["made"]',
        "[1]",
        "[3]",
        "[4]",
    ]
    assert {"made", "setup_function", "test_a", "TestIt.test_c"} <= set(
        suite.left_out("tests, which are not targets")["names"]
    )


def test_a_missed_end_is_reported_and_the_next_test_is_recorded(suite):
    suite.write("subject.py", "def one(x): return x\n")
    suite.write(
        "test_it.py",
        "import gc, subject, threading\nfrom pytest_obslake.observing import Events\n"
        "(events,) = [o for o in gc.get_objects() if type(o) is Events] or [None]\n"
        "def lose():\n"
        "    (events,) = [o for o in gc.get_objects() if type(o) is Events]\n"
        "    events.enter(); subject.one('lost')\n"
        "def test_a(): lose()\n"
        "def test_b():\n"
        "    thread = threading.Thread(target=lose); thread.start(); thread.join()\n"
        "def test_c(): subject.one('heard')\n",
    )
    assert [call["inputs"] for call in suite.record()] == ['["heard"]']
    assert suite.output.count("the end of a call was missed") == 1
    assert "(2 times)" in suite.output
