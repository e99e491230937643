"""The commands in the console blocks of the pages print the output shown there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace
from tests.pages.markdown import pages

BLOCKS = [
    pytest.param(command, shown, id=f"{page.stem}-{number}")
    for page in pages()
    for number, (command, shown) in enumerate(
        re.findall(r"^```console\n\$ (.*?)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    )
]


@pytest.mark.parametrize(("command", "shown"), BLOCKS)
def test_console_blocks(demo: Workspace, command: str, shown: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        shell=True,
        env={**os.environ, "PATH": path, "OBSLAKE_HOME": str(demo.home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip("\n") == shown.strip("\n")


def test_every_console_block_is_run() -> None:
    assert sum(page.read_text().count("```console") for page in pages()) == len(BLOCKS)


def test_there_are_fifteen_questions_three_of_them_in_the_readme() -> None:
    of_readme = [block for block in BLOCKS if str(block.id).startswith("README-")]
    assert (len(BLOCKS), len(of_readme)) == (15, 3)


def test_the_picture_shows_the_demo_corpus(demo: Workspace) -> None:
    """The matrix and the winners in docs/images/behaviour.svg are those of the demo corpus."""
    picture = (PROJECT / "docs" / "images" / "behaviour.svg").read_text()
    cells = re.findall(r'data-test="(.*?)" data-implementation="(.*?)">(.*?)<', picture)
    assert len(cells) == 3 * 4
    answers = {
        (test, implementation): re.sub(r"^\$EXCEPTION@(\w+)@.*", r"\1", response)
        for test, implementation, response in demo.query(
            "select test_id, implementation_id, response from srm('demo', 'slugify')"
        )
    }
    assert [cell for cell in cells if answers[cell[0], cell[1]] != cell[2]] == []
    winners = dict(re.findall(r'data-winner="(.*?)">(.*?)<', picture))
    for test, winner in winners.items():
        assert [c[2] for c in cells if c[0] == test].count(winner) >= 2


def test_the_readme_is_short() -> None:
    assert len((PROJECT / "README.md").read_text().splitlines()) <= 150
