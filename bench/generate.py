"""Generate LASSO-shaped arena exports of any size: ``python -m bench.generate FOLDER``.

The shape is that of a real export of 3,496 LLM-written Java implementations of 461 problems (HumanEval and
MBPP; 30,412 actuations in 119,145 cells), in the larger size of published lakehouses: 26 implementations,
189 tests and 3.4 steps a test. Measured there, and held here by ``generate.sql``:

- cells: rows stand in random order; one random arena id for each problem; variant `original`, adapter 0;
  RAWVALUE repeats VALUE; no value type; execution time 0; one time for all cells of a sheet. A constructor
  has 3 cells, a call 4 (74 %), 5 (21 %) or 6 (5 %): response, operation, target, arguments.
- responses to constructors: `$CUT@Problem@0`. To calls: values 94.4 %, exceptions 5.4 %, `null` 0.3 %, no
  `$N/A`. Values: integers 37 % (1 character in the middle, 3 at 90 %, 10 at 99 %), booleans 24 %, arrays
  18 % (11, 30, 220; one of 27,850), strings 16 % (8, 24, 45), objects 3 % (13, 44, 72), floats 2 %.
- exceptions: NullPointer 39 %, IllegalArgument 17 %, NumberFormat 14 %, indices 15 %, others; 50 to 100
  characters, one of 260,067.
- arguments: integers 39 % (1, 3, 5 characters), arrays 29 % (13, 26, 52), strings 27 % (8, 21, 43).
- implementations: 5.5 % fail everything, and are most of a problem in 5 % of the problems; 1.6 % fail in
  44 % of their calls, nearly all others never.
- clusters: the largest holds 67 % of a problem's implementations on average (quantiles 10, 25, 50, 75,
  90 %: 0.3, 0.44, 0.67, 0.9, 1), the second 20 %, the others hardly more than one implementation each. An
  implementation outside the largest cluster answers 82 % of the calls differently.
- the specified oracle is the response of 43 % of the calls, and undefined for constructors.

Of source code nothing could be measured: 6 to 25 statements an implementation are assumed. A second run
of a problem answers the same, except for the one implementation in a hundred that runs out of time now and
then. Counts follow from ``shape.py`` alone; texts from DuckDB's ``hash()``, the same wherever the pinned
DuckDB is.
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
    """Write the files that the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.generate", description="Generate exports."
    )
    parser.add_argument("folder", type=Path, help="where the files are written")
    parser.add_argument("--problems", type=count, default=509, help="how many problems [509]")
    parser.add_argument("--first-problem", type=int, default=0, help="number of the first one [0]")
    parser.add_argument(
        "--only-problems",
        type=shape.share,
        metavar="SHARE",
        help="only this share of them, spread evenly and at least one: 0.1%% or 0.001",
    )
    parser.add_argument("--run", type=int, default=1, help="number of the run [1]")
    parser.add_argument("--problems-per-file", type=count, default=512, help="[512]")
    parser.add_argument("--memory", default="3GB", help="limit of memory; more is spilled [3GB]")
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
        folder: gets one Parquet file of cells and one JSON file of candidates for so many problems.
        problems: numbers of the problems.
        run: number of the run; candidates are described by the first one only.
        problems_per_file: problems that are made, and shuffled, together.
        memory: limit of memory, in DuckDB's words; what needs more is spilled into the folder.
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
    # What is not temporary is spilled; a connection for each file leaves nothing behind.
    spilled = str(folder / ".spilled")
    name = f"run{run}-{problems[0]:06}"
    with duckdb.connect(config={"memory_limit": memory, "temp_directory": spilled}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set variable run = ?", [run])
        _create_sizes(connection, problems)
        connection.execute(_SQL.read_text(encoding="utf-8"))
        # Snappy, as the real exports are.
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
    # Under its final name a file is complete.
    unfinished = path.with_name(f".{path.name}")
    target = str(unfinished).replace("'", "''")
    connection.execute(f"copy (from {view}) to '{target}' ({form})")
    unfinished.replace(path)


if __name__ == "__main__":
    main()
