"""A lakehouse: the Iceberg catalog, its tables, and their default folder."""

import os
import re
import sqlite3
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
from sqlalchemy import URL
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from obslake.errors import (
    CatalogError,
    DamagedMetadataError,
    NoLakehouseError,
    ObslakeError,
)
from obslake.lakehouse import catalog_file
from obslake.lakehouse.catalog_file import has_default_catalog, metadata_locations
from obslake.lakehouse.home import (
    CATALOG_FILE,
    CATALOG_NAME,
    MARTS_FILE,
    NAMESPACE,
    home_folder,
)
from obslake.lakehouse.moved import check_not_moved
from obslake.lakehouse.recount import recount
from obslake.lakehouse.schemas import ALL_TABLES, PINNED, QUARANTINE, TableDefinition
from obslake.lakehouse.system_errors import is_of_system, system_error

_ATTEMPTS = 6
_FIRST_WAIT_SECONDS = 0.15
_INVALID_IN_ADDRESSES = '#?"\n\r\t'


@dataclass(frozen=True)
class Lakehouse:
    """The tables of one catalog.

    Attributes:
        home: folder of the default catalog, of the marts and of temporary files.
        catalog: PyIceberg catalog: the default one, or the one in PyIceberg's configuration.
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
            NoLakehouseError: it does not exist and ``create`` is false, or it cannot be created or used.
            MovedLakehouseError: the folder was moved or copied.
        """
        path = home_folder(home)
        configured = not has_default_catalog()
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
        except (
            SQLAlchemyError,
            sqlite3.Error,
            NoSuchPropertyException,
            ValueError,
        ) as error:
            raise system_error(error, path) or NoLakehouseError(
                f"cannot use the catalog of {path}: {_first_line(error)}"
            ) from error

    @classmethod
    def _open(cls, path: Path, configured: bool, create: bool) -> "Lakehouse":
        if create:
            path.mkdir(parents=True, exist_ok=True)
        catalog = load_catalog(CATALOG_NAME, **_default_catalog(path, configured))
        if not configured and isinstance(catalog, SqlCatalog):
            check_not_moved(path, metadata_locations(path))
        lakehouse = cls(path, catalog)
        if create:
            lakehouse.create_tables()
        return lakehouse

    @property
    def marts_path(self) -> Path:
        """DuckDB file of the marts. It is never changed in place, only replaced."""
        return self.home / MARTS_FILE

    def create_tables(self) -> None:
        """Create the namespace and every table that does not exist yet."""
        self.catalog.create_namespace_if_not_exists(NAMESPACE)
        # Listing reads no metadata files, each of which takes time to read from an object store.
        existing = {name for *_, name in self.catalog.list_tables(NAMESPACE)}
        for definition in ALL_TABLES:
            if definition.name not in existing:
                self.create_table(definition)

    def create_table(self, definition: TableDefinition) -> Table:
        """Return a table; create it if it does not exist yet."""
        # The catalog would write a metadata file before it finds that the table exists.
        try:
            return self.table(definition)
        except NoLakehouseError:
            return self.catalog.create_table_if_not_exists(
                (NAMESPACE, definition.name),
                schema=definition.schema,
                properties={**definition.properties, "comment": definition.comment},
            )

    def has(self, definition: TableDefinition) -> bool:
        """Whether a table exists: ``pinned`` and, in a lakehouse of an earlier version, ``quarantine`` may not."""
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
            DamagedMetadataError: its metadata file is missing or cannot be read; or its history is cut off
                and its rows cannot be counted.
            CatalogError: the catalog does not respond.
        """
        try:
            return recount(self._load((NAMESPACE, definition.name)))
        except NoSuchTableError as error:
            raise NoLakehouseError(
                f"the catalog at {self.home} has no table {NAMESPACE}.{definition.name}\n"
                "  create the tables with `obslake init`"
            ) from error

    def tables_of(self, namespace: str) -> list[Table]:
        """Load the current metadata of every table in a namespace, which need not exist.

        Raises:
            DamagedMetadataError: a metadata file is missing or cannot be read.
            CatalogError: the catalog does not respond.
        """
        found = []
        try:
            names = self.catalog.list_tables(namespace)
        except NoSuchNamespaceError:
            return []
        except SQLAlchemyError as error:
            raise self._no_response(error) from error
        for name in sorted(names):
            # It was dropped meanwhile, or is a view.
            with suppress(NoSuchTableError):
                found.append(self._load(name))
        return found

    def _load(self, identifier: Identifier) -> Table:
        name = identifier[-1]
        try:
            return self.catalog.load_table(identifier)
        except SQLAlchemyError as error:
            raise self._no_response(error) from error
        except FileNotFoundError as error:
            raise DamagedMetadataError(
                f"{name}: its metadata file is missing: {error}\n"
                "  restore the file from a backup of the lakehouse"
            ) from error
        except (ValidationError, pydantic.ValidationError, UnicodeError, JSONDecodeError) as error:
            # The error about a truncated file has several lines.
            reason = _first_line(error)
            raise DamagedMetadataError(
                f"{name}: its metadata cannot be read: {reason}\n"
                "  restore the file from a backup of the lakehouse"
            ) from error
        except ValueError as error:
            raise CatalogError(
                f"{name}: {_first_line(error)}\n"
                "  check the configuration of PyIceberg: docs/configuration.md"
            ) from error

    def _no_response(self, error: SQLAlchemyError) -> ObslakeError:
        return system_error(error, self.home) or CatalogError(
            f"the catalog does not respond: {_first_line(error)}"
        )

    def locations(self) -> list[str]:
        """Return the addresses of the tables' folders."""
        return [self.table(d).location() for d in filter(self.has, ALL_TABLES)]


