"""``obslake build``: dbt runs only if something has changed, from any folder."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from obslake.errors import BuildError, NoLakehouseError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.schemas import RUNS
from obslake.marts import building, project, remembered
from obslake.marts.building import build, run_tests
from obslake.marts.project import find_project, hash_of_inputs
from obslake.marts.remembered import tables_of

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace

NOTHING_NEW = "nothing new: the marts are up to date\n"
ROWS = "select count(*) from stimulus_response_matrix"


def load(workspace: Workspace, problem: str) -> None:
    file = workspace.folder / f"{problem}.csv"
    file.write_text(f"problem_id,implementation_id,test_id,output\n{problem},a,t,1\n")
    workspace.obslake("load", "observations", str(file))


def test_build_from_any_folder(workspace: Workspace) -> None:
    load(workspace, "first")
    elsewhere = workspace.folder / "elsewhere"
    elsewhere.mkdir()
    built = workspace.run("obslake", "build", "--quiet", cwd=elsewhere)
    assert (built.returncode, built.stdout) == (0, ""), built.stdout + built.stderr
    assert workspace.query(ROWS) == [(1,)]
    assert os.listdir(elsewhere) == []

    before = workspace.marts.stat()
    assert workspace.obslake("build") == NOTHING_NEW
    assert workspace.marts.stat() == before

    load(workspace, "second")
    failed = workspace.run("obslake", "build", "--quiet", "--vars", "obslake_pass_at_k: none")
    assert failed.returncode != 0
    assert workspace.query(ROWS) == [(1,)]
    assert workspace.obslake("build", "--quiet") == ""
    assert workspace.query(ROWS) == [(2,)]
    assert workspace.obslake("build", "--threads", "1") == NOTHING_NEW


def test_unknown_contexts_of_transitions_are_refused(workspace: Workspace) -> None:
    def build_with(contexts: dict[str, dict[str, str]]) -> tuple[int, str]:
        variables = json.dumps({"obslake_transitions": contexts})
        command = (
            "dbt",
            "--quiet",
            "run",
            "--select",
            "+behavior_transitions",
            "--vars",
            variables,
        )
        done = workspace.run(*command, cwd=PROJECT)
        return done.returncode, done.stdout + done.stderr

    workspace.obslake("init")
    sides = {"from": {"environment_id": "linux"}, "to": {"environment_id": "windoes"}}
    assert build_with(sides)[0] == 0, "nothing is known yet"
    file = workspace.folder / "both.csv"
    file.write_text(
        "problem_id,implementation_id,test_id,environment_id,output\np,a,t,linux,1\np,a,t,windows,1\n"
    )
    workspace.obslake("load", "observations", str(file))
    status, said = build_with(sides)
    assert status != 0
    assert (
        "no environment 'windoes' of the side to in any data set; did you mean 'windows'?" in said
    )
    assert build_with({**sides, "to": {"environment_id": "windows"}})[0] == 0


def test_oracles_as_of_a_run_count_only_what_it_executed(workspace: Workspace) -> None:
    def build_as_of(context: dict[str, str]) -> tuple[int, str]:
        variables = json.dumps({"obslake_as_of": context})
        command = ("dbt", "--quiet", "run", "--select", "+consensus_oracles", "--vars", variables)
        done = workspace.run(*command, cwd=PROJECT)
        return done.returncode, done.stdout + done.stderr

    workspace.obslake("init")
    assert build_as_of({"run_id": "night 2"})[0] == 0, "nothing is known yet"
    file = workspace.folder / "nights.csv"
    rows = [
        *("p,archived,t,night 1,linux,1,d", "p,kept,t,night 1,linux,1,d"),
        *("p,kept,t,night 2,linux,2,d", "p,other,t,night 2,windows,2,d", "p,x,t,never,linux,3,e"),
    ]
    header = "problem_id,implementation_id,test_id,run_id,environment_id,output,data_set_id"
    file.write_text("\n".join([header, *rows]))
    workspace.obslake("load", "observations", str(file))
    status, said = build_as_of({"run_id": "night2"})
    assert status != 0
    assert "obslake_as_of: no run 'night2'; did you mean 'night 2'?" in said
    status, said = build_as_of({"run_id": "night 1", "environment_id": "windows"})
    assert status != 0
    assert "obslake_as_of: no run has all of" in said
    votes = "select data_set_id, oracle_response, n_voters from consensus_oracles order by 1"
    for context, expected in (
        ({"run_id": "night 2"}, ("2", 2)),
        ({"run_id": "night 2", "environment_id": "linux"}, ("2", 1)),
        ({"environment_id": "windows"}, ("2", 1)),
        ({"run_id": "night 1"}, ("1", 2)),
        ({}, ("2", 3)),
    ):
        assert build_as_of(context)[0] == 0
        assert workspace.query(votes) == [("d", *expected), ("e", "3", 1)], context


class Scenario:
    """A lakehouse, a project, and a stand-in for dbt that counts its runs and publishes a file."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = folder / "lake"
        self.project = folder / "project"
        self.runs: list[list[str]] = []
        self.status = 0
        self.publishes = True
        (self.project / "models").mkdir(parents=True)
        (self.project / "dbt_project.yml").write_text("name: mine\nmodel-paths: [models]\n")
        (self.project / "models" / "m.sql").write_text("select {{ env_var('SCENARIO', '') }}")
        self.lakehouse = Lakehouse.open(self.home, create=True)
        monkeypatch.setattr(building, "_run_dbt", self.run_dbt)

    def run_dbt(self, _project: Path, home: Path, command: list[str]) -> int:
        assert command[0] == "run"
        self.runs.append(command[1:])
        if self.publishes:
            for file in (home / "building" / "obslake.duckdb", home / "obslake.duckdb"):
                file.parent.mkdir(exist_ok=True)
                file.unlink(missing_ok=True)
                # Each file has another size: clocks of file systems are coarse.
                file.write_text("x" * len(self.runs))
        return self.status

    def builds(self, *options: str) -> bool:
        """Build; return whether dbt ran."""
        before = len(self.runs)
        built = build(str(self.home), str(self.project), options)
        assert built.is_new == (len(self.runs) > before)
        return built.is_new


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    return Scenario(tmp_path, monkeypatch)


