"""Lint the models with sqlfluff (dbt templater) and the project with dbt-bouncer, on an empty lakehouse.

All in one process, in which dbt is imported and the project is parsed once: ``python scripts/lint_sql.py``.
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


def main() -> int:
    """Return the status: 0 if nothing is wrong."""
    # What is made here is needed to the end, and is much: the collector would look at all of it again and again.
    gc.disable()
    os.chdir(Path(__file__).parent.parent)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        os.environ["OBSLAKE_HOME"] = str(work / "lake")
        # Here the templater finds what was parsed.
        os.environ["DBT_TARGET_PATH"] = str(work / "target")
        os.environ["DBT_LOG_PATH"] = str(work / "logs")
        _parse(work / "lake")
        return _run_sqlfluff() or _run_bouncer(work)


def _parse(home: Path) -> None:
    from dbt.cli.main import dbtRunner
    from obslake.lakehouse.catalog import Lakehouse

    Lakehouse.open(home, create=True)
    if not dbtRunner().invoke(["--quiet", "parse"]).success:
        sys.exit("dbt cannot parse the project")


def _run_sqlfluff() -> int:
    from sqlfluff.cli.commands import cli

    _read_each_layout_once()
    try:
        cli(["lint", "--disable-progress-bar", *PATHS])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _read_each_layout_once() -> None:
    """Let the rules of sqlfluff that look at the layout of a file share what they read, which none changes."""
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
