"""Publishing: readers of the marts never wait for a build, and never see a partial one.

The tests share a lakehouse: each loads its own problems, and compares counts with those before.
"""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace

ROWS = "select count(*) from stimulus_response_matrix"
CLUSTERS = "select coalesce(sum(n_implementations), 0) from behavior_clusters"
# Builds only the marts that these queries count.
RUN = ("--quiet", "run", "--select", "+stimulus_response_matrix", "+behavior_clusters")


def load(workspace: Workspace, problem: str) -> None:
    file = workspace.folder / f"{problem}.csv"
    file.write_text(
        f"problem_id,implementation_id,test_id,output\n{problem},a,t,1\n{problem},b,t,2\n"
    )
    workspace.obslake("load", "observations", str(file))


def building(workspace: Workspace) -> Path:
    return workspace.home / "building" / "obslake.duckdb"


def count(workspace: Workspace) -> tuple[int, int]:
    """Return the numbers of rows of the matrix and of implementations in clusters."""
    return workspace.query(ROWS)[0][0], workspace.query(CLUSTERS)[0][0]


@pytest.fixture(scope="module")
def built(make_workspace: Callable[[str], Workspace]) -> Workspace:
    workspace = make_workspace("publish")
    load(workspace, "first")
    workspace.dbt(*RUN)
    return workspace


def test_readers_read_while_the_marts_are_built(built: Workspace) -> None:
    seen: set[tuple[int, int]] = set()
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            with duckdb.connect(built.marts, read_only=True) as connection:
                ((rows,),) = connection.execute(ROWS).fetchall()
                ((members,),) = connection.execute(CLUSTERS).fetchall()
            seen.add((rows, members))

    load(built, "while-it-is-read")
    before = count(built)
    after = (before[0] + 2, before[1] + 2)
    reader = threading.Thread(target=read)
    with duckdb.connect(built.marts, read_only=True) as earlier:
        reader.start()
        try:
            built.dbt(*RUN)
        finally:
            ended.set()
            reader.join()
        assert earlier.execute(ROWS).fetchall() == [(before[0],)]
    assert count(built) == after
    assert seen <= {before, after}
    assert before in seen


def test_a_failed_build_is_not_published(built: Workspace) -> None:
    load(built, "failed")
    before = count(built)
    with duckdb.connect(building(built)) as connection:
        connection.execute(
            "alter table main_intermediate.int_clusters rename column cluster_rank to other"
        )
    failed = built.run("dbt", *RUN[1:], cwd=PROJECT)
    assert failed.returncode != 0
    assert "not published: readers still see the previous marts" in failed.stdout
    assert count(built) == before
    with duckdb.connect(building(built)) as connection:
        connection.execute(
            "alter table main_intermediate.int_clusters rename column other to cluster_rank"
        )
    built.dbt(*RUN)
    assert count(built) == (before[0] + 2, before[1] + 2)


def test_two_builds_at_once_give_a_clear_message(built: Workspace) -> None:
    with duckdb.connect(building(built)):
        refused = built.run("dbt", *RUN, cwd=PROJECT)
    assert refused.returncode != 0
    assert "another run of dbt, process" in refused.stdout
    assert "wait until it has ended" in refused.stdout
    assert "Traceback" not in refused.stdout + refused.stderr
    built.dbt(*RUN)


def test_where_there_is_no_room_to_publish(built: Workspace) -> None:
    load(built, "no-room")
    before = count(built)
    # Writes to this name go to a full disk.
    built.marts.with_name(f".{built.marts.name}.new").symlink_to("/dev/full")
    failed = built.run("dbt", *RUN, cwd=PROJECT)
    assert failed.returncode != 0
    assert "the marts were built, but not published: cp: " in failed.stdout
    assert "No space left on device" in failed.stdout
    assert "make room, and run dbt again" in failed.stdout
    # DuckDB's messages about Python errors contain the complete call stack.
    assert "site-packages" not in failed.stdout
    assert count(built) == before
    built.dbt(*RUN)
    assert count(built) == (before[0] + 2, before[1] + 2)


def test_a_locked_catalog_gives_a_clear_message(workspace: Workspace) -> None:
    workspace.obslake("init")
    with closing(sqlite3.connect(workspace.home / "catalog.db")) as other:
        other.execute("begin exclusive")
        refused = workspace.run("dbt", "--quiet", "run", cwd=PROJECT)
    assert refused.returncode != 0
    assert f"the catalog of {workspace.home} is locked by another process" in refused.stdout
    assert "wait until that process has finished, and run the command again" in refused.stdout
    assert "Traceback" not in refused.stdout + refused.stderr


def test_compile_and_test_do_not_publish(built: Workspace) -> None:
    before = built.marts.stat()
    built.dbt("--quiet", "compile", "--select", "behavior_clusters")
    tests = ("--indirect-selection", "cautious", "--exclude-resource-type", "unit_test")
    built.dbt("--quiet", "test", "--select", "behavior_clusters", *tests)
    assert built.marts.stat().st_ino == before.st_ino
    built.dbt("--quiet", "run", "--select", "behavior_clusters")
    assert built.marts.stat().st_ino != before.st_ino


def test_a_run_that_changes_nothing_copies_nothing(
    make_workspace: Callable[[str], Workspace],
) -> None:
    workspace = make_workspace("unchanged")
    load(workspace, "p")

    def run(*options: str) -> int:
        workspace.dbt("--quiet", "run", *options)
        return workspace.marts.stat().st_ino

    first = run()
    assert run() == first
    # Views and functions that somebody has dropped are created again.
    with duckdb.connect(building(workspace)) as connection:
        connection.execute("drop view lineage; drop macro table clusters")
    second = run()
    assert second != first
    assert workspace.query("select count(*) from lineage") == [(0,)]
    assert len(workspace.query("from clusters('default', 'p')")) == 2
    # A partial run is published, and so is the complete one after it.
    third = run("--select", "stimulus_response_cube")
    assert third != second
    fourth = run()
    assert fourth != third
    # What somebody has changed is not what was published.
    workspace.marts.touch()
    assert run() != fourth
