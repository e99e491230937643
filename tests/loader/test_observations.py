"""``obslake load observations`` and the commands for descriptions: rows with named columns."""

import gzip
import json
import math
import os
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pytest_obslake.decoding import decode_value

from tests.harness.lake import Lake, observation
from tests.harness.workspace import Workspace

NAN = float("nan")


def test_four_columns_suffice(lake: Lake) -> None:
    path = lake.jsonl("o.jsonl", [observation()])
    os.utime(path, (1_700_000_000, 1_700_000_000))
    report = lake.load("observations", path)
    assert report["rows"] == {"runs": 1, "observations": 1}
    assert report["warnings"] == []
    assert lake.row("observations") == {
        "data_set_id": "default",
        "problem_id": "p",
        "test_id": "t",
        "step_id": 0,
        "implementation_id": "i",
        "environment_id": "default",
        "run_id": report["load_id"],
        "attempt": 0,
        "operation": None,
        "target": None,
        "inputs": None,
        "output": "1",
        "response_kind": "value",
        "duration_ns": None,
        "observed_at": datetime.fromtimestamp(1_700_000_000, tz=UTC),
        "load_id": report["load_id"],
        "test_content_hash": None,
        "alternative": None,
    }
    run = lake.row("runs")
    assert (run["run_id"], run["source"], run["attributes"]) == (
        report["load_id"],
        None,
        None,
    )
    assert run["started_at"] == datetime.fromtimestamp(1_700_000_000, tz=UTC)


def test_options_are_defaults_for_missing_values(lake: Lake) -> None:
    own = {"data_set_id": "d1", "environment_id": "e1", "run_id": "r1"}
    path = lake.jsonl("o.jsonl", [observation(), observation(**own)])
    lake.load("observations", path, "--data-set", "d0", "--environment", "e0", "--run", "r0")
    contexts = [("d0", "e0", "r0"), ("d1", "e1", "r1")]
    assert lake.rows("observations", "data_set_id", "environment_id", "run_id") == contexts
    assert lake.rows("runs", "data_set_id", "environment_id", "run_id") == contexts


FULL: dict[str, Any] = observation(
    data_set_id="d",
    # Only the specified oracle has alternatives.
    implementation_id="oracle",
    step_id=3,
    environment_id="e",
    run_id="r",
    attempt=2,
    operation="f(x)",
    target="T",
    inputs='["a",1]',
    output='"ü, ""\nü"',
    response_kind="value",
    duration_ns=12345678901,
    observed_at="2024-05-06T07:08:09.123456+02:00",
    test_content_hash="h",
    alternative="second",
)


@pytest.mark.parametrize("name", ["o.parquet", "o.jsonl", "o.csv", "o.jsonl.gz", "o.csv.gz"])
def test_every_column_in_every_format(lake: Lake, name: str) -> None:
    write = {"parquet": lake.parquet, "jsonl": lake.jsonl, "csv": lake.csv}
    lake.load("observations", write[name.split(".")[1]](name, [FULL]), "--outputs", "text")
    row = lake.row("observations")
    assert row.pop("load_id")
    assert row.pop("observed_at") == datetime(2024, 5, 6, 5, 8, 9, 123456, tzinfo=UTC)
    assert row == {k: v for k, v in FULL.items() if k != "observed_at"}


def test_forms_of_csv_and_json(lake: Lake) -> None:
    """Variants that tools write: other delimiters, a byte order mark, arrays, blank lines."""
    rows = [observation(test_id=f"t{n}", inputs='["a;b",1]', output="x,y|z") for n in range(3)]
    columns = ("test_id", "inputs", "output")
    expected = [(r["test_id"], r["inputs"], r["output"]) for r in rows]
    text = lake.csv("plain.csv", rows).read_text()
    paths = [
        *(lake.csv(f"d{n}.csv", rows, delimiter=d) for n, d in enumerate(";\t|")),
        lake.write("mark.csv", "\ufeff" + text),
        lake.write("lines.csv", text.replace("\n", "\r\n").removesuffix("\r\n")),
        lake.write("mark.jsonl", "\ufeff" + "\n\n".join(map(json.dumps, rows))),
        lake.write("array.json", json.dumps(rows, indent=2)),
        lake.write("upper.csv", text.replace("test_id", "Test_ID")),
    ]
    for path in paths:
        lake.load("observations", path, "--data-set", path.name, "--outputs", "text")
        found = lake.rows("observations", *columns, data_set_id=path.name)
        assert found == expected, path.name


