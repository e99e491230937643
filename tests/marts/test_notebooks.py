"""docs/notebooks.md and demo/notebook.py: frames, the wide matrix, and the analysis of the publications."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import obslake
import pytest
from obslake.errors import NoLakehouseError, QueryError

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace

PAGE = (PROJECT / "docs" / "notebooks.md").read_text()
PYTHON = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
SHELL = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)

# Packages that are not installed with obslake, and how the page uses them.
FRAMES = {"pandas": ".df()", "polars": ".pl()"}


@pytest.fixture(scope="module")
def lake(demo: Workspace) -> duckdb.DuckDBPyConnection:
    return obslake.connect(demo.home)


def run(command: list[str], demo: Workspace, cwd: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PATH": path, "OBSLAKE_HOME": str(demo.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        # tests/conftest.py reports pandas as missing.
        return False


def lines_of(block: str) -> str:
    """The lines of a block for which all packages are installed."""
    missing = [call for package, call in FRAMES.items() if not is_installed(package)]
    return "".join(
        line
        for line in block.splitlines(keepends=True)
        if not any(call in line for call in missing)
    )


def test_the_python_of_the_page(demo: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBSLAKE_HOME", str(demo.home))
    assert len(PYTHON) == 4
    assert all(call in PYTHON[1] for call in FRAMES.values())
    names: dict[str, object] = {}
    for block in PYTHON:
        exec(lines_of(block), names)
    assert getattr(names["table"], "num_rows", 0) == 10


@pytest.mark.parametrize("package", FRAMES)
def test_frames(lake: duckdb.DuckDBPyConnection, package: str) -> None:
    pytest.importorskip(package)
    relation = lake.sql("from clusters('demo', 'slugify')")
    frame = relation.df() if package == "pandas" else relation.pl()
    assert type(frame).__module__.partition(".")[0] == package
    assert list(frame["cluster_rank"]) == list(range(1, 11))


def test_the_commands_of_the_page(demo: Workspace, tmp_path: Path) -> None:
    (block,) = SHELL
    printed = run(["sh", "-ec", block], demo, tmp_path)
    assert printed.splitlines()[0].startswith("cluster_rank,cluster_id,")
    assert {path.name for path in tmp_path.iterdir()} == {"clusters.parquet", "clusters.csv.gz"}


def test_the_wide_matrix_is_the_matrix(lake: duckdb.DuckDBPyConnection) -> None:
    for value in ("response", "response_kind"):
        rows = lake.execute(
            f"select test_id, step_id, implementation_id, {value} from srm('demo', 'slugify')"
        ).fetchall()
        wide = obslake.wide_matrix(lake, "demo", "slugify", value)
        test, step, *implementations = wide.columns
        assert (test, step) == ("test_id", "step_id")
        assert set(implementations) == {row[2] for row in rows}
        cells = {
            (row[0], row[1], name): cell
            for row in wide.fetchall()
            for name, cell in zip(implementations, row[2:], strict=True)
            if cell is not None
        }
        assert cells == {(t, s, i): v for t, s, i, v in rows if v is not None}
        stimuli = [row[:2] for row in wide.fetchall()]
        assert stimuli == sorted(stimuli)


@pytest.mark.parametrize("names", [("Foo", "foo"), ("a", "Test_ID")])
def test_implementations_that_cannot_be_columns_are_named(names: tuple[str, str]) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create macro srm(data_set, problem) as table select 't' as test_id, 0 as step_id, "
            f"unnest({list(names)}) as implementation_id, '1' as response"
        )
        with pytest.raises(QueryError, match=repr(names[1])):
            obslake.wide_matrix(connection, "d", "p")


def test_a_connection_reads_everything_and_changes_nothing(
    lake: duckdb.DuckDBPyConnection, demo: Workspace
) -> None:
    ((marts, tables),) = lake.sql(
        "select (select count(*) from stimulus_response_cube), (select count(*) from lake.observations)"
    ).fetchall()
    assert 0 < marts <= tables
    before = demo.marts.stat()
    for statement in (
        "insert into obslake.main.problems from obslake.main.problems",
        "create table obslake.main.mine (a int)",
        "drop table obslake.main.stimulus_response_cube",
        "delete from lake.observations",
    ):
        with pytest.raises(duckdb.Error, match=r"read-only|can only|Can only|view"):
            lake.execute(statement)
    lake.execute("create or replace table mine as select 'none' as test_id")
    joined = "select count(*) from oracle('demo', 'slugify') inner join mine using (test_id)"
    assert lake.sql(joined).fetchall() == [(1,)]
    assert demo.marts.stat() == before
    with pytest.raises(duckdb.Error, match="did you mean 'slugify'"):
        obslake.wide_matrix(lake, "demo", "slugfy").fetchall()
    hostile = "'; drop table mine; --"
    with pytest.raises(duckdb.Error, match="no problem"):
        obslake.wide_matrix(lake, "demo", hostile).fetchall()


def test_without_a_lakehouse_or_marts(workspace: Workspace) -> None:
    with pytest.raises(NoLakehouseError):
        obslake.connect(workspace.home)
    workspace.obslake("init")
    with pytest.raises(QueryError, match="run `obslake build`"):
        obslake.connect(workspace.home)


def test_the_notebook(demo: Workspace, tmp_path: Path) -> None:
    script = PROJECT / "demo" / "notebook.py"
    assert script.read_text().count("# %%") >= 8
    printed = run([sys.executable, str(script)], demo, tmp_path)
    ((cells,),) = demo.query(
        "select count(*) from stimulus_response_matrix where data_set_id = 'demo'"
    )
    ((stimuli, clusters),) = demo.query(
        "select (select count(*) from consensus_oracles where data_set_id = 'demo'), "
        "(select count(*) from behavior_clusters where data_set_id = 'demo')"
    )
    counted = dict(re.findall(r"^(\w+) +([\d,]+) rows, +\d+ ms on average", printed, re.MULTILINE))
    assert {name: int(n.replace(",", "")) for name, n in counted.items()} == {
        "matrix": stimuli,
        "clusters": clusters,
        "join": cells,
    }
    assert "│    10 │     1 │ apostrophe │ [unicode-slugify@0.1.5]" in printed
    picture = ElementTree.parse(tmp_path / "agreement.svg").getroot()
    squares = [each for each in picture.iter() if each.tag.endswith("rect")]
    assert len(squares) >= 10 * 10
