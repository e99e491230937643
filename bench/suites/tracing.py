"""Compare the calls that the recorder recorded with those that a second tracer saw."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.suites.catalogue import SuiteError
from bench.suites.running import Run, Runner

_NO_LIMIT = "--obslake-max-bytes=1000000000"
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
_TIME = re.compile(r"\d\d:\d\d:\d\d(\.\d+)?")
_ROW = re.compile(r"(\$CUT@[^\"@]+)@(\d+)")


@dataclass(frozen=True)
class Call:
    """A call in the form common to both tracers, with arguments by parameter name."""

    name: str
    target: str | None
    arguments: tuple[tuple[str, str], ...]
    output: str
    defaults: frozenset[str] = frozenset()

    def texts(self) -> Iterator[str]:
        """Return all texts that may refer to objects."""
        yield self.target or ""
        for name, text in self.arguments:
            yield f"{name}={text}"
        yield self.output


def compare_calls(runner: Runner) -> dict[str, Any]:
    """Run a suite with the recorder and with the tracer, and compare test by test.

    A test whose outcome differs between the two runs is only counted: a suite can notice the tracer.
    Texts that differ between two runs with the recorder are not compared, because the test uses random
    numbers or clocks; neither are whole tests that make other calls in the second run.
    """
    tracing = runner.with_tracer()
    recording = runner.with_recorder(_NO_LIMIT)
    if tracing.outcomes is None:
        raise SuiteError(f"does not run with the tracer:\n{tracing.printed}")
    recorded, traced = _recorded(runner.records), _traced(runner.trace)
    runner.with_recorder(_NO_LIMIT)
    again = _recorded(runner.records)
    disturbed = _disturbed(recording, tracing)
    unsteady = {
        test_id
        for test_id, calls in recorded.items()
        if not _are_alike(calls, again.get(test_id, []))
    }
    kinds: dict[str, tuple[int, str]] = {}
    n_same = n_different = 0
    for test_id in dict.fromkeys([*recorded, *traced]):
        if test_id in disturbed or test_id in unsteady:
            continue
        first, second = recorded.get(test_id, []), traced.get(test_id, [])
        first, second = _without_unsteady(first, again.get(test_id, []), second)
        found = list(_differences(first, second))
        n_different += bool(found)
        n_same += 0 if found else len(first)
        for kind, example in found:
            number, shown = kinds.get(kind, (0, f"{test_id}: {example}"))
            kinds[kind] = number + 1, shown
    return {
        "tests": len(recorded.keys() | traced.keys()),
        "recorded": sum(map(len, recorded.values())),
        "traced": sum(map(len, traced.values())),
        "same": n_same,
        "different": n_different,
        "disturbed": sorted(disturbed),
        "unsteady": sorted(unsteady - disturbed),
        "kinds": dict(sorted(kinds.items(), key=lambda item: -item[1][0])),
    }


def _disturbed(recording: Run, tracing: Run) -> set[str]:
    ids = recording.by_test.keys() | tracing.by_test.keys()
    words = [
        {key: [report[:2] for report in run.by_test.get(key, [])] for key in ids}
        for run in (recording, tracing)
    ]
    return {key for key in ids if words[0][key] != words[1][key]}


def _recorded(file: Path) -> dict[str, list[Call]]:
    calls: dict[str, list[tuple[int, Call]]] = {}
    with file.open(encoding="utf-8") as lines:
        for record in map(json.loads, map(_steadied, lines)):
            if record["record"] == "call":
                calls.setdefault(record["test_id"], []).append(
                    (record["step_id"], recorded_call(record))
                )
    return _in_order(calls)


def recorded_call(record: dict[str, Any]) -> Call:
    """Return the call described by one of the recorder's records."""
    name, parenthesis, rest = record["operation"].partition("(")
    names = rest.rpartition(")")[0].split(", ") if parenthesis else []
    arguments = []
    for index, text in enumerate(_elements(record["inputs"])):
        if text.startswith('{"$keyword":["'):
            keyword, value = _elements(text[len('{"$keyword":') : -1])
            arguments.append((json.loads(keyword), value))
        else:
            arguments.append((names[index] if index < len(names) else f"argument{index}", text))
    return Call(name, record["target"], tuple(arguments), record["output"])


def _traced(file: Path) -> dict[str, list[Call]]:
    calls: dict[str, list[tuple[int, Call]]] = {}
    with file.open(encoding="utf-8") as lines:
        for record in map(json.loads, map(_steadied, lines)):
            if "failure" in record:
                raise SuiteError(f"the tracer failed: {record['failure']}")
            arguments = tuple((name, text) for name, text, _ in record["arguments"])
            defaults = frozenset(name for name, _, is_default in record["arguments"] if is_default)
            call = Call(record["name"], record["target"], arguments, record["output"], defaults)
            calls.setdefault(record["test_id"], []).append((record["step"], call))
    return _in_order(calls)


