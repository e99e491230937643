"""``obslake load junit``: test reports of many tools, including broken and hostile ones."""

import gzip
import os
import xml.etree.ElementTree as ET
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obslake.errors import ObslakeError, SourceFormatError
from obslake.lakehouse.schemas import TABLES
from obslake.load.sources.base import Options
from obslake.load.sources.files import open_sources
from obslake.load.sources.junit import JUnitReader
from obslake.path_pattern import PLACEHOLDERS, PathPattern

from tests.harness.lake import Lake
from tests.harness.workspace import Workspace

FOLDER = Path(__file__).parent / "reports"

# Small reports in the formats of the tools after which they are named.
REPORTS = {path.stem: path for path in sorted(FOLDER.iterdir())}

# problem, test, attempt, response
EXPECTED: dict[str, list[tuple[str, str, int, str]]] = {
    "pytest": [
        ("tests.test_a", "tests.test_a::test_error", 0, 'error@@failed on setup with "OSError: gone"'),
        ("tests.test_a", "tests.test_a::test_skip", 0, "skipped@no <network>"),
        ("tests.test_a.TestA", "tests.test_a.TestA::test_bad", 0, "failed@AssertionError@assert 1 == 2\n + where"),
        ("tests.test_a.TestA", "tests.test_a.TestA::test_ok[1-a::b]", 0, "passed"),
    ],
    "surefire": [
        ("org.x.FooTest", "org.x.FooTest::(unnamed)", 0, "skipped"),
        ("org.x.FooTest", "org.x.FooTest::flaky", 0, "failed@java.lang.AssertionError@first"),
        ("org.x.FooTest", "org.x.FooTest::flaky", 1, "error@java.io.IOException@second"),
        ("org.x.FooTest", "org.x.FooTest::flaky", 2, "passed"),
        ("org.x.FooTest", "org.x.FooTest::never", 0, "failed@org.opentest4j.AssertionFailedError@one"),
        ("org.x.FooTest", "org.x.FooTest::never", 1, "failed@org.opentest4j.AssertionFailedError@two"),
        ("org.x.FooTest", "org.x.FooTest::never", 2, "error@java.lang.Error@three"),
        ("org.x.FooTest", "org.x.FooTest::traced", 0, "error@java.lang.IllegalStateException@down"),
    ],
    "gradle": [
        ("org.x.BarTest", "org.x.BarTest::adds(int)[1]", 0, "passed"),
        ("org.x.BarTest", "org.x.BarTest::retried()", 0, "failed@java.lang.RuntimeException@boom"),
        ("org.x.BarTest", "org.x.BarTest::retried()#2", 0, "passed"),
    ],
    "jest": [
        ("widget.test.js", "mounts an iframe", 0, "passed"),
        ("widget.test.js", "mounts an iframe#2", 0, "passed"),
    ],
    "mocha": [
        ("bibtexParser", "bibtexParser::parse fields ending ,", 0, "passed"),
        ("bibtexParser", "bibtexParser::should throw", 0, "failed@@nothing"),
    ],
    "go": [
        ("github.com/x/api", "github.com/x/api::TestRace/sub=1", 0, "failed@@Failed"),
        ("github.com/x/api", "github.com/x/api::TestUpgrade", 0, "skipped@=== SKIP"),
    ],
    "nextest": [
        ("my-crate::integration", "my-crate::integration::mod::flaky", 0, "failed@test failure@thread panicked"),
        ("my-crate::integration", "my-crate::integration::mod::flaky", 1, "passed"),
        ("my-crate::integration", "my-crate::integration::mod::ok", 0, "passed"),
    ],
    "ctest": [
        ("Linux-c++", "off", 0, "skipped"),
        ("Linux-c++", "slow", 0, "failed"),
        ("Linux-c++", "unit", 0, "passed"),
    ],
    "gtest": [
        ("Math/AddTest", "Math/AddTest::Adds/0", 0, "passed"),
        ("Math/AddTest", "Math/AddTest::Adds/1", 0, "failed@@a.cc:3\nExpected"),
        ("Math/AddTest", "Math/AddTest::DISABLED_X", 0, "skipped"),
    ],
    "phpunit": [
        ("Unit", "Tests.FooTest::testAdd with data set #0", 0, "passed"),
        ("Unit", "Tests.FooTest::testAdd with data set #1", 0,
         "failed@PHPUnit\\Framework\\ExpectationFailedException@Failed asserting that 2 is 3."),
        ("Unit", "Tests.FooTest::testOne", 0, "passed"),
    ],
    "xunit": [
        ("My.Fact", "My.Fact.Fails", 0, "failed@Xunit.Sdk.TrueException@Assert.True() Failure"),
        ("My.Fact", "My.Fact.Passes(a: 1)", 0, "passed"),
        ("My.Fact", "My.Fact::a sentence", 0, "skipped@on purpose"),
    ],
    "nunit": [
        ("My.Fix", "My.Fix::Bad", 0, "failed@@Expected: 1"),
        ("My.Fix", "My.Fix::Off", 0, "skipped@later"),
        ("My.Fix", "My.Fix::Ok(1)", 0, "passed"),
        ("My.Fix", "My.Fix::Threw", 0, "error@System.InvalidOperationException@no"),
    ],
    "mstest": [
        ("My.Tests", "My.Tests.Fails", 0, "failed@@Expected\r\n one"),
        ("My.Tests", "My.Tests::Adds (1,2)", 0, "passed"),
        ("My.Tests", "My.Tests::Hangs", 0, "error@Timeout@"),
        ("My.Tests", "My.Tests::Ignored", 0, "skipped@later"),
        ("My.Tests", "My.Tests::Rows (0)", 0, "passed"),
        ("My.Tests", "My.Tests::Rows (1)", 0, "skipped@Inconclusive"),
    ],
    "nested": [
        ("packet", "A", 0, "failed@@outside"),
        ("packet", "TestA::A", 0, "passed"),
        ("packet", "TestA::B", 0, "passed"),
        ("packet", "TestB::A", 0, "passed"),
    ],
}  # fmt: skip


