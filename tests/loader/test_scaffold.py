"""`obslake init --dbt-project` leaves other projects as they are; tests/installed tests what it creates."""

from pathlib import Path

import pytest
from obslake.errors import BuildError
from obslake.marts import scaffold
from obslake.marts.scaffold import create_project

from tests.harness.commands import PROJECT


@pytest.fixture(autouse=True)
def _without_dbt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaffold, "_install_packages", lambda _: None)


def test_a_project_that_does_not_use_obslake(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: theirs\n")
    for packages in (None, "", "packages:\n", "packages:\n  - local: elsewhere\n", "[]"):
        if packages is not None:
            (tmp_path / "packages.yml").write_text(packages)
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        with pytest.raises(BuildError, match=r"add `- local: \.obslake` below `packages:`"):
            create_project(tmp_path)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    (tmp_path / "packages.yml").write_text("[")
    with pytest.raises(BuildError, match=r"packages\.yml is not YAML"):
        create_project(tmp_path)


def test_a_project_that_already_exists_gets_only_the_link(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: theirs\n")
    packages = "packages:\n  - package: a/b\n  - local: .obslake\n"
    (tmp_path / "packages.yml").write_text(packages)
    for _ in range(2):
        assert create_project(tmp_path).written == []
        assert (tmp_path / ".obslake").resolve() == PROJECT
    assert {path.name for path in tmp_path.iterdir()} == {
        ".obslake", "dbt_project.yml", "packages.yml"
    }  # fmt: skip
    assert (tmp_path / "packages.yml").read_text() == packages


def test_files_that_exist_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "models.yml").write_text("mine")
    with pytest.raises(BuildError, match=r"has models/models\.yml already; nothing was changed"):
        create_project(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["models", "models.yml"]


def test_a_file_that_bears_the_name_of_the_link_is_kept(tmp_path: Path) -> None:
    (tmp_path / ".obslake").write_text("mine")
    with pytest.raises(BuildError, match="is not a link"):
        create_project(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".obslake"]
    assert (tmp_path / ".obslake").read_text() == "mine"


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BuildError, match="cannot be written to: File exists"):
        create_project(tmp_path / "file")


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("my analysis", "my_analysis"),
        ("Näh-2026", "n_h_2026"),
        ("2026", "my_2026"),
        ("obslake", "my_obslake"),
        ("---", "my_project"),
    ],
)
def test_names_are_those_that_dbt_permits(tmp_path: Path, folder: str, name: str) -> None:
    create_project(tmp_path / folder)
    settings = (tmp_path / folder / "dbt_project.yml").read_text()
    assert settings.startswith(f"name: {name}\n")
    assert f"\n  {name}:\n" in settings
    assert (tmp_path / folder / "profiles.yml").read_text().splitlines()[1] == f"{name}:"
