"""What rules of equality and voting rules would change, by a build of a copy of the marts with these rules.

The copy is refreshed as the marts would be: dbt rebuilds exactly the problems that the rules apply to. So what a
trial says is what the next build does.
"""

import csv
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from obslake.engine import connect, quote_identifier, quote_literal, run_sql_file
from obslake.errors import BuildError
from obslake.lakehouse.home import BUILDING_FOLDER, MARTS_FILE, home_folder
from obslake.marts.project import find_project, hash_of_inputs, settings_of
from obslake.marts.remembered import Build, last_build, published, tables_of
from obslake.marts.separate import run_dbt_apart

EQUALITY = "response_equivalences.csv"
VOTING = "voting_rules.csv"
COLUMNS = {
    EQUALITY: ("data_set_id", "problem_id", "test_pattern", "rule", "argument"),
    VOTING: ("data_set_id", "problem_id", "rule", "argument"),
}
_VOTING_RULES = ("default", "minimal_support", "one_vote_per", "eligible_kind")
_VOTING_PREFIXES = ("voting_", "abstaining_")
_SEED_PATHS = "seed-paths"

# The marts that are compared; others are not built.
_MARTS = (
    "behavior_clusters",
    "consensus_oracles",
    "flaky_responses",
    "stimulus_response_cube",
    "stimulus_response_matrix",
)


@dataclass(frozen=True)
class Rule:
    """One row of a seed of rules; an empty text means any, or no argument."""

    data_set_id: str
    problem_id: str
    test_pattern: str
    rule: str
    argument: str

    @property
    def seed(self) -> str:
        """The seed that has such rules."""
        is_voting = self.rule in _VOTING_RULES or self.rule.startswith(_VOTING_PREFIXES)
        return VOTING if is_voting else EQUALITY


@dataclass(frozen=True)
class Figure:
    """A number of things in the marts, before and after."""

    name: str
    before: int
    after: int


@dataclass(frozen=True)
class Example:
    """A stimulus with responses that would become equal, or different (``is_merged``)."""

    data_set_id: str
    problem_id: str
    test_id: str
    step_id: int
    is_merged: bool
    responses: list[str]


@dataclass(frozen=True)
class Trial:
    """What rules would change.

    Attributes:
        rules: the rows that were added to the seeds.
        figures: numbers of things, before and after.
        examples: some stimuli whose responses would become equal or different, those with most executions first.
    """

    rules: list[Rule]
    figures: list[Figure]
    examples: list[Example]


def try_rules(
    home: str | None,
    project: str | None,
    rules: Sequence[Rule],
    variables: Sequence[str],
    limit: int,
) -> Trial:
    """Build a copy of the marts with more rules, and compare it with the marts, which stay as they are.

    Args:
        home: folder of the lakehouse; None: as for every command.
        project: folder of the dbt project; None: ``find_project`` chooses.
        rules: rows to add to the project's seeds.
        variables: values of dbt's option ``--vars`` that the marts were built with.
        limit: greatest number of examples.

    Raises:
        BuildError: there is no project or no seed in it, the marts are not up to date, a voting rule is for some
            tests, or dbt refuses the rules.
        ObslakeError: there is no lakehouse.
    """
    folder, lakehouse = find_project(project), home_folder(home)
    for rule in rules:
        if rule.test_pattern and rule.seed == VOTING:
            raise BuildError(
                f"{rule.rule} is a voting rule, which is for all tests of a problem\n  omit --test"
            )
    seeds = {_find_seed(folder, name): name for name in sorted({rule.seed for rule in rules})}
    built = Build(
        hash_of_inputs(folder, variables, lakehouse), tables_of(lakehouse), published(lakehouse)
    )
    if not built.marts or built != last_build(lakehouse):
        raise BuildError(
            "the marts are not up to date, so not only the rules would change them\n"
            "  run obslake build, with the same --vars if there are any, then try the rules again"
        )
    building = lakehouse / BUILDING_FOLDER
    with tempfile.TemporaryDirectory(dir=building, prefix=".trial-") as work:
        copy = Path(work, MARTS_FILE)
        # Shares blocks of both files where the file system can.
        subprocess.run(["cp", "--", str(lakehouse / MARTS_FILE), str(copy)], check=True)  # noqa: S603, S607
        _copy_project(folder, seeds, rules, Path(work, "project"))
        _write_profile(folder, lakehouse, copy, Path(work, "profiles"))
        _run_dbt(Path(work), lakehouse, variables)
        return _compare(lakehouse / MARTS_FILE, copy, rules, limit)


