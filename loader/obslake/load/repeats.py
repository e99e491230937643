"""Counts rows of a load that share all their keys: only one row per actuation counts in the matrix."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from obslake.lakehouse.schemas import OBSERVATIONS

# First the columns in which neighbouring rows mostly differ.
_KEYS = sorted(
    OBSERVATIONS.sort_columns,
    key=lambda name: (name != "implementation_id", name != "test_id", name != "step_id"),
)
_ANSWER = ("output", "response_kind")

_LONGEST_EXAMPLE = 60


@dataclass
class Repeats:
    """Counts rows of observations with the same keys as the previous row; the rows are sorted.

    Attributes:
        same: number of such rows with the same response.
        different: number of such rows with a different response.
        example: description of one such row, preferably with a different response.
    """

    same: int = 0
    different: int = 0
    example: str = ""
    _last: pa.RecordBatch | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Count repeats in the next rows."""
        rows = batch.select([*_KEYS, *_ANSWER])
        if self._last is not None:
            rows = pa.concat_batches([self._last, rows])
        self._last = rows.slice(rows.num_rows - 1) if rows.num_rows else None
        if rows.num_rows < 2:
            return
        repeated = None
        for name in _KEYS:
            equal = _equals_next(rows.column(name))
            repeated = equal if repeated is None else pc.and_(repeated, equal)
            if not pc.any(repeated).as_py():
                return
        numbers = pc.indices_nonzero(repeated).to_pylist()
        for number in numbers:
            self._count(rows.slice(number, 2).to_pylist())

    def describe(self, advice: str) -> list[str]:
        """Return a warning with advice, if there are repeats."""
        if not self.same + self.different:
            return []
        total = self.same + self.different
        return [
            f"{total:,} {'row has' if total == 1 else 'rows have'} the problem, test, step, implementation, "
            f"environment, run and attempt of another row of the load: {self.same:,} with the same response, "
            f"{self.different:,} with a different one; only one of them counts in the matrix, for example "
            f"{self.example}" + (f" ({advice})" if advice else "")
        ]

    def _count(self, pair: list[dict[str, object]]) -> None:
        first, second = pair
        is_same = all(first[name] == second[name] for name in _ANSWER)
        if not self.example or (not is_same and not self.different):
            answers = " and ".join(_shortened(row["output"]) for row in pair)
            self.example = (
                f"problem {first['problem_id']}, test {first['test_id']}, step {first['step_id']}, "
                f"implementation {first['implementation_id']}: {answers}"
            )
        self.same += is_same
        self.different += not is_same


def _equals_next(column: pa.Array) -> pa.Array:
    return pc.equal(column.slice(0, len(column) - 1), column.slice(1))


def _shortened(output: object) -> str:
    text = "nothing" if output is None else str(output)
    return text if len(text) <= _LONGEST_EXAMPLE else text[: _LONGEST_EXAMPLE - 1] + "…"
