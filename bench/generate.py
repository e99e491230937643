"""Generate LASSO-shaped arena exports of any size: ``python -m bench.generate FOLDER``.

The data has the shape of a real export of 3,496 LLM-written Java implementations of 461 problems (HumanEval
and MBPP; 30,412 actuations in 119,145 cells), scaled up to the size of published lakehouses: 26
implementations, 189 tests and 3.4 steps per test. ``generate.sql`` reproduces these measurements:

- cells: rows in random order; one random arena id per problem; variant `original`, adapter 0;
  RAWVALUE repeats VALUE; no value type; execution time 0; one time for all cells of a sheet. A constructor
  has 3 cells, a call 4 (74 %), 5 (21 %) or 6 (5 %): response, operation, target, arguments.
- responses to constructors: `$CUT@Problem@0`. Responses to calls: values 94.4 %, exceptions 5.4 %, `null`
  0.3 %, no `$N/A`. Values: integers 37 % (median 1 character, 3 at 90 %, 10 at 99 %), booleans 24 %, arrays
  18 % (11, 30, 220; one of 27,850), strings 16 % (8, 24, 45), objects 3 % (13, 44, 72), floats 2 %.
- exceptions: NullPointer 39 %, IllegalArgument 17 %, NumberFormat 14 %, indices 15 %, others; 50 to 100
  characters, one of 260,067.
- arguments: integers 39 % (1, 3, 5 characters), arrays 29 % (13, 26, 52), strings 27 % (8, 21, 43).
- implementations: 5.5 % fail every call, and in 5 % of the problems they are the majority; 1.6 % fail 44 % of
  their calls, nearly all others never fail.
- clusters: the largest holds 67 % of a problem's implementations on average (quantiles 10, 25, 50, 75,
  90 %: 0.3, 0.44, 0.67, 0.9, 1), the second 20 %, the others rarely more than one implementation each. An
  implementation outside the largest cluster answers 82 % of the calls differently.
- the specified oracle is the response of 43 % of the calls, and undefined for constructors.

The export has no source code to measure; 6 to 25 statements per implementation are assumed. A second run of
a problem repeats the responses, except that one implementation in a hundred occasionally times out. Counts
depend only on ``shape.py``, texts on DuckDB's ``hash()``, which is reproducible with the pinned version.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb

from bench import shape
from bench.options import count

_SQL = Path(__file__).with_name("generate.sql")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the files requested on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.generate", description="Generate exports."
    )
    parser.add_argument("folder", type=Path, help="output folder")
    parser.add_argument("--problems", type=count, default=509, help="number of problems [509]")
    parser.add_argument("--first-problem", type=int, default=0, help="first problem number [0]")
    parser.add_argument(
        "--only-problems",
        type=shape.share,
        metavar="SHARE",
        help="generate only this share of them, evenly spread, at least one: 0.1%% or 0.001",
    )
    parser.add_argument("--run", type=int, default=1, help="run number [1]")
    parser.add_argument("--problems-per-file", type=count, default=512, help="[512]")
    parser.add_argument("--memory", default="3GB", help="memory limit; more is spilled [3GB]")
    chosen = parser.parse_args(arguments)
    problems = list(range(chosen.problems))
    if chosen.only_problems is not None:
        problems = shape.choose(chosen.problems, chosen.only_problems)
    generate(
        chosen.folder,
        [chosen.first_problem + problem for problem in problems],
        run=chosen.run,
        problems_per_file=chosen.problems_per_file,
        memory=chosen.memory,
    )


def generate(
    folder: Path,
    problems: Sequence[int],
    *,
    run: int = 1,
    problems_per_file: int = 512,
    memory: str = "3GB",
) -> None:
    """Write exports of some problems.

    Args:
        folder: receives a Parquet file of cells and a JSON file of candidates per `problems_per_file`.
        problems: problem numbers.
        run: run number; only run 1 writes candidates.
        problems_per_file: problems generated, and shuffled, together.
        memory: DuckDB memory limit; larger intermediate results are spilled into the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    for done in range(0, len(problems), problems_per_file):
        part = problems[done : done + problems_per_file]
        _generate_file(folder, part, run, memory)
        print(
            f"generated {done + len(part):,} of {len(problems):,} problems, "
            f"{time.monotonic() - start:.0f} s",
            file=sys.stderr,
        )


def _generate_file(folder: Path, problems: Sequence[int], run: int, memory: str) -> None:
    # A connection per file: DuckDB removes its spill files when the connection closes.
    spilled = str(folder / ".spilled")
    name = f"run{run}-{problems[0]:06}"
    with duckdb.connect(config={"memory_limit": memory, "temp_directory": spilled}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set variable run = ?", [run])
        _create_sizes(connection, problems)
        connection.execute(_SQL.read_text(encoding="utf-8"))
        # Snappy, as in real exports.
        _copy(
            connection,
            "cells",
            folder / f"srm-{name}.parquet",
            "format parquet, compression snappy",
        )
        if run == 1:
            _copy(connection, "candidates", folder / f"candidates-{name}.json", "format json")


def _create_sizes(connection: duckdb.DuckDBPyConnection, problems: Sequence[int]) -> None:
    connection.execute(
        "create temp table sizes (problem bigint, n_implementations bigint, n_tests bigint);"
        "create temp table sheets (problem bigint, test bigint, n_steps bigint)"
    )
    for problem in problems:
        tests = range(shape.tests(problem))
        connection.execute(
            "insert into sizes values (?, ?, ?)",
            [problem, shape.implementations(problem), len(tests)],
        )
        connection.execute(
            "insert into sheets select ?, unnest(?), unnest(?)",
            [problem, list(tests), [shape.steps(problem, test) for test in tests]],
        )


def _copy(connection: duckdb.DuckDBPyConnection, view: str, path: Path, form: str) -> None:
    # A file gets its final name only when it is complete.
    unfinished = path.with_name(f".{path.name}")
    target = str(unfinished).replace("'", "''")
    connection.execute(f"copy (from {view}) to '{target}' ({form})")
    unfinished.replace(path)


if __name__ == "__main__":
    main()
