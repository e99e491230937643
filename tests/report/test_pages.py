"""What `obslake report` writes, without a browser."""

import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from obslake.errors import ReportError
from obslake.report import problems
from obslake.report import write as writing
from obslake.report.overview import page_name, read_overview
from obslake.report.pages import _script

from tests.report.conftest import data_of, write
from tests.report.examples import HOSTILE, LONG, hostile, kinds, observation, revisions

Make = Callable[..., duckdb.DuckDBPyConnection]


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_same_marts_give_the_same_bytes(marts_of: Make, tmp_path: Path) -> None:
    observations, descriptions = revisions()
    marts = marts_of([*kinds(), *observations], descriptions)
    for name in ("one", "two", "one.html", "two.html"):
        write(marts, tmp_path / name)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_a_page_executes_and_requests_nothing_but_its_own_script(
    marts_of: Make, tmp_path: Path
) -> None:
    page = write(marts_of(hostile()), tmp_path / "report")
    for path in page.parent.rglob("*.html"):
        text = path.read_text()
        assert "default-src 'none'; script-src 'sha256-" in text
        assert "unsafe" not in text
        assert re.findall(r'\b(?:src|href)="(?!data:,)([^"]*)"', text.partition("<script")[0]) == []
        # Texts of data are in the title only, as text; all others are compressed.
        assert not [each for each in HOSTILE if each.startswith("<") and each in text]
        assert text.count("<script") == text.count("</script>") == 2


def test_a_report_replaces_a_report_and_nothing_else(marts_of: Make, tmp_path: Path) -> None:
    marts = marts_of(kinds())
    folder = tmp_path / "report"
    write(marts, folder)
    first = files(folder)
    (folder / "problems" / "stale.html").write_text("of an earlier report")
    write(marts, folder)
    assert files(folder) == first
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("<p>my own page")
    with pytest.raises(ReportError, match="other files than those of a report"):
        write(marts, tmp_path / "mine")
    assert list(tmp_path.glob(".obslake-*")) == []


def test_pages_have_names_of_their_own_on_any_file_system() -> None:
    names = [
        ("a", "b"),
        ("A", "b"),
        ("a-b", ""),
        ("a", "b."),
        ("../..", "x"),
        ("🦆", "🦢"),
        ("", ""),
    ]
    pages = [page_name("problems", *each) for each in names]
    assert len({page.lower() for page in pages}) == len(names)
    assert all(re.fullmatch(r"problems/[a-z0-9-]+\.html", page) for page in pages)
    assert len(page_name("problems", "x" * 500)) < 100


def test_what_a_page_has_no_room_for_is_stated(
    marts_of: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [observation("many", f"t{n:03}", name, str(n)) for n in range(150) for name in "ab"]
    rows += [observation("many", "t149", "c", "other")]
    monkeypatch.setitem(problems._LIMITS, "max_cells", 10)
    monkeypatch.setitem(problems._LIMITS, "max_characters", 10)
    marts = marts_of([*rows, observation("long", "t", "a", LONG)])
    folder = write(marts, tmp_path / "report").parent
    many = data_of(folder / page_name("problems", "examples", "many"))
    assert (len(many["stimuli"]["test"]), many["problem"]["stimuli"]) == (100, 150)
    # Those at which the votes differ most stay.
    assert "t149" in many["stimuli"]["test"]
    long = data_of(folder / page_name("problems", "examples", "long"))
    assert (long["answers"]["text"], long["answers"]["length"]) == ([LONG[:200]], [len(LONG)])


def test_a_single_file_says_which_problems_it_leaves_out(
    marts_of: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_SINGLE_FILE_BYTES", 1)
    marts = marts_of([*kinds(), observation("quiet", "t", "a", "1")])
    path = write(marts, tmp_path / "report.html")
    # The worst problem has a page in any case.
    assert data_of(path, page_name("problems", "examples", "kinds"))
    assert data_of(path, "overview")["left_out"].startswith(
        "This file has pages of the worst 1 of 2"
    )


def test_only_what_was_chosen_is_in_a_report(marts_of: Make) -> None:
    marts = marts_of([*kinds(), observation("quiet", "t", "a", "1")])
    assert read_overview(marts, [], ["quiet"]).problems["problem"] == ["quiet"]
    with pytest.raises(ReportError, match="no problem to report on"):
        read_overview(marts, ["other"], [])


def test_modules_share_one_scope_without_names_in_common() -> None:
    text = _script().text
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", text, re.MULTILINE)
    assert len(names) == len(set(names)) > 50
    assert not re.search(r"^(?:import|export) ", text, re.MULTILINE)
