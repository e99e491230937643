"""Files of rows: their format by name, and how they appear when they are complete."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from obslake.errors import ExportError

Format = Literal["parquet", "jsonl", "csv"]

_FORMATS: dict[str, Format] = {
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
}
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}

# Size of one row group of Parquet, in which repeated code is written once.
_GROUP_ROWS = 65_536
_GROUP_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Target:
    """Where rows go.

    Attributes:
        name: the file, ``-`` for standard output.
        format: the format of the file.
        compression: ``gzip``, ``zstd`` or None.
    """

    name: str
    format: Format
    compression: str | None

    @contextmanager
    def opened(self, overwrite: bool, stdout: IO[bytes]) -> Iterator[tuple["Counted", Path]]:
        """Open the target, which gets its name when the block ends without an error.

        Args:
            overwrite: whether an existing file may be replaced.
            stdout: binary stream for the name ``-``.

        Returns:
            A stream, and a folder for larger intermediate results, which shares its disk with the file.

        Raises:
            ExportError: the file exists or cannot be written.
        """
        path = None if self.name == "-" else Path(self.name)
        if path is not None:
            _check_free(path, overwrite)
        try:
            # In the folder of the file: renaming is atomic there.
            with tempfile.TemporaryDirectory(
                dir=path and path.parent, prefix=".obslake-export-"
            ) as folder:
                work = Path(folder)
                if path is None:
                    yield Counted(stdout), work / "spilled"
                    stdout.flush()
                    return
                with (work / "written").open("wb") as file:
                    yield Counted(file), work / "spilled"
                # Another process may have created the file meanwhile.
                _check_free(path, overwrite)
                (work / "written").replace(path)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise ExportError(
                f"{self.name} cannot be written: {error.strerror or error}"
            ) from error


def target_of(
    output: str, allowed: Sequence[Format], form: Format | None = None, hint: str = ""
) -> Target:
    """Return a target with its format, by its name if ``form`` is None.

    Args:
        output: name of the file, ``-`` for standard output.
        allowed: formats to choose from.
        form: the format, if it was chosen.
        hint: what else to do if the name does not determine a format.

    Raises:
        ExportError: the name does not determine an allowed format, or the format does not fit it.
    """
    if output == "-":
        if form == "parquet":
            raise ExportError("Parquet cannot be written to standard output: name a file")
        return Target(output, form or "jsonl", None)
    *others, last = ["", *Path(output.lower()).suffixes]
    compression = _COMPRESSIONS.get(last)
    named = _FORMATS.get(others[-1] if compression and others else last)
    form = form or (named if named in allowed else None)
    if form is None:
        *most, least = (f".{each}" for each in allowed)
        names = f"neither with {', '.join(most)} nor with {least}"
        raise ExportError(f"{output}: the name ends {names}{hint}")
    if form == "parquet" and compression:
        raise ExportError(f"{output}: Parquet has its own compression; leave out {last}")
    return Target(output, form, compression)


def _check_free(path: Path, overwrite: bool) -> None:
    if path.exists() and not path.is_file():
        raise ExportError(f"{path} exists and is not a regular file: name a file")
    if not path.parent.is_dir():
        raise ExportError(f"there is no folder {path.parent}")
    if path.exists() and not overwrite:
        raise ExportError(f"{path} exists\n  replace it with --force, or name another file")


class Counted:
    """A stream that counts its bytes and stays open when its writer closes it."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        """Count the bytes written to a stream."""
        self._file = file
        self.bytes = 0

    def write(self, data: bytes) -> int:
        """Write bytes."""
        self.bytes += len(data)
        return self._file.write(data)

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self.bytes

    def flush(self) -> None:
        """Flush the stream."""
        self._file.flush()

    def close(self) -> None:
        """Flush the stream, and leave it open."""
        self.flush()

    @contextmanager
    def sink(self, compression: str | None = None) -> Iterator[pa.NativeFile]:
        """Return the stream for Arrow, which compresses what is written."""
        sink = pa.PythonFile(self, mode="w")
        if compression is None:
            yield sink
            return
        with pa.CompressedOutputStream(sink, compression) as compressed:
            yield compressed


def write_parquet(
    sink: pa.NativeFile, schema: pa.Schema, batches: Iterator[pa.RecordBatch]
) -> Iterator[int]:
    """Write batches as Parquet, compressed with zstd; yield the number of rows of each written group."""
    # Readers of the file get plain texts, whatever type of text Arrow has in memory.
    with pq.ParquetWriter(sink, schema, compression="zstd", store_schema=False) as writer:
        for group in _groups(batches):
            writer.write_table(pa.Table.from_batches(group, schema), row_group_size=_GROUP_ROWS)
            yield sum(map(len, group))


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Yield lists of batches that together reach the size of a row group."""
    group: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        if group and (rows + len(batch) > _GROUP_ROWS or size + batch.nbytes > _GROUP_BYTES):
            yield group
            group, rows, size = [], 0, 0
        group.append(batch)
        rows, size = rows + len(batch), size + batch.nbytes
    if group:
        yield group
