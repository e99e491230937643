"""``--max-faulty`` and ``obslake quarantine``: faulty records are set aside, not lost."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from obslake.errors import QuarantineError, SourceRowError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.schemas import ALL_TABLES, NAMESPACE
from obslake.load.sources import SQL, checks, junit, records

from tests.harness.lake import Lake, observation
from tests.harness.workspace import Workspace
from tests.loader.maintenance import InterruptedLoadError, interrupted_at
from tests.loader.test_lasso import abstraction, cell, oracle, step
from tests.loader.test_observations import published
from tests.loader.test_recording import call, session, start

SHOWN = ("file", "position", "column_name", "reason")


def shown(lake: Lake, *options: object) -> list[tuple[Any, ...]]:
    return [tuple(r[c] for c in SHOWN) for r in lake.quarantine(*options)["records"]]


def mixed(lake: Lake, name: str, **extra: object) -> Path:
    """Write five rows; the second and the fourth are faulty."""
    rows = [observation(test_id=f"t{n}", step_id=str(n), **extra) for n in range(5)]
    rows[1]["step_id"] = "first"
    rows[3]["problem_id"] = None
    write = {"parquet": lake.parquet, "jsonl": lake.jsonl, "csv": lake.csv}
    return write[name.split(".")[1]](name, rows)


@pytest.mark.parametrize("name", ["o.parquet", "o.jsonl", "o.csv", "o.jsonl.gz", "o.csv.gz"])
def test_faulty_rows_are_set_aside_and_the_others_loaded(lake: Lake, name: str) -> None:
    path = mixed(lake, name)
    header = 1 if "csv" in name else 0
    report = lake.load_partly("observations", path, "--run", "r", max_faulty=2)
    assert report["rows"] == {"runs": 1, "quarantine": 2, "observations": 3}
    assert report["set_aside"] == 2
    assert report["message"] == (
        "2 records could not be understood and were set aside; the others were loaded\n"
        f"  see `obslake quarantine --load {report['load_id']}`"
    )
    assert lake.rows("observations", "test_id") == [("t0",), ("t2",), ("t4",)]
    assert shown(lake) == [
        (str(path), 2 + header, "step_id", "'first' is not a value of type integer, from 0"),
        (str(path), 4 + header, "problem_id", "is missing"),
    ]
    first, second = lake.rows("quarantine")
    assert first["record_form"] == "row"
    record = json.loads(first["record"])
    assert record == observation(test_id="t1", step_id="first")
    assert json.loads(second["record"])["problem_id"] is None
    assert first["reader"] == "observations"
    assert first["load_id"] == report["load_id"]
    assert first["file_time"].timestamp() == pytest.approx(path.stat().st_mtime, abs=1e-3)
    assert json.loads(first["options"])["run"] == "r"
    # The source is loaded, even with another tolerance the next time.
    assert "already loaded" in lake.obslake("load", "observations", path, "--run", "r")[0]
    assert len(lake.rows("quarantine")) == 2


def test_the_tolerance_limits_faulty_rows(lake: Lake) -> None:
    path = mixed(lake, "o.jsonl")
    for option in ("0", "1", "0%", "39.9%"):
        message = lake.refused("observations", path, "--max-faulty", option)
        assert "nothing was loaded" in message
    assert message.splitlines() == [
        "2 of 5 rows cannot be understood, more than --max-faulty 39.9% allows; nothing was loaded",
        f"  {path}, row 2, column step_id: 'first' is not a value of type integer, from 0",
        f"  {path}, row 4, column problem_id: is missing",
        "  to set them aside and load the others, add --max-faulty 2",
    ]
    with pytest.raises(SourceRowError, match="more than --max-faulty 1 allows"):
        lake.obslake("load", "observations", path, "--max-faulty", "1")
    # The share is relative to the rows of all files.
    good = lake.jsonl("good.jsonl", [observation(step_id=n) for n in range(95)])
    assert lake.load_partly("observations", path, good, max_faulty="2%")["set_aside"] == 2
    assert lake.load("observations", good, "--run", "r", "--max-faulty", "100%")["set_aside"] == 0


@pytest.mark.parametrize("text", ["-1", "1.5", "101%", "many", "%", "", "1e3", "nan%"])
def test_invalid_tolerances(workspace: Workspace, text: str) -> None:
    done = workspace.run("obslake", "load", "observations", "x", f"--max-faulty={text}")
    assert done.returncode == 2
    assert "is neither a number like 12 nor a percentage like 0.5%" in done.stderr


def test_messages(workspace: Workspace) -> None:
    path = mixed(Lake(workspace.folder), "o.csv")
    done = workspace.run("obslake", "load", "observations", "o.csv", "--max-faulty", "50%")
    assert done.returncode == 3
    assert (
        "  quarantine                  2 rows\n  observations                3 rows" in done.stdout
    )
    load = done.stdout.split()[1].rstrip(":")
    assert done.stderr == (
        "obslake: 2 records could not be understood and were set aside; the others were loaded\n"
        f"  see `obslake quarantine --load {load}`\n"
    )
    lake = Lake(workspace.folder)
    assert lake.obslake("quarantine")[0].splitlines() == [
        f"load {load}: 2 records of observations",
        "  o.csv",
        "    row 3, column step_id: 'first' is not a value of type integer, from 0",
        "    row 5, column problem_id: is missing",
    ]
    assert lake.obslake("quarantine", "--limit", 1)[0].splitlines()[-1] == (
        "… and 1 more: show them with --limit"
    )
    assert lake.obslake("quarantine", "--retry")[0].splitlines() == [
        f"load {load}: 2 records read again",
        "  2 still set aside",
    ]
    with pytest.raises(QuarantineError) as error:
        lake.obslake("quarantine", "--load", "nonsense")
    assert str(error.value) == (
        "load nonsense has no records set aside\n  list all loads with `obslake quarantine`"
    )
    assert path.exists()


def test_a_file_of_published_rows(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [published(step_id=str(n), specified_oracle="false") for n in range(3)]
    rows[1]["execution_time_ms"] = "fast"
    report = lake.load_partly("observations", lake.csv("p.csv", rows), max_faulty=1)
    assert report["rows"]["observations"] == 2
    monkeypatch.setattr(checks.Cast, "fault", lambda *_: "false")
    monkeypatch.setattr(
        "obslake.load.sources.observations.run_sql_file", lambda c, path: c.execute(lenient(path))
    )

    def lenient(path: Path) -> str:
        text = path.read_text()
        return text.replace(
            "cast(execution_time_ms as double)", "try_cast(execution_time_ms as double)"
        )

    (done,) = lake.quarantine("--retry")
    assert (done["rows"]["observations"], done["set_aside"]) == (1, 0)
    assert {(r["step_id"], r["environment_id"]) for r in lake.rows("observations")} == {
        (n, "arena") for n in range(3)
    }


DESCRIPTIONS = {
    "runs": ({"run_id": "r", "attributes": "{}"}, {"attributes": "none"}, "is not a JSON object"),
    "implementations": (
        {"problem_id": "p", "implementation_id": "i", "revised_at": "2024-01-01"},
        {"revised_at": "soon"},
        "is not an ISO 8601 timestamp, such as 2024-07-01T10:00:00+02:00",
    ),
    "tests": ({"problem_id": "p", "test_id": "t"}, {"test_id": None}, "is missing"),
    "measurements": (
        {"problem_id": "p", "subject_kind": "test", "subject_id": "t", "metric": "m", "value": 1},
        {"value": "much"},
        "is not a value of type double",
    ),
}


@pytest.mark.parametrize("table", DESCRIPTIONS)
def test_descriptions(lake: Lake, table: str) -> None:
    row, wrong, reason = DESCRIPTIONS[table]
    path = lake.jsonl("d.jsonl", [row, {**row, **wrong}, row])
    assert reason in lake.refused(table, path)
    report = lake.load_partly(table, path, max_faulty="34%")
    assert report["rows"] == {table: 2, "quarantine": 1}
    ((_, position, column, why),) = shown(lake)
    assert (position, column) == (2, next(iter(wrong)))
    assert why.endswith(reason)


def test_a_whole_actuation_is_set_aside(lake: Lake) -> None:
    cells = [c for y in range(3) for c in step(y, str(y), "f", "T", ["1", "2"])]
    cells += [oracle("0", 0), oracle("1", 1), abstraction("interface", "I")]
    cells += step(1, "1", "f", "T", ["1", "2"], SYSTEMID="s2")
    cells = [{**c, "X": str(c["X"]), "Y": str(c["Y"])} for c in cells]
    cells[6]["X"] = "first"  # the operation of step 1
    one = lake.parquet("one.parquet", cells[:8])
    two = lake.parquet("two.parquet", cells[8:])
    assert "1 row cannot" in lake.refused("lasso", one, two)
    report = lake.load_partly("lasso", one, two, max_faulty=5)
    assert report["set_aside"] == 5
    assert lake.rows("observations", "step_id", "implementation_id", "inputs") == [
        (0, "oracle", None),
        (0, "s1_original_0", "[1,2]"),
        (1, "oracle", None),
        (1, "s2_original_0", "[1,2]"),
        (2, "s1_original_0", "[1,2]"),
    ]
    reasons = {(Path(file).name, position): reason for file, position, _, reason in shown(lake)}
    other = "belongs to an actuation with a cell that cannot be understood"
    assert reasons == {
        ("one.parquet", 7): "'first' is not a value of type integer",
        ("one.parquet", 6): other,
        ("one.parquet", 8): other,
        ("two.parquet", 1): other,
        ("two.parquet", 2): other,
    }
    # One of five cells is faulty, but all five are set aside.
    assert "5 of 23" in lake.refused("lasso", one, two, "--data-set", "d", "--max-faulty", "20%")


@pytest.mark.parametrize(
    ("wrong", "lost"),
    [
        ({"TYPE": None}, {(1, "s1")}),
        ({"SYSTEMID": None}, {(1, "s1"), (1, "s2")}),
        ({"Y": "none"}, {(0, "s1"), (1, "s1")}),
        ({"SHEETID": None, "Y": None}, {(0, "s1"), (1, "s1")}),
        ({"LASTMODIFIED": "yesterday"}, {(1, "s1")}),
    ],
)
def test_actuations_to_which_a_faulty_cell_may_belong(
    lake: Lake, wrong: dict[str, Any], lost: set[tuple[int, str]]
) -> None:
    cells = [c for s in ("s1", "s2") for y in (0, 1) for c in step(y, "1", "f", "T", SYSTEMID=s)]
    cells += [oracle("1", 0), cell("lines", "5", -1, -1)]
    cells = [{**c, "X": str(c["X"]), "Y": str(c["Y"]), "LASTMODIFIED": "2024-01-01"} for c in cells]
    cells[4].update(wrong)  # of step 1 of s1
    lake.load_partly("lasso", lake.csv("cells.csv", cells))
    everything = {(y, s) for s in ("s1", "s2") for y in (0, 1)} | {(0, "oracle")}
    found = {
        (y, name.split("_")[0])
        for y, name in lake.rows("observations", "step_id", "implementation_id")
    }
    if "SYSTEMID" in wrong:
        found.discard((1, "oracle"))
    assert found == everything - lost
    assert lake.row("measurements")["metric"] == "lines"


def test_a_measurement_is_set_aside_by_itself(lake: Lake) -> None:
    cells = [*step(0, "1", "f"), cell("a", "1", -1, -1), cell("b", "1", -1, -1, ACTIONID=None)]
    lake.load_partly("lasso", lake.parquet("cells.parquet", cells), max_faulty=1)
    assert len(lake.rows("observations")) == 1
    assert lake.rows("measurements", "metric") == [("a",)]


RECORDING = [
    session(),
    start(),
    call(),
    call(step_id="one"),
    session(implementation_id=None),
    start(test_id="u"),
    call(test_id="u"),
    session(implementation_id="lib@2.0"),
    call(test_id="v"),
]


def test_lines_of_recordings(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lake.jsonl("r.jsonl", RECORDING)
    report = lake.load_partly("recording", path)
    assert report["set_aside"] == 4
    assert lake.rows("observations", "test_id", "implementation_id") == [
        ("t", "lib@1.0"),
        ("v", "lib@2.0"),
    ]
    of_session = "belongs to a session that cannot be understood"
    assert shown(lake) == [
        (str(path), 4, "step_id", "'one' is not a value of type integer, from 0"),
        (str(path), 5, "implementation_id", "is missing"),
        (str(path), 6, None, of_session),
        (str(path), 7, None, of_session),
    ]
    # A newer version accepts that number.
    real = checks._faults
    monkeypatch.setattr(
        checks,
        "_faults",
        lambda columns, types, rules, **options: real(
            columns, types, replace(rules, casts=()), **options
        ),
    )
    text = (SQL / "recording.sql").read_text()
    newer = text.replace(
        "cast(calls.step_id as int)", "if(calls.step_id = 'one', 1, cast(calls.step_id as int))"
    )
    files = {"recording": newer}
    monkeypatch.setattr(
        "obslake.load.sources.recording.run_sql_file",
        lambda c, path: c.execute(files.get(path.stem) or path.read_text()),
    )
    (done,) = lake.quarantine("--retry", report["load_id"])
    assert (done["rows"]["observations"], done["set_aside"]) == (1, 3)
    row = lake.row("observations", step_id=1)
    assert (row["implementation_id"], row["run_id"], row["load_id"]) == (
        "lib@1.0",
        "run-7",
        done["retried_by"],
    )
    assert [position for _, position, *_ in shown(lake)] == [5, 6, 7]


def test_whole_report_files_are_set_aside(lake: Lake) -> None:
    good = lake.write("good.xml", '<testsuite><testcase name="t"/></testsuite>')
    cut = lake.write("cut.xml", '<testsuite name="\u00e9"><testcase ')
    latin = lake.write("latin.xml", b'<testsuite name="\xe9"/>')
    assert "2 files cannot be loaded" in lake.refused("junit", good, cut, latin)
    assert "2 files" in lake.refused("junit", good, cut, latin, "--max-faulty", "1")
    report = lake.load_partly("junit", good, cut, latin, max_faulty="67%")
    assert (report["set_aside"], report["refused"]) == (2, [])
    assert lake.rows("observations", "test_id") == [("t",)]
    assert shown(lake) == [
        (str(cut), None, None, "not well-formed XML: unclosed token, line 1"),
        (str(latin), None, None, "not well-formed XML: it is not valid utf-8"),
    ]
    assert lake.row("quarantine", file=str(cut))["record"] == cut.read_text()
    assert lake.row("quarantine", file=str(latin))["record_form"] == "base64"
    # A file that was set aside is recognised until its content changes.
    assert lake.load("junit", good, cut, latin)["load_id"] is None
    cut.write_text('<testsuite name="\u00e9"><testcase name="u"/></testsuite>')
    assert lake.load("junit", good, cut, latin)["sources"] == [str(cut)]


def test_report_files_are_retried(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = lake.folder / "linux"
    folder.mkdir()
    cut = folder / "cut.xml"
    cut.write_text('<testsuite name="s"><testcase name="t"/>')
    options = ("--path-pattern", f"{lake.folder}/{{environment}}/*.xml", "--revision", "abc")
    report = lake.load_partly("junit", cut, *options)
    assert lake.rows("observations") == []
    cut.unlink()
    real = records.as_bytes
    monkeypatch.setattr(junit, "as_bytes", lambda *a: real(*a) + b"</testsuite>")
    (done,) = lake.quarantine("--retry")
    assert done["rows"] == {"implementations": 1, "runs": 1, "observations": 1}
    row = lake.row("observations")
    assert (row["environment_id"], row["implementation_id"]) == ("linux", "abc")
    assert row["run_id"] == report["load_id"]
    assert lake.quarantine()["total"] == 0


def newer_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a version that reads the step `first` as step 77."""
    real = checks.Cast.fault
    monkeypatch.setattr(
        checks.Cast,
        "fault",
        lambda self, value, *given: f"{value} <> 'first' and ({real(self, value, *given)})",
    )
    text = (
        (SQL / "observations.sql")
        .read_text()
        .replace("cast(step_id as int)", "if(step_id = 'first', 77, try_cast(step_id as int))")
        .replace("null::int as step_id", "null::varchar as step_id")
    )
    monkeypatch.setattr(
        "obslake.load.sources.observations.run_sql_file",
        lambda c, path: c.execute(text if path.stem == "observations" else path.read_text()),
    )


