"""Run a program as a process of its own, and measure what it used.

The programs that import this module stay small themselves: what a process had in memory before it became
another program counts as that program's peak.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# ru_maxrss is counted in kilobytes, but in bytes on macOS.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Usage:
    """What a process and those that it waited for used.

    Attributes:
        wall_seconds: from start to end.
        cpu_seconds: of all processes, user and system.
        peak_bytes: resident memory of the largest process.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int

    def as_json(self) -> dict[str, float]:
        """Return the figures as a JSON object."""
        return asdict(self)


class ProcessError(Exception):
    """A program that is measured failed."""


def run(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> tuple[Usage, str]:
    """Run a program to its end.

    Returns:
        What it used, and what it wrote to standard output.

    Raises:
        ProcessError: it ended with an error.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=output, stderr=errors)
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode()
        if process.returncode:
            errors.seek(0)
            name = " ".join(command[:3])
            raise ProcessError(
                f"{name}: status {process.returncode}\n{text}{errors.read().decode()}"
            )
    usage = Usage(
        round(wall, 4), round(used.ru_utime + used.ru_stime, 4), used.ru_maxrss * _RSS_UNIT
    )
    return usage, text


def summarize(usages: Sequence[Usage]) -> dict[str, Any]:
    """Return the median of repeated runs, and every single one."""
    return {
        "wall_seconds": round(statistics.median(u.wall_seconds for u in usages), 4),
        "cpu_seconds": round(statistics.median(u.cpu_seconds for u in usages), 4),
        "peak_bytes": max(u.peak_bytes for u in usages),
        "runs": [u.as_json() for u in usages],
    }
