r"""The response protocol: Python values, exceptions and other responses as stable text.

Responses and arguments are recorded as JSON. A value outside JSON is an object with exactly one key
that starts with ``$``. No ordinary value has this form, because a dict with such a key is itself
written in its tagged form.

==========================================  ===================================================
value                                       text
==========================================  ===================================================
``None``, ``True``, ``7``, ``1.5``          ``null``, ``true``, ``7``, ``1.5``
``"é"``                                     ``"é"``; with a lone surrogate ``"\ud800"``
``"\ud83d\ude00"`` (two code points)        ``{"$str":[55357,56832]}``, as JSON would join them
list; dict of strings                       ``[…]``; ``{…}`` in the dict's own order
``nan``, ``inf``, ``-inf``                  ``{"$float":"nan"}`` (``"inf"``, ``"-inf"``)
``b"hi"``                                   ``{"$bytes":"aGk="}`` (base64)
``bytearray(b"hi")``                        ``{"$bytearray":"aGk="}``
``(1, 2)``                                  ``{"$tuple":[1,2]}``
``{1, 2}``, ``frozenset({1})``              ``{"$set":[1,2]}``, ``{"$frozenset":[1]}``
``{1: "a"}``, ``{"$x": 1}``                 ``{"$dict":[[1,"a"]]}``, ``{"$dict":[["$x",1]]}``
``1 - 0j``                                  ``{"$complex":[1.0,-0.0]}``
``Decimal("1.50")``, ``Fraction(1, 3)``     ``{"$decimal":"1.50"}``, ``{"$fraction":"1/3"}``
``date``, ``time``, ``datetime``            ``{"$date":"2024-02-29"}``, ``{"$time":"09:30:00"}``,
                                            ``{"$datetime":"2024-02-29T09:30:00+01:00"}``
``timedelta(1, 2, 3)``                      ``{"$timedelta":[1,2,3]}`` (days, seconds, µs)
``UUID``, ``range(0, 9, 2)``, ``...``       ``{"$uuid":"…"}``, ``{"$range":[0,9,2]}``,
                                            ``{"$ellipsis":null}``
==========================================  ===================================================

Only these exact types are values. An instance of a subclass (a named tuple, an ``IntEnum``, a
``str`` with extra methods), a dataclass, any other object, a structure that contains itself or is
nested deeper than `MAX_DEPTH`, and a time in a named zone or with a ``fold`` could not be decoded to
what they were, so they raise :class:`NotSerializable`, and the caller records ``$N/A@<type>``. The
elements of a set are ordered by their texts, so that equal sets have equal texts.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import math
import re
import uuid
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

TIMEOUT = "$TIMEOUT"
"""The stimulus was stopped because it took too long."""

CRASH = "$CRASH"
"""The process that ran the stimulus died."""

NOT_AVAILABLE = "$N/A"
"""There was a response, but it has no text; may be followed by ``@`` and details."""

NOT_EXECUTED = "$*"
"""The stimulus was not executed, for example because an earlier step failed."""

VOID = "{}"
"""Nothing was returned, by an operation that returns nothing."""

MAX_DEPTH = 150
"""How deep containers may be nested; our own limit, so that it is the same on any machine."""

CUT_PREFIX = "$CUT@"
EXCEPTION_PREFIX = "$EXCEPTION@"
TRUNCATED_PREFIX = "$TRUNCATED@"


class NotSerializable(TypeError):  # noqa: N818 - a finding about a value, which callers record
    """The value has no text in the protocol; `type_name` is its type."""

    def __init__(
        self, type_name: str, reason: str = "is not a value of the response protocol"
    ) -> None:
        """Take the type of the value, or of its part, that has no text."""
        super().__init__(f"{type_name} {reason}")
        self.type_name = type_name

    @property
    def response(self) -> str:
        """The response to record instead of the value: ``$N/A@<type>``."""
        return f"{NOT_AVAILABLE}@{self.type_name}"


def encode_value(value: object) -> str:
    """Return the text of a value: one line of canonical JSON, always encodable as UTF-8.

    Equal texts mean equal values of equal types. Raises NotSerializable; see the module's table.
    """
    return _encode(value, set())


def exception_response(error: BaseException) -> str:
    """Return ``$EXCEPTION@<class>@<message>``; the class of a builtin has no module."""
    try:
        message = str(error)
    except Exception:
        message = ""
    message = message.encode("utf-8", "backslashreplace").decode("utf-8")
    return f"{EXCEPTION_PREFIX}{qualified_name(type(error))}@{message}"


def instance_response(type_name: str, row: int) -> str:
    """Return ``$CUT@<Type>@<row>``: the object under test that was made at this 0-based row."""
    return f"{CUT_PREFIX}{type_name}@{row}"


def truncate_response(text: str, limit: int) -> str:
    """Return the text, or ``$TRUNCATED@<sha256>`` if it has more than `limit` characters."""
    if len(text) <= limit:
        return text
    return TRUNCATED_PREFIX + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def qualified_name(cls: type) -> str:
    """Return ``package.module.Class``, or ``Class`` for a builtin."""
    module = getattr(cls, "__module__", None)
    if not isinstance(module, str) or module == "builtins":
        return cls.__qualname__
    return f"{module}.{cls.__qualname__}"


# -- encoding --------------------------------------------------------------------------------------


def _encode(value: object, open_ids: set[int]) -> str:
    kind = type(value)
    if kind is int:
        return _encode_int(value)  # type: ignore[arg-type]
    if kind in _SCALARS:
        return _SCALARS[kind](value)
    if kind not in _CONTAINERS:
        raise NotSerializable(qualified_name(kind))
    if id(value) in open_ids:
        raise NotSerializable(qualified_name(kind), "contains itself")
    if len(open_ids) >= MAX_DEPTH:
        raise NotSerializable(qualified_name(kind), f"is nested deeper than {MAX_DEPTH}")
    open_ids.add(id(value))
    text = _CONTAINERS[kind](value, open_ids)
    open_ids.discard(id(value))
    return text


def _encode_string(value: str) -> str:
    if value.isascii() or not _SURROGATE.search(value):
        return _quote(value)
    if not _SURROGATE_PAIR.search(value):
        return _quote_as_ascii(value)
    return _tag("str", "[" + ",".join(str(ord(character)) for character in value) + "]")


def _is_plain_key(key: object) -> bool:
    return type(key) is str and not key.startswith("$") and not _SURROGATE_PAIR.search(key)


def _encode_int(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # longer than sys.get_int_max_str_digits()
        return _long_decimal(value)


def _long_decimal(value: int) -> str:
    """Return the decimal digits of an int of any size, without the interpreter's limit on `str`."""
    if value < 0:
        return "-" + _long_decimal(-value)
    chunks = []
    while value:
        value, chunk = divmod(value, _CHUNK)
        chunks.append(f"{chunk:0{_CHUNK_DIGITS}d}")
    return "".join(reversed(chunks)).lstrip("0")


