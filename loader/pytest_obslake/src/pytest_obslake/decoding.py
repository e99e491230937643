"""Decode texts of the response protocol to values."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any, NoReturn

_CHUNK_DIGITS = 600  # below 640, the lowest limit of digits that an interpreter accepts


def decode_value(text: str) -> Any:
    """Return the value of a text made by `encode_value`.

    Raises ValueError if the text is not JSON, or a tagged form in it is unknown or malformed.
    """
    return _untag(json.loads(text, parse_int=_parse_int, parse_constant=_refuse_constant))


def _untag(value: Any) -> Any:
    if isinstance(value, list):
        return [_untag(item) for item in value]
    if not isinstance(value, dict):
        return value
    tags = [key for key in value if key.startswith("$")]
    if not tags:
        return {key: _untag(item) for key, item in value.items()}
    tag = tags[0]
    if len(value) != 1 or tag not in _DECODERS:
        raise ValueError(f"{tag} is not a tagged form of the response protocol")
    try:
        return _DECODERS[tag](value[tag])
    except (TypeError, AttributeError, ArithmeticError, ValueError) as error:
        raise ValueError(f"malformed {tag}: {error}") from error


def _untag_float(text: str) -> float:
    if text not in ("nan", "inf", "-inf"):
        raise ValueError(f"{text!r} is not nan, inf or -inf")
    return float(text)


def _untag_string(code_points: Any) -> str:
    return "".join(map(chr, _untag_list(code_points)))


def _untag_bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _untag_list(items: Any) -> list[Any]:
    if not isinstance(items, list):
        raise TypeError("not an array")
    return [_untag(item) for item in items]


def _untag_complex(parts: Any) -> complex:
    real, imaginary = _untag_list(parts)
    return complex(real, imaginary)


def _untag_fraction(text: str) -> Fraction:
    numerator, denominator = text.split("/")
    return Fraction(_parse_int(numerator), _parse_int(denominator))


def _untag_timedelta(parts: Any) -> dt.timedelta:
    days, seconds, microseconds = _untag_list(parts)
    return dt.timedelta(days=days, seconds=seconds, microseconds=microseconds)


_INTEGER = re.compile(r"-?[0-9]+")


def _parse_int(text: str) -> int:
    """Return the int of any number of decimal digits."""
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"{text!r} is not an integer")
    if len(text) <= _CHUNK_DIGITS:
        return int(text)
    digits = text.lstrip("-")
    number = 0
    for start in range(0, len(digits), _CHUNK_DIGITS):
        chunk = digits[start : start + _CHUNK_DIGITS]
        number = number * 10 ** len(chunk) + int(chunk)
    return -number if text.startswith("-") else number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "$float": _untag_float,
    "$str": _untag_string,
    "$bytes": _untag_bytes,
    "$bytearray": lambda text: bytearray(_untag_bytes(text)),
    "$tuple": lambda items: tuple(_untag_list(items)),
    "$set": lambda items: set(_untag_list(items)),
    "$frozenset": lambda items: frozenset(_untag_list(items)),
    "$dict": lambda pairs: dict(_untag_list(pairs)),
    "$complex": _untag_complex,
    "$decimal": Decimal,
    "$fraction": _untag_fraction,
    "$date": dt.date.fromisoformat,
    "$time": dt.time.fromisoformat,
    "$datetime": dt.datetime.fromisoformat,
    "$timedelta": _untag_timedelta,
    "$uuid": uuid.UUID,
    "$range": lambda parts: range(*_untag_list(parts)),
    "$ellipsis": lambda _: ...,
}
