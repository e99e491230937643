"""Suites of test reports: their names, what distinguishes them, and errors outside of cases."""

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obslake.errors import SourceFormatError
from obslake.load.sources.suite_names import is_browser, project_of, steady_name

from tests.harness.lake import Lake
from tests.loader.staging import EXAMPLES, FAILED, case, element, stage_reports, suite


def test_errors_outside_of_cases_are_kept(tmp_path: Path) -> None:
    reports = {
        "a.xml": element(
            "testsuites",
            suite(
                "db", element("error", "trace", message="cannot connect", type="OSError"), errors=1
            )
            + suite("net", case("ok", classname="net") + element("failure", "open", type="Leak")),
        ),
        "b.xml": suite("off", "<skipped>not on this machine</skipped>"),
        "c.xml": suite("outer", suite("inner", '<error message="x"/>' + case("t"))),
    }
    staged = stage_reports(tmp_path, reports)
    assert staged.outputs("problem", "test") == [
        ("db", "db::setup", "error@OSError@cannot connect"),
        ("net", "net::ok", "passed"),
        ("net", "net::teardown", "error@Leak@open"),
        ("off", "off::suite", "skipped@not on this machine"),
        ("outer", "inner::setup", "error@@x"),
        ("outer", "inner::t", "passed"),
    ]
    assert staged.warnings == [
        "errors outside cases: 3, kept as errors named after their place (setup, teardown, suite); "
        "the first is db::setup",
        "skipped suites outside cases: 1, kept as cases named after their place (setup, teardown, "
        "suite); the first is off::suite",
    ]


def test_a_case_may_be_named_like_a_setup_error(tmp_path: Path) -> None:
    """It keeps its name, whether the suite has an error or not."""
    real = case("setup", classname="s")
    staged = stage_reports(
        tmp_path, {"1/r.xml": suite("s", "<error/>" + real), "2/r.xml": suite("s", real)}
    )
    assert staged.outputs("run", "test") == [
        ("1", "s::setup", "passed"),
        ("1", "s::setup#2", "error"),
        ("2", "s::setup", "passed"),
    ]


NUNIT = """
<test-run result="Failed">
<test-suite type="Assembly" name="A.dll" fullname="/b/A.dll" result="Failed" site="Child">
<failure><message>One or more child tests had errors</message></failure>
<test-suite type="TestFixture" fullname="N.Up" classname="N.Up" result="Failed" label="Error" site="SetUp">
<failure><message>no disk</message></failure>
<test-case name="T" classname="N.Up" result="Failed" label="Error" site="Parent"/></test-suite>
<test-suite type="TestFixture" fullname="N.Down" classname="N.Down" result="Failed" label="Error" site="TearDown">
<failure><message>locked</message></failure>
<test-case name="T" classname="N.Down" result="Passed"/></test-suite>
<test-suite type="TestFixture" fullname="N.Bad" classname="N.Bad" result="Failed" site="Child">
<failure><message>One or more child tests had errors</message></failure>
<test-case name="T" classname="N.Bad" result="Failed"/></test-suite></test-suite>
<test-suite type="Assembly" name="B.dll" fullname="C:\\b\\B.dll" runstate="NotRunnable"
 result="Failed" label="Invalid">
<reason><message>no such file</message></reason></test-suite></test-run>
"""
XUNIT = """
<assemblies><assembly name="/b/A.dll" errors="2"><errors>
<error type="class-cleanup" name="N.C"><failure exception-type="E"><message>m</message></failure></error>
<error type="fatal"><failure exception-type="F"><message>f</message></failure></error></errors>
<collection name="c"><test name="N.C.t" type="N.C" method="t" result="Pass"/></collection></assembly>
<assembly name="B.dll" failed="3"><class name="N.D">
<failure exception-type="G"><message>fixture</message></failure>
<test name="N.D.t" type="N.D" method="t" result="Pass"/></class></assembly></assemblies>
"""
TRX = """
<TestRun><Results><UnitTestResult testId="1" testName="t" outcome="Failed"/></Results>
<TestDefinitions><UnitTest name="t" id="1" storage="/b/a.dll"><TestMethod className="N.C, a"/></UnitTest>
</TestDefinitions>
<ResultSummary outcome="Failed"><Counters failed="1"/><RunInfos>
<RunInfo outcome="Error"><Text>[xUnit.net 00:00:01.0]   N.C.t [FAIL]</Text></RunInfo>
<RunInfo outcome="Warning"><Text>slow</Text></RunInfo>{}</RunInfos></ResultSummary></TestRun>
"""


