"""A lakehouse whose marts Spark and DuckDB build beside each other."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace

# Two executors, processes of their own.
CLUSTER = "local-cluster[2,1,2048]"


@dataclass(frozen=True)
class SparkWorkspace(Workspace):
    """A workspace with a Spark configuration."""

    @property
    def environment(self) -> dict[str, str]:
        return {
            **super().environment,
            "SPARK_CONF_DIR": str(self.folder / "conf"),
            "SPARK_LOCAL_IP": "127.0.0.1",
            # Python shows moments in the zone of its process.
            "TZ": "UTC",
        }

    def configure(self, master: str = CLUSTER) -> None:
        """Write the Spark configuration of the lakehouse."""
        self.module("spark.configure", str(self.folder / "conf"), "--master", master)

    def module(self, *command: str, stdin: str = "") -> str:
        """Run a module of the project, which must succeed; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=PROJECT,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def spark(self, *arguments: str, project: Path = PROJECT) -> str:
        """Run dbt on Spark, which must succeed."""
        done = self.run_spark(*arguments, project=project)
        assert done.returncode == 0, done.stdout + done.stderr[-5000:]
        return done.stdout

    def run_spark(
        self, *arguments: str, project: Path = PROJECT
    ) -> subprocess.CompletedProcess[str]:
        """Run dbt on Spark."""
        # What is parsed for one engine is not for the other.
        target = str(self.folder / "target-spark")
        # A JVM belongs to the process that has started it: to its end, as a user has it.
        return self.run_installed(
            "dbt", *arguments, "--target", "spark", "--target-path", target, cwd=project
        )

    def compare(self) -> dict[str, int]:
        """Compare all marts of both engines; return how many rows each has."""
        lines = self.module("spark.compare").splitlines()
        assert lines[-1] == "all marts are the same, row for row"
        rows = {}
        for line in lines[1:-1]:
            mart, duckdb_rows, spark_rows, *differing = line.replace(",", "").split()
            assert duckdb_rows == spark_rows
            assert differing == ["0", "0"]
            rows[mart] = int(duckdb_rows)
        return rows
