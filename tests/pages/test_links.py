"""Markdown files of the project have no broken links, by GitHub's rules."""

from pathlib import Path

import pytest

from tests.harness.commands import PROJECT
from tests.pages.markdown import anchors, dead_links, links, pages


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_are_not_broken(page: Path) -> None:
    assert dead_links(page, page.read_text()) == []


def test_every_page_in_docs_is_linked() -> None:
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in pages()
        for target in links(page.read_text())
    }
    decisions = PROJECT / "docs" / "decisions"
    alone = [page for page in (PROJECT / "docs").glob("*.md") if page not in linked]
    assert alone == []
    assert decisions in linked


def test_links_and_anchors_are_found() -> None:
    text = (
        "# One `two`: [three](x.md), (four)_5!\n## Twice\n## Twice\n"
        "```sh\n# no heading\n[no](link.md)\n```\n`[no](code.md)` [a](b.md#c 'd') [e](<f.md>)\n"
        '![i](images/j.svg "k")\n<img src="l.svg">\n[m]: n.md\n'
    )
    assert anchors(text) == {"one-two-three-four_5", "twice", "twice-1"}
    assert set(links(text)) >= {"x.md", "f.md", "images/j.svg", "l.svg", "n.md"}
    assert not {"link.md", "code.md"} & set(links(text))


def test_broken_files_anchors_and_images_are_reported() -> None:
    text = (
        "# Here\n[a](nothing.md) ![b](images/no.svg) [c](concepts.md#no) [d](concepts.md#srm) "
        "[e](#here) [f](#there)"
    )
    assert dead_links(PROJECT / "docs" / "new.md", text) == [
        "nothing.md: no such file",
        "images/no.svg: no such file",
        "concepts.md#no: no such heading",
        "#there: no such heading",
    ]
