"""The dbt project that ``obslake build`` runs."""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from obslake.errors import BuildError
from obslake.version import __version__

PROJECT_FILE = "dbt_project.yml"
PROFILES_FILE = "profiles.yml"

_PACKAGE = Path(__file__).parents[1]

_PACKAGES = ("dbt-core", "dbt-duckdb", "duckdb", "pyiceberg")
# Files of the project that decide what a run does, and settings that list folders, with their defaults.
_FILES = (
    *(PROJECT_FILE, PROFILES_FILE, "packages.yml", "dependencies.yml"),
    *("package-lock.yml", "selectors.yml", "vars.yml"),
)
_FOLDERS = {"model-paths": "models", "macro-paths": "macros", "seed-paths": "seeds"}
_PACKAGES_FOLDER = "packages-install-path"
_ENV_VAR = re.compile(rb"""env_var\(\s*['"](\w+)""")


def find_project(folder: str | None) -> Path:
    """Return the folder of the dbt project.

    Args:
        folder: what the user named; None: the working folder if it is a project, else that of obslake.

    Raises:
        BuildError: there is no project.
    """
    named = folder or os.environ.get("DBT_PROJECT_DIR")
    if named:
        found = Path(named).expanduser().absolute()
        if not (found / PROJECT_FILE).is_file():
            raise BuildError(
                f"{found} is not a dbt project: it has no {PROJECT_FILE}\n"
                "  name the folder of a project with --project-dir"
            )
        return found
    here = Path.cwd()
    return here if (here / PROJECT_FILE).is_file() else own_project()


def own_project() -> Path:
    """Return the folder of obslake's dbt project: a part of the installed package, or the clone.

    Raises:
        BuildError: the installation lacks it.
    """
    installed = _PACKAGE / "project"
    for found in (installed, _PACKAGE.parents[1]):
        if (found / PROJECT_FILE).is_file():
            return found
    raise BuildError(
        f"the dbt project of obslake is not in {installed}: the installation is damaged\n"
        "  install obslake again, or name the folder of a project with --project-dir"
    )


def hash_of_inputs(project: Path, variables: Sequence[str], home: Path) -> str:
    """Return a hash of everything besides data that decides what the marts are, 64 hexadecimal digits.

    It covers the versions of packages, the project's settings, profiles, packages, models, macros and seeds, the
    environment variables that these name, the variables of the command line, and the lakehouse's folder.
    """
    digest = hashlib.sha256()
    names: set[bytes] = set()
    for path in sorted(_files(project)):
        content = _content(path)
        names.update(_ENV_VAR.findall(content))
        _add(digest, os.fsencode(path), content)
    for name in sorted(names):
        _add(digest, name, os.environb.get(name, b""))
    for package in _PACKAGES:
        try:
            _add(digest, package.encode(), version(package).encode())
        except PackageNotFoundError:
            continue
    for text in (__version__, os.fspath(home), *variables):
        _add(digest, os.fsencode(text))
    return digest.hexdigest()


def _add(digest: Any, *texts: bytes) -> None:
    for text in texts:
        digest.update(b"%d:" % len(text) + text)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        # Editors leave such links; dbt reports files that it needs.
        return b""


def _files(project: Path) -> Iterator[Path]:
    for name in _FILES:
        if (project / name).is_file():
            yield project / name
    settings = settings_of(project)
    folders = [str(settings.get(_PACKAGES_FOLDER) or "dbt_packages")]
    for key, default in _FOLDERS.items():
        folders += [str(each) for each in settings.get(key) or [default]]
    for folder in sorted(set(folders)):
        for parent, _, files in os.walk(project / folder, followlinks=True):
            for name in files:
                yield Path(parent, name)


def settings_of(project: Path) -> Mapping[str, Any]:
    """Return what the project's file sets.

    Raises:
        BuildError: it is not YAML.
    """
    try:
        found = yaml.safe_load((project / PROJECT_FILE).read_bytes())
    except yaml.YAMLError as error:
        raise BuildError(f"{project / PROJECT_FILE} is not YAML: {error}") from error
    return found if isinstance(found, dict) else {}
