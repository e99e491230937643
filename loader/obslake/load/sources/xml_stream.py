"""Read XML as a stream of events in bounded memory; without document types, nothing is expanded or fetched.

docs/decisions/0006-reading-test-reports.md explains why not as a tree, and why with the standard library's parser.
"""

import codecs
import re
import sys
import zlib
from collections.abc import Iterator, Mapping
from typing import NoReturn, Protocol
from xml.parsers import expat

import pyarrow as pa

from obslake.errors import SourceFormatError
from obslake.load.sources.compression import open_plain
from obslake.load.sources.files import SourceFile

_CHUNK = 1 << 20
_LONGEST_TAG = 16 << 20
_DEEPEST = 1000

_BYTE_ORDER_MARKS = (
    # UTF-32 comes first because its little-endian mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Without a mark, the encoding follows from the zeros around the first characters.
_UNMARKED = (
    (re.compile(rb"(?:[ \t\r\n]\x00\x00\x00)*<\x00\x00\x00"), "utf-32-le"),
    (re.compile(rb"(?:\x00\x00\x00[ \t\r\n])*\x00\x00\x00<"), "utf-32-be"),
    (re.compile(rb"(?:[ \t\r\n]\x00)*<\x00"), "utf-16-le"),
    (re.compile(rb"(?:\x00[ \t\r\n])*\x00<"), "utf-16-be"),
)
# Beginnings of the names of encodings with two or four bytes per character.
_WIDE = ("utf16", "utf32", "ucs", "csucs", "iso10646", "unicode", "csunicode", "windowsunicode")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
# Characters that XML does not allow, such as terminal colours that tools copy from the output of tests.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SURROGATES = re.compile("([\ud800-\udbff])([\udc00-\udfff])")
# A character reference, or two that may be halves of a surrogate pair; or the start of a section or comment, which
# has no references.
_REFERENCE = r"&#([xX][0-9A-Fa-f]{1,20}|[0-9]{1,20});"
_MARKUP = re.compile(rf"<!(?:\[CDATA\[|--)|{_REFERENCE}(?:{_REFERENCE})?")
# An end of a piece that may continue in the next one: empty, a reference, a section or a comment.
_PARTIAL = re.compile(r"(?:&(?:#[xX]?[0-9A-Fa-f]{0,20})?|<(?:!(?:-|\[[CDAT]{0,5})?)?)?\Z")
_LONGEST_REFERENCE = 32


class Events(Protocol):
    """Receives the events of a document in document order."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Handle the start of an element; its name has no prefix."""

    def end(self) -> None:
        """Handle the end of the innermost element."""

    def text(self, text: str) -> None:
        """Handle text of the innermost element, possibly in several parts."""


def read_xml(file: SourceFile, events: Events) -> int:
    """Send the events of a document.

    Returns:
        The number of characters that XML does not allow and that were replaced by U+FFFD.

    Raises:
        SourceFormatError: the file is not XML, is cut off, declares a document type, is nested too
            deeply, or has a tag that is too long.
    """
    try:
        return _Document(file, events).read()
    except expat.ExpatError as error:
        message = expat.errors.messages.get(error.code, "an error")
        raise _refusal(file, f"not well-formed XML: {message}, line {error.lineno}") from error
    except UnicodeError as error:
        encoding = error.encoding if isinstance(error, UnicodeDecodeError) else "text"
        raise _refusal(file, f"not well-formed XML: it is not valid {encoding}") from error
    except (OSError, pa.ArrowInvalid, zlib.error) as error:
        raise _refusal(file, f"cannot be read: {error}") from error


def _refusal(file: SourceFile, reason: str) -> SourceFormatError:
    return SourceFormatError(f"{file.name}: {reason}")


class _Allowed:
    """Replaces characters that XML 1.0 does not allow in a text that comes in pieces.

    These are characters, and references to characters such as ``&#x1B;`` outside CDATA sections and comments.

    Attributes:
        n_replaced: number of characters and references replaced by U+FFFD.
    """

    def __init__(self) -> None:
        self.n_replaced = 0
        self._held = ""
        # The end mark of the current CDATA section or comment.
        self._end: str | None = None

    def replace(self, text: str, *, final: bool = False) -> str:
        """Return the next piece of the text; an incomplete end is held back for the next call."""
        text = self._held + text
        half = text[-1:] if not final and "\ud800" <= text[-1:] <= "\udbff" else ""
        text, self._held = text.removesuffix(half), half
        if _FORBIDDEN.search(text):
            text = _SURROGATES.sub(_join, text)
            text, count = _FORBIDDEN.subn("\ufffd", text)
            self.n_replaced += count
        return "".join(self._pieces(text, final=final))

    def _pieces(self, text: str, *, final: bool) -> Iterator[str]:
        """Yield the text in parts, with its references joined or replaced."""
        at = 0
        while True:
            if self._end is not None:
                found = text.find(self._end, at)
                if found < 0:
                    cut = max(at, len(text) - len(self._end) + 1)
                    break
                yield text[at:found]
                at, self._end = found, None
            match = _MARKUP.search(text, at)
            if match is None:
                partial = _PARTIAL.search(text, max(at, len(text) - _LONGEST_REFERENCE))
                cut = partial.start() if partial else len(text)
                break
            if match[1] and not match[2] and _is_high(match[1]):
                # The other half may be in the next piece.
                cut = match.start()
                if not final and _PARTIAL.fullmatch(text, match.end()):
                    break
            yield text[at : match.start()]
            at = match.end()
            if match[1] is None:
                yield match[0]
                self._end = "]]>" if match[0].endswith("[") else "-->"
            elif match[2] is not None and (pair := _pair(match[1], match[2])):
                yield f"&#{pair};"
            else:
                yield self._reference(match[1])
                # The second reference may be the first half of another pair.
                at = match.end(1) + 1
        cut = len(text) if final else cut
        yield text[at:cut]
        self._held = text[cut:] + self._held

    def _reference(self, number: str) -> str:
        code = _code(number)
        if code <= sys.maxunicode and not _FORBIDDEN.match(chr(code)):
            return f"&#{number.lower()};"
        self.n_replaced += 1
        return "\ufffd"


def _code(number: str) -> int:
    return int(number[1:], 16) if number[0] in "xX" else int(number)


def _is_high(number: str) -> bool:
    return 0xD800 <= _code(number) <= 0xDBFF


def _join(halves: "re.Match[str]") -> str:
    return chr(_joined(ord(halves[1]), ord(halves[2])))


def _joined(high: int, low: int) -> int:
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)


