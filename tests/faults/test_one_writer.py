"""DuckDB lets one process write a file, or several read it: a second process gets a clear error."""

import os
import subprocess
import sys
from collections.abc import Callable

import duckdb
import pytest

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace

ROWS = "select count(*) from stimulus_response_matrix"
# Build only these models.
RUN = ("--quiet", "run", "--select", "+stimulus_response_matrix")


@pytest.fixture(scope="module")
def built(make_workspace: Callable[[str], Workspace]) -> Workspace:
    workspace = make_workspace("writers")
    load(workspace, "p1")
    workspace.dbt(*RUN)
    return workspace


def load(workspace: Workspace, problem: str) -> None:
    file = workspace.folder / f"{problem}.csv"
    file.write_text(f"problem_id,implementation_id,test_id,output\n{problem},a,t,1\n")
    workspace.obslake("load", "observations", str(file))


def test_builds_that_start_at_the_same_moment(built: Workspace) -> None:
    ((before,),) = built.query(ROWS)
    load(built, "p2")
    builds = [built.start("dbt", *RUN, cwd=PROJECT) for _ in range(3)]
    ended = [build.wait() for build in builds]
    assert 0 in [build.status for build in ended]
    for build in ended:
        assert "Traceback" not in build.out + build.err
        if build.status:
            assert "is building the marts in" in build.out, build.out
            assert "wait until it has ended" in build.out
    assert built.query(ROWS) == [(before + 1,)]


def test_a_query_while_another_program_writes_the_marts(built: Workspace) -> None:
    with duckdb.connect(built.marts):
        message = built.refused("sql", ROWS)
    assert f"process {os.getpid()} has the marts in {built.marts} open for writing\n" in message
    assert "open them read-only" in message
    assert built.obslake("sql", ROWS, "--json")


def test_a_build_while_another_program_writes_the_marts(built: Workspace) -> None:
    (before,) = built.query(ROWS)
    load(built, "p3")
    with duckdb.connect(built.marts) as writer:
        built.dbt(*RUN)
        # It still has the earlier file open.
        assert writer.execute(ROWS).fetchall() == [before]
        writer.execute("create table scratch as select 1")
    assert built.query(ROWS) == [(before[0] + 1,)]
    assert built.query("from duckdb_tables() where table_name = 'scratch'") == []


def test_a_writer_while_readers_have_the_marts_open(built: Workspace) -> None:
    with duckdb.connect(built.marts, read_only=True):
        writer = subprocess.run(
            [sys.executable, "-c", "import duckdb, sys; duckdb.connect(sys.argv[1])", built.marts],
            capture_output=True,
            text=True,
            check=False,
        )
        assert writer.returncode != 0
        assert "Could not set lock" in writer.stderr
        built.dbt(*RUN)
