"""Texts from sources are never interpreted as SQL, Jinja, paths or patterns, from any reader to any result."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.harness.workspace import Workspace
from tests.loader.test_lasso import abstraction, oracle, step
from tests.loader.test_recording import call, lines, session, start
from tests.loader.test_recording import test as end

TEXTS = [
    "'; drop table behavior_clusters; --",
    '"quoted" "twice"; attach \'x.db\'',
    "{{ ref('x') }} {% raw %} {# x",
    "line\nbreak\ttab",
    "Ünïcödé 🦆 \u202e",
    "$EXCEPTION@x",
    "../../*?[a] %s $1 ? {0} \\",
    " ",
]
# The texts that XML can represent, without those whose leading or trailing blanks names do not keep.
NAMES = TEXTS[:3] + TEXTS[4:7]
DATA_SET, SPECIFIED = TEXTS[0], TEXTS[1]


@pytest.fixture(scope="module")
def hostile(make_workspace: Callable[[str], Workspace]) -> Workspace:
    """A lakehouse into which every reader has loaded such texts, with marts built with such a variable."""
    workspace = make_workspace("hostile '); -- {{")
    # A file name that is a pattern, and would end a literal.
    folder = workspace.folder / "o'b[s]* {{ x }}"
    folder.mkdir()
    for kind, path in (
        ("observations", _observations(folder)),
        ("implementations", _implementations(folder)),
        ("tests", _tests(folder)),
        ("runs", _runs(folder)),
        ("revisions", _revisions(folder)),
        ("measurements", _measurements(folder)),
        ("lasso", _export(folder)),
    ):
        # As text, because one of the responses is a token.
        as_text = ("--outputs", "text") if kind == "observations" else ()
        workspace.obslake("load", kind, str(path), "--data-set", DATA_SET, *as_text)
    workspace.obslake("load", "recording", str(_recording(folder)), "--data-set", "recorded")
    texts = {
        "implementation": TEXTS[2],
        "environment": TEXTS[0],
        "run": TEXTS[1],
        "lineage": TEXTS[6],
    }
    options = [part for option, text in texts.items() for part in (f"--{option}", text)]
    workspace.obslake("load", "junit", str(_report(folder)), "--data-set", "junit", *options)
    # The unit tests need the default name of the oracle.
    variables = json.dumps({"obslake_oracle": SPECIFIED})
    workspace.dbt("--quiet", "build", "--exclude", "test_type:unit", "--vars", variables)
    return workspace


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def _observations(folder: Path) -> Path:
    rows = (
        {
            "problem_id": problem,
            "implementation_id": implementation,
            "test_id": test,
            "environment_id": problem,
            "run_id": test,
            "operation": problem,
            "target": test,
            "inputs": json.dumps([problem]),
            "output": implementation,
        }
        for problem in TEXTS
        for implementation in TEXTS
        for test in TEXTS
    )
    return _write(folder / "observations.jsonl", rows)


def _implementations(folder: Path) -> Path:
    rows = (
        {
            **dict.fromkeys(("implementation_id", "system", "variant", "adapter"), text),
            **dict.fromkeys(("language", "origin", "licence", "content"), text),
            "problem_id": TEXTS[0],
        }
        for text in TEXTS
    )
    return _write(folder / "implementations.jsonl", rows)


def _tests(folder: Path) -> Path:
    rows = (
        {"problem_id": TEXTS[0], "test_id": text, "stimulus_sheet": text, "interface": text}
        for text in TEXTS
    )
    return _write(folder / "tests.jsonl", rows)


def _runs(folder: Path) -> Path:
    rows = (
        {
            "run_id": text,
            "environment_id": TEXTS[0],
            "git_branch": text,
            "pipeline": text,
            "attributes": {text: text},
        }
        for text in TEXTS
    )
    return _write(folder / "runs.jsonl", rows)


def _revisions(folder: Path) -> Path:
    rows = (
        {"lineage": text, "revision": text, "revised_at": "2024-01-01T00:00:00Z"} for text in TEXTS
    )
    return _write(folder / "revisions.jsonl", rows)


def _measurements(folder: Path) -> Path:
    rows = (
        {
            "problem_id": TEXTS[0],
            "subject_kind": "implementation",
            "subject_id": text,
            "metric": text,
            "value_text": text,
            "unit": text,
        }
        for text in TEXTS
    )
    return _write(folder / "measurements.jsonl", rows)


def _export(folder: Path) -> Path:
    cells = []
    for text in TEXTS:
        place = {"ABSTRACTIONID": "lasso", "SHEETID": text, "EXECUTIONID": text}
        cells += [abstraction("stimulussheet", text, **place), oracle(text, **place)]
        for system in TEXTS:
            cells += step(0, system, text, text, [json.dumps(text)], SYSTEMID=system, **place)
    path = folder / "srm.parquet"
    pq.write_table(pa.Table.from_pylist(cells), path)
    return path


def _recording(folder: Path) -> Path:
    records: list[dict[str, Any]] = [session(problem_id=TEXTS[2], implementation_id=TEXTS[0])]
    for text in TEXTS:
        records += [
            start(test_id=text),
            call(test_id=text, operation=text, output=json.dumps(text)),
            end(test_id=text),
        ]
    path = folder / "recording.jsonl"
    path.write_text(lines(records))
    return path


def _report(folder: Path) -> Path:
    cases = "".join(
        f"<testcase classname={quoteattr(name)} name={quoteattr(name)} time='0.1'>"
        f"<failure type={quoteattr(name)} message={quoteattr(name)}/></testcase>"
        for name in NAMES
    )
    path = folder / "report.xml"
    path.write_text(f"<testsuite name={quoteattr(NAMES[0])}>{cases}</testsuite>")
    return path


@pytest.mark.parametrize("problem", TEXTS)
def test_functions_answer_for_any_name(hostile: Workspace, problem: str) -> None:
    matrix = hostile.query(
        "select test_id, implementation_id, operation, inputs, response from srm(?, ?)",
        [DATA_SET, problem],
    )
    expected = [(t, i, problem, json.dumps([problem]), i) for t in TEXTS for i in TEXTS]
    assert sorted(matrix) == sorted(expected)
    cube = hostile.query(
        "select distinct run_id, environment_id from src(?, ?)", [DATA_SET, problem]
    )
    assert sorted(cube) == sorted((text, problem) for text in TEXTS)
    clusters = hostile.query("from clusters(?, ?)", [DATA_SET, problem])
    assert len(clusters) == len(TEXTS) - 1  # The specified oracle is in no cluster.
    specified = hostile.query(
        "select distinct specified_response from oracle(?, ?)", [DATA_SET, problem]
    )
    assert specified == [(SPECIFIED,)]
    different = hostile.query(
        "select distinct response_a, response_b from behavior_diff(?, ?, ?, ?)",
        [DATA_SET, problem, TEXTS[0], TEXTS[2]],
    )
    assert different == [(TEXTS[0], TEXTS[2])]


def test_descriptions_are_kept(hostile: Workspace) -> None:
    described = hostile.query(
        "select distinct implementation_id, system, variant, adapter, language, content, test_id, stimulus_sheet"
        " from actuations(?, ?)",
        [DATA_SET, TEXTS[0]],
    )
    implementations = [text for text in TEXTS if text != SPECIFIED]
    assert sorted(row for row in described if row[0] != SPECIFIED) == sorted(
        (*[i] * 6, t, t) for i in implementations for t in TEXTS
    )
    branches = hostile.query(
        "select run_id, git_branch, pipeline, attributes from runs where git_branch is not null "
        "and data_set_id = ?",
        [DATA_SET],
    )
    assert sorted((r, b, p, *a.items()) for r, b, p, a in branches) == sorted(
        (text, text, text, (text, text)) for text in TEXTS
    )
    revisions = hostile.obslake(
        "sql",
        "--json",
        "select lineage, revision from lake.implementations where revised_at is not null",
    )
    assert sorted((r["lineage"], r["revision"]) for r in json.loads(revisions)) == sorted(
        (text, text) for text in TEXTS
    )
    measured = hostile.query(
        "select subject_id, metric, value_text, unit from measurements where data_set_id = ?",
        [DATA_SET],
    )
    assert sorted(measured) == sorted((text,) * 4 for text in TEXTS)


def test_every_reader_keeps_the_texts(hostile: Workspace) -> None:
    tests = hostile.query(
        "select distinct test_id from stimulus_response_matrix where data_set_id = ? and problem_id = 'lasso'",
        [DATA_SET],
    )
    assert {test for (test,) in tests} == set(TEXTS)
    recorded = hostile.query(
        "select implementation_id, test_id, operation, response from srm('recorded', ?)", [TEXTS[2]]
    )
    assert sorted(recorded) == sorted((TEXTS[0], t, t, json.dumps(t)) for t in TEXTS)
    reported = hostile.query(
        "select implementation_id, environment_id, run_id, test_id, response "
        "from stimulus_response_matrix where data_set_id = 'junit' and problem_id = ?",
        [NAMES[0]],
    )
    context = (TEXTS[2], TEXTS[0], TEXTS[1])
    assert sorted(reported) == sorted((*context, n, f"failed@{n}@{n}") for n in NAMES)


def test_queries_may_contain_such_names(hostile: Workspace) -> None:
    literal = "'" + TEXTS[0].replace("'", "''") + "'"
    query = f"select problem_id from lake.observations where problem_id = {literal} limit 1"
    assert json.loads(hostile.obslake("sql", query, "--json")) == [{"problem_id": TEXTS[0]}]


@pytest.mark.parametrize("problem", TEXTS[:4])
def test_only_the_selected_rows_are_forgotten(hostile: Workspace, problem: str) -> None:
    named = ("--data-set", DATA_SET, "--problem", problem)
    report = json.loads(hostile.obslake("forget", *named, "--dry-run", "--json"))
    counted = {table["table"]: table["rows"] for table in report["tables"]}
    assert counted["observations"] == len(TEXTS) ** 2


def test_nothing_else_happened(hostile: Workspace) -> None:
    hostile.obslake("verify", "--deep")
    assert not list(Path.cwd().glob("x.db"))
    with duckdb.connect(hostile.marts, read_only=True) as connection:
        assert connection.execute("select count(*) > 0 from behavior_clusters").fetchall() == [
            (True,)
        ]
