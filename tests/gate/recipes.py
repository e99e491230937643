"""The recipes of docs/ci.md: their script, and the variables that each CI system gives it."""

import re
from typing import Any

import yaml

from tests.harness.commands import PROJECT

PAGE = (PROJECT / "docs" / "ci.md").read_text()

# What expressions of CI systems mean for a push of a commit to the main branch.
VALUES = {
    (
        "${{ github.event_name == 'pull_request' && format('pr-{0}', github.event.number) "
        "|| github.ref_name }}"
    ): "main",
    "${{ github.event.pull_request.head.sha || github.sha }}": "c1",
    "${{ github.event.pull_request.base.sha || 'previous' }}": "previous",
    "${{ github.run_id }}-${{ github.run_attempt }}": "1-1",
    "$CI_COMMIT_REF_NAME": "main",
    "$CI_COMMIT_SHA": "c2",
    "$CI_PIPELINE_ID-$CI_JOB_ID": "2-2",
    "${env.CHANGE_ID ? 'pr-' + env.CHANGE_ID : env.BRANCH_NAME}": "main",
    "${env.GIT_COMMIT}": "c3",
    "${env.BUILD_TAG}": "jenkins-shop-3",
}


def block(language: str, start: str) -> str:
    """Return the block of code of a language that begins with a text."""
    for found in re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE):
        if found.startswith(start):
            return str(found)
    raise AssertionError(f"no block of {language} begins with {start}")


def script() -> str:
    """Return the script that all recipes run."""
    return block("sh", "#!/bin/sh")


def variables() -> dict[str, dict[str, str]]:
    """Return the variables of the script by CI system."""
    (job,) = yaml.safe_load(block("yaml", "name: tests"))["jobs"].values()
    (step,) = (s for s in job["steps"] if s.get("run") == "sh ci/obslake.sh")
    gitlab = yaml.safe_load(block("yaml", "tests:"))["tests"]
    assert gitlab["script"][-1] == "sh ci/obslake.sh"
    jenkins = block("groovy", "pipeline {")
    assert "sh 'sh ci/obslake.sh'" in jenkins
    environment = re.search(r"environment \{(.*?)\n    \}", jenkins, re.DOTALL)
    assert environment
    settings = re.findall(r"""(\w+) = (['"])(.*)\2$""", environment[1], re.MULTILINE)
    return {
        "GitHub": _meant(step["env"]),
        "GitLab": _meant(gitlab["variables"]),
        "Jenkins": _meant({name: value for name, _, value in settings}),
    }


def _meant(given: dict[str, Any]) -> dict[str, str]:
    meant = {name: VALUES.get(str(value), str(value)) for name, value in given.items()}
    unknown = [value for value in meant.values() if "$" in value]
    assert not unknown, unknown
    return meant
