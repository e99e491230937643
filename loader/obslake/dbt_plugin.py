"""dbt-duckdb plugin: gives dbt the Iceberg tables as views on one snapshot per run, and publishes the marts.

DuckDB lets either one process write a file or several read it. So dbt builds in a separate file, and a copy of it
replaces the file that readers open: readers never wait and never see a partial build.
"""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError

from obslake.engine import load_extensions, lock_holder
from obslake.errors import ObslakeError
from obslake.garbage import collect_rarely
from obslake.lakehouse import kept_views
from obslake.lakehouse.home import BUILDING_FOLDER, MARTS_FILE, home_folder, identity

if TYPE_CHECKING:
    from obslake.lakehouse.catalog import Lakehouse


class Plugin(BasePlugin):
    """The plugin; ``profiles.yml`` names its module, ``obslake.dbt_plugin``.

    Config:
        home: folder of the lakehouse.
        as_of_snapshot: optional id of the snapshot of ``observations`` to build from.
        publish: whether the marts replace those that readers open; true unless they are built on trial.
    """

    # The folder of the marts, locked while this process opens them. Otherwise processes that start together find
    # the file locked by each other's check for a running build.
    _folder: int | None = None

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Read the configuration, without opening anything."""
        collect_rarely()
        self._home = home_folder(plugin_config.get("home"))
        self._lakehouse: Lakehouse | None = None
        self._publishes = bool(plugin_config.get("publish", True))
        self._first_error: DbtRuntimeError | None = None
        as_of = str(plugin_config.get("as_of_snapshot") or "")
        if as_of and not as_of.isdigit():
            raise DbtRuntimeError(f"as_of_snapshot must be a snapshot id, not {as_of!r}")
        self._as_of_snapshot = int(as_of) if as_of else None

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Open the lakehouse before DuckDB creates the file of marts, so that a missing lakehouse gets none."""
        if self._first_error:
            raise self._first_error
        with self._remember_error(), _as_dbt_errors(self._home):
            if not kept_views.local_tables(self._home):
                self._open()
        self._built = Path(creds.path)
        self._built.parent.mkdir(parents=True, exist_ok=True)
        self._lock_folder(self._built.parent)
        if self._built.exists():
            try:
                _check_no_other_build(self._built)
            except DbtRuntimeError:
                self._unlock_folder()
                raise

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Load the extensions and create the source views, once per dbt run."""
        self._unlock_folder()
        load_extensions(conn)
        with self._remember_error(), _as_dbt_errors(self._home):
            self._show_tables(conn)
        if self._publishes and self._built.resolve() != self._published.resolve():
            conn.create_function(
                "publish_marts", self._publish, ["VARCHAR"], "VARCHAR", side_effects=True
            )

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Set the time zone of every session, so that results do not depend on the machine."""
        cursor.execute("set TimeZone = 'UTC'")

    @property
    def _published(self) -> Path:
        """The file of marts that readers open."""
        return self._home / MARTS_FILE

    def _open(self) -> "Lakehouse":
        """Open the lakehouse, once."""
        if self._lakehouse is None:
            # Takes a second, most of it for imports.
            from obslake.lakehouse.catalog import Lakehouse

            self._lakehouse = Lakehouse.open(self._home)
        return self._lakehouse

    def _show_tables(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Create the source views, unless the file has those of the current tables."""
        # The views read a copy of the metadata: loads during the build may remove the original.
        building = self._home / BUILDING_FOLDER
        keep = (building if self._publishes else self._built.parent) / "metadata"
        tables = kept_views.local_tables(self._home) or {}
        version = kept_views.version_of_views(tables, self._as_of_snapshot, keep)
        if tables and kept_views.has_views(conn, version, tables, keep):
            return
        from obslake.lakehouse.views import create_source_views

        create_source_views(self._open(), conn, self._as_of_snapshot, keep=keep)
        # Otherwise a table has changed meanwhile.
        if tables and kept_views.local_tables(self._home) == tables:
            kept_views.note_views(conn, version)

    @classmethod
    def _lock_folder(cls, folder: Path) -> None:
        """Wait until no other process is opening the marts."""
        cls._unlock_folder()
        cls._folder = os.open(folder, os.O_RDONLY)
        # Some file systems have no locks.
        with suppress(OSError):
            fcntl.flock(cls._folder, fcntl.LOCK_EX)

    @classmethod
    def _unlock_folder(cls) -> None:
        """Let other processes open the marts, or find that this one has."""
        if cls._folder is not None:
            os.close(cls._folder)
            cls._folder = None

    @contextmanager
    def _remember_error(self) -> Iterator[None]:
        """If the block fails, make every later connection fail at once with the same error.

        dbt connects again for each remaining node, and each attempt may take a minute.
        """
        try:
            yield
        except DbtRuntimeError as error:
            self._first_error = error
            raise

    def _publish(self, same: str) -> str:
        """Replace the published marts by the built ones; readers keep the file that they have open.

        The build has written everything to its file, and nothing writes to it now. ``cp`` shares blocks of both
        files where the file system can.

        Args:
            same: identity of the file that holds the same marts; if it is still there, nothing is copied.

        Returns:
            The identity of the published file, or ``!`` and an error message: DuckDB would print the Python
            traceback of an exception.
        """
        published = self._published
        if same and identity(published) == same:
            return same
        copy = published.with_name(f".{published.name}.new")
        # In another process: if this one opened and closed the file again, it would lose its lock on it.
        done = subprocess.run(  # noqa: S603
            ["cp", "--", str(self._built), str(copy)],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            copy.unlink(missing_ok=True)
            return (
                f"!the marts were built, but not published: {done.stderr.strip()}\n"
                "  readers still see the previous marts: make room, and run dbt again"
            )
        copy.replace(published)
        return identity(published)


def _check_no_other_build(path: Path) -> None:
    """Raise an error for users if another process has the marts open for writing."""
    try:
        duckdb.connect(path).close()
    except duckdb.IOException as error:
        if (holder := lock_holder(error)) is None:
            raise
        raise DbtRuntimeError(
            f"another run of dbt, {holder}, is building the marts in {path}\n"
            "  wait until it has ended; readers still see the previous marts"
        ) from error


@contextmanager
def _as_dbt_errors(home: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        from obslake.lakehouse.system_errors import system_error

        found = system_error(error, home)
        if found is None and not isinstance(error, ObslakeError):
            raise
        raise DbtRuntimeError(str(found or error)) from error
