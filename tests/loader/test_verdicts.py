"""Verdicts in the words of test harnesses are verdicts of the protocol, or the load says that they are values."""

import re
from pathlib import Path

import duckdb
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from obslake import engine
from obslake.load.sources import SQL
from obslake.load.sources.outputs import read_outputs
from obslake.load.sources.verdicts import OUTCOMES, TOKENS, normalize, outcome

from tests.harness.lake import Lake, observation
from tests.loader.staging import EXAMPLES
from tests.loader.test_observations import published

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "observations.md"

# The results of some harnesses, as they write them, and the verdicts that they mean.
IN_THE_FIELD = {
    "human-eval": {
        "passed": "passed",
        "failed: division by zero": "failed@@division by zero",
        "failed: ": "failed",
        "timed out": "$TIMEOUT",
        "timed out after 3 s": "$TIMEOUT@after 3 s",
    },
    "EvalPlus": {"pass": "passed", "fail": "failed", "timeout": "$TIMEOUT"},
    "LiveCodeBench": {
        "Wrong Answer": "failed",
        "Time Limit Exceeded": "$TIMEOUT",
        "Runtime Error": "error",
        "Compilation Error": "error",
        "Wrong answer at output_line_idx=0: No != Yes": "failed@@at output_line_idx=0: No != Yes",
        "Error during testing: EOF": "error@@during testing: EOF",
    },
    "MultiPL-E": {
        "OK": "passed",
        "Exception": "error",
        "SyntaxError": "error",
        "Timeout": "$TIMEOUT",
    },
    "online judges": {
        "AC": "passed",
        "WA": "failed",
        "TLE": "$TIMEOUT",
        "MLE": "$CRASH",
        "RE": "error",
        "TIME_LIMIT_EXCEEDED": "$TIMEOUT",
        "Accepted (AC)": "passed@(AC)",
    },
    "unittest": {
        "ok": "passed",
        "FAIL": "failed",
        "ERROR": "error",
        "skipped 'slow'": "skipped@'slow'",
        "expected failure": "skipped",
        "unexpected success": "passed",
    },
    "pytest": {
        "PASSED [ 50%]": "passed@[ 50%]",
        "FAILED": "failed",
        "XFAIL": "skipped",
        "XPASS": "passed",
    },
    "TAP": {
        "ok 1 - adds": "passed@1 - adds",
        "not ok 2 - adds": "failed@@2 - adds",
        "ok - adds": "passed@adds",
        "ok 3 # SKIP no network": "skipped@3 # SKIP no network",
        "not ok 4 - subtracts # TODO later": "skipped@4 - subtracts # TODO later",
    },
    "Jest, Mocha": {
        "passed": "passed",
        "failed": "failed",
        "pending": "skipped",
        "todo": "skipped",
    },
    "go test -json": {"pass": "passed", "fail": "failed", "skip": "skipped"},
    "CTest": {
        "Passed": "passed",
        "***Failed": "failed",
        "***Timeout": "$TIMEOUT",
        "***Not Run": "$*",
        "Not Run (Disabled)": "$*@(Disabled)",
    },
}


@pytest.mark.parametrize("harness", IN_THE_FIELD)
def test_the_words_of_a_harness(lake: Lake, harness: str) -> None:
    words = IN_THE_FIELD[harness]
    rows = [observation(test_id=word, result=word) for word in words]
    for name, path in (
        ("csv", lake.csv("r.csv", rows)),
        ("json", lake.jsonl("r.jsonl", rows)),
        ("parquet", lake.parquet("r.parquet", rows)),
    ):
        lake.load("observations", path, "--map", "output=result", "--data-set", name)
        found = lake.rows("observations", "test_id", "output", data_set_id=name)
        assert dict(found) == words


def test_the_words_of_a_harness_in_the_published_form(lake: Lake) -> None:
    outputs = ["PASSED", "FAILED: KeyError", "timed out"]
    rows = [published(step_id=n, output=output) for n, output in enumerate(outputs)]
    report = lake.load("observations", lake.parquet("o.parquet", rows))
    assert report["response_kinds"] == {"timeout": 1, "verdict": 2}
    assert "are translated: 3" in report["warnings"][0]


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    folder = tmp_path_factory.mktemp("verdicts")
    connection = engine.connect(temp_directory=folder, with_iceberg=False)
    engine.run_sql_file(connection, SQL / "protocol.sql")
    read_outputs(connection, [], "output", "response_kind", "auto")
    return connection


