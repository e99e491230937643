"""A dbt project of one's own that uses the installed one as a package: ``obslake init --dbt-project``."""

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

from obslake.errors import BuildError
from obslake.marts.project import PROFILES_FILE, PROJECT_FILE, own_project
from obslake.marts.separate import run_dbt_apart

_LINK = ".obslake"
_PACKAGES_FILE = "packages.yml"
_PACKAGES = f"""\
# A link to the dbt project of the installed obslake. `obslake init --dbt-project .` makes it again, for example
# after a clone or an upgrade of Python.
packages:
  - local: {_LINK}
"""
_FILES = {
    PROJECT_FILE: """\
name: {name}
version: 0.1.0
config-version: 2
profile: {name}

vars:
  obslake:
    # Which different responses are equal.
    obslake_response_equivalences: "{{{{ ref('equality_rules') }}}}"

models:
  {name}:
    +materialized: table

flags:
  send_anonymous_usage_stats: false
""",
    _PACKAGES_FILE: _PACKAGES.replace("{", "{{").replace("}", "}}"),
    "models/equality_rules.sql": """\
-- Rules of equality, one per row; docs/protocol.md of obslake lists them. Null means any.
-- This one: exceptions are equal if their class is, whatever their message.
select
    cast(null as varchar) as data_set_id,
    cast(null as varchar) as problem_id,
    cast(null as varchar) as test_pattern,
    'exception_class' as rule,
    cast(null as varchar) as argument
""",
    "models/undecided_stimuli.sql": """\
-- Stimuli for which no response has more than half of the votes.
select
    data_set_id,
    problem_id,
    test_id,
    step_id,
    consensus,
    n_voters,
    n_votes
from {{{{ ref('obslake', 'consensus_oracles') }}}}
where consensus not in ('unanimous', 'majority')
""",
    "models/models.yml": """\
models:
  - name: equality_rules
    description: Which different responses are equal. One row per rule.
    columns:
      - name: rule
        data_tests: [not_null]
  - name: undecided_stimuli
    description: Stimuli for which no response has more than half of the votes. One row per stimulus.
    columns:
      - name: test_id
        data_tests: [not_null]
""",
    ".gitignore": f"""\
{_LINK}
.user.yml
dbt_packages/
lake/
logs/
package-lock.yml
target/
""",
}


@dataclass(frozen=True)
class Scaffold:
    """A project.

    Attributes:
        folder: its folder.
        written: the files that were written; none if it existed.
        package: the folder of the dbt project that it uses as a package.
    """

    folder: Path
    written: list[str]
    package: Path


def create_project(folder: str | os.PathLike[str]) -> Scaffold:
    """Create a dbt project, or renew the link of an existing one to the installed package.

    Raises:
        BuildError: another project or other files are in the folder, it cannot be written to, or dbt cannot
            install the package.
    """
    project, package = Path(folder).expanduser().absolute(), own_project()
    exists = (project / PROJECT_FILE).is_file()
    if exists:
        _check_uses_package(project)
    files = {} if exists else _files(project, package)
    link = project / _LINK
    if link.exists() and not link.is_symlink():
        raise BuildError(f"{link} is not a link to an installed package\n  move it elsewhere")
    try:
        for name, text in files.items():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_text(text, encoding="utf-8")
        link.unlink(missing_ok=True)
        link.symlink_to(package, target_is_directory=True)
    except OSError as error:
        raise BuildError(f"{project} cannot be written to: {error.strerror or error}") from error
    _install_packages(project)
    return Scaffold(project, list(files), package)


def _check_uses_package(project: Path) -> None:
    """Refuse a project that does not have the link among its packages."""
    try:
        found = yaml.safe_load((project / _PACKAGES_FILE).read_bytes())
    except FileNotFoundError:
        found = None
    except yaml.YAMLError as error:
        raise BuildError(f"{project / _PACKAGES_FILE} is not YAML: {error}") from error
    packages = (found.get("packages") or []) if isinstance(found, dict) else []
    if not any(isinstance(each, dict) and each.get("local") == _LINK for each in packages):
        raise BuildError(
            f"{project} is a dbt project that does not use obslake; nothing was changed\n"
            f"  add `- local: {_LINK}` below `packages:` in its {_PACKAGES_FILE}, and run this command again"
        )


def _files(project: Path, package: Path) -> dict[str, str]:
    """Return the texts of the files of a new project, none of which exists."""
    name = _name(project)
    files = {path: text.format(name=name) for path, text in _FILES.items()}
    files[PROFILES_FILE] = _profiles(name, package)
    if there := [path for path in files if (project / path).exists()]:
        raise BuildError(
            f"{project} has {', '.join(there)} already; nothing was changed\n  name a new folder"
        )
    return files


def _name(project: Path) -> str:
    """Return a name for a project: that of its folder, in the characters that dbt permits."""
    name = re.sub(r"\W+", "_", project.name.lower(), flags=re.ASCII).strip("_")
    if not name or name[0].isdigit() or name in ("obslake", "dbt"):
        return f"my_{name or 'project'}"
    return name


def _profiles(name: str, package: Path) -> str:
    """Return a profile like that of the package: it builds the marts of the lakehouse, and publishes them."""
    (own,) = yaml.safe_load((package / PROFILES_FILE).read_bytes()).values()
    profile = {name: {"target": "duckdb", "outputs": {"duckdb": own["outputs"]["duckdb"]}}}
    head = "# The lakehouse is in $OBSLAKE_HOME, or else in the folder lake.\n"
    return head + str(yaml.safe_dump(profile, sort_keys=False, width=115))


def _install_packages(project: Path) -> None:
    with tempfile.TemporaryDirectory() as logs:
        run_dbt_apart(
            ["deps", "--project-dir", str(project), "--profiles-dir", str(project)],
            {"DBT_LOG_PATH": logs},
            f"dbt cannot install the packages of {project}",
        )
