"""The quarantine in the upkeep commands: forget, rollback, verify, compact and expire."""

import json
import os
from collections import Counter
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from obslake.errors import ForgetError, RollbackError
from obslake.lakehouse import commits
from obslake.lakehouse.ledger import noted_forgotten
from obslake.lakehouse.schemas import NAMESPACE, OBSERVATIONS, QUARANTINE
from pyiceberg.exceptions import CommitStateUnknownException
from pyiceberg.schema import Schema
from pyiceberg.table import Table, Transaction

from tests.harness.lake import KeptLakes, Lake, observation
from tests.loader.maintenance import (
    InterruptedLoadError,
    interrupted_at,
    just_before_commit,
    stored_files,
)
from tests.loader.test_forgetting import forget
from tests.loader.test_lasso import cell, step
from tests.loader.test_quarantine import newer_version
from tests.loader.test_recording import call, session, start
from tests.loader.test_rollback import back, snapshots
from tests.loader.test_verify import LONG_AGO, faults, verify


@pytest.fixture(autouse=True)
def _no_retry_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "_LONGEST_WAIT_SECONDS", 0.0)


def some(lake: Lake, run: str) -> Path:
    """Write a source with one good row; the others are identified by their output."""
    rows = [
        observation(problem_id="p1", output=f"{run} good"),
        observation(problem_id="p1", output=f"{run} p1", step_id="first"),
        observation(problem_id="p2", output=f"{run} p2", step_id="first"),
        observation(problem_id=None, output=f"{run} nobody"),
        observation(problem_id="p1", output=f"{run} theirs", step_id="first", data_set_id="theirs"),
    ]
    return lake.jsonl(f"{run}.jsonl", rows)


MINE = ("--data-set", "mine")


@pytest.fixture
def kept(kept_lakes: KeptLakes) -> Lake:
    """Two runs, each with one good row and four records that are set aside."""
    return kept_lakes.get("two runs with faults", load_two_runs)


def load_two_runs(lake: Lake) -> None:
    for run in ("a", "b"):
        lake.load_partly("observations", some(lake, run), *MINE, "--run", run)


def outputs(lake: Lake) -> set[str]:
    """Return the strings in the outputs of the records."""
    records = [json.loads(record) for (record,) in lake.rows("quarantine", "record")]
    return {json.loads(record["output"]) for record in records}


ALL = {f"{run} {what}" for run in "ab" for what in ("p1", "p2", "nobody", "theirs")}


def test_records_of_forgotten_rows_are_deleted(kept: Lake) -> None:
    before = snapshots(kept)[-1]["snapshot_id"]
    options = (*MINE, "--problem", "p1")
    rest = ALL - {"a p1", "b p1"}
    out, err = kept.obslake("forget", *options, "--dry-run")
    assert "quarantine: 2 records of the data set do not name" in err
    assert out.split()[0] == "quarantine"
    assert outputs(kept) == ALL
    assert forget(kept, *options)["quarantine"] == 2
    assert outputs(kept) == rest
    assert faults(kept) == {}
    assert kept.quarantine()["total"] == len(rest)
    # They are not retried either, and loading their sources again restores nothing.
    assert sum(retry["records"] for retry in kept.quarantine("--retry")) == len(rest)
    assert kept.load("observations", some(kept, "a"), *MINE, "--run", "a")["load_id"] is None
    with pytest.raises(RollbackError, match="that were forgotten since"):
        back(kept, before)
    back(kept, before, "--undo-forget")
    assert outputs(kept) == ALL
    assert faults(kept) == {}


def test_which_records_are_deleted(kept: Lake) -> None:
    """The lakehouse is restored after each case."""
    before = snapshots(kept)[-1]["snapshot_id"]
    for options, deleted, n_unknown in (
        (MINE, ALL - {"a theirs", "b theirs"}, 0),
        ((*MINE, "--run", "b"), {"b p1", "b p2", "b nobody"}, 0),
        ((*MINE, "--run", "b", "--problem", "p1"), {"b p1"}, 1),
        (("--data-set", "theirs"), {"a theirs", "b theirs"}, 0),
        (("--data-set", "theirs", "--problem", "p1", "--run", "a"), {"a theirs"}, 0),
    ):
        out, _ = kept.obslake("forget", *options, "--yes", "--json")
        (report,) = (t for t in json.loads(out)["tables"] if t["table"] == "quarantine")
        assert (report["rows"], report["unknown"]) == (len(deleted), n_unknown), options
        assert outputs(kept) == ALL - deleted, options
        back(kept, before, "--undo-forget")


