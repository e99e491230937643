"""A lakehouse whose marts are built by Spark and by DuckDB."""

import json
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness.commands import PROJECT, Commands
from tests.harness.workspace import Workspace

# One Java process runs the Spark commands of all tests, except those that are run as users run them.
SPARK = Commands(module="tests.spark.driver")

# Java compiles each method once, and collects garbage in one thread: more pays off in longer runs only. The code
# cache is large enough for all compiled code, which would else be dropped and compiled again. Classes of
# released libraries need no verification. The heap starts large, since it is collected as a whole to grow.
JAVA_OPTIONS = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=256m "
    "-XX:InitialRAMPercentage=10 -XX:MetaspaceSize=256m "
    "-XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
)

# Executors run in the driver.
_LOCAL = "local[2]"
# With few rows, Spark takes longer to plan than to execute: so plans are neither compiled nor changed during
# execution.
_FOR_FEW_ROWS = {
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.optimizer.dynamicPartitionPruning.enabled": "false",
    # The constraints of a plan with many aliases are very many.
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.optimizer.runtime.rowLevelOperationGroupFilter.enabled": "false",
}


@dataclass(frozen=True)
class SparkWorkspace(Workspace):
    """A workspace with a Spark configuration."""

    @property
    def conf(self) -> Path:
        return self.folder / "conf"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **super().environment,
            "JDK_JAVA_OPTIONS": JAVA_OPTIONS,
            "SPARK_CONF_DIR": str(self.conf),
            "SPARK_LOCAL_IP": "127.0.0.1",
            # Python shows timestamps in its process's time zone.
            "TZ": "UTC",
        }

    def configure(self, master: str) -> None:
        """Write the Spark configuration of the lakehouse."""
        done = self.run("-m", "spark.configure", self.conf, "--master", master, cwd=PROJECT)
        assert done.returncode == 0, done.stderr

    def configure_for_few_rows(self) -> None:
        """Write the Spark configuration, with the best settings for few rows."""
        self.configure(_LOCAL)
        with (self.conf / "spark-defaults.conf").open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in _FOR_FEW_ROWS.items())

    def installed(self, *command: str, cwd: Path | None = None) -> str:
        """Run a program as a user's shell does. It must succeed; return its output."""
        done = self.run_installed(*command, cwd=cwd)
        assert done.returncode == 0, done.stdout + done.stderr[-5000:]
        return done.stdout

    def module(self, *command: str, stdin: str = "") -> str:
        """Run a module of the project on Spark. It must succeed; return its output."""
        done = self._run_spark("-m", *command, stdin=stdin)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def spark(self, *arguments: str, project: Path = PROJECT) -> str:
        """Run dbt on Spark. It must succeed; return its output."""
        done = self.run_spark(*arguments, project=project)
        assert done.returncode == 0, done.stdout + done.stderr[-5000:]
        return done.stdout

    def run_spark(
        self, *arguments: str, project: Path = PROJECT
    ) -> "subprocess.CompletedProcess[str]":
        """Run dbt on Spark."""
        return self._run_spark("dbt", *self.on_spark(*arguments), cwd=project)

    def on_spark(self, *arguments: str) -> list[str]:
        """Add the arguments that make dbt run on Spark."""
        # The project is parsed differently for each engine.
        target = str(self.folder / "target-spark")
        return [*arguments, "--target", "spark", "--target-path", target]

    def report(self, name: str) -> dict[str, Any]:
        """Return the last ``manifest`` or ``run_results`` that dbt on Spark wrote."""
        report = self.folder / "target-spark" / f"{name}.json"
        found: dict[str, Any] = json.loads(report.read_text())
        return found

    def passed(self) -> Counter[str]:
        """Return the number of passed tests by type, in the last results that dbt on Spark wrote."""
        results = self.report("run_results")["results"]
        return Counter(r["unique_id"].split(".")[0] for r in results if r["status"] == "pass")

    def compare(self) -> dict[str, int]:
        """Compare all marts of both engines; return their numbers of rows."""
        return compared(self.module("spark.compare"))

    def _run_spark(
        self, program: str, *arguments: str, cwd: Path = PROJECT, stdin: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        ended = SPARK.run(
            program, *arguments, cwd=cwd, environment=self.environment, stdin=stdin.encode()
        )
        return subprocess.CompletedProcess(
            [program, *arguments], ended.status, ended.out, ended.err
        )


def compared(output: str) -> dict[str, int]:
    """Return the number of rows of each mart from the output of a comparison that found no difference."""
    lines = output.splitlines()
    assert lines[-1] == "all marts are the same, row for row"
    rows = {}
    for line in lines[1:-1]:
        mart, duckdb_rows, spark_rows, *differing = line.replace(",", "").split()
        assert duckdb_rows == spark_rows
        assert differing == ["0", "0"]
        rows[mart] = int(duckdb_rows)
    return rows
