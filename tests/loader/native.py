"""Changes that other tools make to a table: Iceberg's own commands, as in PyIceberg, Spark and Trino."""

import json
from collections.abc import Iterable
from pathlib import Path

from obslake.lakehouse.schemas import OBSERVATIONS, TableDefinition
from pyiceberg.manifest import DataFile, ManifestEntryStatus
from pyiceberg.table import Table

from tests.harness.lake import Lake


def set_current(lake: Lake, snapshot_id: int, definition: TableDefinition = OBSERVATIONS) -> None:
    """Make a snapshot the current one, as rollbacks, fast-forwards and others do."""
    table = lake.open().table(definition)
    table.manage_snapshots().set_current_snapshot(snapshot_id=snapshot_id).commit()


def cherry_pick(lake: Lake, snapshot_id: int, definition: TableDefinition = OBSERVATIONS) -> int:
    """Append the files of a snapshot again, as Spark's procedure does; return the new snapshot."""
    table = lake.open().table(definition)
    with table.transaction() as transaction:
        # The source's other summary properties are not copied.
        properties = {"source-snapshot-id": str(snapshot_id)}
        with transaction.update_snapshot(snapshot_properties=properties).fast_append() as append:
            for file in added_files(table, snapshot_id):
                append.append_data_file(file)
    current = table.current_snapshot()
    assert current is not None
    return current.snapshot_id


def added_files(table: Table, snapshot_id: int) -> list[DataFile]:
    snapshot = table.snapshot_by_id(snapshot_id)
    assert snapshot is not None
    return [
        entry.data_file
        for manifest in snapshot.manifests(table.io)
        if manifest.added_snapshot_id == snapshot_id
        for entry in manifest.fetch_manifest_entry(table.io)
        if entry.status == ManifestEntryStatus.ADDED
    ]


def expire_all(lake: Lake, definition: TableDefinition = OBSERVATIONS) -> list[int]:
    """Remove all snapshots without a branch or tag, as PyIceberg does: it also removes references to them."""
    table = lake.open().table(definition)
    named = {ref.snapshot_id for ref in table.metadata.refs.values()}
    ids = [s.snapshot_id for s in table.snapshots() if s.snapshot_id not in named]
    if ids:
        table.maintenance.expire_snapshots().by_ids(ids).commit()
    return ids


def expire_as_java(lake: Lake, definition: TableDefinition = OBSERVATIONS) -> None:
    """Remove them as Iceberg's Java library does: references to removed snapshots remain."""
    table = lake.open().table(definition)
    path = Path(table.metadata_location.removeprefix("file://"))
    metadata = json.loads(path.read_text())
    named = {ref["snapshot-id"] for ref in metadata["refs"].values()}
    for name in ("snapshots", "snapshot-log"):
        metadata[name] = [entry for entry in metadata[name] if entry["snapshot-id"] in named]
    path.write_text(json.dumps(metadata))


def as_of_earlier_version(lake: Lake, definitions: Iterable[TableDefinition]) -> None:
    """Remove the properties that record commits, which earlier versions did not write."""
    for definition in definitions:
        table = lake.open().table(definition)
        names = [name for name in table.properties if name.startswith("obslake.commit.")]
        if names:
            table.transaction().remove_properties(*names).commit_transaction()
