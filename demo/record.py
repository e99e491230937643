"""Record the demonstration corpus: run every test of every problem on every package, for real.

    python demo/record.py              install the packages in a temporary folder, record, write
    python demo/record.py --venv DIR   keep the packages in DIR, for the next time
    python demo/record.py --check      record, and compare with the files instead of writing them

Needs the standard library, pip, and a system that can fork. Only what is executed is written; the
rows of the implementation `oracle` are the responses that a standard prescribes (see README.md).
"""

from __future__ import annotations

import argparse
import gzip
import importlib.metadata
import importlib.util
import inspect
import io
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from problems import UNDEFINED, Implementation, Problem, Step, load_problems  # noqa: E402
from worker import protocol  # noqa: E402

RUN_ID = "demo-1"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
ENVIRONMENT_ID = f"cpython-{PYTHON}-{platform.system().lower()}"

# What must not stand in a recording, because it differs from one recording to the next.
UNSTABLE = re.compile(r"0x[0-9a-f]{6,}|site-packages|/tmp/|/home/|/root/|/usr/", re.IGNORECASE)

# Licences of packages whose metadata name none, or one that is no SPDX identifier by itself; as
# their own licence files have them.
LICENCES = {
    "aniso8601": "BSD-3-Clause",
    "awesome-slugify": "GPL-3.0-only",
    "boltons": "BSD-3-Clause",
    "docutils": "LicenseRef-Public-Domain AND Python-2.0 AND BSD-2-Clause AND GPL-3.0-or-later",
    "hurry.filesize": "ZPL-2.1",
    "inflector": "BSD-3-Clause",
    "isodate": "BSD-3-Clause",
    "looseversion": "PSF-2.0",
    "Markdown": "BSD-3-Clause",
    "pyhumps": "Unlicense",
    "pylev": "BSD-3-Clause",
    "repoze.lru": "LicenseRef-Repoze-BSD-derived",
    "rfc3986": "Apache-2.0",
    "semantic-version": "BSD-2-Clause",
    "semver": "BSD-3-Clause",
    "unicode-slugify": "BSD-3-Clause",
}
SPDX_OF_CLASSIFIER = {
    "Apache Software License": "Apache-2.0",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-3.0-only",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Zope Public License": "ZPL-2.1",
}
SPDX_OF_TEXT = {
    "Apache 2.0": "Apache-2.0",
    "BSD or Apache License, Version 2.0": "Apache-2.0 OR BSD-2-Clause",
    "BSD-2-Clause or Apache-2.0": "Apache-2.0 OR BSD-2-Clause",
    "Dual License": "Apache-2.0 OR BSD-3-Clause",
    "MIT License": "MIT",
    "Python 2.1.1": "LicenseRef-Python-2.1.1",
}


@dataclass(frozen=True)
class Subject:
    """An implementation of a problem in one version, with the folder that holds it, if any."""

    problem: Problem
    implementation: Implementation
    version: str
    licence: str
    folder: Path | None = None

    @property
    def implementation_id(self) -> str:
        """The name and version, such as `python-slugify@8.0.4` or `stdlib:json@3.11`."""
        return f"{self.implementation.package}@{self.version}"