def test_missing_and_empty_texts_differ(lake: Lake) -> None:
    header = "problem_id,implementation_id,test_id,output\n"
    lake.load("observations", lake.write("o.csv", header + 'p,i,a,""\np,i,b,\n'))
    found = lake.rows("observations", "test_id", "output", "response_kind")
    assert found == [("a", "", "void"), ("b", None, "not_executed")]


def test_standard_input(workspace: Workspace) -> None:
    rows = [observation(test_id=t) for t in "ab"]
    compressed = gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())
    out = workspace.obslake("load", "observations", "-", stdin=compressed)
    assert "observations                2 rows" in out
    assert [r["test_id"] for r in workspace.rows("observations")] == ["a", "b"]
    again = workspace.obslake("load", "observations", "-", stdin=compressed)
    assert again.startswith("standard input: already loaded by load ")
    assert workspace.refused("load", "observations", "-", stdin=b"") == (
        "obslake: standard input: the file is empty\n"
    )


def test_folders_patterns_and_several_files(lake: Lake) -> None:
    def observations(name: str) -> None:
        lake.jsonl(name, [observation(test_id=name)])

    (lake.folder / "sub" / "deep").mkdir(parents=True)
    for name in ("sub/a.jsonl", "sub/deep/b.ndjson.gz", "c1.jsonl", "c2.jsonl", "d.jsonl"):
        observations(name)
    for name in ("sub/_not.jsonl", "sub/.not.jsonl"):
        observations(name)
    lake.write("sub/notes.txt", "not data")
    report = lake.load(
        "observations",
        lake.folder / "sub",
        lake.folder / "c*.jsonl",
        lake.folder / "d.jsonl",
        lake.folder / "d.jsonl",
    )
    names = ["sub/a.jsonl", "sub/deep/b.ndjson.gz", "c1.jsonl", "c2.jsonl", "d.jsonl"]
    assert report["sources"] == [str(lake.folder / n) for n in names]
    assert lake.rows("observations", "test_id") == sorted((n,) for n in names)

    assert lake.refused("observations", lake.folder / "x*") == (
        f"{lake.folder}/x*: no file matches this pattern"
    )
    (lake.folder / "empty").mkdir()
    assert "no .parquet, .csv, .tsv, .json" in lake.refused("observations", lake.folder / "empty")


NAMES = [
    "star*.X",
    "what?.X",
    "[ab].X",
    'it\'s "a" name.X',
    "new\nline.X",
    "back\\slash.X",
    "{a,b}.X",
    "100%.X",
    "-dash.X",
    "ünïcode 表.X",
]


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_any_file_name(lake: Lake, form: str) -> None:
    write = {"parquet": lake.parquet, "jsonl": lake.jsonl, "csv": lake.csv}[form]
    names = [name.replace("X", form) for name in NAMES]
    # Other files that the name would match as a pattern.
    for name in ("star1", "what1", "a", "b"):
        write(f"{name}.{form}", [observation(test_id="neighbour")])
    paths = [write(name, [observation(test_id=name)]) for name in names]
    report = lake.load("observations", *paths)
    assert report["sources"] == list(map(str, paths))
    assert lake.rows("observations", "test_id") == sorted([(n,) for n in names], key=repr)
    out, _ = lake.obslake("load", "observations", paths[0])
    assert out.startswith(f"{paths[0]}: already loaded by load {report['load_id']}")


def test_map_reads_columns_with_other_names(lake: Lake) -> None:
    row = {"task": "p", "model": "i", "case": "t", "result": "1", "time": 5, "output": "unused"}
    names = {
        "problem_id": "task",
        "implementation_id": "model",
        "test_id": "case",
        "output": "result",
        "duration_ns": "TIME",
    }
    options = [o for target, source in names.items() for o in ("--map", f"{target}={source}")]
    report = lake.load("observations", lake.parquet("o.parquet", [row]), *options)
    found = lake.row("observations")
    assert {c: found[c] for c in names} == {**observation(), "duration_ns": 5}
    assert report["warnings"] == [
        "column output is always 'unused': kept as an attribute of the run"
    ]
    path = lake.jsonl("o.jsonl", [row])
    assert lake.refused("observations", path, "--map", "colour=task").startswith(
        "--map colour=task: observations has no column colour\n  its columns: data_set_id, "
    )
    assert lake.refused("observations", path, "--map", "test_id=nothing").startswith(
        f"--map test_id=nothing: {path} has no column nothing\n  its columns: case, model"
    )