def suite(cases: str, **attributes: str) -> str:
    """Return a report with one suite."""
    said = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<testsuite{said or ' name=' + quoteattr('S')}>{cases}</testsuite>"


def test_reports_of_all_tools(lake: Lake) -> None:
    assert set(REPORTS) == set(EXPECTED)
    for tool, path in REPORTS.items():
        report = lake.load("junit", path, "--data-set", tool)
        columns = ("problem_id", "test_id", "attempt", "output")
        rows = lake.rows("observations", *columns, data_set_id=tool)
        assert rows == sorted(EXPECTED[tool], key=repr), tool
        assert report["refused"] == [], tool
        # Gradle and jest write several cases with the same name.
        assert len(report["warnings"]) == (tool in ("gradle", "jest")), tool


def independent_counts(path: Path) -> Counter[str]:
    """Count verdicts with another parser, only by the words in the files."""
    counts: Counter[str] = Counter()
    for element in ET.parse(path).iter():
        name = element.tag.rpartition("}")[2]
        has = {child.tag.rpartition("}")[2] for child in element}
        word = element.get("outcome") or element.get("result") or element.get("status") or ""
        if name == "testcase":
            counts["cases"] += 1
            if "error" in has:
                counts["error"] += 1
            elif "failure" in has:
                counts["failed"] += 1
            elif "skipped" in has or word in ("disabled", "suppressed"):
                counts["skipped"] += 1
            else:
                counts["passed"] += 1
        elif name in ("flakyFailure", "rerunFailure", "flakyError", "rerunError"):
            counts["error" if name.endswith("Error") else "failed"] += 1
        elif name in ("test", "test-case", "UnitTestResult") and "InnerResults" not in has:
            counts["cases"] += 1
            is_error = word == "Timeout" or element.get("label") == "Error"
            verdicts = {"Pass": "passed", "Fail": "failed", "Time": "error"}
            counts["error" if is_error else verdicts.get(word[:4], "skipped")] += 1
    return counts


def test_counts_are_those_of_the_files(lake: Lake) -> None:
    for tool, path in REPORTS.items():
        lake.load("junit", path, "--data-set", tool)
        rows = lake.rows("observations", data_set_id=tool)
        counts = Counter(row["output"].partition("@")[0] for row in rows)
        counts["cases"] = len({row["test_id"] for row in rows})
        assert counts == independent_counts(path), tool


def test_all_columns(lake: Lake) -> None:
    path = REPORTS["pytest"]
    report = lake.load(
        "junit", path, "--revision", "3f2a9c1", "--run", "4711", "--environment", "e"
    )
    assert report["rows"] == {"implementations": 2, "runs": 1, "observations": 4}
    assert lake.row("observations", test_id="tests.test_a.TestA::test_bad") == {
        "data_set_id": "default",
        "problem_id": "tests.test_a.TestA",
        "test_id": "tests.test_a.TestA::test_bad",
        "step_id": 0,
        "implementation_id": "3f2a9c1",
        "environment_id": "e",
        "run_id": "4711",
        "attempt": 0,
        "operation": None,
        "target": None,
        "inputs": None,
        "output": "failed@AssertionError@assert 1 == 2\n + where",
        "response_kind": "verdict",
        "duration_ns": 250_000_000,
        "observed_at": datetime(2026, 1, 2, 1, 4, 5, 123456, tzinfo=UTC),
        "load_id": report["load_id"],
        "test_content_hash": None,
        "alternative": None,
    }
    assert lake.row("runs") == {
        "data_set_id": "default",
        "run_id": "4711",
        "environment_id": "e",
        "source": "junit",
        "started_at": datetime(2026, 1, 2, 1, 4, 5, 123456, tzinfo=UTC),
        "git_commit": "3f2a9c1",
        "git_branch": None,
        "pipeline": None,
        "attributes": {"python": "3.12", "hostname": "box"},
        "load_id": report["load_id"],
    }
    columns = ("problem_id", "implementation_id", "lineage", "revision", "revised_at")
    assert lake.rows("implementations", *columns) == [
        ("tests.test_a", "3f2a9c1", "default", "3f2a9c1", None),
        ("tests.test_a.TestA", "3f2a9c1", "default", "3f2a9c1", None),
    ]


