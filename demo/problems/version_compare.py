"""Compare two version numbers: -1, 0 or 1 if the first is older, equal or newer.

The prescribed answers are the orderings given in PEP 440, the standard for versions of Python packages:
its example sequences, its equalities, and its normal forms.
"""

# ruff: noqa: RUF001 - look-alike characters are part of the stimuli

from itertools import pairwise

from problems import UNDEFINED, Problem

PROBLEM = Problem("version_compare", {"compare": "compare(a: str, b: str) -> int"})

SUMMARY_OF_ORDER = [
    "1.dev0", "1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456",
    "1.0b2", "1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0",
    "1.0+abc.5", "1.0+abc.7", "1.0+5", "1.0.post456.dev34", "1.0.post456", "1.0.15", "1.1.dev1",
]  # fmt: skip
for older, newer in pairwise(SUMMARY_OF_ORDER):
    PROBLEM.test(f"order_{older}_before_{newer}", older, newer, expected=-1)

STIMULI = {
    "equal": ("1.2.3", "1.2.3", 0),
    "patch": ("1.2.3", "1.2.4", -1),
    "minor": ("1.3.0", "1.2.9", 1),
    "major": ("2.0.0", "1.9.9", 1),
    "two_digits": ("1.9.0", "1.10.0", -1),
    "trailing_zero": ("1.0", "1.0.0", 0),
    "many_trailing_zeros": ("1", "1.0.0.0.0", 0),
    "leading_zero": ("1.01", "1.1", 0),
    "leading_v": ("v1.0", "1.0", 0),
    "upper_v": ("V1.0.0", "1.0.0", 0),
    "epoch": ("1!1.0", "2013.10", 1),
    "epoch_zero": ("0!1.0", "1.0", 0),
    "alpha_spelled_out": ("1.1alpha1", "1.1a1", 0),
    "alpha_upper_case": ("1.1A1", "1.1a1", 0),
    "alpha_with_dot": ("1.1.a1", "1.1a1", 0),
    "alpha_without_number": ("1.2a", "1.2a0", 0),
    "beta_hyphen": ("1.0-beta.1", "1.0b1", 0),
    "c_is_rc": ("1.1c3", "1.1rc3", 0),
    "preview_is_rc": ("1.1preview3", "1.1rc3", 0),
    "post_with_hyphen": ("1.0-1", "1.0.post1", 0),
    "rev_is_post": ("1.0.rev4", "1.0.post4", 0),
    "r_is_post": ("1.0-r4", "1.0.post4", 0),
    "dev_with_hyphen": ("1.2-dev2", "1.2.dev2", 0),
    "dev_without_number": ("1.2.dev", "1.2.dev0", 0),
    "local_separators": ("1.0+ubuntu-1", "1.0+ubuntu.1", 0),
    "local_upper_case": ("1.0+ABC", "1.0+abc", 0),
    "local_numbers": ("1.0+1.2", "1.0+1.10", -1),
    "local_longer": ("1.0+abc", "1.0+abc.1", -1),
    "outer_space": (" 1.0 ", "1.0", 0),
    "newline": ("1.0\n", "1.0", 0),
    "prerelease_of_patch": ("1.0.0rc1", "1.0.0", -1),
    "prerelease_with_hyphen": ("1.0.0-rc.1", "1.0.0", -1),
    "semver_example_1": ("1.0.0-alpha", "1.0.0-alpha.1", UNDEFINED),
    "semver_example_2": ("1.0.0-alpha.1", "1.0.0-alpha.beta", UNDEFINED),
    "semver_example_3": ("1.0.0-alpha.beta", "1.0.0-beta", UNDEFINED),
    "semver_example_4": ("1.0.0-beta.2", "1.0.0-beta.11", UNDEFINED),
    "semver_example_5": ("1.0.0-beta.11", "1.0.0-rc.1", UNDEFINED),
    "build_metadata": ("1.0.0+build.1", "1.0.0+build.2", UNDEFINED),
    "build_or_none": ("1.0.0+build", "1.0.0", UNDEFINED),
    "date_versions": ("2024.1.15", "2023.12.31", 1),
    "huge_number": ("1.0.99999999999999999999999", "1.0.100000000000000000000000", -1),
    "beyond_64_bits": ("1.18446744073709551616.0", "1.18446744073709551615.0", 1),
    "single_number": ("2", "10", -1),
    "four_parts": ("1.2.3.4", "1.2.3.5", -1),
    "full_width_digit": ("1.０.0", "1.0.0", UNDEFINED),
    "arabic_digit": ("1.٣.0", "1.3.0", UNDEFINED),
    "minus": ("-1.0", "1.0", UNDEFINED),
    "comma": ("1,0", "1.0", UNDEFINED),
    "double_dot": ("1..0", "1.0", UNDEFINED),
    "trailing_dot": ("1.0.", "1.0", UNDEFINED),
    "leading_dot": (".1", "0.1", UNDEFINED),
    "letters": ("abc", "abd", UNDEFINED),
    "french_toast": ("french toast", "1.0", UNDEFINED),
    "wildcard": ("1.0.*", "1.0.0", UNDEFINED),
    "caret": ("^1.0.0", "1.0.0", UNDEFINED),
    "openssl": ("1.1.1w", "1.1.1", UNDEFINED),
    "git_describe": ("1.2.3-14-gdeadbee", "1.2.3", UNDEFINED),
    "snapshot": ("1.0-SNAPSHOT", "1.0", UNDEFINED),
    "empty": ("", "", UNDEFINED),
    "empty_or_version": ("", "1.0", UNDEFINED),
    "none": (None, "1.0", UNDEFINED),
    "float": (1.1, "1.1", UNDEFINED),
    "bytes": (b"1.0", b"1.1", UNDEFINED),
}
for name, (left, right, prescribed) in STIMULI.items():
    PROBLEM.test(name, left, right, expected=prescribed)