def _find_seed(project: Path, name: str) -> Path:
    """Return the path of a seed, relative to the project."""
    for folder in settings_of(project).get(_SEED_PATHS) or ["seeds"]:
        if (project / str(folder) / name).is_file():
            return Path(str(folder), name)
    raise BuildError(
        f"{project} has no seed {name}\n"
        "  rules can be tried in the project of obslake; a project that installs it as a package adds them to the "
        f"relation in obslake_{name.removesuffix('.csv')}"
    )


def _copy_project(
    project: Path, seeds: Mapping[Path, str], rules: Sequence[Rule], copy: Path
) -> None:
    """Make a folder of links to the parts of a project, with a copy of its seeds and more rows in some of them."""
    copy.mkdir()
    folders = {seed.parts[0] for seed in seeds}
    for part in project.iterdir():
        if part.name in folders:
            shutil.copytree(part, copy / part.name)
        elif not part.name.startswith("."):
            (copy / part.name).symlink_to(part)
    for seed, name in seeds.items():
        with (project / seed).open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        added = [{c: getattr(r, c) for c in COLUMNS[name]} for r in rules if r.seed == name]
        # The project that is installed may be read-only, and so would be its copy.
        (copy / seed).parent.chmod(0o700)
        (copy / seed).unlink()
        with (copy / seed).open("w", newline="", encoding="utf-8") as file:
            # dbt refuses columns that the seed does not have.
            columns = dict.fromkeys((*COLUMNS[name], *(c for row in rows for c in row)))
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows([*rows, *added])


def _write_profile(project: Path, home: Path, marts: Path, profiles: Path) -> None:
    """Write a profile like that of the project, for a build of another file that is not published."""
    plugin = {
        "module": "obslake.dbt_plugin",
        "config": {"home": str(home), "publish": False},
    }
    output = {
        "type": "duckdb",
        "path": str(marts),
        "threads": 2,
        "settings": {
            "memory_limit": os.environ.get("OBSLAKE_MEMORY_LIMIT", "4GB"),
            "preserve_insertion_order": False,
        },
        "plugins": [plugin],
    }
    name = str(settings_of(project).get("profile") or "obslake")
    profiles.mkdir()
    text = json.dumps({name: {"target": "trial", "outputs": {"trial": output}}})
    (profiles / "profiles.yml").write_text(text, encoding="utf-8")


def _run_dbt(work: Path, home: Path, variables: Sequence[str]) -> None:
    """Refresh the copy of the marts."""
    run_dbt_apart(
        [
            *(
                "run",
                "--project-dir",
                str(work / "project"),
                "--profiles-dir",
                str(work / "profiles"),
            ),
            *(f"--vars={each}" for each in variables),
            *("--select", *(f"+{mart}" for mart in _MARTS)),
        ],
        {
            "OBSLAKE_HOME": str(home),
            "DBT_TARGET_PATH": str(work / "target"),
            "DBT_LOG_PATH": str(work / "logs"),
        },
        "dbt cannot build the marts with these rules",
    )


def _compare(before: Path, after: Path, rules: Sequence[Rule], limit: int) -> Trial:
    with connect(with_iceberg=False) as connection:
        for name, file in {"before": before, "after": after}.items():
            connection.execute(f"attach {quote_literal(str(file))} as {name}_marts (read_only)")
            connection.execute(f"create schema {name}")
            for mart, schema in _schemas(connection, f"{name}_marts"):
                connection.execute(
                    f"create view {name}.{mart} as from {name}_marts.{quote_identifier(schema)}.{mart}"
                )
        run_sql_file(connection, Path(__file__).with_name("trial.sql"))
        figures = connection.execute("from tried_figures").fetchall()
        examples = connection.execute("from tried_examples limit ?", [limit]).fetchall()
    return Trial(
        list(rules), [Figure(*row) for row in figures], [Example(*row) for row in examples]
    )


def _schemas(connection: duckdb.DuckDBPyConnection, database: str) -> Iterator[tuple[str, str]]:
    """Return the schema of each mart."""
    names = ", ".join(map(quote_literal, _MARTS))
    yield from connection.execute(
        "select table_name, table_schema from information_schema.tables "
        f"where table_catalog = ? and table_name in ({names})",
        [database],
    ).fetchall()