def test_implementation_lineage_and_revision(lake: Lake) -> None:
    path = lake.write("r.xml", suite('<testcase name="t"/>'))
    load_id = lake.load("junit", path)["load_id"]
    lake.load("junit", path, "--run", "r")
    lake.load("junit", path, "--run", "r", "--revision", "v1")
    options = ("--revision", "v1", "--implementation", "i", "--lineage", "main")
    lake.load("junit", path, "--run", "r", *options)
    columns = ("implementation_id", "revision", "lineage")
    assert lake.rows("implementations", *columns) == sorted(
        [
            (load_id, None, "default"),
            ("r", None, "default"),
            ("v1", "v1", "default"),
            ("i", "v1", "main"),
        ],
        key=repr,
    )
    # A version is not a commit.
    assert {row["git_commit"] for row in lake.rows("runs")} == {None}


def test_repeated_names(lake: Lake) -> None:
    cases = '<testcase name="t"/><testcase name="t"><failure/></testcase><testcase name="u"/>'
    path = lake.write("r.xml", suite(cases))
    lake.load("junit", path, "--data-set", "cases")
    lake.load("junit", path, "--data-set", "attempts", "--repeats", "attempts")
    columns = ("test_id", "attempt", "output")
    assert lake.rows("observations", *columns, data_set_id="cases") == [
        ("t#2", 0, "failed"),
        ("t", 0, "passed"),
        ("u", 0, "passed"),
    ]
    assert lake.rows("observations", *columns, data_set_id="attempts") == [
        ("t", 0, "passed"),
        ("t", 1, "failed"),
        ("u", 0, "passed"),
    ]


@pytest.mark.parametrize(
    "names",
    [
        ("shop.LoginTest - desktop", "shop.LoginTest - tablet"),
        ("shop.LoginTestSlow", "shop.LoginTest.fast"),
    ],
)
def test_suites_that_only_begin_with_the_class_are_part_of_the_name(
    lake: Lake, names: tuple[str, str]
) -> None:
    case = '<testcase classname="shop.LoginTest" name="works" time="{}"/>'
    for order in (1, -1):
        suites = [suite(case.format(n), name=name) for n, name in enumerate(names)][::order]
        path = lake.write(f"{order}.xml", suite("".join(suites), name="web"))
        lake.load("junit", path, "--data-set", f"order {order}")
        found = lake.rows("observations", "test_id", "duration_ns", data_set_id=f"order {order}")
        tests = [f"{name}::shop.LoginTest::works" for name in names]
        assert dict(found) == dict(zip(tests, (0, 1_000_000_000), strict=True))


@pytest.mark.parametrize("name", ["shop.LoginTest", "shop\\LoginTest", "shop.LoginTest::works"])
def test_suites_that_are_the_class_are_left_out(lake: Lake, name: str) -> None:
    case = '<testcase classname="shop.LoginTest" name="works with data set #0"/>'
    lake.load("junit", lake.write("r.xml", suite(suite(case, name=name), name="web")))
    assert lake.rows("observations", "test_id") == [("shop.LoginTest::works with data set #0",)]


def test_a_commit_in_another_lineage_leaves_its_lineage_with_a_warning(lake: Lake) -> None:
    def loaded(run: str, lineage: str, **named: str) -> list[str]:
        path = lake.write(f"{run}.xml", suite(f'<testcase name="t" time="{run}"/>'))
        values = {"run": run, "lineage": lineage, **named}
        options = [f"--{name}={value}" for name, value in values.items()]
        return lake.load("junit", path, "--data-set=d", *options)["warnings"]

    assert loaded("1", "main", revision="c1") == []
    assert loaded("2", "main", revision="c1") == []
    assert loaded("4", "pr-7", revision="c1", implementation="pr-7@c1") == []
    assert loaded("5", "v1.0", revision="c1") == [
        "implementations that leave their lineage, because each is in that of its latest load: 1; the first is "
        "c1 of data set d, main until now (to have a commit in several lineages, name it in each: "
        "--implementation v1.0@c1)"
    ]
    # What counts is the latest load.
    assert loaded("6", "v1.0", revision="c1") == []
    assert len(loaded("7", "main", revision="c1")) == 1