@PROBLEM.implementation("packaging", "packaging.version")
def packaging_parse(a, b):
    from packaging.version import parse

    left, right = parse(a), parse(b)
    return (left > right) - (left < right)


@PROBLEM.implementation("poetry-core", "poetry.core.constraints.version")
def poetry_version(a, b):
    from poetry.core.constraints.version import Version

    left, right = Version.parse(a), Version.parse(b)
    return (left > right) - (left < right)


@PROBLEM.implementation("parver", "parver")
def parver_version(a, b):
    from parver import Version

    left, right = Version.parse(a), Version.parse(b)
    return (left > right) - (left < right)


@PROBLEM.implementation("pep440_rs", "pep440_rs")
def pep440_rs_version(a, b):
    from pep440_rs import Version

    left, right = Version(a), Version(b)
    return (left > right) - (left < right)


@PROBLEM.implementation("stdlib:distutils.LooseVersion", "distutils.version")
def distutils_loose_version(a, b):
    from distutils.version import LooseVersion

    left, right = LooseVersion(a), LooseVersion(b)
    return (left > right) - (left < right)


@PROBLEM.implementation("stdlib:distutils.StrictVersion", "distutils.version")
def distutils_strict_version(a, b):
    from distutils.version import StrictVersion

    left, right = StrictVersion(a), StrictVersion(b)
    return (left > right) - (left < right)


@PROBLEM.implementation("looseversion", "looseversion")
def looseversion_loose_version(a, b):
    from looseversion import LooseVersion

    left, right = LooseVersion(a), LooseVersion(b)
    return (left > right) - (left < right)


@PROBLEM.implementation("semver", "semver")
def semver_compare(a, b):
    import semver

    left, right = semver.VersionInfo.parse(a), semver.VersionInfo.parse(b)
    return (left > right) - (left < right)


@PROBLEM.implementation("semantic-version", "semantic_version")
def semantic_version_compare(a, b):
    from semantic_version import Version

    left, right = Version(a), Version(b)
    return (left > right) - (left < right)


@PROBLEM.implementation("natsort", "natsort")
def natsort_order(a, b):
    from natsort import natsort_keygen

    key = natsort_keygen()
    left, right = key(a), key(b)
    return (left > right) - (left < right)