def test_errors_outside_of_cases_in_other_formats(tmp_path: Path) -> None:
    (tmp_path / "nunit").mkdir()
    staged = stage_reports(tmp_path / "nunit", {"r.xml": NUNIT})
    assert staged.outputs("problem", "test") == [
        ("B.dll", "B.dll::suite", "error@@no such file"),
        ("N.Bad", "N.Bad::T", "failed"),
        ("N.Down", "N.Down::T", "passed"),
        ("N.Down", "N.Down::teardown", "error@@locked"),
        ("N.Up", "N.Up::T", "error"),
        ("N.Up", "N.Up::setup", "error@@no disk"),
    ]
    (tmp_path / "xunit").mkdir()
    staged = stage_reports(tmp_path / "xunit", {"r.xml": XUNIT})
    assert staged.outputs("problem", "test") == [
        ("A.dll", "A.dll::suite", "error@F@f"),
        ("N.C", "N.C.t", "passed"),
        ("N.C", "N.C::teardown", "error@E@m"),
        ("N.D", "N.D.t", "passed"),
        ("N.D", "N.D::setup", "error@G@fixture"),
    ]
    assert any("suites count, but the report does not contain: 2" in w for w in staged.warnings)
    for run_info, outside in (
        ("", []),
        ("<RunInfo outcome='Error'><Text>host crashed</Text></RunInfo>", ["error@@host crashed"]),
        ("<RunInfo outcome='Error'/><RunInfo outcome='Timeout'/>", ["error@@Error\nTimeout"]),
    ):
        staged = stage_reports(tmp_path, {"r.trx": TRX.format(run_info)})
        expected = [("N.C::t", "failed"), *(("a.dll::suite", output) for output in outside)]
        assert staged.outputs() == expected


def test_a_run_that_was_aborted_is_an_error(tmp_path: Path) -> None:
    trx = '<TestRun><Results/><ResultSummary outcome="Aborted"/></TestRun>'
    staged = stage_reports(tmp_path, {"r_2024-05-06_07_08_09.trx": trx})
    assert staged.outputs("problem", "test") == [("r", "suite", "error@@the run ended as Aborted")]


def test_counted_but_missing_cases_are_reported(tmp_path: Path) -> None:
    told = suite("a", case("t", FAILED), tests=1, failures=1)
    silent = suite("b", case("t"), tests=3, errors=1)
    report = element("testsuites", told + silent, tests=4, failures=1, errors=1)
    assert stage_reports(tmp_path, {"r.xml": report}).warnings == [
        f"cases that suites count, but the report does not contain: 2; the first are in {tmp_path}/r.xml: b",
        "failures and errors that suites count, but the report does not contain: 1; the first are "
        f"in {tmp_path}/r.xml: b",
    ]


def test_reports_without_a_case_are_reported(lake: Lake) -> None:
    empty = lake.write("empty.xml", suite("s", tests=0))
    full = lake.write("full.xml", suite("s", case("t")))
    assert lake.load("junit", full, empty)["warnings"] == [
        f"reports without test cases: 1: {empty}"
    ]