def test_problem_of_all_cases(lake: Lake) -> None:
    lake.load("junit", REPORTS["nested"], REPORTS["surefire"], "--problem", "P")
    rows = lake.rows("observations", "problem_id", "test_id", attempt=0)
    assert {problem for problem, _ in rows} == {"P"}
    assert [test for _, test in rows] == [
        "org.x.FooTest::(unnamed)",
        "org.x.FooTest::flaky",
        "org.x.FooTest::never",
        "org.x.FooTest::traced",
        "packet::A",
        "packet::TestA::A",
        "packet::TestA::B",
        "packet::TestB::A",
    ]


def test_missing_names(lake: Lake) -> None:
    """Where all names are missing, the name of the file is used."""
    lake.load(
        "junit",
        lake.write(
            "core.xml", "<testsuites><testsuite><testcase/><testcase/></testsuite></testsuites>"
        ),
    )
    lake.load("junit", lake.write("bare.xml.gz", '<testsuites><testcase name="t"/></testsuites>'))
    lake.load(
        "junit",
        lake.write("x.xml", '<testsuite name="Test Suite"><testcase name="t"/></testsuite>'),
    )
    assert lake.rows("observations", "problem_id", "test_id") == [
        ("Test Suite", "t"),
        ("bare", "t"),
        ("core", "(unnamed)#2"),
        ("core", "(unnamed)"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1.5", 1_500_000_000),
        ("0.", 0),
        (".5", 500_000_000),
        ("1,234.5", 1_234_500_000_000),
        ("1.234,5", 1_234_500_000_000),
        ("1,234,567.5", 1_234_567_500_000_000),
        ("0,25", 250_000_000),
        ("1 234,5", 1_234_500_000_000),
        ("1\u202f234,5", 1_234_500_000_000),
        ("1'234.5", 1_234_500_000_000),
        ("4.5e-05", 45_000),
        ("2s", 2_000_000_000),
        ("12ms", 12_000_000),
        ("00:01:02.5", 62_500_000_000),
        ("1.02:03:04", 93_784_000_000_000),
        ("", None),
        ("-1", None),
        ("NaN", None),
        ("Infinity", None),
        ("1e400", None),
        ("soon", None),
        ("999638317", None),
    ],
)
def test_durations(lake: Lake, text: str, nanoseconds: int | None) -> None:
    report = lake.load("junit", lake.write("r.xml", suite(f'<testcase name="t" time="{text}"/>')))
    assert lake.row("observations")["duration_ns"] == nanoseconds
    expected = f"durations that are not in seconds, or longer than a year: 1, left out; the first is {text}"
    assert report["warnings"] == ([expected] if text and nanoseconds is None else [])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02T03:04:05.1234567Z", "2026-01-02T03:04:05.123456+00:00"),
        ("2026-01-02T03:04:05+0200", "2026-01-02T01:04:05+00:00"),
        ("2026-01-02 03:04:05,5", "2026-01-02T03:04:05.500000+00:00"),
        ("Sat, 03 Dec 2022 23:10:07 GMT", "2022-12-03T23:10:07+00:00"),
        ("06/15/2018 18:09:29", "2018-06-15T18:09:29+00:00"),
        ("1612345678", "2021-02-03T09:47:58+00:00"),
        ("1612345678901", "2021-02-03T09:47:58.901000+00:00"),
        ("yesterday", None),
        ("infinity", None),
        ("0001-01-01T00:00:00", None),
    ],
)
def test_moments(lake: Lake, text: str, moment: str | None) -> None:
    path = lake.write("r.xml", suite('<testcase name="t"/>', name="S", timestamp=text))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    report = lake.load("junit", path)
    file_time = datetime.fromtimestamp(1_700_000_000, tz=UTC).isoformat()
    assert lake.row("observations")["observed_at"].isoformat() == (moment or file_time)
    assert bool(report["warnings"]) == (moment is None)


def test_moments_of_attempts(lake: Lake) -> None:
    lake.load("junit", REPORTS["nextest"])
    test = "my-crate::integration::mod::flaky"
    columns = ("attempt", "duration_ns", "observed_at")
    assert lake.rows("observations", *columns, test_id=test) == [
        (0, 600_000_000, datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)),
        (1, 700_000_000, datetime(2026, 1, 2, 3, 4, 7, tzinfo=UTC)),
    ]
    (other,) = lake.rows("observations", test_id="my-crate::integration::mod::ok")
    assert other["observed_at"] == datetime(2026, 1, 2, 3, 4, 5, 512000, tzinfo=UTC)


