"""Finds the files of a source, recognises their formats by content, and hashes them."""

import hashlib
import io
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from obslake.errors import ObslakeError, SourceFormatError
from obslake.load.sources.compression import Compression, open_plain
from obslake.load.sources.finding import find, unreadable
from obslake.load.sources.kinds import OtherKind, other_kind

Format = Literal["parquet", "csv", "json"]


DATA_SUFFIXES = (
    ".parquet",
    ".csv",
    ".tsv",
    ".json",
    ".jsonl",
    ".ndjson",
    ".arrow",
    ".arrows",
    ".feather",
)
_CHUNK = 1 << 20
_LONGEST_LINE = 64 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_PARQUET_MAGIC = b"PAR1"
_ARROW_FILE = b"ARROW1"
_ARROW_BEGINNINGS = (_ARROW_FILE, b"\xff\xff\xff\xff")
# In this order, because the byte order mark of UTF-32 begins with that of UTF-16.
_ENCODINGS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}


@dataclass(frozen=True)
class OutputReading:
    """How the responses of a file are converted to text of the response protocol.

    Attributes:
        column: the column with the responses.
        kind_column: the column with their kinds, if there is one.
        are_values: its strings are returned strings; otherwise they are already text of the protocol.
        are_verdicts: they are verdicts, also in the words of a harness, so kinds ``value`` are ignored.
        has_bare_floats: some contain floats that JSON does not allow.
    """

    column: str
    kind_column: str | None = None
    are_values: bool = False
    are_verdicts: bool = False
    has_bare_floats: bool = False


@dataclass(frozen=True)
class SourceFile:
    """One file to load.

    Attributes:
        path: path to read.
        name: its name as the user specified it.
        format: format of its rows.
        compression: compression of the whole file.
        sha256: hash of its bytes, as 64 hexadecimal digits.
        modified_at: when it was last written; the default for ``observed_at``.
        is_salvaged: ``path`` is a Parquet file with those of its rows that can be separated; see ``salvage``.
        is_tabulated: ``path`` is a Parquet file with its objects in columns; see ``tabulation``.
        delimiter: delimiter of a CSV file, if the user specified it.
        partitions: columns from the names of its folders, if the user wants them.
        output: how responses are read.
        notes: warnings about how it is read.
    """

    path: Path
    name: str
    format: Format
    compression: Compression
    sha256: str
    modified_at: datetime
    is_salvaged: bool = False
    is_tabulated: bool = False
    delimiter: str | None = None
    partitions: tuple[tuple[str, str | None], ...] = ()
    output: OutputReading | None = None
    notes: tuple[str, ...] = ()


def open_sources(
    arguments: Iterable[str],
    spool: Path,
    on_bytes: Callable[[int], None] = lambda _: None,
    *,
    without: Path | None = None,
    suffixes: Sequence[str] = DATA_SUFFIXES,
    whole: bool = True,
    are_tables: bool = False,
    refused: list[str] | None = None,
) -> list[SourceFile]:
    """Find the files that the arguments of a load command name.

    Args:
        arguments: files, folders (searched recursively), glob patterns, or ``-`` for standard input.
        spool: folder for a temporary copy of standard input.
        on_bytes: called with the number of bytes hashed, for progress.
        without: folder to skip in a folder that is searched.
        suffixes: suffixes of the files to find in folders, compressed or not.
        whole: refuse truncated gzip files.
        are_tables: refuse files that are not Parquet, Arrow, CSV or JSON.
        refused: gets the reason for each argument and file that cannot be opened; None: raise it instead.

    Returns:
        The files, each of them once, in the order of the arguments.

    Raises:
        SourceNotFoundError: an argument matches nothing that can be read.
        SourceFormatError: a file is empty or cannot be read as its format.
    """
    files: dict[Path, SourceFile] = {}
    for argument in arguments:
        with _collecting(refused):
            for path, name in find(argument, spool, without, suffixes):
                if path not in files:
                    with _collecting(refused):
                        file = _open(path, name, on_bytes, whole=whole)
                        files[path] = _as_table(file, spool) if are_tables else file
    return list(files.values())


@contextmanager
def _collecting(refused: list[str] | None) -> Iterator[None]:
    try:
        yield
    except ObslakeError as error:
        if refused is None:
            raise
        refused.append(str(error))


def read_head(path: Path, compression: Compression) -> bytes:
    """Return the first megabyte of a file's decompressed content, or less of a truncated gzip file."""
    head = bytearray()
    with open_plain(path, compression) as file, suppress(EOFError):
        while len(head) < _CHUNK and (chunk := file.read1(_CHUNK - len(head))):
            head += chunk
    return bytes(head).removeprefix(b"\xef\xbb\xbf")


