"""The generated exports: their sizes, their shape, and loading them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench import shape
from tests.bench.helpers import COUNTS, PROBLEMS, cells, run
from tests.harness.workspace import Workspace


@pytest.fixture(scope="module")
def loaded(
    make_workspace: Callable[[str], Workspace], export: Path
) -> tuple[Workspace, dict[str, Any]]:
    workspace = make_workspace("generated")
    report = workspace.obslake("load", "lasso", str(export), "--data-set", "bench", "--json")
    return workspace, json.loads(report)


def test_the_average_problem_is_that_of_published_lakehouses():
    counts = shape.count(range(509))
    assert counts.implementations / 509 == pytest.approx(26, rel=0.01)
    assert counts.tests / 509 == pytest.approx(189, rel=0.01)
    assert counts.specified / counts.tests == pytest.approx(3.4, rel=0.01)
    assert counts.actuations == pytest.approx(8_500_000, rel=0.01)


def test_an_export_loads_without_warnings_and_with_the_computed_number_of_rows(
    loaded: tuple[Workspace, dict[str, Any]],
):
    _, report = loaded
    assert report["warnings"] == []
    assert report["rows"]["observations"] == COUNTS.observations
    assert report["rows"]["tests"] == COUNTS.tests
    assert set(report["response_kinds"]) <= {
        *("value", "instance", "exception", "not_executed"),
    }


def test_every_implementation_has_its_source_code_and_its_coverage(
    loaded: tuple[Workspace, dict[str, Any]],
):
    workspace, _ = loaded
    described = workspace.rows("implementations")
    stimulated = {row["system"] for row in described if row["implementation_id"]}
    assert len(stimulated) == COUNTS.implementations
    assert {row["system"] for row in described if row["content"]} == stimulated
    coverage = [row for row in workspace.rows("measurements") if row["scope"] == "jacoco"]
    assert len(coverage) == shape.MEASUREMENTS * COUNTS.implementations


def test_a_stimulus_has_one_response_and_all_its_cells(export: Path):
    ((steps, values, operations, services),) = cells(
        export,
        """
        select
            count(distinct (ABSTRACTIONID, SHEETID, SYSTEMID, Y)),
            count(*) filter (TYPE = 'value'),
            count(*) filter (TYPE = 'op' and X = 1),
            count(*) filter (TYPE = 'service' and X = 2)
        from cells where Y >= 0
        """,
    )
    assert steps == values == COUNTS.observations
    assert operations == services == COUNTS.actuations


def test_cells_are_in_random_order(export: Path):
    ((changes, rows),) = cells(
        export,
        """
        select count(*) filter (SHEETID <> before), count(*)
        from (select SHEETID, lag(SHEETID) over () as before from cells)
        """,
    )
    assert changes > 0.9 * rows


def test_a_problem_does_not_depend_on_the_others_generated_with_it(export: Path, tmp_path: Path):
    run("bench.generate", str(tmp_path), "--problems", "1", "--first-problem", "1")
    query = "select * from cells where ABSTRACTIONID like '%\\_1\\_%' escape '\\' order by all"
    assert cells(tmp_path, query) == cells(export, query)


def test_another_run_repeats_a_share_of_the_problems_at_another_time(export: Path, tmp_path: Path):
    run(
        *("bench.generate", str(tmp_path), "--problems", str(PROBLEMS)),
        *("--only-problems", "1%", "--run", "2"),
    )
    assert not list(tmp_path.glob("*.json"))
    contexts = "select distinct EXECUTIONID, cast(LASTMODIFIED as date) from cells"
    assert len(cells(tmp_path, contexts)) == 1
    assert not set(cells(tmp_path, contexts)) & set(cells(export, contexts))
    stimuli = "select distinct ABSTRACTIONID, SHEETID, SYSTEMID, VARIANTID, X, Y, TYPE from cells"
    assert set(cells(tmp_path, stimuli)) < set(cells(export, stimuli))


def test_shares_of_problems_are_spread_and_never_empty():
    assert shape.choose(509, 0.001) == [254]
    assert shape.choose(10, 0.3) == [1, 5, 8]
    assert shape.choose(2, 1) == [0, 1]
    assert shape.share("0.1%") == shape.share("0.001") == pytest.approx(0.001)
    with pytest.raises(ValueError, match="not a share"):
        shape.share("200%")
