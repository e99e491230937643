"""Lint SQL with sqlfluff, macros line by line, and the project with dbt-bouncer, on an empty lakehouse.

``python scripts/lint_sql.py`` runs in one process, to import dbt and parse the project only once.
"""

import gc
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PATHS = ("models", "tests/dbt", "analyses")

# SQL for DuckDB only: of the readers, the verification and the benchmark.
STATEMENTS = ("loader/obslake", "bench")

# Rules that do not understand DuckDB's macros and structs or multi-line statements, or that apply only to models.
_OF_MODELS = (
    "AL03,AL04,AL05,AL10,AM03,AM04,AM05,CV11,LT01,LT02,LT06,LT09,LT14,"
    "RF01,RF02,RF03,RF04,ST03,ST05,ST06,ST07,ST08"
)

# sqlfluff does not check macros, which are SQL only where they are called.
_MACRO_FAULTS = {
    "longer than 120 characters": r".{121}",
    "trailing white space": r"\s$",
    "indentation is not a multiple of four spaces": r"^(?: {4})* {1,3}\S",
    "upper-case keyword": r"\b(?:SELECT|FROM|WHERE|JOIN|GROUP BY|ORDER BY|CASE|WHEN|AND|OR|NOT|NULL|CAST)\b",
}


def main() -> int:
    """Return the exit status: 0 if there are no findings."""
    # Nearly all objects live to the end, so repeated garbage collections would only cost time.
    gc.disable()
    os.chdir(Path(__file__).parent.parent)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        os.environ["OBSLAKE_HOME"] = str(work / "lake")
        # The templater finds the parsed project here.
        os.environ["DBT_TARGET_PATH"] = str(work / "target")
        os.environ["DBT_LOG_PATH"] = str(work / "logs")
        _parse(work / "lake")
        _cache_reflow_sequence()
        statements = ("--templater", "raw", "--ignore", "parsing", "--exclude-rules", _OF_MODELS)
        return (
            _lint_macros(Path("macros"))
            or _run_sqlfluff(*PATHS)
            or _run_sqlfluff(*statements, *STATEMENTS)
            or _run_bouncer(work)
        )


def _parse(home: Path) -> None:
    from dbt.cli.main import dbtRunner
    from obslake.lakehouse.catalog import Lakehouse

    Lakehouse.open(home, create=True)
    if not dbtRunner().invoke(["--quiet", "parse"]).success:
        sys.exit("dbt cannot parse the project")


def _lint_macros(folder: Path) -> int:
    faults = [
        f"{path}:{number}: {fault}"
        for path in sorted(folder.rglob("*.sql"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for fault, pattern in _MACRO_FAULTS.items()
        if re.search(pattern, line)
    ]
    print("".join(f"{fault}\n" for fault in faults), end="")
    return int(bool(faults))


def _run_sqlfluff(*arguments: str) -> int:
    from sqlfluff.cli.commands import cli

    try:
        cli(["lint", "--disable-progress-bar", *arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _cache_reflow_sequence() -> None:
    """Let sqlfluff's layout rules share the sequence read from a file; none of them modifies it."""
    from sqlfluff.utils.reflow.sequence import ReflowSequence

    read = ReflowSequence.from_root
    last: list[Any] = [None, None]

    def from_root(root_segment: Any, config: Any) -> ReflowSequence:
        if last[0] is not root_segment:
            last[:] = root_segment, read(root_segment, config)
        sequence: ReflowSequence = last[1]
        return sequence

    ReflowSequence.from_root = from_root  # type: ignore[method-assign]


def _run_bouncer(work: Path) -> int:
    rules = Path("dbt-bouncer.yml").read_text()
    config = work / "dbt-bouncer.yml"
    config.write_text(
        re.sub(r"(?m)^dbt_artifacts_dir:.*", f"dbt_artifacts_dir: {work / 'target'}", rules)
    )
    done = subprocess.run(
        [Path(sys.executable).parent / "dbt-bouncer", "--config-file", config],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
    )
    if done.returncode:
        print(done.stdout, end="")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
