"""Removes old snapshots and the files that only they need; loaded sources stay known."""

import re
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from pyiceberg.io import FileIO
from pyiceberg.manifest import ManifestFile
from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.refs import MAIN_BRANCH
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update import AssertRefSnapshotId
from pyiceberg.table.update.snapshot import ExpireSnapshots

from obslake.lakehouse.ancestry import notes
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.commits import commit
from obslake.lakehouse.schemas import TableDefinition
from obslake.lakehouse.workfolder import work_folder

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(rf"(\d+)\s*([{''.join(_UNITS)}])")
_DELETERS = 8


@dataclass(frozen=True)
class Expiry:
    """What was removed from one table, or would be.

    Attributes:
        table: name of the table.
        snapshots: number of removed snapshots.
        files: number of deleted data files, manifests and manifest lists, which only these snapshots needed.
        bytes: size of the deleted files.
        files_left: number of files that could not be deleted.
    """

    table: str
    snapshots: int = 0
    files: int = 0
    bytes: int = 0
    files_left: int = 0


def parse_moment(text: str, now: datetime) -> datetime:
    """Parse a duration before ``now`` (``7d``, ``12h``) or a date (in UTC by default).

    Raises:
        ValueError: it is neither.
    """
    if found := _DURATION.fullmatch(text):
        return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def expire(
    lakehouse: Lakehouse,
    definition: TableDefinition,
    older_than: datetime,
    keep: int,
    *,
    dry_run: bool = False,
) -> Expiry:
    """Remove the snapshots of a table that were replaced before a moment.

    The age of a snapshot counts from its replacement. So the table as of any later moment stays
    readable, and queries that began later find their files.

    The snapshots are removed first, then the files: no reader finds a snapshot without its files, and an
    interruption leaves only files that nothing needs.

    Args:
        lakehouse: the lakehouse of the table.
        definition: the table.
        older_than: snapshots that were current at this moment or later stay.
        keep: this many of the newest snapshots stay, however old they are; at least 1.
        dry_run: only return what would be removed.

    Raises:
        CommitConflictError: other processes committed before each attempt.
    """
    table = lakehouse.table(definition)
    plan = _Plan.make(table, table.metadata, older_than, keep)
    left: set[str] = set()
    if plan.removed and not dry_run:

        def stage(transaction: Transaction) -> None:
            nonlocal plan
            plan = _Plan.make(table, transaction.table_metadata, older_than, keep)
            plan.stage(transaction)

        with work_folder(lakehouse.home, ".expire-"):
            # Catalogs may raise these when another process has removed the same snapshots meanwhile.
            commit(table, stage, conflicts=(ValueError, KeyError))
        plan.spare(table)
        left = _delete(table.io, plan.files)
    return Expiry(
        definition.name,
        len(plan.removed),
        len(plan.files) - len(left),
        sum(size for path, size in plan.files.items() if path not in left),
        len(left),
    )


@dataclass
class _Plan:
    """Snapshots to remove from a table, and the files to delete afterwards, with their sizes."""

    metadata: TableMetadata
    removed: list[Snapshot]
    files: dict[str, int] = field(default_factory=dict)

    @classmethod
    def make(
        cls, table: Table, metadata: TableMetadata, older_than: datetime, keep: int
    ) -> "_Plan":
        plan = cls(metadata, _replaced_before(metadata, older_than, keep))
        if plan.removed:
            ids = {snapshot.snapshot_id for snapshot in plan.removed}
            remaining = [s for s in metadata.snapshots if s.snapshot_id not in ids]
            plan.files = _only_needed_by(table.io, plan.removed, remaining)
        return plan

    def stage(self, transaction: Transaction) -> None:
        """Stage the removal in a transaction, with notes of snapshots that have none yet."""
        if not self.removed:
            return
        if new := notes(self.metadata):
            transaction.set_properties(new)
        ids = [snapshot.snapshot_id for snapshot in self.removed]
        ExpireSnapshots(transaction).by_ids(ids).commit()
        # A rollback meanwhile may have made one of them current.
        unchanged = AssertRefSnapshotId.model_validate(
            {"ref": MAIN_BRANCH, "snapshot-id": self.metadata.current_snapshot_id}
        )
        transaction._stage((), (unchanged,))

    def spare(self, table: Table) -> None:
        """Keep the files of snapshots that were committed since the plan was made."""
        known = {snapshot.snapshot_id for snapshot in self.metadata.snapshots}
        for snapshot in table.metadata.snapshots:
            if snapshot.snapshot_id not in known:
                manifests = _manifests(table.io, [snapshot])
                for path in (*manifests, *_content(table.io, manifests.values())):
                    self.files.pop(path, None)


def _replaced_before(metadata: TableMetadata, moment: datetime, keep: int) -> list[Snapshot]:
    """Return the snapshots that others had replaced before a moment."""
    snapshots = sorted(metadata.snapshots, key=lambda s: s.sequence_number or 0)
    named = {ref.snapshot_id for ref in metadata.refs.values()}
    named.update(snapshot.snapshot_id for snapshot in snapshots[-keep:])
    replaced_ms = {one.snapshot_id: other.timestamp_ms for one, other in pairwise(snapshots)}
    # Another tool may have made an older snapshot current again.
    log = pairwise(metadata.snapshot_log)
    replaced_ms.update({one.snapshot_id: other.timestamp_ms for one, other in log})
    return [
        snapshot
        for snapshot in snapshots
        if snapshot.snapshot_id not in named
        and replaced_ms[snapshot.snapshot_id] < moment.timestamp() * 1000
    ]


def _only_needed_by(
    io: FileIO, removed: Iterable[Snapshot], remaining: Iterable[Snapshot]
) -> dict[str, int]:
    """Return the files that no remaining snapshot needs, with their sizes."""
    needed = _manifests(io, remaining)
    manifests = {p: m for p, m in _manifests(io, removed).items() if p not in needed}
    files = _content(io, manifests.values())
    for path in _content(io, needed.values()):
        files.pop(path, None)
    files.update({path: manifest.manifest_length for path, manifest in manifests.items()})
    files.update({s.manifest_list: len(io.new_input(s.manifest_list)) for s in removed})
    return files


def _manifests(io: FileIO, snapshots: Iterable[Snapshot]) -> dict[str, ManifestFile]:
    return {m.manifest_path: m for snapshot in snapshots for m in snapshot.manifests(io)}


def _content(io: FileIO, manifests: Iterable[ManifestFile]) -> dict[str, int]:
    return {
        entry.data_file.file_path: entry.data_file.file_size_in_bytes
        for manifest in manifests
        for entry in manifest.fetch_manifest_entry(io)
    }


def _delete(io: FileIO, paths: Collection[str]) -> set[str]:
    """Delete files; return those that could not be deleted."""

    def is_left(path: str) -> bool:
        try:
            io.delete(path)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    with ThreadPoolExecutor(_DELETERS) as deleters:
        return {
            path for path, left in zip(paths, deleters.map(is_left, paths), strict=True) if left
        }
