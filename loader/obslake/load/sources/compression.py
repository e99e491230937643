"""The plain content of files, whatever they are compressed with."""

import gzip
from io import BufferedReader
from pathlib import Path
from typing import Literal

import pyarrow as pa

Compression = Literal["uncompressed", "gzip", "zstd"]

_BUFFER_BYTES = 1 << 20


def open_plain(path: Path, compression: Compression) -> gzip.GzipFile | BufferedReader:
    """Open the plain content of a file.

    A gzip file that was cut off ends with an EOFError; ``read1`` returns what is there before it.
    """
    if compression == "gzip":
        return gzip.open(path)
    if compression == "zstd":
        return BufferedReader(pa.input_stream(str(path), compression="zstd"), _BUFFER_BYTES)
    return path.open("rb")