NAME = "é€ 表 😀"


@pytest.mark.parametrize(
    ("encoding", "declared", "name"),
    [
        ("utf-8", None, NAME),
        ("utf-8-sig", "utf-8", NAME),
        ("utf-16", "utf-16", NAME),
        ("utf-16-be", "UTF-16", NAME),
        ("utf-32", "utf-32", NAME),
        # .NET declares UTF-16 for text in memory.
        ("utf-8", "utf-16", NAME),
        ("windows-1252", "windows-1252", "é€"),
        ("iso-8859-15", "ISO-8859-15", "é€"),
        ("shift_jis", "Shift_JIS", "表"),
        ("gb18030", "GB18030", NAME),
    ],
)
def test_encodings(lake: Lake, encoding: str, declared: str | None, name: str) -> None:
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    lake.load(
        "junit", lake.write("r.xml", (head + suite(f'<testcase name="{name}"/>')).encode(encoding))
    )
    assert lake.rows("observations", "test_id") == [(name,)]


def test_forms_of_xml(lake: Lake) -> None:
    """Slightly irregular reports that are still understood."""
    texts = [
        '\n\n<?xml version="1.0"?>' + suite('<testcase name="t"/>'),
        '<!-- by hand --><x:testsuite name="S"><x:testcase name="t"/></x:testsuite>',
        suite('<testcase name="t"><properties><a/></properties></testcase><unknown><a/></unknown>'),
        suite(
            '<testcase name="t"><failure/><failure/><skipped/></testcase><system-out>x</system-out>'
        ),
        suite('<x><testcase name="t"/></x>'),
    ]
    for number, text in enumerate(texts):
        lake.load("junit", lake.write(f"{number}.xml", text), "--data-set", str(number))
        assert lake.rows("observations", "test_id", data_set_id=str(number)) == [("t",)], text
    colours = lake.write(
        "c.xml", suite('<testcase name="t"><failure message="\x1b[31mno\x00"/></testcase>')
    )
    report = lake.load("junit", colours, "--data-set", "c")
    assert report["warnings"] == [
        f"{colours}: characters that XML does not allow: 2, replaced by U+FFFD"
    ]
    assert lake.rows("observations", "output", data_set_id="c") == [("failed@@\ufffd[31mno\ufffd",)]


def test_reports_without_cases(lake: Lake) -> None:
    report = lake.load("junit", lake.write("r.xml", '<testsuites tests="6"/>'))
    assert report["rows"] == {"runs": 1}
    assert lake.load("junit", lake.folder / "r.xml")["load_id"] is None


def test_long_texts_are_cut(lake: Lake) -> None:
    names = ["n" * 5000 + end for end in "ab"]
    cases = "".join(
        f'<testcase name="{n}"><failure message="{"m" * 50_000}"/></testcase>' for n in names
    )
    lake.load("junit", lake.write("r.xml", suite(cases)))
    rows = lake.rows("observations", "test_id", "output")
    assert len({test for test, _ in rows}) == 2
    assert {len(test) for test, _ in rows} == {2017}
    assert {len(output) for _, output in rows} == {len("failed@@") + 10_001}


def test_properties_of_a_run(lake: Lake) -> None:
    def properties(**values: str) -> str:
        found = "".join(f"<property name='{k}' value='{v}'/>" for k, v in values.items())
        return f"<properties>{found}<property name='text'> said </property><property/></properties>"

    suites = [
        suite(
            properties(os="linux", file=name) + f'<testcase name="t" classname="{name}"/>',
            name=name,
        )
        for name in ("a", "b")
    ]
    lake.load("junit", lake.write("r.xml", f"<testsuites>{''.join(suites)}</testsuites>"))
    assert lake.row("runs")["attributes"] == {
        "os": "linux",
        "text": "said",
        "file:a": "a",
        "file:b": "b",
    }


def test_source_files_of_tests(lake: Lake) -> None:
    lake.load("junit", REPORTS["gtest"], REPORTS["jest"])
    assert lake.rows("tests", "problem_id", "test_id", "origin") == [
        ("Math/AddTest", "Math/AddTest::Adds/1", "a.cc"),
        ("widget.test.js", "mounts an iframe#2", "src/widget.test.js"),
        ("widget.test.js", "mounts an iframe", "src/widget.test.js"),
    ]


