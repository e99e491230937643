"""Builds with data tests, and the tests of a single mart for `make mart`."""

import re
from collections.abc import Callable

import pytest

from tests.harness.commands import PROJECT
from tests.harness.workspace import Workspace

MARTS = sorted(path.stem for path in (PROJECT / "models" / "marts").glob("*.sql"))

# Parameters that select the cases of one mart in tests of all marts.
_OF_ONE_MART = ("mart", "name")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mart", choices=MARTS, help="run only the tests of one mart")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests of all other marts if one is chosen."""
    mart = config.getoption("mart", None)
    if mart is None:
        return
    chosen = {mart, *data_tests_of(mart)}
    others = [item for item in items if not chosen.intersection(_parameters(item))]
    items[:] = [item for item in items if item not in others]
    config.hook.pytest_deselected(items=others)


def _parameters(item: pytest.Item) -> list[object]:
    callspec = getattr(item, "callspec", None)
    return [callspec.params.get(name) for name in _OF_ONE_MART] if callspec else []


def data_tests_of(mart: str) -> list[str]:
    """Return the names of the singular data tests that read a mart."""
    reads = re.compile(rf"\bref\('{mart}'\)")
    tests = sorted((PROJECT / "tests" / "dbt").glob("*.sql"))
    return [path.stem for path in tests if reads.search(path.read_text())]


@pytest.fixture(scope="session")
def build(pytestconfig: pytest.Config) -> Callable[[Workspace], None]:
    """Build all marts with data tests; for a chosen mart, all that its tests need, with its unit tests."""
    mart = pytestconfig.getoption("mart", None)

    def build_all(workspace: Workspace) -> None:
        # The demo corpus runs the unit tests, which read no data.
        no_unit_tests = ("--exclude-resource-type", "unit_test")
        workspace.dbt("--quiet", "--write-json", "build", *no_unit_tests)

    def build_one(workspace: Workspace) -> None:
        needed = [f"+{name}" for name in (mart, *data_tests_of(mart))]
        workspace.dbt("--quiet", "run", "--select", *needed)
        print(workspace.dbt("--write-json", "test", "--select", mart))

    return build_one if mart else build_all
