"""The values of a source are kept exactly, in every format."""

import bz2
import csv
import io
import json
import math
import pickle
import random
import struct
import zipfile
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obslake import engine
from obslake.errors import SourceFormatError
from obslake.load.sources import SQL
from obslake.load.sources.files import open_sources
from obslake.load.sources.outputs import read_outputs
from obslake.load.sources.relations import create_text_view
from obslake.load.sources.tabulation import tabulate
from obslake.load.sources.typed_text import TAGS
from pytest_obslake.values import encode_value

from tests.harness.lake import Lake, observation
from tests.loader.staging import EXAMPLES
from tests.loader.test_observations import published

# -- one text for one value ------------------------------------------------------------------------


@lru_cache(maxsize=1)
def reading(folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection shared by all examples of a test: opening one takes longer than reading a file."""
    connection = engine.connect(temp_directory=folder, with_iceberg=False)
    for name in ("protocol", "zones"):
        engine.run_sql_file(connection, SQL / f"{name}.sql")
    return connection


def texts(folder: Path, file: Path, outputs: str = "auto") -> list[str | None]:
    """Return the responses of a file in order, as a load would store them."""
    connection = reading(folder)
    files = open_sources([str(file)], folder, are_tables=True)
    files = [tabulate(connection, f, exact=("output",), output="output") for f in files]
    files, _ = read_outputs(connection, files, "output", "response_kind", outputs)
    create_text_view(connection, "rows", files)
    found = connection.execute(
        "select output from rows order by cast(regexp_extract(_obslake_position, '[0-9]+$') as int)"
    ).fetchall()
    return [text for (text,) in found]


def json_lines(folder: Path, values: Sequence[object], name: str = "v.jsonl") -> Path:
    file = folder / name
    file.write_text("".join(json.dumps({"output": value}) + "\n" for value in values))
    return file


def parquet(folder: Path, values: Sequence[object], type_: pa.DataType) -> Path:
    # DuckDB caches metadata by file name, so each file needs a new name.
    file = folder / f"v{len(list(folder.iterdir()))}.parquet"
    pq.write_table(pa.table({"output": pa.array(values, type_)}), file)
    return file


def csv_of_texts(folder: Path, written: Sequence[str]) -> Path:
    file = folder / "v.csv"
    rows = [
        "n,output",
        *(f'{n},"{t.replace(chr(34), chr(34) * 2)}"' for n, t in enumerate(written)),
    ]
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return file


FLOATS = st.one_of(
    st.floats(),
    st.sampled_from([1e16, 1e-5, 1.5e300, -0.0, 5e-324, 1e22, 0.1, 1e15, 123456789.123]),
    st.binary(min_size=8, max_size=8).map(lambda b: struct.unpack("d", b)[0]),
)
STRINGS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
TYPES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "float": (pa.float64(), FLOATS),
    "int": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "large int": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "bool": (pa.bool_(), st.booleans()),
    "floats": (pa.list_(pa.float64()), st.lists(FLOATS, max_size=4)),
    "strings": (pa.list_(pa.string()), st.lists(STRINGS, max_size=4)),
    "lists": (
        pa.list_(pa.list_(pa.float64())),
        st.lists(st.lists(FLOATS, max_size=3), max_size=3),
    ),
    "struct": (
        pa.struct(
            {"a b": pa.float64(), 'c"': pa.list_(pa.string()), "d": pa.struct({"e": pa.int64()})}
        ),
        st.fixed_dictionaries(
            {
                "a b": FLOATS,
                'c"': st.lists(STRINGS, max_size=2),
                "d": st.fixed_dictionaries({"e": st.integers(-5, 5)}),
            }
            # In the order of the type: Hypothesis generates any order.
        ).map(lambda fields: {name: fields[name] for name in ("a b", 'c"', "d")}),
    ),
}


@pytest.mark.parametrize("kind", TYPES)
@settings(
    max_examples=max(12, EXAMPLES // 4),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_value_has_the_same_text_in_every_format(
    tmp_path: Path, kind: str, data: st.DataObject
) -> None:
    type_, values_of = TYPES[kind]
    values = data.draw(st.lists(values_of, min_size=1, max_size=12))
    expected = [encode_value(value) for value in values]
    assert texts(tmp_path, json_lines(tmp_path, values)) == expected
    assert texts(tmp_path, parquet(tmp_path, values, type_)) == expected
    assert texts(tmp_path, csv_of_texts(tmp_path, expected)) == expected
    # As Python's json.dumps writes it, even where that is not valid JSON.
    written = [json.dumps(value, ensure_ascii=False, separators=(",", ":")) for value in values]
    assert texts(tmp_path, csv_of_texts(tmp_path, written)) == expected


@settings(
    max_examples=max(12, EXAMPLES // 4),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(values=st.lists(STRINGS, min_size=1, max_size=12))
def test_a_string_has_the_same_text_in_every_format(tmp_path: Path, values: list[str]) -> None:
    expected = [encode_value(value) for value in values]
    assert texts(tmp_path, json_lines(tmp_path, values), "values") == expected
    assert texts(tmp_path, parquet(tmp_path, values, pa.string()), "values") == expected
    assert texts(tmp_path, csv_of_texts(tmp_path, expected)) == expected


KEYS = st.one_of(STRINGS, st.sampled_from(["$x", "$float", "$", "a"]))
MEMBERS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), FLOATS, STRINGS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
).filter(lambda value: not _has_a_tag(value))


def _has_a_tag(value: object) -> bool:
    """Whether it contains an object that is a tagged form by accident."""
    if isinstance(value, dict):
        return (len(value) == 1 and next(iter(value)) in TAGS) or any(
            map(_has_a_tag, value.values())
        )
    return isinstance(value, list) and any(map(_has_a_tag, value))


@settings(
    max_examples=max(40, EXAMPLES),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(values=st.lists(MEMBERS, min_size=1, max_size=8))
def test_any_value_in_json_lines_has_the_text_of_the_protocol(
    tmp_path: Path, values: list[object]
) -> None:
    expected = [encode_value(value) for value in values]
    assert texts(tmp_path, json_lines(tmp_path, values), "values") == expected


def test_tags_are_those_of_the_protocol() -> None:
    for value in (b"", (), {1}, frozenset(), {1: 1}, 1j, Decimal(1), math.nan, range(1), ...):
        assert next(iter(json.loads(encode_value(value)))) in TAGS


@pytest.mark.parametrize(
    ("values", "type_", "expected"),
    [
        ([b"\x00\xff", None], pa.binary(), ['{"$bytes":"AP8="}', "null"]),
        ([0.1, -2234088.25, 16777216.0, 1e-5, math.nan], pa.float32(), None),
        ([Decimal("1.50")], pa.decimal128(38, 2), ["1.50"]),
        ([[Decimal(10**37)]], pa.list_(pa.decimal128(38, 0)), [f"[{10**37}]"]),
        ([[("k", math.inf)]], pa.map_(pa.string(), pa.float64()), ['{"k":{"$float":"inf"}}']),
        ([[(1, "x")]], pa.map_(pa.int64(), pa.string()), ['{"$dict":[[1,"x"]]}']),
        ([[("$a", 1)]], pa.map_(pa.string(), pa.int64()), ['{"$dict":[["$a",1]]}']),
        ([{"a": None}, None], pa.struct({"a": pa.binary()}), ['{"a":null}', "null"]),
        (
            [0, 1_500_000],
            pa.timestamp("us"),
            ['"1970-01-01T00:00:00"', '"1970-01-01T00:00:01.500000"'],
        ),
        ([0], pa.timestamp("us", "Europe/Berlin"), ['"1970-01-01T00:00:00+00:00"']),
        ([1], pa.timestamp("ns"), ['"1970-01-01T00:00:00.000000001"']),
        ([0], pa.date32(), ['"1970-01-01"']),
    ],
    ids=str,
)
def test_typed_columns(
    tmp_path: Path, values: list[object], type_: pa.DataType, expected: list[str] | None
) -> None:
    if expected is None:
        # The shortest digits of the float32, as a float.
        digits = [float(str(np.float32(value))) for value in values]  # type: ignore[arg-type]
        expected = [encode_value(value) for value in digits]
    assert texts(tmp_path, parquet(tmp_path, values, type_)) == expected


def test_numbers_in_json_keep_their_digits(tmp_path: Path) -> None:
    numbers = ["0.00001", "1.0E-5", "1.50", "1e400", f"{10**40}", "0.1000000000000000055"]
    file = tmp_path / "v.jsonl"
    file.write_text("".join(f'{{"output": {n}}}\n{{"output": [{n} ]}}\n' for n in numbers))
    assert texts(tmp_path, file) == [t for n in numbers for t in (n, f"[{n}]")]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("nan", '{"$float":"nan"}'),
        ("-inf", '{"$float":"-inf"}'),
        (
            '["NaN", NaN, {"a inf": -Infinity}]',
            '["NaN", {"$float":"nan"}, {"a inf": {"$float":"-inf"}}]',
        ),
        ('"nan"', '"nan"'),
        ("[NaN,]", "[NaN,]"),
        ("Infinite", "Infinite"),
        ("NAN", "NAN"),
    ],
)
def test_texts_with_floats_that_json_does_not_support(tmp_path: Path, text: str, kept: str) -> None:
    assert texts(tmp_path, csv_of_texts(tmp_path, [text, "1"])) == [kept, "1"]


# -- strings: text, or values ----------------------------------------------------------------------

STRINGS_TO_READ = ["1", "true", '"x"', "hello", "", "{}", "passed", "failed: x", "$5", "$STRANGE@x"]
TOKENS = ["$TIMEOUT", "$*", "$EXCEPTION@E@m"]
ANSWERS = st.sampled_from([1, True, None, [1], {"a": 1.5}, *STRINGS_TO_READ, *TOKENS])


@settings(
    max_examples=max(60, EXAMPLES),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(answers=st.lists(ANSWERS, min_size=1, max_size=7), seed=st.randoms(use_true_random=False))
def test_how_strings_are_read_does_not_depend_on_the_order_of_rows(
    tmp_path: Path, answers: list[object], seed: random.Random
) -> None:
    def decided(order: Sequence[int]) -> dict[int, str | None] | None:
        try:
            found = texts(tmp_path, json_lines(tmp_path, [answers[n] for n in order]))
        except SourceFormatError:
            return None
        return dict(zip(order, found, strict=True))

    shuffled = list(range(len(answers)))
    seed.shuffle(shuffled)
    found = decided(range(len(answers)))
    assert decided(shuffled) == found
    # Values of different types never become the same text silently.
    by_text: dict[str | None, object] = {}
    for n, text in (found or {}).items():
        if not isinstance(answers[n], str):
            assert by_text.setdefault(text, answers[n]) == answers[n] or text is None


@pytest.mark.parametrize(
    ("answers", "kept"),
    [
        (["1", '"x"', "$TIMEOUT", None], ["1", '"x"', "$TIMEOUT", None]),
        (["hello", "", "$TIMEOUT", None], ['"hello"', '""', "$TIMEOUT", "null"]),
        ([1, "$TIMEOUT", None, "$5"], ["1", "$TIMEOUT", "null", '"$5"']),
        ([1, "hello"], ["1", '"hello"']),
        ([[1.0, "é\u001b"]], ['[1.0,"é\\u001b"]']),
        ([1, "1"], None),
        (["hello", "1"], None),
        (["passed", "hello"], None),
    ],
    ids=str,
)
def test_meaning_of_strings_depends_on_the_other_values(
    tmp_path: Path, answers: list[object], kept: list[str | None] | None
) -> None:
    file = json_lines(tmp_path, answers)
    if kept is None:
        with pytest.raises(SourceFormatError, match="--outputs values"):
            texts(tmp_path, file)
    else:
        assert texts(tmp_path, file) == kept


def test_an_ambiguous_mixture_is_refused_with_both_interpretations(lake: Lake) -> None:
    rows = [observation(output=1), observation(test_id="u", output="1")]
    path = lake.jsonl("o.jsonl", rows)
    assert lake.refused("observations", path) == (
        f'{path}: strings in column output can be read in two ways: row 1 has 1, row 2 has "1"\n'
        '  as values (--outputs values): row 2 returned the string "1", row 1 1, and null is a returned '
        "null\n"
        "  as text of the response protocol (--outputs text): row 2 returned 1, row 1 1, and null was "
        "not executed"
    )
    lake.load("observations", path, "--outputs", "values")
    assert lake.rows("observations", "test_id", "output") == [("t", "1"), ("u", '"1"')]


def test_a_null_and_a_missing_answer_are_not_the_same(lake: Lake) -> None:
    rows = [observation(output=1), observation(test_id="null", output=None)]
    rows.append({k: v for k, v in observation(test_id="missing").items() if k != "output"})
    report = lake.load("observations", lake.jsonl("o.jsonl", rows))
    found = lake.rows("observations", "test_id", "output", "response_kind")
    assert sorted(found) == [
        ("missing", None, "not_executed"),
        ("null", "null", "value"),
        ("t", "1", "value"),
    ]
    assert "nulls read as returned nulls: 1 " in report["warnings"][0]


# -- keys and columns ------------------------------------------------------------------------------


def test_a_row_with_a_duplicate_key_is_refused(lake: Lake) -> None:
    line = json.dumps(observation())[:-1]
    path = lake.write(
        "o.jsonl",
        f'{line}}}\n{line}, "output": 2, "test_id": "x"}}\n{line}, "Output": "é"}}\n'
        + json.dumps({**observation(test_id="inner"), "output": {"a": 1}}).replace(
            '"a": 1', '"a": 1, "a": 2'
        )
        + "\n",
    )
    refused = lake.refused("observations", path, "--outputs", "text")
    assert "row 2: has test_id twice: " in refused
    assert 'row 3: has Output twice: "1" and "é"' in refused
    assert "row 4: has a twice: 1 and 2" in refused
    report = lake.load_partly("observations", path, "--outputs", "text")
    assert report["set_aside"] == 3
    assert lake.rows("observations", "test_id") == [("t",)]
    kept = lake.rows("quarantine", "position", "record_form", "record")
    assert [position for position, *_ in kept] == [2, 3, 4]
    assert all(form == "text" and record.count("{") for _, form, record in kept)
    # A retry does not accept a key that is still duplicate.
    (retried,) = lake.quarantine("--retry")
    assert retried["set_aside"] == 3
    assert len(lake.rows("observations")) == 1


def test_names_of_columns_are_case_insensitive(lake: Lake) -> None:
    lines = [observation(test_id=f"t{n}") for n in range(2)]
    lines[1]["Output"] = lines[1].pop("output")
    lake.load("observations", lake.jsonl("o.jsonl", lines))
    assert lake.rows("observations", "test_id", "output") == [("t0", "1"), ("t1", "1")]
    upper = {name.upper(): value for name, value in observation(test_id="upper").items()}
    lake.load("observations", lake.parquet("upper.parquet", [upper]))
    assert lake.row("observations", test_id="upper")["output"] == "1"


@pytest.mark.parametrize("order", [("output", "Output"), ("Output", "output")])
def test_columns_whose_names_differ_only_in_case_are_refused(
    lake: Lake, order: tuple[str, str]
) -> None:
    row = {k: v for k, v in observation().items() if k != "output"}
    path = lake.parquet("o.parquet", [{**row, order[0]: "1", order[1]: "2"}])
    assert lake.refused("observations", path).startswith(
        f"{path}: the names of columns differ in case only: {order[0]}, {order[1]}\n"
    )


FOLDER = "run_id=007/output=final/problem_id=a%2Fb"


@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv"])
def test_folders_are_columns_only_on_demand(lake: Lake, form: str) -> None:
    def write(name: str, row: Mapping[str, Any]) -> Path:
        (lake.folder / name).parent.mkdir(parents=True, exist_ok=True)
        return {"parquet": lake.parquet, "jsonl": lake.jsonl, "csv": lake.csv}[form](name, [row])

    whole = write(f"{FOLDER}/o.{form}", observation(run_id="r9"))
    lake.load("observations", whole)
    found = lake.row("observations")
    assert (found["run_id"], found["output"], found["problem_id"]) == ("r9", "1", "p")
    refused = lake.refused("observations", whole, "--partitions")
    assert "have the same name\n" in refused
    row = {k: v for k, v in observation().items() if k != "problem_id"}
    for run in ("007", "8"):
        # The same bytes in two folders are two sources.
        write(f"parts/run_id={run}/problem_id=a%2Fb/o.{form}", row)
    assert "no column problem_id" in lake.refused("observations", lake.folder / "parts")
    lake.load("observations", lake.folder / "parts", "--partitions")
    assert lake.rows("observations", "run_id", "problem_id", "output") == [
        ("007", "a/b", "1"),
        ("8", "a/b", "1"),
        ("r9", "p", "1"),
    ]


# -- CSV and files of other kinds ------------------------------------------------------------------


FIELDS = st.text(
    st.sampled_from(",;\t|\"' \n\r=#1aé") | st.characters(exclude_categories=["Cs", "Cc"]),
    max_size=8,
)


@settings(
    max_examples=max(25, EXAMPLES),
    # `make fuzz` tries random examples.
    derandomize=EXAMPLES <= 25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.lists(st.tuples(FIELDS, FIELDS), min_size=1, max_size=30),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    lines=st.sampled_from(["\n", "\r\n"]),
    head=st.sampled_from(["", "\ufeff", "sep"]),
    other=st.sampled_from(["notes", "a, b, c, d", "x;y;z", "it's"]),
)
def test_csv_of_any_dialect(
    tmp_path: Path,
    rows: list[tuple[str, str]],
    delimiter: str,
    quoting: Literal[0, 1],
    lines: str,
    head: str,
    other: str,
) -> None:
    names = ["problem_id", "implementation_id", "test_id", "output", other]
    text = io.StringIO(newline="")
    text.write(f"sep={delimiter}{lines}" if head == "sep" else head)
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=lines)
    writer.writerow(names)
    # An unquoted empty field is missing, and blanks after a delimiter do not belong to the field.
    rows = [(f"<{output}>", f"<{note}>") for output, note in rows]
    if quoting == csv.QUOTE_MINIMAL and lines == "\n":
        # Python's writer does not quote a carriage return there, which makes it ambiguous for readers.
        rows = [(output.replace("\r", ""), note.replace("\r", "")) for output, note in rows]
    writer.writerows(["p", "i", "t", *row] for row in rows)
    path = tmp_path / "any.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    assert texts(tmp_path, path, "text") == [output for output, _ in rows]


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("problem_id;implementation_id;test_id;output\np;i;t;1,5\n", "1,5"),
        ("problem_id\timplementation_id\ttest_id\toutput\np\ti\tt\ta,b;c,d,e\n", "a,b;c,d,e"),
        ("sep=;\nproblem_id;implementation_id;test_id;output\np;i;t;1\n", "1"),
        ("sep=|\r\nproblem_id|implementation_id|test_id|output\r\np|i|t|;\r\n", ";"),
        ('problem_id;implementation_id;test_id;output;"a, b, c, d, e"\np;i;t;1;x\n', "1"),
        ('"problem_id","implementation_id","test_id","output"\n"p","i","t","1;2;3;4"\n', "1;2;3;4"),
        ("'problem_id','implementation_id','test_id','output'\n'p','i','t','it''s'\n", "it's"),
    ],
)
def test_how_csv_is_written(lake: Lake, text: str, output: str) -> None:
    path = lake.write("o.csv", text)
    lake.load("observations", path, "--data-set", "d")
    assert lake.row("observations")["output"] == output
    # A broken line: Python's reader must split the lines, too.
    broken = lake.write("broken.csv", text + "one field\n")
    lake.load_partly("observations", broken, "--data-set", "broken")
    assert lake.row("observations", data_set_id="broken")["output"] == output


def test_the_delimiter_can_be_given(lake: Lake) -> None:
    path = lake.write("o.csv", "a;b;c;d\np;i;t;1,2\n")
    options = [
        *("--map", "problem_id=a", "--map", "implementation_id=b"),
        *("--map", "test_id=c", "--map", "output=d"),
    ]
    assert "--delimiter" in lake.refused("observations", path, *options, "--delimiter", ",")
    lake.load("observations", path, *options, "--delimiter", ";")
    assert lake.row("observations")["output"] == "1,2"


def _workbook(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("o.csv", "problem_id\n")


OTHER_KINDS: dict[str, Any] = {
    "an Excel workbook": _workbook,
    "a zip archive": _zip,
    "a Python pickle": lambda path: path.write_bytes(pickle.dumps([{"output": 1}])),
    "a bzip2 file": lambda path: path.write_bytes(bz2.compress(b"problem_id,output\n")),
    "an xz file": lambda path: path.write_bytes(b"\xfd7zXZ\x00" + b"\x00" * 20),
    "an SQLite database": lambda path: path.write_bytes(b"SQLite format 3\x00" + b"\x00" * 80),
    "an HTML page": lambda path: path.write_text("\n<!DOCTYPE html><html>Log in, please</html>"),
    "an XML file": lambda path: path.write_text('<?xml version="1.0"?><testsuite/>'),
    "an Avro file": lambda path: path.write_bytes(b"Obj\x01\x04\x14avro.codec"),
    "an ORC file": lambda path: path.write_bytes(b"ORC\x0a\x00"),
    "a NumPy array": lambda path: np.save(path.open("wb"), np.zeros(3)),
}


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_files_of_other_kinds_are_refused_with_the_name_of_the_kind(lake: Lake, kind: str) -> None:
    path = lake.folder / "given.csv"
    OTHER_KINDS[kind](path)
    assert f"{path}: this is {kind}, not a CSV" in lake.refused("observations", path)
    assert "this is " in lake.refused("tests", path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_texts_in_utf16_are_read(lake: Lake, encoding: str, form: str) -> None:
    write = lake.csv if form == "csv" else lake.jsonl
    text = write(f"plain.{form}", [observation(target="ü")]).read_text()
    mark = "" if encoding in ("utf-16", "utf-32") else "\ufeff"
    report = lake.load("observations", lake.write(f"o.{form}", (mark + text).encode(encoding)))
    assert lake.row("observations")["target"] == "ü"
    assert "according to its byte order mark" in report["warnings"][0]


@pytest.mark.parametrize("form", ["file", "stream"])
def test_arrow_is_read(lake: Lake, form: str) -> None:
    table = pa.Table.from_pylist([observation(output=[1.0, math.nan])] * 2)
    path = lake.folder / "o.arrow"
    new = pa.ipc.new_file if form == "file" else pa.ipc.new_stream
    with new(str(path), table.schema) as writer:
        writer.write_table(table.slice(0, 1))
        writer.write_table(table.slice(1))
    lake.load("observations", path)
    assert lake.rows("observations", "output") == [('[1.0,{"$float":"nan"}]',)] * 2
    path.write_bytes(path.read_bytes()[:200])
    assert "not readable as Arrow" in lake.refused("observations", path)


# -- zones, flags ------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_a_moment_may_be_missing_in_some_rows(lake: Lake, form: str) -> None:
    rows = [
        observation(step_id=0, observed_at="2020-07-01 10:11:12 EST"),
        observation(step_id=1, observed_at=None),
    ]
    write = {"jsonl": lake.jsonl, "csv": lake.csv, "parquet": lake.parquet}[form]
    path = write(f"o.{form}", rows)
    lake.load("observations", path)
    ((_, named), (_, missing)) = lake.rows("observations", "step_id", "observed_at")
    assert named.isoformat() == "2020-07-01T15:11:12+00:00"
    assert missing.timestamp() == pytest.approx(path.stat().st_mtime, abs=1)


@pytest.mark.parametrize(
    ("moment", "hour"),
    [
        ("2020-07-01 10:11:12", 10),
        ("2020-07-01T10:11:12Z", 10),
        ("2020-07-01 10:11:12 UTC", 10),
        ("2020-07-01 10:11:12 PDT", 17),
        ("2020-07-01 10:11:12 EST", 15),
        ("2020-07-01 10:11:12 PST -0800", 18),
        ("2020-07-01 10:11:12 +0200", 8),
        ("2020-07-01 10:11:12 GMT+2", 8),
        ("2020-07-01 10:11:12 GMT+0200 (CEST)", 8),
        ("2020-07-01 10:11:12 Europe/Berlin", 8),
        *((f"2020-07-01 10:11:12 {name}", None) for name in ("BST", "AST", "NST", "IST", "CEST")),
        *((f"2020-07-01 10:11:12 {name}", None) for name in ("A", "EST5EDT", "(CEST)", "JST")),
    ],
)
def test_zones_are_those_of_rfc_2822_and_no_other_continents(
    lake: Lake, moment: str, hour: int | None
) -> None:
    path = lake.csv("o.csv", [observation(observed_at=moment)])
    if hour is None:
        assert f"'{moment}' names an ambiguous or unknown time zone" in lake.refused(
            "observations", path
        )
    else:
        lake.load("observations", path)
        assert lake.row("observations")["observed_at"].hour == hour


# -- the same rows twice ---------------------------------------------------------------------------


def test_content_with_another_meaning_is_refused(lake: Lake) -> None:
    rows = [observation(test_id=f"t{n}", time_ns=n) for n in range(3)]
    path = lake.parquet("o.parquet", rows)
    first = lake.load("observations", path)
    assert "(--map duration_ns=time_ns loads it as duration_ns)" in first["warnings"][0]
    assert lake.load("observations", path)["load_id"] is None
    changed = ["observations", path, "--map", "duration_ns=time_ns"]
    for options in (changed, ["observations", path, "--outputs", "values"]):
        refused = lake.refused(*options)
        assert f"load {first['load_id']} has loaded this content with other options" in refused
        assert "--again" in refused
    assert len(lake.rows("observations")) == 3
    # In another context the same content makes other rows.
    for context in (["--data-set", "other"], ["--run", "r2"], ["--environment", "mac"]):
        lake.load("observations", path, *context)
    assert len(lake.rows("observations")) == 12
    lake.load(*changed, "--again")
    assert lake.load(*changed, "--again")["load_id"] is None
    assert len(lake.rows("observations")) == 15


def test_forgotten_content_can_be_loaded_with_other_options(lake: Lake) -> None:
    path = lake.parquet("o.parquet", [observation(time_ns=5)])
    lake.load("observations", path, "--data-set", "d")
    lake.obslake("forget", "--data-set", "d", "--yes")
    lake.load("observations", path, "--data-set", "d", "--map", "duration_ns=time_ns")
    assert lake.row("observations")["duration_ns"] == 5


def test_expected_answers(lake: Lake) -> None:
    rows = [{"problem_id": "p", "test_id": f"t{n}", "output": n} for n in range(2)]
    path = lake.jsonl("expected.jsonl", rows)
    assert "no column implementation_id" in lake.refused("observations", path)
    lake.load("observations", path, "--as-oracle")
    named = lake.parquet("named.parquet", [observation(test_id="t2", output=2)])
    report = lake.load("observations", named, "--as-oracle")
    assert "column implementation_id is left out: rows are the oracle's" in report["warnings"]
    assert lake.rows("observations", "test_id", "implementation_id", "output") == [
        (f"t{n}", "oracle", str(n)) for n in range(3)
    ]


def test_decimals_that_would_lose_digits_are_refused(lake: Lake) -> None:
    for type_ in (pa.decimal256(60, 1), pa.list_(pa.decimal256(45, 0))):
        values = pa.array([Decimal("1.5")] if pa.types.is_decimal(type_) else [[15]], type_)
        path = lake.folder / "decimals.parquet"
        names = ["problem_id", "implementation_id", "test_id"]
        pq.write_table(pa.table({**{name: ["x"] for name in names}, "output": values}), path)
        assert "with more than 38 digits would lose digits" in lake.refused("observations", path)


def test_identifiers_in_unannotated_binary_columns_are_text(lake: Lake) -> None:
    rows = {name: [b"add"] for name in ("problem_id", "implementation_id", "test_id")}
    path = lake.folder / "binary.parquet"
    pq.write_table(pa.table({**rows, "output": [b"1"]}), path)
    lake.load("observations", path)
    assert lake.row("observations", problem_id="add")["output"] == '{"$bytes":"MQ=="}'


def test_fields_that_look_like_tags_are_members_of_a_dictionary(tmp_path: Path) -> None:
    value = {"$x": 1, "y": 2}
    type_ = pa.struct({"$x": pa.int64(), "y": pa.int64()})
    expected = ['{"$dict":[["$x",1],["y",2]]}']
    assert texts(tmp_path, json_lines(tmp_path, [value])) == expected
    assert texts(tmp_path, parquet(tmp_path, [value], type_)) == expected


@pytest.mark.parametrize(
    "moment", ["24-07-01 10:00:00", "2024-07-01T10:00:00+99:00", "epoch", "10:00:00"]
)
def test_invalid_iso_8601_moments_are_refused(lake: Lake, moment: str) -> None:
    path = lake.csv("o.csv", [observation(observed_at=moment)])
    assert f"column observed_at: '{moment}'" in lake.refused("observations", path)


def test_the_published_form_is_case_insensitive(lake: Lake) -> None:
    rows = [published(step_id=n, specified_oracle=False) for n in range(3)]
    upper = [{name.upper(): value for name, value in row.items()} for row in rows]
    report = lake.load("observations", lake.parquet("upper.parquet", upper))
    assert report["rows"]["observations"] == 3


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff\n"])
@pytest.mark.parametrize("name", ["blank.csv", "blank.jsonl"])
def test_blank_files(lake: Lake, name: str, text: str) -> None:
    refused = lake.refused("observations", lake.write(name, text))
    assert "syntax error" not in refused
    assert name in refused
