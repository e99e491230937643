"""Schema drift: how the columns of a source differ from those of the previous load."""

import json
from collections.abc import Mapping

from pyiceberg.table.metadata import TableMetadata

from obslake.lakehouse.ancestry import LOAD_ID_PROPERTY
from obslake.lakehouse.ledger import current_state

# Summary properties of a snapshot of observations: the columns of the source with their types, and the kind of
# load; only loads of the same kind are compared.
COLUMNS_PROPERTY = "obslake.columns"
KIND_PROPERTY = "obslake.kind"


def drift(
    metadata: TableMetadata, kind: str, columns: Mapping[str, str], targets: Mapping[str, str]
) -> list[str]:
    """Return one line for each column that is missing, new, or of another type than in the previous load.

    Args:
        metadata: metadata of the table ``observations``; loads whose snapshots have expired or were rolled back
            are ignored.
        kind: reader and data set of the load.
        columns: columns of the source with their types, which are empty if the format has none.
        targets: maps columns of the source to the columns they are loaded as.
    """
    visible = current_state(metadata).loads
    for snapshot in sorted(metadata.snapshots, key=lambda s: s.sequence_number or 0, reverse=True):
        summary = snapshot.summary.additional_properties if snapshot.summary else {}
        if summary.get(KIND_PROPERTY) != kind or summary.get(LOAD_ID_PROPERTY) not in visible:
            continue
        if COLUMNS_PROPERTY in summary:
            before = json.loads(summary[COLUMNS_PROPERTY])
            return _differences(before, columns, targets, summary[LOAD_ID_PROPERTY])
    return []


def _differences(
    before: Mapping[str, str], now: Mapping[str, str], targets: Mapping[str, str], load_id: str
) -> list[str]:
    earlier = {name.lower(): (name, type_) for name, type_ in before.items()}
    later = {name.lower() for name in now}
    lines = [
        f"column {name} is missing: load {load_id} had it"
        for key, (name, _) in earlier.items()
        if key not in later
    ]
    for name, type_ in now.items():
        if name.lower() not in earlier:
            target = targets.get(name)
            loaded = f", read as {target}" if target else ", not read as a column of observations"
            lines.append(f"column {name} is new: load {load_id} did not have it{loaded}")
            continue
        _, other = earlier[name.lower()]
        if type_ and other and type_ != other:
            lines.append(f"column {name} is {type_}: in load {load_id} it was {other}")
    return lines
