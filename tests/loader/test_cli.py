"""The command line: help, status, SQL queries, and errors."""

import hashlib
import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import duckdb
import pyarrow as pa
import pytest
from obslake.cli.app import cli
from obslake.engine import load_extensions
from obslake.errors import DamagedMetadataError, QueryError
from obslake.lakehouse.moved import local_path
from obslake.query.ask import check_reads
from pyiceberg.catalog.sql import SqlCatalog

from tests.harness.lake import KeptLakes, Lake, observation
from tests.harness.workspace import Workspace


def commands(group: click.Group = cli, *names: str) -> Iterator[tuple[list[str], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        else:
            yield [*names, name], command


def test_every_command_is_documented() -> None:
    found = {" ".join(names): command for names, command in commands()}
    assert set(found) >= {"init", "load lasso", "load observations", "status", "sql"}
    for name, command in found.items():
        text = command.get_help(click.Context(command, info_name=f"obslake {name}"))
        sentence = (command.help or "").split("\n\n")[0]
        assert sentence.endswith("."), name
        assert "Example:" in text, name
        for option in command.params:
            if isinstance(option, click.Option):
                assert (option.help or "").endswith((".", "]")), f"{name} {option.name}"
    for group in (cli, cli.commands["load"]):
        assert (group.help or "").endswith(".")


def test_examples_are_commands() -> None:
    for names, command in commands():
        lines = command.example.splitlines()  # type: ignore[attr-defined]
        assert lines
        for line in lines:
            words = shlex.split(line.split("|")[-1])
            assert words.pop(0) == "obslake"
            context = cli.make_context("obslake", list(words))
            current: click.Command = cli
            while isinstance(current, click.Group):
                name, found, rest = current.resolve_command(
                    context, [*context._protected_args, *context.args]
                )
                assert name is not None
                assert found is not None
                context = found.make_context(name, rest, parent=context)
                current = found
            assert current is command, f"{' '.join(names)}: {line}"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['obslake', '--help']\n"
        "import obslake.cli.app\n"
        "obslake.cli.app.main()\n"
        "heavy = {'duckdb', 'pyarrow', 'pyiceberg', 'dbt', 'rich', 'sqlalchemy'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Keep the observed behaviour" in done.stdout


def test_messages_from_an_empty_folder_to_a_load(workspace: Workspace) -> None:
    """The first steps of a user, with typical errors."""
    home = workspace.home
    assert workspace.refused("status") == (
        f"obslake: there is no lakehouse at {home}\n"
        "  create one with `obslake init`, or name another folder with --home or OBSLAKE_HOME\n"
    )
    assert not home.exists()
    done = workspace.run("obslake", "--nonsense")
    assert done.returncode == 2
    assert "No such option" in done.stderr
    for arguments in (
        ["load", "observations"],
        ["load", "observations", "x", "--map", "output"],
        ["load", "nonsense"],
        ["sql"],
    ):
        done = workspace.run("obslake", *arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert "Usage: obslake" in done.stderr
    assert workspace.obslake("--version").startswith("obslake, version ")
    assert workspace.obslake("init").splitlines() == [
        f"lakehouse at {home}",
        "next: obslake load --help",
    ]
    done = workspace.run("obslake", "load", "observations", "missing.jsonl")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "obslake: missing.jsonl: no such file or folder\n"

    Lake(workspace.folder).jsonl("o.jsonl", [observation(output="$NEW"), observation(step_id=1)])
    done = workspace.run("obslake", "load", "observations", "o.jsonl")
    assert done.returncode == 0
    assert done.stderr == "obslake: warning: 1 response of a kind that the protocol does not know\n"
    first, *rest = done.stdout.splitlines()
    assert first.startswith("load 0")
    assert first.endswith(": 1 source")
    assert rest == [
        "  runs                        1 row",
        "  observations                2 rows",
        "    other                     1",
        "    value                     1",
    ]
    again = workspace.obslake("load", "observations", "o.jsonl")
    assert "o.jsonl: already loaded by load 0" in again


def test_status(lake: Lake) -> None:
    lake.obslake("init")
    assert json.loads(lake.obslake("status", "--json", "--snapshots")[0])["snapshots"] == []
    path = lake.jsonl("o.jsonl", [observation(step_id=n) for n in range(1234)])
    load_id = lake.load("observations", path)["load_id"]
    status = json.loads(lake.obslake("status", "--json", "--snapshots")[0])
    assert status["home"] == str(lake.home)
    assert status["marts"] is None
    tables = {t["table"]: t for t in status["tables"]}
    assert list(tables) == [
        "implementations",
        "tests",
        "runs",
        "measurements",
        "quarantine",
        "observations",
    ]
    assert (tables["observations"]["rows"], tables["observations"]["files"]) == (1234, 1)
    assert tables["tests"] == {
        "table": "tests", "rows": 0, "files": 0, "bytes": 0, "snapshot_id": None
    }  # fmt: skip
    (snapshot,) = status["snapshots"]
    assert snapshot.pop("committed_at").endswith("+00:00")
    assert snapshot.pop("sha256") == [hashlib.sha256(path.read_bytes()).hexdigest()]
    assert snapshot == {
        "snapshot_id": tables["observations"]["snapshot_id"],
        "load_id": load_id,
        "rows": 1234,
        "sources": [str(path)],
    }
    text = lake.obslake("status", "--snapshots")[0].splitlines()
    assert text[:2] == [f"lakehouse  {lake.home}", "marts      not built yet: run `obslake build`"]
    assert text[3].split() == ["table", "rows", "files", "bytes"]
    assert text[9].split()[:3] == ["observations", "1,234", "1"]
    assert text[11].startswith(f"snapshot {snapshot['snapshot_id']}  20")
    assert text[12] == f"  load {load_id}  1,234 rows  {path}"
    assert "snapshot" not in lake.obslake("status")[0]


@pytest.fixture
def asked(kept_lakes: KeptLakes) -> Lake:
    """A lakehouse with two rows, and a file of marts with a table and a macro."""
    return kept_lakes.get("asked", make_marts)


def make_marts(lake: Lake) -> None:
    lake.load("observations", lake.jsonl("o.jsonl", [observation(step_id=n) for n in (0, 1)]))
    with duckdb.connect(lake.home / "obslake.duckdb") as marts:
        marts.execute("create table cells as select 't' as test_id, 'i' as implementation, 1 as r")
        # A view left by dbt: the source at the time of the last build.
        marts.execute("create schema lake")
        marts.execute("create view lake.observations as select 1 as old where false")
        marts.execute("create macro clusters(a, b) as table select a as data_set, b as problem")


QUERIES = {
    "select count(*) as n from lake.observations": [{"n": 2}],
    "from cells": [{"test_id": "t", "implementation": "i", "r": 1}],
    "FROM clusters('d', 'p');": [{"data_set": "d", "problem": "p"}],
    "with x as (select 1 as a) from x": [{"a": 1}],
    "/* why */ values (1)": [{"col0": 1}],
    "pivot cells on implementation using first(r) group by test_id": [{"test_id": "t", "i": 1}],
    "with x as (pivot cells on implementation using first(r)) select i from x": [{"i": 1}],
    "unpivot (select 1 as a) on a": [{"name": "a", "value": 1}],
    "select 1 as a, 2 as a": [{"a": 1, "a_1": 2}],
    "select 1 as a where false": [],
    "describe cells": [
        {"column_name": n, "column_type": t, "null": "YES", "key": None, "default": None,
         "extra": None}
        for n, t in (("test_id", "VARCHAR"), ("implementation", "VARCHAR"), ("r", "INTEGER"))
    ],
}  # fmt: skip


def test_queries(asked: Lake) -> None:
    for query, rows in QUERIES.items():
        assert json.loads(asked.obslake("sql", query, "--json")[0]) == rows, query
    text, _ = asked.obslake("sql", "from cells")
    assert "│ t       │ i              │     1 │" in text
    for query in ("show tables", "summarize cells", "table cells"):
        assert "│" in asked.obslake("sql", query)[0], query
    for explain in ("explain", "explain analyze", "explain (analyze)"):
        plan, _ = asked.obslake("sql", f"{explain} select 42 as answer")
        assert "DUMMY_SCAN" in plan
        assert "\\n" not in plan
    many = json.loads(asked.obslake("sql", "from range(2500)", "--json")[0])
    assert [row["range"] for row in many] == list(range(2500))


def test_json_of_every_type(asked: Lake) -> None:
    values = {
        "date '2024-02-29'": "2024-02-29",
        "time '10:00:01'": "10:00:01",
        "timestamp '2024-02-29 10:00:00.5'": "2024-02-29T10:00:00.500000",
        "timestamptz '2024-02-29 10:00:00+02'": "2024-02-29T08:00:00+00:00",
        "interval 90 minute": "1:30:00",
        "1.50::decimal(9, 2)": 1.5,
        "0.1::decimal(9, 2)": 0.1,
        "12345678901234567890.123456789::decimal(38, 9)": "12345678901234567890.123456789",
        "170141183460469231731687303715884105727": 2**127 - 1,
        "'hi'::blob": "aGk=",
        "uuid '00000000-0000-0000-0000-000000000001'": "00000000-0000-0000-0000-000000000001",
        "map {'a': 1}": {"a": 1},
        "map {date '2024-02-29': [1.5::decimal(4, 1)]}": {"2024-02-29": [1.5]},
        "{'a': 'hi'::blob, 'b': null}": {"a": "aGk=", "b": None},
        "[date '2024-02-29']": ["2024-02-29"],
        "'nan'::double": "nan",
        "'-inf'::double": "-inf",
        "true": True,
        "'é\n\"'": 'é\n"',
    }
    columns = ", ".join(f"{sql} as c{n}" for n, sql in enumerate(values))
    out, _ = asked.obslake("sql", f"select {columns}", "--json")
    (row,) = json.loads(out)
    assert list(row.values()) == list(values.values())
    assert "é" in out


NOT_QUERIES = {
    "insert into cells from cells": "INSERT",
    "update cells set r = 2": "UPDATE",
    "delete from cells returning *": "DELETE",
    "drop table cells": "DROP",
    "create table x as select 1": "CREATE",
    "create table x as pivot cells on implementation using first(r)": "more than one",
    "create or replace view lake.observations as select 1": "CREATE",
    "copy cells to 'x.csv'": "COPY",
    "explain analyze copy cells to 'x.csv'": "COPY",
    "explain (analyze, format json) copy cells to 'x.csv'": "COPY",
    "/* why */ explain analyze copy cells to 'x.csv'": "EXPLAIN",
    "export database 'x'": "EXPORT",
    "attach 'x' as other": "ATTACH",
    "install httpfs": "LOAD",
    "set memory_limit = '1GB'": "SET",
    "checkpoint": "CALL",
    "select 1; select 2": "more than one",
    "select 1; drop table cells": "more than one",
    "drop table cells; pivot cells on implementation using first(r)": "more than one",
    "pivot cells on implementation using first(r); select 1": "more than one",
    "": "there is no query",
    "/* nothing */": "there is no query",
}


@pytest.mark.parametrize("query", NOT_QUERIES)
def test_statements_that_are_not_queries(query: str) -> None:
    with duckdb.connect() as connection, pytest.raises(QueryError, match=NOT_QUERIES[query]):
        check_reads(connection, query)


def test_only_queries_are_answered(asked: Lake) -> None:
    target = asked.folder / "out.csv"
    before = asked.snapshots()
    for query, word in {
        "insert into lake.observations select * from lake.observations": "INSERT",
        f"copy cells to '{target}'": "COPY",
        f"explain analyze copy cells to '{target}'": "COPY",
        "selct 1": 'syntax error at or near "selct"',
        "from nowhere": "nowhere does not exist",
        "select 1 / 'a'": "Could not convert string",
        "select $1": "prepared parameter|Values were not provided",
    }.items():
        with pytest.raises(QueryError, match=word):
            asked.obslake("sql", query)
    assert not target.exists()
    assert asked.snapshots() == before


def test_a_query_reads_other_files_only_with_external_access(asked: Lake) -> None:
    other = asked.folder / "other.csv"
    other.write_text("a\n1\n")
    read = f"from read_csv('{other}')"
    # With and without the tables, which are files too.
    for query in (read, f"select a from (from lake.tests) right join ({read}) on true"):
        with pytest.raises(QueryError, match="only with --external-access"):
            asked.obslake("sql", query)
        answer, _ = asked.obslake("sql", query, "--external-access", "--json")
        assert json.loads(answer) == [{"a": 1}]
    with pytest.raises(QueryError, match="disabled"):
        asked.obslake("sql", "from glob('/*')")


def test_views_that_read_the_tables_are_answered(asked: Lake) -> None:
    with duckdb.connect(asked.home / "obslake.duckdb") as marts:
        load_extensions(marts)
        metadata = next(asked.home.glob("warehouse/obslake/observations/metadata/*.metadata.json"))
        marts.execute(f"create view scanned as from iceberg_scan('{metadata}')")
        marts.execute("create or replace view lake.observations as from scanned")
        marts.execute("create view counted as select count(*) as n from lake.observations")
    answer, _ = asked.obslake("sql", "from counted", "--json")
    assert len(json.loads(answer)) == 1


@pytest.fixture
def elsewhere(kept_lakes: KeptLakes) -> Lake:
    """A lakehouse with another engine's marts in its catalog, named like a mart of dbt and like a source."""
    return kept_lakes.get("elsewhere", make_other_marts)


def make_other_marts(lake: Lake) -> None:
    make_marts(lake)
    catalog = lake.open().catalog
    catalog.create_namespace("marts")
    for name, rows in {"cells": 3, "runs": 1, "empty": 0}.items():
        table = catalog.create_table(("marts", name), pa.schema([("n", pa.int64())]))
        if rows:
            table.append(pa.table({"n": range(rows)}))
    catalog.create_namespace("nothing")


def test_marts_of_another_engine(elsewhere: Lake) -> None:
    for query, rows in {
        "from cells order by n": [{"n": 0}, {"n": 1}, {"n": 2}],
        "select count(*) as n from runs": [{"n": 1}],
        "from empty": [],
        "select count(*) as n from lake.observations, cells": [{"n": 6}],
        "select count(*) as n from lake.runs, runs": [{"n": 1}],
        "select view_name as name from duckdb_views() where not internal order by all": [
            {"name": "cells"},
            {"name": "empty"},
            {"name": "runs"},
        ],
    }.items():
        answer, _ = elsewhere.obslake("sql", "--marts", "marts", query, "--json")
        assert json.loads(answer) == rows, query
    # Marts are read in their current state.
    elsewhere.open().catalog.load_table("marts.runs").append(pa.table({"n": [7]}))
    answer, _ = elsewhere.obslake("sql", "--marts=marts", "select max(n) as n from runs", "--json")
    assert json.loads(answer) == [{"n": 7}]
    # Marts built by dbt on DuckDB are not among them.
    for query in ("from clusters('d', 'p')", "from obslake.cells"):
        with pytest.raises(QueryError, match="does not exist"):
            elsewhere.obslake("sql", "--marts", "marts", query)


def test_views_of_another_engine_are_skipped(elsewhere: Lake) -> None:
    catalog = elsewhere.open().catalog
    assert isinstance(catalog, SqlCatalog)
    with catalog.engine.begin() as connection:
        connection.exec_driver_sql(
            "insert into iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, "
            "iceberg_type) values ('obslake', 'marts', 'seen', 'file:/nowhere', 'VIEW')"
        )
    assert elsewhere.obslake("sql", "--marts", "marts", "from runs")
    with pytest.raises(QueryError, match="seen does not exist"):
        elsewhere.obslake("sql", "--marts", "marts", "from seen")


@pytest.mark.parametrize("namespace", ["nothing", "nowhere", "marts.below", "x'y"])
def test_a_namespace_without_marts(elsewhere: Lake, namespace: str) -> None:
    with pytest.raises(QueryError, match="the catalog has no tables in namespace ") as refused:
        elsewhere.obslake("sql", "--marts", namespace, "select 1")
    assert namespace in str(refused.value)


def test_the_tables_of_the_lakehouse_are_not_marts(elsewhere: Lake) -> None:
    """They may contain rows of unfinished loads."""
    with pytest.raises(QueryError, match="not marts\n  query them in schema lake, without --marts"):
        elsewhere.obslake("sql", "--marts", "obslake", "from observations")


def test_a_mart_with_missing_metadata(elsewhere: Lake) -> None:
    table = elsewhere.open().catalog.load_table("marts.cells")
    local_path(table.metadata_location).unlink()
    with pytest.raises(DamagedMetadataError, match=r"^cells: its metadata file is missing"):
        elsewhere.obslake("sql", "--marts", "marts", "from runs")


def test_a_query_on_marts_of_another_engine_reads_no_other_files(elsewhere: Lake) -> None:
    other = elsewhere.folder / "other.csv"
    other.write_text("a\n1\n")
    read = f"select a from (from runs) join read_csv('{other}') on true"
    with pytest.raises(QueryError, match="only with --external-access"):
        elsewhere.obslake("sql", "--marts", "marts", read)
    answer, _ = elsewhere.obslake("sql", "--marts", "marts", read, "--external-access", "--json")
    assert json.loads(answer) == [{"a": 1}]
    with pytest.raises(QueryError, match="only reads"):
        elsewhere.obslake("sql", "--marts", "marts", "drop view runs")


def test_a_long_query_can_be_interrupted(asked: Lake) -> None:
    query = "select max(a.range * b.range) from range(1000000) a, range(1000000) b"
    command = [sys.executable, "-m", "obslake", "--home", str(asked.home), "sql", query]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell makes background processes ignore interrupts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        time.sleep(2.5)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, stderr.strip()) == (130, b"obslake: interrupted")


def test_queries_before_the_first_build(lake: Lake) -> None:
    lake.obslake("init")
    assert json.loads(lake.obslake("sql", "from lake.observations", "--json")[0]) == []
    with pytest.raises(QueryError, match="the marts are not built yet: run `obslake build`"):
        lake.obslake("sql", "from clusters('d', 'p')")


@pytest.mark.parametrize(
    ("rows", "options", "read"), [(900, [], 10), (900, ["--json"], 10), (1, [], 0)]
)
def test_a_reader_may_stop_early(asked: Lake, rows: int, options: list[str], read: int) -> None:
    query = f"select repeat('x', 1000) as x from range({rows})"
    command = [sys.executable, "-m", "obslake", "--home", str(asked.home), "sql", query, *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(read)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=20) == 1


def test_a_failing_query_has_a_status_and_no_traceback(asked: Lake) -> None:
    workspace = Workspace(asked.folder)
    done = workspace.run("obslake", "sql", "selct")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith('obslake: Parser Error: syntax error at or near "selct"')
    assert "Traceback" not in done.stderr
    assert "not valid UTF-8" in workspace.refused("sql", "-", stdin=b"select '\xff'")
    Path(asked.home / "obslake.duckdb").write_text("this is no database" * 1000)
    assert "not a valid DuckDB database" in workspace.refused("sql", "select 1")


def test_control_characters_of_a_source_do_not_reach_the_terminal(workspace: Workspace) -> None:
    file = workspace.folder / "clear\x1b[2J.jsonl"
    row = {"problem_id": "p", "test_id": "t", "implementation_id": "i", "output": "1"}
    file.write_text(json.dumps({**row, "bell\x07\x1b[2J\u202e": "x"}))
    workspace.obslake("init")
    done = workspace.run("obslake", "load", "observations", str(file))
    assert r"bell\x07\x1b[2J\u202e" in done.stderr
    assert r"clear\x1b[2J.jsonl" in workspace.obslake("load", "observations", str(file))
    file.write_text("{")
    assert r"clear\x1b[2J.jsonl" in workspace.refused("load", "observations", str(file))
