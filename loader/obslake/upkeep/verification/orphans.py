"""Finds files that nothing refers to, and folders that processes have left behind."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.fs as pafs
from pyiceberg.io.pyarrow import PyArrowFileIO

from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.moved import local_path
from obslake.lakehouse.workfolder import PREFIXES, is_abandoned
from obslake.upkeep.verification.files import TableFiles
from obslake.upkeep.verification.report import Check, one_line


@dataclass(frozen=True)
class Orphan:
    """A file that nothing refers to, or a folder that a process has left behind."""

    path: str
    bytes: int
    removed: bool = False


@dataclass(frozen=True)
class Stored:
    """A file below the location of a table."""

    path: str
    size: int
    modified: datetime


def list_stored(tables: list[TableFiles]) -> list[Stored] | None:
    """Return the files below the locations of the tables; None if they cannot be listed.

    Other folders of the warehouse may belong to other tables. Call this before the metadata is read again, so
    that files committed meanwhile are referred to.
    """
    stored: dict[str, Stored] = {}
    for files in tables:
        io = files.table.io
        if not isinstance(io, PyArrowFileIO):
            return None
        scheme, netloc, path = io.parse_location(files.table.location(), io.properties)
        try:
            found = io.fs_by_scheme(scheme, netloc).get_file_info(
                pafs.FileSelector(path, recursive=True, allow_not_found=True)
            )
        except OSError:
            return None
        for info in found:
            if info.type == pafs.FileType.File and info.mtime is not None:
                stored[info.path] = Stored(info.path, info.size, info.mtime)
    return sorted(stored.values(), key=lambda file: file.path)


def check_orphans(
    lakehouse: Lakehouse,
    tables: list[TableFiles],
    stored: list[Stored] | None,
    older_than: datetime,
    *,
    is_complete: bool,
    remove: bool,
) -> tuple[Check, list[Orphan]]:
    """Find orphans, which are not faults, because interruptions leave such files.

    Args:
        lakehouse: the lakehouse.
        tables: the files that the tables refer to.
        stored: the files that existed before the metadata of the tables was read.
        older_than: files that changed later are ignored: a running process refers to its files only when it
            commits.
        is_complete: whether all metadata could be read; otherwise no file is known to be an orphan.
        remove: remove the orphans.
    """
    check = Check("orphans")
    orphans: list[Orphan] = []
    if not is_complete:
        check.notes.append(
            "files that nothing refers to were not looked for, because metadata is faulty"
        )
    elif stored is None:
        check.notes.append(
            "files that nothing refers to were not looked for: the stored files cannot be listed"
        )
    else:
        used = {_path(files, path) for files in tables for path in files.all()}
        check.counted += len(stored)
        unused = [file for file in stored if file.path not in used]
        old = [file for file in unused if file.modified < older_than]
        if len(old) < len(unused):
            n = len(unused) - len(old)
            check.notes.append(
                f"{n:,} {'file' if n == 1 else 'files'} that nothing refers to may belong to a running "
                "process: see --older-than"
            )
        for file in old:
            orphans.append(
                Orphan(file.path, file.size, remove and _removed(check, tables, file.path))
            )
    for folder in _left_folders(lakehouse.home, older_than):
        check.counted += 1
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if remove:
            shutil.rmtree(folder, ignore_errors=True)
        orphans.append(Orphan(str(folder), size, removed=not folder.exists()))
    return check, orphans


def _path(files: TableFiles, location: str) -> str:
    """Return the path of a file as listings of its file system name it."""
    if location.startswith(("file:", "/")):
        return str(local_path(location))
    io = files.table.io
    assert isinstance(io, PyArrowFileIO)  # noqa: S101
    return io.parse_location(location, io.properties)[2]


def _removed(check: Check, tables: list[TableFiles], path: str) -> bool:
    io = tables[0].table.io
    assert isinstance(io, PyArrowFileIO)  # noqa: S101
    scheme, netloc, _ = io.parse_location(tables[0].table.location(), io.properties)
    try:
        io.fs_by_scheme(scheme, netloc).delete_file(path)
    except OSError as error:
        check.notes.append(f"{path}: could not be removed: {one_line(error)}")
        return False
    return True


def _left_folders(home: Path, older_than: datetime) -> list[Path]:
    found = []
    for folder in sorted(home.glob(".*-*")):
        if folder.is_dir() and folder.name.startswith(PREFIXES) and is_abandoned(folder):
            times = [path.stat().st_mtime for path in (folder, *folder.rglob("*"))]
            if datetime.fromtimestamp(max(times), UTC) < older_than:
                found.append(folder)
    return found
