"""The slots that ``sql/lasso.sql`` gives to the actuations of a LASSO export."""

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """Maps slots to actuations.

    Attributes:
        tests: the tests of all problems, in the order of their slots.
        first_slots: first slot of each test.
        n_actors: number of slots of each step of each test.
        first_actors: the actor of the first of these slots.
        actors: the implementations that respond to one problem in one run, in the order of their slots.
        is_oracle: whether each actor is the specified oracle.
        text_sizes: size of each text in bytes, by its number; number 0 means no text. The last number is that of
            an argument without a text, which still counts as an argument.
        instance_no: number of the text that marks an instance; 0: there is none.
        n_slots: number of slots.
        n_places: number of places for cells in a slot.
        has_durations: whether any actuation was timed.
    """

    tests: pa.RecordBatch
    first_slots: Integers
    n_actors: Integers
    first_actors: Integers
    actors: pa.RecordBatch
    is_oracle: npt.NDArray[np.bool_]
    text_sizes: Integers
    instance_no: int
    n_slots: int
    n_places: int
    has_durations: bool

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection) -> "Layout":
        """Read the tables of ``sql/lasso.sql``."""
        tests = read_batch(connection, "from hashed_test_slots order by first_slot")
        actors = read_batch(connection, "from actors order by actor_no")
        sizes = read_batch(
            connection,
            "select strlen(text) as size from texts where text is not null order by text_no",
        )
        ((instance_no, n_slots, last_place, has_durations),) = connection.execute(
            """
            select
                coalesce((select text_no from texts where text = '_INSTANCE_'), 0),
                (select coalesce(max(first_slot + n_steps * n_actors), 0) from test_slots),
                (select max(place) from places),
                exists (from durations)
            """
        ).fetchall()
        return cls(
            tests=tests,
            first_slots=tests.column("first_slot").to_numpy(),
            n_actors=tests.column("n_actors").to_numpy(),
            first_actors=tests.column("first_actor").to_numpy(),
            actors=actors,
            is_oracle=actors.column("is_oracle").to_numpy(zero_copy_only=False),
            text_sizes=np.concatenate([[0], sizes.column("size").to_numpy(), [0]]),
            instance_no=instance_no,
            n_slots=n_slots,
            n_places=last_place + 1,
            has_durations=has_durations,
        )

    def parts(self, connection: duckdb.DuckDBPyConnection, n_bytes: int) -> list[tuple[int, int]]:
        """Return the ranges of slots with cells, as first slot and size, whose arrays fit into ``n_bytes``."""
        bytes_per_slot = self.n_places * 4 + 8 + (8 if self.has_durations else 0)
        size = max(n_bytes // bytes_per_slot, 1)
        if self.n_slots <= size:
            return [(0, self.n_slots)]
        parts = connection.execute(
            "select distinct slot // ? as part from numbered_cells order by part", [size]
        ).fetchall()
        return [(part * size, min(size, self.n_slots - part * size)) for (part,) in parts]

    def locate(self, slots: Integers) -> tuple[Integers, Integers, Integers]:
        """Return the row of ``tests``, the step and the row of ``actors`` of each of some slots."""
        tests = np.searchsorted(self.first_slots, slots, side="right") - 1
        steps, actors = np.divmod(slots - self.first_slots[tests], self.n_actors[tests])
        return tests, steps, actors + self.first_actors[tests]


def read_batch(connection: duckdb.DuckDBPyConnection, query: str) -> pa.RecordBatch:
    """Return the result of a query as one batch."""
    table = connection.execute(query).to_arrow_table()
    columns = [column.combine_chunks() for column in table.columns]
    # Strings of more than 2 GB in a column need the large type.
    return pa.RecordBatch.from_arrays(
        [c.cast(pa.large_string()) if pa.types.is_string(c.type) else c for c in columns],
        table.column_names,
    )