def _encode_float(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    if math.isnan(value):
        return _tag("float", '"nan"')
    return _tag("float", '"inf"' if value > 0 else '"-inf"')


def _encode_complex(value: complex) -> str:
    return _tag("complex", f"[{_encode_float(value.real)},{_encode_float(value.imag)}]")


def _encode_datetime(value: dt.datetime) -> str:
    return _tag("datetime", _isoformat(value, value.tzinfo))


def _encode_time(value: dt.time) -> str:
    return _tag("time", _isoformat(value, value.tzinfo))


def _isoformat(value: dt.datetime | dt.time, zone: dt.tzinfo | None) -> str:
    # ISO 8601 text has an offset, but neither the zone's name nor the fold.
    if value.fold or not (zone is None or _is_plain_offset(zone)):
        raise NotSerializable(qualified_name(type(value)), "has a named zone or a fold")
    return f'"{value.isoformat()}"'


def _is_plain_offset(zone: dt.tzinfo) -> bool:
    return type(zone) is dt.timezone and repr(zone) == repr(dt.timezone(zone.utcoffset(None)))


def _encode_timedelta(value: dt.timedelta) -> str:
    return _tag("timedelta", f"[{value.days},{value.seconds},{value.microseconds}]")


def _encode_items(items: list[object] | tuple[object, ...], open_ids: set[int]) -> str:
    texts = _encode_alike(items) if len(items) > _FEW else None
    return "[" + ",".join(texts or [_encode(item, open_ids) for item in items]) + "]"


def _encode_alike(items: list[Any] | tuple[Any, ...]) -> Iterable[str] | None:
    """Return the texts of numbers that all have one type, in less time; None for anything else."""
    kinds = set(map(type, items))
    if len(kinds) != 1:
        return None
    if int in kinds:
        try:
            return list(map(repr, items))
        except ValueError:  # one is too long, as above
            return None
    if float in kinds and all(map(math.isfinite, items)):
        return map(repr, items)
    return None


def _encode_set(items: set[object] | frozenset[object], open_ids: set[int]) -> str:
    return "[" + ",".join(sorted(_encode(item, open_ids) for item in items)) + "]"


def _encode_dict(items: dict[object, object], open_ids: set[int]) -> str:
    if all(map(_is_plain_key, items)):
        return "{" + ",".join(_encode_pairs(items, "%s:%s", open_ids)) + "}"
    return _tag("dict", "[" + ",".join(_encode_pairs(items, "[%s,%s]", open_ids)) + "]")


def _encode_pairs(items: dict[object, object], form: str, open_ids: set[int]) -> list[str]:
    return [
        form % (_encode(key, open_ids), _encode(value, open_ids)) for key, value in items.items()
    ]


def _tag(name: str, text: str) -> str:
    return f'{{"${name}":{text}}}'


def _base64(value: bytes | bytearray) -> str:
    return '"' + base64.b64encode(value).decode("ascii") + '"'


_quote = json.encoder.encode_basestring
_quote_as_ascii = json.encoder.encode_basestring_ascii

_FEW = 8

_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")

_CHUNK_DIGITS = 600  # below 640, the lowest limit that an interpreter accepts
_CHUNK = 10**_CHUNK_DIGITS

_SCALARS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "null",
    bool: lambda value: "true" if value else "false",
    int: _encode_int,
    float: _encode_float,
    str: _encode_string,
    complex: _encode_complex,
    bytes: lambda value: _tag("bytes", _base64(value)),
    bytearray: lambda value: _tag("bytearray", _base64(value)),
    Decimal: lambda value: _tag("decimal", f'"{value}"'),
    Fraction: lambda value: _tag(
        "fraction", f'"{_encode_int(value.numerator)}/{_encode_int(value.denominator)}"'
    ),
    dt.date: lambda value: _tag("date", f'"{value.isoformat()}"'),
    dt.time: _encode_time,
    dt.datetime: _encode_datetime,
    dt.timedelta: _encode_timedelta,
    uuid.UUID: lambda value: _tag("uuid", f'"{value}"'),
    range: lambda value: _tag(
        "range",
        f"[{','.join(_encode_int(part) for part in (value.start, value.stop, value.step))}]",
    ),
    type(...): lambda _: _tag("ellipsis", "null"),
}

_CONTAINERS: dict[type, Callable[[Any, set[int]], str]] = {
    list: _encode_items,
    tuple: lambda value, open_ids: _tag("tuple", _encode_items(value, open_ids)),
    set: lambda value, open_ids: _tag("set", _encode_set(value, open_ids)),
    frozenset: lambda value, open_ids: _tag("frozenset", _encode_set(value, open_ids)),
    dict: _encode_dict,
}
