"""Nothing vanishes in silence: rows that share their keys, samples, studies under one name."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obslake.lakehouse.schemas import OBSERVATIONS
from obslake.load.repeats import Repeats
from obslake.load.strangers import Strangers

from tests.harness.lake import Lake, observation
from tests.loader.staging import EXAMPLES, case, suite
from tests.loader.test_recording import call, session
from tests.reference.naive import Observation, compute

TIME = datetime(2026, 1, 1, tzinfo=UTC)

# A row with its problem, test, implementation, attempt, output, duration and alternative.
Short = tuple[str, str, str, int, str | None, int, str | None]

SHORT_ROWS = st.lists(
    st.tuples(
        st.sampled_from("pq"),
        st.sampled_from("stu"),
        st.sampled_from(["a", "b", "c", "oracle"]),
        st.integers(0, 1),
        st.sampled_from([None, "1", "2"]),
        st.integers(0, 1),
        st.sampled_from([None, None, "x", "y"]),
    ),
    max_size=40,
)
_SORTED = ("problem_id", "test_id", "implementation_id", "attempt")
SIZES = st.lists(st.integers(0, 7), min_size=1, max_size=5)


def batches(rows: Sequence[Short], sizes: Sequence[int]) -> Iterator[pa.RecordBatch]:
    """Yield sorted rows of observations in batches of these sizes, over and over."""
    table = pa.table(
        {
            "data_set_id": pa.array(["d"] * len(rows), pa.string()),
            "problem_id": pa.array([row[0] for row in rows], pa.string()),
            "test_id": pa.array([row[1] for row in rows], pa.string()),
            "step_id": pa.array([0] * len(rows), pa.int32()),
            "implementation_id": pa.array([row[2] for row in rows], pa.string()),
            "environment_id": pa.array(["e"] * len(rows), pa.string()),
            "run_id": pa.array(["r"] * len(rows), pa.string()),
            "attempt": pa.array([row[3] for row in rows], pa.int32()),
            "output": pa.array([row[4] for row in rows], pa.string()),
            "response_kind": pa.array(["value"] * len(rows), pa.string()),
            "duration_ns": pa.array([row[5] for row in rows], pa.int64()),
            "alternative": pa.array([row[6] for row in rows], pa.string()),
            "observed_at": pa.array([TIME] * len(rows), pa.timestamp("us", "UTC")),
        }
    ).sort_by([(name, "ascending") for name in (*_SORTED, "alternative")])
    start = 0
    sizes = sizes if any(sizes) else [1]
    while start < len(rows):
        for size in sizes:
            yield from table.slice(start, size).combine_chunks().to_batches() or [
                pa.RecordBatch.from_pylist([], table.schema)
            ]
            start += size


# -- rows that share their keys ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@given(rows=SHORT_ROWS, sizes=SIZES)
@settings(max_examples=EXAMPLES * 2, deadline=None)
def test_repeats_are_counted_by_what_they_have_in_common(
    connection: duckdb.DuckDBPyConnection, rows: list[Short], sizes: list[int]
) -> None:
    repeats = Repeats(connection, "advice")
    for batch in batches(rows, sizes):
        repeats.add(batch)
    found = repeats.describe()
    of_key: dict[tuple[object, ...], list[Short]] = defaultdict(list)
    for row in rows:
        of_key[*row[:4], row[6]].append(row)
    exact = sum(len(same) - len(set(same)) for same in of_key.values())
    answers = {key: {row[4] for row in same} for key, same in of_key.items()}
    different = sum(len(its) - 1 for its in answers.values())
    total = len(rows) - len(of_key)
    if not total:
        assert found == []
        return
    (warning,) = found
    assert warning.startswith(f"{total} row")
    assert (
        f"exact duplicates: {exact}, other rows with the same response: {total - exact - different}, "
        f"with a different response: {different}; for example "
    ) in warning
    assert warning.endswith("(advice)") == (total > exact)
    if different:
        # The example is one of them.
        one, other = warning.partition("run r: ")[2].removesuffix(" (advice)").split(" and ")
        assert one != other


def test_all_rows_of_a_key_are_counted_however_many_batches_they_fill(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("obslake.load.appending._BATCH_ROWS", 2048)
    rows = [observation(test_id="t", output=str(n % 3)) for n in range(9_000)]
    (warning,) = lake.load("observations", lake.parquet("o.parquet", rows))["warnings"]
    assert warning.startswith("8,999 rows share problem, test, step, implementation, environment, ")
    assert "exact duplicates: 8,997, other rows" in warning
    assert "with a different response: 2; for example problem p, test t, step 0" in warning


def test_what_to_do_about_rows_that_share_their_keys(lake: Lake) -> None:
    rows = [observation(output=str(n)) for n in range(2)]
    (warning,) = lake.load("observations", lake.parquet("o.parquet", rows))["warnings"]
    for advice in (
        "--sample COLUMN",
        "--count-samples",
        "--map attempt=COLUMN",
        "run_id=COLUMN",
        "alternative=COLUMN",
    ):
        assert advice in warning
    exact = lake.load("observations", lake.parquet("e.parquet", [rows[0]] * 2), "--data-set", "e")
    assert "exact duplicates: 1" in exact["warnings"][0]
    assert "--sample" not in exact["warnings"][0]


def test_alternatives_of_the_oracle_do_not_share_their_keys(lake: Lake) -> None:
    """In one load, and with those of an earlier load of the same run, of a table that lacked the column."""
    rows = [
        observation(implementation_id="oracle", output=str(n), alternative=name)
        for n, name in enumerate((None, "a", "b"))
    ]
    assert lake.load("observations", lake.jsonl("o.jsonl", rows), "--run", "r")["warnings"] == []
    (warning,) = lake.load(
        "observations",
        lake.jsonl("d.jsonl", [*rows, {**rows[2], "output": "9"}]),
        "--data-set",
        "d",
    )["warnings"]
    assert warning.startswith("1 row shares problem, ")
    assert "with a different response: 1; for example problem p" in warning
    with lake.open().table(OBSERVATIONS).update_schema() as update:
        update.delete_column("alternative")
    more = [{**rows[0], "output": "7", "alternative": "c"}, rows[0]]
    report = lake.load("observations", lake.jsonl("m.jsonl", more), "--run", "r")
    (warning,) = [w for w in report["warnings"] if "loaded before" in w]
    assert warning.startswith("1 row has problem, test, ")
    lake.obslake("compact")
    assert len(lake.rows("observations", "alternative", data_set_id="default")) == 5


def test_repeats_in_recordings(lake: Lake) -> None:
    records = [session(), call(), session(), call(output='"f"')]
    (warning,) = lake.load("recording", lake.jsonl("r.jsonl", records))["warnings"]
    assert "with a different response: 1; for example problem slugs, test t" in warning
    assert "(record each run with a different --obslake-run)" in warning


def test_a_suite_that_ran_in_several_browsers_under_one_name(lake: Lake) -> None:
    """Cases that the reader numbers do not share their keys; cases in several files do."""
    report = suite("s", case("t") + case("t", "<failure/>"))
    numbered = lake.load("junit", lake.write("a.xml", report), "--run", "1")["warnings"]
    assert not any("share problem" in warning for warning in numbered)
    assert any("numbered in their order" in warning for warning in numbered)
    files = [
        lake.write(f"{browser}.xml", suite("s", case("t", content)))
        for browser, content in (("chrome", ""), ("firefox", "<failure/>"))
    ]
    warnings = lake.load("junit", *files, "--run", "2")["warnings"]
    assert "with a different response: 1; for example" in warnings[-1]


# -- samples -----------------------------------------------------------------------------------------


def sampled(lake: Lake) -> dict[str, list[str]]:
    """Return the outputs of each implementation, in the order of the tests."""
    found = defaultdict(list)
    for name, _, output in lake.rows("observations", "implementation_id", "test_id", "output"):
        found[name].append(output)
    return dict(found)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_samples_are_implementations_of_their_own(lake: Lake, form: str) -> None:
    rows = [
        observation(implementation_id="m", test_id=test, Completion=n, output=n)
        for n in range(2)
        for test in "ab"
    ]
    rows.append(observation(implementation_id="oracle", test_id="a", Completion=None, output=1))
    rows.append(observation(implementation_id="n", test_id="a", Completion=None, output=7))
    write = {"jsonl": lake.jsonl, "csv": lake.csv, "parquet": lake.parquet}[form]
    options = ["observations", write(f"o.{form}", rows), "--sample", "completion"]
    report = lake.load(*options, "--run", "r")
    assert report["warnings"] == []
    assert sampled(lake) == {
        "m#0": ["0", "0"],
        "m#1": ["1", "1"],
        "n": ["7"],
        "oracle": ["1"],
    }
    described = lake.rows("implementations", "implementation_id", "system", "variant")
    assert described == [("m#0", "m", "0"), ("m#1", "m", "1")]
    assert lake.load(*options, "--run", "r")["load_id"] is None


def test_samples_without_a_column_are_counted_in_their_order(lake: Lake) -> None:
    rows = [
        *(observation(implementation_id=i, output=n) for n in range(12) for i in "mn"),
        *(observation(implementation_id="m", test_id="u", output=n) for n in range(3)),
        *(observation(implementation_id="oracle", output=1) for _ in range(2)),
    ]
    report = lake.load("observations", lake.jsonl("o.jsonl", rows), "--count-samples")
    found = lake.rows("observations", "implementation_id", "test_id", "output")
    expected = [
        *((f"{i}#{n + 1}", "t", str(n)) for n in range(12) for i in "mn"),
        *((f"m#{n + 1}", "u", str(n)) for n in range(3)),
        *[("oracle", "t", "1")] * 2,
    ]
    assert sorted(found) == sorted(expected)
    (warning,) = report["warnings"]
    assert warning.startswith("1 row shares")
    assert "implementation oracle" in warning


@given(
    rows=st.lists(st.tuples(st.sampled_from("mn"), st.sampled_from("tu")), min_size=1, max_size=30)
)
@settings(max_examples=6, deadline=None)
def test_counted_samples_never_share_their_keys(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    lake = Lake(tmp_path_factory.mktemp("samples"))
    path = lake.jsonl(
        "o.jsonl",
        [observation(implementation_id=i, test_id=t, output=n) for n, (i, t) in enumerate(rows)],
    )
    report = lake.load("observations", path, "--count-samples", "--run", "r")
    assert not any("share" in warning for warning in report["warnings"])
    seen: Counter[tuple[str, str]] = Counter()
    expected = []
    for n, row in enumerate(rows):
        seen[row] += 1
        expected.append((f"{row[0]}#{seen[row]}", row[1], str(n)))
    found = lake.rows("observations", "implementation_id", "test_id", "output")
    assert sorted(found) == sorted(expected)


def test_pass_at_k_of_samples(lake: Lake) -> None:
    """Three of five samples pass: one of one drawn passes with 3/5."""
    results = ["passed", "failed: AssertionError", "passed", "timed out", "passed"]
    rows = [
        {"task_id": "HumanEval/0", "completion_id": n, "result": result}
        for n, result in enumerate(results)
    ]
    rows = [{**row, "implementation_id": "m", "test_id": "all"} for row in rows]
    names = ["--map", "problem_id=task_id", "--map", "output=result"]
    path = lake.jsonl("o.jsonl", rows)
    lake.load("observations", path, *names, "--sample", "completion_id")
    observations = [Observation(**row) for row in lake.rows("observations")]
    (problem,) = compute(observations).problem_assessments
    assert (problem.n_implementations, problem.n_passing_specified) == (5, 3)
    assert problem.specified_pass_at_k == 0.6


def test_a_column_that_may_tell_samples_apart_is_pointed_out(lake: Lake) -> None:
    rows = [observation(test_id=str(n), completion_id=n) for n in range(2)]
    (warning,) = lake.load("observations", lake.jsonl("o.jsonl", rows))["warnings"]
    assert "(--sample completion_id makes each sample an implementation of its own)" in warning


def test_samples_that_cannot_be_told_apart_are_refused(lake: Lake) -> None:
    path = lake.jsonl("o.jsonl", [observation(sample=1)])
    refused = lake.refused("observations", path, "--sample", "smaple")
    assert "--sample smaple:" in refused
    assert "has no column smaple" in refused
    both = ["--sample", "sample", "--count-samples"]
    assert "give one of them" in lake.refused("observations", path, *both)
    for options in (["--sample", "sample"], ["--count-samples"]):
        assert "an oracle has no samples" in lake.refused(
            "observations", path, *options, "--as-oracle"
        )
    refused = lake.refused("observations", path, "--count-samples", "--max-faulty", "1")
    assert "would shift the numbers" in refused


def test_samples_that_were_set_aside_keep_their_names(lake: Lake) -> None:
    rows = [observation(sample=n, duration_ns="soon" if n else "1") for n in range(2)]
    lake.load_partly("observations", lake.csv("o.csv", rows), "--sample", "sample")
    assert sampled(lake) == {"i#0": ["1"]}
    ((record,),) = lake.rows("quarantine", "record")
    assert '"sample":"1"' in record


# -- studies under one name --------------------------------------------------------------------------


@given(rows=SHORT_ROWS, sizes=SIZES)
@settings(max_examples=EXAMPLES * 4, deadline=None)
def test_implementations_without_a_common_test_are_found(
    rows: list[Short], sizes: list[int]
) -> None:
    strangers = Strangers()
    for batch in batches(rows, sizes):
        strangers.add(batch)
    found = strangers.describe()
    count = 0
    for problem in "pq":
        tests = defaultdict(set)
        for row in rows:
            if row[0] == problem and row[2] != "oracle":
                tests[row[1]].add(row[2])
        groups: list[set[str]] = []
        for names in tests.values():
            joined = [group for group in groups if group & names]
            groups = [group for group in groups if not group & names]
            groups.append(names.union(*joined))
        count += len(groups) > 1
    assert bool(found) == bool(count)
    if found:
        assert f"groups without a common test: {count}, so responses" in found[0]


def test_studies_under_one_name_are_pointed_out(lake: Lake, tmp_path: Path) -> None:
    rows = [
        *(observation(implementation_id=i, test_id=t) for i in "abcde" for t in ("t1", "t2")),
        *(observation(implementation_id=i, test_id=t) for i in "xy" for t in ("u1", "u2")),
        *(observation(implementation_id="oracle", test_id=t) for t in ("t1", "u1")),
    ]
    (warning,) = lake.load("observations", lake.parquet("o.parquet", rows))["warnings"]
    assert warning == (
        "problems whose implementations fall into groups without a common test: 1, so responses of different "
        "groups cannot be compared; for example problem p: a, b, c, … (5 in all) without x, y (if they belong to "
        "several studies, give each study a --data-set)"
    )
    rows.append(observation(implementation_id="x", test_id="t1"))
    path = lake.parquet("common.parquet", rows)
    assert lake.load("observations", path, "--data-set", "d")["warnings"] == []


# -- rows of earlier loads ---------------------------------------------------------------------------


def test_rows_that_an_earlier_load_of_the_same_run_has_loaded_are_counted(lake: Lake) -> None:
    """A resumed evaluation: the file has grown, one answer has changed, and the run has its old name."""
    rows = [observation(test_id=f"t{n}", output=n) for n in range(5)]
    first = lake.load("observations", lake.jsonl("a.jsonl", rows[:3]), "--run", "r")
    changed = observation(test_id="t2", output=7)
    path = lake.jsonl("b.jsonl", [*rows[:2], changed, *rows[3:]])
    (warning,) = lake.load("observations", path, "--run", "r")["warnings"]
    assert warning.startswith("3 rows have problem, test, step, implementation, environment, run ")
    assert "with the same response: 2, with a different response: 1" in warning
    assert first["load_id"] in warning
    # Other runs, environments and data sets have rows of their own.
    for options in (["--run", "s"], ["--run", "r", "--environment", "e"], ["--data-set", "d"], []):
        assert lake.load("observations", path, *options)["warnings"] == []


def test_loads_whose_rows_are_gone_are_not_compared(lake: Lake) -> None:
    first = lake.load("observations", lake.jsonl("first.jsonl", [observation()]))
    path = lake.jsonl("a.jsonl", [observation(output="2")])
    lake.load("observations", path, "--run", "r")
    lake.obslake("rollback", "--to", first["load_id"], "--yes")
    assert lake.load("observations", path, "--run", "r")["warnings"] == []


def test_forgotten_rows_are_not_compared(lake: Lake) -> None:
    lake.load("observations", lake.jsonl("a.jsonl", [observation()]), "--run", "r")
    lake.obslake("forget", "--data-set", "default", "--yes")
    path = lake.jsonl("b.jsonl", [observation(output="2")])
    assert lake.load("observations", path, "--run", "r")["warnings"] == []


def test_other_tests_of_a_run_are_not_repeats(lake: Lake) -> None:
    """Jobs of one pipeline load under one name."""
    for test in "abc":
        path = lake.jsonl(f"{test}.jsonl", [observation(test_id=test)])
        assert lake.load("observations", path, "--run", "r")["warnings"] == []


def test_rows_are_compared_after_a_compaction(lake: Lake) -> None:
    for n in range(3):
        lake.load(
            "observations", lake.jsonl(f"{n}.jsonl", [observation(test_id=str(n))]), "--run", "r"
        )
    lake.obslake("compact")
    again = lake.jsonl("again.jsonl", [observation(test_id="1", output="2")])
    (warning,) = lake.load("observations", again, "--run", "r")["warnings"]
    assert "with the same response: 0, with a different response: 1" in warning
    assert ", …" not in warning
