"""Growth: when it stops, and how it is reported and drawn."""

from pathlib import Path
from typing import Any

import pytest

from bench.report import growth
from bench.scale import Limits

MEASURED = {
    "date": "2026-01-02T03:04:05+00:00",
    "commit": "0123456789ab",
    "machine": {
        "cpu": "a processor",
        "cores": 2,
        "memory_bytes": 8 * 10**9,
        "system": "Linux",
        "load_average_at_start": 0.5,
    },
    "disk": {"write_bytes_per_second": 10**8, "read_bytes_per_second": 10**9},
    "versions": {"python": "3.13.0"},
    "share_of_more": "0.1%",
}


def size(rows: int) -> dict[str, Any]:
    used = {"wall_seconds": 1.0, "cpu_seconds": 1.0, "peak_bytes": 10**9}
    answer = {"p95_ms": 5.0}
    return {
        "export_bytes": 10,
        "folder_bytes": rows,
        "observations": {"rows": rows, "files": 1, "bytes": rows},
        "load": {**used, "rows_per_second": 1000},
        "build": {**used, "sql_seconds": 0.5},
        "build_with_more": {**used, "sql_seconds": 0.5, "marts_bytes": rows},
        "questions": {
            "process": used,
            "matrix": answer,
            "clusters": {"problems": 0, "stopped_after_seconds": 30.0},
            "actuations": answer,
        },
    }


def test_growth_is_reported_with_the_reason_for_its_end():
    report = growth({**MEASURED, "sizes": [size(2_000_000)], "stopped": "after 2 of 3"})
    assert "| 2,000,000 |" in report
    assert "> 30 s" in report
    assert report.endswith("Stopped after 2 of 3.")


def test_growth_is_drawn_the_same_for_the_same_figures(tmp_path: Path):
    pytest.importorskip("matplotlib")
    from bench.plot import draw

    sizes = [size(1_000_000), size(2_000_000)]
    pictures = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for picture in pictures:
        draw(sizes, picture)
    one, two = (picture.read_text() for picture in pictures)
    assert one == two
    assert "three-way join" in one


def test_growing_stops_before_a_limit_is_exceeded(tmp_path: Path):
    assert Limits(0, 0, tmp_path).reason_to_stop() is None
    for seconds, most, expected in (
        (0, 10**15, "of 0 minutes"),
        (10**6, 2_500_000, "of 0.0 gigabytes"),
        (10**6, 10**15, None),
    ):
        limits = Limits(seconds, most, tmp_path)
        limits.note(size(1_000_000))
        reason = limits.reason_to_stop()
        assert reason is None if expected is None else expected in str(reason)