def test_a_suite_has_the_same_name_in_every_run(tmp_path: Path) -> None:
    """Times, versions and random ids that tools append do not change it."""
    changing = [
        ("20240803152028", "20250101000000"),
        ("2024-08-03T15:20:28.123Z", "2024-08-04T01:02:03.456Z"),
        ("2024-08-03 15:20", "2024-08-04 01:02"),
        ("1722698428", "1722698499"),
        ("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "3f2504e0-4f89-41d3-9a0c-0305e82c3302"),
        ("v1.4.2-rc1", "v1.5.0"),
        ("(build 17)", "(build 18)"),
    ]  # fmt: skip
    for number, texts in enumerate(changing):
        folder = tmp_path / str(number)
        folder.mkdir()
        reports = {
            f"{run}/r.xml": suite(f"Cart {text}", case("t", classname="C"))
            for run, text in enumerate(texts)
        }
        staged = stage_reports(folder, reports)
        assert {(row.problem, row.test) for row in staged.rows} == {("Cart", "C::t")}, texts
        (warning,) = staged.warnings
        assert warning.startswith("suite names with a time, a version or an id of the run: 2")
        kept = stage_reports(folder, reports, keep_names=True)
        assert {row.problem for row in kept.rows} == {f"Cart {text}" for text in texts}
        assert kept.warnings == []


def test_a_class_or_file_named_after_its_suite(tmp_path: Path) -> None:
    reports = {
        "1/r-20240803152028.xml": element("testsuites", case("t")),
        "2/r-20240804152028.xml": element("testsuites", case("t")),
        "1/a.xml": suite("A-20240803152028", case("t", classname="A-20240803152028")),
        "2/a.xml": suite("A-20240804152028", case("t", classname="A-20240804152028")),
    }
    staged = stage_reports(tmp_path, reports)
    assert {(row.problem, row.test) for row in staged.rows} == {("r", "t"), ("A", "A::t")}


@pytest.mark.parametrize(
    "name",
    [
        "tests.test_a.TestA", "Math/AddTest", "github.com/x/api/v8", "HTTP 1.1", "TLS 1.2", "RFC 2822",
        "listens on 127.0.0.1", "issue 12345678", "ABC-0045: Multi-User Chat", "Edge", "Chrome",
        "test_10", "2001: A Space Odyssey", "my-crate::integration", "decade", "x" * 3000,
    ],
)  # fmt: skip
def test_meaningful_names_are_unchanged(name: str) -> None:
    assert steady_name(name).name == name
    assert not is_browser(name)


@given(
    name=st.text(max_size=60) | st.from_regex(r"(0x[0-9a-f]{6} - |1\.2\.3|\(at |20240803){1,300}x?")
)
@settings(max_examples=200, deadline=None)
def test_names_are_read_in_linear_time(name: str) -> None:
    start = time.process_time()
    steady = steady_name(name).name
    is_browser(name)
    project_of(name)
    assert time.process_time() - start < 1
    assert len(steady) <= len(name)


def test_projects_of_playwright_are_environments(lake: Lake) -> None:
    """A missing browser in the next run is neither a regression nor a fix."""

    def report(*projects: str) -> str:
        suites = (
            suite(
                "a.spec.ts",
                case("has title", FAILED if name == "firefox" else "", classname="a.spec.ts"),
                hostname=name,
            )
            for name in projects
        )
        return element("testsuites", "".join(suites), id="", name="")

    folder = lake.folder / "ci"
    for run, projects in (("1", ("setup", "firefox", "webkit")), ("2", ("firefox", "webkit"))):
        (folder / run).mkdir(parents=True)
        (folder / run / "r.xml").write_text(report(*projects))
    loaded = lake.load("junit", folder, "--path-pattern", "{run}/*.xml", "--environment", "linux")
    assert loaded["warnings"] == [
        "suites that name a browser, a device or a project, which becomes their environment: 5: "
        "firefox, setup, webkit"
    ]
    assert lake.rows("observations", "run_id", "environment_id", "test_id", "output") == [
        ("1", "linux/firefox", "a.spec.ts::has title", "failed@@no"),
        ("1", "linux/setup", "a.spec.ts::has title", "passed"),
        ("1", "linux/webkit", "a.spec.ts::has title", "passed"),
        ("2", "linux/firefox", "a.spec.ts::has title", "failed@@no"),
        ("2", "linux/webkit", "a.spec.ts::has title", "passed"),
    ]
    assert lake.row("runs", run_id="1", environment_id="linux/webkit")["attributes"] == {
        "hostname": "webkit"
    }


@pytest.mark.parametrize(
    ("hostname", "project"),
    [
        ("chromium", "chromium"),
        ("Mobile Chrome", "Mobile Chrome"),
        ("iPhone 12", "iPhone 12"),
        ("Chrome 120.0.6099", "Chrome"),
        ("my project", "my project"),
        ("box", None),
        ("firefox-ci-01", None),
        ("Mikes-iMac.local", None),
        ("localhost (127.0.0.1)", None),
        ("3f909e363d82", None),
        ("", None),
    ],
)
def test_names_of_hosts(hostname: str, project: str | None) -> None:
    assert project_of(hostname) == project


def test_browsers_of_karma_are_environments(tmp_path: Path) -> None:
    def report(version: str) -> str:
        underlined = version.replace(".", "_")
        return element(
            "testsuites",
            suite(
                f"Chrome {version} (Linux x86_64)",
                case("adds", classname=f"Chrome_{underlined}_(Linux_x86_64).Calculator"),
            ),
        )

    reports = {"1/r.xml": report("119.0.1"), "2/r.xml": report("120.0.6099")}
    staged = stage_reports(tmp_path, reports)
    assert {row[1:4] for row in staged.rows} == {
        ("Chrome (Linux x86_64)", "Calculator", "Calculator::adds")
    }


def test_properties_and_attributes_may_be_the_environment(tmp_path: Path) -> None:
    def one(browser: str) -> str:
        properties = element("properties", element("property", name="browserName", value=browser))
        return suite("s", properties + case("t"), hostname="box", package="p")

    report = {"r.xml": element("testsuites", one("chrome") + one("firefox 120.0"))}
    for option, environments in (
        (None, {"e/chrome", "e/firefox"}),
        ("hostname", {"e/box"}),
        ("package", {"e/p"}),
        ("browserName", {"e/chrome", "e/firefox 120.0"}),
    ):
        staged = stage_reports(tmp_path, report, environment="e", environment_from=option)
        assert {row.environment for row in staged.rows} == environments
        assert {environment for _, environment in staged.runs} == environments


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"package": "p"}, {"package": "q"}),
        ({"file": "p"}, {"file": "q"}),
        ({"id": "p"}, {"id": "q"}),
        ({"hostname": "p"}, {"hostname": "q"}),
    ],
)
def test_suites_with_the_same_name_are_distinguished(
    tmp_path: Path, first: dict[str, str], second: dict[str, str]
) -> None:
    """In any order, and never by number."""
    one, other = suite("s", case("t"), **first), suite("s", case("t", FAILED), **second)
    for suites in (one + other, other + one):
        staged = stage_reports(tmp_path, {"r.xml": element("testsuites", suites)})
        assert staged.outputs() == [("t [p]", "passed"), ("t [q]", "failed@@no")]
        assert staged.warnings == [
            "cases with the same name in several suites: 2, told apart by differences of their suites; "
            "the first is t [p]"
        ]


