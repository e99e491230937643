"""Loads never confuse different texts that have the same hash in DuckDB."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import HealthCheck, given, settings

from tests.harness.lake import Lake, observation
from tests.loader.test_lasso import step
from tests.loader.test_recording import call, session, start
from tests.reference.collisions import colliding_texts, some_colliding_texts

# The columns that assign a cell of an export to an actuation, with the column and form of their values.
NAMES = {
    "EXECUTIONID": ("run_id", "{}/execute"),
    "ABSTRACTIONID": ("problem_id", "{}"),
    "ACTIONID": ("run_id", "exec/{}"),
    "ARENAID": ("environment_id", "{}"),
    "SHEETID": ("test_id", "{}"),
    "SYSTEMID": ("implementation_id", "{}_original_0"),
    "VARIANTID": ("implementation_id", "s1_{}_0"),
    "ADAPTERID": ("implementation_id", "s1_original_{}"),
}


# Underscores are escaped in these columns.
ESCAPED = ("VARIANTID", "ADAPTERID")


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=colliding_texts())
def test_names_and_texts_of_an_export(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    few = texts[:40]
    cells = []
    expected = []
    for column, (kept_as, form) in NAMES.items():
        for number, text in enumerate(few):
            cells += step(0, str(number), "f()", "T", [column], **{column: text})
            name = text.replace("_", "%5F") if column in ESCAPED else text
            row = {**KEPT, kept_as: form.format(name), "inputs": json.dumps([column])}
            expected.append((*row.values(), str(number)))
    for y, text in enumerate(few, start=1):
        cells += step(y, text, f"{text}()", text, [text])
    lake.load("lasso", lake.parquet("export.parquet", cells))
    named = lake.rows("observations", *KEPT, "output", step_id=0)
    assert named == sorted(expected, key=repr)
    rows = sorted(lake.rows("observations"), key=lambda row: row["step_id"])[len(expected) :]
    assert [row["output"] for row in rows] == few
    assert [row["target"] for row in rows] == few
    assert [row["operation"] for row in rows] == [f"{text}()" for text in few]
    assert [json.loads(row["inputs"]) for row in rows] == [[text] for text in few]


# The values that the defaults of `cell` become.
KEPT = {
    "run_id": "exec/execute",
    "problem_id": "Stack",
    "environment_id": "arena",
    "test_id": "test1()",
    "implementation_id": "s1_original_0",
    "inputs": "",
}


def jsonl(lake: Lake, rows: list[dict[str, Any]]) -> Path:
    return lake.jsonl("rows.jsonl", rows)


def parquet(lake: Lake, rows: list[dict[str, Any]]) -> Path:
    return lake.parquet("rows.parquet", rows)


def csv(lake: Lake, rows: list[dict[str, Any]]) -> Path:
    return lake.csv("rows.csv", rows)


@pytest.mark.parametrize("write", [jsonl, parquet, csv])
def test_observations(lake: Lake, write: Callable[[Lake, list[dict[str, Any]]], Path]) -> None:
    texts = some_colliding_texts()
    columns = ("problem_id", "implementation_id", "test_id", "output", "environment_id", "run_id")
    rows = [
        observation(**{"environment_id": "e", "run_id": "r", column: text})
        for column in columns
        for text in texts
    ]
    report = lake.load("observations", write(lake, rows), "--outputs", "text")
    assert report["rows"]["observations"] == len(rows)
    expected = [tuple(row[column] for column in columns) for row in rows]
    assert lake.rows("observations", *columns) == sorted(expected, key=repr)
    again = lake.load("observations", write(lake, rows[:-1]), "--outputs", "text")
    assert again["rows"]["observations"] == len(rows) - 1


def test_test_reports(lake: Lake) -> None:
    texts = some_colliding_texts()
    cases = "".join(f"<testcase classname={quoteattr(t)} name={quoteattr(t)}/>" for t in texts)
    suites = "".join(
        f"<testsuite name={quoteattr(text)}>{cases if text == texts[0] else cases[:0]}"
        f"<testcase classname='c' name='n'/></testsuite>"
        for text in texts
    )
    file = lake.write("report.xml", f"<testsuites>{suites}</testsuites>")
    lake.load("junit", file, "--implementation", "i")
    found = lake.rows("observations", "problem_id", "test_id")
    assert {problem for problem, _ in found} == set(texts)
    assert len(found) == len(set(found)) == 2 * len(texts)


def test_recordings(lake: Lake) -> None:
    texts = some_colliding_texts()
    lines = [
        line
        for number, text in enumerate(texts)
        for line in (
            session(problem_id=text, implementation_id=text, run_id=text, environment_id=text),
            start(test_id=text),
            call(test_id=text, output=text, operation=text, observed_at=MOMENT),
            # Another step of the same test, with another text with the same hash.
            call(test_id=text, step_id=1, output=texts[number ^ 1], observed_at=MOMENT),
        )
    ]
    lake.load("recording", lake.jsonl("recording.jsonl", lines))
    found = lake.rows("observations", "problem_id", "implementation_id", "step_id", "output")
    expected = [
        (text, text, step_id, texts[number ^ step_id])
        for number, text in enumerate(texts)
        for step_id in (0, 1)
    ]
    assert found == sorted(expected, key=repr)


MOMENT = "2026-01-02T03:04:06.123456Z"


def test_descriptions(lake: Lake) -> None:
    texts = some_colliding_texts()
    lake.load("observations", lake.jsonl("rows.jsonl", [observation()]))
    implementations = [
        {"problem_id": "p", "implementation_id": text, "content": text} for text in texts
    ]
    tests = [{"problem_id": text, "test_id": text, "stimulus_sheet": text} for text in texts]
    lake.load("implementations", lake.jsonl("implementations.jsonl", implementations))
    lake.load("tests", lake.jsonl("tests.jsonl", tests))
    kept = lake.rows("implementations", "implementation_id", "content")
    assert set(kept) >= {(text, text) for text in texts}
    kept = lake.rows("tests", "test_id", "stimulus_sheet")
    assert set(kept) >= {(text, text) for text in texts}
