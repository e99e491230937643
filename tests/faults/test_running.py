"""Commands that are paused while others clean up: the files they have written stay."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from obslake.cli.app import cli
from obslake.upkeep.verification import verify
from obslake.upkeep.verification.files import check_data_files
from obslake.upkeep.verification.report import Check

from tests.faults.commands import point_of, prepared
from tests.faults.trials import Findings, Killing, Lab

CLEAN = ("verify", "--deep", "--remove-orphans", "--older-than=0s")


@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("load published", "after _write_metadata 5"),
        ("compact", "before commit_table 1"),
        ("expire", "after _write_metadata 1"),
        ("rollback", "before commit_table 1"),
    ],
)
def test_files_of_a_running_command_are_not_removed(
    lab: Lab, findings: Callable[[str], Findings], name: str, point: str
) -> None:
    running = prepared(lab, name)
    lab.restore(name)

    _run_and_clean(lab, findings("running, while orphans are removed"), running, name, point)


def test_files_committed_during_the_search_for_orphans_are_not_removed(
    lab: Lab, findings: Callable[[str], Findings], monkeypatch: pytest.MonkeyPatch
) -> None:
    running = prepared(lab, "compact")
    lab.restore("compact")

    def check_slowly(*arguments: Any, **options: Any) -> Check:
        # After the metadata is read, the command commits and ends before its files are checked.
        lab.commands.go_on()
        deadline = time.monotonic() + 60
        while list(lab.home.glob(".compact-*")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return check_data_files(*arguments, **options)

    monkeypatch.setattr(verify, "check_data_files", check_slowly)
    found = findings("ended, while orphans are removed")
    _run_and_clean(lab, found, running, "compact", "before commit_table 1")


def _run_and_clean(lab: Lab, found: Findings, running: Killing, name: str, point: str) -> None:
    """Run a command, and remove orphan files while it waits at a point."""
    outputs = []

    def clean() -> None:
        outputs.append(CliRunner().invoke(cli, ["--home", str(lab.home), *CLEAN]))

    command = ("obslake", "--home", lab.home, *running.command)
    ended, came = lab.commands.run_with_pause(*command, at=point_of(name, point), action=clean)
    assert came
    assert [result.exit_code for result in outputs] == [0], outputs[0].output
    found.trials += 1
    found.check(name, ended, (0, 3))
    found.compare(name, lab.seen(), running.after)
    lab.obslake("verify", "--deep")
