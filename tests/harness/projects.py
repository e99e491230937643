"""Parses the dbt project of this folder once for each set of variables, for all commands that are forked.

Copies of it, whose files tests change, are parsed again when a file has changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from tests.harness.quick_dbt import Templates
from tests.harness.requests import Request

PROJECT = Path(__file__).parent.parent.parent

_MODULES_OF_DBT = (
    "dbt.cli.main",
    "dbt.adapters.duckdb",
    "dbt.adapters.duckdb.environments.local",
    "dbt.task.build",
    "dbt.task.test",
    "dbt_common.clients.agate_helper",
    "multiprocessing.dummy",
    "obslake.dbt_plugin",
    "tests.harness.quick_context",
)

# Variables that select which rows models read, and do not change the parsed project. dbt refuses a model that
# refers to another one only with such a variable.
_READ_LATER = {"as_of_snapshot", "obslake_as_of", "obslake_transitions"}
# Commands that parse the project themselves, or need none.
_UNPARSED = {"parse", "deps", "debug", "clean", "init"}


class ParsedProjects:
    """The project in this folder and copies of it, parsed once for each set of variables."""

    def __init__(self) -> None:
        self._manifests: dict[tuple[Path, str], Any] = {}
        # The manifest of a copy is that of the files with this hash.
        self._hashes: dict[tuple[Path, str], str] = {}
        self._templates = Templates()

    def of(self, request: Request) -> dict[str, Any] | None:
        """Return the context object for dbt's command line, or None if dbt must parse by itself."""
        if request.program != "dbt" and not _builds(request):
            return None
        if "dbt.cli.main" not in sys.modules:
            for module in _MODULES_OF_DBT:
                import_module(module)
            _track_resources()
            self._templates.share()
        self._templates.learn()
        options = list(request.arguments)
        command = next((each for each in options if not each.startswith("-")), "")
        project = _project_of(request)
        if project is None or command in _UNPARSED or not command:
            return None
        variables = option_of(options, "--vars")
        if variables and _are_read_later(variables):
            variables = ""
        target = option_of(options, "--target")
        if target not in ("", "duckdb"):
            return None
        key = (project, variables)
        parsed_options = ["--vars", variables] if variables else []
        if project == PROJECT:
            if key not in self._manifests:
                self._manifests[key] = self._parsed(parsed_options)
        elif (project_hash := _hash_of_project(project)) != self._hashes.get(key):
            self._manifests[key] = self._parsed_copy(project, parsed_options)
            self._hashes[key] = project_hash
        manifest = self._manifests[key]
        return {"manifest": manifest, "callbacks": []} if manifest else None

    def _parsed_copy(self, project: Path, options: Sequence[str]) -> Any:
        """Return the manifest of a copy; dbt parses only what has changed since the last time."""
        kept = project / "target" / f"{_hash_of_options(options)}.msgpack"
        kept.parent.mkdir(exist_ok=True)
        manifest = _parse(options, project, kept)
        if manifest:
            self._templates.keep(manifest)
        return manifest

    def _parsed(self, options: Sequence[str]) -> Any:
        """Return the manifest; only one process at a time parses, the next ones find what it has kept."""
        folder = PROJECT / ".pytest_cache" / "dbt"
        folder.mkdir(parents=True, exist_ok=True)
        project_hash = _hash_of_project(PROJECT)
        kept_manifest = folder / f"{_hash_of_options(options)}-{project_hash}.msgpack"
        kept = folder / f"templates-{_hash_of_compilers()}-{project_hash}.marshal"
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._templates.read(kept)
            manifest = _parse(options, PROJECT, kept_manifest)
            if manifest:
                self._templates.keep(manifest)
                if not kept.exists():
                    self._templates.write(copy := folder / f"templates.{os.getpid()}")
                    _keep(copy, kept, "templates-*")
                    copy.unlink()
        return manifest


def _builds(request: Request) -> bool:
    """Whether a command of obslake runs dbt in its process, on this project without other variables."""
    return (
        request.program == "obslake"
        and request.arguments[:1] == ("build",)
        and "--vars" not in request.arguments
    )


def _are_read_later(variables: str) -> bool:
    """Whether none of the variables changes the parsed project."""
    with suppress(yaml.YAMLError):
        given = yaml.safe_load(variables)
        return isinstance(given, dict) and given.keys() <= _READ_LATER
    return False


