"""Finds problems whose implementations share no test in a load: under one name, they may be several studies."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from obslake.load.sources.checks import shorten

_PROBLEM = ("data_set_id", "problem_id")

_ORACLE = "oracle"
_SHOWN = 3

_Numbers = npt.NDArray[np.int64]


class Strangers:
    """Groups the implementations of each problem by common tests; the rows are sorted by problem and test.

    Only the implementations of one problem are kept at a time. The specified oracle is left out: expected answers
    to the tests of two studies make them no more comparable.
    """

    def __init__(self) -> None:
        """Begin without rows."""
        self._count = 0
        self._example = ""
        self._problem: tuple[str, str] | None = None
        # A test may continue in the next batch.
        self._last: pa.RecordBatch | None = None
        # For each implementation of the problem another one of its group, or itself.
        self._links: dict[str, str] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Group the implementations in the next rows."""
        rows = batch.select([*_PROBLEM, "test_id", "implementation_id"])
        encoded = rows.column("implementation_id").dictionary_encode()
        if pc.is_in(pa.scalar(_ORACLE), encoded.dictionary).as_py():
            rows = rows.filter(pc.not_equal(rows.column("implementation_id"), _ORACLE))
        if not rows.num_rows:
            return
        if self._last is not None:
            rows = pa.concat_batches([self._last, rows])
        self._last = rows.slice(rows.num_rows - 1)
        encoded = rows.column("implementation_id").dictionary_encode()
        codes = encoded.indices.to_numpy().astype(np.int64)
        begins_problem = _begins(rows, *_PROBLEM)
        problems = np.cumsum(begins_problem, dtype=np.int64)
        tests = np.cumsum(begins_problem | _begins(rows, "test_id"), dtype=np.int64)
        starts = np.flatnonzero(np.diff(problems, prepend=-1))
        ends = np.append(starts[1:], rows.num_rows)
        is_connected = _have_full_test(problems, tests, starts, codes)
        # Other problems are in this batch alone, and one of their tests was run by all of their implementations.
        looked_at = {0, len(starts) - 1, *np.flatnonzero(~is_connected).tolist()}
        for number in sorted(looked_at):
            start, end = int(starts[number]), int(ends[number])
            self._enter((rows.column(0)[start].as_py(), rows.column(1)[start].as_py()))
            found = _distinct(codes[start:end])
            names = encoded.dictionary.take(pa.array(found)).to_pylist()
            if is_connected[number]:
                self._link(names)
                continue
            for name in names:
                self._link([name])
            for a, b in _pairs(tests[start:end], codes[start:end]):
                self._link([names[np.searchsorted(found, a)], names[np.searchsorted(found, b)]])

    def describe(self) -> list[str]:
        """Return a warning, if there are such problems."""
        self._enter(None)
        if not self._count:
            return []
        return [
            f"problems whose implementations fall into groups without a common test: {self._count:,}, so "
            f"responses of different groups cannot be compared; for example {self._example} (if they belong to "
            "several studies, give each study a --data-set)"
        ]

    def _enter(self, problem: tuple[str, str] | None) -> None:
        """Begin a problem, unless it is the same as before; count the finished one if it has several groups."""
        if problem == self._problem:
            return
        if self._problem is not None:
            groups: dict[str, list[str]] = {}
            for name in sorted(self._links):
                groups.setdefault(self._leader(name), []).append(name)
            if len(groups) > 1:
                self._count += 1
                self._example = self._example or _described(self._problem[1], groups.values())
        self._problem = problem
        self._links = {}

    def _link(self, names: Sequence[str]) -> None:
        """Put implementations into one group."""
        leader = self._leader(names[0])
        for name in names[1:]:
            self._links[self._leader(name)] = leader

    def _leader(self, name: str) -> str:
        """Return the implementation that stands for the group of another one."""
        leader = name
        while (link := self._links.setdefault(leader, leader)) != leader:
            leader = link
        self._links[name] = leader
        return leader


def _begins(rows: pa.RecordBatch, *names: str) -> npt.NDArray[np.bool_]:
    """Return for each row but the first whether a value differs from that of the row before."""
    begins = np.zeros(rows.num_rows, np.bool_)
    for name in names:
        column = rows.column(name)
        differs = pc.not_equal(column.slice(0, len(column) - 1), column.slice(1))
        begins[1:] |= differs.to_numpy(zero_copy_only=False)
    return begins


def _have_full_test(
    problems: _Numbers, tests: _Numbers, starts: _Numbers, codes: _Numbers
) -> npt.NDArray[np.bool_]:
    """Return for each problem whether all of its implementations ran one of its tests."""
    width = int(codes.max()) + 1
    n_of_problem = np.bincount(_distinct(problems * width + codes) // width)
    n_of_test = np.bincount(_distinct(tests * width + codes) // width)
    most: _Numbers = np.maximum.reduceat(n_of_test, tests[starts])
    return np.equal(most, n_of_problem)


def _pairs(tests: _Numbers, codes: _Numbers) -> Iterator[tuple[int, int]]:
    """Yield neighbours in a test, which connect all implementations that ran it."""
    width = int(codes.max()) + 1
    same = tests[:-1] == tests[1:]
    for pair in _distinct(codes[:-1][same] * width + codes[1:][same]).tolist():
        yield divmod(pair, width)


def _distinct(numbers: _Numbers) -> _Numbers:
    """Return the distinct numbers in their order, faster than numpy, which hashes them first."""
    in_order = np.sort(numbers)
    return in_order[np.flatnonzero(np.diff(in_order, prepend=-1))]


def _described(problem: str, groups: Iterable[list[str]]) -> str:
    texts = [
        ", ".join(map(shorten, names[:_SHOWN]))
        + f", … ({len(names):,} in all)" * (len(names) > _SHOWN)
        for names in sorted(groups, key=len, reverse=True)
    ]
    more = f", and {len(texts) - 2:,} more groups" if len(texts) > 2 else ""
    return f"problem {shorten(problem)}: {texts[0]} without {texts[1]}{more}"
