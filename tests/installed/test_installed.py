"""obslake as it is installed from its wheel, without a clone: the commands of docs/install.md, in their order."""

import ast
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.harness.commands import PROJECT
from tests.harness.shared import SharedFolders
from tests.installed.conftest import Environment

PAGE = (PROJECT / "docs" / "install.md").read_text()

# All data tests and a second complete build take longer, and show nothing more.
_SELECTED = {
    "obslake test --quiet": "--select behavior_clusters --indirect-selection cautious",
    "dbt --quiet build": "--select +undecided_stimuli",
}


def commands(heading: str) -> str:
    """The commands in the block below a heading of the page."""
    below = PAGE.partition(f"\n## {heading}\n")[2]
    block = re.search(r"```sh\n(.*?)```", below, re.DOTALL)
    assert block
    return block[1]


def of_few_models(script: str) -> str:
    for command, selected in _SELECTED.items():
        script = re.sub(rf"^{command}", f"{command} {selected}", script, flags=re.MULTILINE)
    return script


@pytest.fixture(scope="module")
def answered(installed: Environment, shared_folders: SharedFolders) -> tuple[Path, str]:
    """The folder in which somebody has typed the commands to a first answer, and what they printed."""

    def build(folder: Path) -> None:
        done = installed.run("sh", "-ec", of_few_models(commands("To a first answer")), cwd=folder)
        (folder / "printed").write_text(done.stdout)

    folder = shared_folders.built("answered", build)
    return folder, (folder / "printed").read_text()


def test_a_first_answer(answered: tuple[Path, str]) -> None:
    folder, printed = answered
    assert "[numpy, statistics]" in printed
    assert "[by hand]" in printed
    assert "report/index.html: 1 problem" in printed
    assert (folder / "report" / "index.html").is_file()
    # dbt's files are in the lakehouse, and nowhere else.
    assert (folder / "lake" / "building" / "dbt" / "target").is_dir()
    assert {path.name for path in folder.iterdir()} == {
        "results.csv", "lake", "report", "printed"
    }  # fmt: skip


def test_the_package_is_the_installed_one(
    installed: Environment, answered: tuple[Path, str]
) -> None:
    folder, printed = answered
    assert f"{installed.package / 'project'}, of obslake" in printed
    assert str(PROJECT) not in printed.replace(str(folder), "")
    program = "import obslake, sys; print(obslake.__file__); print(*sys.path, sep=chr(10))"
    done = installed.run("python", "-c", program, cwd=folder).stdout.splitlines()
    assert done[0] == str(installed.package / "__init__.py")
    assert [path for path in done[1:] if path.startswith(str(PROJECT / "loader"))] == []


def test_doctor(answered: tuple[Path, str]) -> None:
    printed = answered[1]
    assert "FAULT" not in printed
    for line in ("the catalog answers, 1 load", "from all loads", "loads without the network"):
        assert line in printed


def test_version_and_completion(installed: Environment, tmp_path: Path) -> None:
    assert installed.run("obslake", "--version", cwd=tmp_path).stdout.startswith("obslake, version")
    script = commands("Shell completion") + "complete -p obslake"
    assert "obslake" in installed.run("bash", "-c", script, cwd=tmp_path).stdout
    done = installed.run(
        "obslake",
        cwd=tmp_path,
        check=False,
        _OBSLAKE_COMPLETE="bash_complete",
        COMP_WORDS="obslake do",
        COMP_CWORD="1",
    )
    assert done.stdout.split() == ["plain,doctor"]


def test_a_project_of_ones_own(
    installed: Environment, answered: tuple[Path, str], tmp_path: Path
) -> None:
    shutil.copy(answered[0] / "results.csv", tmp_path)
    script = of_few_models(commands("A project of your own"))
    printed = installed.run("sh", "-ec", script, cwd=tmp_path).stdout
    project = tmp_path / "my_analysis"
    assert f"it uses obslake in {installed.package / 'project'}" in printed
    # Two of three answers to each test are the same.
    assert re.search(r"\b0 rows\b", printed)
    rules = installed.run(
        *("obslake", "sql", "--csv"),
        "select rule from equality_rules",
        cwd=project,
    )
    assert rules.stdout == "rule\nexception_class\n"
    written = re.search(r"^dbt project at .*?: (.*)$", printed, re.MULTILINE)
    assert written
    listed = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    described = {name for cell in listed for name in re.findall(r"`(.*?)`", cell)}
    assert set(written[1].split(", ")) == described | {".gitignore"}

    # A clone of the project has no link, and a project may have lost its own.
    (project / ".obslake").unlink()
    (project / ".obslake").symlink_to(tmp_path / "gone")
    before = {path: path.read_bytes() for path in project.glob("*.yml")}
    again = installed.run("obslake", "init", "--dbt-project", ".", cwd=project)
    assert f"dbt project at {project}\n" in again.stdout
    assert os.readlink(project / ".obslake") == str(installed.package / "project")
    assert {path: path.read_bytes() for path in project.glob("*.yml")} == before


def test_requirements_name_every_import(installed: Environment) -> None:
    """The environment lends all packages of this one, so a forgotten dependency would not be noticed."""
    imported = set()
    for path in installed.package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])
    third_party = imported - set(sys.stdlib_module_names) - {"obslake", "dbt_common"}
    metadata = next(installed.site_packages.glob("obslake-*.dist-info")) / "METADATA"
    required = {
        re.split(r"[^\w-]", name)[0].replace("-", "_")
        for name in re.findall(r"^Requires-Dist: (.*)$", metadata.read_text(), re.MULTILINE)
    }
    names = {"yaml": "pyyaml", "dbt": "dbt_core", "vl_convert": "vl_convert_python"}
    assert {names.get(each, each) for each in third_party} <= required
