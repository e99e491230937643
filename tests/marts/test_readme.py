"""The README tells the truth: its console blocks print what they show."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace

README = (PROJECT / "README.md").read_text()
BLOCKS = re.findall(r"```console\n\$ (.*?)\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("command", "shown"), BLOCKS, ids=range(len(BLOCKS)))
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


def test_there_are_fourteen_questions() -> None:
    assert len(BLOCKS) == 14


def test_links_lead_somewhere() -> None:
    for page in [PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
