"""Finds the files of a source: in folders, by patterns, in pipes and standard input."""

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import IO

from obslake.errors import SourceNotFoundError

STANDARD_INPUT = "-"
_CHUNK = 1 << 20


def find(
    argument: str, spool: Path, without: Path | None, suffixes: Sequence[str]
) -> Iterator[tuple[Path, str]]:
    """Return the paths and display names of the files that an argument names."""
    if argument == STANDARD_INPUT:
        yield _spool(sys.stdin.buffer, spool), "standard input"
        return
    for path in _expand(argument, without, suffixes):
        yield _readable(path, spool), str(path)


def _readable(path: Path, spool: Path) -> Path:
    """Return the path, or the path of a copy if it is a pipe, which can be read only once.

    Raises:
        SourceNotFoundError: it is neither a file nor a pipe, or cannot be read.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise unreadable(path, error) from error
    if stat.S_ISFIFO(mode):
        with path.open("rb") as pipe:
            return _spool(pipe, spool)
    if not stat.S_ISREG(mode):
        raise SourceNotFoundError(f"{path}: neither a file nor a folder")
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        name = os.fsencode(path).decode(errors="backslashreplace")
        raise SourceNotFoundError(f"{name}: its name is not valid UTF-8: rename it") from error
    return path


def unreadable(path: Path | str, error: OSError) -> SourceNotFoundError:
    """Return the error for a file that the system refuses to read."""
    return SourceNotFoundError(f"{path}: cannot be read: {error.strerror or error}")


def _expand(argument: str, without: Path | None, suffixes: Sequence[str]) -> Iterator[Path]:
    path = Path(argument)
    if path.is_dir():
        found = sorted(
            p
            for p in path.rglob("*")
            if p.is_file() and _is_data(p, suffixes) and without not in p.absolute().parents
        )
        if not found:
            raise SourceNotFoundError(
                f"{argument}: no {', '.join(suffixes)} file in this folder or below it"
            )
        yield from found
    elif path.exists():
        yield path
    elif has_magic(argument):
        matches = sorted(Path(p) for p in glob(argument, recursive=True))
        if not matches:
            raise SourceNotFoundError(f"{argument}: no file matches this pattern")
        yield from (p for p in matches if p.is_file())
    else:
        raise SourceNotFoundError(f"{argument}: no such file or folder")


def _is_data(path: Path, suffixes: Sequence[str]) -> bool:
    name = path.name.removesuffix(".gz").removesuffix(".zst")
    return name.endswith(tuple(suffixes)) and not name.startswith(("_", "."))


def _spool(stream: IO[bytes], spool: Path) -> Path:
    with tempfile.NamedTemporaryFile(dir=spool, prefix="stdin-", delete=False) as file:
        shutil.copyfileobj(stream, file, _CHUNK)
    return Path(file.name)