def change_table(s: Scenario) -> None:
    s.lakehouse.table(RUNS).transaction().set_properties(any="value").commit_transaction()


CHANGES: dict[str, Callable[[Scenario], object]] = {
    "a table": change_table,
    "a model": lambda s: (s.project / "models" / "m.sql").write_text("select 2"),
    "a new model": lambda s: (s.project / "models" / "n.sql").write_text("select 2"),
    "a model in a folder": lambda s: (
        (s.project / "models" / "a").mkdir(),
        (s.project / "models" / "m.sql").rename(s.project / "models" / "a" / "m.sql"),
    ),
    "settings": lambda s: (s.project / "dbt_project.yml").write_text("name: other\n"),
    "profiles": lambda s: (s.project / "profiles.yml").write_text("mine: {}\n"),
    "an installed package": lambda s: (
        (s.project / "dbt_packages" / "p").mkdir(parents=True),
        (s.project / "dbt_packages" / "p" / "x.sql").write_text("select 3"),
    ),
    "an environment variable": lambda _: os.environ.update(SCENARIO="2"),
    "published marts of another run": lambda s: (s.home / "obslake.duckdb").write_text("another"),
    "no published marts": lambda s: (s.home / "obslake.duckdb").unlink(),
    "a damaged record": lambda s: (s.home / "building" / "built.json").write_text("[1]"),
    "no record": lambda s: (s.home / "building" / "built.json").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_dbt_runs_if_something_has_changed(
    scenario: Scenario, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENARIO", "1")
    assert scenario.builds()
    assert not scenario.builds()
    CHANGES[change](scenario)
    assert scenario.builds()
    assert not scenario.builds()


def test_other_variables_are_another_build(scenario: Scenario) -> None:
    assert scenario.builds("--vars", "a: 1", "--threads=2", "-q")
    assert not scenario.builds("--threads", "1", "--vars=a: 1")
    assert scenario.builds("--vars", "a: 2")
    assert scenario.builds()
    assert scenario.runs[-2:] == [["--vars", "a: 2"], []]


@pytest.mark.parametrize(
    "options",
    [("--select", "m"), ("--full-refresh",), ("-t", "other"), ("--vars",), ("--quiet=1",)],
)
def test_other_options_always_run_dbt(scenario: Scenario, options: tuple[str, ...]) -> None:
    assert scenario.builds(*options)
    assert scenario.builds(*options)
    assert scenario.builds()
    assert not scenario.builds()


def test_a_failed_build_is_not_remembered(scenario: Scenario) -> None:
    scenario.status = 2
    assert build(str(scenario.home), str(scenario.project), ()).exit_status == 2
    scenario.status = 0
    assert scenario.builds()
    assert not scenario.builds()


def test_marts_of_another_profile_are_not_remembered(scenario: Scenario) -> None:
    assert scenario.builds()
    change_table(scenario)
    scenario.publishes = False
    for file in ("building/obslake.duckdb", "obslake.duckdb"):
        os.utime(scenario.home / file, (1, 1))
    assert scenario.builds()
    assert scenario.builds()


def test_the_catalog_file_is_read_as_pyiceberg_reads_it(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    directly = tables_of(scenario.home)
    assert len(directly) >= 6
    monkeypatch.setattr(remembered, "locations_at_once", lambda _: {})
    assert tables_of(scenario.home) == directly


def test_without_a_lakehouse_or_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoLakehouseError, match="there is no lakehouse at"):
        build(str(tmp_path / "lake"), str(PROJECT), ())
    with pytest.raises(BuildError, match=r"is not a dbt project: it has no dbt_project\.yml"):
        build(None, str(tmp_path), ())
    monkeypatch.setattr(project, "_PACKAGE", tmp_path / "a" / "b")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BuildError, match="the installation is damaged"):
        find_project(None)
    (tmp_path / "dbt_project.yml").write_text("[")
    assert find_project(None) == tmp_path
    with pytest.raises(BuildError, match="is not YAML"):
        hash_of_inputs(tmp_path, (), tmp_path)


def test_data_tests_need_marts_and_leave_out_unit_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, commands = tmp_path / "lake", []
    with pytest.raises(NoLakehouseError):
        run_tests(str(home), str(PROJECT), ())
    Lakehouse.open(home, create=True)
    with pytest.raises(BuildError, match="build them first: obslake build"):
        run_tests(str(home), str(PROJECT), ())
    monkeypatch.setattr(building, "_run_dbt", lambda *arguments: commands.append(arguments) or 1)
    built = home / "building" / "obslake.duckdb"
    built.parent.mkdir(exist_ok=True)
    built.touch()
    assert run_tests(str(home), str(PROJECT), ("--select", "m")) == 1
    options = ["--exclude-resource-type", "unit_test", "--select", "m"]
    assert commands == [(PROJECT, home, ["test", *options])]
