"""``obslake load lasso``: older and newer arena exports, and Solr exports of the candidates."""

import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obslake.errors import SourceRowError
from obslake.lakehouse.schemas import OBSERVATIONS
from obslake.load.sources import actuations
from obslake.load.sources import lasso as lasso_reader
from obslake.load.sources.base import Options
from obslake.load.sources.files import SourceFile

from tests.harness.lake import Lake

ARENA = "7c141a18-b8de-4943-9d3c-a354a1a8cccd"
OTHER_ARENA = "eb91c229-84a9-4df2-9bbe-9bba1f8daa39"
TIME = datetime(2025, 2, 9, 11, 34, 32, 638000, tzinfo=UTC)

Cell = dict[str, Any]


def cell(type_: str, value: str | None, x: int = 0, y: int = 0, **columns: object) -> Cell:
    """Return one cell of a newer export; ``columns`` replace its defaults."""
    return {
        "EXECUTIONID": "exec",
        "ABSTRACTIONID": "Stack",
        "ACTIONID": "execute",
        "ARENAID": ARENA,
        "SHEETID": "test1()",
        "SYSTEMID": "s1",
        "VARIANTID": "original",
        "ADAPTERID": "0",
        "X": x,
        "Y": y,
        "TYPE": type_,
        "VALUE": value,
        "RAWVALUE": value,
        "VALUETYPE": None,
        "LASTMODIFIED": TIME,
        "EXECUTIONTIME": 0,
        **columns,
    }


def oracle(value: str, y: int = 0, **columns: object) -> Cell:
    names = {"SYSTEMID": "oracle", "VARIANTID": "oracle", "ADAPTERID": "oracle"}
    return cell("value", value, 0, y, **{**names, **columns})


def abstraction(type_: str, value: str, **columns: object) -> Cell:
    names = {"SYSTEMID": "abstraction", "VARIANTID": "abstraction", "ADAPTERID": "abstraction"}
    return cell(type_, value, -1, -1, **{**names, **columns})


def step(
    y: int,
    response: str | None,
    op: str,
    target: str | None = None,
    inputs: Iterable[str] = (),
    **columns: object,
) -> list[Cell]:
    """Return the cells of one actuation in a newer export."""
    cells = [cell("value", response, 0, y, **columns), cell("op", op, 1, y, **columns)]
    if target is not None:
        cells.append(cell("service", target, 2, y, **columns))
    cells += [cell("input_value", v, x, y, **columns) for x, v in enumerate(inputs, start=3)]
    return cells


def older(type_: str, value: str | None, x: int = 0, y: int = 0, **columns: object) -> Cell:
    """Return one cell of an older export: a named arena, and the system in the sheet's name."""
    system = columns.get("SYSTEMID", "sys-a")
    defaults: Cell = {"ARENAID": "execute", "SYSTEMID": system, "SHEETID": f"push_{system}"}
    return cell(type_, value, x, y, **{**defaults, "LASTMODIFIED": TIME.isoformat(), **columns})


