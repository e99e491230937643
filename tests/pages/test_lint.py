"""`make lint` checks SQL that sqlfluff does not check."""

from pathlib import Path

import pytest

from scripts.lint_sql import STATEMENTS, _lint_macros
from tests.harness.commands import PROJECT


def test_faults_in_macros_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.sql").write_text(
        "{% macro a() -%}\n    SELECT 1\n   ok\n    trailing \n" + "x" * 121 + "\n{%- endmacro %}\n"
    )
    assert _lint_macros(tmp_path) == 1
    assert [line.partition("a.sql:")[2] for line in capsys.readouterr().out.splitlines()] == [
        "2: upper-case keyword",
        "3: indentation is not a multiple of four spaces",
        "4: trailing white space",
        "5: longer than 120 characters",
    ]
    (tmp_path / "a.sql").write_text("{% macro a() -%}\n    select 1\n{%- endmacro %}\n")
    assert _lint_macros(tmp_path) == 0


def test_every_folder_with_sql_is_linted() -> None:
    folders = {"models", "macros", "analyses", "tests", "spark", *STATEMENTS}
    files = [p.relative_to(PROJECT).as_posix() for p in PROJECT.glob("*/**/*.sql")]
    linted = tuple(f"{folder}/" for folder in folders)
    assert [f for f in files if not f.startswith((*linted, ".", "lake/", "target/"))] == []