def test_a_folder_of_runs(lake: Lake) -> None:
    """Reports of two runs may be identical byte for byte."""
    for run in ("17", "18"):
        for environment, text in (
            ("linux", "<testcase name='t'/>"),
            ("windows", "<testcase name='t'><failure/></testcase>"),
        ):
            folder = lake.folder / "ci" / run / environment / f"v{run}"
            folder.mkdir(parents=True)
            (folder / "r.xml").write_text(suite(text))
    pattern = "ci/{run}/{environment}/{revision}/*.xml"
    report = lake.load("junit", lake.folder / "ci", "--path-pattern", pattern, "--run", "unused")
    assert report["rows"]["observations"] == 4
    columns = ("run_id", "environment_id", "implementation_id", "output")
    assert lake.rows("observations", *columns) == [
        ("17", "linux", "v17", "passed"),
        ("17", "windows", "v17", "failed"),
        ("18", "linux", "v18", "passed"),
        ("18", "windows", "v18", "failed"),
    ]
    assert len(lake.rows("runs")) == 4
    again = lake.load("junit", lake.folder / "ci", "--path-pattern", pattern, "--run", "unused")
    assert (again["load_id"], len(again["skipped"])) == (None, 4)
    stray = lake.write("r.xml", suite("<testcase name='t'/>"))
    assert lake.refused("junit", stray, "--path-pattern", pattern) == (
        f"{stray}: its path does not match --path-pattern {pattern}"
    )


def test_the_branch_of_a_run_is_in_its_path(lake: Lake) -> None:
    """It takes precedence over a property, and a run of several branches has none."""
    properties = "<properties><property name='branch' value='other'/></properties>"
    for path in ("1/main/a.xml", "2/main/a.xml", "2/topic/b.xml"):
        name = Path(path).stem
        file = lake.folder / "ci" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(suite(f"{properties}<testcase name='{name}'/>"))
    report = lake.load("junit", lake.folder / "ci", "--path-pattern", "{run}/{branch}/*.xml")
    assert lake.rows("runs", "run_id", "git_branch") == [("1", "main"), ("2", "other")]
    assert report["warnings"] == [
        "run 2 in default has files of 2 branches, main and others, so the path does not say its branch: "
        "give each branch runs of its own"
    ]


@pytest.mark.parametrize(
    ("pattern", "path", "said"),
    [
        ("ci/{run}/*.xml", "ci/1/a.xml", {"run": "1"}),
        ("ci/{run}/*.xml", "/srv/x/ci/1/a.xml", {"run": "1"}),
        ("ci/{run}/*.xml", "ci/1/2/a.xml", None),
        ("ci/{run}/**/*.xml", "ci/1/2/3/a.xml", {"run": "1"}),
        ("ci/{run}/**/*.xml", "ci/1/a.xml", {"run": "1"}),
        ("ci/{run}/**", "ci/1/2/a.xml", {"run": "1"}),
        ("./{run}-{environment}.xml", "a-b-c.xml", {"run": "a", "environment": "b-c"}),
        ("/ci/{run}.xml", "/ci/a.xml", {"run": "a"}),
        ("/ci/{run}.xml", "ci/a.xml", None),
        ("{run}/r?.x+l", "1/r1.x+l", {"run": "1"}),
        ("{run}/r?.x+l", "1/r1.xxl", None),
    ],
)
def test_path_patterns(pattern: str, path: str, said: dict[str, str] | None) -> None:
    assert PathPattern.parse(pattern, PLACEHOLDERS).match(Path(path)) == said


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{run}/{nonsense}", r"unknown placeholder \{nonsense\}; there are \{run\}, "),
        ("{run}/{run}", r"\{run\} occurs twice"),
        ("*.xml", r"there is no placeholder, such as \{run\}"),
    ],
)
def test_invalid_path_patterns(lake: Lake, pattern: str, message: str) -> None:
    with pytest.raises(SourceFormatError, match=message):
        lake.obslake("load", "junit", lake.folder, "--path-pattern", pattern)


def test_cases_in_several_files_of_one_run(lake: Lake) -> None:
    paths = [lake.write(f"{n}.xml", suite(f'<testcase name="t" time="{n}"/>')) for n in range(2)]
    (warning,) = lake.load("junit", *paths)["warnings"]
    assert "1 row shares problem, test, step, implementation, environment, run" in warning
    assert (
        "exact duplicates: 0, other rows with the same response: 1, with a different response: 0"
        in warning
    )
    assert (
        "(tell the files apart with --path-pattern, or load them with different --run)" in warning
    )
    assert len(lake.rows("observations")) == 2


BROKEN = {
    "cut.xml": ("<testsuite>\n<testcase ", "not well-formed XML: unclosed token, line 2"),
    "other.xml": ("<project/>", "not a test report: its root element is project, not one of testsuites, "
                  "testsuite, TestRun, assemblies, assembly, test-run"),
    "nunit2.xml": ("<test-results/>", "an NUnit 2 report; write it as NUnit 3 or JUnit XML"),
    "text.xml": ("no XML", "not well-formed XML: syntax error, line 1"),
    "after.xml": ("<testsuite/><testsuite/>", "not well-formed XML: junk after document element, line 1"),
    "entity.xml": ("<testsuite>&nbsp;</testsuite>", "not well-formed XML: undefined entity, line 1"),
    "latin.xml": (b'<testsuite name="\xe9"/>', "not well-formed XML: it is not valid utf-8"),
    "zip.xml": ('<?xml version="1.0" encoding="zip"?><testsuite/>', "its encoding zip is unknown"),
    "odd.xml": ('<?xml version="1.0" encoding="odd"?><testsuite/>', "its encoding odd is unknown"),
}  # fmt: skip