def test_newer_arena(lake: Lake) -> None:
    push = "public Object java.util.Stack.push(java.lang.Object)"
    cells = [
        *step(0, "$CUT@Stack@0", "public java.util.Stack()", "Stack"),
        # Written out of order: the arguments are ordered by X.
        *reversed(step(1, '"a"', push, "$CUT@Stack@0", ['"a"', "$CUT@Stack@0", "[1,2]", "plain"])),
        *step(2, "3", "int size()", "$CUT@Stack@0", EXECUTIONTIME=42),
        oracle("null", 0),
        oracle('"a"', 1),
        abstraction("stimulussheet", '{"cells":{"B1":"create"}}'),
        abstraction("interface", "Stack { push(Object)->Object }"),
    ]
    report = lake.load("lasso", lake.parquet("srm.parquet", cells), "--data-set", "d")

    assert report["rows"] == {"implementations": 1, "tests": 1, "runs": 1, "observations": 5}
    assert report["response_kinds"] == {"instance": 1, "not_executed": 1, "value": 3}
    created, pushed, sized = (
        lake.row("observations", implementation_id="s1_original_0", step_id=i) for i in range(3)
    )
    assert pushed == {
        "data_set_id": "d",
        "problem_id": "Stack",
        "test_id": "test1()",
        "step_id": 1,
        "implementation_id": "s1_original_0",
        "environment_id": "arena",
        "run_id": "exec/execute",
        "attempt": 0,
        "operation": push,
        "target": "$CUT@Stack@0",
        "inputs": '["a","$CUT@Stack@0",[1,2],"plain"]',
        "output": '"a"',
        "response_kind": "value",
        "duration_ns": None,
        "observed_at": TIME,
        "load_id": report["load_id"],
        "test_content_hash": hashlib.sha256(b'{"cells":{"B1":"create"}}').hexdigest(),
        "alternative": None,
    }
    assert (created["target"], created["inputs"]) == ("Stack", "[]")
    assert sized["duration_ns"] == 42

    # An undefined oracle is kept as a row without a response.
    columns = ("step_id", "output", "response_kind", "inputs")
    specified = lake.rows("observations", *columns, implementation_id="oracle")
    assert specified == [(0, "null", "not_executed", None), (1, '"a"', "value", None)]
    implementation = lake.row("implementations")
    assert [implementation[c] for c in ("system", "variant", "adapter")] == ["s1", "original", "0"]
    test = lake.row("tests")
    assert test["stimulus_sheet"] == '{"cells":{"B1":"create"}}'
    assert test["interface"] == "Stack { push(Object)->Object }"
    assert test["content_hash"] == hashlib.sha256(test["stimulus_sheet"].encode()).hexdigest()
    run = lake.row("runs")
    assert (run["environment_id"], run["source"], run["started_at"]) == ("arena", "lasso", TIME)
    assert run["attributes"] == {
        "execution_id": "exec",
        "action_id": "execute",
        "arena_id:Stack": ARENA,
    }


def test_random_arena_ids_are_one_environment(lake: Lake) -> None:
    cells = [
        *step(0, "1", "f", SYSTEMID="s1"),
        *step(0, "1", "f", SYSTEMID="s2", ARENAID=OTHER_ARENA),
        *step(0, "1", "f", ABSTRACTIONID="Queue", ARENAID=OTHER_ARENA),
    ]
    lake.load("lasso", lake.parquet("srm.parquet", cells))
    assert {r["environment_id"] for r in lake.rows("observations")} == {"arena"}
    attributes = lake.row("runs")["attributes"]
    assert attributes["arena_id:Stack"] == f"{ARENA},{OTHER_ARENA}"
    assert attributes["arena_id:Queue"] == OTHER_ARENA


def test_older_arena(lake: Lake) -> None:
    type_ = {"VALUETYPE": "Base64"}
    cells: list[Cell] = []
    for system in ("sys-a", "sys-b"):
        for arena in ("execute", "jacoco"):
            at = {"SYSTEMID": system, "ARENAID": arena}
            cells += [
                older("value", "_INSTANCE_", 0, 0, RAWVALUE=f"org.{system}", **type_, **at),
                older("op", f'"org.{system}.<init>(\\"x\\")"', 1, 0, **at),
                older("value", "_EXCEPTION_", 0, 1, RAWVALUE="java.lang.IllegalState", **at),
                older("op", "decode(byte[])", 1, 1, **at),
                older("input_value", '{"receiver":1}', 2, 1, **at),
                older("input_value", "[104,105]", 3, 1, **at),
                older("value", "_NOT_EXECUTED_", 0, 2, **at),
                older("value", "_NA_", 0, 3, **at),
                older("seq", "Base64 b = new Base64();", -1, -1, **at),
            ]
            # The oracle's rows are repeated for every system, in sheets with that system's name.
            names = {"SHEETID": f"push_{system}", "ARENAID": arena}
            cells.append(oracle("_INSTANCE_", 0, LASTMODIFIED=TIME.isoformat(), **names))
    report = lake.load("lasso", lake.csv("older.csv", cells))

    assert {r["test_id"] for r in lake.rows("observations")} == {"push"}
    assert report["rows"]["observations"] == 2 * 2 * 4 + 2
    row = {"implementation_id": "sys-a_original_0", "environment_id": "jacoco"}
    found = lake.rows("observations", "step_id", "output", "response_kind", **row)
    assert found == [
        (0, "$CUT@Stack@0", "instance"),
        (1, "$EXCEPTION@java.lang.IllegalState@", "exception"),
        (2, "$*", "not_executed"),
        (3, "$N/A", "not_serializable"),
    ]
    assert lake.row("observations", step_id=0, **row)["operation"] == 'org.sys-a.<init>("x")'
    decoded = lake.row("observations", step_id=1, **row)
    assert (decoded["operation"], decoded["target"]) == ("decode(byte[])", None)
    assert json.loads(decoded["inputs"]) == [{"receiver": 1}, [104, 105]]
    specified = lake.rows("observations", "environment_id", "output", implementation_id="oracle")
    assert specified == [("execute", "$CUT@Stack@0"), ("jacoco", "$CUT@Stack@0")]
    runs = {r["environment_id"]: r["attributes"] for r in lake.rows("runs")}
    assert set(runs) == {"execute", "jacoco"}
    assert runs["execute"] == {"execution_id": "exec", "action_id": "execute"}
    sequence = lake.row("measurements", environment_id="execute", subject_id="sys-a_original_0")
    assert (sequence["metric"], sequence["value"]) == ("seq", None)
    assert sequence["value_text"] == "Base64 b = new Base64();"
    assert sequence["scope"] == "push"


