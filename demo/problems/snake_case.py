"""Turn an identifier or a phrase into snake_case."""

from problems import Problem

PROBLEM = Problem("snake_case", {"snake_case": "snake_case(text: str) -> str"})

TEXTS = [
    "camelCase", "PascalCase", "snake_case", "kebab-case", "dot.case", "path/case", "Title Case",
    "SCREAMING_SNAKE", "Train-Case", "lower", "UPPER", "a", "A", "aB", "Ab", "AB", "ABc", "aBC",
    "aBCd", "HTTPServer", "getHTTPResponse", "parseURL", "URLParser", "XMLHttpRequest", "ioError",
    "IOError", "innerHTML", "iPhone", "eBay", "McDonald", "userID", "userIDs", "simpleXML",
    "version2", "version2Beta", "2ndPlace", "area51Controller", "utf8Decode", "UTF8Decode", "x1y2z3",
    "sha256sum", "i18n", "B2B", "MP3Player", "3dModel", "py3k", "a1B2c3", "Version1_2", "v1.2.3",
    "_private", "__dunder__", "trailing_", "double__underscore", "mixed_camelCase", "Mixed_Case",
    "camel_Case", "already-kebab_mixed", "foo.barBaz", "foo::barBaz", "hello world", "Hello World",
    "  outer spaces  ", "many   spaces", "tab\tand\nnewline", "hello, world!", "don't stop",
    "rock&roll", "C++", "100%", "$price", "@decorator", "#hash", "a-b_c d.e", "--flag", "-", "_",
    "éclairBleu", "ÉclairBleu", "größeÄndern", "ÄÖÜ", "straßenName", "приветМир", "ПриветМир",
    "καλημέραΚόσμε", "İstanbulŞehir", "你好世界", "emoji😀Face", "ǅungla", "a\u0301B", "ﬁneLigature",
    "", " ", "None", "\ud800aB", "a" * 50 + "B" * 50, "aB" * 30,
]  # fmt: skip
for index, text in enumerate(TEXTS):
    PROBLEM.test(f"{index:02d}_{text.encode('unicode_escape').decode()[:24]}", text)
for name, argument in {"none": None, "integer": 42, "bytes": b"aB", "list": ["aB"]}.items():
    PROBLEM.test(f"not_text_{name}", argument)


@PROBLEM.implementation("inflection", "inflection")
def inflection_underscore(text):
    import inflection

    return inflection.underscore(text)


@PROBLEM.implementation("stringcase", "stringcase")
def stringcase_snakecase(text):
    import stringcase

    return stringcase.snakecase(text)


@PROBLEM.implementation("casefy", "casefy")
def casefy_snakecase(text):
    import casefy

    return casefy.snakecase(text)


@PROBLEM.implementation("case-converter", "caseconverter")
def caseconverter_snakecase(text):
    import caseconverter

    return caseconverter.snakecase(text)


@PROBLEM.implementation("caseutil", "caseutil")
def caseutil_to_snake(text):
    import caseutil

    return caseutil.to_snake(text)


@PROBLEM.implementation("case-switcher", "caseswitcher")
def caseswitcher_to_snake(text):
    import caseswitcher

    return caseswitcher.to_snake(text)


@PROBLEM.implementation("case-conversion", "case_conversion")
def case_conversion_snake(text):
    import case_conversion

    return case_conversion.snake(text)


@PROBLEM.implementation("pyhumps", "humps")
def humps_decamelize(text):
    import humps

    return humps.decamelize(text)


@PROBLEM.implementation("boltons", "boltons.strutils")
def boltons_camel2under(text):
    from boltons.strutils import camel2under

    return camel2under(text)


@PROBLEM.implementation("inflector", "inflector")
def inflector_underscore(text):
    from inflector import Inflector

    return Inflector().underscore(text)
