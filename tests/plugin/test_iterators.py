"""Generators and coroutines are recorded without being run earlier or differently."""

from __future__ import annotations

import pytest

from .conftest import Suite, steps

SUBJECT = """
import asyncio, types
LOG = []

def count(n):
    LOG.append('started')
    try:
        for i in range(n):
            LOG.append(i)
            got = yield i
            if got is not None: LOG.append(got)
    except KeyError: yield 'caught'
    finally: LOG.append('closed')
    return 'end'

def share(n): yield [n]; yield [n + 1]
def forever():
    n = 0
    while True: yield n; n += 1
def broken():
    yield 1
    raise ValueError('broken')
def objects(): yield object()
def squares(n): return (i * i for i in range(n))
def same(iterator): return iterator
KEPT = (i for i in range(3))
def kept(): return KEPT

async def add(a, b): await asyncio.sleep(0); return a + b
async def twice(a): return await add(a, a)
async def fail(): raise ValueError('late')
async def acount(n):
    try:
        for i in range(n):
            got = yield i
            if got: LOG.append(got)
    finally: LOG.append('closed')
@types.coroutine
def old(): yield; return 5
"""


def record(suite: Suite, body: str, *arguments: str) -> list:
    suite.write("subject.py", SUBJECT)
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    suite.write(
        "test_it.py",
        "import asyncio, gc, inspect, itertools, pytest, weakref, subject\nfrom subject import *\n"
        f"def test():\n{lines}",
    )
    calls = suite.assert_same_outcome(*arguments)
    assert suite.exit_code == 0, suite.output
    return steps(calls)


def outputs(found: list) -> list[str]:
    return [output for *_, output in found]


def test_the_answer_of_a_generator_is_all_it_yielded_in_the_step_that_made_it(suite):
    found = record(
        suite,
        "g = count(2); h = squares(3); next(g); list(h); assert list(g) == [1]; list(count(1))",
    )
    assert found == [
        ("squares(n)", None, "[3]", '{"$iterator":[0,1,4]}'),
        ("count(n)", None, "[2]", '{"$iterator":[0,1]}'),
        ("count(n)", None, "[1]", '{"$iterator":[0]}'),
    ]


def test_a_generator_stays_lazy(suite):
    found = record(
        suite,
        "g = count(3); assert LOG == []; assert inspect.isgenerator(g); assert g.__name__ == 'count'\n"
        "next(g); assert LOG == ['started', 0]\n"
        "assert g.send('x') == 1; assert LOG[2:] == ['x', 1]\n"
        "assert g.throw(KeyError()) == 'caught'\n"
        "with pytest.raises(StopIteration) as stop: next(g)\n"
        "assert stop.value.value == 'end'; assert LOG[-1] == 'closed'",
    )
    assert outputs(found) == ['{"$iterator":[0,1,"caught"]}']


@pytest.mark.parametrize(
    "end", ["g.close()", "del g; gc.collect()", "pytest.raises(TypeError, g.throw, TypeError())"]
)
def test_closing_a_generator_closes_it(suite, end):
    (output,) = outputs(record(suite, f"g = count(9); next(g); {end}; assert LOG[-1] == 'closed'"))
    assert output in ('{"$iterator_prefix":[0]}', "$EXCEPTION@TypeError@")


def test_items_that_are_not_consumed_are_not_recorded(suite):
    found = record(
        suite, "g = forever(); assert list(itertools.islice(g, 3)) == [0, 1, 2]; count(2)"
    )
    assert outputs(found) == ['{"$iterator_prefix":[0,1,2]}']


def test_items_are_captured_when_they_are_yielded(suite):
    found = record(suite, "for items in share(1): items.clear()")
    assert outputs(found) == ['{"$iterator":[[1],[2]]}']


def test_a_suspended_generator_does_not_keep_its_items_alive(suite):
    record(suite, "for thing in objects(): gone = None\nassert list(objects())")


def test_an_exception_in_a_generator(suite):
    assert outputs(record(suite, "pytest.raises(ValueError, list, broken())")) == [
        "$EXCEPTION@ValueError@broken"
    ]


def test_calls_with_wrong_arguments_never_reach_the_function(suite):
    assert record(suite, "pytest.raises(TypeError, count)") == []


def test_items_that_cannot_be_encoded(suite):
    assert outputs(record(suite, "list(objects())")) == ["$N/A@object"]


