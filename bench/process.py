"""Run a program in its own process, and measure the resources it used.

Programs that import this module must stay small: the memory that a process uses before exec counts towards
the peak of the new program.
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

# ru_maxrss is in kilobytes, on macOS in bytes.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Usage:
    """Resources used by a process and the children it waited for.

    Attributes:
        wall_seconds: from start to end.
        cpu_seconds: user and system time of all processes.
        peak_bytes: peak resident memory of the largest process.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int

    def as_json(self) -> dict[str, float]:
        """Return the figures as a JSON object."""
        return asdict(self)


class ProcessError(Exception):
    """A measured program failed."""


def run(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> tuple[Usage, str]:
    """Run a program to its end.

    Returns:
        Its resource usage and its standard output.

    Raises:
        ProcessError: its exit status is not 0.
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
    """Return the medians of repeated runs, and all runs."""
    return {
        "wall_seconds": round(statistics.median(u.wall_seconds for u in usages), 4),
        "cpu_seconds": round(statistics.median(u.cpu_seconds for u in usages), 4),
        "peak_bytes": max(u.peak_bytes for u in usages),
        "runs": [u.as_json() for u in usages],
    }
