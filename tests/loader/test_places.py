"""Terminals that are not UTF-8, and folders without a lakehouse: clear messages, and nothing left behind."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from obslake.cli.app import cli
from obslake.errors import NoLakehouseError, ObslakeError, QueryError

from tests.harness.lake import Lake, observation

CURSED = "é € \U0001f600 \u2502"


def on_terminal(lake: Lake, encoding: str, *arguments: object) -> tuple[Result, str]:
    """Run a command on a terminal with an encoding; it must succeed; return its output."""
    runner = CliRunner(charset=encoding)
    result = runner.invoke(cli, ["--home", str(lake.home), *map(str, arguments)])
    assert result.exception is None, result.exception
    return result, result.stdout_bytes.decode(encoding)


@pytest.fixture
def filled(lake: Lake) -> Lake:
    rows = [observation(test_id=CURSED, implementation_id=f"i{n}") for n in range(3)]
    lake.load("observations", lake.jsonl(f"{CURSED}.jsonl", rows), "--run", CURSED)
    return lake


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_answers_in_any_encoding(filled: Lake, encoding: str) -> None:
    query = "select test_id, implementation_id from lake.observations"
    _, table = on_terminal(filled, encoding, "sql", query)
    assert "test_id" in table
    assert "i2" in table
    if encoding == "utf-8":
        assert CURSED in table
        assert "┌" in table
    else:
        assert "\\u20ac" in table or "€" in table
        assert "+----" in table
    _, text = on_terminal(filled, encoding, "sql", query, "--json")
    assert {row["test_id"] for row in json.loads(text)} == {CURSED}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("as_json", [False, True])
def test_every_command_in_any_encoding(filled: Lake, encoding: str, as_json: bool) -> None:
    again = filled.folder / f"{CURSED}.jsonl"
    commands: list[tuple[Any, ...]] = [
        ("status", "--snapshots"),
        ("load", "observations", again, "--run", CURSED),
        ("verify",),
        ("quarantine",),
        ("compact",),
        ("expire", "--dry-run", "--older-than", "0s"),
        ("pin",),
        ("sql", f"select '{CURSED}' as \"{CURSED}\""),
    ]
    for command in commands:
        result, shown = on_terminal(filled, encoding, *command, *(["--json"] if as_json else []))
        if as_json:
            assert json.loads(shown) is not None
        result.stderr_bytes.decode(encoding)


def test_help_names_the_option_that_shows_loads(lake: Lake) -> None:
    shown, _ = lake.obslake("status", "--help")
    assert "with --snapshots the loads" in " ".join(shown.split())


def test_messages_of_duckdb_have_no_escapes(filled: Lake) -> None:
    with pytest.raises(QueryError) as refusal:
        filled.obslake("sql", "select no_such_function(1, 'a', 2.5)")
    assert "\t" not in str(refusal.value)
    with pytest.raises(QueryError) as refusal:
        filled.obslake("sql", "select substr(1, 2, 3, 4)")
    assert "Candidate functions" in str(refusal.value)
    assert "\t" not in str(refusal.value)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("observations", ["missing.jsonl"]),
        ("observations", ["empty.jsonl"]),
        ("observations", ["text.jsonl"]),
        ("lasso", ["rows.csv"]),
        ("junit", ["text.jsonl"]),
        ("recording", ["text.jsonl"]),
        ("tests", ["rows.csv"]),
        ("observations", ["rows.csv", "--max-faulty", "0"]),
    ],
)
def test_a_refused_load_leaves_no_lakehouse(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, kind: str, arguments: list[str]
) -> None:
    lake.write("empty.jsonl", "")
    lake.write("text.jsonl", "no json\n")
    lake.write("rows.csv", "problem_id,implementation_id,other\np,i,1\n")
    monkeypatch.chdir(lake.folder)
    before = sorted(lake.folder.rglob("*"))
    home = lake.folder / "some" / "where"
    with pytest.raises(ObslakeError):
        CliRunner().invoke(
            cli, ["--home", str(home), "load", kind, *arguments], catch_exceptions=False
        )
    assert sorted(lake.folder.rglob("*")) == before


def test_a_load_creates_the_lakehouse(lake: Lake) -> None:
    home = lake.folder / "some" / "where"
    file = lake.jsonl("rows.jsonl", [observation()])
    result = CliRunner().invoke(cli, ["--home", str(home), "load", "observations", str(file)])
    assert result.exit_code == 0, result.stderr
    assert (home / "catalog.db").exists()
    assert not list(home.glob(".load-*"))


def test_a_file_in_place_of_the_lakehouse(lake: Lake, tmp_path: Path) -> None:
    file = lake.jsonl("rows.jsonl", [observation()])
    with pytest.raises(NoLakehouseError, match="cannot create a lakehouse"):
        CliRunner().invoke(
            cli,
            ["--home", os.fspath(file / "lake"), "load", "observations", str(file)],
            catch_exceptions=False,
        )