@given(
    word=st.sampled_from(sorted(OUTCOMES)),
    spell=st.lists(st.sampled_from(["lower", "upper", "_", "-", " "]), max_size=6),
    details=st.sampled_from(["", ": x", ":", " (x)", "@x", " 'x'", " - x", " 1 x", ": $TIMEOUT@"]),
)
@settings(max_examples=EXAMPLES, deadline=None)
def test_words_mean_the_same_in_any_spelling(
    reading: duckdb.DuckDBPyConnection, word: str, spell: list[str], details: str
) -> None:
    written = word
    for number, how in enumerate(spell, start=1):
        if how in ("lower", "upper"):
            written = getattr(written, how)()
        elif number < len(word):
            written = written[:number] + how + written[number:]
    # Such words begin the details.
    assume(not re.search(r"\s(-|after|at|during|in|with)\s", written))
    ((found, response, kind),) = reading.execute(
        "select harness_outcome($1), verdict_response($1), response_kind(verdict_response($1))",
        [written + details],
    ).fetchall()
    assert found == outcome(written) == OUTCOMES[word]
    assert response.partition("@")[0] == TOKENS[found]
    assert kind == {"passed": "verdict", "failed": "verdict", "error": "verdict"}.get(found, found)


@given(st.text(max_size=12))
@settings(max_examples=EXAMPLES, deadline=None)
def test_other_texts_are_no_verdicts(reading: duckdb.DuckDBPyConnection, text: str) -> None:
    ((found, words, response),) = reading.execute(
        "select harness_outcome($1), harness_words($1), verdict_response($1)", [text]
    ).fetchall()
    assert found == (outcome(words) if words else None)
    if found is None and text.lower() not in ("true", "false", "0", "1", "0.0", "1.0"):
        assert response == text


def test_verdict_words_are_verdicts_if_all_outputs_are(lake: Lake) -> None:
    outputs = ["passed", "failed: ", "failed: ValueError: a: b", "timed out", "OK", "SKIPPED"]
    rows = [observation(step_id=n, output=text) for n, text in enumerate(outputs)]
    report = lake.load("observations", lake.jsonl("o.jsonl", rows))
    assert [text for _, text in lake.rows("observations", "step_id", "output")] == [
        "passed",
        "failed",
        "failed@ValueError@a: b",
        "$TIMEOUT",
        "passed",
        "skipped",
    ]
    (note,) = report["warnings"]
    assert (
        "every response is a verdict; verdicts that are not in the protocol's words are translated: 5, such as "
        "'failed: ' in row 2: failed as failed (2), OK as passed (1), SKIPPED as skipped (1), timed out as "
        "$TIMEOUT (1)"
    ) in note


def test_verdict_words_among_other_outputs_stay_values(lake: Lake) -> None:
    rows = [observation(step_id=n, output=text) for n, text in enumerate(["ok", "42"])]
    report = lake.load("observations", lake.csv("o.csv", rows))
    assert lake.rows("observations", "step_id", "output") == [(0, "ok"), (1, "42")]
    assert "while others do not: 1, such as 'ok' in row 2; they are kept" in report["warnings"][0]


def test_the_table_of_words_is_documented() -> None:
    lines = [line for line in DOCUMENTATION.read_text().splitlines() if line.startswith("| ")]
    table = {
        cells[1].strip().replace(" ", "_"): (cells[2], cells[3].strip(" `"))
        for line in lines
        if len(cells := line.split("|")) > 3
    }
    for kind in sorted(set(OUTCOMES.values())):
        words, token = table[kind]
        listed = [normalize(word) for word in words.split(",")]
        assert {word: outcome(word) for word in listed} == dict.fromkeys(listed, kind)
        assert len(listed) == sum(found == kind for found in OUTCOMES.values())
        assert token == TOKENS[kind]


@pytest.mark.parametrize("output", ["True", "False", "undefined"])
def test_a_returned_value_is_not_a_verdict(lake: Lake, output: str) -> None:
    rows = [observation(step_id=n, output=output) for n in range(2)]
    lake.load("observations", lake.csv("o.csv", rows))
    assert lake.rows("observations", "output", "response_kind") == [(output, "value")] * 2


def test_verdict_words_among_other_strings_of_json_are_counted(lake: Lake) -> None:
    rows = [observation(step_id=n, output=text) for n, text in enumerate(["ok", "fine", "pass"])]
    report = lake.load("observations", lake.jsonl("o.jsonl", rows))
    assert "while others do not: 2, such as 'ok' in row 1; they are kept" in report["warnings"][0]
    assert ('"ok"',) in lake.rows("observations", "output")


# -- kinds that say otherwise ------------------------------------------------------------------------


def test_verdicts_that_are_called_values_are_verdicts(lake: Lake) -> None:
    """`passed` and `failed@…` are words of the protocol: without a note nobody would see what became of them."""
    outputs = ["passed", "failed@ValueError@x", "$TIMEOUT", "pass"]
    rows = [observation(step_id=n, output=o) for n, o in enumerate(outputs)]
    for number, some in enumerate((rows[:3], rows)):
        path = lake.csv(f"{number}.csv", [{**row, "response_kind": "value"} for row in some])
        report = lake.load("observations", path, "--data-set", str(number))
        assert (
            f"every response is a verdict or a token of the response protocol, so they have its kinds, although "
            f"response_kind calls them values: {len(some)}"
        ) in report["warnings"][0]
        kinds = report["response_kinds"]
        assert kinds == {"timeout": 1, "verdict": len(some) - 1}


