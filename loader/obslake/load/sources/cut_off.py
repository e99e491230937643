"""JSON Lines that end in the middle of a line because the process that wrote them was killed."""

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from obslake.errors import SourceFormatError
from obslake.load.sources.compression import open_plain
from obslake.load.sources.files import SourceFile
from obslake.load.sources.scans import LONGEST_JSON_LINE

_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Extent:
    """How many bytes of complete lines a file has, and whether more follows."""

    whole_lines: int
    is_cut_off: bool


def whole_lines(file: SourceFile, spool: Path) -> SourceFile:
    """Return the file, or a copy of its complete lines if it ends in the middle of a line.

    Raises:
        SourceFormatError: there is no complete line.
    """
    if file.compression == "zstd":
        return file
    extent = _extent(file)
    if not extent.is_cut_off:
        return file
    if not extent.whole_lines:
        raise SourceFormatError(f"{file.name}: cut off before the end of its first line")
    with (
        open_plain(file.path, file.compression) as stream,
        tempfile.NamedTemporaryFile(dir=spool, prefix="lines-", delete=False) as copy,
    ):
        left = extent.whole_lines
        while left and (chunk := stream.read1(min(left, _CHUNK))):
            copy.write(chunk)
            left -= len(chunk)
    return replace(file, path=Path(copy.name), compression="uncompressed")


def _extent(file: SourceFile) -> _Extent:
    size = whole_lines = 0
    rest = bytearray()
    is_cut_off = False
    with open_plain(file.path, file.compression) as stream:
        while True:
            try:
                # Unlike `read`, `read1` does not lose the data before the end of a truncated file.
                chunk = stream.read1(_CHUNK)
            except EOFError:
                # The process that wrote the gzip file was killed.
                is_cut_off = True
                break
            if not chunk:
                break
            end = chunk.rfind(b"\n") + 1
            if end:
                whole_lines = size + end
                rest.clear()
            rest += chunk[end:]
            size += len(chunk)
            if len(rest) > LONGEST_JSON_LINE:
                raise SourceFormatError(
                    f"{file.name}: a line is longer than {LONGEST_JSON_LINE >> 20} MiB"
                )
    if _is_line(rest):
        whole_lines = size
    return _Extent(whole_lines, is_cut_off or whole_lines < size)


def _is_line(rest: bytearray) -> bool:
    if not rest.strip():
        return True
    try:
        json.loads(rest)
    except (ValueError, RecursionError):
        return False
    return True
