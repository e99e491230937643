"""Histories of nights: their shape, and that a night is the same whichever others are made with it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bench.nights import History, generate, told

SMALL = History(environments=4, tests=200, problems=3, share=0.5, flaky=0.05)


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.read_parquet(str(folder / "observations.parquet")).create_view("observations")
        return connection.execute(query).fetchall()


def test_every_night_runs_every_test_in_a_share_of_the_environments(tmp_path: Path) -> None:
    generate(tmp_path / "all", replace(SMALL, flaky=0), "d", 0, 400)
    nights = "select run_id, count(*) filter (attempt = 0), count(distinct test_id) from observations group by all"
    assert {row[1:] for row in rows(tmp_path / "all", nights)} == {(400, 200)}
    ((failing, changing),) = rows(
        tmp_path / "all",
        """
        with verdicts as (
            select test_id, run_id, mode(output = 'passed') as passes from observations group by all
        ), changes as (
            select *, passes <> lag(passes) over (partition by test_id order by run_id) as is_changed from verdicts
        )
        select round(avg(1 - passes::int), 3), round(avg(is_changed::int), 3) from changes
        """,
    )
    assert (failing, changing) == (SMALL.failing, SMALL.changing)


def test_a_night_is_the_same_whichever_others_are_made_with_it(tmp_path: Path) -> None:
    generate(tmp_path / "three", SMALL, "d", 0, 3)
    generate(tmp_path / "last", SMALL, "d", 2, 1)
    last = rows(tmp_path / "last", "from observations order by all")
    assert len(last) > 400
    assert last == rows(
        tmp_path / "three", "from observations where run_id = 'night_00002' order by all"
    )


def test_figures_are_told() -> None:
    build = {"wall_seconds": 2.0, "cpu_seconds": 1.0, "peak_bytes": 10**9, "nodes": {"model": 1.25}}
    said = told(
        {
            "nights": 5,
            "problems": 3,
            "data_sets": 1,
            "observations": {"rows": 12_345},
            "load_of_one_more": {"wall_seconds": 1.5},
            **dict.fromkeys(("build", "build_with_one_more", "build_with_nothing_new"), build),
        }
    )
    assert "5 nights, 3 problems, 1 data sets: 12,345 verdicts" in said
    assert "| one more night | 2.0 | 1.0 | 1000 |" in said
    assert "model 1.2" in said


def test_nights_are_drawn_with_a_line_per_number_of_problems(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from bench.plot import draw_nights

    names = ("build", "build_with_one_more", "build_with_nothing_new")
    histories = [
        {"nights": nights, "problems": n, **{name: {"wall_seconds": nights / n} for name in names}}
        for nights in (50, 100)
        for n in (3, 300)
    ]
    pictures = [tmp_path / "one.svg", tmp_path / "two.svg"]
    draw_nights(histories, pictures[0])
    draw_nights(histories[::-1], pictures[1])
    one, two = (picture.read_text() for picture in pictures)
    assert one == two
    assert {"3 problems", "300 problems", "full build, s"} <= set(
        re.findall(">([^<]+)</text>", one)
    )