def main() -> int:
    """Install, record, check for what must not be recorded, and write or compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--venv", type=Path, help="folder to install the packages in, and keep")
    parser.add_argument(
        "--check", action="store_true", help="compare with the files, write nothing"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        venv = (options.venv or Path(temporary) / "venv").resolve()
        install(venv)
        subjects = list(find_subjects(load_problems(), venv))
        observations = [*oracle_rows(subjects), *record_all(subjects, venv)]
    observations.sort(key=lambda row: (row["problem_id"], row["test_id"], row["step_id"]))
    unstable = [row for row in observations if UNSTABLE.search(row["output"])]
    for row in unstable:
        print("not reproducible:", row["implementation_id"], row["test_id"], row["output"])
    if unstable:
        return 1
    files = {
        "observations.jsonl.gz": compressed(observations),
        "implementations.jsonl": lines(map(implementation_row, subjects)),
        "tests.jsonl": lines(test_rows(subjects)),
    }
    if options.check:
        return compare(observations)
    for name, content in files.items():
        (HERE / name).write_bytes(content)
        print(f"{name}: {len(content):,} bytes")
    print(summary(observations))
    return 0


# -- installing ------------------------------------------------------------------------------------


def install(venv: Path) -> None:
    """Make the venv, and below it one folder for each package of requirements-apart.txt."""
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", HERE / "requirements.txt"], check=True)
    for requirement in apart():
        folder = venv / "apart" / requirement
        if not folder.exists():
            target = ["--no-deps", "--target", folder]
            subprocess.run([*pip, *target, requirement], check=True)


def apart() -> list[str]:
    """The requirements that need a folder of their own."""
    text = (HERE / "requirements-apart.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def find_subjects(problems: dict[str, Problem], venv: Path) -> Iterator[Subject]:
    """Every implementation, in every version of its package that is installed."""
    site_packages = venv / "lib" / f"python{PYTHON}" / "site-packages"
    for problem in problems.values():
        for implementation in problem.implementations:
            package = implementation.package
            if package.startswith("stdlib:"):
                yield Subject(problem, implementation, PYTHON, "PSF-2.0")
                continue
            folders = [venv / "apart" / name for name in apart() if name.startswith(package + "==")]
            for folder in [*folders, None]:
                distribution = installed(package, folder or site_packages)
                if distribution:
                    licence = licence_of(package, distribution)
                    yield Subject(problem, implementation, distribution.version, licence, folder)


def installed(package: str, folder: Path) -> importlib.metadata.Distribution | None:
    """The package's metadata, if it is in the folder."""
    found = importlib.metadata.distributions(name=package, path=[str(folder)])
    return next(iter(found), None)


def licence_of(package: str, distribution: importlib.metadata.Distribution) -> str:
    """The SPDX identifier of a package's licence, as its metadata has it."""
    metadata = distribution.metadata
    text = metadata.get("License") or ""
    if metadata.get("License-Expression") or text in SPDX_OF_TEXT:
        return metadata.get("License-Expression") or SPDX_OF_TEXT[text]
    if package in LICENCES:
        return LICENCES[package]
    classifiers = [line.split(" :: ")[-1] for line in metadata.get_all("Classifier") or []]
    known = [SPDX_OF_CLASSIFIER[name] for name in classifiers if name in SPDX_OF_CLASSIFIER]
    licence = known[0] if known else text
    if not licence or "\n" in licence or licence == "UNKNOWN":
        raise LookupError(f"{package} does not name its licence: add it to LICENCES")
    return licence


# -- recording -------------------------------------------------------------------------------------


def record_all(subjects: list[Subject], venv: Path) -> list[dict[str, Any]]:
    """The actuations of all subjects, a few subjects at a time."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        recordings = pool.map(lambda subject: record(subject, venv), subjects)
        return [row for rows in recordings for row in rows]


def record(subject: Subject, venv: Path) -> list[dict[str, Any]]:
    """The actuations of one subject, executed by worker.py in the venv."""
    command = [venv / "bin" / "python", "-B", HERE / "worker.py"]
    command += [subject.problem.problem_id, subject.implementation.adapter.__name__]
    command += [subject.folder] if subject.folder else []
    environment = {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8", "PATH": os.defpath}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{subject.implementation_id} did not run:\n{done.stderr}")
    return [
        observation(subject.problem, subject.implementation_id, *json.loads(line))
        for line in done.stdout.splitlines()
    ]


def oracle_rows(subjects: list[Subject]) -> Iterator[dict[str, Any]]:
    """The prescribed responses, where a standard has any."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    for problem in {subject.problem.problem_id: subject.problem for subject in subjects}.values():
        for test_id, steps in problem.tests.items():
            for index, step in enumerate(steps):
                if step.expected is not UNDEFINED:
                    response = protocol.encode_value(step.expected)
                    yield observation(problem, "oracle", test_id, index, response, None, now)


def observation(
    problem: Problem,
    implementation_id: str,
    test_id: str,
    step_id: int,
    output: str,
    duration_ns: int | None,
    observed_at: str,
) -> dict[str, Any]:
    """One row of the table `observations`."""
    step = problem.tests[test_id][step_id]
    return {
        "problem_id": problem.problem_id,
        "implementation_id": implementation_id,
        "test_id": test_id,
        "step_id": step_id,
        "environment_id": ENVIRONMENT_ID,
        "run_id": RUN_ID,
        "attempt": 0,
        "operation": problem.signature(step.operation),
        "target": target(problem, step.operation),
        "inputs": protocol.encode_value(list(step.arguments)),
        "output": output,
        "duration_ns": duration_ns,
        "observed_at": observed_at,
    }


