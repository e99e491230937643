"""Commands in processes that have imported everything already: a suite runs hundreds of them.

What they do is what the programs do that users start; only the seconds of importing are saved.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from obslake import lakehouse

ENTRY_POINTS = {"obslake": ("obslake.cli", "main"), "dbt": ("dbt.cli.main", "cli")}

PRELOADED = (
    "obslake.cli",
    "obslake.compaction",
    "obslake.expiry",
    "obslake.forgetting",
    "obslake.loading",
    "obslake.query",
    "obslake.retrying",
    "obslake.rollback",
    "obslake.status",
    "obslake.sources.junit",
    "obslake.sources.lasso",
    "obslake.sources.native",
    "obslake.sources.recording",
    "obslake.verification.verify",
    "pyiceberg.catalog.sql",
    "pyiceberg.io.pyarrow",
)
PRELOADED_FOR_DBT = ("dbt.cli.main", "dbt.adapters.duckdb", "obslake.dbt_plugin")

# Users wait longer for a catalog that is locked than tests can.
LOCK_TIMEOUT_SECONDS = 5

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([*PRELOADED, *PRELOADED_FOR_DBT])


def run(
    program: str,
    arguments: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    stdin: bytes | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run ``obslake`` or ``dbt`` to its end, and return what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        given, out, err = (Path(folder) / name for name in ("in", "out", "err"))
        given.write_bytes(stdin or b"")
        process = _FORKS.Process(
            target=_run, args=(program, arguments, cwd, dict(environment), (given, out, err))
        )
        process.start()
        process.join()
        status = process.exitcode
        assert status is not None
        return subprocess.CompletedProcess(
            [program, *arguments], status, out.read_text(), err.read_text()
        )


def _run(
    program: str,
    arguments: Sequence[str],
    cwd: Path,
    environment: Mapping[str, str],
    files: tuple[Path, Path, Path],
) -> None:
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    redirect(*files)
    lakehouse._LOCK_TIMEOUT_SECONDS = LOCK_TIMEOUT_SECONDS
    sys.exit(call(program, arguments))


def redirect(given: Path, out: Path, err: Path) -> None:
    """Make files of this process's standard input, output and error."""
    os.dup2(os.open(given, os.O_RDONLY), 0)
    # A process that was forked reads nothing.
    sys.stdin = os.fdopen(0, closefd=False)
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)


def call(program: str, arguments: Sequence[str]) -> int:
    """Run a program in this process; return its exit status."""
    sys.argv = [program, *arguments]
    module, name = ENTRY_POINTS[program]
    try:
        getattr(import_module(module), name)()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return 0
