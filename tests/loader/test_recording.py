"""``obslake load recording``: files of the pytest plugin, complete or truncated."""

import gzip
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obslake.errors import SourceFormatError
from obslake.load.sources.cut_off import whole_lines
from obslake.load.sources.files import open_sources

from tests.harness.lake import Lake
from tests.harness.workspace import Workspace


def session(**fields: object) -> dict[str, Any]:
    return {
        "record": "session",
        "format": 1,
        "tool": "pytest-obslake 0.1.0",
        "data_set_id": None,
        "problem_id": "slugs",
        "implementation_id": "lib@1.0",
        "system": "lib",
        "lineage": "lib",
        "revision": "1.0",
        "environment_id": "CPython 3.12, Linux",
        "run_id": "run-7",
        "started_at": "2026-01-02T03:04:05.5+02:00",
        "git_commit": "3f2a9c1",
        "git_branch": "main",
        "pipeline": "github/7",
        "attributes": {"job": "test", "n": 1, "none": None, "matrix": {"python": "3.12"}},
        **fields,
    }


def start(**fields: object) -> dict[str, Any]:
    started_at = "2026-01-02T03:04:06Z"
    return {"record": "start", "test_id": "t", "attempt": 0, "started_at": started_at, **fields}


def call(**fields: object) -> dict[str, Any]:
    return {
        "record": "call",
        "test_id": "t",
        "step_id": 0,
        "attempt": 0,
        "operation": "slugify(text)",
        "target": "lib",
        "inputs": '["é",{"$bytes":"YQ=="}]',
        "output": '"e"',
        "duration_ns": 12_345_678_901,
        "observed_at": "2026-01-02T03:04:06.123456Z",
        **fields,
    }


def test(**fields: object) -> dict[str, Any]:
    return {
        "record": "test",
        "test_id": "t",
        "attempt": 0,
        "outcome": "passed",
        "duration_ns": 5,
        "file": "tests/test_slugs.py",
        "line": 3,
        "n_steps": 1,
        **fields,
    }


test.__test__ = False  # type: ignore[attr-defined]


