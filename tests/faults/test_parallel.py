"""Parallel loads, upkeep, builds and readers: no row is lost or duplicated, and no load is partly visible."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from obslake import engine

from tests.conftest import configure_catalog
from tests.faults import postgres
from tests.faults.parallel import ROWS, Campaign, deal, reports, scan, write_sources
from tests.harness.workspace import Workspace
from tests.marts.comparison import MARTS, sql_rows

# `make parallel` sets a higher number.
SOURCES = int(os.environ.get("OBSLAKE_PARALLEL_SOURCES", "24"))
ROUNDS = int(os.environ.get("OBSLAKE_PARALLEL_ROUNDS", "4"))
SEED = int(os.environ.get("OBSLAKE_PARALLEL_SEED", "1"))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_sources(tmp_path_factory.mktemp("sources"), SOURCES, SEED)


@pytest.fixture(scope="module")
def in_turn(
    make_workspace: Callable[[str], Workspace], sources: dict[str, Path]
) -> dict[str, list[tuple[object, ...]]]:
    """The marts of the same sources, loaded one after another."""
    workspace = make_workspace("in-turn")
    for n in range(0, SOURCES, 8):
        paths = [str(path) for path in list(sources.values())[n : n + 8]]
        workspace.obslake("load", "observations", *paths)
    workspace.dbt("--quiet", "run")
    return marts(workspace)


def marts(workspace: Workspace) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(workspace.marts, read_only=True) as connection:
        return {mart: sql_rows(connection, mart) for mart in MARTS}


@pytest.fixture(params=["sqlite", "postgres"])
def campaign(
    request: pytest.FixtureRequest, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Campaign]:
    """A lakehouse with a catalog of either kind."""
    if request.param == "sqlite":
        catalog = {"type": "sql", "uri": f"sqlite:///{workspace.home / 'catalog.db'}"}
        yield Campaign(workspace, catalog)
        return
    try:
        with postgres.running() as address:
            warehouse = f"file://{workspace.folder / 'warehouse'}"
            catalog = {"type": "sql", "uri": address, "warehouse": warehouse}
            configure_catalog(monkeypatch, **catalog)
            yield Campaign(workspace, catalog)
    except postgres.NoServerError as reason:
        pytest.skip(str(reason))


def test_everything_in_parallel(
    campaign: Campaign,
    sources: dict[str, Path],
    in_turn: dict[str, list[tuple[object, ...]]],
) -> None:
    workspace = campaign.workspace
    workspace.obslake("init")
    campaign.run(sources, deal(list(sources), ROUNDS, SEED))
    assert campaign.faults == []
    loads = reports(campaign)
    rows = sum(done["rows"].get("observations", 0) for done in loads)
    print(
        f"\n{len(loads)} loads, {campaign.conflicts()} conflicts, {dict(campaign.looks)} looks, "
        f"{len(sources) * ROWS - rows} rows lost or double"
    )

    # Every source is loaded once, by any loader.
    assert Counter(s for done in loads for s in done["sources"]) == Counter(
        map(str, sources.values())
    )
    table = campaign.tables("observations")
    with engine.connect() as connection:
        assert scan(connection, table.metadata_location) == dict.fromkeys(sources, ROWS)
        for snapshot in table.snapshots():
            counts = scan(connection, table.metadata_location, snapshot.snapshot_id)
            assert set(counts.values()) <= {ROWS}
    # Rows of superseded loads are hidden until a compaction drops them.
    workspace.obslake("compact")
    verification = json.loads(workspace.obslake("verify", "--deep", "--json"))
    notes = [note for check in verification["checks"] for note in check["notes"]]
    assert not [note for note in notes if "load" in note]

    workspace.dbt("--quiet", "run")
    assert marts(workspace) == in_turn
    workspace.obslake("verify", "--sample", "99")