def typed(type_: pa.DataType, *values: object) -> pa.Array:
    return pa.array(values, type_)


TYPED = {
    "integer": (typed(pa.int32(), 7, -1), ["7", "-1"]),
    "large": (typed(pa.uint64(), 2**64 - 1), ["18446744073709551615"]),
    "boolean": (typed(pa.bool_(), True, False), ["true", "false"]),
    "double": (
        typed(pa.float64(), 1.5, NAN, math.inf, -math.inf),
        ["1.5", '{"$float":"nan"}', '{"$float":"inf"}', '{"$float":"-inf"}'],
    ),
    "float": (typed(pa.float32(), 0.25, math.inf), ["0.25", '{"$float":"inf"}']),
    "decimal": (typed(pa.decimal128(5, 2), 1), ["1.00"]),
    "list": (typed(pa.list_(pa.int64()), [1, None], []), ["[1,null]", "[]"]),
    "texts": (typed(pa.list_(pa.string()), ["a", 'q"']), ['["a","q\\""]']),
    "doubles": (
        typed(pa.list_(pa.list_(pa.float64())), [[NAN, 1.0], None], []),
        ['[[{"$float":"nan"},1.0],null]', "[]"],
    ),
    "struct": (
        typed(pa.struct({"a": pa.int64(), "b": pa.list_(pa.bool_())}), {"a": 1, "b": [True]}),
        ['{"a":1,"b":[true]}'],
    ),
    "bytes": (typed(pa.binary(), b"hi", b""), ['{"$bytes":"aGk="}', '{"$bytes":""}']),
    "many bytes": (typed(pa.list_(pa.binary()), [b"hi"]), ['[{"$bytes":"aGk="}]']),
    "text": (typed(pa.string(), "as it is", '"quoted"'), ["as it is", '"quoted"']),
    "dictionary": (typed(pa.dictionary(pa.int8(), pa.string()), "a"), ["a"]),
}


def test_typed_parquet_columns_become_texts_of_the_protocol(lake: Lake) -> None:
    for name, (values, texts) in TYPED.items():
        table = {
            **{c: [v] * len(texts) for c, v in observation(test_id=name).items() if c != "output"},
            "step_id": list(range(len(texts))),
            "output": values,
        }
        path = lake.folder / f"{name}.parquet"
        pa.parquet.write_table(pa.table(table), path)
    duckdb.sql(
        "select 'p' as problem_id, 'i' as implementation_id, 'json' as test_id, "
        "json('{\"a\":1}') as output"
    ).write_parquet(str(lake.folder / "json.parquet"))
    # The lakehouse in that folder is not a source.
    lake.load("observations", lake.folder)
    for name, (_, texts) in TYPED.items():
        rows = lake.rows("observations", "step_id", "output", "response_kind", test_id=name)
        assert [text for _, text, _ in rows] == texts, name
        assert {kind for *_, kind in rows} == {"value"}, name
        if name not in ("text", "dictionary"):
            for text in texts:
                decode_value(text)
    assert lake.row("observations", test_id="json")["output"] == '{"a":1}'


def test_json_lines_with_values_that_are_not_text(lake: Lake) -> None:
    outputs: list[tuple[object, str | None, str]] = [
        ("text", "text", "value"),
        (5, "5", "value"),
        (1.5, "1.5", "value"),
        (True, "true", "value"),
        ([1, "a"], '[1,"a"]', "value"),
        ({"a": None}, '{"a":null}', "value"),
        ({}, "{}", "void"),
        (None, None, "not_executed"),
        ("null", "null", "value"),
        ("$TIMEOUT", "$TIMEOUT", "timeout"),
    ]
    rows = [observation(step_id=n, output=o) for n, (o, *_) in enumerate(outputs)]
    # A row without the column has a missing response.
    rows.append({k: v for k, v in observation(step_id=99).items() if k != "output"})
    lake.load("observations", lake.jsonl("o.jsonl", rows), "--outputs", "text")
    found = lake.rows("observations", "step_id", "output", "response_kind")
    expected = [(n, text, kind) for n, (_, text, kind) in enumerate(outputs)]
    assert found == sorted([*expected, (99, None, "not_executed")], key=repr)


