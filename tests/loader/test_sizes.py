"""Modules, functions and macros do not exceed their maximum length."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.harness.commands import PROJECT

LONGEST_MODULE = 350
LONGEST_FUNCTION = 60


def too_long(folder: Path) -> Iterator[str]:
    """Report the modules and functions that are too long."""
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        place = path.relative_to(folder)
        n_lines = len(text.splitlines())
        if n_lines > LONGEST_MODULE:
            yield f"{place}: {n_lines} lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                n_lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if n_lines > LONGEST_FUNCTION:
                    yield f"{place}:{node.lineno} {node.name}: {n_lines} lines"


def too_long_macros(folder: Path) -> Iterator[str]:
    """Report the macros that are too long."""
    for path in sorted(folder.rglob("*.sql")):
        for macro in re.finditer(r"\{%-? macro (\w+).*?endmacro", path.read_text(), re.DOTALL):
            n_lines = len(macro[0].splitlines())
            if n_lines > LONGEST_FUNCTION:
                yield f"{path.relative_to(folder)} {macro[1]}: {n_lines} lines"


def test_no_module_and_no_function_is_too_long() -> None:
    loader = PROJECT / "loader"
    sources = (loader / "obslake", loader / "pytest_obslake" / "src")
    assert [found for folder in sources for found in too_long(folder)] == []


def test_modules_and_functions_that_are_too_long_are_reported(tmp_path: Path) -> None:
    body = "    x = 1\n"
    (tmp_path / "a.py").write_text("def short():\n" + body * 59 + "def long():\n" + body * 60)
    (tmp_path / "b.py").write_text("x = 1\n" * 350)
    (tmp_path / "c.py").write_text("x = 1\n" * 351)
    assert list(too_long(tmp_path)) == ["a.py:61 long: 61 lines", "c.py: 351 lines"]


def test_no_macro_is_too_long() -> None:
    assert list(too_long_macros(PROJECT / "macros")) == []


def test_a_macro_that_is_too_long_is_reported(tmp_path: Path) -> None:
    short, long = ("select 1\n" * n_lines for n_lines in (58, 59))
    (tmp_path / "a.sql").write_text(
        f"{{% macro b() -%}}\n{short}{{%- endmacro %}}\n{{%- macro c(x) %}}\n{long}{{%- endmacro %}}"
    )
    assert list(too_long_macros(tmp_path)) == ["a.sql c: 61 lines"]