def test_suites_with_the_same_name_in_several_files(tmp_path: Path) -> None:
    reports = {
        f"{name}.xml": suite("s", case("t"), file=f"/home/{name}/src/{name}.js") for name in "ab"
    }
    staged = stage_reports(tmp_path, reports)
    assert staged.outputs() == [("t [src/a.js]", "passed"), ("t [src/b.js]", "passed")]


def test_versions_removed_from_names_distinguish_suites(tmp_path: Path) -> None:
    suites = suite("api v1.2.3", case("t")) + suite("api v1.3.0", case("t", FAILED))
    staged = stage_reports(tmp_path, {"r.xml": element("testsuites", suites)})
    assert staged.outputs() == [("t [v1.2.3]", "passed"), ("t [v1.3.0]", "failed@@no")]


def test_indistinguishable_suites_are_numbered_with_a_warning(tmp_path: Path) -> None:
    cases = case("t") + case("t", FAILED)
    staged = stage_reports(tmp_path, {"r.xml": suite("s", cases, id="0", hostname="3f909e363d82")})
    assert staged.outputs() == [("t", "passed"), ("t#2", "failed@@no")]
    assert staged.warnings == [
        "cases of one report that have the same name and nothing to tell them apart: 1, numbered in their "
        "order, so that another order renames them (--repeats attempts makes them attempts at one case); "
        "the first is t#2"
    ]
    assert stage_reports(tmp_path, {"r.xml": suite("s", cases)}, repeats="attempts").warnings == []


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(names=st.lists(st.from_regex(r"\A[tu]#{0,2}[23]?#?\Z"), min_size=1, max_size=12))
def test_numbering_does_not_change_other_names(tmp_path: Path, names: list[str]) -> None:
    """A case with a unique name keeps it, and all names are different."""
    staged = stage_reports(tmp_path, {"r.xml": suite("s", "".join(map(case, names)))})
    tests = [row.test for row in staged.rows]
    assert len(set(tests)) == len(names)
    assert set(names) <= set(tests)


