"""Fixtures: the command line and dbt as processes, each on a lakehouse of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests import forks

PROJECT = Path(__file__).parent.parent
_BIN = Path(sys.executable).parent


def configure_catalog(monkeypatch: pytest.MonkeyPatch, **properties: str) -> None:
    """Set properties of PyIceberg's catalog, with two underscores for a dot, for processes that are started."""
    for name, value in properties.items():
        # PyIceberg reads the environment when it is imported.
        monkeypatch.setenv(f"PYICEBERG_CATALOG__OBSLAKE__{name.upper()}", value)


@dataclass(frozen=True)
class Workspace:
    """A lakehouse in a folder of its own, used as a user would: through processes."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "lake"

    @property
    def marts(self) -> Path:
        return self.home / "obslake.duckdb"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "OBSLAKE_HOME": str(self.home),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }

    def run(
        self, *command: str, cwd: Path | None = None, stdin: bytes | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the installation, and return what it printed."""
        done = subprocess.run(
            [str(_BIN / command[0]), *command[1:]],
            cwd=cwd or self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            check=False,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    def run_forked(
        self, program: str, *arguments: str, cwd: Path | None = None, stdin: bytes | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``obslake`` or ``dbt`` without the time that their imports take."""
        if any(name.startswith("PYICEBERG_") for name in os.environ):
            # PyIceberg reads its settings while it is imported.
            return self.run(program, *arguments, cwd=cwd, stdin=stdin)
        return forks.run(
            program, arguments, cwd=cwd or self.folder, environment=self.environment, stdin=stdin
        )

    def start(self, *command: str, cwd: Path | None = None) -> "subprocess.Popen[str]":
        """Run a program of the installation beside others."""
        return subprocess.Popen(
            [str(_BIN / command[0]), *command[1:]],
            cwd=cwd or self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def obslake(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Run ``obslake``, which must succeed."""
        done = self.run_forked("obslake", *arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Run ``obslake``, which must fail without a traceback; return its error."""
        done = self.run("obslake", *arguments, stdin=stdin)
        assert done.returncode != 0, done.stdout
        assert "Traceback" not in done.stderr
        return done.stderr

    def dbt(self, *arguments: str, project: Path = PROJECT) -> str:
        """Run ``dbt``, which must succeed."""
        done = self.run_forked("dbt", *arguments, cwd=project)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def manifest(self) -> dict[str, Any]:
        """Return the manifest of the last dbt run."""
        return json.loads((self.folder / "target" / "manifest.json").read_text())

    def query(self, sql: str, parameters: object = None) -> list[tuple[Any, ...]]:
        """Ask the marts as a bare DuckDB client does: no extension, no dbt, no obslake."""
        with duckdb.connect(self.marts, read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(sql, parameters).fetchall()

    def status(self) -> dict[str, Any]:
        """Return what ``obslake status`` says."""
        return json.loads(self.obslake("status", "--snapshots", "--json"))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of an Iceberg table as dictionaries."""
        return json.loads(self.obslake("sql", f"select * from lake.{table}", "--json"))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty folder for a lakehouse."""
    return Workspace(tmp_path)


@pytest.fixture(scope="session")
def make_workspace(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Workspace]:
    """Make workspaces that live as long as the session."""
    return lambda name: Workspace(tmp_path_factory.mktemp(name))


@pytest.fixture(scope="session")
def compiled(make_workspace: Callable[[str], Workspace]) -> dict[str, Any]:
    """The manifest of the project, compiled on an empty lakehouse, as for obslake.sql."""
    workspace = make_workspace("compiled")
    workspace.obslake("init")
    workspace.dbt("--quiet", "compile", "--vars", "obslake_has_nulls: true")
    return workspace.manifest()


@pytest.fixture(scope="session")
def sql_package(compiled: dict[str, Any]) -> str:
    """The text of obslake.sql, generated from the models as they are now."""
    from obslake.sql_package import write_sql_package

    return write_sql_package(compiled)


@pytest.fixture(scope="session")
def demo(make_workspace: Callable[[str], Workspace]) -> Workspace:
    """The demo corpus, loaded and built with all tests."""
    workspace = make_workspace("demo")
    corpus = PROJECT / "demo"
    for source, file, *options in (
        ("recording", "recordings"),
        ("observations", "specified.jsonl.zst", "--environment=standards", "--run=standards"),
        ("implementations", "implementations.jsonl"),
        ("tests", "tests.jsonl"),
    ):
        workspace.obslake("load", source, str(corpus / file), "--data-set=demo", *options)
    workspace.dbt("--quiet", "build")
    return workspace
