"""Random observations and descriptions that exercise the rules of the marts.

One generator with two sources of choices: ``observation_sets()`` is a hypothesis strategy (small
sets that shrink), ``random_observations()`` draws from ``random.Random`` (the same variety at
scale, many problems in one list). Both first generate a regular problem (implementations that share
a few behaviours, run in a few contexts) and then damage it row by row. ``described_sets()`` and
``random_descriptions()`` add descriptions of the implementations, most of them in a few lineages.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from .equivalence import Equivalence
from .naive import ORACLE, Decision, Description, Observation, Renamed
from .voting import VotingRule

T = TypeVar("T")

NIGHTS = "nights"
"""Data sets of nights, beside those of `DATA_SET_IDS`."""

# Text order: by UTF-16 code units (Java's String) the emoji comes before the full-width A, by code
# points after it. Case, accents in two normal forms and trailing spaces must stay distinct.
CURSED = (
    "quote'\"",
    "'; drop table x; --",
    "{{ jinja }}{% raw %}",
    "new\nline\ttab\r",
    "\U0001f600",
    "\uff21",
    "\u00e9",
    "e\u0301",
    " ",
    "\u00a0 ",
    "back\\slash",
    "100%_",
    "a:b",
    "$*@{} ${env:HOME}",
    "null",
)

DATA_SET_IDS = ("ds", "ds 2's \U0001f600")
PROBLEM_IDS = ("Stack", "stack", ORACLE, *CURSED)
TEST_IDS = ("t1", "t2", "t10", "T1", "1", "1:t1", ORACLE, *CURSED)
# Only the asterisk has a meaning.
TEST_PATTERNS = ("t1", "t*", "*1", "*t*1*", "*", "1:t_", "T%", "test *", *CURSED[:4])
STEP_IDS = (0, 1, 2, 10)
ALTERNATIVES = ("1", "10", "2", "b", "")
IMPLEMENTATION_IDS = ("a", "b", "c", "B", "impl_10", "impl_9", "Oracle", "oracle ", *CURSED)
ENVIRONMENT_IDS = ("default", "py3.12", "Default", ORACLE, *CURSED)
RUN_IDS = ("run1", "run2", "run10", "Run1", *CURSED)
ATTEMPTS = (0, 1, 2, 10)
OPERATIONS = (None, "push(int)", "pop()", "'; drop table x; --", "{{ op }}", "")
TARGETS = (None, "A0", "$CUT@Stack@0", "\u00e9", "")
INPUTS = (None, "[]", "[1]", '["a,b", null]', '["\'; drop table x; --"]', '["\U0001f600"]')
DURATIONS = (None, 0, 1, 1_000, 2**53 + 1)
LOAD_IDS = ("0190-a", "0190-b", "0190-B")
LINEAGES = ("main", "Main", ORACLE, *CURSED)
CONTENT_HASHES = (None, "9f86d081", "60303ae2", "")
REVISIONS = (None, "1.9", "1.10", "3f2a9c1", "'; drop table x; --", "")
TIMES = (
    datetime(2024, 1, 1, 12, 0, 0, tzinfo=UTC),
    datetime(2024, 1, 1, 12, 0, 0, 1, tzinfo=UTC),
    datetime(2024, 3, 31, 1, 30, 0, 999_999, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
)


@dataclass(frozen=True)
class Response:
    """A response as recorded: its kind and its output."""

    kind: str
    output: str | None


# Few, so that implementations agree often enough.
COMMON_RESPONSES = (
    Response("value", "42"),
    Response("value", "43"),
    Response("void", "{}"),
    Response("exception", "$EXCEPTION@java.lang.IllegalStateException@empty"),
)

RESPONSES = (
    *COMMON_RESPONSES,
    Response("value", "null"),
    Response("value", "[1, 2]"),
    Response("value", "[2,1]"),
    Response("value", "1.04"),
    Response("value", "10e-1"),
    Response("value", '{"b": [1, 2], "a": 1.0}'),
    Response("value", '{"a":1.01,"b":[2,1]}'),
    Response("value", '{"a":1,"b":{"$tuple":[2,true]}}'),
    Response("value", "1.0"),
    Response("value", "true"),
    Response("value", "about 1.04 s"),
    Response("value", "about 1.0  s."),
    Response("value", '"\u00e9 <Stack at 0x7f5b1c>"'),
    Response("value", '"e\u0301 <stack at 0x7f5b1d>"'),
    Response("value", '"\\u00C9 <Stack at 0x7f5b1c>"'),
    Response("exception", "$EXCEPTION@KeyError@Line 3: 1.04"),
    Response("exception", "$EXCEPTION@KeyError@line 4: 1.0"),
    Response("value", '"a@b"'),
    Response("value", '"a@c"'),
    Response("value", '"\U0001f600"'),
    Response("value", '"\uff21"'),
    Response("value", '"it\'s {{ x }}\\n"'),
    Response("value", '{"$float": "nan"}'),
    Response("value", "$TRUNCATED@9f86d081"),
    Response("value", ""),
    Response("value", None),
    Response("void", None),
    Response("instance", "$CUT@Stack@0"),
    Response("instance", "$CUT@Stack@1"),
    Response("exception", "$EXCEPTION@java.lang.IllegalStateException@full"),
    Response("exception", "$EXCEPTION@KeyError@'new\nline'"),
    Response("exception", None),
    Response("timeout", "$TIMEOUT"),
    Response("timeout", None),
    Response("crash", "$CRASH"),
    Response("crash", None),
    Response("not_serializable", "$N/A"),
    Response("not_serializable", "$N/A@java.io.Stream"),
    Response("not_serializable", None),
    Response("not_executed", "$*"),
    Response("not_executed", None),
    Response("skipped", None),
    Response("verdict", "passed"),
    Response("verdict", "passed@\U0001f600"),
    Response("verdict", "passed@\uff21"),
    Response("verdict", "failed@AssertionError@1 != 2"),
    Response("verdict", "failed@AssertionError@1 != 3"),
    Response("verdict", "error@ImportError@x"),
    Response("verdict", "@"),
    Response("verdict", None),
    Response("other", "$FUTURE@x"),
    Response("other", None),
    # the same text as responses of another kind: equal by hash, different as votes
    Response("value", "{}"),
    Response("value", "passed"),
    Response("value", "$TIMEOUT"),
    Response("value", "$CUT@Stack@0"),
    Response("instance", "42"),
    Response("crash", "43"),
)

LOAD_FAILURE = Response("exception", "$EXCEPTION@ImportError@no module")
TIMEOUT = Response("timeout", "$TIMEOUT")
VERDICTS = tuple(r for r in RESPONSES if r.kind == "verdict")
FAILURES = (
    LOAD_FAILURE,
    TIMEOUT,
    Response("verdict", "error@ConnectionError@refused"),
    Response("verdict", "error@ConnectionError@timed out"),
)


@dataclass(frozen=True)
class Shape:
    """Limits of the size of one problem."""

    max_implementations: int = 6
    max_tests: int = 3
    max_steps: int = 2
    max_contexts: int = 3
    max_edits: int = 8


class Chooser(Protocol):
    """A source of choices; the first alternative is the simplest."""

    def integer(self, low: int, high: int) -> int:
        """Return an integer between low and high, both included."""

    def choose(self, alternatives: Sequence[T]) -> T:
        """Return one of the alternatives."""

    def sample(self, alternatives: Sequence[T], size: int) -> list[T]:
        """Return distinct alternatives in random order."""

    def chance(self, percent: int) -> bool:
        """Return True with a probability in percent; False is simpler."""


class RandomChooser:
    """Choices made by a seeded ``random.Random``."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def integer(self, low: int, high: int) -> int:
        """Return an integer between low and high, both included."""
        return self._random.randint(low, high)

    def choose(self, alternatives: Sequence[T]) -> T:
        """Return one of the alternatives."""
        return self._random.choice(alternatives)

    def sample(self, alternatives: Sequence[T], size: int) -> list[T]:
        """Return distinct alternatives in random order."""
        return self._random.sample(alternatives, size)

    def chance(self, percent: int) -> bool:
        """Return True with a probability in percent."""
        return self._random.randrange(100) < percent

    def shuffle(self, rows: list[Any]) -> None:
        """Shuffle rows in place."""
        self._random.shuffle(rows)


