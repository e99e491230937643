"""Runs all checks of a lakehouse."""

from dataclasses import dataclass
from datetime import datetime

from obslake import engine
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.schemas import OBSERVATIONS
from obslake.lakehouse.workfolder import running_since, work_folder
from obslake.upkeep.verification.files import check_data_files, check_snapshots, check_tables
from obslake.upkeep.verification.loads import check_loads
from obslake.upkeep.verification.marts import check_marts
from obslake.upkeep.verification.orphans import Orphan, check_orphans, list_stored
from obslake.upkeep.verification.report import Check


@dataclass(frozen=True)
class Verification:
    """The results of all checks, and the orphans that were found."""

    checks: list[Check]
    orphans: list[Orphan]

    @property
    def n_faults(self) -> int:
        """The number of faults of all checks."""
        return sum(len(check.faults) for check in self.checks)


def verify(
    lakehouse: Lakehouse,
    older_than: datetime,
    *,
    deep: bool = False,
    sample: int = 20,
    remove_orphans: bool = False,
) -> Verification:
    """Run all checks, even after faults.

    Args:
        lakehouse: the lakehouse.
        older_than: only older files that nothing refers to are orphans.
        deep: read every page of every data file.
        sample: for how many problems the marts are computed again.
        remove_orphans: remove orphans, unless metadata is faulty.
    """
    # A long load writes files long before it commits them. A process that runs now may commit its files
    # after the metadata is read, and end before they are examined.
    older_than = min([older_than, *running_since(lakehouse.home)])
    # List files first: the metadata that is read afterwards has everything that is committed meanwhile.
    stored = list_stored(check_tables(lakehouse)[1])
    check, tables = check_tables(lakehouse)
    checks = [check, *check_snapshots(tables)]
    is_complete = not check.faults and all(files.is_complete for files in tables)
    checks.append(check_data_files(tables, deep=deep))
    is_sound = any(files.name == OBSERVATIONS.name and files.is_sound for files in tables)
    with (
        work_folder(lakehouse.home, ".verify-") as folder,
        engine.connect(temp_directory=folder, with_iceberg=False) as connection,
    ):
        checks += check_loads(connection, tables)
        checks += check_marts(lakehouse, connection, sample, is_sound=is_sound)
    check, orphans = check_orphans(
        lakehouse, tables, stored, older_than, is_complete=is_complete, remove=remove_orphans
    )
    return Verification([*checks, check], orphans)
