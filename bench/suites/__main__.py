"""Run the campaign: ``make suites``, or ``python -m bench.suites``."""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.options import count
from bench.suites.catalogue import DATA, Catalogue, Suite, SuiteError, read
from bench.suites.comparing import compare
from bench.suites.places import RECORDER, Places
from bench.suites.running import Run, Runner, base_version
from bench.suites.tables import outcome_table, trace_table
from bench.suites.tracing import compare_calls

_MIN_CALLS = 2000
"""With fewer calls, the overhead per call cannot be separated from the start-up time."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suites, print the tables, write all figures as JSON; return 1 if anything differs."""
    chosen = _parser().parse_args(arguments)
    try:
        catalogue = read(chosen.data)
        suites = catalogue.chosen(chosen.suites)
        places = Places(
            chosen.cache.absolute(), chosen.python, chosen.recorder.absolute(), chosen.here
        )
        version = base_version(chosen.python)
    except SuiteError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    results: dict[str, Any] = {}
    for suite in suites:
        print(f"{suite.title} …", file=sys.stderr, flush=True)
        try:
            results[suite.title] = _campaign(suite, places, catalogue, chosen)
        except SuiteError as error:
            results[suite.title] = {"error": str(error)}
        if chosen.out is not None:
            document = {"python": version, "suites": results}
            chosen.out.write_text(json.dumps(document, indent=1), encoding="utf-8")
    print(f"Python {version}\n")
    print(outcome_table(results))
    if any("trace" in result for result in results.values()):
        print(trace_table(results))
    return 0 if all(_is_same(result) for result in results.values()) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.suites",
        description="Run suites of real distributions with and without pytest-obslake, and compare.",
    )
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="their names [all]")
    parser.add_argument(
        "--cache", type=Path, default=Path(".venv/suites"), help="working folder [.venv/suites]"
    )
    parser.add_argument(
        "--recorder", type=Path, default=RECORDER, help="folder of the plugin [this checkout's]"
    )
    parser.add_argument("--python", default=sys.executable, help="interpreter [this one]")
    parser.add_argument("--data", type=Path, default=DATA, help="list of suites [suites.toml]")
    parser.add_argument("--repeats", type=count, default=1, help="runs of each kind [1]")
    parser.add_argument(
        "--trace",
        choices=("some", "all", "none", "only"),
        default="some",
        help="second tracer: for the suites marked `traced` [some], all, none; only: no outcomes",
    )
    parser.add_argument("--here", action="store_true", help="use this environment, install nothing")
    parser.add_argument("--out", type=Path, help="JSON file for all figures")
    return parser


def _campaign(
    suite: Suite, places: Places, catalogue: Catalogue, chosen: argparse.Namespace
) -> dict[str, Any]:
    runner = Runner(suite, places, catalogue.constraints)
    result: dict[str, Any] = {}
    if chosen.trace != "only":
        result = _outcomes(runner, chosen.repeats)
    if chosen.trace in ("all", "only") or (chosen.trace == "some" and suite.traced):
        result["trace"] = compare_calls(runner)
    return result


def _outcomes(runner: Runner, repeats: int) -> dict[str, Any]:
    """Run a suite alternately without and with the recorder."""
    without: list[Run] = []
    with_: list[Run] = []
    for _ in range(repeats):
        without.append(runner.without())
        with_.append(runner.with_recorder())
    if without[0].outcomes is None:
        raise SuiteError(f"does not run: status {without[0].exit_status}\n{without[0].printed}")
    found = compare(without[0], with_[0])
    unsteady = None
    if not found.is_same:
        # A difference between two runs without the recorder says nothing about the recorder,
        again = runner.without()
        unsteady = compare(without[0], again)
        found = found.less(unsteady)
    if unsteady is not None and not found.is_same:
        # nor does one that does not occur a second time.
        steady = found.less(found.less(compare(again, runner.with_recorder())))
        unsteady = unsteady.plus(found.less(steady))
        found = steady
    seconds = [statistics.median(run.cpu_seconds for run in runs) for runs in (without, with_)]
    n_calls = _count_calls(runner.records)
    return {
        "tests": without[0].n_tests,
        "outcomes": _count_outcomes(without[0]),
        "exit_status": [without[0].exit_status, with_[0].exit_status],
        "warnings": [without[0].n_warnings, with_[0].n_warnings],
        "differences": found.as_json(),
        "in_short": found.words(),
        "unsteady": unsteady.as_json() if unsteady and not unsteady.is_same else None,
        "calls": n_calls,
        "seconds": [round(value, 2) for value in seconds],
        "microseconds": (
            round((seconds[1] - seconds[0]) / n_calls * 1e6, 1) if n_calls > _MIN_CALLS else None
        ),
        "report": [line for line in with_[0].printed.splitlines() if line.startswith("obslake: ")],
    }


def _count_calls(file: Path) -> int:
    if not file.exists():
        return 0
    with file.open("rb") as lines:
        return sum(line.startswith(b'{"record":"call"') for line in lines)


def _count_outcomes(run: Run) -> dict[str, int]:
    counts: dict[str, int] = {}
    for reports in run.by_test.values():
        words = [word for phase, word, *_ in reports if word != "passed"] or ["passed"]
        counts[words[0]] = counts.get(words[0], 0) + 1
    return counts


def _is_same(result: dict[str, Any]) -> bool:
    if "error" in result:
        return False
    trace = result.get("trace")
    return result.get("in_short", "same") == "same" and (not trace or not trace["different"])


if __name__ == "__main__":
    sys.exit(main())