class DrawChooser:
    """Choices drawn, and shrunk, by hypothesis."""

    def __init__(self, draw: DrawFn) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        """Return an integer between low and high, both included."""
        return self._draw(st.integers(low, high))

    def choose(self, alternatives: Sequence[T]) -> T:
        """Return one of the alternatives."""
        return self._draw(st.sampled_from(alternatives))

    def sample(self, alternatives: Sequence[T], size: int) -> list[T]:
        """Return distinct alternatives in random order."""
        return self._draw(
            st.lists(st.sampled_from(alternatives), min_size=size, max_size=size, unique=True)
        )

    def chance(self, percent: int) -> bool:
        """Return True with a probability in percent; shrinks to False."""
        return self._draw(st.integers(0, 99)) >= 100 - percent


def build_problem(
    chooser: Chooser, data_set_id: str, problem_id: str, shape: Shape
) -> list[Observation]:
    """Return the observations of one problem; may be empty."""
    stimuli = [
        (test_id, step_id)
        for test_id in chooser.sample(TEST_IDS, chooser.integer(1, shape.max_tests))
        for step_id in STEP_IDS[: chooser.integer(1, min(shape.max_steps, len(STEP_IDS)))]
    ]
    divergent = chooser.chance(25)  # many voters with many responses: pluralities
    n_implementations = chooser.integer(
        min(4, shape.max_implementations) if divergent else 1, shape.max_implementations
    )
    implementation_ids = chooser.sample(IMPLEMENTATION_IDS, n_implementations)
    if chooser.chance(50):
        implementation_ids[-1] = ORACLE
    contexts = [
        (environment_id, run_id, chooser.choose(TIMES))
        for environment_id, run_id in _contexts(chooser, shape)
    ]
    behaviours = list(_behaviours(chooser, len(stimuli), divergent))
    # Some tools record the contents of tests, and some the arguments as the calls left them.
    sheets = [
        (inputs, chooser.choose((None, None, "content 0", f"content {number}")))
        for number, inputs in enumerate(_sheets(chooser, len(stimuli)))
    ]

    rows: list[Observation] = []
    for implementation_id in implementation_ids:
        behaviour = chooser.choose(behaviours)
        sheet, content_hash = chooser.choose(sheets)
        skipped_test = chooser.choose(stimuli)[0] if chooser.chance(15) else None
        for number, (environment_id, run_id, observed_at) in enumerate(contexts):
            if number > 0 and chooser.chance(25):
                continue  # not every implementation takes part in every run
            if chooser.chance(10):
                sheet, content_hash = chooser.choose(sheets)  # a test was edited between two runs
            for (test_id, step_id), response, inputs in zip(stimuli, behaviour, sheet, strict=True):
                if test_id == skipped_test:
                    continue
                rows.append(
                    Observation(
                        data_set_id=data_set_id,
                        problem_id=problem_id,
                        test_id=test_id,
                        step_id=step_id,
                        implementation_id=implementation_id,
                        environment_id=environment_id,
                        run_id=run_id,
                        attempt=0,
                        operation="push(int)" if step_id else "new Stack()",
                        target="A0" if step_id else None,
                        inputs=inputs,
                        output=response.output,
                        response_kind=response.kind,
                        duration_ns=1_000,
                        observed_at=observed_at,
                        load_id=LOAD_IDS[number % len(LOAD_IDS)],
                        test_content_hash=content_hash,
                    )
                )
    for row in [r for r in rows if r.implementation_id == ORACLE]:
        for name in chooser.sample(
            ALTERNATIVES, chooser.integer(1, 3) if chooser.chance(30) else 0
        ):
            response = _response(chooser)
            rows.append(
                replace(row, alternative=name, output=response.output, response_kind=response.kind)
            )
    for _ in range(chooser.integer(0, shape.max_edits)):
        _edit(chooser, rows)
    return rows


