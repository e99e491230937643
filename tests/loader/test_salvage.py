"""Lines of CSV and JSON Lines that are not rows are set aside unchanged, and the other rows are loaded."""

import gzip
import json
from base64 import b64decode

import pytest

from tests.harness.lake import Lake, observation

HEADER = b"problem_id,implementation_id,test_id,output\n"

LINES = {
    "csv": {
        b"p,i,bad\n": "has 3 fields instead of 4",
        b"p,i,bad,1,2\n": "has 5 fields instead of 4",
        b"p,i,\xe9,1\n": "is not valid UTF-8",
    },
    "jsonl": {
        b'{"problem_id": "p", "test\n': "is not valid JSON",
        b'{"problem_id": "\xe9"}\n': "is not valid JSON",
        b"Traceback (most recent call last):\n": "is not valid JSON",
    },
}


@pytest.mark.parametrize("name", ["o.csv", "o.jsonl", "o.csv.gz", "o.jsonl.gz"])
def test_lines_that_are_not_rows(lake: Lake, name: str) -> None:
    is_csv = "csv" in name
    lines = LINES[name.split(".")[1]]

    def row(n: int) -> bytes:
        if is_csv:
            return f'p,i,t{n},"a\nb"\n'.encode()
        return json.dumps(observation(test_id=f"t{n}")).encode() + b"\n"

    late = b",i,late,1\n" if is_csv else b'{"test_id": "late", "implementation_id": "i"}\n'
    broken = b"".join(line + row(n) for n, line in enumerate(lines, start=1))
    path = lake.write(name, HEADER * is_csv + row(0) + broken + late)
    assert lake.refused("observations", path).startswith(f"{path}: not readable as ")
    report = lake.load_partly("observations", path, max_faulty=4)
    assert report["set_aside"] == 4
    assert lake.rows("observations", "test_id") == [("t0",), ("t1",), ("t2",), ("t3",)]
    # Later rows keep their line numbers.
    found = lake.quarantine()["records"]
    assert [r["position"] - is_csv for r in found] == [2, 4, 6, 8]
    assert [r["reason"] for r in found] == [*lines.values(), "is missing"]
    assert [r["column_name"] for r in found] == [None, None, None, "problem_id"]
    for record, line in zip(found, lines, strict=False):
        is_text = record["record_form"] == "text"
        assert is_text != (b"\xe9" in line)
        text = record["record"].encode()
        assert (text if is_text else b64decode(text)) == line.rstrip()
    retried = lake.quarantine("--retry")
    assert [(r["set_aside"], r["retried_by"]) for r in retried] == [(4, None)]


def test_files_whose_lines_cannot_be_separated_are_refused(lake: Lake) -> None:
    header = "problem_id,implementation_id,test_id,output\n"
    open_quote = lake.write("quote.csv", header + 'p,i,t,"1\np,i,u,2\n')
    array = lake.write("array.json", '[{"problem_id": "p"}, {"pro')
    cut = gzip.compress(lake.jsonl("good.jsonl", [observation()]).read_bytes())[:-9]
    short = lake.folder / "short.jsonl.gz"
    short.write_bytes(cut)
    for path in (open_quote, array, short):
        assert lake.refused("observations", path, "--max-faulty", "100%").startswith(f"{path}: ")
    # An object that spans several lines is not a broken line.
    pretty = lake.write("pretty.json", json.dumps(observation(), indent=1) + "\n")
    assert lake.load("observations", pretty, "--max-faulty", "100%")["set_aside"] == 0


def test_broken_lines_are_kept_complete_and_rows_keep_their_places(lake: Lake) -> None:
    long = b'p,i,"' + b"x" * 20_000 + b'\r\n""y"'
    wide = b"p,i,t,1" + b",x" * 300_000
    path = lake.write(
        "o.csv",
        b"\xef\xbb\xbf" + HEADER + b'p,i,a,"1\n2"\n\n' + long + b"\n"
        # Lines that DuckDB accepts: spaces before a quote, a trailing delimiter, a stray quote.
        b'p,i, "b",1\np,i,c,1,\np,i,d" ,""\n' + wide + b"\n,i,late,1\np,i,e,1",
    )
    lake.load_partly("observations", path, max_faulty=3)
    assert lake.rows("observations", "test_id", "output") == [
        ("a", "1\n2"),
        ("b", "1"),
        ("c", "1"),
        ('d" ', ""),
        ("e", "1"),
    ]
    found = {r["position"]: r["record"] for r in lake.rows("quarantine")}
    assert list(found) == [3, 7, 8]
    assert found[3].encode() == long
    assert found[7].encode() == wide


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_ends_of_lines(lake: Lake, end: bytes) -> None:
    path = lake.write("o.csv", (HEADER + b"p,i,a,1\np,i\np,i,b,1\n").replace(b"\n", end))
    lake.load_partly("observations", path)
    assert lake.rows("observations", "test_id") == [("a",), ("b",)]
    record = lake.row("quarantine")
    assert (record["position"], record["record"]) == (3, "p,i")
    assert record["context"] == HEADER.decode().rstrip()


def test_many_broken_lines(lake: Lake) -> None:
    """DuckDB would keep several kilobytes for each."""
    path = lake.write("o.csv", HEADER + b"p,i\n" * 30_000 + b"p,i,t,1\n")
    assert lake.load_partly("observations", path, max_faulty="99.999%")["set_aside"] == 30_000
    assert len(lake.rows("observations")) == 1
    refused = lake.refused("observations", path, "--max-faulty", "10%", "--run", "r")
    assert refused.startswith(
        "30,000 of 30,001 rows cannot be understood, more than --max-faulty 10%"
    )


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        (
            b'p,i\np,i,t,"' + b"000000\n" * (2 << 20),
            "longer than 8 MiB, or a quote in it is not closed",
        ),
        (b"p,i\np,i,t," + b"0" * (9 << 20), "longer than 8 MiB, or a quote in it is not closed"),
        (b'p,i\np,i,t,"1\np,i,u,2\n', "unexpected end of data"),
        (b'p,i\np,i,t,"a"b\n', "',' expected after '\"'"),
    ],
    ids=["lines", "line", "end", "text"],
)
def test_rows_without_an_end(lake: Lake, rest: bytes, reason: str) -> None:
    path = lake.write("o.csv", HEADER + b"p,i,t,1\n" + rest)
    assert lake.refused("observations", path, "--max-faulty", "100%") == (
        f"{path}: not readable as csv: row 4: {reason}\n"
        "  the row cannot be set aside, because the start of the next row is unknown"
    )
