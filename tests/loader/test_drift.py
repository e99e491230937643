"""Sources whose columns change from load to load: reported field by field."""

from typing import Any

import pyarrow as pa
import pytest

from tests.harness.lake import Lake, observation


def test_columns_are_compared_with_the_previous_load(lake: Lake) -> None:
    first = {**observation(), "seed": 1, "duration_ns": 5}
    before = lake.load("observations", lake.parquet("a.parquet", [first]))
    assert not [w for w in before["warnings"] if "load" in w.split(":")[0]]
    second = {**observation(), "SEED": 1.5, "target": "T"}
    report = lake.load("observations", lake.parquet("b.parquet", [second]))
    load = before["load_id"]
    lines = [
        f"column duration_ns is missing: load {load} had it",
        f"column SEED is DOUBLE: in load {load} it was BIGINT",
        f"column target is new: load {load} did not have it, read as target",
    ]
    assert report["warnings"][-3:] == lines
    assert all(f"obslake: warning: {line}\n" in report["stderr"] for line in lines)
    # Columns are compared with the newest load of the same data set only.
    other = lake.load("observations", lake.jsonl("c.jsonl", [observation()]), "--data-set", "d")
    assert other["warnings"] == []
    third = lake.load("observations", lake.csv("d.csv", [{**second, "step_id": 2}]))
    assert [w for w in third["warnings"] if "is new" in w] == [
        f"column step_id is new: load {report['load_id']} did not have it, read as step_id"
    ]
    assert not [w for w in third["warnings"] if "it was" in w]


@pytest.mark.parametrize(
    ("column", "values", "line"),
    [
        (
            "duration_ns",
            pa.array([5.0]),
            "column duration_ns is DOUBLE, but duration_ns of observations is bigint: read from its text",
        ),
        ("step_id", pa.array([1], pa.int8()), None),
        ("observed_at", pa.array(["2024-01-01"]), None),
    ],
)
def test_columns_of_other_types(lake: Lake, column: str, values: Any, line: str | None) -> None:
    columns = {name: pa.array([value]) for name, value in observation().items()}
    path = lake.folder / "o.parquet"
    pa.parquet.write_table(pa.table({**columns, column: values}), path)
    assert lake.load("observations", path)["warnings"] == ([line] if line else [])


def test_columns_are_not_compared_with_rolled_back_loads(lake: Lake) -> None:
    first = lake.load("observations", lake.csv("a.csv", [observation()]))
    lake.load("observations", lake.csv("b.csv", [observation(target="T")]))
    lake.obslake("rollback", "--to", first["load_id"], "--yes")
    lines = lake.load("observations", lake.csv("c.csv", [observation(operation="f")]))["warnings"]
    assert lines == [
        f"column operation is new: load {first['load_id']} did not have it, read as operation"
    ]


def test_columns_are_not_compared_with_expired_loads(lake: Lake) -> None:
    lake.load("observations", lake.csv("a.csv", [observation(seed=1)]))
    lake.load("observations", lake.jsonl("b.jsonl", [observation()]), "--data-set", "d")
    lake.obslake("expire", "--older-than", "0s")
    assert lake.load("observations", lake.csv("c.csv", [observation()]))["warnings"] == []
