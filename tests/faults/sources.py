"""Small source files of all kinds for the fault campaign, with rows for every table."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.harness.lake import observation
from tests.loader.test_junit import REPORTS
from tests.loader.test_lasso import abstraction, oracle, step
from tests.loader.test_observations import published
from tests.loader.test_recording import call, lines, session, start, test

Load = tuple[str, ...]
Rows = list[dict[str, Any]]


def published_rows(folder: Path, name: str, problems: int = 2) -> Load:
    """A Parquet file with rows for every table except the quarantine."""
    measured = {"memory_used_mb": 1.0, "specified_oracle": False, "data_set_id": name}
    rows = [
        published(problem_id=f"p{p}", step_id=s, output=f'"{name} {s}"', run_id=name, **measured)
        for p in range(problems)
        for s in range(3)
    ]
    return ("observations", _parquet(folder, name, rows))


def observation_rows(folder: Path, name: str, rows: int = 30) -> Load:
    """A JSON Lines file with observations."""
    return ("observations", _jsonl(folder, name, _observations(name, rows)), *_context(name))


def many_observations(folder: Path, name: str) -> Load:
    """A Parquet file that takes some time to load."""
    return ("observations", _parquet(folder, name, _observations(name, 20_000)), *_context(name))


def half_understood(folder: Path, name: str) -> Load:
    """A file in which every third row is set aside."""
    rows = _observations(name, 30)
    for row in rows[::3]:
        row["step_id"] = "first"
    return (
        "observations",
        _jsonl(folder, name, rows),
        *_context(name),
        "--max-faulty=50%",
    )


def lasso_export(folder: Path, name: str) -> Load:
    """An arena export, in random order as usual."""
    cells: Rows = []
    for n in range(4):
        sheet = {"SHEETID": f"test{n}()", "EXECUTIONID": name, "ABSTRACTIONID": f"Stack{n % 2}"}
        for system in ("s1", "s2"):
            columns = {**sheet, "SYSTEMID": system}
            cells += step(0, "$CUT@Stack@0", "public java.util.Stack()", "Stack", **columns)
            cells += step(1, f'"{n}"', "push(Object)", "$CUT@Stack@0", ['"a"'], **columns)
        cells += [oracle("null", 0, **sheet), oracle('"0"', 1, **sheet)]
        cells += [abstraction("stimulussheet", '{"cells":{}}', **sheet)]
    random.Random(name).shuffle(cells)
    return ("lasso", _parquet(folder, name, cells), f"--data-set={name}")


def recording(folder: Path, name: str) -> Load:
    """A recording of a session."""
    records = [session(run_id=name), start()]
    records += [call(step_id=n, output=str(n)) for n in range(20)]
    path = folder / f"{name}.jsonl"
    path.write_text(lines([*records, test()]))
    return ("recording", str(path), f"--data-set={name}")


def junit_reports(folder: Path, name: str) -> Load:
    """A folder of test reports."""
    reports = folder / name
    reports.mkdir(exist_ok=True)
    for kind in ("pytest", "surefire", "gradle"):
        (reports / REPORTS[kind].name).write_bytes(REPORTS[kind].read_bytes())
    return ("junit", str(reports), *_context(name), "--revision=r1")


SOURCES: dict[str, Callable[[Path, str], Load]] = {
    "published": published_rows,
    "observations": observation_rows,
    "many observations": many_observations,
    "set aside": half_understood,
    "lasso": lasso_export,
    "recording": recording,
    "junit": junit_reports,
}


def _context(name: str) -> Load:
    return (f"--data-set={name}", f"--run={name}")


def _observations(name: str, rows: int) -> Rows:
    return [
        observation(
            problem_id=f"p{n % 3}",
            test_id=f"t{n // 60}",
            step_id=str(n % 20),
            implementation_id=f"i{n // 20 % 3}",
            output=f'"{name} {n}"',
        )
        for n in range(rows)
    ]


def _jsonl(folder: Path, name: str, rows: Rows) -> str:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def _parquet(folder: Path, name: str, rows: Rows) -> str:
    path = folder / f"{name}.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return str(path)
