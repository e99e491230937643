"""A lakehouse: the Iceberg catalog and its tables, and the folder they stand in by default."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from json import JSONDecodeError
from pathlib import Path

import pydantic
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    NoSuchNamespaceError,
    NoSuchPropertyException,
    NoSuchTableError,
    NotInstalledError,
    ValidationError,
)
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.typedef import Identifier
from pyiceberg.utils.config import Config
from sqlalchemy import URL
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from obslake.errors import (
    CatalogError,
    DamagedMetadataError,
    NoLakehouseError,
    ObslakeError,
)
from obslake.lakehouse.home import MARTS_FILE, home_folder
from obslake.lakehouse.moved import check_not_moved
from obslake.lakehouse.recount import recount
from obslake.lakehouse.schemas import ALL_TABLES, NAMESPACE, PINNED, QUARANTINE, TableDefinition
from obslake.lakehouse.system_errors import is_of_system, system_error

CATALOG_NAME = "obslake"
CATALOG_FILE = "catalog.db"

# PyIceberg asks twice before it gives up.
_LOCK_TIMEOUT_SECONDS = 30
_ATTEMPTS = 6
_FIRST_WAIT_SECONDS = 0.15
_UNFIT_FOR_ADDRESSES = '#?"\n\r\t'


@dataclass(frozen=True)
class Lakehouse:
    """The tables of one catalog.

    Attributes:
        home: folder of the default catalog, of the marts and of temporary files.
        catalog: PyIceberg catalog, the default one or the one of PyIceberg's own configuration.
    """

    home: Path
    catalog: Catalog

    @classmethod
    def open(
        cls, home: str | os.PathLike[str] | None = None, *, create: bool = False
    ) -> "Lakehouse":
        """Open the lakehouse at ``home`` (default ``$OBSLAKE_HOME``, else ``./lake``).

        A catalog named ``obslake`` in PyIceberg's configuration (environment or
        ``.pyiceberg.yaml``) is used instead of the one below ``home``.

        Raises:
            NoLakehouseError: there is none and ``create`` is false.
            MovedLakehouseError: the folder was moved or copied to where it is.
        """
        path = home_folder(home)
        configured = bool(Config().get_catalog_config(CATALOG_NAME))
        if not configured:
            _check_default_home(path, create=create)
        try:
            return Retrying(
                retry=retry_if_exception(_is_created_meanwhile),
                stop=stop_after_attempt(_ATTEMPTS),
                wait=wait_random_exponential(_FIRST_WAIT_SECONDS),
                reraise=True,
            )(cls._open, path, configured, create)
        except NotInstalledError as error:
            package = getattr(error.__cause__, "name", None) or _first_line(error)
            raise NoLakehouseError(
                f"the catalog needs a package that is not installed: {package}\n"
                "  for PostgreSQL: pip install 'obslake[postgres]'"
            ) from error
        except OSError as error:
            raise system_error(error, path) or NoLakehouseError(
                f"cannot create a lakehouse at {path}: {error.strerror or error}"
            ) from error
        except (SQLAlchemyError, NoSuchPropertyException, ValueError) as error:
            raise system_error(error, path) or NoLakehouseError(
                f"cannot use the catalog of {path}: {_first_line(error)}"
            ) from error

    @classmethod
    def _open(cls, path: Path, configured: bool, create: bool) -> "Lakehouse":
        if create:
            path.mkdir(parents=True, exist_ok=True)
        catalog = load_catalog(CATALOG_NAME, **_default_catalog(path, configured))
        if not configured and isinstance(catalog, SqlCatalog):
            check_not_moved(path, catalog)
        lakehouse = cls(path, catalog)
        if create:
            lakehouse.create_tables()
        return lakehouse

    @property
    def marts_path(self) -> Path:
        """DuckDB file of the marts, which is only ever replaced as a whole."""
        return self.home / MARTS_FILE

    def create_tables(self) -> None:
        """Create the namespace and every table that does not exist yet."""
        self.catalog.create_namespace_if_not_exists(NAMESPACE)
        # Their metadata is for those to read who need it: in a store every file takes its time.
        existing = {name for *_, name in self.catalog.list_tables(NAMESPACE)}
        for definition in ALL_TABLES:
            if definition.name not in existing:
                self.create_table(definition)

    def create_table(self, definition: TableDefinition) -> Table:
        """Return a table, which is created where it does not exist yet."""
        # The catalog writes the metadata of a table before it finds that it exists.
        try:
            return self.table(definition)
        except NoLakehouseError:
            return self.catalog.create_table_if_not_exists(
                (NAMESPACE, definition.name),
                schema=definition.schema,
                properties={**definition.properties, "comment": definition.comment},
            )

    def has(self, definition: TableDefinition) -> bool:
        """Whether a table is there: nothing may have been pinned yet, nor loaded since there is a quarantine."""
        if definition not in (QUARANTINE, PINNED):
            return True
        try:
            self.table(definition)
        except NoLakehouseError:
            return False
        except DamagedMetadataError:
            pass
        return True

    def table(self, definition: TableDefinition) -> Table:
        """Load the current metadata of a table.

        Raises:
            NoLakehouseError: the catalog does not have it.
            DamagedMetadataError: its metadata file is gone, or cannot be read; or its loads are not noted, and
                its rows cannot be read.
            CatalogError: the catalog does not answer.
        """
        try:
            return recount(self._load((NAMESPACE, definition.name)))
        except NoSuchTableError as error:
            raise NoLakehouseError(
                f"the catalog at {self.home} has no table {NAMESPACE}.{definition.name}\n"
                "  create the tables with `obslake init`"
            ) from error

    def tables_of(self, namespace: str) -> list[Table]:
        """Load the current metadata of every table of a namespace, whoever has made it; none where there is none.

        Raises:
            DamagedMetadataError: a metadata file is gone, or cannot be read.
            CatalogError: the catalog does not answer.
        """
        found = []
        try:
            names = self.catalog.list_tables(namespace)
        except NoSuchNamespaceError:
            return []
        except SQLAlchemyError as error:
            raise self._silent(error) from error
        for name in sorted(names):
            # What is not there any more, or is a view.
            with suppress(NoSuchTableError):
                found.append(self._load(name))
        return found

    def _load(self, identifier: Identifier) -> Table:
        name = identifier[-1]
        try:
            return self.catalog.load_table(identifier)
        except SQLAlchemyError as error:
            raise self._silent(error) from error
        except FileNotFoundError as error:
            raise DamagedMetadataError(
                f"{name}: its metadata is gone: {error}\n"
                "  bring the file back from a copy of the lakehouse"
            ) from error
        except (ValidationError, pydantic.ValidationError, UnicodeError, JSONDecodeError) as error:
            # Of a file that is cut off it is said in several lines.
            reason = _first_line(error)
            raise DamagedMetadataError(
                f"{name}: its metadata cannot be read: {reason}\n"
                "  bring the file back from a copy of the lakehouse"
            ) from error
        except ValueError as error:
            raise CatalogError(
                f"{name}: {_first_line(error)}\n"
                "  check what PyIceberg is configured with: docs/configuration.md"
            ) from error

    def _silent(self, error: SQLAlchemyError) -> ObslakeError:
        return system_error(error, self.home) or CatalogError(
            f"the catalog does not answer: {_first_line(error)}"
        )

    def locations(self) -> list[str]:
        """Return the addresses of the folders in which the files of the tables are."""
        return [self.table(d).location() for d in filter(self.has, ALL_TABLES)]


@dataclass(frozen=True)
class FutureLakehouse:
    """A lakehouse that is not there yet: it is created when there is something to keep in it.

    Attributes:
        home: folder where it will be.
    """

    home: Path

    def create(self) -> Lakehouse:
        """Create the catalog and the tables."""
        return Lakehouse.open(self.home, create=True)

    @contextmanager
    def reserve(self) -> Iterator[None]:
        """Make the folder, for temporary files; in the end what is empty goes again.

        Raises:
            NoLakehouseError: there can be no folder.
        """
        made = [path for path in (self.home, *self.home.parents) if not path.exists()]
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise system_error(error, self.home) or NoLakehouseError(
                f"cannot create a lakehouse at {self.home}: {error.strerror or error}"
            ) from error
        try:
            yield
        finally:
            # Deepest first; where anything is in one of them, it stays.
            with suppress(OSError):
                for path in made:
                    path.rmdir()


def open_or_plan(home: str | os.PathLike[str] | None = None) -> Lakehouse | FutureLakehouse:
    """Open the lakehouse at ``home``, where its tables are created if they are missing, or plan one there.

    Raises:
        NoLakehouseError: there can be none.
        MovedLakehouseError: the folder was moved or copied to where it is.
    """
    path = home_folder(home)
    if (path / CATALOG_FILE).exists() or Config().get_catalog_config(CATALOG_NAME):
        return Lakehouse.open(home, create=True)
    _check_default_home(path, create=True)
    return FutureLakehouse(path)


def _is_created_meanwhile(error: BaseException) -> bool:
    """Whether what was not there a moment ago, and is to be created, may be there now."""
    kinds = (IntegrityError, OperationalError, ProgrammingError)
    return isinstance(error, kinds) and not is_of_system(error)


def _first_line(error: Exception) -> str:
    """Return what an error says, without the password of an address."""
    return re.sub(r"://\S*@", "://…@", str(error).splitlines()[0])


def _check_default_home(path: Path, *, create: bool) -> None:
    # Iceberg names files by address, and DuckDB reads addresses like SQL names: no place for these.
    if unfit := set(_UNFIT_FOR_ADDRESSES).intersection(str(path)):
        raise NoLakehouseError(
            f"the path of a lakehouse cannot contain {min(unfit)!r}: {path}\n"
            "  name another folder with --home or OBSLAKE_HOME"
        )
    if not create and not (path / CATALOG_FILE).exists():
        raise NoLakehouseError(
            f"there is no lakehouse at {path}\n"
            "  create one with `obslake init`, or name another folder with --home or OBSLAKE_HOME"
        )


def _default_catalog(path: Path, configured: bool) -> dict[str, str]:
    if configured:
        return {}
    database = str(path / CATALOG_FILE)
    # Writers lock the file for a moment each, and may be many: SQLite waits for its turn.
    wait = {"timeout": str(_LOCK_TIMEOUT_SECONDS)}
    return {
        "type": "sql",
        "uri": URL.create("sqlite", database=database, query=wait).render_as_string(),
        "warehouse": f"file://{path / 'warehouse'}",
    }


def snapshot_time(snapshot: Snapshot) -> datetime:
    """Return when a snapshot was committed, in UTC."""
    return datetime.fromtimestamp(snapshot.timestamp_ms / 1000, tz=UTC)
