"""Writes reports: a folder of pages, or one page with everything."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from obslake.errors import ReportError
from obslake.progress import Task
from obslake.report.files import replace_file
from obslake.report.lineages import lineage_data
from obslake.report.overview import MOST_PROBLEMS, Overview
from obslake.report.pages import pack, render_page, to_json
from obslake.report.problems import problem_data

INDEX = "index.html"
_GENERATOR = b'<meta name="generator" content="obslake report">'

# Size of the problems in a single file, which a browser reads as a whole.
_SINGLE_FILE_BYTES = 40_000_000


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Attributes:
        output: the overview, or the single file.
        problems: number of problems with a page.
        left_out: number of problems for which there was no room.
        bytes: size of all files.
    """

    output: str
    problems: int
    left_out: int
    bytes: int


def write_folder(
    marts: duckdb.DuckDBPyConnection, overview: Overview, folder: Path, task: Task
) -> Report:
    """Write a page for each problem, and one for all; a report that is in the folder is replaced.

    Raises:
        ReportError: something else is there, or the folder cannot be written.
    """
    _check_folder(folder)
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            dir=folder.absolute().parent, prefix=".obslake-report-"
        ) as temporary:
            work = Path(temporary)
            size = _write_pages(marts, overview, work / "new", task)
            if folder.exists():
                folder.rename(work / "old")
            (work / "new").rename(folder)
    except OSError as error:
        raise ReportError(f"{folder} cannot be written: {error.strerror or error}") from error
    return Report(str(folder / INDEX), len(overview.chosen), 0, size)


def _check_folder(folder: Path) -> None:
    """Refuse a folder that has anything but a report in it."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ReportError(f"{folder} is not a folder: name another one with -o")
    index = folder / INDEX
    if any(folder.iterdir()) and not (index.is_file() and _GENERATOR in index.read_bytes()[:4096]):
        raise ReportError(
            f"{folder} has other files than those of a report: name an empty or a new folder with -o"
        )


def _write_pages(
    marts: duckdb.DuckDBPyConnection, overview: Overview, folder: Path, task: Task
) -> int:
    size = 0
    for name, page in _pages(marts, overview, task):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(page)
        size += len(page)
    return size


def _pages(
    marts: duckdb.DuckDBPyConnection, overview: Overview, task: Task
) -> Iterator[tuple[str, bytes]]:
    footer = overview.footer
    left_out = ""
    if (n_problems := len(overview.chosen)) > MOST_PROBLEMS:
        left_out = f"These are the worst {MOST_PROBLEMS:,} of {n_problems:,} problems; the others have pages, too."
    yield INDEX, render_page("obslake", "overview", {"data": overview.to_json(left_out)}, footer)
    names = overview.problems["page"]
    for name, (problem, data) in zip(names, problem_data(marts, overview.chosen), strict=True):
        title = f"{problem.problem} · {problem.data_set}"
        yield name, render_page(title, "problem", {"data": data}, footer, f"../{INDEX}")
        task.advance(problem.cells)
    for lineage, parts in zip(overview.lineages, lineage_data(marts), strict=True):
        title = f"{lineage['lineage']} · {lineage['environment']}"
        payload = {"data": to_json(parts)}
        yield lineage["page"], render_page(title, "lineage", payload, footer, f"../{INDEX}")


def write_single_file(
    marts: duckdb.DuckDBPyConnection, overview: Overview, path: Path, task: Task
) -> Report:
    """Write one page with everything, the worst problems first as far as there is room.

    Raises:
        ReportError: the file cannot be written.
    """
    payloads: dict[str, bytes] = {}
    size = 0
    names = overview.problems["page"]
    for name, (problem, data) in zip(names, problem_data(marts, overview.chosen), strict=True):
        size += len(pack(data))
        if payloads and size > _SINGLE_FILE_BYTES:
            break
        payloads[name] = data
        task.advance(problem.cells)
    lineages = zip(overview.lineages, lineage_data(marts), strict=True)
    pages = {lineage["page"]: to_json(parts) for lineage, parts in lineages}
    left = len(overview.chosen) - len(payloads)
    left_out = (
        f"This file has pages of the worst {len(payloads):,} of {len(overview.chosen):,} problems; "
        "a folder, written without --single-file, has all."
        if left
        else ""
    )
    page = render_page(
        "obslake",
        "single",
        {"overview": overview.to_json(left_out), **pages, **payloads},
        overview.footer,
    )
    replace_file(path, page)
    return Report(str(path), len(payloads), left, len(page))
