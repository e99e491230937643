"""Reads JSON objects so that numbers keep their spelling and repeated keys are detected."""

import json
import re
from collections.abc import Callable, Collection, Sequence

from obslake.load.sources.typed_text import TAGS

_LONGEST_VALUE = 60


class _Number(str):
    """A number in its original spelling, or the tagged form of a float that JSON has no number for."""

    __slots__ = ()


class _Pairs(list[tuple[str, object]]):
    """The members of an object in their original order."""

    __slots__ = ()


_TAGGED_FLOATS = {
    "NaN": _Number('{"$float":"nan"}'),
    "Infinity": _Number('{"$float":"inf"}'),
    "-Infinity": _Number('{"$float":"-inf"}'),
}


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Pairs,
    parse_float=_Number,
    parse_int=_Number,
    parse_constant=_TAGGED_FLOATS.__getitem__,
    strict=False,
)


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def exact_reader(
    columns: Sequence[str], plain: Collection[str] = ()
) -> Callable[[str], list[str | None]]:
    """Return a function that reads an object as the texts of some columns (names in lower case), and its fault.

    Strings are returned unchanged, other values as JSON of the response protocol, with numbers in their original
    spelling. Columns in ``plain`` are plain JSON, without the protocol's tags.
    """

    def read(text: str) -> list[str | None]:
        found: dict[str, object] = {}
        fault = None
        try:
            members = _DECODER.decode(text)
            if isinstance(members, _Pairs):
                for key, value in members:
                    if key.lower() in found:
                        fault = _repetition(key, found[key.lower()], value)
                    found.setdefault(key.lower(), value)
            texts = [
                _column_text(found.get(column), has_tags=column not in plain) for column in columns
            ]
        except RepeatedKeyError as error:
            return [None] * len(columns) + [str(error)]
        except (ValueError, RecursionError) as error:
            return [None] * len(columns) + [f"is not valid JSON: {error}"]
        return [*texts, fault]

    return read


class RepeatedKeyError(ValueError):
    """An object in a value has the same key twice."""


def _repetition(key: str, first: object, second: object) -> str:
    values = (_shorten(_json_text(value)) for value in (first, second))
    return f"has {key} twice: {' and '.join(values)}"


def _column_text(value: object, *, has_tags: bool) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and not isinstance(value, _Number):
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return _json_text(value, has_tags=has_tags)


def _json_text(value: object, *, has_tags: bool = True) -> str:
    """Return a decoded value as text of the protocol, or without tags as plain JSON."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=_LONE_SURROGATE.search(value) is not None)
    if isinstance(value, _Pairs):
        return _object_text(value, has_tags=has_tags)
    if isinstance(value, list):
        return "[" + ",".join(_json_text(item, has_tags=has_tags) for item in value) + "]"
    return "null" if value is None else "true" if value else "false"


def _object_text(members: _Pairs, *, has_tags: bool) -> str:
    keys = [key for key, _ in members]
    if len(set(keys)) < len(keys):
        twice = next(key for n, key in enumerate(keys) if key in keys[:n])
        first, second, *_ = (value for key, value in members if key == twice)
        raise RepeatedKeyError(_repetition(twice, first, second))
    texts = [(_json_text(key), _json_text(value, has_tags=has_tags)) for key, value in members]
    if (
        has_tags
        and any(key.startswith("$") for key in keys)
        and not (len(keys) == 1 and keys[0] in TAGS)
    ):
        return '{"$dict":[' + ",".join(f"[{key},{text}]" for key, text in texts) + "]}"
    return "{" + ",".join(f"{key}:{text}" for key, text in texts) + "}"


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