def test_inputs_are_always_an_array(lake: Lake) -> None:
    inputs: list[tuple[object, str | None]] = [
        ([1, "a", [2]], '[1,"a",[2]]'),
        ("[1, 2]", "[1, 2]"),
        ([], "[]"),
        ("1, 2", '["1, 2"]'),
        ("[1, 2", '["[1, 2"]'),
        ("5", "[5]"),
        # Lone surrogates, as the protocol writes them.
        ('["a\\ud800b"]', '["a\\ud800b"]'),
        ('["\\\\ud800"]', '["\\\\ud800"]'),
        ("[\\ud800]", '["[\\\\ud800]"]'),
        ({"a": 1}, '[{"a":1}]'),
        ("$CUT@Stack@0", '["$CUT@Stack@0"]'),
        ("", '[""]'),
        (None, None),
    ]
    rows = [observation(step_id=n, inputs=i) for n, (i, _) in enumerate(inputs)]
    lake.load("observations", lake.jsonl("o.jsonl", rows))
    found = dict(lake.rows("observations", "step_id", "inputs"))
    assert found == {n: text for n, (_, text) in enumerate(inputs)}


KINDS = {
    "1": "value",
    '"$TIMEOUT"': "value",
    "null": "value",
    "[]": "value",
    '{"$float":"nan"}': "value",
    "passed away": "value",
    "$TRUNCATED@" + "0" * 64: "value",
    "{}": "void",
    "": "void",
    "$CUT@Stack@0": "instance",
    "$EXCEPTION@ValueError@no": "exception",
    "$EXCEPTION@ValueError@a@b": "exception",
    "$EXCEPTION": "exception",
    "$TIMEOUT": "timeout",
    "$TIMEOUT@30s": "timeout",
    "$CRASH": "crash",
    "$CRASH@139": "crash",
    "$N/A": "not_serializable",
    "$N/A@socket": "not_serializable",
    "$*": "not_executed",
    "passed": "verdict",
    "failed@AssertionError@1 != 2": "verdict",
    "error@OSError@gone": "verdict",
    "skipped": "skipped",
    "skipped@why": "skipped",
    "$NEW": "other",
    "$NEW@detail": "other",
    "$TIMEOUTS": "other",
    "$": "other",
}


def test_response_kinds_follow_the_protocol(lake: Lake) -> None:
    rows = [observation(test_id=f"t{n:02}", output=o) for n, o in enumerate(KINDS)]
    report = lake.load("observations", lake.csv("o.csv", [{**r, "inputs": "[]"} for r in rows]))
    # The CSV of the test writes an empty field for an empty text.
    expected = {o: k if o else "not_executed" for o, k in KINDS.items()}
    found = [kind for _, kind in lake.rows("observations", "test_id", "response_kind")]
    assert dict(zip(KINDS, found, strict=True)) == expected
    counts = {kind: found.count(kind) for kind in sorted(set(found))}
    assert report["response_kinds"] == counts
    assert "warning: 4 responses of a kind that the protocol does not know" in report["stderr"]


def test_a_given_response_kind_is_kept_or_refused(lake: Lake) -> None:
    given = observation(output="assertion failed", response_kind="crash")
    lake.load("observations", lake.jsonl("given.jsonl", [given, observation(step_id=1)]))
    found = lake.rows("observations", "step_id", "response_kind")
    assert found == [(0, "crash"), (1, "value")]
    path = lake.jsonl("wrong.jsonl", [observation(response_kind="boom")])
    assert lake.refused("observations", path) == (
        "1 row cannot be understood; nothing was loaded\n"
        f"  {path}, row 1, column response_kind: 'boom' is not one of value, void, instance, "
        "exception, verdict, timeout, crash, not_serializable, not_executed, skipped, other (if the column is "
        "empty, the kind follows from the output, also from words such as PASS)\n"
        "  to set them aside and load the others, add --max-faulty 1"
    )


