"""Turn a title into a slug for an address: lower-case ASCII words joined by hyphens."""

# ruff: noqa: RUF001 - look-alike characters are part of the stimuli

from problems import Problem

PROBLEM = Problem("slugify", {"slugify": "slugify(text: str) -> str"})

STIMULI = {
    "plain_words": "Hello World",
    "already_a_slug": "hello-world",
    "empty": "",
    "only_spaces": "   ",
    "only_punctuation": "!?.,;",
    "outer_spaces": "  Hello World  ",
    "many_spaces": "Hello     World",
    "tabs_and_newlines": "Hello\tWorld\nAgain",
    "no_break_space": "Hello\u00a0World",
    "zero_width_space": "Hello\u200bWorld",
    "underscores": "hello_world_again",
    "double_underscore": "hello__world",
    "leading_underscore": "_private",
    "dots": "version 1.2.3",
    "decimal_number": "3.14 is pi",
    "thousands": "1,000,000 reasons",
    "leading_digit": "7 habits",
    "only_digits": "2024",
    "apostrophe": "It's the dog's life",
    "curly_apostrophe": "It\u2019s the dog\u2019s life",
    "quotes": 'She said "no"',
    "curly_quotes": "\u201cQuoted\u201d text",
    "ampersand": "Salt & Pepper",
    "html_entity": "Salt &amp; Pepper",
    "numeric_entity": "&#381; is a letter",
    "html_tag": "<b>Bold</b> text",
    "plus": "C++ and C#",
    "percent": "100% sure",
    "at_sign": "me@example.org",
    "slash": "and/or",
    "backslash": "C:\\temp\\file",
    "hyphens": "a - b -- c --- d",
    "en_dash": "pages 10\u201320",
    "em_dash": "wait\u2014what",
    "ellipsis": "To be continued\u2026",
    "leading_hyphen": "-flag",
    "trailing_hyphen": "cut-",
    "camel_case": "camelCaseTitle",
    "upper_case": "ALL CAPITALS",
    "unicode_accents": "Crème Brûlée à la carte",
    "combining_accents": "Cre\u0300me Bru\u0302le\u0301e",
    "german": "Größe über Straßen",
    "polish": "Zażółć gęślą jaźń",
    "turkish": "İstanbul ılık",
    "icelandic": "Þórður æði",
    "cyrillic": "Привет мир",
    "ukrainian": "Київ і Львів",
    "greek": "Καλημέρα κόσμε",
    "chinese": "影師嗎",
    "japanese": "こんにちは 世界",
    "korean": "안녕 세계",
    "arabic": "مرحبا بالعالم",
    "hebrew": "שלום עולם",
    "thai": "สวัสดี",
    "emoji": "I ❤ 🍕",
    "ligature": "ﬁne œuvre",
    "full_width": "ＦＵＬＬ　ＷＩＤＴＨ",
    "superscript": "x² + y³",
    "fraction": "½ price",
    "roman_numeral_sign": "Chapter Ⅷ",
    "currency": "5 € or £4",
    "trademark": "Brand™ ©2024",
    "null_character": "a\x00b",
    "lone_surrogate": "a\ud800b",
    "long": "word " * 60,
    "none": None,
    "integer": 42,
    "bytes": b"Hello World",
    "list": ["Hello", "World"],
}
for name, text in STIMULI.items():
    PROBLEM.test(name, text)


@PROBLEM.implementation("python-slugify", "slugify")
def python_slugify(text):
    from slugify import slugify

    return slugify(text)


@PROBLEM.implementation("awesome-slugify", "slugify")
def awesome_slugify(text):
    from slugify import slugify

    return slugify(text, to_lower=True)


@PROBLEM.implementation("unicode-slugify", "slugify")
def unicode_slugify(text):
    from slugify import slugify

    return slugify(text, only_ascii=True)


@PROBLEM.implementation("inflection", "inflection")
def inflection_parameterize(text):
    import inflection

    return inflection.parameterize(text)


@PROBLEM.implementation("boltons", "boltons.strutils")
def boltons_slugify(text):
    from boltons.strutils import slugify

    return slugify(text, delim="-", ascii=True).decode("ascii")


@PROBLEM.implementation("normality", "normality")
def normality_slugify(text):
    from normality import slugify

    return slugify(text)


@PROBLEM.implementation("Markdown", "markdown.extensions.toc")
def markdown_heading_id(text):
    from markdown.extensions.toc import slugify

    return slugify(text, "-")


@PROBLEM.implementation("docutils", "docutils.nodes")
def docutils_make_id(text):
    from docutils.nodes import make_id

    return make_id(text)


@PROBLEM.implementation("mdit-py-plugins", "mdit_py_plugins.anchors.index")
def mdit_heading_anchor(text):
    from mdit_py_plugins.anchors.index import slugify

    return slugify(text)