def _project_of(request: Request) -> Path | None:
    """Return the folder of the project that a command uses, if it is this one or a copy of it."""
    if "--project-dir" in request.arguments or "--profiles-dir" in request.arguments:
        return None
    project = Path(request.cwd).resolve() if request.program == "dbt" else PROJECT
    return project if project == PROJECT or _is_copy(project) else None


def _is_copy(folder: Path) -> bool:
    """Whether a project has the settings of this one; its models, macros and seeds may differ."""
    try:
        return all(
            (folder / name).read_bytes() == (PROJECT / name).read_bytes()
            for name in ("dbt_project.yml", "profiles.yml")
        )
    except OSError:
        return False


def _track_resources() -> None:
    """Start the process that removes leftover locks of killed commands, once for all commands.

    Its messages on standard error are discarded.
    """
    from multiprocessing.resource_tracker import ensure_running

    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        ensure_running()
    os.dup2(kept, 2)
    os.close(kept)


def option_of(arguments: Sequence[str], name: str) -> str:
    """Return the value of an option, in either of its two forms; empty if it is missing."""
    for n, argument in enumerate(arguments):
        if argument == name:
            return arguments[n + 1] if n + 1 < len(arguments) else ""
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
    return ""


def _parse(options: Sequence[str], project: Path, kept: Path) -> Any:
    """Return the manifest of a project, or None if it cannot be parsed; the command then reports the error.

    dbt parses the files that have changed since it wrote the result that is kept; the new one is kept then.
    """
    from dbt.cli.exceptions import DbtUsageException
    from dbt.cli.main import dbtRunner

    with tempfile.TemporaryDirectory() as folder:
        parsed = Path(folder) / "partial_parse.msgpack"
        with suppress(FileNotFoundError):
            shutil.copyfile(kept, parsed)
        variables = dict(os.environ)
        # No lakehouse is opened; a fixed path, because dbt parses again if it changes.
        os.environ["OBSLAKE_HOME"] = "/nowhere/lake"
        paths = ["--project-dir", str(project), "--profiles-dir", str(project)]
        paths += ["--target-path", folder, "--log-path", folder, "--log-level-file", "none"]
        # The static parser starts threads, which do not exist in forked processes: commands that parse by
        # themselves would wait for them forever.
        paths += ["--no-static-parser"]
        try:
            manifest = dbtRunner().invoke(["parse", "--quiet", "--no-write-json", *paths, *options])
        finally:
            os.environ.clear()
            os.environ.update(variables)
        if isinstance(manifest.exception, DbtUsageException):
            # The error is in the options used here, not in the project.
            raise manifest.exception
        # What is kept of this project is what it was parsed from.
        if manifest.result and (project != PROJECT or not kept.exists()):
            _keep(parsed, kept, f"{_hash_of_options(options)}*")
    return manifest.result


def _hash_of_compilers() -> str:
    """Return a hash of what decides the form of compiled templates."""
    versions = [sys.version, *(version(name) for name in ("jinja2", "dbt-core", "dbt-common"))]
    return hashlib.sha256(json.dumps(versions).encode()).hexdigest()[:16]


def _hash_of_options(options: Sequence[str]) -> str:
    """Return a hash of dbt's version and of the options with which it parses."""
    from dbt.version import __version__

    return hashlib.sha256(json.dumps([__version__, *options]).encode()).hexdigest()[:16]


def _hash_of_project(project: Path) -> str:
    """Return a hash of all files of a project."""
    names = ("*.yml", "macros/**/*", "models/**/*", "seeds/**/*", "analyses/**/*", "tests/dbt/**/*")
    files = {path for name in names for path in project.glob(name) if path.is_file()}
    found = hashlib.sha256()
    for path in sorted(files):
        found.update(hashlib.sha256(f"{path}\0".encode() + path.read_bytes()).digest())
    return found.hexdigest()[:32]


def _keep(file: Path, kept: Path, earlier: str) -> None:
    """Replace earlier cached files by a new one, even if other processes do the same."""
    for other in kept.parent.glob(earlier):
        other.unlink(missing_ok=True)
    copy = kept.with_suffix(f".{os.getpid()}")
    shutil.copyfile(file, copy)
    copy.replace(kept)