def test_long_sequences_are_recorded_as_a_hash(suite):
    suite.write("subject.py", SUBJECT)
    body = "list(count(1000)); list(squares(1000)); list(itertools.islice(forever(), 1000))"
    one, two, three = outputs(record(suite, body))
    assert one.startswith('{"$iterator":[0,1')
    suite.write("pytest.ini", "[pytest]\nobslake_max_bytes = 500")
    one, two, three = outputs(record(suite, body))
    assert one.startswith("$TRUNCATED@")
    assert len({one, two, three}) == 3


def test_a_generator_that_has_started_stays_the_same_object(suite):
    record(
        suite,
        "g = squares(2); assert same(g) is g; assert kept() is kept() is KEPT; assert list(g) == [0, 1]",
    )


def test_coroutines(suite):
    found = record(
        suite,
        "async def main():\n"
        "    assert await add(1, 2) == 3\n"
        "    assert await asyncio.gather(twice(1), twice(2)) == [2, 4]\n"
        "    with pytest.raises(ValueError, match='late'): await fail()\n"
        "    task = asyncio.ensure_future(add(5, 5)); task.cancel()\n"
        "    with pytest.raises(asyncio.CancelledError): await task\n"
        "    assert await old() == 5\n"
        "    coroutine = add(7, 7); coroutine.close()\n"
        "asyncio.run(main())\n"
        "assert inspect.iscoroutinefunction(add)",
    )
    assert sorted(found)[:5] == [
        ("add(a, b)", None, "[1,2]", "3"),
        ("fail()", None, "[]", "$EXCEPTION@ValueError@late"),
        ("old()", None, "[]", "5"),
        ("twice(a)", None, "[1]", "2"),
        ("twice(a)", None, "[2]", "4"),
    ]


def test_calls_while_a_coroutine_waits_are_not_nested(suite):
    found = record(
        suite,
        "async def other(): await asyncio.sleep(0); list(squares(2))\n"
        "async def main(): await asyncio.gather(add(1, 2), other())\n"
        "asyncio.run(main())",
    )
    assert sorted(row[0] for row in found) == ["add(a, b)", "squares(n)"]


def test_asynchronous_generators(suite):
    found = record(
        suite,
        "async def main():\n"
        "    g = acount(3); assert inspect.isasyncgen(g)\n"
        "    assert [i async for i in g] == [0, 1, 2]\n"
        "    g = acount(9); assert await g.__anext__() == 0; assert await g.asend('sent') == 1\n"
        "    await g.aclose(); assert LOG[-2:] == ['sent', 'closed']\n"
        "    g = acount(9); await g.__anext__()\n"
        "    with pytest.raises(KeyError): await g.athrow(KeyError('thrown'))\n"
        "asyncio.run(main())",
    )
    assert outputs(found) == [
        '{"$iterator":[0,1,2]}',
        '{"$iterator_prefix":[0,1]}',
        "$EXCEPTION@KeyError@'thrown'",
    ]


def test_calls_between_the_items_of_a_returned_generator_are_recorded(suite):
    suite.write(
        "subject.py",
        "def items():\n    yield 1\n    yield 2\n"
        "def make(): return items()\ndef one(x): return x\n",
    )
    suite.write(
        "test_it.py", "import subject\ndef test():\n    for x in subject.make(): subject.one(x)\n"
    )
    calls = suite.record("--obslake-nested")
    assert [call["inputs"] for call in calls if call["operation"] == "one(x)"] == ["[1]", "[2]"]


def test_returned_generators_of_private_functions_are_followed(suite):
    suite.write(
        "subject.py",
        "class _View:\n"
        "    def __init__(self, items): self.items = items\n"
        "    def __iter__(self): return (x * 2 for x in self.items)\n"
        "def _make(items):\n    def later(): return (x for x in items)\n    return later\n"
        "class Graph:\n"
        "    def __init__(self, items): self.view = _View(items)\n"
        "    def __iter__(self): return iter(self.view)\n"
        "def plain(items): return _make(items)()\n",
    )
    suite.write(
        "test_it.py",
        "from subject import Graph, plain\n"
        "def test():\n    assert list(Graph([1, 2])) == [2, 4]\n    assert next(plain([1, 2])) == 1\n",
    )
    outputs = [call["output"] for call in suite.record()]
    assert outputs[1:] == ['{"$iterator":[2,4]}', '{"$iterator_prefix":[1]}']
