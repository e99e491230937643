"""A new lakehouse in a folder, used only through the commands, as a user would."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.process import Usage, run

PROJECT = Path(__file__).parent.parent
DATA_SET = "bench"
_BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Workspace:
    """A folder with generated exports, a lakehouse and dbt's output."""

    folder: Path

    @property
    def home(self) -> Path:
        """Folder of the lakehouse."""
        return self.folder / "lake"

    @property
    def marts(self) -> Path:
        """DuckDB file of the marts."""
        return self.home / "obslake.duckdb"

    def run(self, *command: str) -> tuple[Usage, str]:
        """Run an installed program in the project's folder."""
        environment = {
            **os.environ,
            "OBSLAKE_HOME": str(self.home),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        program = str(_BIN / command[0])
        return run([program, *command[1:]], cwd=PROJECT, env=environment)

    def python(self, *arguments: str) -> tuple[Usage, str]:
        """Run the Python interpreter."""
        return self.run(Path(sys.executable).name, *arguments)

    def generate(self, folder: str, *options: str) -> tuple[Usage, Path]:
        """Generate exports into a folder of the workspace."""
        path = self.folder / folder
        usage, _ = self.python("-m", "bench.generate", str(path), *options)
        return usage, path

    def load(self, path: Path) -> dict[str, Any]:
        """Load generated exports, and return the resources used and the rows appended."""
        usage, text = self.run(
            "obslake", "load", "lasso", str(path), "--data-set", DATA_SET, "--json"
        )
        report = json.loads(text)
        rows = report["rows"]["observations"]
        return {
            **usage.as_json(),
            "rows": rows,
            "rows_per_second": round(rows / usage.wall_seconds),
            "warnings": report["warnings"],
        }

    def observations(self) -> dict[str, int]:
        """Return the rows, files and bytes of the table `observations`."""
        _, text = self.run("obslake", "status", "--json")
        (table,) = (t for t in json.loads(text)["tables"] if t["table"] == "observations")
        return {key: table[key] for key in ("rows", "files", "bytes")}

    def load_rows(self, path: Path) -> dict[str, Any]:
        """Load a file of observations, and return the resources used and the rows appended."""
        usage, text = self.run("obslake", "load", "observations", str(path), "--json")
        return {**usage.as_json(), "rows": json.loads(text)["rows"]["observations"]}

    def compact(self) -> dict[str, float]:
        """Compact the tables."""
        usage, _ = self.run("obslake", "compact")
        return usage.as_json()

    def build(self, leave_out: Sequence[str] = ()) -> dict[str, Any]:
        """Build the marts without their tests, and return the resources used and the time of each node.

        Args:
            leave_out: marts to leave empty (``obslake_leave_out``).
        """
        variables = ["--vars", json.dumps({"obslake_leave_out": leave_out})] if leave_out else []
        usage, _ = self.run("dbt", "--quiet", "run", *variables)
        results = json.loads((self.folder / "target" / "run_results.json").read_text())["results"]
        seconds = {r["unique_id"].split(".")[-1]: round(r["execution_time"], 3) for r in results}
        sql = _span(results)
        return {
            **usage.as_json(),
            "sql_seconds": round(sql, 3),
            "start_seconds": round(usage.wall_seconds - sql, 3),
            "node_seconds": round(sum(seconds.values()), 3),
            "nodes": dict(sorted(seconds.items(), key=lambda item: -item[1])),
            "marts_bytes": self.marts.stat().st_size,
        }


def _span(results: list[dict[str, Any]]) -> float:
    """Return the seconds from the start of the first node to the end of the last one."""
    moments = [
        datetime.fromisoformat(timing[end])
        for result in results
        for timing in result["timing"]
        for end in ("started_at", "completed_at")
    ]
    return (max(moments) - min(moments)).total_seconds() if moments else 0.0