def target(problem: Problem, operation: str) -> str | None:
    """What an operation is called on: the class, its instance of row 0, or nothing."""
    if problem.type_name is None or operation == "create":
        return problem.type_name
    return protocol.instance_response(problem.type_name, 0)


# -- the files -------------------------------------------------------------------------------------


def implementation_row(subject: Subject) -> dict[str, Any]:
    """One row of the table `implementations`; its content is our adapter, nobody else's code."""
    package = subject.implementation.package
    return {
        "problem_id": subject.problem.problem_id,
        "implementation_id": subject.implementation_id,
        "system": package,
        "variant": "original",
        "adapter": subject.implementation.adapter.__name__,
        "lineage": package,
        "revision": subject.version,
        "language": "python",
        "origin": package,
        "licence": subject.licence,
        "content": textwrap.dedent(inspect.getsource(subject.implementation.adapter)),
    }


def test_rows(subjects: list[Subject]) -> Iterator[dict[str, Any]]:
    """The rows of the table `tests`."""
    for problem in {subject.problem.problem_id: subject.problem for subject in subjects}.values():
        for test_id, steps in problem.tests.items():
            sheet = [sheet_step(problem, step) for step in steps]
            yield {
                "problem_id": problem.problem_id,
                "test_id": test_id,
                "stimulus_sheet": f"[{','.join(sheet)}]",
                "interface": problem.interface,
                "language": "python",
                "origin": problem.origin,
            }


def sheet_step(problem: Problem, step: Step) -> str:
    """A step of a stimulus sheet; the arguments are JSON inside JSON, not text inside text."""
    operation = json.dumps(problem.signature(step.operation))
    subject = json.dumps(target(problem, step.operation))
    inputs = protocol.encode_value(list(step.arguments))
    return f'{{"operation":{operation},"target":{subject},"inputs":{inputs}}}'


def lines(rows: Iterable[dict[str, Any]]) -> bytes:
    """JSON lines."""
    texts = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows]
    return "".join(texts).encode()


def compressed(rows: Iterable[dict[str, Any]]) -> bytes:
    """JSON lines, compressed without a time or a name: the same rows give the same bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile("", "wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write(lines(rows))
    return buffer.getvalue()


def compare(observations: list[dict[str, Any]]) -> int:
    """Print the rows that differ from the file in more than the time they took; 1 if any do."""
    with gzip.open(HERE / "observations.jsonl.gz", "rt", encoding="utf-8") as file:
        recorded = [json.loads(line) for line in file]
    before, after = (
        {row_key(row): row["output"] for row in rows} for rows in (recorded, observations)
    )
    different = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    for key in different:
        print(*key, "\n  file:", before.get(key), "\n  now: ", after.get(key))
    print(f"{len(different)} of {len(after)} responses differ from observations.jsonl.gz")
    return 1 if different else 0


def row_key(row: dict[str, Any]) -> tuple[Any, ...]:
    """All that identifies an actuation of this corpus."""
    return (
        row["problem_id"],
        row["implementation_id"],
        row["test_id"],
        row["step_id"],
        row["operation"],
        row["inputs"],
    )


def summary(observations: list[dict[str, Any]]) -> str:
    """A Markdown table: the size of each problem, and how many behaviours were seen."""
    columns: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for row in observations:
        cell = row["test_id"], row["step_id"], row["output"]
        columns[row["problem_id"]][row["implementation_id"]].append(cell)
    rows = ["| problem | implementations | tests | actuations | behaviours | oracle | exceptions |"]
    rows += ["|---|---:|---:|---:|---:|---:|---:|"]
    for problem_id, cells in columns.items():
        oracle = cells.pop("oracle", [])
        executed = [cell for column in cells.values() for cell in column]
        tests = {test_id for test_id, _, _ in executed}
        behaviours = Counter(tuple(column) for column in cells.values())
        failures = sum(output.startswith("$EXCEPTION") for _, _, output in executed)
        counts = [len(cells), len(tests), len(executed), len(behaviours), len(oracle), failures]
        rows.append(f"| `{problem_id}` | " + " | ".join(f"{count:,}" for count in counts) + " |")
    return "\n".join([*rows, f"\n{len(observations):,} rows"])


if __name__ == "__main__":
    sys.exit(main())
