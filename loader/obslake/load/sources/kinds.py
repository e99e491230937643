"""Recognise unsupported kinds of files by their first bytes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OtherKind:
    """A kind of file that obslake cannot read.

    Attributes:
        name: its name, with an article.
        advice: what the user can do.
    """

    name: str
    advice: str


_UNPACK = "unpack it, or compress it with gzip or zstd"
_EXPORT = "write it as Parquet, JSON Lines or CSV"
_TABLE = "export the table as Parquet, JSON Lines or CSV"

_WORKBOOK = OtherKind("an Excel workbook", "save its sheet as CSV (UTF-8)")
_HTML = OtherKind("an HTML page", "open it in a browser: it may be a login page or an error page")

# The first match counts.
_BEGINNINGS: tuple[tuple[bytes, OtherKind], ...] = (
    (b"FEA1", OtherKind("a Feather file of version 1", "write it as Feather 2 or as Parquet")),
    (b"PARE", OtherKind("an encrypted Parquet file", "write it without encryption")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OtherKind("an old Excel or Word file", _WORKBOOK.advice)),
    (b"BZh", OtherKind("a bzip2 file", _UNPACK)),
    (b"\xfd7zXZ\x00", OtherKind("an xz file", _UNPACK)),
    (b"\x04\x22\x4d\x18", OtherKind("an lz4 file", _UNPACK)),
    (b"\x1f\x9d", OtherKind("a compress (.Z) file", _UNPACK)),
    (b"7z\xbc\xaf\x27\x1c", OtherKind("a 7-Zip archive", _UNPACK)),
    (b"Rar!\x1a\x07", OtherKind("a RAR archive", _UNPACK)),
    (b"SQLite format 3\x00", OtherKind("an SQLite database", _TABLE)),
    (b"Obj\x01", OtherKind("an Avro file", _EXPORT)),
    (b"ORC", OtherKind("an ORC file", _EXPORT)),
    (b"\x89HDF\r\n\x1a\n", OtherKind("an HDF5 file", _EXPORT)),
    (b"\x93NUMPY", OtherKind("a NumPy array", _EXPORT)),
    (b"RDX2\n", OtherKind("an R data file", _EXPORT)),
    (b"RDX3\n", OtherKind("an R data file", _EXPORT)),
    (b"%PDF-", OtherKind("a PDF document", _EXPORT)),
)

_PICKLE = OtherKind(
    "a Python pickle", f"obslake never executes it: {_EXPORT}, for example with pandas' to_parquet"
)


def other_kind(head: bytes) -> OtherKind | None:
    """Return the unsupported kind of a file that begins with ``head``; None: it may be CSV, JSON or Parquet."""
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(head)
    if head[8:12] == b"DUCK":
        return OtherKind("a DuckDB database", _TABLE)
    if head[257:262] == b"ustar":
        return OtherKind("a tar archive", _UNPACK)
    # The second byte of a binary pickle is its protocol.
    if len(head) > 1 and head[0] == 0x80 and head[1] in range(2, 8):
        return _PICKLE
    start = head.lstrip()[:256].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return _HTML
    if start.startswith((b"<?xml", b"<!--", b"<testsuite", b"<testrun", b"<assembl", b"<test-run")):
        if b"<html" in start:
            return _HTML
        return OtherKind("an XML file", "test reports are loaded with `obslake load junit`")
    if head.count(0) * 10 > len(head):
        return OtherKind("not text, or UTF-16 without a byte order mark", "write it as UTF-8")
    return None


def _zip_kind(head: bytes) -> OtherKind:
    names = head[:4096]
    if b"xl/" in head or b"[Content_Types].xml" in names:
        return _WORKBOOK
    if b"application/vnd.oasis.opendocument" in names:
        return OtherKind("an OpenDocument file", _WORKBOOK.advice)
    if b".npy" in names:
        return OtherKind("NumPy arrays", _EXPORT)
    return OtherKind("a zip archive", _UNPACK)
