"""`obslake export`: the rows of any mart in a file, sorted by key, or no file at all."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from obslake.errors import ExportError, ObslakeError, QueryError
from obslake.progress import Progress
from obslake.query import files, mart_rows
from obslake.query.export import Export, export
from obslake.query.mart_rows import KEY_COLUMNS

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace

MARTS = sorted(path.stem for path in (PROJECT / "models" / "marts").glob("*.sql"))

ODD = [
    "",
    " ",
    "NUL\x00",
    "line\nbreak\r",
    "'\"\\",
    '{"a": "\\ud800"}',
    "Ünïcödé 🦆 \u2028",
    "x" * 70_000,
]


def run(home: Path, mart: str, output: Path | str, **options: Any) -> Export:
    stdout = options.pop("stdout", io.BytesIO())
    with Progress(enabled=False).task("", "rows") as shown:
        return export(str(home), mart, str(output), shown, stdout=stdout, **options)


def lines(file: Path) -> list[dict[str, Any]]:
    with pa.input_stream(file, compression="detect") as stream:
        return [json.loads(line) for line in stream.read().decode().removesuffix("\n").split("\n")]


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows in the form of JSON Lines: times as ISO 8601 texts, maps as objects."""
    return json.loads(
        json.dumps(
            [
                {k: dict(v) if k == "attributes" and v else v for k, v in row.items()}
                for row in rows
            ],
            default=lambda moment: moment.isoformat(timespec="microseconds"),
        )
    )


