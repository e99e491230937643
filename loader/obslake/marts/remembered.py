"""The last complete build, by which ``obslake build`` knows whether there is anything to do."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from obslake.lakehouse.catalog_file import locations_at_once
from obslake.lakehouse.home import BUILDING_FOLDER, MARTS_FILE, identity

_FILE = Path(BUILDING_FOLDER, "built.json")


@dataclass(frozen=True)
class Build:
    """What a build read, and the file that it published.

    Attributes:
        inputs: hash of the project (``hash_of_inputs``).
        tables: address of the metadata of each Iceberg table, as it was before the build.
        marts: identity of the published file.
    """

    inputs: str
    tables: dict[str, str]
    marts: str


def last_build(home: Path) -> Build | None:
    """Return the last complete build; None if it is unknown."""
    try:
        return Build(**json.loads((home / _FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def remember(home: Path, build: Build) -> None:
    """Store a complete build. If the file cannot be written, the next command runs dbt."""
    written = (home / _FILE).with_suffix(".new")
    with suppress(OSError):
        written.write_text(json.dumps(asdict(build), indent=1))
        written.replace(home / _FILE)


def published(home: Path) -> str:
    """Return the identity of the published marts; empty if there are none."""
    return identity(home / MARTS_FILE)


def tables_of(home: Path) -> dict[str, str]:
    """Return the address of the current metadata of each table, by its name.

    Raises:
        ObslakeError: there is no lakehouse, or its catalog does not respond.
    """
    if found := locations_at_once(home):
        return found
    # Takes a second, most of it for imports.
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.lakehouse.schemas import ALL_TABLES

    lakehouse = Lakehouse.open(home)
    tables = [lakehouse.table(each) for each in ALL_TABLES if lakehouse.has(each)]
    return {table.name()[-1]: table.metadata_location for table in tables}
