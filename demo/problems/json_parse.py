"""Parse a JSON text; the prescribed answers follow from the grammar of the standard (RFC 8259)."""

# ruff: noqa: RUF001 - look-alike characters are part of the stimuli

from problems import UNDEFINED, Problem, Step, accepts

PROBLEM = Problem(
    "json_parse",
    {"loads": "loads(text: str) -> object", "accepts": "accepts(text: str) -> bool"},
    derived={"accepts": accepts},
)

# Texts that match the grammar, with the value if all parsers can represent the same one.
VALID = {
    "null": ("null", None),
    "true": ("true", True),
    "false": ("false", False),
    "zero": ("0", 0),
    "minus_zero": ("-0", UNDEFINED),
    "minus_zero_point": ("-0.0", UNDEFINED),
    "integer": ("42", 42),
    "negative": ("-17", -17),
    "fraction": ("1.5", 1.5),
    "exponent": ("1e3", 1000.0),
    "exponent_upper_plus": ("1E+2", 100.0),
    "exponent_negative": ("25e-2", 0.25),
    "tiny": ("1e-400", UNDEFINED),
    "overflow": ("1e400", UNDEFINED),
    "subnormal": ("5e-324", UNDEFINED),
    "int64_max": ("9223372036854775807", 9223372036854775807),
    "int64_over": ("9223372036854775808", UNDEFINED),
    "uint64_over": ("18446744073709551616", UNDEFINED),
    "long_integer": ("1" + "0" * 40, UNDEFINED),
    "very_long_integer": ("1" * 5000, UNDEFINED),
    "many_decimals": ("0.1000000000000000055511151231257827021181583404541015625", UNDEFINED),
    "half_way": ("9007199254740993.0", UNDEFINED),
    "empty_string": ('""', ""),
    "string": ('"abc"', "abc"),
    "escapes": (r'"\"\\\/\b\f\n\r\t"', '"\\/\b\f\n\r\t'),
    "unicode_escape": (r'"\u00e9"', "é"),
    "surrogate_pair": (r'"\ud83d\ude00"', "😀"),
    "lone_high_surrogate": (r'"\ud800"', UNDEFINED),
    "lone_low_surrogate": (r'"\udc00"', UNDEFINED),
    "surrogates_in_wrong_order": (r'"\ude00\ud83d"', UNDEFINED),
    "escaped_null": (r'"\u0000"', "\x00"),
    "raw_unicode": ('"é😀"', "é😀"),
    "delete_character": ('"\x7f"', "\x7f"),
    "line_separator": ('"\u2028"', "\u2028"),
    "noncharacter": ('"\uffff"', "\uffff"),
    "empty_array": ("[]", []),
    "array": ("[1,2,3]", [1, 2, 3]),
    "nested_array": ("[[[]],[1]]", [[[]], [1]]),
    "empty_object": ("{}", {}),
    "object": ('{"a":1,"b":[true]}', {"a": 1, "b": [True]}),
    "empty_key": ('{"":1}', {"": 1}),
    "dollar_key": ('{"$float":"nan"}', {"$float": "nan"}),
    "duplicate_keys": ('{"a":1,"a":2}', UNDEFINED),
    "proto_key": ('{"__proto__":1,"__class__":2}', {"__proto__": 1, "__class__": 2}),
    "spaces": (" [ 1 ,\t2\r\n] ", [1, 2]),
    "deep_100": ("[" * 100 + "]" * 100, UNDEFINED),
    "deep_600": ("[" * 600 + "]" * 600, UNDEFINED),
    "deep_1500": ("[" * 1500 + "]" * 1500, UNDEFINED),
    "deep_objects": ('{"a":' * 600 + "1" + "}" * 600, UNDEFINED),
}
# Texts that do not match the grammar.
INVALID = {
    "empty": "",
    "only_space": "  ",
    "two_values": "1 2",
    "trailing_comma_array": "[1,]",
    "trailing_comma_object": '{"a":1,}',
    "leading_comma": "[,1]",
    "double_comma": "[1,,2]",
    "missing_comma": '["a" "b"]',
    "missing_colon": '{"a" 1}',
    "unclosed_array": "[1",
    "unclosed_object": '{"a":1',
    "unclosed_string": '"abc',
    "extra_bracket": "[1]]",
    "single_quotes": "'abc'",
    "unquoted_key": "{a:1}",
    "number_key": "{1:1}",
    "nan": "NaN",
    "infinity": "Infinity",
    "minus_infinity": "-Infinity",
    "upper_case_true": "TRUE",
    "python_none": "None",
    "undefined": "undefined",
    "leading_zero": "012",
    "minus_leading_zero": "-01",
    "plus": "+1",
    "bare_minus": "-",
    "leading_point": ".5",
    "trailing_point": "1.",
    "empty_exponent": "1e",
    "hexadecimal": "0x10",
    "underscore": "1_000",
    "full_width_digit": "１",
    "comment_line": "1 // one",
    "comment_block": "[1, /* two */ 3]",
    "raw_newline": '"a\nb"',
    "raw_tab": '"a\tb"',
    "raw_null": '"a\x00b"',
    "bad_escape": r'"\x41"',
    "short_unicode_escape": r'"\u12"',
    "byte_order_mark": "\ufeff1",
    "no_break_space": "\u00a01",
    "form_feed": "\f1",
    "half_literal": "nul",
    "letters_after": "truefalse",
    "null_after": "1\x00",
}
NOT_TEXT = {"none": None, "integer_argument": 1, "bytes_argument": b"[1]", "dict_argument": {}}

for name, (text, value) in VALID.items():
    PROBLEM.sequence(
        f"valid_{name}", Step("loads", (text,), value), Step("accepts", (text,), expected=True)
    )
for name, text in INVALID.items():
    PROBLEM.sequence(
        f"invalid_{name}", Step("loads", (text,)), Step("accepts", (text,), expected=False)
    )
for name, argument in NOT_TEXT.items():
    PROBLEM.test(f"not_text_{name}", argument)


@PROBLEM.implementation("stdlib:json", "json")
def json_loads(text):
    import json

    return json.loads(text)


@PROBLEM.implementation("simplejson", "simplejson")
def simplejson_loads(text):
    import simplejson

    return simplejson.loads(text)


@PROBLEM.implementation("orjson", "orjson")
def orjson_loads(text):
    import orjson

    return orjson.loads(text)


@PROBLEM.implementation("ujson", "ujson")
def ujson_loads(text):
    import ujson

    return ujson.loads(text)


@PROBLEM.implementation("python-rapidjson", "rapidjson")
def rapidjson_loads(text):
    import rapidjson

    return rapidjson.loads(text)


@PROBLEM.implementation("msgspec", "msgspec.json")
def msgspec_decode(text):
    import msgspec

    return msgspec.json.decode(text)


@PROBLEM.implementation("jiter", "jiter")
def jiter_from_json(text):
    import jiter

    # It reads bytes only; what is no text reaches it as it is.
    return jiter.from_json(text.encode("utf-8") if isinstance(text, str) else text)


@PROBLEM.implementation("demjson3", "demjson3")
def demjson3_decode(text):
    import demjson3

    return demjson3.decode(text, strict=True)
