"""From test reports to the page of a lineage, by the commands that a CI job runs."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from obslake.report.overview import page_name

from tests.harness.workspace import Workspace
from tests.report.conftest import Browser, data_of

REVISIONS = ["a" * 40, "b" * 40, "c" * 40]
ENVIRONMENTS = ["linux", "windows"]

# The verdicts of each test in two runs of each revision, on Linux; on Windows, all tests pass.
VERDICTS = {
    "steady": "pppppp",
    "slower": "pppppp",
    "regressed": "ppppff",
    "fixed": "ffffpp",
    "still_wrong": "ffffee",
    "gone": "pppp--",
    "new": "----pp",
    "flaky": "ppfppp",
}
BODIES = {
    "p": "",
    "f": "<failure type='AssertionError' message='expected 1, got 2'/>",
    "e": "<error type='ImportError' message='no module 0x7F3A at 6ba7b810-9dad-11d1-80b4-00c04fd430c8'/>",
}


def report(environment: str, number: int) -> str:
    """Return the report of a run, by its number from 0."""
    cases = [
        f"<testcase classname='tests.Suite' name={quoteattr(name)} "
        f"time='{0.5 if name == 'slower' and number > 3 else 0.02}'>{BODIES[verdicts[number]]}</testcase>"
        for name, all_verdicts in VERDICTS.items()
        if (verdicts := all_verdicts if environment == "linux" else VERDICTS["steady"])[number]
        != "-"
    ]
    return (
        f"<testsuite name='pytest' timestamp='2026-01-0{number + 1}T00:00:00'>"
        f"<properties><property name='branch' value='main'/></properties>{''.join(cases)}</testsuite>"
    )


@pytest.fixture(scope="module")
def ci(make_workspace: Callable[[str], Workspace]) -> Workspace:
    """Marts of the reports, and the pages made from them in the folder ``report``."""
    workspace = make_workspace("ci")
    for environment in ENVIRONMENTS:
        for number in range(6):
            folder = workspace.folder / "ci" / f"build-{number}" / environment
            folder.mkdir(parents=True)
            (folder / f"{REVISIONS[number // 2]}.xml").write_text(report(environment, number))
    workspace.obslake(
        "load", "junit", str(workspace.folder / "ci"), "--data-set=ci", "--lineage=main",
        "--path-pattern", str(workspace.folder / "ci/{run}/{environment}/{revision}.xml"),
    )  # fmt: skip
    workspace.dbt("--quiet", "run")
    workspace.obslake("report", "-o", str(workspace.folder / "report"))
    return workspace


def page(ci: Workspace, environment: str) -> Path:
    """Return the page of the lineage in an environment."""
    return ci.folder / "report" / page_name("lineages", "ci", "main", environment)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_lineage_has_what_sql_finds(ci: Workspace, environment: str) -> None:
    data = data_of(page(ci, environment))
    changes = {
        (REVISIONS[each["revision"]], each["change"], each["test"], each["before"], each["after"])
        for each in data.get("changes", ())
    }
    found = ci.query(
        "select implementation_id, change, test_id, previous_response, response "
        "from behavior_changes where environment_id = ?",
        [environment],
    )
    assert changes == set(found)
    assert bool(found) == (environment == "linux")
    unstable = [
        (each["test"], each["executions"], each["n_usual"])
        for each in data.get("unstable_steps", ())
    ]
    assert unstable == ci.query(
        "select test_id, n_executions, n_most_frequent from flaky_responses where environment_id = ?",
        [environment],
    )
    slower = [(each["test"], each["before"], each["after"]) for each in data["slower"]]
    assert slower == [("tests.Suite::slower", 20, 500)]
    failures = [(each["kind"], each["message"], each["tests"]) for each in data.get("failures", ())]
    assert sorted(failures) == sorted(
        ci.query(
            "select response_kind, message, n_tests from failure_groups('ci', ?) "
            "where example_environment_id = ?",
            [REVISIONS[-1], environment],
        )
    )
    assert bool(failures) == (environment == "linux")
    runs = [(each["run"], each["commit"], each["branch"]) for each in data["slices"]]
    assert runs == [(f"build-{n}", REVISIONS[n // 2], "main") for n in range(6)]


def test_the_page_of_a_lineage_shows_it(browser: Browser, ci: Workspace) -> None:
    opened = browser.open(page(ci, "linux"))
    shown = [
        re.split(r"\s+(?=tests\.)", text)[:2] for text in browser.texts(".change p:first-child")
    ]
    assert shown == [
        ["regressed", "tests.Suite::regressed"],
        ["changed, both wrong", "tests.Suite::still_wrong"],
        ["gone", "tests.Suite::gone"],
        ["fixed", "tests.Suite::fixed"],
        ["new", "tests.Suite::new"],
    ]
    assert browser.texts(".change .diff")[:2] == [
        "passed failed AssertionError: expected 1, got 2",
        "failed AssertionError: expected 1, got 2 error ImportError: "
        "no module 0x7F3A at 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    ]
    strips = dict(text.split("\t", 1) for text in browser.texts(".strips tbody tr"))
    assert {
        name.rpartition("::")[2]: re.sub(r"\s", "", marks) for name, marks in strips.items()
    } == {
        "regressed": "ppppFf",
        "fixed": "ffffPp",
        "still_wrong": "ffffFf",
        "flaky": "ppFPpp",
    }
    text = opened.inner_text("main")
    assert "50.0 % of 2 executions in 2 runs" in text
    assert "20.00 ms\t500.00 ms" in text
    assert f"Last run: build-5 at 2026-01-06 00:00:00 UTC of {'c' * 40} · commit {'c' * 12}" in text
    # One revision earlier, nothing had changed.
    browser.go(revision="1")
    assert browser.texts(".counted") == ["0 of 0 changes."]


def test_the_summary_of_a_run_says_it(ci: Workspace) -> None:
    text = ci.obslake("report", "--run=build-5", "--format=markdown")
    assert "1 regressed, 1 changed, both wrong, 1 gone, 1 fixed, 1 new." in text
    assert "| `tests.Suite::flaky` | 1 of 2 |" in text
    linux = json.loads(ci.obslake("report", "--run=build-3", "--format=json"))["lineages"][0]
    assert (linux["environment"], linux["last_run"]["run"]) == ("linux", "build-3")
    assert linux["changed"] == []
    assert "later run" not in text
    # The next run executed the same revision, and its responses are those of the revision.
    earlier = ci.obslake("report", "--run=build-4", "--format=markdown")
    note = "Changes and unstable responses include 1 later run of the same revisions."
    assert f"Lineages end with run `build-4`. {note}" in earlier