@pytest.mark.parametrize("mart", MARTS)
def test_every_mart_in_the_order_of_its_key(demo: Workspace, tmp_path: Path, mart: str) -> None:
    parquet, jsonl = tmp_path / "rows.parquet", tmp_path / "rows.jsonl.zst"
    done = run(demo.home, mart, parquet)
    ((counted,),) = demo.query(f"select count(*) from {mart}")
    assert (done.rows, done.bytes) == (counted, parquet.stat().st_size)
    assert run(demo.home, mart, jsonl).bytes == jsonl.stat().st_size
    rows = pq.read_table(parquet).to_pylist()
    with duckdb.connect(demo.marts, read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        assert (
            rows
            == connection.execute(
                f"from {mart} order by {', '.join(k for k in KEY_COLUMNS if rows and k in rows[0]) or 1}"
            )
            .to_arrow_table()
            .to_pylist()
        )
    assert not rows or lines(jsonl) == plain(rows)


def test_rows_are_sorted_by_complete_keys(demo: Workspace) -> None:
    keys = {
        node["attached_node"].rpartition(".")[2]: node["test_metadata"]["kwargs"]["columns"]
        for node in demo.manifest()["nodes"].values()
        if node.get("test_metadata", {}).get("name") == "unique_combination"
    }
    assert keys.keys() >= set(MARTS)
    for mart in MARTS:
        assert set(keys[mart]) <= set(KEY_COLUMNS), mart


def test_batch_sizes_do_not_change_the_files(
    demo: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = {"problems": ["file_size", "lru_cache", "slugify"]}
    files = [tmp_path / name for name in ("one.jsonl", "two.jsonl", "one.parquet", "two.parquet")]
    for output in files[::2]:
        run(demo.home, "training_examples", output, **chosen)
    monkeypatch.setattr(mart_rows, "_QUERIED_ROWS", 100)
    monkeypatch.setattr(mart_rows, "_BATCH_ROWS", 30)
    run(demo.home, "training_examples", files[1], **chosen)
    run(demo.home, "training_examples", files[3], **chosen)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert pq.read_table(files[2]) == pq.read_table(files[3])
    assert {row["problem_id"] for row in lines(files[0])} == set(chosen["problems"])


@pytest.fixture
def marts(tmp_path: Path) -> Path:
    """A lakehouse with only a database of marts, with texts and numbers that are hard to export."""
    home = tmp_path / "lake"
    home.mkdir()
    rows = pa.table(
        {
            "data_set_id": ["d"] * len(ODD) + ["d", "d'; --"],
            "problem_id": ["p"] * len(ODD) + [None, "p"],
            "test_id": [*ODD, "n", "n"],
            "value": [0.1, 1e300, -0.0, float("nan"), float("inf"), None, 1 / 3, 5.0, 2.0, 3.0],
        }
    )
    with duckdb.connect(home / "obslake.duckdb") as connection:
        connection.execute('create table "odd; ""mart" as from rows')
        assert rows
    return home


def test_odd_texts_and_numbers(marts: Path, tmp_path: Path) -> None:
    parquet, jsonl = tmp_path / "odd.parquet", tmp_path / "odd.jsonl"
    run(marts, 'odd; "mart', parquet)
    run(marts, 'odd; "mart', jsonl)
    rows = pq.read_table(parquet).to_pylist()
    assert [row["test_id"] for row in rows] == [*sorted(ODD, key=str.encode), "n", "n"]
    # Problems without a name come after those of their data set.
    assert [(r["data_set_id"], r["problem_id"]) for r in rows[-2:]] == [
        ("d", None),
        ("d'; --", "p"),
    ]
    values = {row["test_id"]: row["value"] for row in lines(jsonl)}
    assert values.keys() == {*ODD, "n"}
    expected = dict(zip(ODD, [0.1, 1e300, -0.0, None, None, None, 1 / 3, 5.0], strict=True))
    assert {text: values[text] for text in ODD} == expected
    chosen = run(marts, 'odd; "mart', tmp_path / "one.jsonl", data_sets=["d'; --"], problems=["p"])
    assert chosen.rows == 1


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "no format": ({"output": "rows.csv"}, "choose a format with --format"),
    "parquet twice": ({"output": "rows.parquet.gz"}, "has its own compression"),
    "parquet to a pipe": ({"output": "-", "form": "parquet"}, "name a file"),
    "a folder": ({"output": ".", "form": "jsonl"}, "name a file"),
    "no folder": ({"output": "none/rows.jsonl"}, "there is no folder"),
    "a file": ({"output": "there.jsonl"}, "replace it with --force"),
    "a device": ({"output": "/dev/null", "form": "jsonl", "overwrite": True}, "name a file"),
    "no mart": ({"output": "rows.jsonl", "mart": "mart'"}, "there are odd; \"mart"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(marts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.jsonl").write_text("kept")
    options, message = REFUSALS[case]
    with pytest.raises(ExportError, match=message):
        run(marts, **{"mart": 'odd; "mart', **options})
    assert Path("there.jsonl").read_text() == "kept"
    assert {path.name for path in tmp_path.iterdir()} == {"lake", "there.jsonl"}


def test_marts_without_problems_are_not_chosen_by_them(demo: Workspace, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="runs has no problem_id"):
        run(demo.home, "runs", tmp_path / "runs.jsonl", problems=["p"])
    with pytest.raises(QueryError, match="run `obslake build`"):
        run(tmp_path, "runs", tmp_path / "runs.jsonl")


def test_unknown_names_are_refused(demo: Workspace, tmp_path: Path) -> None:
    for arguments, error in {
        ("runs", "--data-set=dmo"): "no data set 'dmo'; did you mean 'demo'?",
        ("--problem=slugfy",): "no problem 'slugfy'; did you mean 'slugify'?",
        ("--data-set=demo", "--problem=slugfy"): "no problem 'slugfy' in data set 'demo'; did you",
    }.items():
        said = demo.refused("export", *arguments, "-o", str(tmp_path / "rows.jsonl"))
        assert f"obslake: {error}" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_partial_file_is_never_visible(
    marts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    output = tmp_path / "rows.jsonl"
    output.write_text("before")

    def interrupt(self: object, data: bytes) -> int:
        raise error

    monkeypatch.setattr(files.Counted, "write", interrupt)
    with pytest.raises((KeyboardInterrupt, ObslakeError), match=r"$|No space left"):
        run(marts, 'odd; "mart', output, overwrite=True)
    monkeypatch.undo()
    assert output.read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} == {"lake", "rows.jsonl"}
    run(marts, 'odd; "mart', output, overwrite=True)
    assert len(lines(output)) == len(ODD) + 2


def test_a_problem_that_does_not_fit_into_memory(
    marts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with duckdb.connect(marts / "obslake.duckdb") as connection:
        connection.execute(
            "create table large as select 'd' as data_set_id, 'p' as problem_id, "
            "i::text as test_id, repeat(md5(i::text), 300) as content from range(20000) as r(i)"
        )
    monkeypatch.setenv("OBSLAKE_MEMORY_LIMIT", "100MB")
    with pytest.raises(QueryError, match="OBSLAKE_MEMORY_LIMIT=8GB"):
        run(marts, "large", tmp_path / "large.parquet")
    assert {path.name for path in tmp_path.iterdir()} == {"lake"}
    monkeypatch.setenv("OBSLAKE_MEMORY_LIMIT", "1GB")
    assert run(marts, "large", tmp_path / "large.parquet").rows == 20_000


def test_the_command(demo: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    report = demo.obslake("export", "consensus_oracles", "-o", str(file), "--problem", "slugify")
    assert report.startswith(f"{file}: {len(lines(file)):,} rows of consensus_oracles, ")
    assert "exists" in demo.refused("export", "consensus_oracles", "-o", str(file))
    done = json.loads(demo.obslake("export", "runs", "-o", str(file), "--force", "--json"))
    assert done == {
        "relation": "runs",
        "output": str(file),
        "format": "jsonl",
        "rows": len(lines(file)),
        "bytes": file.stat().st_size,
    }
    known = ("suspect_oracles", "--problem", "slugify")
    nothing = demo.run("obslake", "export", *known, "-o", str(tmp_path / "no.jsonl"))
    assert (nothing.returncode, (tmp_path / "no.jsonl").read_bytes()) == (0, b"")
    assert "suspect_oracles has no matching rows" in nothing.stderr


def test_a_reader_may_stop_early(demo: Workspace) -> None:
    command = [sys.executable, "-m", "obslake", "--home", str(demo.home), "export", "-o", "-"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["data_set_id"] == "demo"
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=20) == 1
