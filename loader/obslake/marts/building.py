"""Building the marts with dbt, unless they are up to date."""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from obslake.errors import BuildError
from obslake.lakehouse.home import BUILDING_FOLDER, MARTS_FILE, home_folder, identity
from obslake.marts.project import PROFILES_FILE, find_project, hash_of_inputs, own_project
from obslake.marts.remembered import Build, last_build, published, remember, tables_of

_NO_UNIT_TESTS = ("--exclude-resource-type", "unit_test")

# Options of dbt after which the marts are complete, with the number of their values. Other options may select some
# models, or another target.
_COMPLETE = {"--vars": 1, "--threads": 1, "--quiet": 0, "-q": 0, "--no-use-colors": 0}


@dataclass(frozen=True)
class Built:
    """The outcome of ``build``.

    Attributes:
        is_new: whether dbt ran.
        exit_status: that of dbt; 0 if it did not run.
    """

    is_new: bool
    exit_status: int = 0


def build(home: str | None, project: str | None, options: Sequence[str]) -> Built:
    """Build the marts of a lakehouse by ``dbt run``, unless the last build had the same data, project and options.

    Args:
        home: folder of the lakehouse; None: as for every command.
        project: folder of the dbt project; None: ``find_project`` chooses.
        options: options for dbt.

    Raises:
        BuildError: there is no project.
        ObslakeError: there is no lakehouse.
    """
    folder, lakehouse = find_project(project), home_folder(home)
    variables = _variables(options)
    inputs = hash_of_inputs(folder, variables or (), lakehouse)
    tables = tables_of(lakehouse)
    current = Build(inputs, tables, published(lakehouse))
    if variables is not None and current.marts and current == last_build(lakehouse):
        return Built(is_new=False)
    built = lakehouse / BUILDING_FOLDER / MARTS_FILE
    before = identity(built)
    status = _run_dbt(folder, lakehouse, ["run", *options])
    # Another profile builds other marts, and leaves this file as it was.
    if status == 0 and variables is not None and identity(built) != before:
        remember(lakehouse, Build(inputs, tables, published(lakehouse)))
    return Built(is_new=True, exit_status=status)


def run_tests(home: str | None, project: str | None, options: Sequence[str]) -> int:
    """Run the data tests on the marts that were built last, by ``dbt test``.

    Args:
        home: folder of the lakehouse; None: as for every command.
        project: folder of the dbt project; None: ``find_project`` chooses.
        options: options for dbt.

    Returns:
        The exit status of dbt.

    Raises:
        BuildError: there is no project, or the marts are not built yet.
        ObslakeError: there is no lakehouse.
    """
    folder, lakehouse = find_project(project), home_folder(home)
    # Says whether there is a lakehouse.
    tables_of(lakehouse)
    built = lakehouse / BUILDING_FOLDER / MARTS_FILE
    # The profile of another project may name another file.
    if folder == own_project() and "DBT_PROFILES_DIR" not in os.environ and not built.exists():
        raise BuildError(f"there are no marts in {built}\n  build them first: obslake build")
    # Unit tests read no data: they test the project.
    return _run_dbt(folder, lakehouse, ["test", *_NO_UNIT_TESTS, *options])


def _variables(options: Sequence[str]) -> list[str] | None:
    """Return the variables among dbt's options; None if the options may leave some marts as they are."""
    found, waiting = [], list(options)
    while waiting:
        name, has_value, value = waiting.pop(0).partition("=")
        n = _COMPLETE.get(name)
        if n is None or (n == 0 and has_value):
            return None
        if n and not has_value:
            if not waiting:
                return None
            value = waiting.pop(0)
        if name == "--vars":
            found.append(value)
    return found


def _run_dbt(project: Path, home: Path, command: Sequence[str]) -> int:
    """Run a command of dbt with its options in this process; return its exit status."""
    os.environ["OBSLAKE_HOME"] = str(home)
    # A project that is installed cannot be written to.
    for variable, name in {"DBT_TARGET_PATH": "target", "DBT_LOG_PATH": "logs"}.items():
        os.environ.setdefault(variable, str(home / BUILDING_FOLDER / "dbt" / name))
    subcommand, *options = command
    arguments = ["--project-dir", str(project)]
    if "DBT_PROFILES_DIR" not in os.environ and (project / PROFILES_FILE).is_file():
        arguments += ["--profiles-dir", str(project)]
    # dbt waits for its threads when an exception ends it.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    from dbt.cli.main import cli

    try:
        cli.main([subcommand, *arguments, *options], prog_name="dbt")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0
