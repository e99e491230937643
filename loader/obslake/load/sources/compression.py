"""The decompressed content of files."""

import gzip
from io import BufferedReader
from pathlib import Path
from typing import Literal

import pyarrow as pa

Compression = Literal["uncompressed", "gzip", "zstd"]

_BUFFER_BYTES = 1 << 20


def open_plain(path: Path, compression: Compression) -> gzip.GzipFile | BufferedReader:
    """Open the decompressed content of a file.

    A truncated gzip file raises EOFError at its end, but ``read1`` first returns everything before it.
    """
    if compression == "gzip":
        return gzip.open(path)
    if compression == "zstd":
        return BufferedReader(pa.input_stream(str(path), compression="zstd"), _BUFFER_BYTES)
    return path.open("rb")