def _open(path: Path, name: str, on_bytes: Callable[[int], None], *, whole: bool) -> SourceFile:
    digest = hashlib.sha256()
    lines = _Lines()
    try:
        with path.open("rb") as file:
            head = file.read(_CHUNK)
            chunk = head
            while chunk:
                digest.update(chunk)
                lines.add(chunk)
                on_bytes(len(chunk))
                chunk = file.read(_CHUNK)
            modified_at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, tz=UTC)
    except OSError as error:
        raise unreadable(name, error) from error
    if not head:
        raise SourceFormatError(f"{name}: the file is empty")
    compression = _compression(head)
    if compression != "uncompressed":
        lines = _plain_lines(path, name, compression, whole=whole)
    found_format = _format(read_head(path, compression))
    if found_format == "csv" and lines.longest > _LONGEST_LINE:
        raise SourceFormatError(f"{name}: a line is longer than {_LONGEST_LINE >> 20} MiB")
    return SourceFile(
        path=path.absolute(),
        name=name,
        format=found_format,
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


@dataclass
class _Lines:
    """The length of the longest line, to a few megabytes: DuckDB may miss a line longer than its buffers."""

    longest: int = 0
    _open: int = 0

    def add(self, chunk: bytes) -> None:
        self._open = 0 if b"\n" in chunk else self._open + len(chunk)
        self.longest = max(self.longest, self._open)


def _plain_lines(path: Path, name: str, compression: Compression, *, whole: bool) -> _Lines:
    """Read a compressed file to its end, because DuckDB reads a truncated file without an error."""
    lines = _Lines()
    try:
        with open_plain(path, compression) as file:
            while chunk := file.read(_CHUNK):
                lines.add(chunk)
    except (EOFError, OSError, zlib.error, pa.ArrowInvalid) as error:
        if whole or not isinstance(error, EOFError):
            raise SourceFormatError(
                f"{name}: not a readable {compression} file: {error}"
            ) from error
    return lines


def _format(head: bytes) -> Format:
    if head.startswith(_PARQUET_MAGIC):
        return "parquet"
    if head.lstrip()[:1] in (b"{", b"["):
        return "json"
    return "csv"


def _as_table(file: SourceFile, spool: Path) -> SourceFile:
    """Return the file, or a copy of it in a supported format.

    Raises:
        SourceFormatError: its kind is not supported.
    """
    head = read_head(file.path, file.compression)
    if head.startswith(_ARROW_BEGINNINGS):
        return _arrow_as_parquet(file, spool, is_file=head.startswith(_ARROW_FILE))
    for mark, encoding in _ENCODINGS.items():
        if head.startswith(mark):
            return _as_utf8(file, encoding, spool)
    kind = other_kind(head) if file.format != "parquet" else None
    if file.format == "parquet" and file.compression != "uncompressed":
        kind = OtherKind(f"a Parquet file compressed with {file.compression}", "decompress it")
    if kind is None:
        return file
    raise SourceFormatError(
        f"{file.name}: this is {kind.name}, not a CSV, JSON Lines, Parquet or Arrow file\n"
        f"  {kind.advice}"
    )


def _arrow_as_parquet(file: SourceFile, spool: Path, *, is_file: bool) -> SourceFile:
    """Copy an Arrow IPC file or stream batch by batch."""
    with tempfile.NamedTemporaryFile(dir=spool, prefix="arrow-", delete=False) as copy:
        pass
    try:
        if not is_file:
            with (
                open_plain(file.path, file.compression) as stream,
                pa.ipc.open_stream(stream) as streamed,
            ):
                _write_parquet(Path(copy.name), streamed.schema, streamed)
        elif file.compression == "uncompressed":
            with pa.memory_map(str(file.path)) as source:
                reader = pa.ipc.open_file(source)
                batches = (reader.get_batch(n) for n in range(reader.num_record_batches))
                _write_parquet(Path(copy.name), reader.schema, batches)
        else:
            raise SourceFormatError(
                f"{file.name}: an Arrow file compressed with {file.compression}: decompress it"
            )
    except (pa.ArrowException, OSError, EOFError) as error:
        raise SourceFormatError(f"{file.name}: not readable as Arrow: {error}") from error
    return replace(file, path=Path(copy.name), format="parquet", compression="uncompressed")


def _write_parquet(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    with pq.ParquetWriter(path, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _as_utf8(file: SourceFile, encoding: str, spool: Path) -> SourceFile:
    """Copy a text file to UTF-8."""
    with tempfile.NamedTemporaryFile(dir=spool, prefix="text-", delete=False) as copy:
        pass
    try:
        with (
            open_plain(file.path, file.compression) as stream,
            io.TextIOWrapper(stream, encoding=encoding, newline="") as text,
            Path(copy.name).open("w", encoding="utf-8", newline="") as target,
        ):
            while chunk := text.read(_CHUNK):
                target.write(chunk)
    except (UnicodeError, OSError, EOFError) as error:
        raise SourceFormatError(f"{file.name}: not readable as {encoding}: {error}") from error
    plain = replace(file, path=Path(copy.name), compression="uncompressed")
    note = f"{file.name}: read as {encoding.upper()}, according to its byte order mark"
    return replace(
        plain,
        format=_format(read_head(plain.path, "uncompressed")),
        notes=(*file.notes, note),
    )