def test_fixtures_of_nunit_with_arguments(tmp_path: Path) -> None:
    def fixture(argument: str) -> str:
        inner = element("test-case", name="T", classname="N.F", result="Passed")
        return element(
            "test-suite", inner, type="TestFixture", fullname=f"N.F({argument})", classname="N.F"
        )

    report = element("test-run", fixture("1") + fixture("2"))
    staged = stage_reports(tmp_path, {"r.xml": report})
    assert staged.outputs("problem", "test") == [
        ("N.F", "N.F(1).T", "passed"),
        ("N.F", "N.F(2).T", "passed"),
    ]


def test_a_given_problem_replaces_the_suite(tmp_path: Path) -> None:
    """So another build of CTest has the same tests."""
    reports = {
        "1/r.xml": suite("Linux-gcc", case("unit", classname="unit") + "<error/>"),
        "2/r.xml": suite("Linux-clang", case("unit", classname="unit") + "<error/>"),
    }
    staged = stage_reports(tmp_path, reports, problem="P")
    assert {row.test for row in staged.rows} == {"unit", "P::teardown"}
    both = {"1/r.xml": reports["1/r.xml"], "1/q.xml": reports["2/r.xml"]}
    staged = stage_reports(tmp_path, both, problem="P")
    assert "Linux-gcc::unit" in {row.test for row in staged.rows}


def test_patterns_for_names(tmp_path: Path) -> None:
    cases = case("t on node7", classname="nightly.C") + case("u", classname="nightly.C")
    report = {"r.xml": suite("nightly-S", cases)}
    staged = stage_reports(tmp_path, report, strip=(r"^nightly[.-]", r" on node\d+"))
    assert staged.outputs("problem", "test") == [("S", "C::t", "passed"), ("S", "C::u", "passed")]
    staged = stage_reports(tmp_path, report, test_name=r"::(\w+) on")
    assert staged.outputs() == [("nightly.C::u", "passed"), ("t", "passed")]
    assert staged.warnings == [
        "names without a match of --test-name: 1, left unchanged; the first is nightly.C::u"
    ]
    assert stage_reports(tmp_path, report, test_name=r"\w+$").outputs()[0] == ("node7", "passed")
    # A name that becomes empty counts as missing.
    staged = stage_reports(tmp_path, report, strip=(".+",))
    assert {row.problem for row in staged.rows} == {f"{tmp_path}/r.xml"}
    assert {row.test for row in staged.rows} == {"(unnamed)", "(unnamed)#2"}


@pytest.mark.parametrize("option", ["--strip", "--test-name"])
def test_invalid_patterns(lake: Lake, option: str) -> None:
    path = lake.write("r.xml", suite("s", case("t")))
    with pytest.raises(SourceFormatError, match=f"{option} '\\(': not a valid regular expression"):
        lake.obslake("load", "junit", path, option, "(")


def test_options_for_names_are_part_of_the_identity_of_a_load(lake: Lake) -> None:
    path = lake.write("r.xml", suite("nightly", case("t")))
    lake.load("junit", path, "--run", "r")
    assert lake.load("junit", path, "--run", "r")["load_id"] is None
    assert lake.load("junit", path, "--run", "r", "--strip", "ly$")["load_id"] is not None
    assert lake.rows("observations", "problem_id") == [("night",), ("nightly",)]


