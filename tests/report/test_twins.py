"""Reports as Markdown and as JSON."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import duckdb
import pytest
from obslake.report.lineages import lineage_data
from obslake.report.overview import read_overview
from obslake.report.twins import to_json_twin, to_markdown

from tests.reference.naive import Description, Observation
from tests.report.examples import described, hostile, kinds, nights, observation, revisions

HEAD = "| Run | Environment | Data set | Reason |\n| --- | --- | --- | --- |\n"

Make = Callable[..., duckdb.DuckDBPyConnection]


def texts(
    marts_of: Make,
    observations: Sequence[Observation],
    descriptions: Sequence[Description] = (),
    **limits: int,
) -> tuple[str, Any]:
    """Return both forms of a report."""
    marts = marts_of(observations, descriptions)
    overview, lineages = read_overview(marts, [], []), list(lineage_data(marts))
    return to_markdown(overview, lineages, **limits), json.loads(
        to_json_twin(overview, lineages, **limits)
    )


def test_both_say_what_changed_and_what_to_look_at(marts_of: Make) -> None:
    observations, descriptions = revisions()
    markdown, found = texts(marts_of, [*observations, *kinds()], descriptions)
    assert "## `main` in `here`\n\nRevision `r2`: " in markdown
    assert "2 regressed" in markdown
    assert "| regressed | `also_regressed` | `suite` | `passed` | `failed@Assertion" in markdown
    assert "| 2 | `failed@AssertionError@expected …, got …` |" in markdown
    assert "| `steady` | 1 of 3 | `passed` | `failed@E@flaky` |" in markdown
    assert "| `kinds` | `examples` |" in markdown
    assert found["left_out"] == {"set_aside": 0, "lineages": 0, "problems": 0}
    assert found["lineages"][0]["revision"]["changes"]["regressed"] == 2
    assert [each["problem"] for each in found["problems"]] == ["kinds", "suite"]


def test_lineages_end_with_the_chosen_run(marts_of: Make) -> None:
    observations, descriptions = revisions()
    marts = marts_of([*observations, *kinds()], descriptions)
    # The first run of the second revision, which another one follows.
    overview = read_overview(marts, [], [], "run-24")
    assert overview.problems["problem"] == ["suite"]
    ((lineage,)) = overview.lineages
    assert (lineage["last"], lineage["revisions"], lineage["changes"]) == ("main@r1", 2, {})
    (parts,) = lineage_data(marts)
    assert [each["run"] for each in parts["slices"]] == ["run-0", "run-24"]
    assert parts["lineage"]["slices"] == 2
    assert [each["message"] for each in parts["failures"]] == ["failed@AssertionError@x"]
    markdown = to_markdown(overview, [parts])
    assert "Lineages end with run `run-24`." in markdown
    assert "Revision `r1`: no changes" in markdown
    # The marts collapse the runs of a revision, so the footer counts the later ones.
    assert overview.footer.endswith(
        " Lineages end with run run-24."
        " Changes and unstable responses include 2 later runs of the same revisions."
    )


def test_runs_that_are_set_aside_are_listed_and_shown_nowhere_else(marts_of: Make) -> None:
    observations, descriptions = nights()
    reason = "12 of 12 tests fail alike (Lost), unlike in the run before and the run after"
    row = {"run": "run-1", "environment": "here", "at": "2026-01-01 01:00:00", "reason": reason}
    markdown, found = texts(marts_of, observations, descriptions)
    line = f"| `run-1` | `here` | `examples` | `{reason}` |"
    assert f"Runs that are set aside, and count in nothing below:\n\n{HEAD}{line}\n" in markdown
    assert "Lost" not in markdown.replace(line, "")
    assert found["set_aside"] == [{**row, "data_set": "examples"}]
    assert found["left_out"]["set_aside"] == 0
    marts = marts_of(observations, descriptions)
    overview = read_overview(marts, [], [])
    assert json.loads(overview.to_json())["set_aside"] == found["set_aside"]
    (parts,) = lineage_data(marts)
    shown = {key: row[key] for key in ("run", "at", "reason")}
    assert parts["set_aside"] == {"n": 1, "runs": [shown]}
    assert [each["run"] for each in parts["slices"]] == ["run-0", "run-2"]
    # A later run does not change what is said about an earlier one; the chosen run says it of itself.
    assert read_overview(marts, [], [], "run-0").set_aside == []
    assert line in to_markdown(read_overview(marts, [], [], "run-1"), [])
    assert line not in to_markdown(read_overview(marts, [], [], "run-2"), [])


def test_classes_of_changes_that_reports_do_not_know_are_shown(marts_of: Make) -> None:
    observations, descriptions = revisions()
    marts = marts_of(observations, descriptions)
    marts.execute("update behavior_changes set change = 'of a later version' where change = 'gone'")
    overview = read_overview(marts, [], [], with_plots=True)
    (parts,) = lineage_data(marts)
    classes = ["regressed", "of a later version", "fixed", "new"]
    assert [name for name, _ in parts["classes"]] == classes
    assert [each["change"] for each in parts["changes"] if each["revision"] == 2] == [
        "regressed",
        *classes,
    ]
    assert json.loads(overview.to_json())["changes"] == classes
    assert "Revision `r2`: 2 regressed, 1 of a later version, 1 fixed, 1 new." in to_markdown(
        overview, [parts]
    )
    assert "r2, of a later version: 1 changes" in parts["drift"]


@pytest.mark.parametrize("most_bytes", [1_000, 5_000, 60_000])
def test_there_is_a_limit_and_what_it_cuts_is_counted(marts_of: Make, most_bytes: int) -> None:
    rows = [
        observation("suite", f"t{n}" * 20, f"main@r{r}", str(r * (n % 2)), run=r)
        for n in range(600)
        for r in (0, 1)
    ]
    rows += [observation(f"problem {n}", "t", "a", "1") for n in range(900)]
    descriptions = [described(f"main@r{r}", r, "suite") for r in (0, 1)]
    markdown, found = texts(marts_of, rows, descriptions, most_bytes=most_bytes)
    assert most_bytes / 2 < len(markdown.encode()) <= most_bytes
    assert "300 changed" in markdown
    assert " more changes: see `obslake report`" in markdown
    shown = markdown.count("| `problem ")
    assert f"{901 - shown - markdown.count('| `suite` | `ex'):,} more problems" in markdown
    assert len(json.dumps(found, separators=(",", ":"))) <= most_bytes
    assert found["left_out"]["problems"] == 901 - len(found["problems"]) > 0


def test_texts_stay_in_their_cells(marts_of: Make) -> None:
    rows = hostile()
    texts_of_cells = ["a | b", "`code`", "``", "\n# heading", "<b>"]
    rows += [observation(text, "t", "a", "1") for text in texts_of_cells]
    markdown, _ = texts(marts_of, rows)
    table = [line for line in markdown.splitlines() if line.startswith("|")]
    # Cells end where a bar without a backslash is.
    assert {line.replace("\\|", "").count("|") for line in table} == {11}
    assert "| `a \\| b` |" in markdown
    assert "| `` `code` `` |" in markdown
    assert "| ``` `` ``` |" in markdown
    assert "\u202e" not in markdown
    assert not [line for line in markdown.splitlines() if line.startswith("# heading")]