def test_void_is_recognised_by_signature_or_type(lake: Lake) -> None:
    cells = [
        *step(0, "null", "public void java.util.Stack.clear()"),
        *step(1, "null", "public java.lang.Object java.util.Stack.peek()"),
        *step(2, "null", "f()", VALUETYPE="void"),
        *step(3, "null", "public Object x.Y.f(void)"),
        *step(4, "1", "public void f()"),
        *step(5, "null", "public boolean my.avoid.f()"),
    ]
    lake.load("lasso", lake.parquet("srm.parquet", cells))
    kinds = [kind for _, kind in lake.rows("observations", "step_id", "response_kind")]
    assert kinds == ["void", "value", "void", "value", "value", "value"]


def test_measurements_and_mutants(lake: Lake) -> None:
    at = {"SHEETID": "jacoco", "X": -1, "Y": -1}
    cells = [
        cell("jacoco_class_line.total", "123", **at),
        cell("BRANCH_COVEREDRATIO", "0.5", **{**at, "SHEETID": "all"}),
        cell("mutation.status", "KILLED", VARIANTID="mutant7", **at),
        abstraction("n.tests", "4", SHEETID="all"),
        *step(0, "1", "f", VARIANTID="mutant7"),
        *step(0, "2", "f"),
    ]
    lake.load("lasso", lake.parquet("srm.parquet", cells))
    columns = ("metric", "subject_kind", "subject_id", "scope", "value", "value_text")
    assert lake.rows("measurements", *columns) == [
        ("BRANCH_COVEREDRATIO", "implementation", "s1_original_0", "all", 0.5, None),
        ("jacoco_class_line.total", "implementation", "s1_original_0", "jacoco", 123.0, None),
        ("mutation.status", "implementation", "s1_mutant7_0", "jacoco", None, "KILLED"),
        ("n.tests", "problem", "Stack", "all", 4.0, None),
    ]
    assert {r["run_id"] for r in lake.rows("measurements")} == {"exec/execute"}
    assert lake.rows("observations", "implementation_id", "output") == [
        ("s1_mutant7_0", "1"),
        ("s1_original_0", "2"),
    ]
    variants = lake.rows("implementations", "implementation_id", "variant")
    assert variants == [("s1_mutant7_0", "mutant7"), ("s1_original_0", "original")]


def test_an_actuation_spread_over_files_and_formats(lake: Lake) -> None:
    cells = step(0, '"a"', "f(String)", "$CUT@Stack@0", ['"x"', '"y"'])
    one = lake.parquet("one.parquet", [cells[0], cells[3]])
    two = lake.csv("two.csv", cells[1:])  # repeats the first argument
    lake.load("lasso", one, two)
    row = lake.row("observations")
    assert (row["output"], row["operation"], row["target"]) == ('"a"', "f(String)", "$CUT@Stack@0")
    assert row["inputs"] == '["x","y"]'


