"""The texts of arguments and answers, of a limited length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_obslake import values
from pytest_obslake.isolation import private_modules
from pytest_obslake.references import qualified_name

if TYPE_CHECKING:
    from pytest_obslake.attempts import Attempt

_encode = values.encode_value
_quote = values._quote
_SMALLEST, _LARGEST = -(1 << 62), 1 << 62
_LONGEST_ESCAPE = 6


class Texts:
    """Turns values and exceptions into texts; a text above the limit becomes a hash."""

    def __init__(self, max_bytes: int) -> None:
        """Limit texts to `max_bytes` bytes of UTF-8."""
        self.max_bytes = max_bytes
        self._n_short = max_bytes // _LONGEST_ESCAPE

    def plain(self, value: object) -> str | None:
        """Return the text of a short and simple value, as most are; None for all others."""
        kind = type(value)
        if kind is str:
            if len(value) < self._n_short and value.isascii():  # type: ignore[arg-type, attr-defined]
                return _quote(value)  # type: ignore[arg-type]
        elif kind is int:
            if _SMALLEST < value < _LARGEST:  # type: ignore[operator]
                return repr(value)
        elif value is None:
            return "null"
        elif kind is bool:
            return "true" if value else "false"
        return None

    def argument(self, test: Attempt, value: object, step: int) -> str:
        """Return the text of an argument: JSON; a token of the protocol is a JSON string."""
        reference = test.references.refer(value, step)
        if reference is not None:
            return _encode(reference)
        text = self.text(value)
        return _encode(text) if text.startswith("$") else text

    def text(self, value: object) -> str:
        """Return the text of a value, shortened; ``$N/A@<type>`` if it has none."""
        try:
            text = _encode(value)
            return text if len(text) < self._n_short else self.shorten(text)
        except values.NotSerializable as finding:
            return finding.response
        except Exception:  # such as a metaclass that cannot be hashed
            return f"{values.NOT_AVAILABLE}@{qualified_name(type(value))}"

    def exception(self, error: BaseException) -> str:
        """Return the text of an exception with its message shortened, or without one if ``str`` fails."""
        try:
            text = values.exception_response(error)
        except KeyboardInterrupt:
            raise
        except BaseException:
            return f"{values.EXCEPTION_PREFIX}{_class_name(type(error))}@"
        prefix, class_name, message = text.split("@", 2)
        return f"{prefix}@{class_name}@{self.shorten(message)}"

    def shorten(self, text: str) -> str:
        """Return the text, or its hash if it is too long."""
        if len(text) * 4 <= self.max_bytes or self._fits(text):
            return text
        return values.truncate_response(text, 0)

    def _fits(self, text: str) -> bool:
        return len(text.encode("utf-8", "surrogatepass")) <= self.max_bytes


def _class_name(cls: type) -> str:
    try:
        return values.qualified_name(cls)
    except Exception:
        return qualified_name(cls)


private_modules(globals())
private_modules(vars(values))
