"""The analyses return rows for the demo corpus, and their questions are listed in the documentation."""

import shutil
from typing import Any

import pytest

from tests.conftest import configure_catalog
from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace

ANALYSES = sorted(path.stem for path in (PROJECT / "analyses").glob("*.sql"))


@pytest.mark.parametrize("analysis", ANALYSES)
def test_analyses_answer(demo: Workspace, compiled: dict[str, Any], analysis: str) -> None:
    query = compiled["nodes"][f"analysis.obslake.{analysis}"]["compiled_code"]
    rows = demo.query(query)
    assert rows
    assert len({row[:6] for row in rows}) > 1
    assert demo.query(query) == rows


@pytest.mark.parametrize("analysis", ANALYSES)
def test_analyses_are_listed_with_their_questions(analysis: str) -> None:
    first = (PROJECT / "analyses" / f"{analysis}.sql").read_text().splitlines()[0]
    question = first.removeprefix("-- ").partition("?")[0] + "?"
    assert f"| `{analysis}` | {question} |" in (PROJECT / "docs" / "analyses.md").read_text()


def test_nothing_else_is_listed() -> None:
    listed = (PROJECT / "docs" / "analyses.md").read_text().count("\n| `")
    assert len(ANALYSES) == listed == 10


def test_dbt_show_runs_an_analysis_by_name(
    demo: Workspace, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # dbt writes to the database that it reads, so it gets a copy.
    shutil.copytree(demo.home, workspace.home)
    catalog = f"sqlite:///{demo.home / 'catalog.db'}"
    configure_catalog(monkeypatch, type="sql", uri=catalog, warehouse=str(demo.home / "warehouse"))
    name = "problems_without_consensus"
    shown = workspace.dbt("show", "--select", name, "--limit", "3")
    assert "n_unanimous" in shown
    compiled = workspace.folder / "target" / "compiled" / "obslake" / "analyses" / f"{name}.sql"
    assert "│" in workspace.obslake("sql", "-", stdin=compiled.read_bytes())
