"""Parse a TOML document; the prescribed answers follow from the TOML 1.0 specification."""

import datetime as dt

from problems import UNDEFINED, Problem, Step, accepts

PROBLEM = Problem(
    "toml_parse",
    {"loads": "loads(text: str) -> dict", "accepts": "accepts(text: str) -> bool"},
    derived={"accepts": accepts},
)


def plain(value):
    """The value in built-in types: some packages have their own dates, dicts and strings."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, (dt.datetime, dt.time)) and value.tzinfo:
        return value.replace(tzinfo=dt.timezone(value.utcoffset()))
    return value


VALID = {
    "empty": ("", {}),
    "comment": ("# nothing\n", {}),
    "integer": ("a = 42", {"a": 42}),
    "plus": ("a = +42", {"a": 42}),
    "underscores": ("a = 1_000", {"a": 1000}),
    "hexadecimal": ("a = 0xDEAD_beef", {"a": 0xDEADBEEF}),
    "octal": ("a = 0o755", {"a": 0o755}),
    "binary": ("a = 0b1101", {"a": 13}),
    "int64_max": ("a = 9223372036854775807", {"a": 9223372036854775807}),
    "float": ("a = 3.14", {"a": 3.14}),
    "exponent": ("a = 5e+22", {"a": 5e22}),
    "float_underscores": ("a = 9_224.5", {"a": 9224.5}),
    "infinity": ("a = -inf", {"a": float("-inf")}),
    "nan": ("a = nan", UNDEFINED),
    "minus_zero": ("a = -0.0", {"a": -0.0}),
    "booleans": ("a = true\nb = false", {"a": True, "b": False}),
    "string": ('a = "b"', {"a": "b"}),
    "escapes": (r'a = "\t\"\\\u00e9\U0001F600"', {"a": '\t"\\é😀'}),
    "literal_string": (r"a = 'C:\n'", {"a": "C:\\n"}),
    "multiline": ('a = """\nx\ny"""', {"a": "x\ny"}),
    "multiline_line_ending_backslash": ('a = """x \\\n   y"""', {"a": "x y"}),
    "multiline_with_quotes": ('a = """say ""no"" now"""', {"a": 'say ""no"" now'}),
    "multiline_ending_in_quotes": ('a = """"x""""', {"a": '"x"'}),
    "multiline_literal": ("a = '''\nC:\\\n'''", {"a": "C:\\\n"}),
    "carriage_return_newline": ("a = 1\r\nb = 2\r\n", {"a": 1, "b": 2}),
    "empty_quoted_key": ('"" = 1', {"": 1}),
    "quoted_key": ('"a b" = 1', {"a b": 1}),
    "number_key": ("1234 = 1", {"1234": 1}),
    "dotted_key": ("a.b.c = 1", {"a": {"b": {"c": 1}}}),
    "dotted_key_spaces": ("a . b = 1", {"a": {"b": 1}}),
    "dotted_number_key": ("3.14 = 1", {"3": {"14": 1}}),
    "quoted_dotted_key": ('a."b.c" = 1', {"a": {"b.c": 1}}),
    "table": ("[t]\na = 1", {"t": {"a": 1}}),
    "nested_table": ("[a.b]\nc = 1", {"a": {"b": {"c": 1}}}),
    "super_table_after": ("[a.b]\nc = 1\n[a]\nd = 2", {"a": {"b": {"c": 1}, "d": 2}}),
    "inline_table": ("a = { x = 1, y = 2 }", {"a": {"x": 1, "y": 2}}),
    "inline_table_dotted": ("a = { x.y = 1 }", {"a": {"x": {"y": 1}}}),
    "empty_inline_table": ("a = {}", {"a": {}}),
    "array": ("a = [1, 2]", {"a": [1, 2]}),
    "array_trailing_comma": ("a = [1, 2,]", {"a": [1, 2]}),
    "array_lines_and_comments": ("a = [ # one\n 1,\n 2\n]", {"a": [1, 2]}),
    "array_mixed": ('a = [1, "x", 1.5]', {"a": [1, "x", 1.5]}),
    "array_nested": ("a = [[1], ['x']]", {"a": [[1], ["x"]]}),
    "array_of_tables": ("[[t]]\na = 1\n[[t]]\na = 2", {"t": [{"a": 1}, {"a": 2}]}),
    "array_of_tables_nested": (
        "[[t]]\n[[t.u]]\na = 1\n[t.v]\nb = 2",
        {"t": [{"u": [{"a": 1}], "v": {"b": 2}}]},
    ),
    "offset_datetime": (
        "a = 1979-05-27T00:32:00-07:00",
        {"a": dt.datetime(1979, 5, 27, 0, 32, tzinfo=dt.timezone(dt.timedelta(hours=-7)))},
    ),
    "utc_datetime": (
        "a = 1979-05-27T07:32:00Z",
        {"a": dt.datetime(1979, 5, 27, 7, 32, tzinfo=dt.UTC)},
    ),
    "datetime_with_space": (
        "a = 1979-05-27 07:32:00Z",
        {"a": dt.datetime(1979, 5, 27, 7, 32, tzinfo=dt.UTC)},
    ),
    "local_datetime": ("a = 1979-05-27T07:32:00", {"a": dt.datetime(1979, 5, 27, 7, 32)}),
    "local_date": ("a = 1979-05-27", {"a": dt.date(1979, 5, 27)}),
    "local_time": ("a = 07:32:00.5", {"a": dt.time(7, 32, 0, 500000)}),
    "nanoseconds": ("a = 1979-05-27T07:32:00.123456789", UNDEFINED),
    "hash_in_string": ('a = "#b" # c', {"a": "#b"}),
    "unicode_value": ('a = "日本語"', {"a": "日本語"}),
}
INVALID = {
    "no_value": "a =",
    "no_key": "= 1",
    "no_equals": "a",
    "bare_value": "a = b",
    "two_on_one_line": "a = 1 b = 2",
    "value_on_next_line": "a =\n1",
    "duplicate_key": "a = 1\na = 2",
    "duplicate_quoted_key": 'a = 1\n"a" = 2',
    "duplicate_table": "[t]\na = 1\n[t]\nb = 2",
    "key_becomes_table": "a = 1\n[a]\nb = 2",
    "key_becomes_dotted": "a = 1\na.b = 2",
    "table_becomes_array": "[t]\n[[t]]",
    "extend_inline_table": "a = { x = 1 }\na.y = 2",
    "extend_static_array": "a = []\n[[a]]\nb = 1",
    "dotted_then_table": "a.b.c = 1\n[a.b]\nd = 2",
    "leading_zero": "a = 01",
    "double_underscore": "a = 1__0",
    "trailing_underscore": "a = 1_",
    "leading_point": "a = .5",
    "trailing_point": "a = 5.",
    "upper_case_true": "a = True",
    "upper_case_hexadecimal": "a = 0XFF",
    "signed_hexadecimal": "a = +0xFF",
    "single_quoted_lines": "a = 'x\ny'",
    "unclosed_string": 'a = "x',
    "unclosed_array": "a = [1",
    "bad_escape": r'a = "\q"',
    "surrogate_escape": r'a = "\uD800"',
    "control_character": 'a = "x\x01"',
    "control_character_in_comment": "# x\x01",
    "bare_carriage_return": "a = 1\rb = 2",
    "bad_date": "a = 2023-02-30",
    "bad_hour": "a = 25:00:00",
    "empty_table_name": "[]",
    "table_with_newline": "[a\n]",
    "unclosed_table": "[a",
    "space_between_brackets": "[ [a] ]",
    "multiline_key": '"""a""" = 1',
    "unicode_bare_key": "é = 1",
    "array_without_commas": "a = [1 2]",
    "text_after_table": "[t] a = 1",
    "null": "a = null",
}
NOT_TEXT = {"none": None, "bytes": b"a = 1", "integer": 1}

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


@PROBLEM.implementation("stdlib:tomllib", "tomllib")
def tomllib_loads(text):
    import tomllib

    return plain(tomllib.loads(text))


@PROBLEM.implementation("toml", "toml")
def toml_loads(text):
    import toml

    return plain(toml.loads(text))


@PROBLEM.implementation("tomlkit", "tomlkit")
def tomlkit_parse(text):
    import tomlkit

    return plain(tomlkit.parse(text).unwrap())


@PROBLEM.implementation("rtoml", "rtoml")
def rtoml_loads(text):
    import rtoml

    return plain(rtoml.loads(text))


@PROBLEM.implementation("qtoml", "qtoml")
def qtoml_loads(text):
    import qtoml

    return plain(qtoml.loads(text))


@PROBLEM.implementation("pytoml", "pytoml")
def pytoml_loads(text):
    import pytoml

    return plain(pytoml.loads(text))


@PROBLEM.implementation("pytomlpp", "pytomlpp")
def pytomlpp_loads(text):
    import pytomlpp

    return plain(pytomlpp.loads(text))
