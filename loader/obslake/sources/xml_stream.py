"""XML as a stream of events: bounded memory, and no document type, so nothing to expand or to fetch.

Why not a tree, and why the parser of the standard library: docs/decisions/0006-reading-test-reports.md.
"""

import codecs
import re
import zlib
from collections.abc import Mapping
from typing import NoReturn, Protocol
from xml.parsers import expat

import pyarrow as pa

from obslake.errors import SourceFormatError
from obslake.sources.files import SourceFile

_CHUNK = 1 << 20
_LONGEST_TAG = 16 << 20
_DEEPEST = 1000

_BYTE_ORDER_MARKS = (
    # Those of UTF-32 begin like those of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
# Terminal colours and the like, which XML does not allow and tools copy from what tests print.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Events(Protocol):
    """What is told about a document, in its order."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take an element that begins; its name is without prefix."""

    def end(self) -> None:
        """Take the end of the innermost element."""

    def text(self, text: str) -> None:
        """Take text of the innermost element, or a part of it."""


def read_xml(file: SourceFile, events: Events) -> int:
    """Tell the events of a document.

    Returns:
        How many characters that XML does not allow were replaced by U+FFFD.

    Raises:
        SourceFormatError: the file is no XML, is cut off, declares a document type, or is nested or
            has a tag beyond all measure.
    """
    try:
        return _Document(file, events).read()
    except expat.ExpatError as error:
        message = expat.errors.messages.get(error.code, "an error")
        raise _refusal(file, f"not well-formed XML: {message}, line {error.lineno}") from error
    except UnicodeError as error:
        encoding = error.encoding if isinstance(error, UnicodeDecodeError) else "text"
        raise _refusal(file, f"not well-formed XML: it is no valid {encoding}") from error
    except (OSError, pa.ArrowInvalid, zlib.error) as error:
        raise _refusal(file, f"cannot be read: {error}") from error


def _refusal(file: SourceFile, reason: str) -> SourceFormatError:
    return SourceFormatError(f"{file.name}: {reason}")


class _Document:
    """One document on its way through the parser."""

    def __init__(self, file: SourceFile, events: Events) -> None:
        self._file = file
        self._events = events
        self._depth = 0
        self._progress = False
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.CommentHandler = self._comment
        self._parser.StartDoctypeDeclHandler = self._doctype

    def read(self) -> int:
        codec = None if self._file.compression == "uncompressed" else self._file.compression
        replaced = 0
        pending = 0
        with pa.input_stream(str(self._file.path), compression=codec) as stream:
            chunk: bytes = stream.read(_CHUNK)
            encoding, mark = self._encoding(chunk)
            decoder = self._decoder(encoding)
            # Blank lines before the declaration are frequent, and forbidden.
            text = decoder.decode(chunk[mark:]).lstrip()
            while chunk:
                text, count = _FORBIDDEN.subn("\ufffd", text)
                replaced += count
                self._progress = False
                self._parser.Parse(text.encode("utf-8", "replace"), False)
                # A tag is held until it is complete.
                pending = 0 if self._progress else pending + len(chunk)
                if pending > _LONGEST_TAG:
                    self._refuse(f"a tag or comment is longer than {_LONGEST_TAG >> 20} MiB")
                chunk = stream.read(_CHUNK)
                text = decoder.decode(chunk, final=not chunk)
        self._parser.Parse(text.encode("utf-8", "replace"), True)
        return replaced

    def _encoding(self, head: bytes) -> tuple[str, int]:
        """Return the encoding of the text, and how long its byte order mark is."""
        for mark, encoding in _BYTE_ORDER_MARKS:
            if head.startswith(mark):
                return encoding, 0 if b"<" in mark else len(mark)
        declared = _DECLARED.match(head[:1024])
        encoding = declared[1].decode("ascii").lower() if declared else "utf-8"
        # The declaration could be read, so it is wrong: .NET writes it for text in memory.
        if encoding.startswith(("utf-16", "utf16", "utf-32", "utf32", "ucs", "iso-10646")):
            return "utf-8", 0
        return encoding, 0

    def _decoder(self, encoding: str) -> codecs.IncrementalDecoder:
        try:
            # Knows encodings of text only; a codec such as zip is none.
            b"<".decode(encoding, "ignore")
            return codecs.getincrementaldecoder(encoding)()
        except (LookupError, UnicodeError):
            self._refuse(f"its encoding {encoding} is not known")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._progress = True
        self._depth += 1
        if self._depth > _DEEPEST:
            self._refuse(f"elements are nested deeper than {_DEEPEST:,}")
        self._events.start(name.rpartition(":")[2], attributes)

    def _end(self, _name: str) -> None:
        self._progress = True
        self._depth -= 1
        self._events.end()

    def _text(self, text: str) -> None:
        self._progress = True
        self._events.text(text)

    def _comment(self, _text: str) -> None:
        self._progress = True

    def _doctype(self, *_: object) -> NoReturn:
        self._refuse("it has a document type declaration (DTD), which no test report needs")

    def _refuse(self, reason: str) -> NoReturn:
        raise _refusal(self._file, reason)
