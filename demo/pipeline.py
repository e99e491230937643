"""Simulates the CI pipelines of a small package, for `obslake gate`: python demo/pipeline.py FOLDER.

Ten revisions of the package are tested by pytest, one after another. Three things are planted: from r6 on discounts
are wrong, from r7 on the catalogue is slow, and one test depends on the clock and fails in r2, r4 and r8. The reports
are written as FOLDER/DATA_SET/LINEAGE/REVISION/ENVIRONMENT/RUN.xml:

    steady        ten nights in two environments; in r10 the tests of windows did not run
    out-of-order  r3 and r4 were tested after all others; FOLDER/revisions.csv says when revisions were made
    broken-night  in r5 the network was down
    skipped       the test of discounts was skipped in r5 and r6
    steady, too   two pull requests based on r5: lineage pr-7 breaks discounts, pr-8 breaks nothing
"""

import os
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

REVISIONS = tuple(f"r{number}" for number in range(1, 11))
DATA_SETS = ("steady", "out-of-order", "broken-night", "skipped")

_PACKAGE = '''\
"""A basket of goods."""

import time


def total(prices, discount=0):
    return sum(prices) * (100 {sign} discount) // 100


def catalogue():
    time.sleep({seconds})
    return ["apple", "bread", "cheese"]


def is_open(hour):
    return 8 <= hour < 20
'''

_TESTS = """\
import os

import pytest
from basket import catalogue, is_open, total


@pytest.fixture(autouse=True)
def shop():
    if os.environ["NETWORK"] == "down":
        raise ConnectionError("the shop does not answer")


@pytest.mark.parametrize("prices", [[], [1], [1, 2], [5, 5, 5], [100], [7, 3], [2, 2]])
def test_total(prices):
    assert total(prices) == sum(prices)


@pytest.mark.skipif(os.environ["SKIPPED"] == "yes", reason="prices are being changed")
def test_discount():
    assert total([100, 100], discount=10) == 180


def test_catalogue():
    assert len(catalogue()) == 3


def test_is_open_now():
    # The planted flake: tests of a clock pass in the daytime.
    assert is_open(int(os.environ["HOUR"]))


def test_is_closed_at_night():
    assert not is_open(3)


def test_is_open_at_noon():
    assert is_open(12)
"""

_TIMESTAMP = re.compile(r'timestamp="[^"]*"')
_TIME = re.compile(r' time="([^"]*)"')


def run_tests(
    revision: str, *, skipped: bool = False, network: str = "up", is_broken: bool | None = None
) -> str:
    """Return the JUnit XML of pytest for a revision of the package.

    Args:
        revision: r1 to r10.
        skipped: whether the test of discounts is skipped.
        network: `up` or `down`.
        is_broken: whether discounts are wrong; None: as in this revision of the main branch.
    """
    number = int(revision.removeprefix("r"))
    broken = number >= 6 if is_broken is None else is_broken
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        package = _PACKAGE.format(sign="+" if broken else "-", seconds=0.4 if number >= 7 else 0.01)
        (folder / "basket.py").write_text(package)
        (folder / "test_basket.py").write_text(_TESTS)
        environment = {
            **os.environ,
            "NETWORK": network,
            "SKIPPED": "yes" if skipped else "no",
            "HOUR": "22" if number in (2, 4, 8) else "10",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--junitxml=r.xml",
        ]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode not in (0, 1):
            raise RuntimeError(f"pytest failed:\n{done.stdout}{done.stderr}")
        # Machines on which much runs at once stall for some milliseconds, which nobody has planted.
        return _TIME.sub(
            lambda time: f' time="{max(float(time[1]) // 0.25 * 0.25, 0.01)}"',
            (folder / "r.xml").read_text(encoding="utf-8"),
        )


def write(folder: Path, place: str, report: str, day: int) -> None:
    """Write the report of a run that began on a day."""
    began = datetime(2025, 3, 1, 3, tzinfo=UTC) + timedelta(days=day)
    path = folder / f"{place}/{place.replace('/', '-')}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_TIMESTAMP.sub(f'timestamp="{began.isoformat()}"', report), encoding="utf-8")


def main(folder: Path) -> None:
    """Write all reports into a new folder."""
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        sys.exit(f"{folder} cannot be made: {error.strerror}")
    reports = {revision: run_tests(revision) for revision in REVISIONS}
    skipped = {revision: run_tests(revision, skipped=True) for revision in ("r5", "r6")}
    down = run_tests("r5", network="down")
    for day, revision in enumerate(REVISIONS):
        report = reports[revision]
        write(folder, f"steady/main/{revision}/linux", report, day)
        if revision != "r10":
            write(folder, f"steady/main/{revision}/windows", report, day)
        late = 20 if revision in ("r3", "r4") else 0
        write(folder, f"out-of-order/main/{revision}/linux", report, day + late)
        night = down if revision == "r5" else report
        write(folder, f"broken-night/main/{revision}/linux", night, day)
        write(folder, f"skipped/main/{revision}/linux", skipped.get(revision, report), day)
    write(folder, "steady/pr-7/pr-7-a/linux", run_tests("r5", is_broken=True), 30)
    write(folder, "steady/pr-8/pr-8-a/linux", reports["r5"], 31)
    dates = "".join(f"main,{r},2025-03-{day + 1:02}T00:00:00Z\n" for day, r in enumerate(REVISIONS))
    (folder / "revisions.csv").write_text(f"lineage,revision,revised_at\n{dates}", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("name a new folder for the reports: python demo/pipeline.py ci")
    target = Path(sys.argv[1])
    main(target)
    print(
        f"next: obslake load junit {target} --path-pattern "
        "'{data_set}/{lineage}/{revision}/{environment}/{run}.xml'\n"
        "      obslake build --quiet\n"
        "      obslake gate --data-set steady --head r6"
    )
