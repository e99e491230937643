"""Measure everything once, on a new lakehouse: ``make bench``, or ``python -m bench.run``.

Every step runs in its own process. This process only starts them and stays small (see ``process.py``).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench import shape
from bench.options import count, existing_folder, new_file
from bench.process import Usage, summarize
from bench.ratios import NOISE, shown, slower
from bench.report import markdown, replace_block
from bench.workspace import DATA_SET, PROJECT, Workspace

_SHORT_BUILD_SECONDS = 60
# The figures in docs/performance.md, for later runs to compare with.
COMMITTED = PROJECT / "bench" / "figures.json"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write the figures as JSON, and print them as a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="Measure obslake.")
    parser.add_argument("--problems", type=count, default=509, help="size of the export [509]")
    parser.add_argument(
        "--folder", type=existing_folder, help="parent folder of the lakehouse [a temporary one]"
    )
    parser.add_argument("--out", type=new_file, default=Path("bench.json"), help="[bench.json]")
    parser.add_argument("--seconds", type=float, default=120, help="limit per question [120]")
    parser.add_argument("--starts", type=count, default=10, help="runs of short processes [10]")
    parser.add_argument("--builds", type=count, default=3, help="runs of short builds [3]")
    parser.add_argument(
        "--increments",
        type=shape.share,
        nargs="+",
        default=(0.001, 0.01),
        metavar="SHARE",
        help="shares of the problems that get new runs [0.1%% 1%%]",
    )
    parser.add_argument(
        "--compare",
        type=Path,
        default=COMMITTED,
        metavar="JSON",
        help="figures to compare with [those in docs/performance.md]",
    )
    parser.add_argument(
        "--write-docs",
        action="store_true",
        help="replace the figures in docs/performance.md, and those to compare with",
    )
    chosen = parser.parse_args(arguments)
    figures: dict[str, Any] = {}
    with (
        saved(figures, chosen.out),
        tempfile.TemporaryDirectory(dir=chosen.folder, prefix="obslake-bench-") as folder,
    ):
        Bench(Workspace(Path(folder)), chosen).measure(figures)
    print(markdown(figures))
    print(comparison(figures, chosen.compare))
    if chosen.write_docs:
        replace_block(PROJECT / "docs" / "performance.md", "figures", markdown(figures))
        COMMITTED.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def comparison(figures: dict[str, Any], path: Path) -> str:
    """Say which ratios are worse than those in a file of earlier figures."""
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return f"\nnot compared: {path} does not exist"
    try:
        found = slower(figures, earlier)
    except ValueError as reason:
        return f"\nnot compared: {reason}"
    name = f"commit {earlier['commit']} of {earlier['date'][:10]}"
    if not found:
        return f"\nno ratio is more than {NOISE:.0%} slower than at {name}"
    lines = [
        f"  {what}: {shown(before)} became {shown(now)}, {now / before - 1:+.0%}"
        for what, (before, now) in sorted(found.items(), key=lambda item: -item[1][1] / item[1][0])
    ]
    return "\n".join([f"\nslower than at {name} by more than {NOISE:.0%}:", *lines])


class Bench:
    """One series of measurements on one lakehouse, in the order of ``measure``."""

    def __init__(self, workspace: Workspace, options: argparse.Namespace) -> None:
        """Store the options of the command line."""
        self._workspace = workspace
        self._options = options
        self._problems: int = options.problems
        self._runs = 1

    def measure(self, figures: dict[str, Any]) -> None:
        """Measure, and add the figures one by one.

        The questions come right after the first build, while every stimulus has a single run, so that the
        marts and the Iceberg table give the same answers.
        """
        counts = shape.count(range(self._problems))
        figures |= {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": commit(),
            "problems": self._problems,
            "actuations": counts.actuations,
            "observations": counts.observations,
        }
        figures |= step("machine", self._machine)
        figures["export"] = step("export", self._export)
        figures["load"] = step("load", self._load)
        figures["load_rows"] = {}
        for kind in ("Parquet", "JSON Lines"):
            loaded = step(f"load {kind}", partial(self._load_rows, kind))
            figures["load_rows"][kind] = loaded
        figures["build"] = step("build", self._build)
        figures["questions"] = {}
        for where in ("marts", "iceberg", "package"):
            answers = step(f"questions to {where}", partial(self._ask, where))
            figures["questions"][where] = answers
        figures["starts"] = step("starts", self._start)
        figures["build_with_nothing_new"] = step("build with nothing new", self._repeat_build)
        figures["build_with_more"] = {}
        for share in self._options.increments:
            more = step(f"build with {share:.1%} more", partial(self._grow, share))
            figures["build_with_more"][f"{share:.1%}"] = more
        figures["compact"] = step("compact", self._compact)

    def _machine(self) -> dict[str, Any]:
        _, text = self._workspace.python("-m", "bench.machine", str(self._workspace.folder))
        described: dict[str, Any] = json.loads(text)
        return described

    def _export(self) -> dict[str, Any]:
        usage, path = self._workspace.generate("export", "--problems", str(self._problems))
        return {
            "generate": usage.as_json(),
            "bytes": sum(file.stat().st_size for file in path.glob("*.parquet")),
            "read": self._read(),
        }

    def _read(self) -> dict[str, Any]:
        """Let DuckDB read every value of the export."""
        path = self._workspace.folder / "export"
        files = sorted(map(str, path.glob("*.parquet")))
        _, text = self._workspace.python("-m", "bench.machine", str(path), *files)
        read: dict[str, Any] = json.loads(text)
        return read

    def _beside_reading(self, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Do a piece of work, and time reading the export right before and after it."""
        before = self._read()["seconds"]
        used = work()
        return {**used, "read_seconds": round((before + self._read()["seconds"]) / 2, 4)}

    def _load(self) -> dict[str, Any]:
        export = self._workspace.folder / "export"
        used = self._beside_reading(lambda: self._workspace.load(export))
        return used | {"observations": self._workspace.observations()}

    def _load_rows(self, kind: str) -> dict[str, Any]:
        """Load the same observations as rows of one's own, into another lakehouse."""
        path = (
            self._workspace.folder / {"Parquet": "rows.parquet", "JSON Lines": "rows.jsonl"}[kind]
        )
        self._workspace.python("-m", "bench.rows", str(self._workspace.home), str(path))
        with tempfile.TemporaryDirectory(dir=self._workspace.folder) as folder:
            other = Workspace(Path(folder))
            used = self._beside_reading(lambda: other.load_rows(path))
        path.unlink()
        return used

    def _build(self) -> dict[str, Any]:
        return self._beside_reading(self._workspace.build)

    def _ask(self, where: str) -> dict[str, Any]:
        # The package reads much more per answer, so a few problems are enough.
        few = ("--problems", "5") if where == "package" else ()
        seconds = ("--seconds", str(self._options.seconds))
        command = ("-m", "bench.questions", where, str(self._workspace.home), *seconds, *few)

        def ask() -> dict[str, Any]:
            usage, text = self._workspace.python(*command)
            return {**usage.as_json(), "answers": json.loads(text)}

        used = self._beside_reading(ask)
        answers: dict[str, Any] = used.pop("answers")
        return {"process": used, **answers}

    def _start(self) -> dict[str, Any]:
        """Time processes that print one answer: the clusters of the middle problem."""
        _, text = self._workspace.run(
            "obslake",
            "sql",
            "select problem_id from behavior_clusters group by problem_id order by problem_id",
            "--json",
        )
        problems = json.loads(text)
        problem = problems[len(problems) // 2]["problem_id"]
        query = f"from clusters('{DATA_SET}', '{problem}')"
        program = (
            "import duckdb; "
            f"duckdb.connect({str(self._workspace.marts)!r}, read_only=True).sql({query!r}).show()"
        )
        commands = {
            "duckdb": lambda: self._workspace.python("-c", program)[0],
            "obslake sql": lambda: self._workspace.run("obslake", "sql", query)[0],
        }
        return {
            name: self._beside_reading(partial(self._summary, command))
            for name, command in commands.items()
        }

    def _summary(self, measure: Callable[[], Usage]) -> dict[str, Any]:
        measure()
        return summarize([measure() for _ in range(self._options.starts)])

    def _repeat_build(self) -> dict[str, Any]:
        return self._repeat(self._build)

    def _grow(self, share: float) -> dict[str, Any]:
        """Load new runs of a share of the problems, and build; repeat if that is short."""

        def grow() -> dict[str, Any]:
            self._runs += 1
            _, path = self._workspace.generate(
                f"run{self._runs}",
                *("--problems", str(self._problems)),
                *("--only-problems", str(share)),
                *("--run", str(self._runs)),
            )
            load = self._workspace.load(path)
            return {**self._build(), "load": load}

        return self._repeat(grow)

    def _repeat(self, build: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        builds = [build()]
        while (
            len(builds) < self._options.builds and builds[0]["wall_seconds"] < _SHORT_BUILD_SECONDS
        ):
            builds.append(build())
        builds.sort(key=lambda b: b["wall_seconds"])
        return {**builds[len(builds) // 2], "wall_of_each": [b["wall_seconds"] for b in builds]}

    def _compact(self) -> dict[str, Any]:
        before = self._workspace.observations()
        used = self._beside_reading(self._workspace.compact)
        return used | {"before": before, "after": self._workspace.observations()}


@contextmanager
def saved(figures: dict[str, Any], path: Path) -> Iterator[None]:
    """Write the figures when the block ends, also if it fails."""
    try:
        yield
    finally:
        path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def step(name: str, work: Callable[[], Any]) -> Any:
    """Do a piece of work, and print its duration to standard error."""
    print(f"{name} …", end=" ", file=sys.stderr, flush=True)
    start = time.monotonic()
    result = work()
    print(f"{time.monotonic() - start:.1f} s", file=sys.stderr)
    return result


def commit() -> str | None:
    """Return the measured commit, with `-dirty` if files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or None


if __name__ == "__main__":
    main()