def test_verdicts_among_values_are_kept_as_values_and_counted(lake: Lake) -> None:
    outputs = ["1", "passed", "$TIMEOUT", "ok"]
    rows = [observation(step_id=n, output=o, response_kind="value") for n, o in enumerate(outputs)]
    report = lake.load("observations", lake.parquet("o.parquet", rows))
    assert report["response_kinds"] == {"value": 4}
    similar, named = report["warnings"]
    assert "look like verdicts, while others do not: 1, such as 'ok' in row 4" in similar
    assert (
        "verdicts and tokens of the response protocol that response_kind calls values: 2, such as passed in row 2"
    ) in named


def test_a_kind_that_is_missing_follows_from_the_text(lake: Lake) -> None:
    rows = [
        observation(step_id=0, output="passed", response_kind=None),
        observation(step_id=1, output="1", response_kind="value"),
        observation(step_id=2, output="$TIMEOUT", response_kind="timeout"),
    ]
    report = lake.load("observations", lake.parquet("o.parquet", rows))
    assert report["response_kinds"] == {"timeout": 1, "value": 1, "verdict": 1}
    assert report["warnings"] == []


# -- verdicts only -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_flags_are_values_unless_they_are_said_to_be_verdicts(lake: Lake, form: str) -> None:
    rows = [
        {**observation(test_id="t"), "passed": True},
        {**observation(test_id="u"), "passed": False},
    ]
    for row in rows:
        del row["output"]
    write = {"jsonl": lake.jsonl, "csv": lake.csv, "parquet": lake.parquet}[form]
    options = ["observations", write(f"o.{form}", rows), "--map", "output=passed"]
    if form != "csv":
        (note,) = lake.load(*options, "--data-set", "values")["warnings"]
        assert "every response is true or false, read as a returned value" in note
        assert "--outputs verdicts" in note
        assert {o for (o,) in lake.rows("observations", "output")} == {"true", "false"}
    report = lake.load(*options, "--data-set", "verdicts", "--outputs", "verdicts")
    assert lake.rows("observations", "output", data_set_id="verdicts") == [
        ("failed",),
        ("passed",),
    ]
    assert "are translated: 2, such as" in report["warnings"][0]


@pytest.mark.parametrize("name", ["failed", "is_error", "Timeout"])
def test_flags_of_something_else_than_passing_are_not_verdicts(lake: Lake, name: str) -> None:
    rows = [{**observation(test_id=str(flag)), name: flag} for flag in (True, False)]
    options = ["observations", lake.jsonl("o.jsonl", rows), "--map", f"output={name}"]
    refused = lake.refused(*options, "--outputs", "verdicts")
    assert "row 1: a flag, but the column's name does not say passed" in refused
    assert not any("verdicts" in note for note in lake.load(*options)["warnings"])


def test_flags_in_a_column_of_another_name_are_values_without_a_note(lake: Lake) -> None:
    rows = [observation(test_id=str(flag), output=flag) for flag in (True, False)]
    assert lake.load("observations", lake.jsonl("o.jsonl", rows))["warnings"] == []


@pytest.mark.parametrize("output", ["meh", "-1", "", "[true]"])
def test_what_is_not_known_as_a_verdict_is_refused(lake: Lake, output: str) -> None:
    rows = [observation(step_id=n, output=o) for n, o in enumerate(["pass", "1", output])]
    refused = lake.refused(
        "observations", lake.jsonl("o.jsonl", rows), "--outputs", "verdicts", "--data-set", "d"
    )
    assert f"responses that are not known as verdicts: 1, such as {output!r} in row 3" in refused


def test_nulls_among_verdicts_were_not_executed(lake: Lake) -> None:
    rows = [observation(step_id=n, output=o) for n, o in enumerate(["pass", None, 0])]
    report = lake.load("observations", lake.jsonl("o.jsonl", rows), "--outputs", "verdicts")
    assert report["response_kinds"] == {"not_executed": 1, "verdict": 2}


def test_verdicts_that_are_said_to_be_values_are_counted(lake: Lake) -> None:
    rows = [observation(step_id=n, output=o) for n, o in enumerate(["pass", "failed"])]
    path = lake.jsonl("o.jsonl", rows)
    (note,) = lake.load("observations", path, "--outputs", "values")["warnings"]
    assert "every string is a verdict, but is read as a returned string: 2, such as 'pass'" in note
    assert lake.rows("observations", "output") == [('"failed"',), ('"pass"',)]
