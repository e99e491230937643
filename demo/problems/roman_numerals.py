"""Convert integers to Roman numerals and back; the prescribed numerals use the common notation."""

# ruff: noqa: RUF001 - look-alike characters are part of the stimuli

from problems import UNDEFINED, Problem, Step

PROBLEM = Problem(
    "roman_numerals",
    {
        "to_roman": "to_roman(number: int) -> str",
        "from_roman": "from_roman(numeral: str) -> int",
    },
)

NUMERALS = {
    1: "I", 2: "II", 3: "III", 4: "IV", 5: "V", 6: "VI", 8: "VIII", 9: "IX", 10: "X", 14: "XIV",
    19: "XIX", 39: "XXXIX", 40: "XL", 49: "XLIX", 50: "L", 90: "XC", 99: "XCIX", 100: "C",
    246: "CCXLVI", 400: "CD", 444: "CDXLIV", 499: "CDXCIX", 500: "D", 789: "DCCLXXXIX", 888: "DCCCLXXXVIII",
    900: "CM", 999: "CMXCIX", 1000: "M", 1066: "MLXVI", 1666: "MDCLXVI", 1776: "MDCCLXXVI",
    1954: "MCMLIV", 1999: "MCMXCIX", 2024: "MMXXIV", 3000: "MMM", 3888: "MMMDCCCLXXXVIII",
    3999: "MMMCMXCIX",
}  # fmt: skip
for number, numeral in NUMERALS.items():
    PROBLEM.sequence(f"to_roman_{number}", Step("to_roman", (number,), numeral))
    PROBLEM.sequence(f"from_roman_{numeral}", Step("from_roman", (numeral,), number))

NOT_NUMBERS = {
    "zero": 0,
    "minus_one": -1,
    "4000": 4000,
    "4999": 4999,
    "5000": 5000,
    "10000": 10_000,
    "million": 1_000_000,
    "true": True,
    "float_whole": 4.0,
    "float_fraction": 4.5,
    "digits": "14",
    "letters": "XIV",
    "none": None,
}
for name, argument in NOT_NUMBERS.items():
    PROBLEM.sequence(f"to_roman_of_{name}", Step("to_roman", (argument,), UNDEFINED))

NOT_NUMERALS = {
    "empty": "",
    "space": " ",
    "lower_case": "xiv",
    "mixed_case": "xIv",
    "outer_space": " XIV ",
    "newline": "XIV\n",
    "four_ones": "IIII",
    "five_ones": "IIIII",
    "four_thousands": "MMMM",
    "six_thousands": "MMMMMM",
    "four_tens": "XXXX",
    "two_fives": "VV",
    "two_subtracted": "IIX",
    "subtracted_five": "VX",
    "ninety_nine_as_ic": "IC",
    "nineteen_ninety_nine_as_mim": "MIM",
    "ascending": "IVX",
    "nine_and_one": "IXI",
    "zero_as_n": "N",
    "foreign_letter": "MCMLXXIVA",
    "digits": "14",
    "minus": "-X",
    "unicode_twelve": "Ⅻ",
    "unicode_letters": "ⅩⅣ",
    "cyrillic_ha": "ХIV",
    "full_width": "ＸＩＶ",
    "dotless_i": "xıv",
    "overline_five_thousand": "V\u0305",
    "none": None,
    "integer": 14,
    "bytes": b"XIV",
    "list": ["X", "I", "V"],
}
for name, argument in NOT_NUMERALS.items():
    PROBLEM.sequence(f"from_roman_of_{name}", Step("from_roman", (argument,), UNDEFINED))


@PROBLEM.implementation("roman", "roman")
class RomanModule:
    @staticmethod
    def to_roman(number):
        import roman

        return roman.toRoman(number)

    @staticmethod
    def from_roman(numeral):
        import roman

        return roman.fromRoman(numeral)


@PROBLEM.implementation("roman-numerals", "roman_numerals")
class RomanNumeralsPackage:
    @staticmethod
    def to_roman(number):
        from roman_numerals import RomanNumeral

        return RomanNumeral(number).to_uppercase()

    @staticmethod
    def from_roman(numeral):
        from roman_numerals import RomanNumeral

        return int(RomanNumeral.from_string(numeral))


@PROBLEM.implementation("romanclass", "romanclass")
class RomanClass:
    @staticmethod
    def to_roman(number):
        import romanclass

        return romanclass.toRoman(number)

    @staticmethod
    def from_roman(numeral):
        import romanclass

        return int(romanclass.fromRoman(numeral))


@PROBLEM.implementation("roman-numbers", "roman_numbers")
class RomanNumbers:
    @staticmethod
    def to_roman(number):
        import roman_numbers

        return roman_numbers.roman(number)

    @staticmethod
    def from_roman(numeral):
        import roman_numbers

        return roman_numbers.number(numeral)


@PROBLEM.implementation("romanify", "romanify")
class Romanify:
    @staticmethod
    def to_roman(number):
        from romanify import romanify

        return romanify(number)


@PROBLEM.implementation("any-roman", "any_roman")
class AnyRoman:
    @staticmethod
    def to_roman(number):
        import any_roman

        return any_roman.int_to_roman(number)


@PROBLEM.implementation("arabic-to-roman", "arabic_to_roman")
class ArabicToRoman:
    @staticmethod
    def to_roman(number):
        from arabic_to_roman import arabic_number_to_roman_numerals

        return arabic_number_to_roman_numerals(number)
