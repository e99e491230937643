"""Groups the cells of a LASSO export by actuation, in arrays of numbers.

The cells of an actuation are scattered over an export. ``sql/lasso.sql`` gives each actuation a slot, in the order
of the table, and each text a number, so a cell is assigned to its actuation by writing its number into an array.
Grouping or sorting the same number of rows takes several times as long.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from obslake.errors import SourceRowError
from obslake.load.sources.actuation_slots import Integers, Layout, read_batch

# Size in bytes of the arrays for one range of slots.
PART_BYTES = 600 << 20

# Number of actuations whose texts are looked up at a time, and the limit of their texts in bytes.
PIECE_ROWS = 1 << 20
PIECE_BYTES = 256 << 20

# Number of cells read at a time.
CELLS_PER_BATCH = 1 << 17

_ROWS_PER_BATCH = 1 << 14

# Places of cells in an actuation; the places of the other arguments follow.
_RESPONSE, _OPERATION, _SERVICE, _EXCEPTION_CLASS, _VALUETYPE, _FIRST_ARGUMENT = range(6)

# The columns of `different_answers`.
_ANSWERED = (
    "value_no",
    "exception_class_no",
    "valuetype_no",
    "is_void",
    "is_oracle",
    "test_no",
    "step_id",
)

# The time of a slot without cells.
_NEVER = np.iinfo(np.int64).min

_TextNumbers = npt.NDArray[np.uint32]


def read_actuations(
    connection: duckdb.DuckDBPyConnection, data_set: str
) -> Iterator[pa.RecordBatch]:
    """Stream the rows of observations, without load_id, in the order of the table.

    Args:
        connection: has run ``sql/lasso.sql``.
        data_set: data set of the rows.

    Raises:
        SourceRowError: two cells have different texts for the same response or argument.
    """
    layout = Layout.read(connection)
    for first, size in layout.parts(connection, PART_BYTES):
        for batch in _Part(connection, layout, first, size).rows():
            yield batch.append_column("data_set_id", pa.repeat(data_set, batch.num_rows))


class _Distinct:
    """The distinct rows of some columns of numbers.

    Attributes:
        numbers: for each row, the number of its distinct row.
        columns: columns of the distinct rows, in the order of their numbers.
        size: number of distinct rows.
    """

    def __init__(self, columns: Sequence[_TextNumbers], n_rows: int) -> None:
        numbers = np.zeros(n_rows, np.int32)
        n_distinct = 1
        for column in columns:
            if column.any():
                pairs = numbers.astype(np.uint64) << np.uint64(32) | column
                encoded = pa.array(pairs).dictionary_encode()
                numbers = encoded.indices.to_numpy()
                n_distinct = len(encoded.dictionary)
        row_of = np.empty(n_distinct, np.int64)
        row_of[numbers] = np.arange(n_rows)
        self.size = n_distinct
        self.numbers = numbers
        self.columns = [column[row_of] for column in columns]


class _Part:
    """The actuations of a range of slots."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, layout: Layout, first: int, size: int
    ) -> None:
        self._connection = connection
        self._layout = layout
        self._first = first
        # For each place and slot, the number of a text; 0: no cell has been read.
        self._texts = np.zeros((layout.n_places, size), np.uint32)
        # For each slot, when the last of its cells was written, in microseconds.
        self._times = np.full(size, _NEVER)
        # For each slot, the duration of the actuation in nanoseconds; 0: unknown.
        self._durations = np.zeros(size if layout.has_durations else 0, np.int64)

        where = (
            "" if size == layout.n_slots else f"where slot between {first} and {first + size - 1}"
        )
        cells = connection.execute(
            f"select slot - {first} as slot, place, text_no, observed_at from numbered_cells {where}"
        )
        for batch in _read_ahead(cells.to_arrow_reader(CELLS_PER_BATCH)):
            slots, places, texts, times = (column.to_numpy() for column in batch.columns)
            np.maximum.at(self._times, slots, times)
            self._write(slots, places, texts)
        if layout.has_durations:
            timed = read_batch(
                connection, f"select slot - {first} as slot, duration_ns from durations {where}"
            )
            slots = timed.column("slot").to_numpy()
            self._durations[slots] = timed.column("duration_ns").to_numpy()

    def _write(self, slots: Integers, places: npt.NDArray[np.int32], texts: _TextNumbers) -> None:
        """Write cells into the slots of their actuations."""
        missing = texts == 0
        if missing.any():
            texts = np.where(
                missing & (places >= _FIRST_ARGUMENT),
                np.uint32(self._layout.text_sizes.size - 1),
                texts,
            )
        has_text = (places >= 0) & (texts != 0)
        if not has_text.all():
            slots, places, texts = slots[has_text], places[has_text], texts[has_text]
        flat = self._texts.reshape(-1)
        cells = slots + places * np.int64(self._times.size)
        before = flat[cells]
        flat[cells] = texts
        # Of several cells of this batch for the same place, only one was written.
        different = ((before != 0) & (before != texts)) | (flat[cells] != texts)
        if not different.any():
            return
        for fault, where in (
            ("two responses to one stimulus", different & (places == _RESPONSE)),
            ("two values of one argument", different & (places >= _FIRST_ARGUMENT)),
        ):
            if where.any():
                name = self._name(slots[where][:1])
                raise SourceRowError(f"{fault}: {name}\n  nothing was loaded")
        # For all other places the greatest text counts.
        np.maximum.at(flat, cells, np.maximum(before, texts))

    def _name(self, slot: Integers) -> str:
        """Return the description of a slot's actuation for messages."""
        (test,), (step,), (actor,) = self._layout.locate(slot + self._first)
        (tested,) = self._layout.tests.slice(test, 1).to_pylist()
        (acting,) = self._layout.actors.slice(actor, 1).to_pylist()
        return (
            f"run {acting['run_id']}, problem {tested['problem_id']}, test {tested['test_id']}, "
            f"step {step}, implementation {acting['implementation_id']}"
        )

    def rows(self) -> Iterator[pa.RecordBatch]:
        """Stream the rows of the actuations."""
        slots = np.flatnonzero(self._times != _NEVER)
        size = max(min(PIECE_ROWS, PIECE_BYTES // (4 * self._layout.n_places)), 1)
        for start in range(0, slots.size, size):
            yield from self._rows(slots[start : start + size])

    def _rows(self, slots: Integers) -> Iterator[pa.RecordBatch]:
        """Stream the rows of some actuations, looking up each distinct text once."""
        layout = self._layout
        n_rows = slots.size
        texts = [place[slots] for place in self._texts]
        size = sum(int(layout.text_sizes[place].sum()) for place in texts)
        if size > PIECE_BYTES and n_rows > 1:
            yield from self._rows(slots[: n_rows // 2])
            yield from self._rows(slots[n_rows // 2 :])
            return

        tests, steps, actors = layout.locate(slots + self._first)
        is_oracle = layout.is_oracle[actors]
        lists = _Distinct(texts[_FIRST_ARGUMENT:], n_rows)
        services = _Distinct([texts[_SERVICE]], n_rows)
        operations = _Distinct([texts[_OPERATION]], n_rows)
        called = self._look_up("operations", operations, ("text_no",))
        served = self._look_up("targets", services, ("text_no",))
        is_void = called.column("is_void").to_numpy(zero_copy_only=False)[operations.numbers]
        # Only the name of an instance depends on the step.
        is_instance = (texts[_RESPONSE] == layout.instance_no) & (texts[_RESPONSE] > 0)
        answers = _Distinct(
            [
                texts[_RESPONSE],
                texts[_EXCEPTION_CLASS],
                texts[_VALUETYPE],
                is_void.astype(np.uint32),
                is_oracle.astype(np.uint32),
                np.where(is_instance, tests, 0).astype(np.uint32),
                np.where(is_instance, steps, 0).astype(np.uint32),
            ],
            n_rows,
        )
        answered = self._look_up("answers", answers, _ANSWERED)
        inputs = self._look_up_lists(lists)
        # For each column of texts: the distinct texts, and the index of each row's text.
        named = {
            "problem_id": (layout.tests.column("problem_id"), pa.array(tests)),
            "test_id": (layout.tests.column("test_id"), pa.array(tests)),
            "test_content_hash": (layout.tests.column("content_hash"), pa.array(tests)),
            "implementation_id": (layout.actors.column("implementation_id"), pa.array(actors)),
            "environment_id": (layout.actors.column("environment_id"), pa.array(actors)),
            "run_id": (layout.actors.column("run_id"), pa.array(actors)),
            "operation": (called.column("operation"), pa.array(operations.numbers)),
            "target": (served.column("target"), pa.array(services.numbers)),
            # A specified response applies to any arguments.
            "inputs": (inputs, pa.array(lists.numbers, mask=is_oracle)),
            "output": (answered.column("output"), pa.array(answers.numbers)),
            "response_kind": (answered.column("response_kind"), pa.array(answers.numbers)),
        }
        durations = self._durations[slots] if layout.has_durations else np.zeros(n_rows, np.int64)
        plain = {
            "step_id": pa.array(steps),
            "attempt": pa.array(np.zeros(n_rows, np.int32)),
            "duration_ns": pa.array(durations, mask=durations == 0),
            "observed_at": pa.array(self._times[slots]).cast(pa.timestamp("us", "UTC")),
            # An arena records one specified response.
            "alternative": pa.nulls(n_rows, pa.string()),
        }
        yield from _batches(plain, named, n_rows)

    def _look_up_lists(self, lists: _Distinct) -> pa.Array:
        """Return the JSON array of each list of arguments."""
        # One row per argument, because there may be any number of places. Each list begins with a marker row, so
        # that empty lists are included.
        marked = np.vstack([np.ones(lists.size, np.uint32), *lists.columns])
        places, list_nos = marked.nonzero()
        self._give(
            "different_arguments", row_no=list_nos, place=places, text_no=marked[places, list_nos]
        )
        return read_batch(self._connection, "from argument_lists").column("inputs")

    def _look_up(self, name: str, different: _Distinct, columns: Sequence[str]) -> pa.RecordBatch:
        """Return the rows of a view of ``sql/lasso.sql`` that translate distinct rows of numbers into texts."""
        row_nos = np.arange(different.size)
        self._give(
            f"different_{name}",
            row_no=row_nos,
            **dict(zip(columns, different.columns, strict=True)),
        )
        return read_batch(self._connection, f"from {name}")

    def _give(self, table: str, **columns: npt.NDArray[np.integer[Any]]) -> None:
        """Create a table of numbers for ``sql/lasso.sql``."""
        self._connection.register("given_numbers", pa.table(columns))
        self._connection.execute(f"create or replace temp table {table} as from given_numbers")
        self._connection.unregister("given_numbers")


def _batches(
    plain: Mapping[str, pa.Array], named: Mapping[str, tuple[pa.Array, pa.Array]], n_rows: int
) -> Iterator[pa.RecordBatch]:
    """Stream batches of plain columns and of columns of texts, given as distinct texts and indices."""
    for start in range(0, n_rows, _ROWS_PER_BATCH):
        batch = {n: values.slice(start, _ROWS_PER_BATCH) for n, values in plain.items()}
        for name, (texts, rows) in named.items():
            batch[name] = texts.take(rows.slice(start, _ROWS_PER_BATCH))
        yield pa.RecordBatch.from_pydict(batch)


def _read_ahead(batches: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Read the next batch in another thread while one is processed."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        batch = next(batches, None)
        while batch is not None:
            following = reader.submit(next, batches, None)
            yield batch
            batch = following.result()