def test_unknown_columns(lake: Lake) -> None:
    rows = [
        {**observation(step_id=n), "host": "ci-1", "seed": n, "nothing": None, "sometimes": s}
        for n, s in enumerate(["x", None])
    ]
    report = lake.load("observations", lake.parquet("o.parquet", rows))
    assert report["warnings"] == [
        "column host is always 'ci-1': kept as an attribute of the run",
        "column seed is not part of observations: left out "
        "(--sample seed makes each sample an implementation of its own)",
        "column sometimes is not part of observations: left out "
        "(--map COLUMN=sometimes loads it as COLUMN: data_set_id, environment_id, run_id, attempt, "
        "operation, target, inputs, response_kind, duration_ns, observed_at, test_content_hash, "
        "alternative)",
    ]
    assert report["stderr"].count("obslake: warning: ") == 3
    assert lake.row("runs")["attributes"] == {"host": "ci-1"}


def test_columns_with_unusual_names(lake: Lake) -> None:
    names = ['a"b', "it's", "x/y~z", "select", "filename", "row_number", "表", "a b", "$x", ";--"]
    row = {**observation(), **{name: f"value of {name}" for name in names}}
    paths = [
        lake.parquet("o.parquet", [row]),
        lake.csv("o.csv", [row]),
        lake.jsonl("o.jsonl", [row]),
    ]
    for path in paths:
        lake.load("observations", path, "--data-set", path.name, "--run", "r")
        attributes = lake.row("runs", data_set_id=path.name)["attributes"]
        assert attributes == {name: f"value of {name}" for name in names}
    options = ["--map", 'operation=a"b', "--map", "target=it's", "--map", "inputs=x/y~z"]
    for path in paths:
        lake.load("observations", path, "--data-set", f"mapped {path.name}", *options)
        found = lake.row("observations", data_set_id=f"mapped {path.name}")
        assert (found["operation"], found["target"]) == ('value of a"b', "value of it's")
        assert found["inputs"] == '["value of x/y~z"]'


def test_values_with_sql_in_them_stay_values(lake: Lake) -> None:
    evil = "'); drop table x; -- \" $$ {} ? $1"
    row = dict.fromkeys(observation(), evil)
    lake.load(
        "observations",
        lake.jsonl("o.jsonl", [row]),
        *("--data-set", evil, "--environment", evil, "--run", evil, "--outputs", "text"),
    )
    found = lake.row("observations")
    columns = (*observation(), "data_set_id", "environment_id", "run_id")
    assert {found[c] for c in columns} == {evil}


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_rows_that_are_not_understood(lake: Lake, form: str) -> None:
    write = {"parquet": lake.parquet, "jsonl": lake.jsonl, "csv": lake.csv}[form]
    header = 1 if form == "csv" else 0
    whole = [observation(step_id=str(n), observed_at="2024-01-01") for n in range(3)]
    good = write(f"good.{form}", whole)
    bad = write(
        f"bad.{form}",
        [
            {**whole[0]},
            {**whole[0], "step_id": "first"},
            {**whole[0], "problem_id": None},
            {**whole[0], "observed_at": "x" * 100},
            {**whole[0], "step_id": str(2**40)},
            *({**whole[0], "step_id": "1.5x"} for _ in range(1000)),
        ],
    )
    lines = lake.refused("observations", good, bad).splitlines()
    assert lines == [
        "1,004 rows cannot be understood; nothing was loaded",
        f"  {bad}, row {2 + header}, column step_id: 'first' is not a value of type integer, from 0",
        f"  {bad}, row {3 + header}, column problem_id: is missing",
        f"  {bad}, row {4 + header}, column observed_at: '{'x' * 59}…' "
        "is not an ISO 8601 timestamp, such as 2024-07-01T10:00:00+02:00",
        f"  {bad}, row {5 + header}, column step_id: '{2**40}' is not a value of type integer, from 0",
        f"  {bad}, row {6 + header}, column step_id: '1.5x' is not a value of type integer, from 0",
        "  … and 999 more",
        "  to set them aside and load the others, add --max-faulty 1004",
    ]


