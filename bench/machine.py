"""Describe and measure the machine: ``python -m bench.machine FOLDER [FILE...]`` prints JSON.

Without files: the machine, the versions, and the write and read speed of the folder's disk. With files: the
time DuckDB needs to read every column of every row of these Parquet files.
"""

import json
import os
import platform
import re
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

_DISK_BYTES = 512 << 20
_CHUNK = 8 << 20
_PACKAGES = ("duckdb", "dbt-core", "dbt-duckdb", "pyiceberg", "pyarrow")


def main() -> None:
    """Print the measurements requested on the command line."""
    folder, *files = sys.argv[1:]
    if files:
        result = read_all(files)
    else:
        result = {"machine": machine(), "versions": versions(), "disk": disk_speed(Path(folder))}
    json.dump(result, sys.stdout)


def machine() -> dict[str, Any]:
    """Describe the processor, the memory and the load."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "system": f"{platform.system()} {platform.machine()}",
        "load_average_at_start": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of obslake's main dependencies."""
    return {"python": platform.python_version()} | {p: version(p) for p in _PACKAGES}


def disk_speed(folder: Path) -> dict[str, float]:
    """Write and read one file sequentially, bypassing the page cache where the system allows it."""
    path = folder / "disk-speed"
    chunk = os.urandom(_CHUNK)
    try:
        start = time.perf_counter()
        with path.open("wb", buffering=0) as file:
            for _ in range(_DISK_BYTES // _CHUNK):
                file.write(chunk)
            os.fsync(file.fileno())
        written = time.perf_counter() - start
        with path.open("rb", buffering=0) as file:
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            start = time.perf_counter()
            while file.read(_CHUNK):
                pass
            read = time.perf_counter() - start
    finally:
        path.unlink(missing_ok=True)
    return {
        "write_bytes_per_second": round(_DISK_BYTES / written),
        "read_bytes_per_second": round(_DISK_BYTES / read),
    }


def read_all(files: list[str]) -> dict[str, Any]:
    """Read every value: a plain count would use only the files' statistics."""
    start = time.perf_counter()
    with duckdb.connect(config={"threads": 2}) as connection:
        export = connection.read_parquet(files, hive_partitioning=False)
        columns = ", ".join(f'"{column}"' for column in export.columns)
        ((rows, _),) = export.aggregate(f"count(*), bit_xor(hash({columns}))").fetchall()
    return {"rows": rows, "columns": len(export.columns), "seconds": time.perf_counter() - start}


def _cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        match = re.search(r"^model name\s*: (.*)$", information.read_text(), re.MULTILINE)
        if match:
            return match[1]
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
