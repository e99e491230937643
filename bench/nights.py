"""Measure what one more night of tests costs after so many: ``python -m bench.nights``.

The history is that of one project in CI: every night one revision runs in several environments, a few tests
fail for some nights in a row, some verdicts are flaky. Every run says something about every problem, unlike the
exports of ``bench.scale``. All nights but the last are loaded at once and built; then the last one is.
"""

import argparse
import json
import multiprocessing
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from bench.options import count, existing_folder, new_file
from bench.report import table
from bench.run import commit, saved, step
from bench.shape import share
from bench.workspace import Workspace

_SQL = Path(__file__).with_name("nights.sql")
_SHOWN_NODES = 8


@dataclass(frozen=True)
class History:
    """The shape of a history.

    Attributes:
        environments: that run each night.
        tests: of the project.
        problems: suites that the tests are in.
        share: of the tests that each environment runs.
        failing: share of the tests that fail in a night.
        changing: share of the tests that pass in one night and fail in the next, or the other way round.
        flaky: share of the verdicts that would differ if the test ran again.
    """

    environments: int = 16
    tests: int = 2000
    problems: int = 3
    share: float = 0.375
    failing: float = 0.03
    changing: float = 0.005
    flaky: float = 0.002


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write the figures as JSON, and print them as a table."""
    default = History()
    parser = argparse.ArgumentParser(
        prog="python -m bench.nights", description="Measure one more night."
    )
    parser.add_argument(
        "--nights", type=count, nargs="+", default=[100], help="before the last one [100]"
    )
    parser.add_argument("--problems", type=count, nargs="+", default=[3], help="[3]")
    parser.add_argument("--data-sets", type=count, default=1, help="each with such a history [1]")
    parser.add_argument("--environments", type=count, default=default.environments, help="[16]")
    parser.add_argument("--tests", type=count, default=default.tests, help="[2000]")
    parser.add_argument(
        "--leave-out",
        choices=("assessments", "agreements", "suites"),
        nargs="+",
        default=[],
        help="marts to leave empty [none]",
    )
    for name in ("share", "failing", "changing", "flaky"):
        parser.add_argument(f"--{name}", type=share, default=getattr(default, name))
    parser.add_argument(
        "--folder", type=existing_folder, help="where the lakehouses are made [a temporary one]"
    )
    parser.add_argument(
        "--out", type=new_file, default=Path("bench-nights.json"), help="[%(default)s]"
    )
    parser.add_argument("--plot", type=new_file, metavar="SVG", help="draw them")
    chosen = parser.parse_args(arguments)
    figures: dict[str, Any] = {"commit": commit(), "histories": []}
    with saved(figures, chosen.out):
        for problems in chosen.problems:
            for nights in chosen.nights:
                history = History(
                    chosen.environments,
                    chosen.tests,
                    problems,
                    chosen.share,
                    chosen.failing,
                    chosen.changing,
                    chosen.flaky,
                )
                with tempfile.TemporaryDirectory(
                    dir=chosen.folder, prefix="obslake-nights-"
                ) as folder:
                    measured = measure(
                        Path(folder), history, nights, chosen.data_sets, chosen.leave_out
                    )
                figures["histories"].append(measured)
                print(told(measured), flush=True)
    if chosen.plot:
        from bench.plot import draw_nights

        draw_nights(figures["histories"], chosen.plot)


def measure(
    folder: Path, history: History, nights: int, data_sets: int, leave_out: Sequence[str] = ()
) -> dict[str, Any]:
    """Build histories, then one more night of the first data set, then nothing new."""
    workspace = Workspace(folder)
    for number in range(data_sets):
        _load(workspace, history, number, 0, nights)
    name = f"{nights} nights, {history.problems} problems, {data_sets} data sets"

    def run() -> dict[str, Any]:
        return workspace.build(leave_out)

    build = step(f"build of {name}", run)
    load = _load(workspace, history, 0, nights, 1)
    one_more = step(f"one more after {name}", run)
    nothing_new = step("nothing new", run)
    return {
        "nights": nights,
        "problems": history.problems,
        "data_sets": data_sets,
        "leave_out": list(leave_out),
        "observations": workspace.observations(),
        "build": build,
        "load_of_one_more": load,
        "build_with_one_more": one_more,
        "build_with_nothing_new": nothing_new,
    }


def told(measured: dict[str, Any]) -> str:
    """Tell the figures of one history as tables."""
    builds = {
        "full build": measured["build"],
        "one more night": measured["build_with_one_more"],
        "nothing new": measured["build_with_nothing_new"],
    }
    rows = [
        (
            name,
            f"{b['wall_seconds']:.1f}",
            f"{b['cpu_seconds']:.1f}",
            f"{b['peak_bytes'] / 1e6:.0f}",
        )
        for name, b in builds.items()
    ]
    nodes = [
        f"{name} {seconds:.1f}"
        for name, seconds in list(measured["build_with_one_more"]["nodes"].items())[:_SHOWN_NODES]
    ]
    return "\n".join(
        (
            f"{measured['nights']} nights, {measured['problems']} problems, {measured['data_sets']} data sets: "
            f"{measured['observations']['rows']:,} verdicts; "
            f"load of one more {measured['load_of_one_more']['wall_seconds']:.1f} s",
            *table(("`dbt run`", "seconds", "CPU", "MB"), rows),
            f"slowest of one more: {', '.join(nodes)}",
        )
    )


def generate(folder: Path, history: History, data_set: str, first: int, nights: int) -> None:
    """Write the observations and the implementations of some nights as Parquet files."""
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        variables = {"data_set": data_set, "first_night": first, "nights": nights, **vars(history)}
        for name, value in variables.items():
            connection.execute(f"set variable {name} = ?", [value])
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(_SQL.read_text(encoding="utf-8"))
        for view in ("observations", "implementations"):
            path = str(folder / f"{view}.parquet").replace("'", "''")
            connection.execute(f"copy (from {view}) to '{path}' (format parquet)")


def _load(
    workspace: Workspace, history: History, data_set: int, first: int, nights: int
) -> dict[str, Any]:
    """Load some nights of a data set, and return what loading the observations used."""
    folder = workspace.folder / "nights"
    # In another process: the memory of this one counts as that of every process that it starts.
    arguments = (folder, history, f"project_{data_set}", first, nights)
    made = multiprocessing.get_context("spawn").Process(target=generate, args=arguments)
    made.start()
    made.join()
    for name in ("implementations", "observations"):
        usage, text = workspace.run(
            "obslake", "load", name, str(folder / f"{name}.parquet"), "--json"
        )
    shutil.rmtree(folder)
    return {**usage.as_json(), "rows": json.loads(text)["rows"]["observations"]}


if __name__ == "__main__":
    main()
