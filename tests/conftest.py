"""Fixtures: the command line and dbt as processes, each with its own lakehouse."""

import gc
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# Otherwise its pytest plugin imports it after the last test, when Python 3.11 may fail to compile it.
import hypothesis  # noqa: F401
import pytest
from xdist.remote import Producer

from tests.harness.commands import PROJECT
from tests.harness.dealing import Dealing, in_order
from tests.harness.extensions import trust_extensions
from tests.harness.shared import SharedFolders
from tests.harness.workspace import Workspace

# More than a run of all tests leaves behind in temporary folders.
_ROOM_BYTES = 8 << 30

trust_extensions()


class NoPandas(MetaPathFinder):
    """Reports pandas as missing at once: DuckDB looks for it twice per query parameter."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        """Refuse pandas, and leave all other modules to other finders."""
        if name == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'", name="pandas")


if find_spec("pandas") is None:
    sys.meta_path.insert(0, NoPandas())


def configure_catalog(monkeypatch: pytest.MonkeyPatch, **properties: str) -> None:
    """Set properties of PyIceberg's catalog for started processes, with two underscores for each dot."""
    for name, value in properties.items():
        # PyIceberg reads the environment when it is imported.
        monkeypatch.setenv(f"PYICEBERG_CATALOG__OBSLAKE__{name.upper()}", value)


def pytest_configure() -> None:
    """Keep temporary files in memory if it is large enough: catalogs and databases wait for disks to commit."""
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


def pytest_collection_finish() -> None:
    """Collect garbage less often, and not among what all tests import: it takes a tenth of their time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Dealing | None:
    """Deal out tests with this project's scheduler if `--dist loadfile` is set."""
    return Dealing(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort tests in the order in which they are dealt out; without workers keep their order."""
    if hasattr(config, "workerinput"):
        items[:] = in_order(items)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty folder for a lakehouse."""
    return Workspace(tmp_path)


@pytest.fixture(scope="session")
def make_workspace(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Workspace]:
    """Create workspaces that live as long as the session."""
    return lambda name: Workspace(tmp_path_factory.mktemp(name))


@pytest.fixture(scope="session")
def shared_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedFolders]:
    """Folders built once for all processes of the session; no test may write to them."""
    folders = SharedFolders(tmp_path_factory)
    yield folders
    folders.check_unchanged()


@pytest.fixture(scope="session")
def compiled(shared_folders: SharedFolders) -> dict[str, Any]:
    """The manifest of the project, compiled on an empty lakehouse, as for obslake.sql."""

    def build(folder: Path) -> None:
        workspace = Workspace(folder)
        workspace.obslake("init")
        compile_models(workspace, {"obslake_has_nulls": True})

    return Workspace(shared_folders.built("compiled", build)).manifest()


def compile_models(workspace: Workspace, variables: dict[str, Any]) -> None:
    """Compile the models and analyses, which does not require building them."""
    no_tests = ("--exclude", "resource_type:test", "resource_type:unit_test")
    workspace.dbt("--quiet", "--write-json", "compile", *no_tests, "--vars", json.dumps(variables))


@pytest.fixture(scope="session")
def sql_package(compiled: dict[str, Any]) -> str:
    """The text of obslake.sql, generated from the current models."""
    from scripts.sql_package import write_sql_package

    return write_sql_package(compiled)


@pytest.fixture(scope="session")
def demo(shared_folders: SharedFolders) -> Workspace:
    """The demo corpus, loaded and built with all tests."""
    return Workspace(shared_folders.built("demo", lambda folder: build_demo(Workspace(folder))))


def build_demo(workspace: Workspace) -> None:
    """Load the demo corpus, and build it with all tests."""
    corpus = PROJECT / "demo"
    for source, file, *options in (
        ("recording", "recordings"),
        ("observations", "specified.jsonl.zst", "--environment=standards", "--run=standards"),
        ("implementations", "implementations.jsonl"),
        ("tests", "tests.jsonl"),
    ):
        workspace.obslake("load", source, str(corpus / file), "--data-set=demo", *options)
    workspace.dbt("--quiet", "--write-json", "build")