@dataclass(frozen=True)
class FutureLakehouse:
    """A lakehouse that does not exist yet. It is created when there is something to store.

    Attributes:
        home: its future folder.
    """

    home: Path

    def create(self) -> Lakehouse:
        """Create the catalog and the tables."""
        return Lakehouse.open(self.home, create=True)

    @contextmanager
    def reserve(self) -> Iterator[None]:
        """Create the folder, for temporary files; finally remove it and its new parents if they are empty.

        Raises:
            NoLakehouseError: the folder cannot be created.
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
            # Deepest first; folders that are not empty stay.
            with suppress(OSError):
                for path in made:
                    path.rmdir()


def open_or_plan(home: str | os.PathLike[str] | None = None) -> Lakehouse | FutureLakehouse:
    """Open the lakehouse at ``home`` and create its missing tables, or plan a lakehouse there.

    Raises:
        NoLakehouseError: no lakehouse can be created or used there.
        MovedLakehouseError: the folder was moved or copied.
    """
    path = home_folder(home)
    if (path / CATALOG_FILE).exists() or not has_default_catalog():
        return Lakehouse.open(home, create=True)
    _check_default_home(path, create=True)
    return FutureLakehouse(path)


def _is_created_meanwhile(error: BaseException) -> bool:
    """Whether an error may mean that another process created the same table or namespace meanwhile."""
    kinds = (IntegrityError, OperationalError, ProgrammingError)
    return isinstance(error, kinds) and not is_of_system(error)


def _first_line(error: Exception) -> str:
    """Return the first line of an error's message, without the credentials in addresses."""
    return re.sub(r"://\S*@", "://…@", str(error).splitlines()[0])


def _check_default_home(path: Path, *, create: bool) -> None:
    # Iceberg stores addresses of files, and DuckDB parses addresses like SQL names.
    if invalid := set(_INVALID_IN_ADDRESSES).intersection(str(path)):
        raise NoLakehouseError(
            f"the path of a lakehouse cannot contain {min(invalid)!r}: {path}\n"
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
    wait = {"timeout": str(catalog_file.LOCK_TIMEOUT_SECONDS)}
    return {
        "type": "sql",
        "uri": URL.create("sqlite", database=database, query=wait).render_as_string(),
        "warehouse": f"file://{path / 'warehouse'}",
    }


def snapshot_time(snapshot: Snapshot) -> datetime:
    """Return when a snapshot was committed, in UTC."""
    return datetime.fromtimestamp(snapshot.timestamp_ms / 1000, tz=UTC)
