"""Remove the parts of suite names that differ between runs: times, random ids, versions, build numbers.

A problem must have the same name in every run. Documented in docs/junit.md.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_YEAR = r"(?:19|20)\d\d"
_MONTH = r"(?:0[1-9]|1[0-2])"
_DAY = r"(?:0[1-9]|[12]\d|3[01])"
_HOUR = r"(?:[01]\d|2[0-3])"
_SIXTY = r"[0-5]\d"
_WEEKDAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
_MONTH_NAME = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[A-Z]{3,4}|[+-]\d\d:?\d\d))?"
_CLOCK = rf"{_HOUR}[:.h_-]?{_SIXTY}(?:[:.m_-]?{_SIXTY}(?:[.,:_]\d{{1,9}})?)?"
_BETWEEN = r"(?:T|[ _@-]{1,3}|, ?| at )"
_START, _END = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"

# Names that tools give to every report, whatever was tested.
_MEANINGLESS_SUITES = frozenset(
    {
        "",
        "all tests",
        "common",
        "default",
        "jest tests",
        "junit",
        "mocha tests",
        "nosetests",
        "phpunit",
        "pytest",
        "root suite",
        "suite",
        "test",
        "test results",
        "test suite",
        "tests",
        "testsuite",
        "undefined",
        "unittest",
        "unnamed",
        "xunit",
    }
)
# The paths of configurations and assemblies differ between machines.
_ABSOLUTE_PATH = re.compile(r"[A-Za-z]:[\\/]|[\\/]|file:")

# Times to the minute or finer, and random ids.
_MOMENTS = re.compile(
    "|".join(
        [
            rf"{_START}{_YEAR}[-/._]{_MONTH}[-/._]{_DAY}{_BETWEEN}{_CLOCK}(?: ?[AP]M)?{_ZONE}{_END}",
            rf"(?<!\d){_YEAR}{_MONTH}{_DAY}[T_ -]?{_HOUR}{_SIXTY}(?:{_SIXTY}(?:[.,]?\d{{3,9}})?)?{_ZONE}{_END}",
            rf"{_START}\d{{1,2}}[-/.]\d{{1,2}}[-/.]{_YEAR}{_BETWEEN}\d{{1,2}}:{_SIXTY}(?::{_SIXTY})?"
            rf"(?: ?[AP]M)?{_ZONE}{_END}",
            rf"{_START}(?:{_WEEKDAY},? )?(?:\d{{1,2}} {_MONTH_NAME}|{_MONTH_NAME} {{1,2}}\d{{1,2}}),?"
            rf"(?: {_YEAR})?(?:,| at)? {_HOUR}:{_SIXTY}(?::{_SIXTY})?(?: ?[AP]M)?{_ZONE}(?: {_YEAR})?{_END}",
            rf"{_START}1[4-9]\d{{8}}(?:\d{{3}})?(?:\.\d{{1,9}})?{_END}",
            rf"{_START}{_HOUR}:{_SIXTY}:{_SIXTY}(?:[.,]\d{{1,9}})?{_ZONE}{_END}",
            rf"{_START}[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}{_END}",
            rf"{_START}0x[0-9a-fA-F]{{6,16}}{_END}",
            rf"@[0-9a-f]{{5,8}}{_END}",
            rf"{_START}(?=[0-9a-f]{{0,63}}\d)(?=[0-9a-f]{{0,63}}[a-f])[0-9a-f]{{16,64}}{_END}",
        ]
    )
)
_BROWSER = (
    r"(?:Mobile |Headless ?|Google |Microsoft )?(?:HeadlessChrome|ChromeHeadless|Chrome|Chromium|FirefoxHeadless"
    r"|Firefox|WebKit|Mobile Safari|Safari|MSEdge|Edge|Opera|Electron|PhantomJS|jsdom|Brave|IE"
    r"|Internet Explorer)(?: (?:Headless|Mobile|WebView|Canary|Beta|Dev))*"
)
_TOOL = (
    r"(?:pytest|phpunit|jest|vitest|mocha|karma|cypress|playwright|rspec|surefire|testng|nunit|xunit|mstest"
    r"|selenium|robot)"
)
_RELEASE = (
    r"(?:[-.+]?(?:alpha|beta|rc|dev|pre|post|build|snapshot|final|ga|release|a|b|m)\d*(?:[.-]\d+)*)?"
    r"(?:\+[0-9A-Za-z.]{1,40})?"
)
_STRICT_RELEASE = r"[-.+]?(?:alpha|beta|rc|dev|pre|build|snapshot)[-.]?\d*(?:[.-]\d+)*"
# Versions, builds and days. One run may have several of them.
_VERSIONS = re.compile(
    "(?i)"
    + "|".join(
        [
            rf"{_START}{_BROWSER}(?P<browser>[ /@-]?v?\d+(?:\.\d+)*){_END}",
            rf"{_START}{_TOOL}(?P<tool>[ /@_-]?v?\d+(?:\.\d+)+{_RELEASE}){_END}",
            # Digits alone may be a section number or an IP address.
            rf"{_START}(?P<release>(?:v|version |release )\d+\.\d+\.\d+(?:\.\d+)*{_RELEASE}){_END}(?!\.\d|:\d)",
            rf"{_START}(?P<prerelease>\d+\.\d+\.\d+{_STRICT_RELEASE}){_END}(?!\.\d|:\d)",
            rf"{_START}(?P<day>{_YEAR}(?:-{_MONTH}-|/{_MONTH}/|\.{_MONTH}\.|{_MONTH}){_DAY}){_END}",
            rf"{_START}(?P<build>(?:build|pipeline)(?: ?(?:no|number|id)\.?)?[ #:_-]{{1,3}}\d+){_END}",
        ]
    )
)
_IS_BROWSER = re.compile(rf"(?i){_BROWSER}(?:(?: v?\d+(?:\.\d+)*)? \(.*\)|[ /]v?\d+(?:\.\d+)*)")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words in the names of browsers and devices that some reports have in place of a host name.
_PROJECT_WORDS = _words("""
    beta branded canary channel desktop dev fold galaxy gen google hdpi headed headless hidpi landscape
    legacy max microsoft mini mobile moto plus portrait pro se stable tab tablet xr
    """)
_DEVICE_WORDS = _words("""
    android blackberry brave chrome chromeheadless chromium edge electron firefox firefoxheadless
    headlesschrome ie ios ipad iphone jsdom kindle lumia msedge nexus opera phantomjs pixel safari webkit
    """)
_NUMBER_WORD = re.compile(r"(?i)[a-z]?\d{1,6}(?:\.\d{1,6}){0,4}[a-z+]?")
_NO_PROJECT = re.compile(r"(?i)localhost|unknown|\.local\b|\d{1,3}(?:\.\d{1,3}){3}")
_RANDOM_HOST = re.compile(
    r"(?i)[0-9a-f]{12}|fv-az\d.*|runner.*|.*-[0-9a-z]{8,10}-[0-9a-z]{5}|.*\d{4}.*|ip-\d.*"
)

_LONGEST_HOST = 255
_SEPARATORS = " \t\r\n_.,:;@#|~+/-"
_REMOVED = "\0"
_EMPTY_BRACKETS = re.compile(rf"[(\[{{<]\s*(?:(?:at|on|from) )?{_REMOVED}[\s{_REMOVED}]*[)\]}}>]")


@dataclass(frozen=True)
class SuiteName:
    """The name of a suite without the parts that differ in every run.

    Attributes:
        name: the rest of the name; may be empty.
        version: the removed parts, which may distinguish suites of one run.
    """

    name: str
    version: str | None = None


@lru_cache(4096)
def steady_name(written: str) -> SuiteName:
    """Remove times, random ids, versions and build numbers from a name."""
    versions: list[str] = []

    def remove_moment(match: "re.Match[str]") -> str:
        versions.append(match[0])
        return _REMOVED

    def remove(match: "re.Match[str]") -> str:
        group = match.lastgroup or ""
        versions.append(match[group].lstrip(_SEPARATORS))
        return match[0][: match.start(group) - match.start()] + _REMOVED

    text = _MOMENTS.sub(remove_moment, written)
    text = _VERSIONS.sub(remove, text)
    if text == written:
        return SuiteName(written)
    text = _EMPTY_BRACKETS.sub(_REMOVED, text)
    return SuiteName(_closed(text.split(_REMOVED)).strip(), " ".join(versions) or None)


def _closed(parts: list[str]) -> str:
    """Join the texts around the removed parts, with one separator instead of two."""
    text, *others = parts
    for number, other in enumerate(others, 1):
        left, right = text.rstrip(_SEPARATORS), other.lstrip(_SEPARATORS)
        if not left or not right or right[0] in ")]}>":
            text = left.removesuffix(" at").removesuffix(" on") + right
        else:
            between = other[: len(other) - len(right)] or text[len(left) :]
            text = left + between + right
        if not right and number == len(others):
            text = text.rstrip(_SEPARATORS)
    return text


def is_browser(name: str) -> bool:
    """Return whether a suite is named after a browser with its version or system, as karma names suites."""
    return _IS_BROWSER.fullmatch(name) is not None


def project_of(hostname: str) -> str | None:
    """Return the browser or device, without version, that a report has as its hostname; None: it is a host.

    Host names have no blanks.
    """
    if len(hostname) > _LONGEST_HOST:
        return None
    words = [word.casefold() for word in re.split(r"[\s_/:()-]+", hostname) if word]
    are_known = all(
        word in _PROJECT_WORDS or word in _DEVICE_WORDS or _NUMBER_WORD.fullmatch(word)
        for word in words
    ) and not _DEVICE_WORDS.isdisjoint(words)
    is_no_host = re.search(r"[\s()\[\]]", hostname.strip()) and not _NO_PROJECT.search(hostname)
    return steady_name(hostname).name or None if are_known or is_no_host else None


def is_random_host(hostname: str) -> bool:
    """Return whether a host name is generated when the host starts, as for containers and CI runners."""
    return len(hostname) > _LONGEST_HOST or _RANDOM_HOST.fullmatch(hostname) is not None


def short_path(path: str) -> str:
    """Return a relative path unchanged, and the last two parts of an absolute path, for use on any machine."""
    parts = re.split(r"[\\/]+", path)
    return "/".join(parts[-2:] if _ABSOLUTE_PATH.match(path) else parts)


def is_meaningful_suite(name: str) -> bool:
    """Return whether the name of a suite says what is tested."""
    return name.casefold() not in _MEANINGLESS_SUITES and not _ABSOLUTE_PATH.match(name)
