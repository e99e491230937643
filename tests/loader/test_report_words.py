"""Status words and times in test reports: known ones are interpreted, others are never guessed."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obslake.load.sources.status_words import OF_REPORTS, verdict_of
from obslake.load.sources.verdicts import OUTCOMES, TOKENS, normalize

from tests.harness.lake import Lake
from tests.loader.staging import EXAMPLES, case, element, stage_reports, suite

WORDS = {
    "passed": "passed PASS ok success run completed true",
    "failed": "failed fail nok false regression",
    "error@@aborted": "aborted",
    "error@@interrupted": "interrupted",
    "error@@broken": "broken",
    "skipped": "skip skipped disabled todo",
    "skipped@not_run": "not_run",
    "skipped@untested": "untested",
    "skipped@cancelled": "cancelled",
    "skipped@blocked": "blocked",
    "skipped@inconclusive": "inconclusive",
    "skipped@xfail": "xfail",
    "$TIMEOUT": "timedout timeout TIMED-OUT",
    "$CRASH": "crashed CRASH",
    "$STATUS@frobnicated": "frobnicated",
    "$STATUS@0": "0",
}


def test_the_table_of_words_is_documented() -> None:
    page = Path(__file__).parents[2] / "docs" / "junit.md"
    section = page.read_text().partition("## Status words")[2].partition("\n## ")[0]
    listed = {}
    for line in section.splitlines():
        if line.startswith("| `"):
            _, token, words, _ = line.split("|")
            listed |= {normalize(word): token.strip(" `") for word in words.split(",")}
    kinds = {word: kind for kind, words in OF_REPORTS.items() for word in words}
    skipped = {"not_executed": "skipped"}
    assert listed == {word: TOKENS[skipped.get(kind, kind)] for word, kind in kinds.items()}
    assert not listed.keys() & OUTCOMES.keys()


@pytest.mark.parametrize("attribute", ["status", "result"])
def test_words_of_a_case(tmp_path: Path, attribute: str) -> None:
    words = [(word, meaning) for meaning, some in WORDS.items() for word in some.split()]
    cases = "".join(case(word, **{attribute: word}) for word, _ in words)
    staged = stage_reports(tmp_path, {"r.xml": suite("s", cases)})
    found = {row.test: row.output.partition("@@")[0] for row in staged.rows}
    assert found == {word: meaning.partition("@@")[0] for word, meaning in words}
    assert staged.warnings == [
        "unknown status words: 2, kept as $STATUS, which is not a vote: 0 (1), frobnicated (1)"
    ]
    assert {row.kind for row in staged.rows if row.output.startswith("$STATUS")} == {"other"}


def test_a_load_reports_unknown_words(lake: Lake) -> None:
    path = lake.write("r.xml", suite("s", case("t", status="odd") * 2 + case("u", status="odder")))
    report = lake.load("junit", path)
    assert report["response_kinds"] == {"other": 3}
    assert "words: 3, kept as $STATUS, which is not a vote: odd (2), odder (1)" in report["stderr"]


@pytest.mark.parametrize(
    ("status", "result", "output"),
    [
        ("run", "skipped", "skipped"),
        ("failed", "completed", "failed"),
        ("notrun", "suppressed", "skipped"),
        ("run", "odd", "$STATUS@odd"),
        ("odd", "failed", "failed"),
        (" ", "", "passed"),
        ("failed: AssertionError", "", "failed@@failed: AssertionError"),
    ],
)
def test_the_most_severe_of_two_words_counts(
    tmp_path: Path, status: str, result: str, output: str
) -> None:
    report = suite("s", case("t", status=status, result=result))
    assert stage_reports(tmp_path, {"r.xml": report}).outputs() == [("t", output)]


def test_elements_that_are_words(tmp_path: Path) -> None:
    names = ("ignored", "timeout", "crashed", "exception", "properties", "started", "x")
    cases = "".join(case(name, f"<{name}/>") for name in names)
    assert stage_reports(tmp_path, {"r.xml": suite("s", cases)}).outputs() == [
        ("crashed", "$CRASH"),
        ("exception", "error@@exception"),
        ("ignored", "skipped"),
        ("properties", "passed"),
        ("started", "passed"),
        ("timeout", "$TIMEOUT"),
        ("x", "passed"),
    ]


@pytest.mark.parametrize(
    ("report", "word"),
    [
        ('<assembly name="a"><collection name="c"><test name="t" type="c" result="{}"/></collection></assembly>',
         "Odd"),
        ('<test-run><test-case name="t" classname="c" result="{}"/></test-run>', "Odd"),
        ('<TestRun><UnitTestResult testName="t" outcome="{}"/></TestRun>', "Odd"),
    ],
)  # fmt: skip
def test_unknown_words_of_other_formats(tmp_path: Path, report: str, word: str) -> None:
    staged = stage_reports(tmp_path, {"r.xml": report.format(word)})
    assert [row.output for row in staged.rows] == [f"$STATUS@{word}"]


@settings(
    max_examples=max(5, EXAMPLES // 20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(words=st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=40))
def test_no_unknown_word_is_taken_for_a_pass(tmp_path: Path, words: list[str]) -> None:
    words = [re.sub(r"[\ud800-\udfff\x00-\x1f\ufffe\uffff\x85\xa0]", "x", word) for word in words]
    cases = "".join(case(str(number), status=word) for number, word in enumerate(words))
    staged = stage_reports(tmp_path, {"r.xml": suite("s", cases)})
    for row in staged.rows:
        word = words[int(row.test)]
        assert (row.output == "passed") == (verdict_of(word) == "passed" or not word.strip()), word


FILE_TIME = "2023-11-14T22:13:20"


def observed(folder: Path, suite_time: str, **attributes: str) -> tuple[str, list[str]]:
    """Return the time at which a case was observed, and the warnings."""
    report = suite("s", case("t", **attributes), timestamp=suite_time)
    staged = stage_reports(folder, {"r.xml": report}, modified_at=1_700_000_000)
    return staged.rows[0].observed_at, staged.warnings


MOMENTS = [
    ("2024-07-01T10:11:12 GMT", "2024-07-01T10:11:12"),
    ("2024-07-01T10:11:12 EDT", "2024-07-01T14:11:12"),
    ("2024-07-01T10:11:12 PST", "2024-07-01T18:11:12"),
    ("2015-02-20 13:10:35 PST -0800", "2015-02-20T21:10:35"),
    ("2020-01-05 10:11:12 +0100 CET", "2020-01-05T09:11:12"),
    ("2022-05-14T10:32:04-0330", "2022-05-14T14:02:04"),
    ("2022-05-14T10:32:04+02:00[Europe/Berlin]", "2022-05-14T08:32:04"),
    ("28 Jun 2012 16:04:44 GMT", "2012-06-28T16:04:44"),
    ("Mon, 05 Aug 2024 10:00:00 GMT", "2024-08-05T10:00:00"),
    ("Mon, 5 Aug 2024 10:00:00 -0700", "2024-08-05T17:00:00"),
    ("Mon Aug 5 10:00:00 PST 2024", "2024-08-05T18:00:00"),
    ("Mon Aug  5 10:00:00 2024", "2024-08-05T10:00:00"),
    ("Mon Aug 05 2024 10:00:00 GMT+0200 (Central European Summer Time)", "2024-08-05T08:00:00"),
    ("11/30/2021 04:44:42 PM", "2021-11-30T16:44:42"),
    ("25/12/2021 10:00:00", "2021-12-25T10:00:00"),
    ("20220514T103204", "2022-05-14T10:32:04"),
    ("20220514T103204Z", "2022-05-14T10:32:04"),
    # Ambiguous time zones, times without a date, and invalid times.
    ("2024-07-01T10:11:12 BST", None),
    ("2024-07-01T10:11:12 AST", None),
    ("2024-07-01T10:11:12 NST", None),
    ("2024-07-01T10:11:12 IST", None),
    ("2024-07-01T10:11:12 CEST", None),
    ("2024-07-01T10:11:12[Europe/Berlin]", None),
    ("Mon Aug 5 10:00:00 BST 2024", None),
    ("T10:32:04", None),
    ("10:00:00 AM", None),
    ("2018-W07-5T10:00:00Z", None),
]


def test_moments_with_zones(tmp_path: Path) -> None:
    cases = "".join(case(str(n), timestamp=text) for n, (text, _) in enumerate(MOMENTS))
    staged = stage_reports(tmp_path, {"r.xml": suite("s", cases)}, modified_at=1_700_000_000)
    found = {MOMENTS[int(row.test)][0]: row.observed_at for row in staged.rows}
    assert found == {text: moment or FILE_TIME for text, moment in MOMENTS}
    first = next(text for text, moment in MOMENTS if moment is None)
    n = sum(moment is None for _, moment in MOMENTS)
    assert staged.warnings == [
        f"timestamps that cannot be parsed: {n}, replaced by the time of the file; the first is {first}"
    ]


def test_ambiguous_day_and_month(tmp_path: Path) -> None:
    warning = (
        "timestamps with ambiguous day and month: 1, read with the month first; the first is {}"
    )
    text = "06/07/2018 20:33:39"
    assert observed(tmp_path, text) == ("2018-06-07T20:33:39", [warning.format(text)])
    assert observed(tmp_path, "06/06/2018 20:33:39") == ("2018-06-06T20:33:39", [])


def test_a_skipped_case_of_1970_has_the_time_of_its_suite(tmp_path: Path) -> None:
    began = "2024-08-05T10:00:00"
    for nothing in ("1970-01-01T00:00:00Z", "0001-01-01T00:00:00", "1969-12-31T16:00:00-08:00"):
        assert observed(tmp_path, began, timestamp=nothing, status="skipped") == (began, [])
    warning = (
        "timestamps that cannot be parsed: 1, replaced by the time of the suite; the first is soon"
    )
    assert observed(tmp_path, began, timestamp="soon") == (began, [warning])
    trx = element(
        "TestRun",
        element("Times", start=f"{began}Z")
        + element(
            "UnitTestResult", testName="t", outcome="NotExecuted", startTime="0001-01-01T00:00:00"
        ),
    )
    staged = stage_reports(tmp_path, {"r.trx": trx})
    assert (staged.rows[0].observed_at, staged.warnings) == (began, [])


ZONES = {"UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7,
         "MDT": -6, "PST": -8, "PDT": -7, "": 0}  # fmt: skip
FORMS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%a, %d %b %Y %H:%M:%S", "%d %b %Y %H:%M:%S",
         "%Y/%m/%d %H:%M:%S")  # fmt: skip


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, datetime | None]:
    """The text of a moment, and the moment itself if the text is unambiguous."""
    local = draw(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1))).replace(microsecond=0)
    names = st.sampled_from(sorted(ZONES)) | st.from_regex(r"\A[B-OQ-Z][A-LN-Z]{1,4}\Z")
    name = draw(names)
    minutes = draw(st.none() | st.integers(-14 * 60, 14 * 60))
    written = f"{local.strftime(draw(st.sampled_from(FORMS)))} {name}".rstrip()
    hours = ZONES.get(name)
    offset = None if hours is None else timedelta(hours=hours)
    if minutes is not None:
        sign = "-" if minutes < 0 else "+"
        written += f" {sign}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
        offset = timedelta(minutes=minutes)
    return written, None if offset is None else local - offset


@settings(
    max_examples=max(5, EXAMPLES // 20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(written=st.lists(moments(), min_size=1, max_size=40))
def test_a_moment_is_read_correctly_or_not_at_all(
    tmp_path: Path, written: list[tuple[str, datetime | None]]
) -> None:
    cases = "".join(case(str(n), timestamp=text) for n, (text, _) in enumerate(written))
    staged = stage_reports(tmp_path, {"r.xml": suite("s", cases)}, modified_at=1_700_000_000)
    for row in staged.rows:
        text, meant = written[int(row.test)]
        assert row.observed_at == (meant.strftime("%Y-%m-%dT%H:%M:%S") if meant else FILE_TIME), (
            text
        )
    n_unknown = sum(meant is None for _, meant in written)
    said = [
        w
        for w in staged.warnings
        if w.startswith(f"timestamps that cannot be parsed: {n_unknown},")
    ]
    assert len(said) == bool(n_unknown)


@pytest.mark.parametrize(
    ("content", "output"),
    [
        ("<testcase name='t'><Failure message='m'/></testcase>", "failed@@m"),
        ("<testcase name='t' success='false'/>", "failed"),
        ("<testcase name='t' success='true'/>", "passed"),
        ("<testcase name='t' executed='False'/>", "skipped"),
        ("<testcase name='t' disabled='true'/>", "skipped"),
        ("<testcase name='t' outcome='failed'/>", "failed"),
    ],
)
def test_flags_and_other_letters(tmp_path: Path, content: str, output: str) -> None:
    report = f"<testsuite name='s'>{content}</testsuite>"
    assert stage_reports(tmp_path, {"r.xml": report}).outputs() == [("t", output)]
