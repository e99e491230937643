"""A lakehouse in its own folder, used through commands as a user would."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from tests.harness.commands import PROJECT, Commands, Running

_BIN = Path(sys.executable).parent

# One process forks commands for all tests of this process.
COMMANDS = Commands()


@dataclass(frozen=True)
class Workspace:
    """A folder for a lakehouse, dbt's output, and the files of a test."""

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
            # Logs and artifacts take longer than a small model; a test that reads artifacts adds `--write-json`.
            "DBT_LOG_LEVEL_FILE": "none",
            "DBT_WRITE_JSON": "false",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }

    def run(
        self, program: str, *arguments: object, cwd: Path | None = None, stdin: bytes = b""
    ) -> "subprocess.CompletedProcess[str]":
        """Run ``obslake`` or ``dbt`` in this folder, and return its output."""
        ended = self.start(program, *arguments, cwd=cwd, stdin=stdin).wait()
        command = [program, *map(str, arguments)]
        return subprocess.CompletedProcess(command, ended.status, ended.out, ended.err)

    def start(
        self, program: str, *arguments: object, cwd: Path | None = None, stdin: bytes = b""
    ) -> Running:
        """Start ``obslake`` or ``dbt`` in parallel with other commands."""
        return COMMANDS.start(
            program, *arguments, cwd=cwd or self.folder, environment=self.environment, stdin=stdin
        )

    def run_installed(
        self, *command: str, cwd: Path | None = None, stdin: bytes = b""
    ) -> "subprocess.CompletedProcess[str]":
        """Run an installed program as a user's shell does, including its imports."""
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

    def obslake(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run an ``obslake`` command that must succeed."""
        done = self.run("obslake", *arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run an ``obslake`` command that must fail without a traceback; return its error."""
        done = self.run("obslake", *arguments, stdin=stdin)
        assert done.returncode != 0, done.stdout
        assert "Traceback" not in done.stderr
        return done.stderr

    def dbt(self, *arguments: str, project: Path = PROJECT) -> str:
        """Run a ``dbt`` command that must succeed."""
        done = self.run("dbt", *arguments, cwd=project)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def manifest(self) -> dict[str, Any]:
        """Return the manifest of the last dbt run."""
        return json.loads((self.folder / "target" / "manifest.json").read_text())

    def query(self, sql: str, parameters: object = None) -> list[tuple[Any, ...]]:
        """Query the marts as a plain DuckDB client: no extension, no dbt, no obslake."""
        with duckdb.connect(self.marts, read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(sql, parameters).fetchall()

    def status(self) -> dict[str, Any]:
        """Return the output of ``obslake status``."""
        return json.loads(self.obslake("status", "--snapshots", "--json"))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of an Iceberg table as dictionaries."""
        return json.loads(self.obslake("sql", f"select * from lake.{table}", "--json"))
