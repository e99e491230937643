"""A pipeline over ten revisions with a regression, a flaky test and a slow-down: the gate says these, no more."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from demo import pipeline
from tests.gate import recipes
from tests.harness.workspace import Workspace

DISCOUNT = ("test_basket", "test_basket::test_discount")
CLOCK = ("test_basket", "test_basket::test_is_open_now")
CATALOGUE = ("test_basket", "test_basket::test_catalogue")
PATTERN = "{data_set}/{lineage}/{revision}/{environment}/{run}.xml"


@pytest.fixture(scope="module")
def night(make_workspace: Callable[[str], Workspace]) -> Workspace:
    """The lakehouse of the pipelines, with all marts."""
    workspace = make_workspace("pipeline")
    folder = workspace.folder / "ci"
    pipeline.main(folder)
    cut_off(
        folder / "skipped/main/r10/linux/skipped-main-r10-linux.xml",
        folder / "skipped/main/r11/linux/cut.xml",
    )
    in_order = [folder / name for name in pipeline.DATA_SETS if name != "out-of-order"]
    workspace.obslake("load", "junit", *map(str, in_order), "--path-pattern", PATTERN)
    for revisions in ("r8 r9 r10", "r1 r2", "r5 r6 r7", "r3 r4"):
        late = [str(folder / "out-of-order" / "main" / name) for name in revisions.split()]
        workspace.obslake("load", "junit", *late, "--path-pattern", PATTERN)
    workspace.obslake(
        "load", "revisions", str(folder / "revisions.csv"), "--data-set", "out-of-order"
    )
    # As the recipes build, which follow.
    left_out = "obslake_leave_out: [assessments, agreements, suites]"
    workspace.obslake("build", "--quiet", "--vars", left_out)
    return workspace


def cut_off(whole: Path, path: Path) -> None:
    """Write the first six cases of a report, as those of a later run."""
    report = ET.parse(whole)
    (suite,) = report.iter("testsuite")
    for case in list(suite)[6:]:
        suite.remove(case)
    suite.set("timestamp", "2025-03-20T00:00:00+00:00")
    path.parent.mkdir(parents=True)
    report.write(path)


def gate(workspace: Workspace, data_set: str, head: str, *options: str) -> dict[str, Any]:
    """Return the outcome, with the exit status and the tests of each kind."""
    command = ("gate", "--data-set", data_set, "--head", head, "--format", "json", *options)
    done = workspace.run("obslake", *command)
    assert done.returncode in (0, 3), done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout)
    assert outcome["failed"] == (done.returncode == 3)
    outcome["counted"] = kinds(f for f in outcome["findings"] if f["counts"])
    outcome["others"] = kinds(f for f in outcome["findings"] if not f["counts"])
    return outcome


def kinds(findings: Any) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for finding in findings:
        found.setdefault(finding["kind"], set()).add((finding["problem"], finding["test"]))
    return found


# What counts in each revision of the main branch.
EXPECTED: dict[str, dict[str, set[tuple[str, str]]]] = {
    # Nobody can know yet that it is flaky.
    "r2": {"regressed": {CLOCK}},
    "r4": {"regressed": {CLOCK}},
    "r6": {"regressed": {DISCOUNT}},
    "r7": {"slower": {CATALOGUE}},
}
OTHERS = {
    **{revision: {"fixed": {CLOCK}} for revision in ("r3", "r5", "r9")},
    "r8": {"flaky": {CLOCK}},
}
FAIL_ON = ("--fail-on", "regressed,new-failing,gone,changed,flaky,slower")


@pytest.mark.parametrize("revision", pipeline.REVISIONS[1:])
@pytest.mark.parametrize("data_set", pipeline.DATA_SETS)
def test_each_revision_has_exactly_what_was_planted(
    night: Workspace, data_set: str, revision: str
) -> None:
    outcome = gate(night, data_set, revision, "--environment", "linux", *FAIL_ON)
    counted, others = EXPECTED.get(revision, {}), OTHERS.get(revision, {})
    statuses = {e["name"]: e["status"] for e in outcome["environments"]}
    if (data_set, revision) == ("broken-night", "r5"):
        assert (statuses, outcome["findings"]) == ({"linux": "broken"}, [])
        assert outcome["notes"][0].startswith(
            "linux: 1 run is set aside: 12 of 12 tests fail alike"
        )
        return
    if data_set == "broken-night" and revision == "r6":
        others = {"fixed": {CLOCK}}
    if data_set == "skipped" and revision in ("r5", "r6"):
        counted, others = {}, {"skipped": {DISCOUNT}, **others} if revision == "r5" else {}
    if data_set == "skipped" and revision == "r7":
        counted = {**counted, "regressed": {DISCOUNT}}
    assert statuses == {"linux": "compared"}
    assert (outcome["counted"], outcome["others"]) == (counted, others)


def test_a_base_that_is_named_may_be_older(night: Workspace) -> None:
    outcome = gate(night, "steady", "r9", "--base", "r5", "--environment", "linux", *FAIL_ON)
    assert outcome["counted"] == {"regressed": {DISCOUNT}, "slower": {CATALOGUE}}
    assert outcome["base"] == {"revision": "r5", "lineage": "main"}
    back = gate(night, "steady", "r5", "--base", "r9", "--environment", "linux", *FAIL_ON)
    assert (back["counted"], back["others"]) == ({}, {"fixed": {DISCOUNT}})
    assert back["notes"] == ["r5 is older than r9 in lineage main"]


def test_a_pull_request_is_compared_with_the_branch_it_is_based_on(night: Workspace) -> None:
    options = ("--base", "r5", "--environment", "linux", *FAIL_ON)
    bad = gate(night, "steady", "pr-7-a", *options)
    assert (bad["counted"], bad["others"]) == ({"regressed": {DISCOUNT}}, {})
    assert bad["head"]["lineage"] == "pr-7"
    assert bad["base"] == {"revision": "r5", "lineage": "main"}
    good = gate(night, "steady", "pr-8-a", *options)
    assert (good["counted"], good["others"], good["failed"]) == ({}, {}, False)
    # Without a base it is the first of its lineage.
    alone = gate(night, "steady", "pr-7-a", "--environment", "linux", *FAIL_ON)
    assert alone["counted"] == {"new-failing": {DISCOUNT}}
    assert [e["status"] for e in alone["environments"]] == ["no base"]
    assert alone["notes"][0].startswith("it is the first revision of lineage pr-7")


def test_an_environment_that_did_not_run_fails(night: Workspace) -> None:
    outcome = gate(night, "steady", "r10")
    statuses = {e["name"]: e["status"] for e in outcome["environments"]}
    assert (statuses, outcome["failed"]) == ({"linux": "compared", "windows": "not run"}, True)
    assert not gate(night, "steady", "r10", "--environment", "linux")["failed"]


def test_what_would_fail_in_an_environment_that_is_left_out_is_said(night: Workspace) -> None:
    linux = gate(night, "steady", "r6", "--environment", "linux")
    assert linux["notes"] == ["windows: --environment leaves it out, and 1 finding counts there"]
    assert gate(night, "steady", "r6")["notes"] == []
    both = gate(night, "steady", "r6", "--environment", "linux", "--environment", "windows")
    assert both["notes"] == []
    lenient = gate(night, "steady", "r6", "--environment", "linux", "--fail-on", "none")
    assert lenient["notes"] == []
    # Nothing ran there: another pipeline may run it.
    assert gate(night, "steady", "r10", "--environment", "linux")["notes"] == []


def test_a_report_that_was_cut_off_fails(night: Workspace) -> None:
    """In r11, half of the tests are missing; they are listed as gone."""
    outcome = gate(night, "skipped", "r11")
    assert [e["status"] for e in outcome["environments"]] == ["incomplete"]
    assert (outcome["failed"], len(outcome["others"]["gone"])) == (True, 6)
    assert outcome["notes"] == ["linux: the head executed 6 tests, the base 12"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("stedy", "r6"), "no data set 'stedy'; did you mean 'steady'?"),
        (("steady", "r66"), "no revision 'r66' in data set 'steady'; did you mean 'r6'?"),
        (
            ("steady", "r6", "--base", "r55"),
            "no revision 'r55' in data set 'steady'; did you mean 'r5'?",
        ),
        (("steady", "r6", "--environment", "linus"), "no environment 'linus' in data set 'steady'"),
        (
            ("steady", "r6", "--lineage", "mian"),
            "no lineage 'mian' in data set 'steady'; did you mean 'main'?",
        ),
        (
            ("steady", "r6", "--base", "r5", "--base-lineage", "mian"),
            "no lineage 'mian' in data set",
        ),
        (
            ("steady", "r6", "--lineage", "pr-7"),
            "revision r6 is not in lineage pr-7 of data set steady",
        ),
        (("steady", "r6", "--base", "r6"), "head and base are both r6 of lineage main"),
        (("steady", "r6", "--allow", "nowhere.csv"), "--allow nowhere.csv cannot be read"),
    ],
)
def test_a_wrong_name_is_an_error(night: Workspace, options: tuple[str, ...], message: str) -> None:
    data_set, head, *others = options
    done = night.run("obslake", "gate", "--data-set", data_set, "--head", head, *others)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr


def test_known_failures_do_not_count_until_a_day(night: Workspace, tmp_path: Path) -> None:
    known = tmp_path / "known.csv"
    rows = (
        "test_basket::test_disc*,we know,2999-12-31",
        "*test_is_open_now,a clock,",
        "*no_such_test,?,",
    )
    known.write_text("test_pattern,reason,until\n" + "\n".join(rows) + "\n")
    outcome = gate(night, "steady", "r6", "--allow", str(known))
    (finding, _) = outcome["findings"]
    assert (outcome["failed"], finding["excuse"]) == (False, "allowed: we know, until 2999-12-31")
    assert outcome["notes"] == [
        f"{known}:3: nothing that counts matches *test_is_open_now",
        f"{known}:4: no test matches *no_such_test",
    ]
    # An environment or problem that does not exist is as unknown as a test that does not.
    rows = (
        "*discount,linx,,?,",
        "*discount,,shoop,?,",
    )
    columns = "test_pattern,environment_id,problem_id,reason,until"
    known.write_text("\n".join([columns, *rows]) + "\n")
    outcome = gate(night, "steady", "r6", "--allow", str(known))
    assert outcome["failed"]
    assert outcome["notes"] == [
        f"{known}:2: no test matches *discount (linx)",
        f"{known}:3: no test matches *discount (shoop)",
    ]
    known.write_text("test_pattern,reason,until\n*discount,we knew,2020-01-01\n")
    expired = gate(night, "steady", "r6", "--allow", str(known))
    assert expired["counted"] == {"regressed": {DISCOUNT}}
    assert expired["notes"] == [
        f"{known}:2: *discount was allowed until 2020-01-01, and counts again"
    ]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (
            "table",
            "FAIL regressed    test_basket::test_discount  [linux, windows]  passed -> failed@",
        ),
        (
            "markdown",
            "| regressed | `test_basket::test_discount` | `test_basket` | `linux, windows` |",
        ),
        ("github", "::error title=regressed%3A test_basket%3A%3Atest_discount::passed -> failed@"),
        ("junit", '<failure type="regressed" message="regressed: passed -&gt; failed@'),
    ],
)
def test_all_forms_say_it(night: Workspace, form: str, expected: str) -> None:
    command = ("gate", "--data-set", "steady", "--head", "r6", "--format", form)
    done = night.run("obslake", *command)
    assert (done.returncode, done.stderr) == (3, "obslake: the gate failed: 1 regressed\n")
    assert expected in done.stdout


def test_the_functions_of_the_morning_after(night: Workspace) -> None:
    failing = night.query(
        "select environment_id, test_id, first_wrong_revision, last_right_revision, n_revisions_since "
        "from failing_since('out-of-order', 'main')"
    )
    assert failing == [("linux", DISCOUNT[1], "r6", "r5", 5)]
    flaky = night.query(
        "select environment_id, test_id, n_executions, n_unusual, n_flips, usual_response, "
        "least_share < 0.3 and greatest_share > 0.3 from flaky_tests('out-of-order')"
    )
    assert flaky == [("linux", CLOCK[1], 10, 3, 4, "passed", True)]
    assert night.query("from flaky_tests('out-of-order', last_executions := 2)") == []
    slower = night.query("select test_id, evidence, n_before from slower_tests('steady', 'r7')")
    assert slower == [(CATALOGUE[1], "slower", 6)] * 2
    early = night.query("select evidence from slower_tests('steady', 'r7', base := 'r3')")
    assert early == [("too few runs",)] * 2
    groups = night.query(
        "select message, n_tests, n_environments from failure_groups('steady', 'r8')"
    )
    assert groups == [
        ("failed@@assert … == …", 1, 2),
        ("failed@AssertionError@assert False", 1, 2),
    ]


def test_the_report_says_the_same(night: Workspace) -> None:
    command = (
        "report",
        "--data-set",
        "steady",
        "--run",
        "steady-main-r6-linux",
        "--format",
        "json",
    )
    (lineage, *_) = json.loads(night.obslake(*command))["lineages"]
    assert [(c["change"], c["problem"], c["test"]) for c in lineage["changed"]] == [
        ("regressed", *DISCOUNT)
    ]


def run_recipe(
    night: Workspace, folder: Path, variables: dict[str, str], package: str
) -> "subprocess.CompletedProcess[str]":
    """Run the script of docs/ci.md in a checkout of a package, as a CI system does."""
    folder.mkdir()
    (folder / "prices.py").write_text(package)
    (folder / "test_prices.py").write_text(
        "from prices import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n"
    )
    (folder / "ci").mkdir()
    (folder / "ci" / "obslake.sh").write_text(recipes.script())
    environment = {
        **night.environment,
        **variables,
        "OBSLAKE_HOME": str(night.home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }
    return subprocess.run(
        ["sh", "ci/obslake.sh"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_recipes_of_the_documentation(night: Workspace, tmp_path: Path) -> None:
    """A commit that passes on GitHub, and one that breaks a test on Jenkins, in one lakehouse."""
    variables = recipes.variables()
    needed = {"DATA_SET", "LINEAGE", "REVISION", "RUN", "ENVIRONMENT"}
    assert [system for system, given in variables.items() if not needed <= given.keys()] == []
    good = "def total(prices):\n    return sum(prices)\n"
    done = run_recipe(night, tmp_path / "github", variables["GitHub"], good)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "::notice title=obslake gate::passed: c1 against nothing" in done.stdout
    assert (tmp_path / "github" / "summary.md").read_text().startswith("# ✅ Gate passed: `c1`")
    bad = run_recipe(night, tmp_path / "jenkins", variables["Jenkins"], good.replace("sum", "max"))
    assert bad.returncode == 3, bad.stdout + bad.stderr
    assert "c3 against c1, data set shop, lineage main" in bad.stdout
    (suite,) = ET.parse(tmp_path / "jenkins" / "gate.xml").getroot()
    assert [f.get("type") for f in suite.iter("failure")] == ["regressed"]
    for folder in ("github", "jenkins"):
        assert (tmp_path / folder / "report" / "index.html").is_file()
