"""The command `obslake report`."""

import json
import shutil
from pathlib import Path

import duckdb

from tests.harness.workspace import Workspace
from tests.report.conftest import data_of


def test_a_folder_a_file_and_summaries(demo: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    said = json.loads(demo.obslake("report", "-o", str(folder), "--problem=slugify", "--json"))
    assert (said["output"], said["problems"]) == (str(folder / "index.html"), 1)
    assert said["bytes"] == sum(p.stat().st_size for p in folder.rglob("*.html"))
    ((snapshot,),) = demo.query(
        "select snapshot_id from main_refresh.refresh_models where model = 'refresh_source_versions'"
    )
    ((last_load,),) = demo.query("select max(load_id) from main_refresh.refresh_load_problems")
    page = (folder / "index.html").read_text()
    assert f"Built from snapshot {snapshot} of the observations" in page
    loads = data_of(folder / "index.html")["loads"]
    assert [each["load"] for each in loads] == sorted(
        {each["load"] for each in loads}, reverse=True
    )
    assert [(each["tables"], each["problems"]) for each in loads] == [
        ("tests", 15),
        ("implementations", 15),
        ("observations", 6),
        ("implementations, observations, tests", 15),
    ]
    file = tmp_path / "report.html"
    assert demo.obslake("report", "--single-file", str(file), "--data-set=demo").startswith(
        f"{file}: 15 problems, "
    )
    markdown = demo.obslake("report", "--format=markdown")
    assert markdown.startswith("# Behaviour report\n\n15 problems, 155 implementations")
    summary = json.loads(demo.obslake("report", "--format=json"))
    assert summary["built"]["snapshot_id"] == snapshot
    assert len(summary["lineages"]) > 1
    assert int(last_load.replace("-", "")[:12], 16) > 0


def test_what_cannot_be_written_is_refused(demo: Workspace, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert "is not a folder" in demo.refused("report", "-o", str(tmp_path / "file"))
    assert "cannot be written" in demo.refused("report", "--single-file", str(tmp_path / "a" / "b"))
    assert "name one of them" in demo.refused("report", "-o", "a", "--single-file", "b")
    assert "is printed" in demo.refused("report", "--format", "json", "-o", "a")


def test_unknown_names_are_refused(demo: Workspace, tmp_path: Path) -> None:
    for arguments, error in {
        ("--data-set=dmo",): "no data set 'dmo'; did you mean 'demo'?",
        ("--problem=slugfy",): "no problem 'slugfy'; did you mean 'slugify'?",
        ("--problem=slugify", "--problem=slugfy"): "no problem 'slugfy'; did you mean 'slugify'?",
        ("--data-set=demo", "--problem=slugfy"): "no problem 'slugfy' in data set 'demo'; did you",
        ("--run=demo1",): "no run 'demo1'; did you mean 'demo-",
    }.items():
        for form in (("-o", str(tmp_path / "pages")), ("--format=markdown",)):
            assert f"obslake: {error}" in demo.refused("report", *arguments, *form)
    assert not list(tmp_path.iterdir())


def test_marts_of_another_version_are_refused(demo: Workspace, tmp_path: Path) -> None:
    other = Workspace(tmp_path)
    other.home.mkdir()
    shutil.copy(demo.marts, other.marts)
    with duckdb.connect(str(other.marts)) as marts:
        marts.execute("alter table behavior_changes drop column inputs")
    for command in (("report",), ("plot", "drift", "-o", "drift.svg")):
        with duckdb.connect(str(other.marts)) as marts:
            marts.execute("drop table if exists flaky_responses")
        assert "build them again: run `obslake build`" in other.refused(*command)


def test_marts_are_needed(workspace: Workspace) -> None:
    workspace.obslake("init")
    assert "run `obslake build`" in workspace.refused("report")
