"""`obslake sql` as CSV, Markdown and files."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from obslake.errors import ExportError, QueryError

from tests.harness.lake import Lake

# Values of every kind, and texts that are hostile to CSV and Markdown.
QUERY = """
select * from (values
    (1, 1.50::decimal(4, 2), 0.1::double, true, 'a,"b"|c', [1, 2], {'x': 'ü'}, timestamp '2026-01-02 03:04:05'),
    (null, null, 'nan'::double, null, null, null, null, null),
    (-7, 12.00, 1e300, false, '', [], {'x': null}, timestamp '1999-12-31 23:59:59.5'),
    (2, 0, 0, true, E'two\\nlines\\r ', [3], {'x': '`*_<b>'}, timestamp '2026-01-01'),
    (3, 0, 0, true, ' <script>`code`|\\\\', [], {'x': '@all #1'}, timestamp '2026-01-01')
) as t(n, amount, share, is_it, note, list, nested, moment)
"""
NAMES = ["n", "amount", "share", "is_it", "note", "list", "nested", "moment"]


def rows(lake: Lake) -> list[dict[str, Any]]:
    return json.loads(lake.obslake("sql", QUERY, "--json")[0])


def test_csv_has_every_value_and_keeps_nulls_apart_from_empty_texts(lake: Lake) -> None:
    text = lake.obslake("sql", QUERY, "--csv")[0]
    header, *records = csv.reader(io.StringIO(text, newline=""))
    assert header == NAMES
    first = ["1", "1.50", "0.1", "true", 'a,"b"|c', "[1, 2]", '{"x": "ü"}', "2026-01-02T03:04:05"]
    assert records[0] == first
    assert records[3][4] == "two\nlines\r "
    lines = text.split("\n")
    assert lines[2] == ",,nan,,,,,"
    assert lines[3].split(",")[4] == '""'
    # DuckDB reads the same values, with the types of the columns.
    file = lake.folder / "rows.csv"
    file.write_bytes(text.encode())
    types = "{n: 'int', amount: 'decimal(4, 2)', share: 'double', is_it: 'boolean', moment: 'timestamp'}"
    read = duckdb.sql(
        f"select n, amount, share, is_it, note, moment from read_csv('{file}', types={types}, "
        "allow_quoted_nulls=false)"
    )
    assert (
        read.fetchall()[2:]
        == duckdb.sql(QUERY).select("n, amount, share, is_it, note, moment").fetchall()[2:]
    )
    assert [row[4] for row in read.fetchall()[:2]] == ['a,"b"|c', None]


def test_markdown_shows_texts_and_lets_them_do_nothing(lake: Lake) -> None:
    lines = lake.obslake("sql", QUERY, "--markdown")[0].splitlines()
    assert lines[:2] == [
        "| " + " | ".join(f"`{name}`" for name in NAMES) + " |",
        "| ---: | ---: | ---: | --- | --- | --- | --- | --- |",
    ]
    assert lines[2] == (
        '| 1 | 1.50 | 0.1 | true | `a,"b"\\|c` | `[1, 2]` | `{"x": "ü"}` | 2026-01-02T03:04:05 |'
    )
    assert lines[3] == "| NULL | NULL | nan | NULL | NULL | NULL | NULL | NULL |"
    assert "| `two\\nlines\\r ` |" in lines[5]
    assert "`` <script>`code`\\|\\\\" in lines[6]
    assert len(lines) == 2 + 5
    # Bars that are not escaped separate cells.
    assert {line.replace("\\|", "").count("|") for line in lines} == {len(NAMES) + 1}


@pytest.mark.parametrize(
    "name", ["a.parquet", "a.csv", "a.csv.gz", "a.jsonl", "a.NDJSON", "a.jsonl.zst"]
)
def test_files(lake: Lake, name: str) -> None:
    file = lake.folder / name
    said = lake.obslake("sql", QUERY, "-o", file)[0]
    assert said == f"{file}: 5 rows, {file.stat().st_size:,} bytes\n"
    if name == "a.parquet":
        found = pq.read_table(file)
        assert found.column_names == NAMES
        assert str(found.to_pylist()) == str(duckdb.sql(QUERY).to_arrow_table().to_pylist())
        return
    with pa.input_stream(file, compression="detect") as stream:
        text = stream.read().decode()
    if ".csv" in name:
        assert text == lake.obslake("sql", QUERY, "--csv")[0]
    else:
        assert [json.loads(line) for line in text.splitlines()] == rows(lake)


def test_repeated_names_and_no_rows(lake: Lake) -> None:
    query = "select 1 as a, 2 as a, 3 as a_1 where false"
    assert lake.obslake("sql", query, "--csv")[0] == "a,a_1,a_1_1\n"
    file = lake.folder / "none.parquet"
    lake.obslake("sql", query, "-o", file)
    assert pq.read_table(file).column_names == ["a", "a_1", "a_1_1"]
    assert lake.obslake("sql", query, "-o", lake.folder / "none.csv")[0].startswith(
        f"{lake.folder / 'none.csv'}: 0 rows"
    )


def test_large_answers_are_written_in_parts(lake: Lake) -> None:
    query = "select i, repeat('x', 10) as t from range(70000) as r(i) order by i"
    file = lake.folder / "large.parquet"
    lake.obslake("sql", query, "-o", file)
    assert pq.ParquetFile(file).num_row_groups == 2
    assert pq.read_table(file)["i"].to_pylist() == list(range(70_000))
    lake.obslake("sql", query, "-o", lake.folder / "large.csv.gz")
    with gzip.open(lake.folder / "large.csv.gz", "rt") as lines:
        assert sum(1 for _ in lines) == 70_001


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (["--csv", "--json"], AssertionError, "--json and --csv exclude each other"),
        (["--markdown", "-o", "a.csv"], AssertionError, "--markdown and -o exclude each other"),
        (["--csv", "--force"], AssertionError, "--force is for -o"),
        (["-o", "a.txt"], ExportError, r"neither with \.parquet, \.csv nor with \.jsonl"),
        (["-o", "a.parquet.gz"], ExportError, "Parquet has its own compression"),
        (["-o", "-"], ExportError, "use --csv or --json"),
        (["-o", "there.csv"], ExportError, "replace it with --force"),
        (["-o", "none/a.csv"], ExportError, "there is no folder none"),
    ],
)
def test_refusals(
    lake: Lake,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    error: type[Exception],
    message: str,
) -> None:
    monkeypatch.chdir(lake.folder)
    Path("there.csv").write_text("before")
    # Wrong command lines are errors of click, and end with its exit status.
    with pytest.raises(error, match=message):
        lake.obslake("sql", "select 1", *options)
    assert Path("there.csv").read_text() == "before"
    assert {path.name for path in lake.folder.iterdir()} == {"lake", "there.csv"}


def test_a_failed_query_leaves_no_file(lake: Lake) -> None:
    file = lake.folder / "a.csv"
    file.write_text("before")
    query = "select case when i = 5000 then error('late') else i end from range(9000) as r(i)"
    for name in ("a.csv", "a.parquet"):
        with pytest.raises(QueryError, match="late"):
            lake.obslake("sql", query, "-o", lake.folder / name, "--force")
    assert file.read_text() == "before"
    with pytest.raises(ExportError, match="Parquet has no type for a column"):
        lake.obslake("sql", "select interval 1 day as i", "-o", lake.folder / "a.parquet")
    assert {path.name for path in lake.folder.iterdir()} == {"lake", "a.csv"}
    lake.obslake("sql", "select 1 as one", "-o", file, "--force")
    assert file.read_text() == "one\n1\n"


def test_answers_to_queries_on_other_files_do_not_need_access_to_the_target(lake: Lake) -> None:
    with pytest.raises(QueryError, match="--external-access"):
        lake.obslake("sql", "from 'x.csv'", "-o", lake.folder / "a.csv")