@pytest.mark.parametrize("name", ["branch", "git.branch", "GIT_BRANCH", "env.BRANCH_NAME"])
def test_branch_and_commit_of_a_run(tmp_path: Path, name: str) -> None:
    written = {name: "main", "GITHUB_SHA": "3F2A9C1D", "other": "x"}
    properties = "".join(element("property", name=k, value=v) for k, v in written.items())
    report = suite("s", element("properties", properties) + case("t"))
    (run,) = stage_reports(tmp_path, {"r.xml": report}).runs.values()
    assert (run["git_branch"], run["git_commit"]) == ("main", "3f2a9c1d")
    assert run["attributes"] == written
    two = element("testsuites", report + report.replace("main", "dev"))
    (run,) = stage_reports(tmp_path, {"r.xml": two}).runs.values()
    assert run["git_branch"] is None


def test_sources_of_a_load_are_reported_on_one_line(lake: Lake) -> None:
    folder = lake.folder / "ci"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number:02}.xml").write_text(suite(f"s{number}", case("t")))
    load_id = lake.load("junit", folder)["load_id"]
    out, _ = lake.obslake("load", "junit", folder)
    assert out == f"30 sources: already loaded by load {load_id}, nothing appended\n"
    named, _ = lake.obslake("load", "junit", folder, "--verbose")
    assert len(named.splitlines()) == 30
    line = lake.obslake("status", "--snapshots")[0].splitlines()[-1]
    assert line.endswith(f"30 rows  {folder}/00.xml, {folder}/01.xml and 28 more")
    line = lake.obslake("status", "--snapshots", "--verbose")[0].splitlines()[-1]
    assert line.count(".xml") == 30
    # The same content under many names also gives one warning.
    copies = lake.folder / "copies"
    copies.mkdir()
    for number in range(30):
        (copies / f"{number:02}.xml").write_text(suite("s", case("t")))
    assert len(lake.load("junit", copies)["warnings"]) == 2


@st.composite
def reports(draw: st.DrawFn) -> str:
    """A report with nested suites, repeated names, and errors in all places."""

    def inner(depth: int) -> str:
        parts = []
        for _ in range(draw(st.integers(0, 3))):
            kind = draw(st.sampled_from(["case", "case", "suite", "error", "skipped", "property"]))
            if kind == "suite" and depth < 3:
                parts.append(a_suite(depth + 1))
            elif kind == "case":
                status = draw(st.sampled_from(["", "run", "skip", "timedout", "frobnicated"]))
                body = draw(
                    st.sampled_from(["", "", FAILED, "<error/>", "<skipped/>", "<ignored/>"])
                )
                parts.append(case(draw(st.sampled_from("tu")), body, status=status))
            elif kind == "error":
                parts.append(draw(st.sampled_from(["<error/>", FAILED])))
            elif kind == "skipped":
                parts.append("<skipped/>")
            elif kind == "property":
                browser = draw(st.sampled_from(["chrome", "firefox"]))
                parts.append(
                    element("properties", element("property", name="browser", value=browser))
                )
        return "".join(parts)

    def a_suite(depth: int) -> str:
        name = draw(st.sampled_from(["s", "s", "z-20240803152028", "Chrome 1.2 (Linux)", "tests"]))
        chosen = draw(
            st.dictionaries(
                st.sampled_from(["hostname", "package", "id", "file"]),
                st.sampled_from(["p", "q", "firefox", "0"]),
                max_size=2,
            )
        )
        return suite(name, inner(depth), **chosen)

    root = draw(st.sampled_from([{}, {"id": "", "name": ""}]))
    return element(
        "testsuites", "".join(a_suite(0) for _ in range(draw(st.integers(1, 4)))), **root
    )


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(report=reports(), options=st.sampled_from([{}, {"problem": "P"}, {"keep_names": True}]))
def test_no_case_or_error_of_a_report_is_lost(
    tmp_path: Path, report: str, options: dict[str, object]
) -> None:
    """Every case and every error is a separate row, and only passed cases pass."""
    staged = stage_reports(tmp_path, {"r.xml": report}, **options)
    keys = {row[:5] for row in staged.rows}
    assert len(keys) == len(staged.rows)
    n_cases, n_outside, n_passed = expected(report)
    assert len(staged.rows) == n_cases + n_outside
    assert sum(row.output == "passed" for row in staged.rows) == n_passed
    n_unknown = report.count('status="frobnicated"></testcase>')
    assert sum(row.output == "$STATUS@frobnicated" for row in staged.rows) == n_unknown


