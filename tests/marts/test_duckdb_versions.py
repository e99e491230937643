"""Other versions of DuckDB read the marts and obslake.sql, and return the same rows as the pinned version.

`make duckdb-versions` installs each of them in a separate folder; tests of a missing version are skipped.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.schemas import TABLES

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace
from tests.marts.test_functions import CALLS

_FOLDER = PROJECT / ".venv" / "duckdb"

# Reads a JSON list of statements, of which the last is a list of questions, and prints their rows as texts.
_CLIENT = """
import json, sys
import duckdb

*statements, questions = json.load(sys.stdin)

def text(row):
    return json.dumps(row, default=str)

try:
    connection = duckdb.connect(*json.loads(sys.argv[1]))
    # The progress bar is printed to standard output, like the answers.
    connection.execute("set enable_progress_bar = false")
    for statement in statements:
        connection.execute(statement)
    answers = [sorted(map(text, connection.execute(q).fetchall())) for q in questions]
except duckdb.Error as error:
    sys.exit(str(error))
print(json.dumps([duckdb.__version__, answers]))
"""

Ask = Callable[..., "subprocess.CompletedProcess[str]"]


def client(version: str) -> Ask:
    """Return a function that queries a given version of DuckDB in a separate process."""
    folder = _FOLDER / version
    if version != duckdb.__version__ and not folder.is_dir():
        pytest.skip(f"DuckDB {version} is not installed: make duckdb-versions")

    def ask(
        database: list[Any], statements: list[str], questions: list[str]
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", _CLIENT, json.dumps(database)],
            input=json.dumps([*statements, questions]),
            env={**os.environ, "PYTHONPATH": str(folder) if folder.is_dir() else ""},
            capture_output=True,
            text=True,
            check=False,
        )

    return ask


def answers(done: "subprocess.CompletedProcess[str]", version: str) -> list[list[str]]:
    assert done.returncode == 0, done.stderr
    found, rows = json.loads(done.stdout)
    assert found == version
    return rows


@pytest.mark.parametrize("version", ["1.4.5", "2.0.1"])
def test_marts(demo: Workspace, version: str) -> None:
    marts = sorted(path.stem for path in (PROJECT / "models" / "marts").glob("*.sql"))
    questions = [*(f"from {mart}" for mart in marts), *(f"from {call}" for call in CALLS)]
    statements = ["set TimeZone = 'UTC'"]
    found, expected = (
        answers(client(v)([str(demo.marts), True], statements, questions), v)
        for v in (version, duckdb.__version__)
    )
    for question, rows, wanted in zip(questions, found, expected, strict=True):
        assert rows == wanted, question
    assert sum(map(len, expected)) > 10_000


@pytest.fixture(scope="module")
def tables(demo: Workspace, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Statements that create views on the rows of the demo corpus in Parquet files."""
    folder = tmp_path_factory.mktemp("tables")
    lakehouse = Lakehouse.open(demo.home)
    statements = []
    with duckdb.connect() as connection:
        for definition in TABLES:
            file = folder / f"{definition.name}.parquet"
            connection.register("rows", lakehouse.table(definition).scan().to_arrow())
            connection.execute(f"copy (from rows) to '{file}' (format parquet)")
            statements.append(f"create or replace view {definition.name} as from '{file}'")
    return statements


@pytest.mark.parametrize("version", ["1.4.5", "2.0.1"])
def test_obslake_sql(tables: list[str], version: str) -> None:
    text = (PROJECT / "obslake.sql").read_text()
    statements = ["set TimeZone = 'UTC'", text, *tables]
    questions = [f"from {call}" for call in CALLS]
    found, expected = (
        answers(client(v)([], statements, questions), v) for v in (version, duckdb.__version__)
    )
    for question, rows, wanted in zip(questions, found, expected, strict=True):
        assert rows == wanted, question
    assert all(expected[: CALLS.index("changes('demo', 'humanize')")])


def test_a_version_that_cannot_read_them_reports_that(demo: Workspace) -> None:
    """DuckDB 1.3 would read texts as nulls."""
    refused = client("1.3.2")([str(demo.marts), True], [], ["from behavior_changes"])
    assert refused.returncode != 0
    assert "trying to read a database file with version number" in refused.stderr.lower()
    refused = client("1.3.2")([], [(PROJECT / "obslake.sql").read_text()], [])
    assert refused.returncode != 0
    assert "obslake.sql needs DuckDB 1.5 or later, and this is v1.3.2" in refused.stderr