def test_files_that_are_not_reports_are_refused(lake: Lake) -> None:
    for name, (content, reason) in BROKEN.items():
        path = lake.write(name, content)
        assert lake.refused("junit", path) == f"{path}: {reason}"
    empty = lake.folder / "empty.xml"
    empty.touch()
    assert lake.refused("junit", empty) == f"{empty}: the file is empty"


def test_all_refused_files_are_named(lake: Lake) -> None:
    folder = lake.folder / "reports"
    folder.mkdir()
    good = folder / "good.xml"
    good.write_text(suite('<testcase name="t"/>'))
    (folder / "b.trx").touch()
    (folder / "a.xml").write_text(suite('<testcase name="half"/>')[:-5])
    (folder / "pom.xml").write_text("<project/>")
    (folder / "c.xml.gz").write_bytes(gzip.compress(b"<testsuite/>")[:-9])
    (folder / "notes.txt").write_text("no report")
    missing = lake.folder / "missing.xml"
    reasons = [
        f"{folder}/b.trx: the file is empty",
        f"{folder}/c.xml.gz: not a readable gzip file: "
        "Compressed file ended before the end-of-stream marker was reached",
        f"{missing}: no such file or folder",
        f"{folder}/a.xml: not well-formed XML: unclosed token, line 1",
        f"{folder}/pom.xml: not a test report: its root element is project, not one of testsuites, "
        "testsuite, TestRun, assemblies, assembly, test-run",
    ]  # fmt: skip
    listed = "".join(f"\n  {reason}" for reason in reasons)
    assert lake.refused("junit", folder, missing) == (
        f"5 files cannot be loaded; nothing was loaded{listed}\n  load the others with --keep-going"
    )
    with pytest.raises(SourceFormatError) as refusal:
        lake.obslake("load", "junit", folder, missing, "--keep-going")
    assert str(refusal.value) == f"5 files cannot be loaded; the others were loaded{listed}"
    assert lake.rows("observations", "test_id") == [("t",)]
    # Refused files do not count as loaded, the good one does.
    (folder / "a.xml").write_text(suite('<testcase name="half"/>'))
    for name in ("b.trx", "pom.xml", "c.xml.gz"):
        (folder / name).unlink()
    report = lake.load("junit", folder)
    assert report["sources"] == [f"{folder}/a.xml"]
    assert [s["source"] for s in report["skipped"]] == [str(good)]
    assert lake.rows("observations", "test_id") == [("half",), ("t",)]


def test_messages(workspace: Workspace) -> None:
    (workspace.folder / "r.xml").write_bytes(REPORTS["surefire"].read_bytes())
    (workspace.folder / "pom.xml").write_text("<project/>")
    reason = (
        "pom.xml: not a test report: its root element is project, not one of testsuites, testsuite, "
        "TestRun, assemblies, assembly, test-run\n"
    )
    assert workspace.refused("load", "junit", "pom.xml") == f"obslake: {reason}"
    refusal = f"obslake: {reason}  load the others with --keep-going\n"
    assert workspace.refused("load", "junit", ".") == refusal
    done = workspace.run("obslake", "load", "junit", ".", "--keep-going")
    assert (done.returncode, done.stderr) == (1, f"obslake: {reason}")
    assert "observations                8 rows" in done.stdout
    out = workspace.obslake(
        "load", "junit", "-", stdin=gzip.compress(REPORTS["mstest"].read_bytes())
    )
    assert "observations                6 rows" in out


# Hostile files: each is harmless, and most are refused.

