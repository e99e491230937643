"""Tests speed dbt up (`tests/harness/quick_dbt.py`): it compiles the same SQL as without."""

from pathlib import Path

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace


def test_the_whole_project_is_compiled_as_by_dbt_itself(workspace: Workspace) -> None:
    """Models, tests and analyses, with the queries of ephemeral models."""
    workspace.obslake("init")
    workspace.dbt("--quiet", "compile", "--target-path", str(workspace.folder / "quick"))
    plain = ("--quiet", "compile", "--target-path", str(workspace.folder / "plain"))
    done = workspace.run_installed("dbt", *plain, cwd=PROJECT)
    assert done.returncode == 0, done.stdout
    expected = compiled(workspace.folder / "plain")
    assert len(expected) > 150
    assert compiled(workspace.folder / "quick") == expected


def compiled(target: Path) -> dict[str, str]:
    """Return the compiled files by their paths."""
    folder = target / "compiled"
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.sql")}
