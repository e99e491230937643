"""Malicious files are refused or read in bounded time and memory, without a traceback."""

import gzip
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pyarrow as pa
import pytest

from tests.harness.lake import Lake, observation
from tests.harness.workspace import Workspace
from tests.loader.test_recording import call, lines, session

# Size of a decompression bomb in bytes; `make fuzz` uses 10 GB.
BOMB_SIZE = int(os.environ.get("OBSLAKE_FUZZ_BOMB", str(160 << 20)))
MOST_MEMORY = 1200 << 20


def bomb(path: Path, head: bytes, filling: bytes = b"0") -> Path:
    """Write a small gzip file that decompresses to a large one: a head, padded with a filling."""
    deflate = zlib.compressobj(1, zlib.DEFLATED, 31)
    block = filling * ((1 << 20) // len(filling))
    with path.open("wb") as file:
        file.write(deflate.compress(head))
        for _ in range(BOMB_SIZE >> 20):
            file.write(deflate.compress(block))
        file.write(deflate.flush())
    return path


LOADS = """
import contextlib, io, json, re, sys, time
from obslake.cli.app import main

for arguments in json.loads(sys.argv[1]):
    sys.argv[1:] = arguments
    begin = time.monotonic()
    with contextlib.redirect_stderr(io.StringIO()) as stderr:
        try:
            main()
        except SystemExit as end:
            status = end.code
        else:
            status = 0
    # The most of its own: that of getrusage() is of the process before it, too, where it was started.
    with open("/proc/self/status") as status_file:
        memory = int(re.search(r"VmHWM:\\s+(\\d+) kB", status_file.read())[1]) * 1024
    print(json.dumps([status, stderr.getvalue(), time.monotonic() - begin, memory]), flush=True)
"""


HEADER = b"problem_id,implementation_id,test_id,output\n"
BOMBS = {
    "line.csv.gz": ("observations", HEADER + b"p,i,t,"),
    "text.csv.gz": ("observations", HEADER + b'p,i,t,"'),
    "lines.csv.gz": ("observations", HEADER + b'p,i\np,i,t,"'),
    "header.csv.gz": ("observations", b"problem_id,"),
    "text.jsonl.gz": ("observations", b'{"output": "'),
    "depth.jsonl.gz": ("observations", b'{"output": '),
    "session.jsonl.gz": ("recording", b'{"record": "session", "problem_id": "'),
    "call.jsonl.gz": ("recording", lines([session()]).encode() + b'{"record": "call", "output": "'),
    "cells.csv.gz": ("lasso", b"X,Y,TYPE,"),
    "attribute.xml.gz": ("junit", b'<testsuite name="'),
    "text.xml.gz": ("junit", b'<testsuite><testcase name="t"><system-out>'),
}


@pytest.mark.parametrize(
    ("tolerance", "names"),
    [
        ("0", list(BOMBS)),
        ("100%", ["line.csv.gz", "text.csv.gz", "lines.csv.gz", "text.jsonl.gz"]),
    ],
)
def test_bombs(workspace: Workspace, tolerance: str, names: list[str]) -> None:
    """Reads all in one process, whose memory is measured."""
    commands = []
    for name in names:
        kind, head = BOMBS[name]
        filling = {"depth": b"[", "lines": b"000000\n"}.get(name.partition(".")[0], b"0")
        path = bomb(workspace.folder / name, head, filling)
        assert path.stat().st_size < BOMB_SIZE / 100
        commands.append(["load", kind, name, "--max-faulty", tolerance])
    seconds = 60 + BOMB_SIZE / (20 << 20)
    done = subprocess.run(
        [sys.executable, "-c", LOADS, json.dumps(commands)],
        cwd=workspace.folder,
        env={**os.environ, "OBSLAKE_HOME": str(workspace.home), "OBSLAKE_MEMORY_LIMIT": "500MB"},
        capture_output=True,
        timeout=seconds * len(names),
        check=False,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(names), done.stderr.decode()
    for name, (status, stderr, took, memory) in zip(names, found, strict=True):
        assert status in (1, 3), name
        assert stderr.startswith(f"obslake: {name}"), stderr
        assert took < seconds, name
        assert memory < MOST_MEMORY, name


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_deep_json(lake: Lake, form: str) -> None:
    write = {"jsonl": lake.jsonl, "csv": lake.csv, "parquet": lake.parquet}[form]
    path = write(f"deep.{form}", [observation(output=DEEP, inputs=DEEP)])
    lake.load("observations", path)
    row = lake.row("observations")
    assert row["output"] == DEEP
    raw = lake.write("raw.jsonl", '{"problem_id": "p", "output": ' + DEEP + "}\n")
    assert str(raw) in lake.refused("observations", raw)
    # The record type is unknown, so it is skipped.
    recording = lake.write("r.jsonl", lines([session(), call()]) + '{"record": ' + DEEP + "}\n")
    assert lake.load("recording", recording)["rows"]["observations"] == 1


def test_invalid_characters(lake: Lake) -> None:
    texts = {"nul": "a\0b", "mark": "\ufeffa", "last": "\U0010ffff", "private": "\ue000"}
    rows = [observation(test_id=name, output=text) for name, text in texts.items()]
    for path in (
        lake.jsonl("a.jsonl", rows),
        lake.parquet("b.parquet", rows),
        lake.csv("c.csv", rows),
    ):
        lake.load("observations", path, "--data-set", path.name, "--outputs", "text")
        found = dict(lake.rows("observations", "test_id", "output", data_set_id=path.name))
        assert found == texts
    # Escapes of lone surrogates: JSON allows them, but text cannot contain them.
    path = lake.write("d.jsonl", '{"problem_id": "\\ud800", "test_id": "t"}\n')
    assert "not readable as json" in lake.refused("observations", path)
    raw = lake.write("e.jsonl", b'{"problem_id": "\xed\xa0\x80"}\n')
    assert "not readable as json" in lake.refused("observations", raw)


def test_identifiers_of_a_megabyte(lake: Lake) -> None:
    long = "ü" * (1 << 19)
    row = observation(problem_id=long, implementation_id=long, test_id=long, run_id=long)
    for path in (
        lake.jsonl("a.jsonl", [row]),
        lake.parquet("b.parquet", [row]),
        lake.csv("c.csv", [row]),
    ):
        lake.load("observations", path, "--data-set", path.name)
        assert lake.row("observations", data_set_id=path.name)["test_id"] == long
    wide = lake.write("wide.csv", ",".join(f"c{n}" for n in range(200_000)) + "\n")
    assert "wide.csv" in lake.refused("observations", wide)


WRONG = {
    "problem_id": pa.array([[1]]),
    "step_id": pa.array([1.5]),
    "attempt": pa.array([True]),
    "duration_ns": pa.array([b"x"]),
    "observed_at": pa.array([1_700_000_000]),
    "inputs": pa.array([{"a": {"b": None}}]),
}


@pytest.mark.parametrize("column", WRONG)
def test_parquet_of_other_types(lake: Lake, column: str) -> None:
    columns = {name: pa.array([value]) for name, value in observation().items()}
    path = lake.folder / "o.parquet"
    pa.parquet.write_table(pa.table({**columns, column: WRONG[column]}), path)
    if column in ("problem_id", "inputs"):
        lake.load("observations", path)
        return
    assert f"row 1, column {column}: " in lake.refused("observations", path)
    assert lake.load_partly("observations", path, max_faulty=1)["set_aside"] == 1


def test_cuts_of_a_parquet_file(lake: Lake) -> None:
    content = lake.parquet("o.parquet", [observation(step_id=n) for n in range(50)]).read_bytes()
    path = lake.folder / "cut.parquet"
    for size in range(1, len(content), max(1, len(content) // 6)):
        path.write_bytes(content[:size])
        assert lake.refused("observations", path, "--max-faulty", "100%").startswith(f"{path}: ")


def test_links(lake: Lake) -> None:
    real = lake.jsonl("real.jsonl", [observation()])
    folder = lake.folder / "folder"
    folder.mkdir()
    (folder / "link.jsonl").symlink_to(real)
    (folder / "dangling.jsonl").symlink_to(lake.folder / "nowhere")
    (folder / "loop.jsonl").symlink_to(folder / "loop.jsonl")
    (folder / "up").symlink_to(folder, target_is_directory=True)
    assert lake.load("observations", folder)["sources"] == [str(folder / "link.jsonl")]
    for name in ("dangling.jsonl", "loop.jsonl"):
        message = lake.refused("observations", folder / name)
        assert message == f"{folder / name}: no such file or folder"
    assert "neither a file nor a folder" in lake.refused("observations", "/dev/zero")


def test_file_names_that_are_not_valid_text(lake: Lake) -> None:
    name = os.fsdecode(b"\xff.jsonl")
    (lake.folder / name).write_text(json.dumps(observation()))
    message = lake.refused("observations", lake.folder / name)
    assert message == f"{lake.folder}/\\xff.jsonl: its name is not valid UTF-8: rename it"
    path = lake.jsonl("o.jsonl", [observation()])
    for option in ("--data-set", "--run", "--environment"):
        message = lake.refused("observations", path, option, name)
        assert message == f"{option}: \\xff.jsonl is not valid UTF-8"


def test_pipes(workspace: Workspace) -> None:
    """Such as `<(…)` in a shell: it can be read only once."""
    path = workspace.folder / "pipe.jsonl"
    os.mkfifo(path)
    writer = subprocess.Popen(
        [sys.executable, "-c", f"open({str(path)!r}, 'w').write({json.dumps(observation())!r})"]
    )
    out = workspace.obslake("load", "observations", str(path))
    assert writer.wait(20) == 0
    assert "observations                1 row" in out


@pytest.mark.parametrize("name", ["candidates", "candidates.gz", "candidates.zst"])
def test_compression_is_detected_by_content(lake: Lake, name: str) -> None:
    document = {"response": {"docs": [{"id": "s", "abstractionId": ["p"], "content": "x"}]}}
    content = json.dumps(document).encode()
    path = lake.folder / name
    for compressed in (content, gzip.compress(content), pa.compress(content, "zstd", asbytes=True)):
        path.write_bytes(compressed)
        lake.load("lasso", path)
    assert len(lake.rows("implementations")) == 3


def test_a_header_with_a_line_break(lake: Lake) -> None:
    """DuckDB would skip the rows below it."""
    path = lake.csv("o.csv", [observation(**{"a\nb": "x"})])
    assert lake.refused("observations", path) == f"{path}: a column name contains a line break"