def test_no_file_contains_forgotten_records(kept: Lake) -> None:
    forget(kept, *MINE)
    kept.obslake("expire", "--older-than", "0s")
    files = [p for p in stored_files(kept, QUARANTINE) if p.suffix == ".parquet"]
    records = [record for file in files for record in pq.read_table(file)["record"].to_pylist()]
    kept_outputs = sorted(json.loads(json.loads(record)["output"]) for record in records)
    assert kept_outputs == ["a theirs", "b theirs"]
    assert faults(kept) == {}


def test_retried_records_are_deleted_too(kept: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are no longer listed, but still in the table."""
    newer_version(monkeypatch)
    assert [retry["set_aside"] for retry in kept.quarantine("--retry")] == [1, 1]
    assert len(kept.rows("quarantine")) == 10
    done = forget(kept, *MINE)
    assert done["quarantine"] == 8
    assert outputs(kept) == {"a theirs", "b theirs"}
    assert kept.quarantine()["total"] == 0
    assert faults(kept) == {}


@pytest.mark.parametrize("table", ["quarantine", "observations"])
def test_an_interrupted_command_is_completed_by_repetition(
    kept: Lake, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    with monkeypatch.context() as patch:
        interrupted_at(patch, table)
        with pytest.raises(InterruptedLoadError):
            forget(kept, *MINE)
    assert len(outputs(kept)) == (8 if table == "quarantine" else 2)
    assert forget(kept, *MINE)["observations"] == 2
    assert outputs(kept) == {"a theirs", "b theirs"}
    tables = (QUARANTINE, OBSERVATIONS)
    ids = {i for t in tables for i in noted_forgotten(kept.open().table(t).metadata)}
    assert len(ids) == 1


def test_a_compaction_of_the_quarantine_meanwhile(
    kept: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        done = just_before_commit(
            patch, lambda: kept.obslake("compact", "--table", "quarantine"), "quarantine"
        )
        assert forget(kept, *MINE)["quarantine"] == 6
    assert done
    assert outputs(kept) == {"a theirs", "b theirs"}


def test_only_records_are_left(lake: Lake) -> None:
    """All rows of the source are faulty, so no other table has its data set."""
    rows = [observation(step_id="first")]
    lake.load_partly("observations", lake.jsonl("o.jsonl", rows), *MINE)
    assert forget(lake, *MINE) == {"quarantine": 1}
    assert lake.rows("quarantine") == []
    with pytest.raises(ForgetError, match="there is no data set 'mine'"):
        forget(lake, *MINE)


LINES = b"problem_id,implementation_id,test_id,output\np1,i,t,1\np1,i\np11,i\n\xe9,p1\np2,i,t,1,2\n"


def test_lines_that_are_not_rows(lake: Lake) -> None:
    """They belong to the data set and the run in the options, and to an unknown problem."""
    lake.load_partly("observations", lake.write("o.csv", LINES), *MINE, "--run", "r")
    assert {position for (position,) in lake.rows("quarantine", "position")} == {3, 4, 5, 6}
    other = lake.load_partly("observations", lake.write("other.csv", LINES), "--data-set", "d")
    for options, remaining in (
        (MINE, set()),
        ((*MINE, "--run", "r"), set()),
        ((*MINE, "--problem", "p1"), {3, 4, 5, 6}),
        ((*MINE, "--problem", "p1", "--run", "r"), {3, 4, 5, 6}),
    ):
        report = json.loads(lake.obslake("forget", *options, "--yes", "--json")[0])
        assert report["tables"][0]["unknown"] == len(remaining)
        found = [r for r in lake.rows("quarantine") if r["file"].endswith("o.csv")]
        assert {r["position"] for r in found} == remaining, options
        assert len(lake.rows("quarantine")) == len(remaining) + 4
        back(lake, other["load_id"], "--undo-forget")


def test_lines_of_loads_with_several_data_sets(lake: Lake) -> None:
    """A record without a data set may belong to each of those in its load."""
    header = "data_set_id,problem_id,implementation_id,test_id,output\n"
    text = header + "x,p,i,t,1\ny,p,i,t,1\np,i\n"
    lake.load_partly("observations", lake.write("xy.csv", text), "--data-set", "d")
    lake.load_partly("observations", lake.write("z.csv", header + "z,p,i,t,1\nx\nq\n"))
    assert forget(lake, "--data-set", "y") == {"quarantine": 1, "runs": 1, "observations": 1}
    assert forget(lake, "--data-set", "x") == {"runs": 1, "observations": 1}
    assert lake.rows("quarantine", "record") == [("q",), ("x",)]
    assert forget(lake, "--data-set", "z") == {"quarantine": 2, "runs": 1, "observations": 1}


def test_cells_lines_and_reports(lake: Lake) -> None:
    cells = [c for p in ("Stack", "Queue") for c in step(0, "1", "f", ABSTRACTIONID=p)]
    cells = [{**c, "X": str(c["X"])} for c in cells]
    cells[0]["X"] = cells[2]["X"] = "first"
    lake.load_partly("lasso", lake.parquet("cells.parquet", cells), "--data-set", "lasso")
    forget(lake, "--data-set", "lasso", "--problem", "Queue")
    assert {json.loads(r)["ABSTRACTIONID"] for (r,) in lake.rows("quarantine", "record")} == {
        "Stack"
    }
    forget(lake, "--data-set", "lasso", "--run", "exec/execute")
    assert lake.rows("quarantine") == []

    lines = [session(), start(), call(step_id="one"), session(run_id="run-8"), call(step_id="two")]
    lake.load_partly("recording", lake.jsonl("r.jsonl", lines))
    forget(lake, "--data-set", "default", "--run", "run-8", "--problem", "slugs")
    assert lake.rows("quarantine", "position") == [(3,)]
    forget(lake, "--data-set", "default", "--problem", "slugs")
    assert lake.rows("quarantine") == []

    for run in ("7", "8"):
        (lake.folder / run).mkdir()
        (lake.folder / run / "cut.xml").write_text(
            f'<testsuite name="a&amp;b"><testcase name="{run}"/>'
        )
    pattern = f"{lake.folder}/{{run}}/*.xml"
    reports = (lake.folder / "7/cut.xml", lake.folder / "8/cut.xml")
    lake.load_partly("junit", *reports, "--path-pattern", pattern, *MINE)
    forget(lake, *MINE, "--run", "8")
    assert lake.row("quarantine")["file"] == str(reports[0])
    # The names of its suites are not searched.
    with pytest.raises(ForgetError, match=r"without problem or run: 1$"):
        forget(lake, *MINE, "--run", "7", "--problem", "a&b")
    forget(lake, *MINE, "--run", "7")
    assert lake.rows("quarantine") == []
    assert faults(lake) == {}


IDENTITY = ("data_set_id", "problem_id", "run_id")


@pytest.mark.parametrize(
    ("command", "row", "options", "identity"),
    [
        ("observations", {"problem_id": None}, (), ("d", None, "r")),
        ("observations", {"data_set_id": "x", "run_id": "q"}, (), ("x", "p", "q")),
        # Columns as named in the source, and values as written there.
        (
            "observations",
            {"SET": "x", "N": 1000, "problem_id": None},
            ("--map", "data_set_id=set", "--map", "problem_id=n"),
            ("x", "1000", "r"),
        ),
        # Tests have no run, runs no problem, and measurements may have a problem.
        ("tests", {}, (), ("d", "p", None)),
        ("runs", {"run_id": "q"}, (), ("d", None, "q")),
        ("measurements", {}, (), ("d", "p", None)),
    ],
)
def test_what_a_record_belongs_to(
    lake: Lake,
    command: str,
    row: dict[str, object],
    options: tuple[str, ...],
    identity: tuple[str | None, ...],
) -> None:
    faulty = {
        "observations": {"step_id": "first"},
        "tests": {"test_id": None},
        "runs": {"started_at": "soon"},
        "measurements": {"subject_id": None, "metric": "m", "subject_kind": "test"},
    }[command]
    run = ("--run", "r") if command == "observations" else ()
    problem = {} if command == "runs" else {"problem_id": "p"}
    whole = observation() if command == "observations" else {}
    path = lake.jsonl("o.jsonl", [{**whole, **problem, **faulty, **row}])
    lake.load_partly(command, path, "--data-set", "d", *run, *options)
    assert lake.rows("quarantine", *IDENTITY) == [identity]
    problem_id, run_id = identity[1:]
    if problem_id and command != "tests":
        assert forget(lake, "--data-set", identity[0] or "", "--problem", problem_id)
    elif run_id:
        assert forget(lake, "--data-set", identity[0] or "", "--run", run_id)


def as_an_earlier_version_made_it(lake: Lake) -> None:
    """Replace the quarantine by one without the columns that were added later."""
    catalog, table = lake.open().catalog, lake.open().table(QUARANTINE)
    rows = table.scan().to_arrow().drop_columns(IDENTITY)
    notes = [s.summary.additional_properties for s in table.snapshots() if s.summary]
    fields = [f for f in QUARANTINE.schema.fields if f.name not in IDENTITY]
    catalog.drop_table((NAMESPACE, "quarantine"))
    earlier = catalog.create_table((NAMESPACE, "quarantine"), Schema(*fields))
    for note in notes:
        ours = {k: v for k, v in note.items() if k.startswith("obslake.")}
        some = rows.filter(pc.field("load_id") == ours["obslake.load-id"])
        earlier.append(some, snapshot_properties=ours)


def test_records_of_an_earlier_version(kept: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their data set, problem and run are unknown; newer records have them."""
    as_an_earlier_version_made_it(kept)
    assert kept.quarantine()["total"] == 8
    before = kept.snapshots()
    for options, deleted, n_unknown in (
        ((*MINE, "--problem", "p1"), 0, 8),
        ((*MINE, "--run", "a"), 0, 8),
        (MINE, 8, 0),
        (("--data-set", "theirs"), 0, 0),
    ):
        if "theirs" in options:
            with pytest.raises(ForgetError, match="there is no data set 'theirs'"):
                forget(kept, *options, "--dry-run")
            continue
        out, _ = kept.obslake("forget", *options, "--dry-run", "--json")
        (report,) = (t for t in json.loads(out)["tables"] if t["table"] == "quarantine")
        assert (report["rows"], report["unknown"]) == (deleted, n_unknown), options
    assert kept.snapshots() == before
    with monkeypatch.context() as patch:
        newer_version(patch)
        assert [retry["set_aside"] for retry in kept.quarantine("--retry")] == [1, 1]
    kept.load_partly("observations", some(kept, "c"), *MINE, "--run", "c")
    said = kept.rows("quarantine", "run_id")
    assert Counter(run for (run,) in said) == {None: 10, "c": 4}
    kept.obslake("compact")
    assert forget(kept, *MINE, "--problem", "p1")["quarantine"] == 1
    assert faults(kept) == {}
    assert forget(kept, *MINE)["quarantine"] == 12


def test_columns_are_added_although_the_catalog_does_not_answer_at_first(
    kept: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_an_earlier_version_made_it(kept)
    commit = Transaction.commit_transaction
    silent: list[int] = []

    def commit_or_not(transaction: Transaction) -> Table:
        if not silent:
            silent.append(1)
            raise CommitStateUnknownException
        return commit(transaction)

    monkeypatch.setattr(Transaction, "commit_transaction", commit_or_not)
    kept.load_partly("observations", some(kept, "c"), *MINE, "--run", "c")
    assert silent
    assert Counter(run for (run,) in kept.rows("quarantine", "run_id")) == {None: 8, "c": 4}


def test_a_rollback_removes_records_with_their_loads(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = lake.load("observations", lake.jsonl("good.jsonl", [observation(problem_id="p9")]))
    lake.load_partly("observations", some(lake, "a"), *MINE, "--run", "a")
    with monkeypatch.context() as patch:
        newer_version(patch)
        (retry,) = lake.quarantine("--retry")
        assert retry["set_aside"] == 1
    before, listed = sorted(lake.rows("quarantine"), key=repr), lake.quarantine()
    assert (len(before), listed["total"]) == (5, 1)
    last = snapshots(lake)
    # To before the retry: its records are set aside again, and can be retried.
    report = back(lake, last[1]["snapshot_id"])
    assert {t["table"]: t["rows"] for t in report["tables"]}["quarantine"] == 4
    assert lake.quarantine()["total"] == 4
    assert faults(lake) == {}
    with monkeypatch.context() as patch:
        newer_version(patch)
        assert lake.quarantine("--retry")[0]["set_aside"] == 1
    assert lake.quarantine()["total"] == 1
    # To before the load: nothing is set aside.
    back(lake, good["load_id"])
    assert lake.rows("quarantine") == []
    assert lake.quarantine() == {"total": 0, "loads": {}, "records": []}
    assert faults(lake) == {}
    # Its source can be loaded again, and is refused this time.
    assert "4 rows cannot" in lake.refused("observations", some(lake, "a"), *MINE, "--run", "a")
    back(lake, last[-1]["snapshot_id"])
    assert sorted(lake.rows("quarantine"), key=repr) == before
    assert lake.quarantine() == listed


@pytest.mark.parametrize("table", ["observations", "quarantine"])
def test_an_interrupted_rollback(kept: Lake, monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    first = snapshots(kept)[0]["snapshot_id"]
    with monkeypatch.context() as patch:
        interrupted_at(patch, table)
        with pytest.raises(InterruptedLoadError):
            back(kept, first)
    assert kept.quarantine()["total"] == (8 if table == "observations" else 4)
    back(kept, first)
    assert kept.quarantine()["total"] == len(kept.rows("quarantine")) == 4
    assert faults(kept) == {}


def test_a_rollback_keeps_records_of_unfinished_loads(
    kept: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupted_at(patch, "observations")
        with pytest.raises(InterruptedLoadError):
            kept.load_partly("observations", some(kept, "c"), *MINE, "--run", "c")
    back(kept, snapshots(kept)[0]["snapshot_id"])
    assert {output[0] for output in outputs(kept)} == {"a", "c"}
    assert kept.quarantine()["total"] == 4
    report = verify(kept)
    assert [n for c in report["checks"] for n in c["notes"] if "or was interrupted" in n]
    kept.load_partly("observations", some(kept, "c"), *MINE, "--run", "c")
    assert kept.quarantine()["total"] == len(kept.rows("quarantine")) == 8
    assert faults(kept) == {}


def test_verify_finds_faults_in_the_quarantine(kept: Lake) -> None:
    checks = {c["name"]: c["counted"] for c in verify(kept, "--deep")["checks"]}
    # Runs, quarantine and observations of two loads.
    assert (checks["tables"], checks["data files"], checks["loads"]) == (6, 6, 6)
    folder = kept.home / "warehouse/obslake/quarantine"
    orphan = folder / "data/orphan.parquet"
    orphan.write_bytes(b"x" * 10)
    os.utime(orphan, (LONG_AGO, LONG_AGO))
    assert [o["path"] for o in verify(kept, "--remove-orphans")["orphans"]] == [str(orphan)]
    assert not orphan.exists()
    path = Path(kept.open().table(QUARANTINE).metadata_location.removeprefix("file://"))
    whole = path.read_text()
    metadata = json.loads(whole)
    note = f"obslake.commit.{metadata['current-snapshot-id']}"
    metadata["properties"][note] = metadata["properties"][note].replace(
        '"added-records":"4"', '"added-records":"5"'
    )
    path.write_text(json.dumps(metadata))
    ((fault,),) = faults(kept).values()
    assert fault.startswith("quarantine: has 4 rows of load ")
    path.write_text(whole)
    file = next(p for p in folder.rglob("data/*.parquet"))
    file.unlink()
    found = faults(kept)
    assert list(found) == ["data files"]
    assert found["data files"] == [f"quarantine: file://{file}: does not exist"]
    path.write_text("{}")
    found = faults(kept)
    assert found["tables"][0].startswith("quarantine: its metadata cannot be read: ")


def test_compaction_and_expiry_keep_records(kept: Lake) -> None:
    before = kept.rows("quarantine")
    kept.obslake("compact")
    kept.obslake("expire", "--older-than", "0s")
    assert sorted(kept.rows("quarantine"), key=repr) == sorted(before, key=repr)
    assert len([p for p in stored_files(kept, QUARANTINE) if p.suffix == ".parquet"]) == 1
    assert kept.quarantine()["total"] == 8
    assert faults(kept) == {}


def test_lakehouses_without_the_table(lake: Lake) -> None:
    """Created by earlier versions: no command needs the table."""
    first = lake.load("observations", lake.jsonl("a.jsonl", [observation(run_id="a")]))
    lake.load("observations", lake.jsonl("b.jsonl", [observation(run_id="b")]))
    lake.open().catalog.drop_table((NAMESPACE, "quarantine"))
    assert {c["name"]: c["counted"] for c in verify(lake)["checks"]}["tables"] == 5
    assert faults(lake) == {}
    assert forget(lake, "--data-set", "default", "--run", "b") == {"runs": 1, "observations": 1}
    report = back(lake, first["load_id"], "--undo-forget")
    assert [t["table"] for t in report["tables"]][-2:] == ["measurements", "observations"]
    assert faults(lake) == {}
    # The next load creates the table; a rollback to before that empties it.
    lake.load_partly("observations", some(lake, "c"), *MINE)
    assert len(lake.rows("quarantine")) == 4
    back(lake, first["load_id"])
    assert lake.rows("quarantine") == []


def test_skipped_cells_leave_no_names(lake: Lake) -> None:
    cells = [*step(0, "1", "f"), *step(0, '"secret"', "g", SYSTEMID="gone", SHEETID="other()")]
    cells += [cell("metric", "1", -1, -1)]
    cells = [{**c, "X": str(c["X"])} for c in cells]
    cells[2]["X"] = "first"
    report = lake.load_partly("lasso", lake.parquet("cells.parquet", cells))
    assert report["set_aside"] == 2
    assert lake.rows("implementations", "system") == [("s1",)]
    assert lake.rows("observations", "implementation_id", "test_id") == [
        ("s1_original_0", "test1()")
    ]
