"""Capitalise a headline."""

from problems import Problem

PROBLEM = Problem("title_case", {"title_case": "title_case(text: str) -> str"})

TEXTS = [
    "hello world", "the quick brown fox", "a tale of two cities", "war and peace",
    "the lord of the rings", "of mice and men", "to be or not to be", "what is it for",
    "the end of the", "it's a dog's life", "don't look now", "they're bill's friends", "o'neill and sons",
    "rock 'n' roll", "mcdonald had a farm", "an iphone and a macbook", "IBM and NASA", "ALL CAPS TITLE",
    "mixed CASE Title", "hello-world", "twenty-one-gun salute", "state-of-the-art design",
    "this vs. that", "this v that", "q&a with steve", "at&t and t-mobile", "notes: a memoir",
    "what: the end", "who? me! yes", "first. second. third", "(in parentheses) here", "[brackets] too",
    '"quoted words" here', "\u2018single\u2019 and \u201cdouble\u201d", "hello_world", "one/two/three", "either/or",
    "read me.txt", "visit example.com today", "mail me@example.org now", "python 3.11 released",
    "3d printing", "the 1st of may", "mp3 player", "20th century", "100 years", "x-ray vision",
    "john smith iii", "henry viii", "mr. and mrs. smith", "dr no", "usa today", "u.s. army",
    "  leading spaces", "trailing spaces  ", "two  spaces", "tab\tseparated", "line one\nline two",
    "\u00e9t\u00e9 \u00e0 paris", "über allen", "straße", "ßeta", "ǆungla", "ﬁne day", "привет мир",
    "καλημέρα κόσμε", "istanbul ve izmir", "你好 世界", "😀 smile", "e\u0301te\u0301", "i\u0307zmir",
    "camelCaseWord", "snake_case_word", "kebab-case-word", "a", "", " ", "the", "2", "n\u00ba 5", "\ud800 a",
]  # fmt: skip
for index, text in enumerate(TEXTS):
    PROBLEM.test(f"{index:02d}_{text.encode('unicode_escape').decode()[:24]}", text)
for name, argument in {"none": None, "integer": 42, "bytes": b"hello world"}.items():
    PROBLEM.test(f"not_text_{name}", argument)


@PROBLEM.implementation("stdlib:str.title")
def str_title(text):
    return str.title(text)


@PROBLEM.implementation("stdlib:string.capwords", "string")
def string_capwords(text):
    import string

    return string.capwords(text)


@PROBLEM.implementation("titlecase", "titlecase")
def titlecase_titlecase(text):
    from titlecase import titlecase

    return titlecase(text)


@PROBLEM.implementation("inflection", "inflection")
def inflection_titleize(text):
    import inflection

    return inflection.titleize(text)


@PROBLEM.implementation("inflector", "inflector")
def inflector_titleize(text):
    from inflector import Inflector

    return Inflector().titleize(text)


@PROBLEM.implementation("stringcase", "stringcase")
def stringcase_titlecase(text):
    import stringcase

    return stringcase.titlecase(text)


@PROBLEM.implementation("caseutil", "caseutil")
def caseutil_to_title(text):
    import caseutil

    return caseutil.to_title(text)


@PROBLEM.implementation("case-converter", "caseconverter")
def caseconverter_titlecase(text):
    import caseconverter

    return caseconverter.titlecase(text)


@PROBLEM.implementation("case-switcher", "caseswitcher")
def caseswitcher_to_title(text):
    import caseswitcher

    return caseswitcher.to_title(text)
