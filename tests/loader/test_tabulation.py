"""The copy of a JSON file in columns: numbers of lines, and spelling of values."""

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from obslake import engine
from obslake.load.sources import SQL, scans
from obslake.load.sources.files import SourceFile
from obslake.load.sources.relations import create_text_view
from obslake.load.sources.tabulation import tabulate

MODIFIED = datetime(2024, 1, 1, tzinfo=UTC)


def rows_of(
    connection: duckdb.DuckDBPyConnection, path: Path, columns: str
) -> list[tuple[object, ...]]:
    """Return columns of a file's rows, in the order of the copy; ``output`` keeps the spelling of numbers."""
    engine.run_sql_file(connection, SQL / "protocol.sql")
    file = SourceFile(path, path.name, "json", "uncompressed", "", MODIFIED)
    copy = tabulate(connection, file, exact=["output"], output="output")
    create_text_view(connection, "given_rows", [copy], with_records=True)
    return connection.execute(f"select {columns} from given_rows").fetchall()


@pytest.mark.parametrize("key", ["n", "file_row_number"])
@pytest.mark.parametrize("last", ["", '{"output": "1", "Output": "2"}\n'])
def test_rows_have_the_numbers_of_their_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, last: str
) -> None:
    """Also if a key is repeated in one line of many, which DuckDB has to look for."""
    # Small buffers, so that all threads have some of the lines.
    monkeypatch.setattr(scans, "LONGEST_JSON_LINE", 1 << 16)
    path = tmp_path / "rows.jsonl"
    n = 200_000
    path.write_text(
        "".join(f'{{"{key}": {i}, "output": "{i:0100}"}}\n' for i in range(1, n + 1)) + last
    )
    with engine.connect(temp_directory=tmp_path, with_iceberg=False, threads=4) as connection:
        found = rows_of(connection, path, f"cast({key} as bigint), _obslake_row")
    assert found[:n] == [(i, i) for i in range(1, n + 1)]
    assert found[n:] == ([(None, n + 1)] if last else [])


def test_negative_zeros_keep_their_sign_whatever_else_a_row_has(tmp_path: Path) -> None:
    texts = [
        "-0",
        "0",
        "[-0]",
        "[0]",
        "[0,-0]",
        '{"a":-0}',
        "[ -0 ]",
        "[-0.0]",
        "[10,-1]",
        '"-0"',
        '["-0",0]',
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f'{{"output": {text}, "step": "[:-0]"}}\n' for text in texts))
    with engine.connect(temp_directory=tmp_path, with_iceberg=False) as connection:
        found = [output for (output,) in rows_of(connection, path, "output")]
    expected = [text.replace(" ", "") for text in texts]
    expected[texts.index('"-0"')] = "-0"
    assert found == expected


def test_values_are_spelled_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    lines = [
        '{"output": "x", "step": 1e+22}',
        '{"Output": 1E400, "step": "1e+22"}',
        '{"OUTPUT": [1.50, "\\u0000"], "step": [1, 2.0]}',
        '{"output": 123456789012345678901234567890, "step": -0.0}',
        '{"output": "[1.50]", "step": null}',
        '{"output": null}',
        '{"step": true}',
    ]
    path.write_text("\n".join(lines))
    with engine.connect(temp_directory=tmp_path, with_iceberg=False) as connection:
        found = rows_of(connection, path, "output, step")
    assert found == [
        ("x", "1e22"),
        ("1E400", "1e+22"),
        (json.dumps([1.5, "\0"]).replace("1.5, ", "1.50,"), "[1,2.0]"),
        ("123456789012345678901234567890", "-0.0"),
        ("[1.50]", None),
        (None, None),
        (None, "true"),
    ]