@pytest.mark.parametrize("name", ["o.parquet", "o.jsonl", "o.csv"])
def test_a_newer_version_reads_records_that_were_set_aside(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = mixed(lake, name, result='"é"', host="ci", observed_at=None)
    options = ("--data-set", "d", "--environment", "e", "--map", "output=result")
    first = lake.load_partly("observations", path, *options)
    runs = lake.rows("runs")
    path.unlink()
    newer_version(monkeypatch)
    (done,) = lake.quarantine("--retry")
    assert done["load_id"] == first["load_id"]
    assert done["rows"] == {"quarantine": 1, "observations": 1}
    row = lake.row("observations", step_id=77)
    others = lake.row("observations", step_id=0)
    differing = {"step_id": 77, "test_id": "t1", "load_id": done["retried_by"]}
    assert row == {**others, **differing}
    # The run that summarises all rows is not replaced by one from a single row.
    assert lake.rows("runs") == runs
    # A record that is still faulty is in the quarantine once, with its original place.
    records = lake.quarantine()["records"]
    assert [(r["load_id"], r["file"], r["column_name"]) for r in records] == [
        (done["retried_by"], str(path), "problem_id")
    ]
    # A second time there is nothing to append.
    before = lake.snapshots()
    assert lake.quarantine("--retry")[0]["retried_by"] is None
    with pytest.raises(QuarantineError, match="has no records set aside"):
        lake.quarantine("--retry", first["load_id"])
    assert lake.snapshots() == before


@pytest.mark.parametrize("table", ["quarantine", "observations"])
def test_an_interrupted_retry_is_completed_by_repetition(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    lake.load_partly("observations", mixed(lake, "o.jsonl"))
    newer_version(monkeypatch)
    with monkeypatch.context() as patch:
        interrupted_at(patch, table)
        with pytest.raises(InterruptedLoadError):
            lake.quarantine("--retry")
    # None of its rows are visible.
    assert lake.quarantine()["total"] == 2
    assert len(lake.rows("observations")) == 3
    (done,) = lake.quarantine("--retry")
    assert done["set_aside"] == 1
    assert len(lake.rows("observations")) == 4
    assert lake.quarantine()["total"] == 1
    # Two from the load, one that is still not understood.
    assert len(lake.rows("quarantine")) == 3
    lake.obslake("expire", "--older-than", "0s")
    lake.obslake("compact")
    assert lake.quarantine()["total"] == 1
    assert lake.quarantine("--retry")[0]["retried_by"] is None


@pytest.mark.parametrize("table", ["runs", "quarantine", "observations"])
def test_an_interrupted_load_is_completed_by_repetition(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    path = mixed(lake, "o.jsonl")
    with monkeypatch.context() as patch:
        started = interrupted_at(patch, table)
        with pytest.raises(InterruptedLoadError):
            lake.load_partly("observations", path)
    assert started == ["runs", "quarantine", "observations"][: len(started)]
    assert lake.quarantine()["total"] == 0
    lake.load_partly("observations", path)
    assert len(lake.rows("quarantine")) == 2
    assert len(lake.rows("observations")) == 3
    assert len({r["load_id"] for t in ALL_TABLES for r in lake.rows(t.name)}) == 1


def test_lasso_cells_are_retried(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [c for y in range(2) for c in step(y, str(y), "f", "T", ["1"])]
    cells[5]["ACTIONID"] = None
    lake.load_partly("lasso", lake.parquet("cells.parquet", cells))
    assert lake.rows("observations", "step_id") == [(0,)]
    real = records.pointer
    monkeypatch.setattr(records, "pointer", lambda c: "/SYSTEMID" if c == "ACTIONID" else real(c))
    (done,) = lake.quarantine("--retry")
    assert done["set_aside"] == 0
    row = lake.row("observations", step_id=1)
    assert (row["output"], row["operation"], row["target"], row["inputs"]) == ("1", "f", "T", "[1]")


def test_a_lakehouse_without_the_quarantine_table(lake: Lake) -> None:
    """Without the table the quarantine is empty; the next load creates it."""
    lake.load("observations", lake.jsonl("a.jsonl", [observation()]))
    lake.open().catalog.drop_table((NAMESPACE, "quarantine"))
    assert lake.obslake("quarantine")[0] == "nothing is set aside\n"
    assert lake.obslake("quarantine", "--retry")[0] == "nothing is set aside\n"
    tables = json.loads(lake.obslake("status", "--json")[0])["tables"]
    assert "quarantine" not in [t["table"] for t in tables]
    for command in (("compact",), ("expire",)):
        lake.obslake(*command)
    query = "select file, position, set_aside_at, load_id from lake.quarantine"
    assert json.loads(lake.obslake("sql", query, "--json")[0]) == []
    assert not Lakehouse.open(lake.home).catalog.table_exists((NAMESPACE, "quarantine"))
    lake.load_partly("observations", mixed(lake, "b.jsonl"))
    assert lake.quarantine()["total"] == 2
    found = json.loads(lake.obslake("sql", query, "--json")[0])
    assert [row["position"] for row in found] == [2, 4]


def test_a_source_without_readable_rows(lake: Lake) -> None:
    path = lake.jsonl("o.jsonl", [observation(step_id="first")])
    report = lake.load_partly("observations", path)
    assert report["rows"] == {"quarantine": 1}
    assert "already loaded" in lake.obslake("load", "observations", path)[0]


def test_hostile_records(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = "'); drop table x; -- \" $$ {} \u001b[2J\n ü表 " + "x" * 2_000_000
    names = {'it\'s "q"': evil, "x/y~z": evil, "a\nb": evil}
    row = observation(step_id="first", output=evil, problem_id=evil, **names)
    paths = [
        lake.jsonl("a'b\n.jsonl", [row]),
        lake.csv('c"d.csv', [{k.replace("\n", " "): v[:10_000] for k, v in row.items()}]),
        lake.parquet("e;f.parquet", [row]),
    ]
    for path in paths:
        lake.load_partly("observations", path, "--outputs", "text")
    text = lake.obslake("quarantine")[0]
    assert "\x1b" not in text
    assert len(text.splitlines()) == 9
    newer_version(monkeypatch)
    assert [r["set_aside"] for r in lake.quarantine("--retry")] == [0, 0, 0]
    found = lake.rows("observations")
    assert [r["output"] for r in found] == [r["problem_id"] for r in found]
    assert sorted(r["output"] for r in found) == sorted([evil, evil, evil[:10_000]])
