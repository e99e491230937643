"""Every reader turns damaged and hostile files into a user error or rows, and nothing else.

``OBSLAKE_FUZZ_EXAMPLES`` is the number of trials per kind of file; `make fuzz` sets it.
"""

import csv
import gzip
import io
import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from obslake.errors import ObslakeError
from obslake.lakehouse.catalog import FutureLakehouse
from obslake.lakehouse.schemas import OBSERVATIONS
from obslake.load.appending import Load
from obslake.load.quarantine import stage_quarantine
from obslake.load.report import LoadReport
from obslake.load.sources import set_aside
from obslake.load.sources.base import Options, Reader
from obslake.load.sources.descriptions import MeasurementsReader, RunsReader
from obslake.load.sources.files import open_sources
from obslake.load.sources.junit import JUnitReader
from obslake.load.sources.lasso import LassoReader
from obslake.load.sources.observations import ObservationsReader
from obslake.load.sources.recording import RecordingReader
from obslake.progress import Progress

from tests.harness.lake import observation
from tests.loader.test_junit import REPORTS
from tests.loader.test_lasso import SOLR, abstraction, oracle, step
from tests.loader.test_observations import published
from tests.loader.test_recording import WHOLE, lines

EXAMPLES = int(os.environ.get("OBSLAKE_FUZZ_EXAMPLES", "25"))
LONGEST_SECONDS = 20

Rows = list[dict[str, Any]]


def parquet(rows: Rows) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), stream)
    return stream.getvalue()


def jsonl(rows: Rows) -> bytes:
    return "".join(json.dumps(row, default=str) + "\n" for row in rows).encode()


def csv_text(rows: Rows) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()


NATIVE: Rows = [
    observation(
        step_id=n,
        inputs='["a, \\"b\\"", 1]',
        output='{"a": [1, null]}' if n % 2 else "$EXCEPTION@ValueError@x\ny",
        duration_ns=n * 1000,
        observed_at="2024-05-06T07:08:09Z",
        host="ci",
    )
    for n in range(4)
]
CELLS: Rows = [
    *(c for y in range(2) for c in step(y, str(y), "f(int)", "T", ["1", '"x"'])),
    oracle("1", 0),
    abstraction("interface", "I"),
]
RUN_ROWS: Rows = [{"run_id": "r", "started_at": "2024-01-01", "attributes": '{"os": "linux"}'}]
MEASURED: Rows = [
    {"problem_id": "p", "subject_kind": "test", "subject_id": "t", "metric": "m", "value": 1.5}
]

READERS: dict[str, tuple[Callable[[], Reader], dict[str, bytes]]] = {
    "observations": (
        ObservationsReader,
        {
            "parquet": parquet(NATIVE),
            "jsonl": jsonl(NATIVE),
            "json": json.dumps(NATIVE, indent=1).encode(),
            "csv": csv_text(NATIVE),
            "published": csv_text([published(step_id=n) for n in range(3)]),
        },
    ),
    "lasso": (
        LassoReader,
        {"parquet": parquet(CELLS), "csv": csv_text(CELLS), "solr": json.dumps(SOLR).encode()},
    ),
    "recording": (RecordingReader, {"jsonl": lines(WHOLE).encode()}),
    "junit": (
        JUnitReader,
        {name: path.read_bytes()[:20_000] for name, path in sorted(REPORTS.items())},
    ),
    "runs": (
        RunsReader,
        {"jsonl": jsonl(RUN_ROWS), "csv": csv_text(RUN_ROWS)},
    ),
    "measurements": (
        MeasurementsReader,
        {"jsonl": jsonl(MEASURED), "parquet": parquet(MEASURED)},
    ),
}

# Tokens that often break parsers.
TOKENS = [
    b"\0",
    b'"',
    b"'",
    b"\\",
    b"\\ud800",
    b"\xed\xa0\x80",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r",
    b"\n",
    b"\r\n",
    b"\x1a",
    b",",
    b"{",
    b"}",
    b"[",
    b"]",
    b"[" * 3000,
    b",x" * 3000,
    b"-1",
    b"1e999",
    b"9" * 400,
    b"NaN",
    b"null",
    b"$EXCEPTION@",
    b"_EXCEPTION_",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"&#0;",
    b"&lt;",
    b"<![CDATA[",
    b"<testcase>",
    b"</testsuite>",
    b"PAR1",
    b"\x1f\x8b\x08",
    b"\x28\xb5\x2f\xfd",
    b"x" * 100_000,
    b"''); drop table x; --",
    b"0001-01-01",
    b"infinity",
    b"2147483648",
]


@st.composite
def damaged(draw: st.DrawFn, valid: bytes) -> bytes:
    """A file that was truncated, overwritten, split or joined wrongly, once or several times."""
    content = valid
    for _ in range(draw(st.integers(1, 4))):
        size = len(content)
        at = draw(st.integers(0, size))
        match draw(
            st.sampled_from(["cut", "flip", "insert", "remove", "repeat", "splice", "bytes"])
        ):
            case "cut":
                content = content[:at]
            case "flip" if at < size:
                flipped = content[at] ^ draw(st.integers(1, 255))
                content = content[:at] + bytes([flipped]) + content[at + 1 :]
            case "insert":
                content = content[:at] + draw(st.sampled_from(TOKENS)) + content[at:]
            case "remove":
                content = content[:at] + content[at + draw(st.integers(1, 50)) :]
            case "repeat":
                piece = content[at : at + draw(st.integers(1, 200))]
                content = content[:at] + piece * draw(st.integers(2, 5)) + content[at:]
            case "splice":
                other = draw(st.integers(0, size))
                content = content[:at] + content[other:]
            case "bytes":
                content = content[:at] + draw(st.binary(max_size=20)) + content[at:]
    return content


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda content: content,
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "zstd": lambda content: pa.compress(content, codec="zstd", asbytes=True),
}


