"""Format a number of bytes for people.

Spelling varies ("1.5 kB", "1.5K"), so the adapters return only the number, and the first letter of the
unit's prefix in capitals ("" for plain bytes). The remaining differences are real: 1000 or 1024,
rounding, precision, negative and huge numbers.
"""

from problems import Problem

PROBLEM = Problem("file_size", {"format_size": "format_size(size: int) -> list"})


def said(text):
    """The number and the prefix letter of a text such as `1.5 kB`."""
    import re

    match = re.fullmatch(r"([-+]?[\d.,]+(?:[eE][-+]?\d+)?)\s*([A-Za-z]*)", text)
    if match is None:
        return [text, ""]
    unit = match[2].upper()
    return [float(match[1].replace(",", "")), "" if unit.startswith("B") else unit[:1]]


SIZES = [
    0, 1, 2, 9, 10, 99, 500, 512, 999, 1000, 1001, 1023, 1024, 1025, 1049, 1050, 1099, 1100, 1500,
    1536, 1999, 2047, 2048, 9949, 9999, 10_000, 10_240, 99_949, 99_950, 100_000, 123_456, 500_000,
    999_499, 999_500, 999_949, 999_950, 999_999, 1_000_000, 1_023_999, 1_047_552, 1_048_575,
    1_048_576, 1_500_000, 5_242_880, 123_456_789, 999_999_999, 10**9, 2**30 - 1, 2**30,
    1_610_612_736, 10**12, 2**40, 10**15 - 1, 10**15, 2**50, 10**18, 2**60, 2**64, 10**21, 2**70,
    10**24, 2**80, 10**27, 2**90, 10**30, 10**40,
]  # fmt: skip
for size in SIZES:
    PROBLEM.test(f"bytes_{size}", size)

ODD = {
    "minus_one": -1,
    "minus_1024": -1024,
    "minus_a_million": -1_000_000,
    "true": True,
    "half": 0.5,
    "float_1023_9": 1023.9,
    "float_1500": 1500.0,
    "nan": float("nan"),
    "infinity": float("inf"),
    "digits": "1500",
    "letters": "many",
    "none": None,
    "list": [1],
}
for name, size in ODD.items():
    PROBLEM.test(f"odd_{name}", size)


@PROBLEM.implementation("humanize", "humanize")
def humanize_naturalsize(size):
    import humanize

    return said(humanize.naturalsize(size))


@PROBLEM.implementation("hurry.filesize", "hurry.filesize")
def hurry_size(size):
    from hurry.filesize import size as format_size

    return said(format_size(size))


@PROBLEM.implementation("humanfriendly", "humanfriendly")
def humanfriendly_format_size(size):
    import humanfriendly

    return said(humanfriendly.format_size(size))


@PROBLEM.implementation("boltons", "boltons.strutils")
def boltons_bytes2human(size):
    from boltons.strutils import bytes2human

    return said(bytes2human(size, ndigits=1))


@PROBLEM.implementation("rich", "rich.filesize")
def rich_decimal(size):
    from rich.filesize import decimal

    return said(decimal(size))


@PROBLEM.implementation("bitmath", "bitmath")
def bitmath_best_prefix(size):
    import bitmath

    return said(bitmath.Byte(size).best_prefix(system=bitmath.SI).format("{value:.1f} {unit}"))


@PROBLEM.implementation("tqdm", "tqdm")
def tqdm_format_sizeof(size):
    from tqdm import tqdm

    return said(tqdm.format_sizeof(size))