def expected(report: str) -> tuple[int, int, int]:
    """Count cases, errors outside of them, and passed cases, with another parser."""
    import xml.etree.ElementTree as ET

    n_cases = n_outside = n_passed = 0
    for parent in ET.fromstring(report).iter():
        for child in parent:
            if child.tag == "testcase":
                n_cases += 1
                n_passed += not len(child) and child.get("status") in ("", "run")
            elif parent.tag == "testsuite" and child.tag in ("error", "failure", "skipped"):
                n_outside += 1
    return n_cases, n_outside, n_passed


@settings(
    max_examples=max(10, EXAMPLES // 4), deadline=None, suppress_health_check=list(HealthCheck)
)
@given(
    order=st.permutations(["chromium", "firefox", "webkit", "iPhone 12"]),
    missing=st.integers(0, 3),
    repeats=st.integers(1, 2),
)
def test_a_missing_browser_does_not_change_the_others(
    tmp_path: Path, order: list[str], missing: int, repeats: int
) -> None:
    def report(projects: list[str]) -> str:
        return element(
            "testsuites",
            "".join(
                suite("s", case("t", f'<failure message="{p}"/>') * repeats, hostname=p)
                for p in projects
            ),
        )

    fewer = [p for n, p in enumerate(order) if n != missing]
    staged = stage_reports(tmp_path, {"1/r.xml": report(order), "2/r.xml": report(fewer)})
    said = {run: {row[1:6] for row in staged.rows if row.run == run} for run in ("1", "2")}
    assert said["2"] == {row for row in said["1"] if row[0] in fewer}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("10.0.0.1:8080", "10.20.3.1:8080"),
        ("Section 5.1.2 rules", "Section 5.1.3 rules"),
        ("RFC 7231 6.5.4", "RFC 7231 6.5.5"),
    ],
)
def test_numbers_that_are_not_versions_stay(tmp_path: Path, one: str, other: str) -> None:
    staged = stage_reports(
        tmp_path,
        {"r1/r.xml": suite(one, case("t")), "r2/r.xml": suite(other, case("t", FAILED))},
    )
    assert staged.outputs("problem") == [(one, "passed"), (other, "failed@@no")]


def test_class_names_keep_parts_that_look_random(tmp_path: Path) -> None:
    names = ("Vector_e3b0c44298fc1c14", "Vector_ba7816bf8f01cfea")
    cases = "".join(f"<testcase classname='{name}' name='t'/>" for name in names)
    staged = stage_reports(tmp_path, {"r.xml": suite("s", cases)})
    assert {row.test for row in staged.rows} == {f"{name}::t" for name in names}


def test_suites_distinguished_only_by_random_ids(tmp_path: Path) -> None:
    """The ids removed from their names distinguish them in any order, not their number."""
    ids = ("123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174001")
    one, two = suite(f"Case {ids[0]}", case("t")), suite(f"Case {ids[1]}", case("t", FAILED))
    found = []
    for suites in (one + two, two + one):
        staged = stage_reports(tmp_path, {"r.xml": element("testsuites", suites)})
        found.append(staged.outputs("problem", "test"))
    assert found[0] == found[1]
    assert [output for *_, output in found[0]] == ["passed", "failed@@no"]


def test_an_environment_property_that_no_suite_has_is_reported(tmp_path: Path) -> None:
    staged = stage_reports(tmp_path, {"r.xml": suite("s", case("t"))}, environment_from="hostnam")
    assert any(w.startswith("--environment-from hostnam: no suite") for w in staged.warnings)
