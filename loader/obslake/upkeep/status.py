"""Summarises the tables and snapshots of a lakehouse."""

import json
from collections.abc import Container
from typing import Any

from pyiceberg.table.snapshots import Snapshot

from obslake.lakehouse.ancestry import LOAD_ID_PROPERTY
from obslake.lakehouse.catalog import Lakehouse, snapshot_time
from obslake.lakehouse.ledger import OPERATION_PROPERTY, current_state
from obslake.lakehouse.schemas import ALL_TABLES, OBSERVATIONS


def read_status(lakehouse: Lakehouse, *, with_snapshots: bool = False) -> dict[str, Any]:
    """Summarise the tables from their metadata, without opening data files.

    The numbers of rows leave out the rows of incomplete loads, which are hidden from queries.

    Args:
        lakehouse: the lakehouse.
        with_snapshots: list the snapshots of ``observations`` as well, oldest first.
    """
    tables = []
    complete = current_state(lakehouse.table(OBSERVATIONS).metadata).loads
    for definition in filter(lakehouse.has, ALL_TABLES):
        metadata = lakehouse.table(definition).metadata
        snapshot, state = metadata.current_snapshot(), current_state(metadata)
        summary = _summary(snapshot)
        hidden = sum(state.rows(n) or 0 for i, n in state.loads.items() if i not in complete)
        tables.append(
            {
                "table": definition.name,
                "rows": int(summary.get("total-records") or 0) - hidden,
                "files": int(summary.get("total-data-files") or 0),
                "bytes": int(summary.get("total-files-size") or 0),
                "snapshot_id": snapshot.snapshot_id if snapshot else None,
            }
        )
    result: dict[str, Any] = {
        "home": str(lakehouse.home),
        "marts": str(lakehouse.marts_path) if lakehouse.marts_path.exists() else None,
        "tables": tables,
    }
    if with_snapshots:
        metadata = lakehouse.table(OBSERVATIONS).metadata
        visible = current_state(metadata).loads
        result["snapshots"] = [_describe(snapshot, visible) for snapshot in metadata.snapshots]
    return result


def _summary(snapshot: Snapshot | None) -> dict[str, str]:
    return snapshot.summary.additional_properties if snapshot and snapshot.summary else {}


def _describe(snapshot: Snapshot, visible: Container[str]) -> dict[str, Any]:
    summary = _summary(snapshot)
    load_id = summary.get(LOAD_ID_PROPERTY)
    described = {
        "snapshot_id": snapshot.snapshot_id,
        "committed_at": snapshot_time(snapshot).isoformat(timespec="milliseconds"),
        "load_id": load_id,
        "rows": int(summary.get("added-records") or 0),
        "sources": json.loads(summary.get("obslake.sources") or "[]"),
        "sha256": json.loads(summary.get("obslake.sha256") or "[]"),
    }
    if load_id is None:
        # A rewrite of files adds the same rows that it removes.
        described.update(rows=0, operation=summary.get(OPERATION_PROPERTY) or "other")
    elif load_id not in visible:
        described.update(rolled_back=True)
    return described