@st.composite
def files(draw: st.DrawFn, valid: dict[str, bytes]) -> bytes:
    """A damaged file, damaged before or after optional compression; or random bytes."""
    content = valid[draw(st.sampled_from(sorted(valid)))]
    compress = COMPRESSIONS[draw(st.sampled_from(sorted(COMPRESSIONS)))]
    match draw(st.sampled_from(["content", "content", "content", "compressed", "any"])):
        case "content":
            return compress(draw(damaged(content)))
        case "compressed":
            return draw(damaged(compress(content)))
        case _:
            return compress(draw(st.binary(max_size=200)))


@contextmanager
def limited_time(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> NoReturn:
        raise AssertionError(f"this takes longer than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def read(reader: Reader, content: bytes, tolerance: set_aside.Tolerance) -> dict[str, int] | None:
    """Read a file as a load does; return the number of rows by table, or None if it is refused."""
    with (
        limited_time(LONGEST_SECONDS),
        tempfile.TemporaryDirectory() as folder,
        duckdb.connect(
            config={"memory_limit": "1GB", "temp_directory": folder, "threads": 2}
        ) as connection,
    ):
        connection.execute("set TimeZone = 'UTC'")
        path = Path(folder) / "source"
        path.write_bytes(content)
        options = Options(run="r", max_faulty=tolerance)
        set_aside.begin(connection)
        try:
            sources = open_sources(
                [str(path)],
                Path(folder),
                whole=reader.whole_files,
                are_tables=reader.reads_tables,
            )
            opened = reader.open(connection, sources)
            for file, reason in opened.refused.items():
                set_aside.add_file(connection, file, reason)
            sources = [file for file in sources if file not in opened.refused]
            staged = opened.stage(sources, options)
            names = {file.sha256: replace(file) for file in sources}
            destination = FutureLakehouse(Path(folder))
            load = Load(destination, connection, reader, options, LoadReport(), Progress())
            staged = stage_quarantine(load, staged, names)
            rows = {}
            for table, view in staged.views.items():
                if table == OBSERVATIONS.name and staged.observations is not None:
                    rows[table] = sum(batch.num_rows for batch in staged.observations)
                    continue
                rows[table] = connection.execute(f"from {view}").to_arrow_table().num_rows
        except ObslakeError:
            return None
        except (duckdb.InternalException, duckdb.FatalException):
            raise
        except duckdb.Error:
            # A load turns this into a user error.
            return None
        return rows


@pytest.mark.parametrize("kind", READERS)
def test_valid_files_are_read(kind: str) -> None:
    """Otherwise damaged files could be refused for another reason than the damage."""
    make, valid = READERS[kind]
    # Compression does not depend on the content: one file of each kind is enough.
    compressed = next(name for name in valid if name != "parquet")
    for name, content in valid.items():
        for compress in COMPRESSIONS.values() if name == compressed else [COMPRESSIONS["plain"]]:
            found = read(make(), compress(content), set_aside.STRICT)
            assert found, name
            assert sum(found.values()), name


@pytest.mark.parametrize("kind", READERS)
def test_damaged_files(kind: str) -> None:
    make, valid = READERS[kind]

    @seed(int(os.environ.get("OBSLAKE_FUZZ_SEED", "1")))
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(content=files(valid), tolerance=st.sampled_from([set_aside.STRICT, set_aside.ANY]))
    def trial(content: bytes, tolerance: set_aside.Tolerance) -> None:
        read(make(), content, tolerance)

    trial()


TEXTS = st.text(max_size=12) | st.sampled_from(
    ["", '"', "a\nb", "a\r\nb", "\\", "x,y", "'", "\t", " x ", "NULL", "\u2028", "\ufeff", "\x00"]
)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_every_row_is_loaded_or_set_aside(form: str) -> None:
    """For any texts, no row is lost or duplicated."""
    write = {"csv": csv_text, "jsonl": jsonl, "parquet": parquet}[form]
    row = st.fixed_dictionaries(
        {
            "problem_id": TEXTS,
            "implementation_id": TEXTS,
            "test_id": st.none() | TEXTS,
            "output": TEXTS,
            "step_id": st.sampled_from(["0", "1", "x", ""]),
        }
    )

    @seed(int(os.environ.get("OBSLAKE_FUZZ_SEED", "1")))
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(rows=st.lists(row, min_size=1, max_size=30))
    def trial(rows: Rows) -> None:
        try:
            content = write(rows)
        except UnicodeEncodeError:
            return
        found = read(ObservationsReader(), content, set_aside.ANY)
        assert found is not None
        assert found["observations"] + found.get("quarantine", 0) == len(rows)

    trial()
