"""The context of the suite: interpreter, platform, commit, branch, pipeline, and the implementation under test."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse


@dataclass(frozen=True)
class Pipeline:
    """One pipeline execution, in the terms of the CI service."""

    service: str
    pipeline: str
    run_id: str
    commit: str | None
    branch: str | None


@dataclass(frozen=True)
class Subject:
    """The implementation under test: a distribution and version, else a module and commit, else only a module."""

    system: str
    revision: str | None

    @property
    def implementation(self) -> str:
        """Return ``name@revision``, or the name alone."""
        return f"{self.system}@{self.revision}" if self.revision else self.system


def environment() -> str:
    """Return interpreter, version and platform, such as ``cpython-3.11-linux-x86_64``."""
    version = ".".join(map(str, sys.version_info[:2]))
    return f"{sys.implementation.name}-{version}-{sys.platform}-{platform.machine()}".lower()


def pipeline(variables: Mapping[str, str]) -> Pipeline | None:
    """Read the environment variables of GitHub Actions, GitLab CI, Buildkite and Jenkins.

    A run is one execution: a retry of the pipeline (or of the job, if the service retries jobs) is another run of
    the same pipeline.
    """

    def first(*names: str) -> str | None:
        return next((variables[name] for name in names if variables.get(name)), None)

    def found(
        service: str, identifier: str | None, retry: str | None, commit: str, *branches: str
    ) -> Pipeline:
        run_id = "-".join(part for part in (service, identifier, retry) if part)
        return Pipeline(service, identifier or service, run_id, first(commit), first(*branches))

    if first("GITHUB_ACTIONS"):
        return found(
            "github",
            first("GITHUB_RUN_ID"),
            first("GITHUB_RUN_ATTEMPT"),
            "GITHUB_SHA",
            "GITHUB_HEAD_REF",
            "GITHUB_REF_NAME",
        )
    if first("GITLAB_CI"):
        return found(
            "gitlab",
            first("CI_PIPELINE_ID"),
            first("CI_JOB_ID"),
            "CI_COMMIT_SHA",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
            "CI_COMMIT_REF_NAME",
        )
    if first("BUILDKITE"):
        return found(
            "buildkite",
            first("BUILDKITE_BUILD_ID", "BUILDKITE_BUILD_NUMBER"),
            first("BUILDKITE_RETRY_COUNT"),
            "BUILDKITE_COMMIT",
            "BUILDKITE_BRANCH",
        )
    if first("JENKINS_URL"):
        return found(
            "jenkins",
            first("BUILD_TAG", "BUILD_ID", "BUILD_NUMBER"),
            None,
            "GIT_COMMIT",
            "CHANGE_BRANCH",
            "BRANCH_NAME",
            "GIT_BRANCH",
        )
    return None


def new_run_id(found: Pipeline | None) -> str:
    """Return the id of the pipeline's run, or a new one."""
    return found.run_id if found else str(uuid.uuid4())


def commit(folder: Path) -> str | None:
    """Return the commit checked out in a folder, or None without git."""
    return _git(folder, "rev-parse", "HEAD")


def branch(folder: Path) -> str | None:
    """Return the branch checked out in a folder, or None without git or a branch."""
    name = _git(folder, "rev-parse", "--abbrev-ref", "HEAD")
    return None if name == "HEAD" else name


def subject(module_name: str) -> Subject:
    """Return the implementation that an imported module belongs to."""
    package = module_name.partition(".")[0]
    file = _file(package)
    distribution = _distribution(package, file)
    if distribution is not None:
        return Subject(distribution.metadata["Name"], distribution.version)
    if file is not None and _git(file.parent, "ls-files", "--error-unmatch", file.name):
        return Subject(package, commit(file.parent))
    return Subject(package, None)


def _file(package: str) -> Path | None:
    module = sys.modules.get(package)
    place = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    return Path(place).resolve() if isinstance(place, str) else None


def _distribution(package: str, file: Path | None) -> importlib.metadata.Distribution | None:
    """Return the installed distribution of an imported package, or None."""
    if file is None:
        return None
    for distribution in importlib.metadata.distributions():
        try:
            if _installs(distribution, package, file) or _is_checkout(distribution, file):
                return distribution
        except Exception:  # noqa: S112 - a broken distribution is not our concern
            continue
    return None


def _installs(distribution: importlib.metadata.Distribution, package: str, file: Path) -> bool:
    if not _is_below(file, Path(str(distribution.locate_file(""))).resolve()):
        return False
    declared = distribution.read_text("top_level.txt")
    if declared:
        return package in declared.split()
    installed = distribution.read_text("RECORD") or ""
    return any(line.startswith((f"{package}/", f"{package}.")) for line in installed.splitlines())


def _is_checkout(distribution: importlib.metadata.Distribution, file: Path) -> bool:
    """Return whether the file is in the source folder of an editable distribution."""
    text = distribution.read_text("direct_url.json")
    if not text:
        return False
    origin = json.loads(text)
    is_editable = origin.get("dir_info", {}).get("editable", False)
    folder = Path(unquote(urlparse(origin["url"]).path))
    return is_editable is True and _is_below(file, folder.resolve())


def _is_below(file: Path, folder: Path) -> bool:
    return folder in file.parents


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", os.fspath(folder), *arguments],  # noqa: S607
            capture_output=True,
            check=False,
            timeout=10,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    text = done.stdout.decode("utf-8", "replace").strip()
    return text if done.returncode == 0 and text else None