def build_nights(chooser: Chooser, data_set_id: str) -> list[Observation]:
    """Return the observations of a suite that ran in some nights, in some of which most tests failed alike."""
    n_nights = chooser.integer(2, 5)
    run_ids = chooser.sample(RUN_IDS, n_nights)
    problem_ids = chooser.sample(PROBLEM_IDS, 2)
    implementation_ids = chooser.sample(IMPLEMENTATION_IDS, n_nights + 1)
    is_one = chooser.chance(40)  # the same implementation in all nights
    environment_ids = chooser.sample(ENVIRONMENT_IDS, chooser.integer(1, 2))
    n_tests = chooser.integer(9, 14)
    start = datetime(2024, 2, 1, tzinfo=UTC) if chooser.chance(90) else TIMES[-1]
    rows: list[Observation] = []
    for night, run_id in enumerate(run_ids):
        observed_at = start + timedelta(days=night // 2 if chooser.chance(10) else night)
        columns = [implementation_ids[0 if is_one else night]]
        if chooser.chance(20):
            columns.append(implementation_ids[-1])
        for environment_id in environment_ids:
            for implementation_id in columns:
                usual, alike = VERDICTS[0], chooser.choose((*FAILURES, *(8 * (None,))))
                is_weak = implementation_id == implementation_ids[-1]
                first = chooser.choose((*(6 * (0,)), n_tests // 2, n_tests - 2))
                # Few choices: each costs hypothesis as much as a row. These tests answer otherwise.
                others = {chooser.integer(0, n_tests): r for r in (usual, chooser.choose(FAILURES))}
                for test in range(first, n_tests + chooser.choose((0, 0, 3))):
                    response = FAILURES[0] if is_weak else others.get(test, alike or usual)
                    rows.append(
                        Observation(
                            data_set_id=data_set_id,
                            problem_id=problem_ids[test % 2],
                            test_id=f"test {test}",
                            step_id=0,
                            implementation_id=implementation_id,
                            environment_id=environment_id,
                            run_id=run_id,
                            attempt=0,
                            operation=None,
                            target=None,
                            inputs=None,
                            output=response.output,
                            response_kind=response.kind,
                            duration_ns=1_000,
                            observed_at=observed_at,
                            load_id=LOAD_IDS[night % len(LOAD_IDS)],
                        )
                    )
    for _ in range(chooser.integer(0, 4)):
        _edit(chooser, rows)
    return rows


def _contexts(chooser: Chooser, shape: Shape) -> list[tuple[str, str]]:
    """Return distinct pairs of environment and run that often share one of the two."""
    n_contexts = chooser.integer(1, shape.max_contexts)
    environment_ids = chooser.sample(ENVIRONMENT_IDS, 2)
    run_ids = chooser.sample(RUN_IDS, 1 + n_contexts // 2)
    pairs = [(e, r) for r in run_ids for e in environment_ids]
    return chooser.sample(pairs, n_contexts)


def _behaviours(chooser: Chooser, n_stimuli: int, divergent: bool) -> Iterator[list[Response]]:
    """Return columns of responses: a random one, and others that are close to it or entirely broken."""
    first = [_response(chooser) for _ in range(n_stimuli)]
    yield first
    percent = 70 if divergent else 40
    for _ in range(chooser.integer(3, 6) if divergent else chooser.integer(0, 3)):
        form = chooser.integer(0, 9)
        if form <= 6:
            yield [_response(chooser) if chooser.chance(percent) else r for r in first]
        elif form == 7:
            yield [LOAD_FAILURE] * n_stimuli
        elif form == 8:
            yield [TIMEOUT] * n_stimuli
        else:
            verdicts = [chooser.choose(VERDICTS) for _ in range(n_stimuli)]
            yield verdicts
            yield [Response("value", (v.output or "").split("@")[0]) for v in verdicts]  # equal


def _sheets(chooser: Chooser, n_stimuli: int) -> Iterator[list[str | None]]:
    """Return inputs of all stimuli, and as they are after edits of the tests."""
    first: list[str | None] = ["[]"] * n_stimuli
    if chooser.chance(50):
        first = [f"[{number // 2}]" for number in range(n_stimuli)]
    yield first
    for _ in range(chooser.integer(0, 2)):
        form = chooser.integer(0, 4)
        if form <= 1:
            yield [chooser.choose(INPUTS) if chooser.chance(30) else i for i in first]
        elif form == 2:  # a step was inserted
            yield ["[9]", *first[:-1]]
        elif form == 3:  # a step was removed
            yield [*first[1:], "[9]"]
        else:
            yield [None] * n_stimuli


def _response(chooser: Chooser) -> Response:
    return chooser.choose(RESPONSES if chooser.chance(40) else COMMON_RESPONSES)


def _edit(chooser: Chooser, rows: list[Observation]) -> None:
    """Damage one row, or add one that belongs to it."""
    if not rows:
        return
    index = chooser.integer(0, len(rows) - 1)
    row = rows[index]
    response = chooser.choose(RESPONSES)
    changed = replace(row, output=response.output, response_kind=response.kind)
    form = chooser.integer(0, 12)
    if form <= 1:  # a missing cell
        del rows[index]
    elif form <= 3:  # another response: flaky, or a cluster of its own
        rows[index] = changed
    elif form == 4:  # the same key with another response at the same time
        rows.append(changed)
    elif form == 5:  # the same key at another time
        rows.append(replace(changed, observed_at=chooser.choose(TIMES)))
    elif form == 6:  # the same key and response, other details
        rows.append(
            replace(
                row,
                operation=chooser.choose(OPERATIONS),
                target=chooser.choose(TARGETS),
                inputs=chooser.choose(INPUTS),
                duration_ns=chooser.choose(DURATIONS),
                load_id=chooser.choose(LOAD_IDS),
            )
        )
    elif form == 7:  # the very same row loaded again
        rows.append(replace(row, load_id=chooser.choose(LOAD_IDS)))
    elif form == 8:  # a retry with another response
        rows.append(
            replace(changed, attempt=chooser.choose(ATTEMPTS), observed_at=chooser.choose(TIMES))
        )
    elif form == 9:  # a retry that was not executed
        rows.append(
            replace(
                row,
                attempt=chooser.choose(ATTEMPTS),
                output=chooser.choose((None, "$*")),
                response_kind=chooser.choose(("not_executed", "skipped")),
            )
        )
    elif form == 10:  # another run or environment
        rows.append(
            replace(
                changed,
                environment_id=chooser.choose(ENVIRONMENT_IDS),
                run_id=chooser.choose(RUN_IDS),
            )
        )
    elif form == 11:  # retries that give one of a few responses each time
        few = chooser.sample(chooser.choose((COMMON_RESPONSES, VERDICTS, RESPONSES)), 4)
        for attempt in range(1, chooser.integer(3, 7)):
            response = chooser.choose(few)
            rows.append(
                replace(
                    row,
                    attempt=attempt,
                    output=response.output,
                    response_kind=response.kind,
                    observed_at=chooser.choose(TIMES),
                )
            )
    else:  # the response of another row, so that columns become equal again
        other = rows[chooser.integer(0, len(rows) - 1)]
        rows[index] = replace(row, output=other.output, response_kind=other.response_kind)


def build_in_data_sets(
    chooser: Chooser, data_set_ids: Sequence[str], problem_id: str, shape: Shape
) -> list[Observation]:
    """Return the observations of one problem in each data set: unrelated or similar ones."""
    first = build_problem(chooser, data_set_ids[0], problem_id, shape)
    observations = first.copy()
    for data_set_id in data_set_ids[1:]:
        if chooser.chance(50):
            rows = [replace(row, data_set_id=data_set_id) for row in first]
            for _ in range(chooser.integer(0, shape.max_edits)):
                _edit(chooser, rows)
        else:
            rows = build_problem(chooser, data_set_id, problem_id, shape)
        observations.extend(rows)
    return observations


SUPPORTS = (
    *("2", "0.5 of voters", "more than 0.5 of voters", "0.5 of implementations + 1", "1 of voters"),
    *("2/3 of implementations", "more than 1/3 of implementations", "0.000001 of voters + 1"),
)
"""Numbers of votes that an oracle needs."""


def build_descriptions(chooser: Chooser, observations: Sequence[Observation]) -> list[Description]:
    """Return descriptions of the implementations of all problems, by none, one or several loads each."""
    implementation_ids_of: dict[tuple[str, str], set[str]] = defaultdict(set)
    for o in observations:
        implementation_ids_of[o.data_set_id, o.problem_id].add(o.implementation_id)
    descriptions: list[Description] = []
    for (data_set_id, problem_id), implementation_ids in sorted(implementation_ids_of.items()):
        # few, so that several problems and data sets share one
        lineages = chooser.sample(chooser.choose((LINEAGES[:2], LINEAGES)), chooser.integer(1, 2))
        times = TIMES if chooser.chance(75) else (None,)
        for implementation_id in sorted(implementation_ids):
            usual = chooser.choose((lineages[0], *lineages, None))
            if data_set_id.startswith(NIGHTS):
                usual = LINEAGES[0]  # most nights execute another revision of one lineage
            for _ in range(chooser.choose((1, 1, 1, 2, 3, 0))):
                descriptions.append(
                    Description(
                        data_set_id=data_set_id,
                        problem_id=problem_id,
                        implementation_id=implementation_id,
                        lineage=chooser.choose((*lineages, None)) if chooser.chance(20) else usual,
                        revision=chooser.choose(REVISIONS if chooser.chance(40) else (None,)),
                        revised_at=None if chooser.chance(30) else chooser.choose(times),
                        load_id=chooser.choose(LOAD_IDS),
                        content_hash=chooser.choose(CONTENT_HASHES),
                    )
                )
    # Not drawn: each choice would cost as much as a row.
    return [replace(d, origin=d.lineage and f"maker of {d.lineage}") for d in descriptions]


@st.composite
def _observation_sets(
    draw: DrawFn, shape: Shape, min_problems: int, max_problems: int
) -> list[Observation]:
    chooser = DrawChooser(draw)
    problem_ids = chooser.sample(PROBLEM_IDS, max(1, (max_problems + 1) // 2))
    n_problems = chooser.integer(min_problems, max_problems)
    observations: list[Observation] = []
    for problem_id in problem_ids:
        # few problems already mean one problem id in two data sets
        data_set_ids = DATA_SET_IDS[:n_problems]
        if data_set_ids:
            observations.extend(build_in_data_sets(chooser, data_set_ids, problem_id, shape))
        n_problems -= len(data_set_ids)
    if chooser.chance(15):
        observations.extend(build_nights(chooser, NIGHTS))
    return observations


def observation_sets(
    shape: Shape | None = None, min_problems: int = 1, max_problems: int = 2
) -> SearchStrategy[list[Observation]]:
    """Draw small sets of observations of a few problems, some with the same id in two data sets."""
    return _observation_sets(shape or Shape(), min_problems, max_problems)


@st.composite
def described_sets(
    draw: DrawFn, shape: Shape | None = None
) -> tuple[list[Observation], list[Description]]:
    """Draw small sets of observations with descriptions of their implementations."""
    observations = draw(observation_sets(shape))
    return observations, build_descriptions(DrawChooser(draw), observations)


def random_observations(
    seed: int,
    n_problems: int,
    shape: Shape | None = None,
    data_set_ids: Sequence[str] = DATA_SET_IDS,
) -> list[Observation]:
    """Return shuffled observations of many problems; the same seed and sizes give the same list.

    Every problem has its own id, some of them hostile; about a third are in all data sets.
    """
    chooser = RandomChooser(seed)
    observations: list[Observation] = []
    for number in range(n_problems):
        problem_id = f"p{number:05d}"
        if chooser.chance(30):
            problem_id += chooser.choose(CURSED)
        in_data_sets = data_set_ids if chooser.chance(33) else [chooser.choose(data_set_ids)]
        observations.extend(
            build_in_data_sets(chooser, in_data_sets, problem_id, shape or Shape(max_steps=3))
        )
    for number in range(n_problems // 5):
        observations.extend(build_nights(chooser, f"{NIGHTS} {number}"))
    chooser.shuffle(observations)
    return observations


def random_descriptions(seed: int, observations: Sequence[Observation]) -> list[Description]:
    """Return shuffled descriptions; the same seed gives the same list, whatever the observations' order."""
    chooser = RandomChooser(seed)
    descriptions = build_descriptions(chooser, observations)
    chooser.shuffle(descriptions)
    return descriptions


def random_equivalences(seed: int, observations: Sequence[Observation]) -> list[Equivalence]:
    """Return rules of random scopes, each with some of the observations' problems."""
    chooser = random.Random(seed)
    problems = sorted({(o.data_set_id, o.problem_id) for o in observations})
    scopes: set[tuple[str | None, str | None, str | None]] = {(None, None, None)}
    for data_set_id, problem_id in chooser.sample(problems, k=len(problems) // 2):
        scope = chooser.choice([(data_set_id, problem_id), (None, problem_id), (data_set_id, None)])
        scopes.add((*scope, chooser.choice((None, None, *TEST_PATTERNS))))
        scopes.add((*scope, chooser.choice((None, *TEST_PATTERNS))))
    rows = []
    for scope in sorted(scopes, key=str):
        if chooser.random() < 0.2:
            rows.append(Equivalence(*scope, "exact"))
            continue
        candidates = [
            ("exception_class", None),
            ("json", chooser.choice([None, "spelling"])),
            ("significant_digits", chooser.choice(["1", "2", "17", "2 in text"])),
            ("unordered", chooser.choice([None, "all", "outermost"])),
            ("python_equality", chooser.choice([None, "sequences"])),
            ("mask", chooser.choice(["durations", "hex_addresses", r"/[a-z]+\.(?:[A-Za-z]+)/"])),
            ("mask", chooser.choice(["line_numbers", "/[^0-9]{2,}/"])),
            *((rule, None) for rule in ("unicode", "case", "whitespace")),
        ]
        chosen = chooser.sample(candidates, k=chooser.randint(1, 4))
        rows += [Equivalence(*scope, rule, argument) for rule, argument in chosen]
    return rows


def random_decisions(seed: int, observations: Sequence[Observation]) -> list[Decision]:
    """Return decisions on some runs, in random scopes."""
    chooser = random.Random(seed)
    places = sorted({(o.data_set_id, o.run_id, o.environment_id) for o in observations})
    decisions: dict[tuple[str | None, str, str | None], Decision] = {}
    for data_set_id, run_id, environment_id in chooser.sample(places, k=len(places) // 6):
        scope = (
            chooser.choice((data_set_id, data_set_id, None)),
            run_id,
            chooser.choice((environment_id, None)),
        )
        is_set_aside = chooser.random() < 0.6
        reason = f"decision {len(decisions)}" if is_set_aside else None
        decisions[scope] = Decision(*scope, str(is_set_aside).lower(), reason)
    return list(decisions.values())


def random_renamed(seed: int, observations: Sequence[Observation]) -> list[Renamed]:
    """Return new names of some tests, in random scopes: of tests that there are, or of others."""
    chooser = random.Random(seed)
    tests = sorted({(o.data_set_id, o.problem_id, o.test_id) for o in observations})
    names = sorted({test_id for _, _, test_id in tests})
    kept = set(chooser.sample(names, k=len(names) // 2))  # no new name is renamed again
    rows: dict[tuple[str | None, str | None, str], Renamed] = {}
    for data_set_id, problem_id, test_id in chooser.sample(tests, k=len(tests) // 4):
        if test_id not in kept:
            scope = (chooser.choice((data_set_id, None)), chooser.choice((problem_id, None)))
            name = chooser.choice((*sorted(kept), "a new name"))
            rows[*scope, test_id] = Renamed(*scope, test_id, name)
    return list(rows.values())


def random_voting_rules(seed: int, observations: Sequence[Observation]) -> list[VotingRule]:
    """Return voting rules of random scopes, each with some of the observations' problems."""
    chooser = random.Random(seed)
    problems = sorted({(o.data_set_id, o.problem_id) for o in observations})
    names = sorted({o.implementation_id for o in observations})
    scopes: set[tuple[str | None, str | None]] = {(None, None)} if chooser.random() < 0.5 else set()
    for data_set_id, problem_id in chooser.sample(problems, k=max(1, len(problems) // 2)):
        scopes.add(
            chooser.choice(
                [(data_set_id, problem_id)] * 3 + [(None, problem_id), (data_set_id, None)]
            )
        )
    rows = []
    for scope in sorted(scopes, key=str):
        if chooser.random() < 0.1:
            rows.append(VotingRule(*scope, "default"))
            continue
        candidates = [
            ("minimal_support", chooser.choice(SUPPORTS)),
            ("one_vote_per", chooser.choice(("implementation", "code", "origin"))),
            ("eligible_kind", chooser.choice(("exception", "value", "instance"))),
            ("eligible_kind", "verdict"),
            ("abstaining_kind", chooser.choice(("exception", "void", "verdict"))),
            ("voting_kind", chooser.choice(("timeout", "other", "crash"))),
            ("abstaining_exception", chooser.choice(("*Error", "E*", "java*"))),
            ("voting_exception", chooser.choice(("*", "E", "Value*"))),
            ("abstaining_response", chooser.choice(("1", "*e*", "*@*@*"))),
            ("voting_response", chooser.choice(("$*", '"*"', "[*"))),
            ("abstaining_implementation", chooser.choice((*names, "*", f"{names[0][:1]}*"))),
            ("voting_implementation", chooser.choice(names)),
        ]
        # Another rule must not say the opposite.
        chosen = {
            (rule.removeprefix("voting_").removeprefix("abstaining_"), argument): rule
            for rule, argument in chooser.sample(candidates, k=chooser.randint(1, 6))
        }
        rows += [VotingRule(*scope, rule, argument) for (_, argument), rule in chosen.items()]
    return rows


def random_nights(seed: int) -> tuple[list[Observation], list[Description]]:
    """Return verdicts of two lineages of twelve revisions: stable, broken and flaky tests, with retries."""
    chooser = random.Random(seed)
    observations, descriptions = [], []
    shares = [0, 0, 0.1, 0.3, 0.5, 0.9, 1]
    for number in range(24):
        lineage, revision = ("main", "topic")[number % 2], f"v{number}"
        for problem in ("p", "q"):
            if chooser.random() < 0.1:
                continue
            descriptions.append(
                Description("nights", problem, revision, lineage, revision, None, "load")
            )
            for test, share in enumerate(shares):
                if chooser.random() < 0.1:
                    continue
                for attempt in range(chooser.choice([1, 1, 2])):
                    fails = chooser.random() < share
                    output = "failed@E@why" if fails else chooser.choice(["passed"] * 9 + ["$*"])
                    observations.append(
                        Observation(
                            "nights", problem, f"t{test}", 0, revision, "linux", f"run {number}",
                            attempt, None, None, None, output,
                            "verdict" if output != "$*" else "skipped",
                            random_duration(chooser, number, test),
                            datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number), "load",
                        )
                    )  # fmt: skip
    return observations, descriptions


def random_duration(chooser: random.Random, number: int, test: int) -> int | None:
    """Return how long a test takes in a night: some tests become slower, some nights are slow."""
    if chooser.random() < 0.05:
        return None
    milliseconds = chooser.uniform(90, 110) * (1 + test)
    if test == 1 and number >= 16:
        milliseconds *= 3
    if test == 2:
        milliseconds *= chooser.choice([0.2, 0.5, 1, 2, 4])
    return int(milliseconds * (4 if number == 20 else 1) * 1_000_000)
