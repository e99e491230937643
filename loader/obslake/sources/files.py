"""The files of a source: found, recognised by what they contain, and hashed."""

import gzip
import hashlib
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from glob import glob, has_magic
from pathlib import Path
from typing import Literal

import pyarrow as pa

from obslake.errors import SourceFormatError, SourceNotFoundError

Format = Literal["parquet", "csv", "json"]
Compression = Literal["uncompressed", "gzip", "zstd"]

STANDARD_INPUT = "-"

_SUFFIXES = (".parquet", ".csv", ".json", ".jsonl", ".ndjson")
_CHUNK = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True)
class SourceFile:
    """One file to load.

    Attributes:
        path: where it can be read.
        name: what the user called it.
        format: how its rows are written.
        compression: how the file as a whole is compressed.
        sha256: hash of its bytes, as 64 hexadecimal digits.
        modified_at: when it was last written, the default of ``observed_at``.
    """

    path: Path
    name: str
    format: Format
    compression: Compression
    sha256: str
    modified_at: datetime


def open_sources(
    arguments: Iterable[str],
    spool: Path,
    on_bytes: Callable[[int], None] = lambda _: None,
    *,
    without: Path | None = None,
) -> list[SourceFile]:
    """Find the files that the arguments of a load command name.

    Args:
        arguments: files, folders (searched recursively), glob patterns, or ``-`` for standard
            input.
        spool: folder in which standard input is kept while it is loaded.
        on_bytes: told how many bytes were hashed, for progress.
        without: folder that is left out where it lies inside one that is searched.

    Returns:
        The files, each of them once, in the order of the arguments.

    Raises:
        SourceNotFoundError: an argument names nothing that can be read.
        SourceFormatError: a file is empty.
    """
    files: dict[Path, SourceFile] = {}
    for argument in arguments:
        if argument == STANDARD_INPUT:
            path = _spool_standard_input(spool)
            files[path] = _open(path, "standard input", on_bytes)
            continue
        for path in _expand(argument, without):
            if path not in files:
                files[path] = _open(path, str(path), on_bytes)
    return list(files.values())


def glob_literal(path: Path) -> str:
    """Return a path as a DuckDB file pattern that matches only this path."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def read_head(path: Path, compression: Compression) -> bytes:
    """Return the first megabyte of a file's plain content."""
    codec = None if compression == "uncompressed" else compression
    with pa.input_stream(str(path), compression=codec) as stream:
        head: bytes = stream.read(_CHUNK)
    return head.removeprefix(b"\xef\xbb\xbf")


def _expand(argument: str, without: Path | None) -> Iterator[Path]:
    path = Path(argument)
    if path.is_dir():
        found = sorted(
            p
            for p in path.rglob("*")
            if p.is_file() and _is_data(p) and without not in p.absolute().parents
        )
        if not found:
            raise SourceNotFoundError(
                f"{argument}: no {', '.join(_SUFFIXES)} file in this folder or below it"
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


def _is_data(path: Path) -> bool:
    name = path.name.removesuffix(".gz").removesuffix(".zst")
    return name.endswith(_SUFFIXES) and not name.startswith(("_", "."))


def _spool_standard_input(spool: Path) -> Path:
    with tempfile.NamedTemporaryFile(dir=spool, prefix="stdin-", delete=False) as file:
        shutil.copyfileobj(sys.stdin.buffer, file, _CHUNK)
    return Path(file.name)


def _open(path: Path, name: str, on_bytes: Callable[[int], None]) -> SourceFile:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            head = file.read(_CHUNK)
            chunk = head
            while chunk:
                digest.update(chunk)
                on_bytes(len(chunk))
                chunk = file.read(_CHUNK)
            modified_at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, tz=UTC)
    except OSError as error:
        raise SourceNotFoundError(f"{name}: cannot be read: {error.strerror or error}") from error
    if not head:
        raise SourceFormatError(f"{name}: the file is empty")
    compression = _compression(head)
    if compression == "gzip":
        _check_gzip(path, name)
    return SourceFile(
        path=path.absolute(),
        name=name,
        format=_format(read_head(path, compression)),
        compression=compression,
        sha256=digest.hexdigest(),
        modified_at=modified_at,
    )


def _compression(head: bytes) -> Compression:
    if head.startswith(_GZIP_MAGIC):
        return "gzip"
    if head.startswith(_ZSTD_MAGIC):
        return "zstd"
    return "uncompressed"


def _check_gzip(path: Path, name: str) -> None:
    """Read to the end: DuckDB takes a file that was cut off for a shorter one."""
    try:
        with gzip.open(path) as file:
            while file.read(_CHUNK):
                pass
    except (OSError, EOFError, zlib.error) as error:
        raise SourceFormatError(f"{name}: not a readable gzip file: {error}") from error


def _format(head: bytes) -> Format:
    if head.startswith(_PARQUET_MAGIC):
        return "parquet"
    if head.lstrip()[:1] in (b"{", b"["):
        return "json"
    return "csv"