def _are_alike(first: list[Call], second: list[Call]) -> bool:
    """Whether both call the same functions with the same numbers of arguments."""
    return [(call.name, len(call.arguments)) for call in first] == [
        (call.name, len(call.arguments)) for call in second
    ]


def _without_unsteady(
    recorded: list[Call], again: list[Call], traced: list[Call]
) -> tuple[list[Call], list[Call]]:
    """Remove the texts that differ between two runs with the recorder, on both sides."""
    if recorded == again or [call.name for call in recorded] != [call.name for call in traced]:
        return recorded, traced
    steady: tuple[list[Call], list[Call]] = ([], [])
    for first, other, second in zip(recorded, again, traced, strict=True):
        differ = {
            name
            for (name, text), (_, another) in zip(first.arguments, other.arguments, strict=True)
            if text != another
        }
        for call, calls in ((first, steady[0]), (second, steady[1])):
            calls.append(
                replace(
                    call,
                    arguments=tuple(each for each in call.arguments if each[0] not in differ),
                    output=call.output if first.output == other.output else "",
                )
            )
    return steady


def _steadied(line: str) -> str:
    return _TIME.sub("…", _ADDRESS.sub("0x", line))


def _in_order(calls: dict[str, list[tuple[int, Call]]]) -> dict[str, list[Call]]:
    return {
        test_id: [call for _, call in sorted(entries, key=lambda entry: entry[0])]
        for test_id, entries in calls.items()
    }


def _differences(recorded: list[Call], traced: list[Call]) -> Iterator[tuple[str, str]]:
    """Return the kind of each difference, with the calls."""
    names = [[call.name for call in calls] for calls in (recorded, traced)]
    if names[0] != names[1]:
        counts = [Counter(each) for each in names]
        if counts[0] == counts[1]:
            yield "different order", f"{names[0][:10]} {names[1][:10]}"
            return
        for name in counts[0].keys() | counts[1].keys():
            number = counts[0][name] - counts[1][name]
            if number:
                side = "recorded" if number > 0 else "traced"
                calls = recorded if number > 0 else traced
                example = next(call for call in calls if call.name == name)
                yield f"{name} only {side}", f"{abs(number)} calls such as {example}"
        return
    rows: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for pair in zip(recorded, traced, strict=True):
        first, second = (
            [_by_appearance(text, known) for text in call.texts()]
            for call, known in zip(_aligned(*pair), rows, strict=True)
        )
        name = pair[0].name
        if first[0] != second[0]:
            yield f"target of {name}", f"{first[0]} {second[0]}"
        if first[1:-1] != second[1:-1]:
            yield f"arguments of {name}", f"{pair[0].arguments!r:.300} {pair[1].arguments!r:.300}"
        if first[-1] != second[-1]:
            yield f"answer of {name}", f"{first[-1]:.200} {second[-1]:.200}"


def _aligned(recorded: Call, traced: Call) -> tuple[Call, Call]:
    """Return both calls with arguments sorted by name, without the defaults that were not recorded."""
    plain = {name for name, _ in traced.arguments if not name.startswith("*")}

    def named(call: Call, is_seen: Callable[[str], bool]) -> Call:
        # Arguments in a decorator's `*args` may have the parameter names of the decorated function.
        arguments = [
            (name if name in plain else "*", text) for name, text in call.arguments if is_seen(name)
        ]
        return replace(call, arguments=tuple(sorted(arguments, key=lambda argument: argument[0])))

    passed = {name for name, _ in recorded.arguments}
    return (
        named(recorded, lambda _: True),
        named(traced, lambda name: name not in traced.defaults or name in passed),
    )


def _by_appearance(text: str, known: dict[str, str]) -> str:
    """Renumber the objects by first appearance instead of by the step that made them."""
    return _ROW.sub(lambda match: f"{match[1]}@{known.setdefault(match[0], str(len(known)))}", text)


def _elements(text: str) -> list[str]:
    """Split the text of an array into the texts of its elements."""
    elements, start, depth, in_string, index = [], 1, 0, False, 1
    while index < len(text) - 1:
        character = text[index]
        if in_string:
            if character == "\\":
                index += 1
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        elif character == "," and not depth:
            elements.append(text[start:index])
            start = index + 1
        index += 1
    return [*elements, text[start:-1]] if len(text) > 2 else []