def _pair(first: str, second: str) -> int | None:
    """Return the code of the character that two references encode as a surrogate pair, else None."""
    high, low = _code(first), _code(second)
    is_pair = 0xD800 <= high <= 0xDBFF and 0xDC00 <= low <= 0xDFFF
    return _joined(high, low) if is_pair else None


class _Document:
    """Parses one document."""

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
        pending = 0
        with open_plain(self._file.path, self._file.compression) as stream:
            chunk = stream.read(_CHUNK)
            encoding, mark = self._encoding(chunk)
            decoder = self._decoder(encoding)
            allowed = _Allowed()
            # Blank lines before the declaration are common although XML forbids them.
            text = allowed.replace(decoder.decode(chunk[mark:]).lstrip())
            while chunk:
                self._progress = False
                self._parser.Parse(text.encode("utf-8", "replace"), False)
                # The parser buffers a tag until it is complete.
                pending = 0 if self._progress else pending + len(chunk)
                if pending > _LONGEST_TAG:
                    self._refuse(f"a tag or comment is longer than {_LONGEST_TAG >> 20} MiB")
                chunk = stream.read(_CHUNK)
                text = allowed.replace(decoder.decode(chunk, final=not chunk), final=not chunk)
        self._parser.Parse(text.encode("utf-8", "replace"), True)
        return allowed.n_replaced

    def _encoding(self, head: bytes) -> tuple[str, int]:
        """Return the encoding of the text, and the length of its byte order mark."""
        for mark, encoding in _BYTE_ORDER_MARKS:
            if head.startswith(mark):
                return encoding, len(mark)
        for start, encoding in _UNMARKED:
            if start.match(head[:1024]):
                return encoding, 0
        declared = _DECLARED.match(head[:1024])
        encoding = declared[1].decode("ascii").lower() if declared else "utf-8"
        # A wide encoding is wrong if the declaration was readable as ASCII; .NET writes it for text in memory.
        if re.sub(r"[^a-z0-9]", "", encoding).startswith(_WIDE):
            return "utf-8", 0
        return encoding, 0

    def _decoder(self, encoding: str) -> codecs.IncrementalDecoder:
        try:
            # This fails for codecs that are not text encodings, such as zip.
            b"<".decode(encoding, "ignore")
            decoder = codecs.getincrementaldecoder(encoding)
        except (LookupError, UnicodeError):
            self._refuse(f"its encoding {encoding} is unknown")
        # Java and JavaScript write surrogates as separate characters; they are joined or replaced.
        has_halves = codecs.lookup(encoding).name.startswith("utf-")
        return decoder("surrogatepass" if has_halves and encoding != "utf-7" else "strict")

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