@pytest.mark.parametrize(
    ("contradiction", "message"),
    [
        (cell("value", "2", 0, 1), "two responses to one stimulus"),
        (cell("input_value", "2", 3, 1), "two values of one argument"),
    ],
)
@pytest.mark.parametrize("cells_per_batch", [1, actuations.CELLS_PER_BATCH])
def test_contradictory_cells_are_refused(
    lake: Lake,
    monkeypatch: pytest.MonkeyPatch,
    contradiction: Cell,
    message: str,
    cells_per_batch: int,
) -> None:
    monkeypatch.setattr(actuations, "CELLS_PER_BATCH", cells_per_batch)
    one = lake.parquet("one.parquet", step(1, "1", "f", "Stack", ["1"]))
    two = lake.parquet("two.parquet", [contradiction])
    refusal = lake.refused("lasso", one, two)
    assert refusal == (
        f"{message}: run exec/execute, problem Stack, test test1(), step 1, "
        "implementation s1_original_0\n  nothing was loaded"
    )


def test_contradictory_oracles_of_two_sheets_are_refused(lake: Lake) -> None:
    cells = [
        older("value", "1", SYSTEMID="a"),
        older("value", "1", SYSTEMID="b"),
        oracle("1", SHEETID="push_a", ARENAID="execute", LASTMODIFIED=TIME.isoformat()),
        oracle("2", SHEETID="push_b", ARENAID="execute", LASTMODIFIED=TIME.isoformat()),
    ]
    assert "implementation oracle" in lake.refused("lasso", lake.csv("older.csv", cells))


def test_optional_columns_may_be_missing_and_unknown_ones_are_reported(lake: Lake) -> None:
    required = ("EXECUTIONID", "ABSTRACTIONID", "ACTIONID", "SHEETID", "SYSTEMID", "X", "Y", "TYPE")
    cells = [
        {**{k: c[k] for k in (*required, "VALUE")}, "note": "n"} for c in step(0, "1", "f", "T")
    ]
    cells = [{k.lower(): v for k, v in c.items()} for c in cells]
    path = lake.csv("cells.csv", cells)
    report = lake.load("lasso", path)
    assert report["warnings"] == ["column note is not part of a LASSO export: left out"]
    row = lake.row("observations")
    assert (row["implementation_id"], row["environment_id"]) == ("s1", "arena")
    # A row without a time gets the file's modification time.
    assert row["observed_at"].timestamp() == pytest.approx(path.stat().st_mtime, abs=1e-3)


def test_unknown_content_is_reported(lake: Lake) -> None:
    cells = [c for y in range(3) for c in step(y, "1", "f")]
    cells[2] = {**cells[2], "X": "first", "LASTMODIFIED": "yesterday"}
    cells[4] = {**cells[4], "SHEETID": None}
    good = lake.csv("good.csv", step(9, "1", "f"))
    bad = lake.csv("bad.csv", cells)
    assert lake.refused("lasso", good, bad) == (
        "2 rows cannot be understood; nothing was loaded\n"
        f"  {bad}, row 4, column X: 'first' is not a value of type integer\n"
        f"  {bad}, row 6, column SHEETID: is missing\n"
        "  to set them aside and load the others, add --max-faulty 2"
    )
    other = lake.csv("other.csv", [{"problem_id": "p", "VALUE": 1}])
    refusal = lake.refused("lasso", other)
    assert refusal.startswith(f"{other}: not a LASSO arena export: no column EXECUTIONID, ")
    assert "its columns: problem_id, VALUE" in refusal
    assert "`obslake load observations`" in refusal


SOLR = {
    "responseHeader": {"status": 0},
    "response": {
        "numFound": 5,
        "docs": [
            {
                "id": "s1",
                "abstractionId": ["Stack", "Queue"],
                "lang": "java",
                "content": "class S {}",
                "m_static_loc_td": [12],
                "m_static_name_s": "S",
                "doctype_s": "class",
            },
            {"id": "s2", "abstractionId": "Stack", "m_static_loc_td": [7.5]},
            {"id": "s3", "m_static_loc_td": [1]},
            {"id": "s4", "abstractionId": []},
            {"abstractionId": ["Stack"]},
        ],
    },
}


