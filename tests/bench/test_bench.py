"""The benchmark on two problems, from the export to the table."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.process import ProcessError
from bench.ratios import BARS, REFERENCE, ratios
from bench.report import markdown, replace_block
from bench.run import COMMITTED, comparison, saved
from tests.bench.helpers import COUNTS, PROBLEMS, cells, run
from tests.harness.commands import PROJECT


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("bench")
    out = folder / "bench.json"
    table = run(
        *("bench.run", "--problems", str(PROBLEMS), "--folder", str(folder), "--out", str(out)),
        *("--seconds", "20", "--starts", "1", "--builds", "1", "--increments", "1%"),
    )
    figures = json.loads(out.read_text())
    expected = f"{markdown(figures)}\n{comparison(figures, COMMITTED)}"
    assert table.strip() == expected.strip()
    # The lakehouse is removed after the measurement.
    assert list(folder.iterdir()) == [out]
    return figures


def test_the_figures_include_the_machine_and_the_versions(figures: dict[str, Any]):
    assert {"cpu", "cores", "memory_bytes"} <= figures["machine"].keys()
    assert {"python", "duckdb", "dbt-core", "pyiceberg"} <= figures["versions"].keys()
    assert {"write_bytes_per_second", "read_bytes_per_second"} == figures["disk"].keys()
    assert {"date", "commit"} <= figures.keys()


def test_work_is_measured_with_time_and_memory(figures: dict[str, Any]):
    work = [
        figures["export"]["generate"],
        figures["load"],
        figures["build"],
        *figures["load_rows"].values(),
        figures["build_with_nothing_new"],
        figures["build_with_more"]["1.0%"],
        figures["build_with_more"]["1.0%"]["load"],
        *figures["starts"].values(),
        *(answers["process"] for answers in figures["questions"].values()),
    ]
    for used in work:
        assert {"wall_seconds", "cpu_seconds", "peak_bytes"} <= used.keys()
        assert min(used["wall_seconds"], used["cpu_seconds"], used["peak_bytes"]) > 0
    assert figures["load"]["observations"]["rows"] == COUNTS.observations == figures["observations"]
    assert figures["build"]["nodes"].keys() >= {"stimulus_response_matrix", "behavior_clusters"}


def test_all_bars_are_ratios_of_measured_work(figures: dict[str, Any]):
    full = {**figures, "build_with_more": {"0.1%": figures["build"], **figures["build_with_more"]}}
    assert BARS.keys() | REFERENCE.keys() <= ratios(full).keys()
    load = figures["load"]
    assert ratios(figures)["load"] == load["wall_seconds"] / load["read_seconds"]


def test_a_busy_machine_slows_nothing_down_and_a_slow_step_is_named(
    figures: dict[str, Any], tmp_path: Path
):
    def slowed(work: Any, *keys: str) -> Any:
        """Return the figures with twice the seconds."""
        if isinstance(work, dict):
            found = {key: slowed(value, *keys) for key, value in work.items()}
            return found | {key: 2 * work[key] for key in keys if key in work}
        return work

    path = tmp_path / "earlier.json"
    path.write_text(json.dumps(figures))
    busy = slowed(figures, "wall_seconds", "read_seconds", "p95_ms")
    assert comparison(busy, path).startswith("\nno ratio is more than 15% slower than at commit")
    slow = figures | {"load": slowed(figures["load"], "wall_seconds")}
    head, *lines = comparison(slow, path).strip().splitlines()
    assert head.startswith("slower than at commit")
    assert [line.split(":")[0].strip() for line in lines] == ["load"]
    assert lines[0].endswith("+100%")


def test_exports_of_other_sizes_are_not_compared(figures: dict[str, Any], tmp_path: Path):
    path = tmp_path / "earlier.json"
    assert "does not exist" in comparison(figures, path)
    path.write_text(json.dumps({**figures, "problems": 509}))
    assert "not compared: 2 problems cannot be compared with 509" in comparison(figures, path)


def test_rows_of_ones_own_are_those_of_the_export(figures: dict[str, Any]):
    for work in figures["load_rows"].values():
        assert work["rows"] == figures["actuations"]


def test_the_whole_export_is_read(figures: dict[str, Any], export: Path):
    ((rows,),) = cells(export, "select count(*) from cells")
    assert figures["export"]["read"]["rows"] == rows
    assert figures["export"]["read"]["columns"] == 16


def test_marts_iceberg_and_package_give_the_same_answers(figures: dict[str, Any]):
    questions = figures["questions"]
    for where, names in {"iceberg": ("matrix", "clusters"), "package": questions["marts"]}.items():
        for name in set(names) - {"process"}:
            answer, expected = questions[where][name], questions["marts"][name]
            assert answer["problems"] == PROBLEMS
            assert answer["rows_mean"] == expected["rows_mean"] > 0


def test_figures_replace_those_on_the_page(tmp_path: Path):
    page = tmp_path / "performance.md"
    page.write_text((PROJECT / "docs" / "performance.md").read_text())
    for name in ("figures",):
        replace_block(page, name, f"first {name}")
        replace_block(page, name, f"second {name} \\1")
    text = page.read_text()
    assert "first figures" not in text
    assert "second figures \\1" in text
    with pytest.raises(ValueError, match="no block other"):
        replace_block(page, "other", "")


def test_figures_are_saved_if_a_measurement_fails(tmp_path: Path):
    out = tmp_path / "bench.json"
    figures = {"problems": PROBLEMS}
    with pytest.raises(ProcessError), saved(figures, out):
        raise ProcessError
    assert json.loads(out.read_text()) == figures
