"""Grow one lakehouse export by export, and measure it at every size: ``make bench-scale``."""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench.options import count, existing_folder, new_file
from bench.process import ProcessError
from bench.report import growth, replace_block
from bench.run import commit, saved, step
from bench.workspace import PROJECT, Workspace

_DOCS = PROJECT / "docs"
_SHARE = "0.1%"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure within the limits, write the figures as JSON, and print them as a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description="Measure growth.")
    parser.add_argument("--exports", type=count, default=12, help="number of exports [12]")
    parser.add_argument("--problems", type=count, default=509, help="problems per export [509]")
    parser.add_argument("--asked", type=count, default=100, help="problems queried [100]")
    parser.add_argument("--seconds", type=float, default=30, help="limit per question [30]")
    parser.add_argument("--max-minutes", type=float, default=40, help="[40]")
    parser.add_argument("--max-gigabytes", type=float, default=40, help="[40]")
    parser.add_argument(
        "--folder", type=existing_folder, help="parent folder of the lakehouse [a temporary one]"
    )
    parser.add_argument(
        "--out", type=new_file, default=Path("bench-scale.json"), help="[%(default)s]"
    )
    parser.add_argument("--plot", type=new_file, metavar="SVG", help="draw the growth")
    parser.add_argument(
        "--write-docs", action="store_true", help="replace the growth in docs/performance.md"
    )
    chosen = parser.parse_args(arguments)
    figures: dict[str, Any] = {}
    with (
        saved(figures, chosen.out),
        tempfile.TemporaryDirectory(dir=chosen.folder, prefix="obslake-scale-") as folder,
    ):
        grow(Workspace(Path(folder)), chosen, figures)
    print(growth(figures))
    plot = _DOCS / "growth.svg" if chosen.write_docs else chosen.plot
    if plot:
        from bench.plot import draw

        draw(figures["sizes"], plot)
    if chosen.write_docs:
        text = f"![Growth: the figures at every size](growth.svg)\n\n{growth(figures)}"
        replace_block(_DOCS / "performance.md", "growth", text)


def grow(workspace: Workspace, options: argparse.Namespace, figures: dict[str, Any]) -> None:
    """Load exports one by one until all are loaded or a limit would be exceeded.

    Adds the figures of every size, and the reason if it stopped early.
    """
    limits = Limits(options.max_minutes * 60, options.max_gigabytes * 1e9, workspace.folder)
    _, text = workspace.python("-m", "bench.machine", str(workspace.folder))
    figures |= {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        **json.loads(text),
        "problems_per_export": options.problems,
        "share_of_more": _SHARE,
        "sizes": [],
        "stopped": None,
    }
    for number in range(options.exports):
        if reason := limits.reason_to_stop():
            figures["stopped"] = f"after {number} of {options.exports} exports: {reason}"
            break
        try:
            measured = step(
                f"export {number + 1} of {options.exports}",
                partial(_measure, workspace, options, number),
            )
        except ProcessError as error:
            figures["stopped"] = f"export {number + 1} of {options.exports} failed: {error}"
            break
        figures["sizes"].append(measured)
        limits.note(measured)
    if figures["stopped"]:
        print(f"stopped {figures['stopped']}", file=sys.stderr)


def _measure(workspace: Workspace, options: argparse.Namespace, number: int) -> dict[str, Any]:
    """Load one more export, build, load a new run of a few of all problems, build, run the queries."""
    _, export = workspace.generate(
        "export",
        *("--problems", str(options.problems)),
        *("--first-problem", str(number * options.problems)),
    )
    export_bytes = sum(file.stat().st_size for file in export.iterdir() if file.is_file())
    load = workspace.load(export)
    shutil.rmtree(export)
    compact = workspace.compact()
    build = workspace.build()
    _, more = workspace.generate(
        "more",
        *("--problems", str((number + 1) * options.problems)),
        *("--only-problems", _SHARE),
        *("--run", str(number + 2)),
    )
    load_of_more = workspace.load(more)
    shutil.rmtree(more)
    build_with_more = workspace.build()
    usage, text = workspace.python(
        *("-m", "bench.questions", "marts", str(workspace.home)),
        *("--problems", str(options.asked), "--seconds", str(options.seconds)),
    )
    return {
        "export_bytes": export_bytes,
        "load": load,
        "compact": compact,
        "build": build,
        "load_of_more": load_of_more,
        "build_with_more": build_with_more,
        "questions": {"process": usage.as_json(), **json.loads(text)},
        "observations": workspace.observations(),
        "folder_bytes": folder_bytes(workspace.folder),
    }


@dataclass
class Limits:
    """Predicts whether the next export would exceed the time or the disk space.

    Attributes:
        seconds: time limit for all exports.
        bytes: size limit of the folder.
        folder: where everything is written.
    """

    seconds: float
    bytes: float
    folder: Path

    def __post_init__(self) -> None:
        """Start the clock."""
        self._start = time.monotonic()
        self._took: list[float] = []
        self._held: list[int] = [0]
        self._needs = 0.0

    def note(self, measured: dict[str, Any]) -> None:
        """Record the time and space of an export; the next one is assumed to grow by the same amounts."""
        self._took.append(time.monotonic() - self._start - sum(self._took))
        self._held.append(measured["folder_bytes"])
        # A table exists twice while it is rebuilt.
        self._needs = (
            self._held[-1]
            - self._held[-2]
            + measured["export_bytes"]
            + measured["build_with_more"]["marts_bytes"]
        )

    def reason_to_stop(self) -> str | None:
        """Return which limit the next export would exceed, or None."""
        if not self._took:
            return None
        last = self._took[-1]
        longer = max(0.0, last - self._took[-2]) if len(self._took) > 1 else last / 4
        expected = time.monotonic() - self._start + last + longer
        if expected > self.seconds:
            return (
                f"the next would end after {expected / 60:.0f} of {self.seconds / 60:.0f} minutes"
            )
        held = self._held[-1] + self._needs
        if held > self.bytes:
            return f"the next would use {held / 1e9:.1f} of {self.bytes / 1e9:.1f} gigabytes"
        if self._needs > shutil.disk_usage(self.folder).free:
            return f"the disk has less than {self._needs / 1e9:.1f} gigabytes left"
        return None


def folder_bytes(folder: Path) -> int:
    """Return the total size of the files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    main()