def test_solr_export_alone(lake: Lake) -> None:
    report = lake.load("lasso", lake.write("candidates.json", json.dumps(SOLR, indent=2)))
    assert report["rows"] == {"implementations": 5, "measurements": 5}
    assert report["warnings"] == [
        "candidates without id: 1, left out",
        "candidates without abstractionId: 2, loaded without metrics",
    ]
    columns = ("system", "problem_id", "implementation_id", "language", "content", "content_hash")
    digest = hashlib.sha256(b"class S {}").hexdigest()
    assert lake.rows("implementations", *columns) == [
        ("s1", "Queue", None, "java", "class S {}", digest),
        ("s1", "Stack", None, "java", "class S {}", digest),
        ("s2", "Stack", None, None, None, None),
        ("s3", None, None, None, None, None),
        ("s4", None, None, None, None, None),
    ]
    measured = lake.rows(
        "measurements", "subject_id", "problem_id", "metric", "value", "value_text"
    )
    assert measured == [
        ("s1", "Queue", "m_static_loc_td", 12.0, None),
        ("s1", "Queue", "m_static_name_s", None, "S"),
        ("s1", "Stack", "m_static_loc_td", 12.0, None),
        ("s1", "Stack", "m_static_name_s", None, "S"),
        ("s2", "Stack", "m_static_loc_td", 7.5, None),
    ]
    assert {r["subject_kind"] for r in lake.rows("measurements")} == {"system"}
    assert "already loaded" in lake.obslake("load", "lasso", lake.folder / "candidates.json")[0]


def test_solr_export_together_with_cells(lake: Lake) -> None:
    solr = lake.write("candidates.json.gz", json.dumps(SOLR))
    report = lake.load("lasso", solr, lake.parquet("srm.parquet", step(0, "1", "f")))
    assert report["rows"]["observations"] == 1
    assert report["rows"]["implementations"] == 6
    found = lake.rows("implementations", "implementation_id", "content", system="s1")
    assert ("s1_original_0", None) in found
    assert (None, "class S {}") in found


def test_other_json_is_refused(lake: Lake) -> None:
    other = lake.write("other.json", '{"docs": []}')
    assert lake.refused("lasso", other) == f"{other}: not a Solr export: no array at response.docs"
    broken = lake.write("broken.json", '{"response": {"docs": [')
    assert re.fullmatch(
        f"{re.escape(str(broken))}: not readable as json: Malformed JSON .*",
        lake.refused("lasso", broken),
    )


@pytest.mark.parametrize("limit", ["PART_BYTES", "PIECE_BYTES", "PIECE_ROWS"])
@pytest.mark.parametrize("size", [1, 300, 2000])
def test_a_large_export_is_grouped_in_parts(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, limit: str, size: int
) -> None:
    cells = [
        made
        for problem in ("Stack", "Queue's", "é")
        for test in range(4)
        for system in ("s1", "s2")
        for y in range(3)
        for made in step(
            y, f"{test}{y}", "f(int)", "T", ["1", f'"{system}"', "1"],
            ABSTRACTIONID=problem, SHEETID=f"t{test}", SYSTEMID=system,
        )
    ]  # fmt: skip
    # Tokens of older arenas, a duplicate cell, and steps without a response.
    cells += [cell("value", "_INSTANCE_", SHEETID="t9"), cell("op", "f", 1, 5, SHEETID="t9")]
    cells += [
        older("value", "_EXCEPTION_", y=y, RAWVALUE=f"E{y}", LASTMODIFIED=TIME) for y in range(9)
    ]
    cells += [oracle("1", SHEETID=f"t{test}") for test in range(4)] + cells[:30]
    random.Random(0).shuffle(cells)
    file = lake.parquet("export.parquet", cells)
    whole = lake.load("lasso", file, "--data-set", "whole")
    monkeypatch.setattr(actuations, limit, size)
    random.Random(1).shuffle(cells)
    parts = lake.load("lasso", lake.parquet("again.parquet", cells), "--data-set", "parts")
    assert parts["rows"] == whole["rows"]
    assert parts["response_kinds"] == whole["response_kinds"]

    left_out = ("data_set_id", "load_id")
    columns = [c for c in OBSERVATIONS.column_names if c not in left_out]
    rows = lake.rows("observations", *columns, data_set_id="parts")
    assert len(rows) == 72 + 2 + 9 + 4
    assert rows == lake.rows("observations", *columns, data_set_id="whole")
    stored = lake.rows("observations", data_set_id="parts")
    keys = [tuple(row[c] for c in OBSERVATIONS.sort_columns) for row in stored]
    assert keys == sorted(keys)