BOMB = '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)  # fmt: skip
DTD = "it has a document type declaration (DTD), which no test report needs"
LONG = "a tag or comment is longer than 16 MiB"
HOSTILE = {
    "bomb in text": (BOMB + "]>" + suite("&j;"), DTD),
    "bomb in an attribute": (BOMB + ']><testsuite name="&j;"/>', DTD),
    "bomb in UTF-16": ((BOMB + "]><testsuite/>").encode("utf-16"), DTD),
    "external entity": ('<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + suite("&x;"), DTD),
    "external DTD": ('<!DOCTYPE testsuite SYSTEM "file:///etc/passwd"><testsuite/>', DTD),
    "nested deeply": ("<testsuite>" * 5000 + "</testsuite>" * 5000, "elements are nested deeper than 1,000"),
    "a long attribute": (suite(f'<testcase name="{"x" * (20 << 20)}"/>'), LONG),
    "a long comment": (suite(f"<!--{'x' * (20 << 20)}-->"), LONG),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(lake: Lake, name: str) -> None:
    content, reason = HOSTILE[name]
    path = lake.write("r.xml", content)
    assert lake.refused("junit", path) == f"{path}: {reason}"


def test_large_but_harmless_files(lake: Lake) -> None:
    nested = "".join(f'<testsuite name="s{n}">' for n in range(200))
    inside = "<a>" * 900 + "deep" + "</a>" * 900
    texts = {
        "nested": f'{nested}<testcase name="t"/>{"</testsuite>" * 200}',
        "inside": suite(f'<testcase name="t"><failure>{inside}</failure></testcase>'),
        "attribute": suite(f'<testcase name="t"><failure message="{"x" * 10_000_000}"/></testcase>'),
        "output": suite(f'<testcase name="t"><system-out>{"x y " * 10_000_000}</system-out></testcase>'),
    }  # fmt: skip
    for name, text in texts.items():
        lake.load("junit", lake.write(f"{name}.xml", text), "--data-set", name)
        (row,) = lake.rows("observations", data_set_id=name)
        assert len(row["test_id"]) < 3000
        assert len(row["output"]) < 11_000
    many = suite(f'<testcase name="t">{"<flakyError/>" * 50_000}</testcase>')
    report = lake.load("junit", lake.write("many.xml", many))
    assert report["rows"]["observations"] <= 1001


# Any report is either read completely or refused with a reason.


def stage(folder: Path, content: bytes, **options: Any) -> list[tuple[Any, ...]] | str:
    """Return the observations of a file, or the reason for refusing it."""
    path = folder / "r.xml"
    path.write_bytes(content)
    reader = JUnitReader(**options)
    try:
        files = open_sources([str(path)], folder)
    except ObslakeError as error:
        return str(error)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        opened = reader.open(connection, files)
        if opened.refused:
            kept = connection.execute("from report_results").fetchall()
            assert kept == []
            return opened.refused[files[0]]
        staged = opened.stage(files, Options(run="r"))
        for table in (t for t in TABLES if t.name in staged.views):
            needed = [f.name for f in table.schema.fields if f.required and f.name != "load_id"]
            missing = " or ".join(f"{column} is null" for column in needed)
            query = f"select count(*) from loaded_{table.name} where {missing}"
            assert connection.execute(query).fetchall() == [(0,)], table.name
        return connection.execute(
            "select problem_id, test_id, attempt, output, observed_at from loaded_observations"
        ).fetchall()


_FUZZ = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_FUZZ
@given(content=st.binary(min_size=1, max_size=300))
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    assert isinstance(stage(tmp_path, content), str)


@_FUZZ
@given(
    tool=st.sampled_from(sorted(REPORTS)),
    cut=st.floats(0, 1),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=3),
)
def test_damaged_reports(
    tmp_path: Path, tool: str, cut: float, edits: list[tuple[float, int]]
) -> None:
    content = bytearray(REPORTS[tool].read_bytes())
    del content[1 + round(cut * (len(content) - 1)) :]
    for place, byte in edits:
        content[round(place * (len(content) - 1))] = byte
    stage(tmp_path, bytes(content))


_TAGS = st.sampled_from(
    (
        *("testsuites", "testsuite", "testcase", "testcase", "failure", "error", "skipped"),
        *("flakyFailure", "rerunError", "properties", "property", "system-out", "x"),
    )
)
_VALUES = st.one_of(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8),
    st.sampled_from(["1,5", "2026-01-02", "nan", "1e999", "-1", "::", "99:99:99", "9" * 15, "infinity"]),
)  # fmt: skip
_ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ("name", "classname", "time", "timestamp", "message", "type", "file", "value", "status")
    ),
    _VALUES,
    max_size=4,
)


@st.composite
def elements(draw: st.DrawFn, depth: int = 0) -> str:
    """Return an element of a report, mostly in a valid place."""
    tag = draw(_TAGS)
    attributes = "".join(f" {k}={quoteattr(v)}" for k, v in draw(_ATTRIBUTES).items())
    inner = draw(st.lists(elements(depth + 1), max_size=3)) if depth < 4 else []
    return f"<{tag}{attributes}>{''.join(inner)}</{tag}>"


@_FUZZ
@given(text=elements(), repeats=st.sampled_from(["cases", "attempts"]))
def test_any_report(tmp_path: Path, text: str, repeats: str) -> None:
    found = stage(tmp_path, f"<testsuites>{text}</testsuites>".encode(), repeats=repeats)
    assert not isinstance(found, str)
    assert len({row[:3] for row in found}) == len(found)
