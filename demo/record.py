"""Record the demonstration corpus: every test of every problem on every package, with pytest-obslake.

    python demo/record.py                    install in a temporary folder, record, write
    python demo/record.py --venvs DIR        keep the installed packages in DIR for the next time
    python demo/record.py --python PROGRAM   also record on this Python; may be repeated
    python demo/record.py --check            record, and compare with the files instead of writing them

Needs pip and obslake's dependencies. Only executed code is recorded; the responses that a standard prescribes
are in a separate file, as the implementation `oracle` (see README.md).
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

HERE = Path(__file__).resolve().parent
LOADER = HERE.parent / "loader"
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(LOADER / "pytest_obslake" / "src"))

import subject as under_test  # noqa: E402
from problems import UNDEFINED, Implementation, Problem, Step, load_problems  # noqa: E402
from pytest_obslake import values as protocol  # noqa: E402

# Each run executes everything once; responses that differ between the runs are unstable.
RUNS = ("demo-1", "demo-2")
RECORDINGS = HERE / "recordings"
MAX_BYTES = "4000"
PLUGIN = LOADER / "pytest_obslake"

# Must not occur in a recording: paths that depend on the machine, not on the package.
LOCAL = re.compile(r"site-packages|/tmp/|/home/|/root/|/usr/", re.IGNORECASE)

# Licences of packages whose metadata has no licence, or one that is not an SPDX identifier; taken
# from their licence files.
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
    """One version of an implementation of a problem, with its folder if it is installed separately."""

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
    """Install, record, check for local paths, and write or compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--venvs", type=Path, help="folder that keeps the installed packages")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PROGRAM",
        help="also record on this Python; may be repeated",
    )
    parser.add_argument(
        "--check", action="store_true", help="compare with the files, write nothing"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        installations = [
            install(program, (options.venvs or Path(temporary)).resolve())
            for program in [sys.executable, *options.python]
        ]
        problems = load_problems()
        subjects = {
            installation: [
                found
                for found in find_subjects(problems, installation)
                if can_be_imported(found, installation)
            ]
            for installation in installations
        }
        recordings = {
            f"{run}.cpython-{installation.version}.jsonl.zst": record_all(
                subjects[installation], installation, run, Path(temporary)
            )
            for run in RUNS
            for installation in installations
        }
    local = [line for lines in recordings.values() for line in lines if LOCAL.search(line)]
    for line in local:
        print("contains a local path:", line)
    if local:
        return 1
    if options.check:
        return compare(recordings)
    everything = unique(subject for found in subjects.values() for subject in found)
    RECORDINGS.mkdir(exist_ok=True)
    files = {
        **{RECORDINGS / name: compressed(lines) for name, lines in recordings.items()},
        HERE / "specified.jsonl.zst": compressed(json_lines(specified_rows(problems))),
        HERE / "implementations.jsonl": "".join(
            json_lines(map(implementation_row, everything))
        ).encode(),
        HERE / "tests.jsonl": "".join(json_lines(test_rows(problems))).encode(),
    }
    for path, content in files.items():
        path.write_bytes(content)
        print(f"{path.relative_to(HERE)}: {len(content):,} bytes")
    print(summary(problems, recordings))
    return 0


# -- installing ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Installation:
    """The packages installed for one Python: its version and its virtual environment."""

    version: str
    venv: Path

    @property
    def python(self) -> Path:
        """The interpreter."""
        return self.venv / "bin" / "python"


def install(program: str, folder: Path) -> Installation:
    """Create the environment, and in it one folder for each package of requirements-apart.txt."""
    ask = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
    version = subprocess.run(
        [program, "-c", ask], check=True, capture_output=True, text=True
    ).stdout.strip()
    installation = Installation(version, folder / f"python{version}")
    if not installation.python.exists():
        subprocess.run([program, "-m", "venv", installation.venv], check=True)
    pip = [installation.python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--requirement", HERE / "requirements.txt", PLUGIN], check=True)
    for requirement in apart():
        target = installation.venv / "apart" / requirement
        if not target.exists():
            subprocess.run([*pip, "--no-deps", "--target", target, requirement], check=True)
    return installation


def apart() -> list[str]:
    """The requirements that need their own folder."""
    text = (HERE / "requirements-apart.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def find_subjects(problems: dict[str, Problem], installation: Installation) -> Iterator[Subject]:
    """Every implementation in every installed version of its package, oldest first."""
    venv, version = installation.venv, installation.version
    site_packages = venv / "lib" / f"python{version}" / "site-packages"
    for problem in problems.values():
        for implementation in problem.implementations:
            package = implementation.package
            if package.startswith("stdlib:"):
                yield Subject(problem, implementation, version, "PSF-2.0")
                continue
            folders = [venv / "apart" / name for name in apart() if name.startswith(package + "==")]
            versions = {
                folder: distribution
                for folder in [*folders, None]
                if (distribution := installed(package, folder or site_packages))
            }
            for folder, distribution in sorted(
                versions.items(), key=lambda found: release(found[1].version)
            ):
                licence = licence_of(package, distribution)
                yield Subject(problem, implementation, distribution.version, licence, folder)


def release(version: str) -> list[int]:
    """The numbers of a version, in order."""
    return [int(number) for number in re.findall(r"\d+", version)]


def unique(subjects: Iterable[Subject]) -> list[Subject]:
    """Each implementation once, even if it ran on several Pythons."""
    return list(
        {(found.problem.problem_id, found.implementation_id): found for found in subjects}.values()
    )


def installed(package: str, folder: Path) -> importlib.metadata.Distribution | None:
    """The package's metadata, or None if it is not in the folder."""
    found = importlib.metadata.distributions(name=package, path=[str(folder)])
    return next(iter(found), None)


def licence_of(package: str, distribution: importlib.metadata.Distribution) -> str:
    """The SPDX identifier of a package's licence, from its metadata or LICENCES."""
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
        raise LookupError(f"the metadata of {package} has no licence: add it to LICENCES")
    return licence


# -- recording -------------------------------------------------------------------------------------


def record_all(
    subjects: list[Subject], installation: Installation, run: str, folder: Path
) -> list[str]:
    """The lines of all recordings, made in parallel, except that versions are recorded in order."""

    def record_lineage(lineage: list[Subject]) -> list[str]:
        return [line for found in lineage for line in record(found, installation, run, folder)]

    lineages = [
        list(lineage)
        for _, lineage in groupby(
            subjects, lambda found: (found.problem.problem_id, found.implementation.name)
        )
    ]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return [line for lines in pool.map(record_lineage, lineages) for line in lines]


def record(subject: Subject, installation: Installation, run: str, folder: Path) -> list[str]:
    """The lines that the plugin writes for one subject."""
    problem, implementation = subject.problem, subject.implementation
    file = folder / f"{problem.problem_id}.{implementation.name}.{subject.version}.jsonl"
    command = [installation.python, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += [f"problems/{problem.problem_id}.py", f"--adapter={implementation.name}"]
    command += [
        f"--obslake-target={target}" for target in under_test.targets(problem, implementation.name)
    ]
    command += [f"--obslake={file}", f"--obslake-problem={problem.problem_id}"]
    command += [f"--obslake-implementation={subject.implementation_id}"]
    command += [f"--obslake-lineage={implementation.package}"]
    command += [f"--obslake-revision={subject.version}"]
    command += [f"--obslake-run={run}", f"--obslake-max-bytes={MAX_BYTES}"]
    done = run_apart(command, subject)
    if done.returncode or "not everything was recorded" in done.stdout:
        raise RuntimeError(f"{subject.implementation_id} did not run:\n{done.stdout}{done.stderr}")
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.unlink()
    return lines


def can_be_imported(subject: Subject, installation: Installation) -> bool:
    """Whether a package can be imported on this Python; prints a message if not."""
    modules = ", ".join(subject.implementation.modules)
    done = run_apart([installation.python, "-c", f"import {modules}" if modules else ""], subject)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1]
        print(f"skipped on Python {installation.version}: {subject.implementation_id}: {reason}")
    return done.returncode == 0


def run_apart(command: list[Any], subject: Subject) -> subprocess.CompletedProcess[str]:
    """Run a command in this folder in a clean environment, with the subject's version first on the path."""
    environment = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
    # Without this, setuptools provides its own distutils, even if the standard library has none.
    environment["SETUPTOOLS_USE_DISTUTILS"] = "stdlib"
    if subject.folder:
        environment["PYTHONPATH"] = str(subject.folder)
    return subprocess.run(
        command, cwd=HERE, env=environment, capture_output=True, text=True, check=False
    )


def target(problem: Problem, operation: str) -> str | None:
    """The target of an operation: the class, its instance of row 0, or None."""
    if problem.type_name is None or operation == "create":
        return problem.type_name
    return protocol.instance_response(problem.type_name, 0)


# -- the files -------------------------------------------------------------------------------------


def implementation_row(subject: Subject) -> dict[str, Any]:
    """One row of the table `implementations`; its content is our adapter, not the package's code."""
    package = subject.implementation.package
    return {
        "problem_id": subject.problem.problem_id,
        "implementation_id": subject.implementation_id,
        "system": package,
        "variant": "original",
        "adapter": subject.implementation.name,
        "lineage": package,
        "revision": subject.version,
        "language": "python",
        "origin": package,
        "licence": subject.licence,
        "content": textwrap.dedent(inspect.getsource(subject.implementation.adapter)),
    }


def specified_rows(problems: dict[str, Problem]) -> Iterator[dict[str, Any]]:
    """The responses that a standard prescribes: rows of the table `observations`."""
    for problem in problems.values():
        for test_id, steps in problem.tests.items():
            for index, step in enumerate(steps):
                if step.expected is not UNDEFINED:
                    yield {
                        "problem_id": problem.problem_id,
                        "implementation_id": "oracle",
                        "test_id": test_id,
                        "step_id": index,
                        "operation": problem.signature(step.operation),
                        "target": target(problem, step.operation),
                        "inputs": protocol.encode_value(list(step.arguments)),
                        "output": protocol.encode_value(step.expected),
                        "response_kind": "value",
                    }


def test_rows(problems: dict[str, Problem]) -> Iterator[dict[str, Any]]:
    """The rows of the table `tests`."""
    for problem in problems.values():
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
    """A step of a stimulus sheet; the arguments are nested JSON, not JSON quoted as a string."""
    operation = json.dumps(problem.signature(step.operation))
    subject = json.dumps(target(problem, step.operation))
    inputs = protocol.encode_value(list(step.arguments))
    return f'{{"operation":{operation},"target":{subject},"inputs":{inputs}}}'


def json_lines(rows: Iterable[dict[str, Any]]) -> list[str]:
    return [json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows]


def compressed(lines: list[str]) -> bytes:
    """The lines, compressed; the same lines give the same bytes."""
    # Zstandard finds repetitions between recordings, megabytes apart; gzip does not.
    codec = pa.Codec("zstd", compression_level=19)
    return codec.compress("".join(lines).encode(), asbytes=True)


def decompressed(path: Path) -> list[str]:
    """The lines of a file."""
    with pa.input_stream(path, compression="zstd") as file:
        return file.read().decode().splitlines(keepends=True)


# -- the recordings --------------------------------------------------------------------------------


Responses = dict[tuple[Any, ...], set[str]]
"""All responses to a stimulus, by problem, implementation, test, step and environment."""


def responses(recordings: Iterable[list[str]]) -> Responses:
    """The responses of recordings."""
    found: Responses = defaultdict(set)
    session: dict[str, Any] = {}
    for lines in recordings:
        for line in lines:
            record = json.loads(line)
            if record["record"] == "session":
                session = record
            elif record["record"] == "call":
                key = (
                    session["problem_id"],
                    session["implementation_id"],
                    record["test_id"],
                    record["step_id"],
                    session["environment_id"],
                )
                found[key].add(record["output"])
    return found


def compare(recordings: dict[str, list[str]]) -> int:
    """Print the stimuli without a common response in the files and now; return 1 if there are any."""
    files = [decompressed(path) for path in sorted(RECORDINGS.iterdir())]
    before, after = responses(files), responses(recordings.values())
    different = [key for key in after if not before.get(key, set()) & after[key]]
    for key in different:
        print(*key, "\n  files:", before.get(key), "\n  now:  ", after[key])
    print(f"{len(different)} of {len(after)} responses differ from the files")
    return 1 if different else 0


def summary(problems: dict[str, Problem], recordings: dict[str, list[str]]) -> str:
    """A Markdown table with the size and the number of behaviours of each problem."""
    found = responses(recordings.values())
    columns: dict[str, dict[str, dict]] = defaultdict(lambda: defaultdict(dict))
    for (problem_id, implementation_id, test_id, step_id, _), outputs in found.items():
        columns[problem_id][implementation_id][test_id, step_id] = min(outputs)
    rows = ["| problem | implementations | tests | cells | behaviours | specified | unstable |"]
    rows += ["|---|---:|---:|---:|---:|---:|---:|"]
    specified = Counter(row["problem_id"] for row in specified_rows(problems))
    unstable = Counter(key[0] for key, outputs in found.items() if len(outputs) > 1)
    for problem_id, cells in columns.items():
        behaviours = {tuple(sorted(column.items())) for column in cells.values()}
        counts = [
            len(cells),
            len(problems[problem_id].tests),
            sum(map(len, cells.values())),
            len(behaviours),
            specified[problem_id],
            unstable[problem_id],
        ]
        rows.append(f"| `{problem_id}` | " + " | ".join(f"{count:,}" for count in counts) + " |")
    calls = sum('"record":"call"' in line for lines in recordings.values() for line in lines)
    return "\n".join([*rows, f"\n{calls:,} calls"])


if __name__ == "__main__":
    sys.exit(main())
