"""Handlers of signals that raise while the recorder works: at each of its calls, one after the other."""

from __future__ import annotations

import json
from collections import Counter

import pytest

_SUBJECT = """
from math import hypot
ran = []
def one(x):
    ran.append(x)
    return [x]
def fails(x):
    ran.append(x)
    raise ValueError(x)
def loops(x):
    while True:
        ran.append(x)
        return x
def items(x):
    ran.append(x)
    yield x
    yield [x]
async def later(x):
    ran.append(x)
    return [x]
async def stream(x):
    ran.append(x)
    yield x
    yield [x]
class Box:
    def __init__(self, x):
        ran.append(x)
        self.x = x
class Made:
    def __new__(cls, x):
        ran.append(x)
        return object.__new__(cls)
"""

# Python looks for signals after each call and at the start of each function, where a profiler may raise as well.
_TEST = """
import asyncio, json, sys
import pytest, subject

class Late(BaseException): pass

def interrupted(n, act):
    # Raise after n calls in the recorder, or by it; return whether there were so many.
    n_left = n
    def look(frame, event, argument):
        nonlocal n_left
        if frame.f_globals["__name__"].partition(".")[0] not in ("pytest_obslake", "subject"):
            return
        if event in ("call", "c_return"):
            n_left -= 1
            if n_left < 0:
                sys.setprofile(None)
                raise Late
    sys.setprofile(look)
    try: act()
    except (Late, ValueError): pass
    finally: sys.setprofile(None)
    return n_left < 0

def run(coroutine):
    try: coroutine.send(None)
    except StopIteration: pass

async def consume(stream):
    async for _ in stream: pass

ACTS = {
    "one": lambda x: subject.one(x),
    "fails": lambda x: subject.fails(x),
    "loops": lambda x: subject.loops(x),
    "items": lambda x: list(subject.items(x)),
    "later": lambda x: run(subject.later(x)),
    "stream": lambda x: run(consume(subject.stream(x))),
    "Box": lambda x: subject.Box(x),
    "Made": lambda x: subject.Made(x),
    "hypot": lambda x: subject.hypot(x),
}

@pytest.mark.parametrize("operation", list(ACTS))
def test(operation):
    act = ACTS[operation]
    interrupted(1000, lambda: act(-1))
    n = 0
    subject.ran.clear()
    while n < 1000 and interrupted(n, lambda: act(n)): n += 1
    assert 20 < n < 1000
    with open("ran.jsonl", "a") as file:
        print(json.dumps([operation, n, list(subject.ran)]), file=file)
"""


@pytest.mark.parametrize("file", ["records.jsonl", "records.jsonl.gz"])
@pytest.mark.parametrize("options", [[], ["--obslake-nested"]])
def test_no_call_is_lost_or_recorded_twice(suite, file, options):
    suite.write("subject.py", _SUBJECT)
    suite.write("test_it.py", _TEST)
    targets = ["--obslake-target=subject", "--obslake-target=subject:hypot"]
    suite.run(f"--obslake={file}", *targets, *options)
    assert suite.exit_code == 0, suite.output
    (end,) = suite.records("end", file)
    calls = suite.calls(file)
    assert end["failures"] == {}
    assert end["n_calls"] == len(calls)
    recorded = Counter(
        (call["operation"].partition("(")[0], json.loads(call["inputs"])[0]) for call in calls
    )
    assert {call: n for call, n in recorded.items() if n > 1} == {}
    n_missing = n_operations = 0
    for line in (suite.folder / "ran.jsonl").read_text().splitlines():
        operation, n_last, ran = json.loads(line)
        missing = {x for x in range(-1, n_last + 1) if (operation, x) not in recorded}
        assert missing.isdisjoint(ran)
        n_missing += len(missing)
        n_operations += 1
    left_out = {left["reason"]: left["count"] for left in end["left_out"]}
    n_interrupted = left_out["calls that the handler of a signal ended before their body"]
    # A handler that raises before the recorder begins is one that raises before the call.
    assert 0 < n_missing - n_interrupted < 10 * n_operations
