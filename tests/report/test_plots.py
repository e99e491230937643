"""Plots: what they show is what SQL says, in files of three formats."""

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest
from obslake.cli.plot import NAMES
from obslake.errors import ReportError
from obslake.report.files import check_plot_file, write_plot_file
from obslake.report.overview import read_overview
from obslake.report.plots import PLOTS, Choice, write_plot
from obslake.report.trees import closest_first

from tests.harness.workspace import Workspace
from tests.report.examples import HOSTILE, described, hostile, kinds, observation, revisions

Make = Callable[..., duckdb.DuckDBPyConnection]

_SVG = "{http://www.w3.org/2000/svg}"


def labels(text: str) -> list[str]:
    """Return what the shapes of a plot mean."""
    return [each.text or "" for each in ElementTree.fromstring(text).iter(f"{_SVG}title")]


def texts(text: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(text).iter(f"{_SVG}text")]


def test_the_command_knows_all_plots() -> None:
    assert sorted(NAMES) == sorted(PLOTS)


def test_plots_show_what_the_marts_say(marts_of: Make) -> None:
    observations, descriptions = revisions()
    marts = marts_of([*kinds(), *observations], descriptions)
    read_overview(marts, [], [])
    drawn = {name: PLOTS[name](marts, Choice(problem="kinds")) for name in PLOTS}
    votes = labels(drawn["votes"] or "")
    assert "kinds, tie: 2 of 6" in votes
    assert "kinds, no votes: 1 of 6" in votes
    ((entropy,),) = marts.execute(
        "select entropy from problem_assessments where problem_id = 'kinds'"
    ).fetchall()
    assert f"kinds, entropy: {entropy:g} bits" in labels(drawn["entropy"] or "")
    assert "r2, regressed: 2 changes" in labels(drawn["drift"] or "")
    ((total,),) = marts.execute("select count(*) from stimulus_response_cube").fetchall()
    assert f"{total}" in texts(drawn["growth"] or "")
    pairs = marts.execute(
        "select implementation_a, implementation_b, agreement from implementation_agreements "
        "where problem_id = 'kinds'"
    ).fetchall()
    squares = labels(drawn["agreement"] or "")
    assert {
        f"{one} and {two}: {share:.1%}" for one, two, share in pairs if share is not None
    } <= set(squares)
    leaves = [
        text for text in texts(drawn["dendrogram"] or "") if text in squares or "@" not in text
    ]
    assert {"alpha", "beta", "gamma", "delta", "epsilon"} <= set(leaves)
    # Nothing says where implementations are from.
    assert drawn["pass-at-k"] is None


def test_the_closest_clusters_are_joined_first() -> None:
    shares = [
        [1.0, 0.2, 0.9, None],
        [0.2, 1.0, 0.4, 0.8],
        [0.9, 0.4, 1.0, 0.1],
        [None, 0.8, 0.1, 1.0],
    ]
    tree, leaves = closest_first(shares)
    assert leaves == [0, 2, 1, 3]
    assert tree == (
        pytest.approx((0.8 + 1 + 0.6 + 0.9) / 4),
        (pytest.approx(0.1), 0, 2),
        (pytest.approx(0.2), 1, 3),
    )


def test_pass_at_k_is_that_of_the_marts(demo: Workspace) -> None:
    with duckdb.connect(str(demo.marts), read_only=True) as marts:
        read_overview(marts, [], ["toml_parse"])
        drawn = write_plot(marts, "pass-at-k", Choice())
    assert "share" in texts(drawn)
    assert len(labels(drawn)) > 2


def test_hostile_names_stay_texts(marts_of: Make) -> None:
    rows = [
        observation("suite", name, f"main@r{n}", str(n), run=n) for name in HOSTILE for n in (0, 1)
    ]
    descriptions = [described(f"main@r{n}", n, "suite") for n in (0, 1)]
    marts = marts_of([*hostile(), *rows], descriptions)
    read_overview(marts, [], [])
    for name in PLOTS:
        text = PLOTS[name](marts, Choice(problem=HOSTILE[0])) or "<svg/>"
        names = {each.tag.removeprefix(_SVG) for each in ElementTree.fromstring(text).iter()}
        assert names <= {"svg", "style", "text", "rect", "title", "polyline"}
        assert "\u202e" not in text


def test_files_have_the_format_of_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text x="1" y="8">a</text></svg>'
    pytest.importorskip("vl_convert")
    for suffix, start in (("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        path = tmp_path / f"plot.{suffix}"
        check_plot_file(path)
        assert write_plot_file(path, svg) == path.stat().st_size
        assert path.read_bytes().startswith(start)
    with pytest.raises(ReportError, match=r"must end with \.svg, \.png or \.pdf"):
        check_plot_file(tmp_path / "plot.jpg")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ReportError, match=re.escape("pip install 'obslake[plot]'")):
        check_plot_file(tmp_path / "plot.png")


def test_the_command_draws(demo: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "drift.svg"
    said = demo.obslake("plot", "drift", "-o", str(path), "--lineage=humanize")
    assert said == f"{path}: {path.stat().st_size:,} bytes\n"
    assert "Changes by revision of humanize" in path.read_text()
    for arguments, error in {
        ("drift", "--lineage=humanise"): "no lineage 'humanise'; did you mean 'humanize'?",
        ("drift", "--environment=cpython-3.13"): "did you mean 'cpython-3.13-linux-x86_64'?",
        ("drift", "--lineage=humanize", "--environment=standards"): "a lineage of that name",
        ("entropy", "--data-set=dmo"): "no data set 'dmo'; did you mean 'demo'?",
        ("votes", "--lineage=humanize"): "are of drift, not of votes",
        ("agreement", "--problem=slugify", "--problem=json_parse"): "shows one problem",
        ("agreement", "--problem=slugfy"): "no problem 'slugfy'; did you mean 'slugify'?",
    }.items():
        assert error in demo.refused("plot", *arguments, "-o", str(path))