def test_missing_columns(lake: Lake) -> None:
    path = lake.csv("o.csv", [{"problem": "p", "test_id": "t", "output": 1}])
    assert lake.refused("observations", path) == (
        f"{path}: no column problem_id, implementation_id, which observations need\n"
        "  column problem_id: missing\n"
        "  column implementation_id: missing\n"
        "  column test_id: read from test_id\n"
        "  column output: read from output\n"
        "  its columns: problem, test_id, output\n"
        "  to load a column with another name, use --map problem_id=NAME"
    )
    # The columns of one file do not make up for those missing in another.
    whole = lake.jsonl("whole.jsonl", [observation()])
    assert f"{path}, row 2, column problem_id: is missing" in lake.refused(
        "observations", whole, path
    )


def test_files_that_cannot_be_read(lake: Lake) -> None:
    rows = [observation(step_id=n, inputs=f"[{n}]") for n in range(5000)]
    good = lake.jsonl("good.jsonl", rows)
    parquet = lake.parquet("whole.parquet", rows).read_bytes()
    compressed = gzip.compress(good.read_bytes())
    header = "problem_id,implementation_id,test_id,output\n"
    files: dict[str, tuple[str | bytes, str]] = {
        "empty.csv": ("", "the file is empty"),
        "truncated.parquet": (parquet[: len(parquet) // 2], "not readable as parquet: "),
        "torn.jsonl": ('{"problem_id": "p"}\n{"problem', "not readable as json: Malformed JSON"),
        "wide.csv": (
            header + "p,i,t,1\np,i,t,2,3\n",
            "not readable as csv: line 3: Expected Number of Columns: 4 Found: 5",
        ),
        "narrow.csv": (header + "p,i,t\n", "line 2: Expected Number of Columns: 4 Found: 3"),
        "quote.csv": (header + 'p,i,t,"1\n', "line 2: Value with unterminated quote found."),
        "latin.csv": (header.encode() + b"p,i,t,\xe9\n", "not utf-8 encoded"),
        "twice.csv": ("output,Output\n1,2\n", "two columns have the same name: output, Output"),
        "cut off.gz": (compressed[: len(compressed) // 2], "not a readable gzip file: "),
        "flipped.gz": (compressed[:-8] + b"\0\0\0\0" + compressed[-4:], "not a readable gzip file"),
        "noise.gz": (b"\x1f\x8b\x08" + b"noise" * 9, "not a readable gzip file: "),
    }
    for name, (content, message) in files.items():
        path = lake.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        refusal = lake.refused("observations", good, path)
        assert refusal.startswith(f"{path}: "), name
        assert message in refusal, name
        assert "Error" not in refusal, name
        assert refusal.removesuffix("\n  nothing was loaded").isprintable(), name
    assert lake.refused("observations", lake.folder / "nowhere") == (
        f"{lake.folder}/nowhere: no such file or folder"
    )


def test_sources_without_rows(lake: Lake) -> None:
    lake.load(
        "observations",
        lake.write("header.csv", "problem_id,implementation_id,test_id,output\n"),
        lake.parquet("none.parquet", [], pa.schema([(c, pa.string()) for c in observation()])),
    )
    assert lake.rows("observations") == []
    assert "already loaded" in lake.obslake("load", "observations", lake.folder / "header.csv")[0]


ARENA = "7c141a18-b8de-4943-9d3c-a354a1a8cccd"


def published(**columns: object) -> dict[str, Any]:
    """Return a row of a published lakehouse in its 20-column form."""
    return {
        "data_set_id": "gitimpress",
        "problem_id": "p",
        "implementation_id": "i_original_0",
        "test_id": "t",
        "implementation_hash": "ih",
        "test_hash": "th",
        "run_id": "r",
        "environment_id": ARENA,
        "step_id": 1,
        "operation": "f",
        "inputs": '"a", 1',
        "output": "1",
        "execution_time_ms": 1.5,
        "memory_used_mb": None,
        "branch_coverage_percent": None,
        "created_at": datetime(2025, 1, 2, tzinfo=UTC),
        "git_commit_hash": "abc",
        "ci_pipeline_id": "77",
        "researcher_name": "Ada",
        "specified_oracle": None,
        **columns,
    }


def test_published_form(lake: Lake) -> None:
    rows = [
        published(specified_oracle=False, memory_used_mb=2.5, branch_coverage_percent=80.0),
        published(implementation_id="j_original_0", output="2"),
        published(step_id=2, inputs=None),
        published(run_id="r2", environment_id="linux", researcher_name=None, test_hash="edited"),
        # The flag makes a row one of the specified oracle, whatever its implementation id.
        published(implementation_id="human", implementation_hash=None, specified_oracle=True),
        published(step_id=2, implementation_id="oracle", output="null", specified_oracle=True),
    ]
    report = lake.load("observations", lake.parquet("published.parquet", rows))
    assert report["rows"] == {
        "implementations": 2,
        "tests": 1,
        "runs": 2,
        "measurements": 2,
        "observations": 6,
    }
    row = lake.row("observations", implementation_id="j_original_0")
    assert (row["data_set_id"], row["environment_id"]) == ("gitimpress", "arena")
    assert json.loads(row["inputs"]) == ['"a", 1']
    assert row["duration_ns"] == 1_500_000
    assert row["observed_at"] == datetime(2025, 1, 2, tzinfo=UTC)
    oracles = lake.rows(
        "observations", "step_id", "output", "response_kind", implementation_id="oracle"
    )
    assert oracles == [(1, "1", "value"), (2, "null", "not_executed")]
    assert lake.row("observations", step_id=2, implementation_id="i_original_0")["inputs"] is None
    run = lake.row("runs", run_id="r")
    assert (run["git_commit"], run["pipeline"], run["environment_id"]) == ("abc", "77", "arena")
    assert run["attributes"] == {"researcher_name": "Ada", "arena_id:p": ARENA}
    other = lake.row("runs", run_id="r2")
    assert (other["environment_id"], other["attributes"]) == ("linux", {})
    assert lake.rows("measurements", "metric", "value", "unit", "scope", "subject_id") == [
        ("branch_coverage_percent", 80.0, "%", "t#1", "i_original_0"),
        ("memory_used_mb", 2.5, "MB", "t#1", "i_original_0"),
    ]
    assert lake.row("tests")["content_hash"] == "th"
    assert lake.row("observations", run_id="r2")["test_content_hash"] == "edited"
    assert set(lake.rows("observations", "test_content_hash", run_id="r")) == {("th",)}
    assert {r["content_hash"] for r in lake.rows("implementations")} == {"ih"}


DESCRIPTIONS = {
    "implementations": {
        "problem_id": "p",
        "implementation_id": "i",
        "content": "print(1)",
        "revised_at": "2024-01-02",
        "colour": "red",
    },
    "tests": {"problem_id": "p", "test_id": "t", "stimulus_sheet": "sheet"},
    "runs": {"run_id": "r", "git_commit": "abc", "attributes": {"os": "linux"}},
    "measurements": {
        "problem_id": "p",
        "subject_kind": "test",
        "subject_id": "t",
        "metric": "loc",
        "value": 5,
    },
}


def test_descriptions(lake: Lake) -> None:
    for table, row in DESCRIPTIONS.items():
        path = lake.jsonl(f"{table}.jsonl", [row])
        report = lake.load(table, path, "--data-set", "d")
        assert report["rows"] == {table: 1}, table
        found = lake.row(table)
        assert found["data_set_id"] == "d"
        assert lake.load(table, path, "--data-set", "d")["load_id"] is None
        missing = lake.jsonl("missing.jsonl", [{"data_set_id": "d"}])
        assert f"which {table} need" in lake.refused(table, missing)
    implementation = lake.row("implementations")
    assert implementation["revised_at"] == datetime(2024, 1, 2, tzinfo=UTC)
    assert len(implementation["content_hash"]) == 64
    run = lake.row("runs")
    assert (run["environment_id"], run["attributes"]) == ("default", {"os": "linux"})
    assert lake.row("measurements")["value"] == 5.0
    assert lake.rows("observations") == []


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("step_id", "1.5", "is not a value of type integer, from 0"),
        ("step_id", "-1", "is not a value of type integer, from 0"),
        ("attempt", "-2", "is not a value of type integer, from 0"),
        ("duration_ns", "0.4", "is not a value of type bigint"),
        (
            "observed_at",
            "infinity",
            "is not an ISO 8601 timestamp, such as 2024-07-01T10:00:00+02:00",
        ),
        (
            "observed_at",
            "20000-01-01",
            "is not an ISO 8601 timestamp, such as 2024-07-01T10:00:00+02:00",
        ),
    ],
)
def test_values_that_cannot_be_kept_are_refused(
    lake: Lake, column: str, value: str, problem: str
) -> None:
    file = lake.csv("rows.csv", [observation(**{column: value})])
    message = lake.refused("observations", file)
    assert f"row 2, column {column}: {value!r} {problem}" in message


def test_whole_numbers_may_be_written_as_decimals(lake: Lake) -> None:
    lake.load("observations", lake.csv("rows.csv", [observation(step_id="2.0")]))
    assert lake.row("observations")["step_id"] == 2


def test_unknown_columns_with_any_name_are_accepted(lake: Lake) -> None:
    names = ("source_file", "source_row", "source_time", "source_position", "filename")
    row = observation(**dict.fromkeys(names, "x"))
    assert lake.load("observations", lake.csv("rows.csv", [row]))["rows"]["observations"] == 1


def test_unknown_subjects_are_refused(lake: Lake) -> None:
    row = {"problem_id": "p", "subject_kind": "module", "subject_id": "m", "metric": "loc"}
    message = lake.refused("measurements", lake.jsonl("m.jsonl", [row]))
    assert "'module' is not one of implementation, system, test, problem" in message


def test_only_the_specified_oracle_has_alternatives(lake: Lake) -> None:
    """A row of another implementation is refused by its number, and told what it may be meant to be."""
    rows = [
        observation(implementation_id="oracle", output="1", alternative=""),
        observation(implementation_id="oracle", output="2", alternative="b"),
        observation(output="2", alternative=""),
    ]
    report = lake.load("observations", lake.csv("o.csv", rows), "--run", "r")
    assert report["warnings"] == []
    kept = lake.rows("observations", "implementation_id", "output", "alternative")
    assert sorted(kept, key=str) == [("i", "2", None), ("oracle", "1", None), ("oracle", "2", "b")]

    wrong = lake.jsonl("w.jsonl", [rows[1], observation(output="3", alternative="b")])
    refused = lake.refused("observations", wrong)
    assert (
        "w.jsonl, row 2, column alternative: 'b' is an alternative of a specified response"
        in refused
    )
    assert "only rows of implementation oracle have" in refused
    assert "--as-oracle" in refused
    assert "--sample alternative" in refused
    partly = lake.load_partly("observations", wrong)
    assert partly["rows"]["observations"] == 1
    (record,) = lake.quarantine()["records"]
    assert record["column_name"] == "alternative"


def test_names_of_alternatives(lake: Lake) -> None:
    """Numbers are texts, also as pandas writes them if the first alternative has none."""
    path = lake.folder / "o.parquet"
    pq.write_table(
        pa.table(
            {
                "problem_id": ["p"] * 3,
                "test_id": ["t"] * 3,
                "output": [1, 2, 3],
                "alternative": pa.array([None, 1.0, 2.5]),
            }
        ),
        path,
    )
    report = lake.load("observations", path, "--as-oracle")
    assert report["warnings"] == []
    assert lake.rows("observations", "output", "alternative") == [
        ("1", None),
        ("2", "1"),
        ("3", "2.5"),
    ]

    names = ["1", "1.0", "01", "1.00"]
    texts = [observation(output=str(n), alternative=name) for n, name in enumerate(names)]
    csv = "problem_id,test_id,output,alternative\n" + "".join(
        f"p,t,{n},{name}\n" for n, name in enumerate(names)
    )
    (lake.folder / "t.csv").write_text(csv)
    for number, path in enumerate((lake.jsonl("t.jsonl", texts), lake.folder / "t.csv")):
        lake.load("observations", path, "--as-oracle", "--data-set", f"t{number}")
        kept = lake.rows("observations", "alternative", data_set_id=f"t{number}")
        assert sorted(kept) == sorted((name,) for name in names)

    rows = [observation(answer="x", output="1"), observation(answer="y", output="2")]
    again = lake.jsonl("m.jsonl", rows)
    lake.load(
        "observations", again, "--as-oracle", "--map", "alternative=answer", "--data-set", "m"
    )
    assert lake.rows("observations", "alternative", data_set_id="m") == [("x",), ("y",)]

    samples = [observation(alternative=n, output="1") for n in range(2)]
    path = lake.jsonl("s.jsonl", samples)
    lake.load("observations", path, "--sample", "alternative", "--data-set", "s")
    kept = lake.rows("observations", "implementation_id", "alternative", data_set_id="s")
    assert kept == [("i#0", None), ("i#1", None)]