def test_a_fault_in_the_last_part_leaves_nothing(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [made for y in range(20) for made in step(y, "1", "f")]
    cells.append(cell("value", "2", y=19))
    monkeypatch.setattr(actuations, "PART_BYTES", 100)
    monkeypatch.setattr(
        "obslake.lakehouse.datafiles.TableProperties.PARQUET_ROW_GROUP_LIMIT",
        "write.test-row-group",
    )
    monkeypatch.setattr(
        "obslake.lakehouse.datafiles.TableProperties.PARQUET_ROW_GROUP_LIMIT_DEFAULT", 4
    )
    message = lake.refused("lasso", lake.parquet("export.parquet", cells))
    assert "two responses to one stimulus" in message
    assert "step 19" in message
    assert not list(lake.home.rglob("warehouse/**/*.parquet"))


def test_each_implementation_keeps_its_arguments(lake: Lake) -> None:
    """Also if all of many implementations have different ones."""
    cells = [
        made
        for system in range(500)
        for made in step(
            0, "1", "f", "T", [str(system), '"a,b"', "plain"] + ["0"] * (system % 20),
            SYSTEMID=f"s{system:03}",
        )
    ]  # fmt: skip
    random.Random(0).shuffle(cells)
    lake.load("lasso", lake.parquet("export.parquet", cells))
    assert lake.rows("observations", "implementation_id", "inputs") == [
        (
            f"s{system:03}_original_0",
            "[" + ",".join([str(system), '"a,b"', '"plain"', *["0"] * (system % 20)]) + "]",
        )
        for system in range(500)
    ]


def test_arguments_may_have_any_position(lake: Lake) -> None:
    positions = (-(2**31), -1, 0, 2, 1000, 2**31 - 1)
    cells = [cell("input_value", str(x), x) for x in reversed(positions)]
    cells += [cell("input_value", None, 3), cell("value", "1")]
    lake.load("lasso", lake.parquet("export.parquet", cells))
    assert lake.row("observations")["inputs"] == "[-2147483648,-1,0,2,null,1000,2147483647]"


def test_the_greatest_of_several_texts_counts(lake: Lake) -> None:
    """Contradictions are refused only in responses and arguments."""
    cells = [
        *step(0, "1", "b()", "T"),
        *(cell("op", op, 1) for op in ("c()", "a()", "é()", "aa()")),
        *(cell("service", target, 2) for target in ("U", "Ta")),
    ]
    lake.load("lasso", lake.parquet("export.parquet", cells))
    row = lake.row("observations")
    assert (row["operation"], row["target"]) == ("é()", "U")


def test_different_identities_stay_different(lake: Lake) -> None:
    one = step(0, "1", "f()", SYSTEMID="a", VARIANTID="b_c", ADAPTERID="d")
    other = step(0, "2", "f()", SYSTEMID="a_b", VARIANTID="c", ADAPTERID="d")
    third = step(0, "3", "f()", SYSTEMID="a", VARIANTID=None, ADAPTERID="1")
    fourth = step(0, "4", "f()", SYSTEMID="a", VARIANTID="1", ADAPTERID=None)
    lake.load("lasso", lake.parquet("srm.parquet", [*one, *other, *third, *fourth]))
    assert sorted(lake.rows("observations", "implementation_id", "output")) == [
        ("a_1_", "4"),
        ("a__1", "3"),
        ("a_b%5Fc_d", "1"),
        ("a_b_c_d", "2"),
    ]


def test_older_oracles_of_systems_with_the_separator_in_their_names(lake: Lake) -> None:
    cells = [
        older("value", "1", SYSTEMID=system, SHEETID=f"t_{system}") for system in ("sys", "my_sys")
    ] + [
        older("value", "1", SYSTEMID="oracle", VARIANTID="oracle", SHEETID=f"t_{system}")
        for system in ("sys", "my_sys")
    ]
    lake.load("lasso", lake.parquet("old.parquet", cells))
    assert sorted(lake.rows("observations", "test_id", "implementation_id")) == [
        ("t", "my_sys_original_0"),
        ("t", "oracle"),
        ("t", "sys_original_0"),
    ]


def test_arguments_that_are_not_json_become_texts(lake: Lake) -> None:
    inputs = ["NaN", "-Infinity", "[1,]", "[1, NaN]", '"NaN, "', '["a,]"]', '{"inf":1}']
    lake.load("lasso", lake.parquet("srm.parquet", step(0, "1", "f()", "T", inputs)))
    text = lake.row("observations", implementation_id="s1_original_0")["inputs"]

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert json.loads(text, parse_constant=refuse) == [
        *inputs[:4],
        "NaN, ",
        ["a,]"],
        {"inf": 1},
    ]


def test_thousands_of_arguments(lake: Lake) -> None:
    cells = [cell("input_value", str(x), x) for x in range(3, 3003)] + [cell("value", "1")]
    cells += step(1, "2", "f()", "T", ["0"])
    lake.load("lasso", lake.parquet("export.parquet", cells))
    inputs = [json.loads(i) for _, i in lake.rows("observations", "step_id", "inputs")]
    assert inputs == [[*range(3, 3003)], [0]]


def test_missing_texts(lake: Lake) -> None:
    """A missing response was not executed, a missing argument is null."""
    cells = [
        *step(0, None, "f()", "T", ["1"]),
        *step(1, "1", "f()", "T"),
        *(cell(type_, None, y=1) for type_ in ("value", "op", "service")),
        cell("input_value", None, 3, 1),
        cell("comment", None, 0, 2),
        # Unknown types at the places of known cells.
        cell("exception_class", "E", 0, 3),
        cell("valuetype", "void", 0, 3),
    ]
    lake.load("lasso", lake.parquet("export.parquet", cells))
    columns = ("step_id", "output", "response_kind", "operation", "target", "inputs")
    assert lake.rows("observations", *columns) == [
        (0, None, "not_executed", "f()", "T", "[1]"),
        (1, "1", "value", "f()", "T", "[null]"),
        (2, None, "not_executed", None, None, "[]"),
        (3, None, "not_executed", None, None, "[]"),
    ]
    contradiction = lake.parquet("other.parquet", step(0, "1", "f()", "T", [None, "1"]))
    lake.load("lasso", contradiction)
    cells.append(cell("input_value", "1", 3, 1))
    refusal = lake.refused("lasso", lake.parquet("contradictory.parquet", cells))
    assert refusal.startswith("two values of one argument: ")


def test_a_step_of_a_high_number_takes_no_memory(lake: Lake) -> None:
    cells = [cell("value", str(y), 0, y) for y in (0, 2**31 - 1)]
    lake.load("lasso", lake.parquet("export.parquet", cells))
    assert lake.rows("observations", "step_id", "output") == [(0, "0"), (2**31 - 1, str(2**31 - 1))]


@pytest.mark.parametrize(
    ("file", "hashed"),
    [
        ("lasso_texts", "hash(text), hash(md5_number(getvariable('hash_salt') || text))"),
        ("lasso_names", "hash(getvariable('hash_salt'), type, x)"),
    ],
)
def test_texts_with_the_same_hash_are_told_apart(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, file: str, hashed: str
) -> None:
    """Hashes collide with each of the first two salts."""
    few = "if(coalesce(getvariable('hash_salt') < '2', true), {0} % 2, {0})"
    colliding = ", ".join(few.format(part) for part in re.split(r"(?<=text\)), ", hashed))
    run_sql_file = lasso_reader.run_sql_file
    salts = []

    def run(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        if path.stem != file:
            run_sql_file(connection, path)
            return
        text = path.read_text()
        assert hashed in text
        connection.execute(text.replace(hashed, colliding))

    def salted() -> Iterator[str | None]:
        for salt in (None, "1", "2", "3"):
            salts.append(salt)
            yield salt

    monkeypatch.setattr(lasso_reader, "run_sql_file", run)
    monkeypatch.setattr(lasso_reader, "_salts", salted)
    cells = [made for y in range(5) for made in step(y, str(y), "f()", "T", [str(-y)])]
    lake.load("lasso", lake.parquet("export.parquet", cells))
    assert salts == [None, "1", "2"]
    found = lake.rows("observations", "step_id", "output", "inputs")
    assert found == [(y, str(y), f"[{-y}]") for y in range(5)]


@st.composite
def exports(draw: st.DrawFn) -> list[Cell]:
    """Cells with few names and texts, so that many belong to one actuation."""
    few = st.integers(0, 2)
    made = []
    for _ in range(draw(st.integers(1, 40))):
        type_, x = draw(
            st.sampled_from(
                [("value", 0), ("op", 1), ("service", 2), ("input_value", 3), ("input_value", 7)]
            )
        )
        # Mostly a text determined by the place, so that few cells contradict each other.
        text = draw(st.sampled_from([f"{type_}{x}"] * 30 + ["another", None]))
        names = {"ABSTRACTIONID": f"p{draw(few)}", "SHEETID": f"t{draw(few)}"}
        system = {"SYSTEMID": draw(st.sampled_from(["s0", "s1", "oracle"])), "VARIANTID": None}
        time = {"LASTMODIFIED": TIME + timedelta(seconds=draw(few))}
        made.append(cell(type_, text, x, draw(few), ADAPTERID=None, **names, **system, **time))
    return made


def expected(cells: list[Cell]) -> list[tuple[Any, ...]] | None:
    """Group cells one by one: key, texts, arguments and time; None if they contradict each other."""
    found: dict[tuple[Any, ...], dict[Any, Any]] = {}
    for c in cells:
        key = (c["ABSTRACTIONID"], c["SHEETID"], c["Y"], c["SYSTEMID"])
        actuation = found.setdefault(key, {"time": c["LASTMODIFIED"]})
        actuation["time"] = max(actuation["time"], c["LASTMODIFIED"])
        if c["TYPE"] == "input_value":
            if actuation.setdefault(c["X"], c["VALUE"]) != c["VALUE"]:
                return None
        elif c["VALUE"] is not None:
            before = actuation.setdefault(c["TYPE"], c["VALUE"])
            if c["TYPE"] == "value" and before != c["VALUE"]:
                return None
            actuation[c["TYPE"]] = max(before, c["VALUE"])
    return [
        (
            *key,
            actuation.get("op"),
            actuation.get("service"),
            actuation.get("value"),
            None if key[-1] == "oracle" else [actuation[x] for x in (3, 7) if x in actuation],
            actuation["time"],
        )
        for key, actuation in sorted(found.items())
    ]


@given(
    cells=exports(),
    part_bytes=st.sampled_from([1, 100, 1 << 20]),
    cells_per_batch=st.sampled_from([1, 3, 1 << 17]),
)
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_cells_are_grouped_as_if_one_by_one(
    tmp_path: Path, cells: list[Cell], part_bytes: int, cells_per_batch: int
) -> None:
    path = tmp_path / "export.parquet"
    pq.write_table(pa.Table.from_pylist(cells), path)
    file = SourceFile(path, path.name, "parquet", "uncompressed", "", TIME)
    with pytest.MonkeyPatch.context() as patch, duckdb.connect() as connection:
        patch.setattr(actuations, "PART_BYTES", part_bytes)
        patch.setattr(actuations, "CELLS_PER_BATCH", cells_per_batch)
        connection.execute("set TimeZone = 'UTC'")
        staged = lasso_reader.LassoReader().stage(connection, [file], Options())
        assert staged.observations is not None
        if (rows := expected(cells)) is None:
            with pytest.raises(SourceRowError, match=r"two (responses|values)"):
                list(staged.observations)
            return
        found = pa.Table.from_batches(staged.observations).to_pylist()
    names = (
        "problem_id",
        "test_id",
        "step_id",
        "implementation_id",
        "operation",
        "target",
        "output",
    )
    assert [
        (
            *(row[name] for name in names),
            row["inputs"] and json.loads(row["inputs"]),
            row["observed_at"],
        )
        for row in found
    ] == rows