def lines(records: Iterable[object]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


WHOLE = [session(), start(), call(), call(step_id=1, output="$EXCEPTION@ValueError@no"), test()]


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz"])
def test_records_of_the_plugin(lake: Lake, name: str) -> None:
    report = lake.load("recording", lake.write(name, lines(WHOLE)))
    assert report["rows"] == {"implementations": 1, "tests": 1, "runs": 1, "observations": 2}
    assert report["warnings"] == []
    load_id = report["load_id"]
    assert lake.row("observations", step_id=0) == {
        "data_set_id": "default",
        "problem_id": "slugs",
        "test_id": "t",
        "step_id": 0,
        "implementation_id": "lib@1.0",
        "environment_id": "CPython 3.12, Linux",
        "run_id": "run-7",
        "attempt": 0,
        "operation": "slugify(text)",
        "target": "lib",
        "inputs": '["é",{"$bytes":"YQ=="}]',
        "output": '"e"',
        "response_kind": "value",
        "duration_ns": 12_345_678_901,
        "observed_at": datetime(2026, 1, 2, 3, 4, 6, 123456, tzinfo=UTC),
        "load_id": load_id,
        "test_content_hash": None,
        "alternative": None,
    }
    assert lake.row("observations", step_id=1)["response_kind"] == "exception"
    assert lake.row("runs") == {
        "data_set_id": "default",
        "run_id": "run-7",
        "environment_id": "CPython 3.12, Linux",
        "source": "pytest-obslake 0.1.0",
        "started_at": datetime(2026, 1, 2, 1, 4, 5, 500000, tzinfo=UTC),
        "git_commit": "3f2a9c1",
        "git_branch": "main",
        "pipeline": "github/7",
        "attributes": {"job": "test", "n": "1", "matrix": '{"python":"3.12"}'},
        "load_id": load_id,
    }
    columns = ("problem_id", "implementation_id", "system", "lineage", "revision")
    assert lake.rows("implementations", *columns) == [("slugs", "lib@1.0", "lib", "lib", "1.0")]
    columns = ("problem_id", "test_id", "origin")
    assert lake.rows("tests", *columns) == [("slugs", "t", "tests/test_slugs.py")]
    assert "already loaded" in lake.obslake("load", "recording", lake.folder / name)[0]


def test_missing_fields_of_a_session(lake: Lake) -> None:
    record = {"record": "session", "problem_id": "p", "implementation_id": "i"}
    step = {"record": "call", "test_id": "t", "step_id": 0}
    report = lake.load("recording", lake.jsonl("r.jsonl", [record, step]), "--data-set", "d")
    row = lake.row("observations")
    assert (row["data_set_id"], row["environment_id"]) == ("d", "default")
    assert (row["run_id"], row["attempt"]) == (report["load_id"], 0)
    assert (row["inputs"], row["output"], row["response_kind"]) == (None, None, "not_executed")
    assert lake.row("runs")["attributes"] == {}
    named = lake.jsonl("n.jsonl", [session(data_set_id="own"), call()])
    lake.load("recording", named, "--data-set", "d")
    assert lake.row("observations", data_set_id="own")["test_id"] == "t"


def test_the_kind_of_an_ambiguous_response(lake: Lake) -> None:
    """An empty dictionary and no value have the same text."""
    steps = [call(output="{}"), call(step_id=1, output="{}", response_kind="value")]
    lake.load("recording", lake.jsonl("r.jsonl", [session(), *steps]))
    assert lake.rows("observations", "step_id", "response_kind") == [(0, "void"), (1, "value")]


def test_tests_that_made_no_calls_or_were_killed(lake: Lake) -> None:
    records = [session(), test(test_id="idle"), start(test_id="killed"), call(test_id="killed")]
    lake.load("recording", lake.jsonl("r.jsonl", records))
    found = [("idle", "tests/test_slugs.py"), ("killed", None)]
    assert lake.rows("tests", "test_id", "origin") == found


def test_retries(lake: Lake) -> None:
    records = [session(), *(call(attempt=n, output=str(n)) for n in range(3))]
    lake.load("recording", lake.jsonl("r.jsonl", records))
    assert lake.rows("observations", "attempt", "output") == [(0, "0"), (1, "1"), (2, "2")]


def test_several_sessions(lake: Lake) -> None:
    """Worker processes of one run, and concatenated recordings in one file."""
    first = lines([session(), call(test_id="a"), test(test_id="a")])
    second = lines([session(implementation_id="lib@2.0", revision="2.0"), call(test_id="a")])
    joined = lake.write("joined.jsonl.gz", gzip.compress(first.encode()))
    # As `cat` concatenates compressed files.
    joined.write_bytes(gzip.compress(first.encode()) + gzip.compress(second.encode()))
    worker = lake.jsonl("worker.jsonl", [session(), call(test_id="b"), test(test_id="b")])
    report = lake.load("recording", joined, worker)
    assert report["rows"] == {"implementations": 2, "tests": 2, "runs": 1, "observations": 3}
    assert lake.rows("observations", "test_id", "implementation_id") == [
        ("a", "lib@1.0"),
        ("a", "lib@2.0"),
        ("b", "lib@1.0"),
    ]


def test_the_summary_of_a_session_becomes_attributes_of_the_run(lake: Lake) -> None:
    left_out = [{"reason": "written in C", "count": 2, "names": ["gcd"]}]
    end = {"record": "end", "ended_at": "2026-01-02T03:05:00Z", "n_calls": 1, "n_tests": 1}
    records = [
        session(attributes={"job": "test"}),
        start(),
        call(),
        test(),
        {**end, "left_out": left_out, "failures": {}},
        # The first suite skipped nothing; the second one was killed.
        session(run_id="run-8", attributes={}),
        start(),
        call(),
        {**end, "left_out": [], "failures": {"KeyError: 1": 3}},
        session(run_id="run-9", attributes={}),
        start(),
    ]
    path = lake.write("records.jsonl", lines(records))
    assert "unknown" not in "".join(lake.obslake("load", "recording", path))
    attributes = dict(lake.rows("runs", "run_id", "attributes"))
    assert json.loads(attributes["run-7"].pop("left_out_at_end")) == left_out
    assert attributes == {
        "run-7": {"job": "test"},
        "run-8": {"failures": '{"KeyError: 1":3}'},
        "run-9": {},
    }


def test_an_empty_summary(lake: Lake) -> None:
    record = {"record": "session", "problem_id": "p", "implementation_id": "i"}
    report = lake.load("recording", lake.jsonl("r.jsonl", [record, {"record": "end"}]))
    assert report["rows"]["runs"] == 1


def test_unknown_records_are_counted(lake: Lake) -> None:
    records = [
        session(mood="good"),
        {"record": "weather", "step_id": "no number", "wind": 3},
        {"record": "weather"},
        call(colour="red"),
        call(step_id=1, colour="blue"),
        {"no": "record"},
    ]
    report = lake.load("recording", lake.jsonl("r.jsonl", records))
    assert report["rows"]["observations"] == 2
    assert report["warnings"] == [
        "records of unknown type null: 1, left out",
        "records of unknown type weather: 2, left out",
        "records with unknown field colour: 2, the field is left out",
        "records with unknown field mood: 1, the field is left out",
    ]


def test_a_truncated_recording_is_loaded_up_to_its_last_complete_line(lake: Lake) -> None:
    text = lines([session(), *(call(step_id=n, output=f'"{n * 7919}"') for n in range(2000))])
    warning = "{} is cut off: loaded up to its last whole line"
    cut = lake.write("cut.jsonl", text[:-20])
    report = lake.load("recording", cut, "--data-set", "plain")
    assert report["rows"]["observations"] == 1999
    assert report["warnings"] == [warning.format(cut)]

    compressed = gzip.compress(text.encode())
    for name, size in {"half": len(compressed) // 2, "trailer": len(compressed) - 4}.items():
        path = lake.folder / f"{name}.jsonl.gz"
        path.write_bytes(compressed[:size])
        report = lake.load("recording", path, "--data-set", name)
        assert report["warnings"] == [warning.format(path)]
        steps = [row["step_id"] for row in lake.rows("observations", data_set_id=name)]
        assert sorted(steps) == list(range(len(steps)))
        assert len(steps) == 2000 if name == "trailer" else 500 < len(steps) < 1500

    # A last line without a line end counts if it is complete.
    report = lake.load("recording", lake.write("no-end.jsonl", text[:-1]), "--data-set", "no-end")
    assert (report["rows"]["observations"], report["warnings"]) == (2000, [])


def test_steps_that_are_counted_but_not_there(lake: Lake) -> None:
    def recorded(run: str, n_calls: int, **last: object) -> list[dict]:
        end = {"record": "end", "ended_at": "2026-01-02T03:05:00Z", "n_calls": n_calls, **last}
        return [session(run_id=run), start(), call(), call(step_id=1), end]

    complete = lake.write("complete.jsonl", lines([*recorded("a", 2), *recorded("b", 1)]))
    assert lake.load("recording", complete)["warnings"] == []
    records = [*recorded("c", 2), *recorded("d", 5), *recorded("e", 3)]
    report = lake.load("recording", lake.write("incomplete.jsonl", lines(records)))
    assert report["rows"]["observations"] == 6
    assert report["warnings"] == [
        "steps that are not in the files: 4, counted by the last records of 2 sessions"
    ]
    # A step that is set aside is not missing.
    records = [*recorded("f", 3), call(step_id="two")]
    path = lake.write("faulty.jsonl", lines([*records[:-2], records[-1], records[-2]]))
    warnings = lake.load_partly("recording", path)["warnings"]
    assert "not in the files" not in str(warnings)


def test_a_recording_truncated_in_its_first_line(lake: Lake) -> None:
    for name in ("r.jsonl", "r.jsonl.gz"):
        path = lake.write(name, lines([session()])[:40])
        assert (
            lake.refused("recording", path) == f"{path}: cut off before the end of its first line"
        )


def test_files_that_are_not_recordings_are_refused(lake: Lake) -> None:
    refusal = (
        "{}: not a recording: its first line is not a session record\n"
        "  load rows with named columns with `obslake load observations`"
    )
    texts = {
        "call.jsonl": lines([call(), session()]),
        "rows.jsonl": lines([{"problem_id": "p"}]),
        "rows.csv": "record\nsession\n",
        "array.jsonl": "[1, 2]\n",
    }
    for name, text in texts.items():
        path = lake.write(name, text)
        assert lake.refused("recording", path) == refusal.format(path), name
    newer = lake.jsonl("newer.jsonl", [session(format=2)])
    assert lake.refused("recording", newer) == (
        f"{newer}: a recording in format 2; this version reads format 1"
    )
    noise = lake.write("noise.jsonl", lines(WHOLE) + '{"record": \n' + lines(WHOLE))
    assert lake.refused("recording", noise).startswith(f"{noise}: not readable as json: ")
    corrupt = bytearray(gzip.compress(lines(WHOLE).encode()))
    corrupt[len(corrupt) // 2] ^= 255
    path = lake.folder / "corrupt.jsonl.gz"
    path.write_bytes(corrupt)
    assert lake.refused("recording", path).startswith(f"{path}: not a readable gzip file: ")


def test_faulty_records_are_reported(lake: Lake) -> None:
    records = [
        session(),
        call(step_id="first"),
        call(observed_at="yesterday"),
        call(test_id=None),
        call(response_kind="odd"),
    ]
    path = lake.jsonl("r.jsonl", records)
    message = lake.refused("recording", path)
    assert message.splitlines()[:4] == [
        "4 rows cannot be understood; nothing was loaded",
        f"  {path}, row 2, column step_id: 'first' is not a value of type integer, from 0",
        f"  {path}, row 3, column observed_at: 'yesterday' is not an ISO 8601 timestamp, "
        "such as 2024-07-01T10:00:00+02:00",
        f"  {path}, row 4, column test_id: is missing",
    ]
    nobody = lake.jsonl("n.jsonl", [session(problem_id=None)])
    assert lake.refused("recording", nobody) == (
        "1 row cannot be understood; nothing was loaded\n"
        f"  {nobody}, row 1, column problem_id: is missing\n"
        "  to set them aside and load the others, add --max-faulty 1"
    )


def test_standard_input(workspace: Workspace) -> None:
    text = lines(WHOLE).encode()
    out = workspace.obslake("load", "recording", "-", stdin=gzip.compress(text)[:-4])
    assert "observations                2 rows" in out


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(cut=st.integers(1, 10_000), compressed=st.booleans())
def test_any_truncation(tmp_path: Path, cut: int, compressed: bool) -> None:
    """Exactly the complete lines are loaded."""
    text = lines([session(), *(call(step_id=n) for n in range(20))]).encode()
    content = gzip.compress(text) if compressed else text
    path = tmp_path / "r.jsonl"
    path.write_bytes(content[: max(40, cut % len(content))])
    (file,) = open_sources([str(path)], tmp_path, whole=False)
    try:
        whole = whole_lines(file, tmp_path)
    except SourceFormatError as error:
        refusal = str(error)
    else:
        refusal = ""
    if refusal:
        assert "cut off before" in refusal
        return
    assert whole is not file or not compressed
    kept = whole.path.read_bytes()
    assert text.startswith(kept)
    assert kept.endswith(b"}") or kept.endswith(b"}\n")
    for line in kept.splitlines():
        json.loads(line)
