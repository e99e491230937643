"""Time the same queries on every problem: ``python -m bench.questions WHERE HOME`` prints JSON.

WHERE is `marts` (a plain DuckDB client on the marts file), `iceberg` (the same queries directly on the Iceberg
table) or `package` (the functions of ``obslake.sql`` on the Iceberg table).
"""

import argparse
import json
import math
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
from obslake.lakehouse.views import create_source_views

from bench.workspace import DATA_SET, PROJECT

_WARM_UP = 3
_THREADS = 2

# The rows of a single-run data set that the marts keep: executed responses.
_SCAN = (
    "from lake.observations where data_set_id = {data_set} and problem_id = {problem}"
    " and response_kind not in ('not_executed', 'skipped')"
)
_MATRIX = "pivot ({cells}) on implementation_id using first(response) group by test_id, step_id"
# A 128-bit hash of every response with its stimulus, independent of row order.
_SIGNATURE = (
    "bit_xor(md5_number(concat(step_id, ':', strlen(test_id), ':', test_id, output))), count(*)"
)

_FUNCTIONS = {
    "clusters": "from clusters({data_set}, {problem})",
    "oracle": "from oracle({data_set}, {problem})",
    "actuations": "from actuations({data_set}, {problem})",
    "actuations_counted": (
        "select implementation_id, content, count(*), count(distinct response)"
        " from actuations({data_set}, {problem}) group by implementation_id, content"
    ),
    "behavior_diff": "from behavior_diff({data_set}, {problem}, {a}, {b})",
}
_MARTS = {
    "matrix": _MATRIX.format(
        cells=(
            "select test_id, step_id, implementation_id, response from stimulus_response_matrix"
            " where data_set_id = {data_set} and problem_id = {problem}"
        )
    ),
    **_FUNCTIONS,
}
_PACKAGE = {"matrix": _MATRIX.format(cells="from srm({data_set}, {problem})"), **_FUNCTIONS}
_ICEBERG = {
    "matrix": _MATRIX.format(
        cells=f"select test_id, step_id, implementation_id, output as response {_SCAN}"
    ),
    "clusters": (
        "select count(*), min(implementation_id), array_agg(implementation_id) from ("
        f" select implementation_id, ({_SIGNATURE}) as signature {_SCAN}"
        " and implementation_id <> 'oracle'"
        " group by implementation_id) group by signature order by count(*) desc"
    ),
}


def main() -> None:
    """Run the queries, and print the times."""
    parser = argparse.ArgumentParser(prog="python -m bench.questions")
    parser.add_argument("where", choices=("marts", "iceberg", "package"))
    parser.add_argument("home", type=Path, help="folder of the lakehouse")
    parser.add_argument("--problems", type=int, help="query this many, evenly spread [all]")
    parser.add_argument("--seconds", type=float, default=120, help="limit per question [120]")
    chosen = parser.parse_args()
    problems = _problems(chosen.home / "obslake.duckdb")
    if chosen.problems and chosen.problems < len(problems):
        problems = [problems[i * len(problems) // chosen.problems] for i in range(chosen.problems)]
    connect, questions = {
        "marts": (_connect_marts, _MARTS),
        "iceberg": (_connect_iceberg, _ICEBERG),
        "package": (_connect_package, _PACKAGE),
    }[chosen.where]
    with connect(chosen.home) as connection:
        result = {
            name: ask(connection, question, problems, chosen.seconds)
            for name, question in questions.items()
        }
    json.dump(result, sys.stdout)


def ask(
    connection: duckdb.DuckDBPyConnection,
    question: str,
    problems: list[dict[str, str]],
    seconds: float,
) -> dict[str, Any]:
    """Run one query on one problem after another until the time is up, and fetch the answers into Arrow.

    Returns:
        Times in milliseconds. CPU time (of both threads) hardly depends on the machine's other load. If the
        first answer did not come in time, only `stopped_after_seconds`.
    """
    times, processor, rows = [], [], []
    deadline = time.perf_counter() + seconds
    stop = threading.Timer(seconds, connection.interrupt)
    stop.start()
    try:
        for number, problem in enumerate([*problems[:_WARM_UP], *problems]):
            start, used = time.perf_counter(), time.process_time()
            if start > deadline:
                break
            rows_fetched = connection.execute(question.format(**problem)).to_arrow_table().num_rows
            if number >= min(_WARM_UP, len(problems)):
                times.append((time.perf_counter() - start) * 1000)
                processor.append((time.process_time() - used) * 1000)
                rows.append(rows_fetched)
    except duckdb.InterruptException:
        pass
    finally:
        stop.cancel()
    if not times:
        return {"problems": 0, "stopped_after_seconds": seconds}
    return {
        "problems": len(times),
        "rows_mean": round(statistics.fmean(rows), 1),
        "cpu_mean_ms": round(statistics.fmean(processor), 2),
        "mean_ms": round(statistics.fmean(times), 2),
        "median_ms": round(statistics.median(times), 2),
        "p95_ms": round(sorted(times)[math.ceil(0.95 * len(times)) - 1], 2),
        "max_ms": round(max(times), 2),
    }


def _problems(marts: Path) -> list[dict[str, str]]:
    """Return the problems, each with two implementations from different clusters if possible, as SQL literals."""
    with duckdb.connect(marts, read_only=True) as connection:
        found = connection.execute(
            """
            select
                problem_id,
                min(exemplar_implementation_id) filter (cluster_rank = 1),
                min(exemplar_implementation_id) filter (cluster_rank = least(2, n_clusters))
            from (
                select *, count(*) over (partition by problem_id) as n_clusters
                from behavior_clusters where data_set_id = ?
            )
            group by problem_id
            order by md5(problem_id)
            """,
            [DATA_SET],
        ).fetchall()
    names = ("data_set", "problem", "a", "b")
    return [dict(zip(names, map(_literal, (DATA_SET, *row)), strict=True)) for row in found]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _connect_marts(home: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(home / "obslake.duckdb", read_only=True, config={"threads": _THREADS})


def _connect_iceberg(home: Path) -> duckdb.DuckDBPyConnection:
    from obslake.engine import connect
    from obslake.lakehouse.catalog import Lakehouse

    connection = connect()
    connection.execute(f"set threads = {_THREADS}")
    create_source_views(Lakehouse.open(home), connection)
    return connection


def _connect_package(home: Path) -> duckdb.DuckDBPyConnection:
    connection = _connect_iceberg(home)
    connection.execute((PROJECT / "obslake.sql").read_text(encoding="utf-8"))
    connection.execute("create view observations as from lake.observations")
    return connection


if __name__ == "__main__":
    main()
