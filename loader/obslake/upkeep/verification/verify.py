"""All checks of a lakehouse, one after the other."""

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
    """What was found.

    Attributes:
        checks: what was checked, and what is wrong.
        orphans: files that nothing refers to, and folders that processes have left.
    """

    checks: list[Check]
    orphans: list[Orphan]

    @property
    def n_faults(self) -> int:
        """How many things are wrong."""
        return sum(len(check.faults) for check in self.checks)


def verify(
    lakehouse: Lakehouse,
    older_than: datetime,
    *,
    deep: bool = False,
    sample: int = 20,
    remove_orphans: bool = False,
) -> Verification:
    """Check everything that can be checked, whatever is found on the way.

    Args:
        lakehouse: what to check.
        older_than: files that nothing refers to are left over when they are older.
        deep: read every page of every data file.
        sample: of how many problems the marts are computed again.
        remove_orphans: remove what is left over, unless metadata is faulty.
    """
    # A long load has written files long before it commits them. Who runs now may have ended when the
    # files are looked at, and has committed them after the metadata was read.
    older_than = min([older_than, *running_since(lakehouse.home)])
    # Files first: what is committed meanwhile is in the metadata that is read afterwards.
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
