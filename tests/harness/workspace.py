"""A lakehouse in a folder of its own, used as a user would: through commands."""

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

# One process forks for all tests that this process runs.
COMMANDS = Commands()


@dataclass(frozen=True)
class Workspace:
    """A lakehouse, what dbt writes, and the files that a test makes."""

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
            # Nobody reads them, and they take longer than a small model; `--write-json` writes what a test reads.
            "DBT_LOG_LEVEL_FILE": "none",
            "DBT_WRITE_JSON": "false",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }

    def run(
        self, program: str, *arguments: object, cwd: Path | None = None, stdin: bytes = b""
    ) -> "subprocess.CompletedProcess[str]":
        """Run ``obslake`` or ``dbt`` in this folder, and return what it printed."""
        ended = self.start(program, *arguments, cwd=cwd, stdin=stdin).wait()
        command = [program, *map(str, arguments)]
        return subprocess.CompletedProcess(command, ended.status, ended.out, ended.err)

    def start(
        self, program: str, *arguments: object, cwd: Path | None = None, stdin: bytes = b""
    ) -> Running:
        """Run ``obslake`` or ``dbt`` beside others."""
        return COMMANDS.start(
            program, *arguments, cwd=cwd or self.folder, environment=self.environment, stdin=stdin
        )

    def run_installed(
        self, *command: str, cwd: Path | None = None, stdin: bytes = b""
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program of the installation as a user's shell does, with all that it imports."""
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
        """Run ``obslake``, which must succeed."""
        done = self.run("obslake", *arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run ``obslake``, which must fail without a traceback; return its error."""
        done = self.run("obslake", *arguments, stdin=stdin)
        assert done.returncode != 0, done.stdout
        assert "Traceback" not in done.stderr
        return done.stderr

    def dbt(self, *arguments: str, project: Path = PROJECT) -> str:
        """Run ``dbt``, which must succeed."""
        done = self.run("dbt", *arguments, cwd=project)
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
