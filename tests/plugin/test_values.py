"""The value codec: values survive a round trip, and different values have different texts."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import json
import math
import struct
import uuid
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pytest_obslake import values as protocol
from pytest_obslake.decoding import decode_value
from pytest_obslake.values import NotSerializable, encode_value

any_text = st.text(st.characters(exclude_categories=()), max_size=6)
keys = st.one_of(any_text, any_text.map("${}".format), st.sampled_from(["$float", "$dict", "$"]))
offsets = st.none() | st.integers(-1439, 1439).map(lambda m: dt.timezone(dt.timedelta(minutes=m)))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, -1]),
    st.floats(),
    st.complex_numbers(),
    any_text,
    st.binary(max_size=6),
    st.binary(max_size=6).map(bytearray),
    st.decimals(),
    st.fractions(),
    st.dates(),
    st.times(timezones=offsets).map(lambda value: value.replace(fold=0)),
    st.datetimes(timezones=offsets).map(lambda value: value.replace(fold=0)),
    st.timedeltas(),
    st.uuids(),
    st.builds(range, st.integers(), st.integers(), st.integers(min_value=1)),
    st.just(...),
)
hashables = st.recursive(
    scalars.filter(lambda value: type(value).__hash__ is not None and not _is_snan(value)),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=4,
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
        st.dictionaries(hashables, inner, max_size=4),
        st.sets(hashables, max_size=4),
        st.frozensets(hashables, max_size=4),
    ),
    max_leaves=12,
)


def _is_snan(value: object) -> bool:
    return isinstance(value, Decimal) and value.is_snan()


def identity(value: object) -> object:
    """A key that is equal exactly for values with the same types and contents."""
    kind = type(value).__name__
    if isinstance(value, float):
        return kind, "nan" if math.isnan(value) else struct.pack(">d", value)
    if isinstance(value, complex):
        return kind, identity(value.real), identity(value.imag)
    if isinstance(value, (list, tuple)):
        return kind, tuple(map(identity, value))
    if isinstance(value, (set, frozenset)):
        return kind, frozenset(collections.Counter(map(identity, value)).items())
    if isinstance(value, dict):
        return kind, tuple((identity(key), identity(item)) for key, item in value.items())
    if isinstance(value, (Decimal, range, dt.datetime, dt.time)):
        return kind, repr(value)
    if isinstance(value, bytearray):
        return kind, bytes(value)
    return kind, value


# -- properties ------------------------------------------------------------------------------------


@given(values)
@example("\ud83d\ude00 is two code points, \U0001f600 is one")
@example({"\ud83d\ude00": 1})
@example([-0.0, 0.0, 5e-324, 1.7976931348623157e308])
@example({"$float": "nan"})
@example({"$dict": [["a", 1]]})
@example({(1, frozenset({b"x"})): {None: {"$tuple": []}}})
@example(10**5000 - 1)
@example(-(10**5000))
def test_a_decoded_value_is_the_encoded_one(value: object) -> None:
    assert identity(decode_value(encode_value(value))) == identity(value)


@given(values)
def test_the_text_is_one_line_of_compact_json_in_utf8(value: object) -> None:
    text = encode_value(value)
    text.encode("utf-8")
    assert "\n" not in text
    json.loads(text, parse_constant=pytest.fail)


@given(values, values)
@example(True, 1)
@example(1, 1.0)
@example(0.0, -0.0)
@example([1], (1,))
@example({1}, frozenset({1}))
@example(b"a", bytearray(b"a"))
@example({"1": "a"}, {1: "a"})
@example(float("nan"), {"$float": "nan"})
@example((), {"$tuple": []})
@example(Decimal("1.0"), Decimal("1.00"))
@example("\U0001f600\ud800", "\ud83d\ude00\ud800")
@example({"a": 1, "b": 2}, {"b": 2, "a": 1})
def test_different_values_have_different_texts(a: object, b: object) -> None:
    assert (encode_value(a) == encode_value(b)) == (identity(a) == identity(b))


@given(values)
def test_encoding_a_decoded_value_gives_the_same_text(value: object) -> None:
    text = encode_value(value)
    assert encode_value(decode_value(text)) == text


@given(st.lists(st.one_of(st.integers(), any_text), unique=True))
def test_the_insertion_order_of_a_set_does_not_matter(items: list[object]) -> None:
    backwards = list(reversed(items))
    assert encode_value(set(items)) == encode_value(set(backwards))


# -- the table of the module, form by form ---------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        ("é\n", '"é\\n"'),
        ("\ud800é", '"\\ud800\\u00e9"'),
        ("\ud83d\ude00", '{"$str":[55357,56832]}'),
        ([1, [2]], "[1,[2]]"),
        ({"b": 1, "a": 2}, '{"b":1,"a":2}'),
        ({}, "{}"),
        (float("nan"), '{"$float":"nan"}'),
        (float("-inf"), '{"$float":"-inf"}'),
        (b"hi", '{"$bytes":"aGk="}'),
        (bytearray(b"hi"), '{"$bytearray":"aGk="}'),
        ((1, 2), '{"$tuple":[1,2]}'),
        ({"b", "a"}, '{"$set":["a","b"]}'),
        (frozenset({1}), '{"$frozenset":[1]}'),
        ({1: "a"}, '{"$dict":[[1,"a"]]}'),
        ({"$x": 1}, '{"$dict":[["$x",1]]}'),
        (complex(1, -0.0), '{"$complex":[1.0,-0.0]}'),
        (Decimal("1.50"), '{"$decimal":"1.50"}'),
        (Fraction(1, 3), '{"$fraction":"1/3"}'),
        (dt.date(2024, 2, 29), '{"$date":"2024-02-29"}'),
        (dt.time(9, 30), '{"$time":"09:30:00"}'),
        (
            dt.datetime(2024, 2, 29, 9, 30, tzinfo=dt.timezone(dt.timedelta(hours=1))),
            '{"$datetime":"2024-02-29T09:30:00+01:00"}',
        ),
        (dt.timedelta(1, 2, 3), '{"$timedelta":[1,2,3]}'),
        (uuid.UUID(int=1), '{"$uuid":"00000000-0000-0000-0000-000000000001"}'),
        (range(0, 9, 2), '{"$range":[0,9,2]}'),
        (..., '{"$ellipsis":null}'),
    ],
)
def test_form(value: object, text: str) -> None:
    assert encode_value(value) == text


# -- values that cannot be encoded -----------------------------------------------------------------


class Colour(enum.IntEnum):
    RED = 1


class Shout(str):
    pass


@dataclasses.dataclass
class Dataclass:
    x: int = 1


Point = collections.namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "type_name"),
    [
        (object(), "object"),
        (Colour.RED, f"{__name__}.Colour"),
        (Shout("a"), f"{__name__}.Shout"),
        (Dataclass(), f"{__name__}.Dataclass"),
        (Point(1, 2), f"{__name__}.Point"),
        ([{"a": object()}], "object"),
        ({object(): 1}, "object"),
        (collections.OrderedDict(a=1), "collections.OrderedDict"),
        (len, "builtin_function_or_method"),
        (dt.datetime(2024, 1, 1, tzinfo=ZoneInfo("UTC")), "datetime.datetime"),
        (dt.datetime(2024, 1, 1, fold=1), "datetime.datetime"),
        (dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(0), "Z")), "datetime.datetime"),
    ],
)
def test_values_that_do_not_survive_a_round_trip_are_not_serializable(
    value: object, type_name: str
) -> None:
    with pytest.raises(NotSerializable) as caught:
        encode_value(value)
    assert caught.value.type_name == type_name
    assert caught.value.response == f"$N/A@{type_name}"


def test_a_structure_that_contains_itself_is_not_serializable() -> None:
    loop: list[object] = []
    loop.append({"again": loop})
    with pytest.raises(NotSerializable, match="list contains itself"):
        encode_value(loop)


def test_a_part_that_occurs_twice_is_not_a_cycle() -> None:
    part = [1]
    assert encode_value([part, part, (part,)]) == '[[1],[1],{"$tuple":[[1]]}]'


@pytest.mark.parametrize(
    "wrap", [lambda v: [v], lambda v: (v,), lambda v: {"a": v}, lambda v: {1: v}]
)
def test_depth_has_a_limit_that_round_trips(wrap: object) -> None:
    value: object = 1
    for _ in range(protocol.MAX_DEPTH):
        value = wrap(value)  # type: ignore[operator]
    assert decode_value(encode_value(value)) == value
    with pytest.raises(NotSerializable, match="nested deeper than 150"):
        encode_value(wrap(value))  # type: ignore[operator]


# -- decoding invalid texts ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NaN",
        "Infinity",
        "[1,]",
        '{"$nope":1}',
        '{"$tuple":[1],"a":2}',
        '{"$tuple":"ab"}',
        '{"$set":[[1]]}',
        '{"$bytes":"a"}',
        '{"$bytes":"a!Gk="}',
        '{"$float":"1.5"}',
        '{"$decimal":"x"}',
        '{"$date":"2024-02-30"}',
        '{"$date":7}',
        '{"$fraction":"1/0"}',
        '{"$complex":[1.0]}',
        '{"$uuid":"x"}',
        '{"$uuid":7}',
        '{"$dict":[[1]]}',
        '{"$str":[-1]}',
        '{"$timedelta":[1,2]}',
    ],
)
def test_a_malformed_text_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the messages are the standard library's
        decode_value(text)


def test_numbers_of_any_length_survive_a_round_trip() -> None:
    text = "1" + "0" * 20_000
    number = decode_value(text)
    assert number == 10**20_000
    assert encode_value(-number) == "-" + text


# -- the other responses ---------------------------------------------------------------------------


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("error", "response"),
    [
        (ValueError("bad @ thing"), "$EXCEPTION@ValueError@bad @ thing"),
        (KeyError("é"), "$EXCEPTION@KeyError@'é'"),
        (StopIteration(), "$EXCEPTION@StopIteration@"),
        (
            json.JSONDecodeError("m", "d", 0),
            "$EXCEPTION@json.decoder.JSONDecodeError@m: line 1 column 1 (char 0)",
        ),
        (MuteError(), f"$EXCEPTION@{__name__}.MuteError@"),
        (ValueError("\ud800"), "$EXCEPTION@ValueError@\\ud800"),
    ],
)
def test_exception_response(error: Exception, response: str) -> None:
    assert protocol.exception_response(error) == response


def test_a_response_within_the_limit_is_kept() -> None:
    assert protocol.truncate_response("12345", 5) == "12345"


def test_a_longer_response_becomes_its_hash() -> None:
    assert protocol.truncate_response("é" * 6, 5) == (
        "$TRUNCATED@22a2c218029b5ac6408a689df250d018e700a707a658e87552ca0f5f306ab00b"
    )


def test_instance_response() -> None:
    assert protocol.instance_response("LRUCache", 0) == "$CUT@LRUCache@0"


def test_tokens_are_those_of_the_protocol() -> None:
    tokens = protocol.TIMEOUT, protocol.CRASH, protocol.NOT_AVAILABLE, protocol.NOT_EXECUTED
    assert tokens == ("$TIMEOUT", "$CRASH", "$N/A", "$*")
    assert protocol.VOID == "{}"
