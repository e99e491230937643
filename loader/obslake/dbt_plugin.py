"""dbt-duckdb plugin: shows dbt the Iceberg tables as views on one snapshot per invocation, and readers the marts.

DuckDB lets one process write a file, or several read it. So dbt builds in a file of its own, and a copy of it
replaces the one that readers open: they never wait, and never see half of a build.
"""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError

from obslake.engine import load_extensions, who_locks
from obslake.errors import ObslakeError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.home import home_folder
from obslake.lakehouse.system_errors import system_error
from obslake.lakehouse.views import create_source_views


class Plugin(BasePlugin):
    """Named in ``profiles.yml`` as module ``obslake.dbt_plugin``.

    Config:
        home: folder of the lakehouse.
        as_of_snapshot: optional id of the snapshot of ``observations`` to build from.
    """

    # The folder of the marts, while this process opens them: of several that begin at once, each would else find
    # the file locked by the others, which only look.
    _folder: int | None = None

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Read the configuration; nothing is opened yet."""
        self._home: str | None = plugin_config.get("home")
        self._refusal: DbtRuntimeError | None = None
        as_of = str(plugin_config.get("as_of_snapshot") or "")
        if as_of and not as_of.isdigit():
            raise DbtRuntimeError(f"as_of_snapshot must be the id of a snapshot, not {as_of!r}")
        self._as_of_snapshot = int(as_of) if as_of else None

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Find the lakehouse before DuckDB makes a file of marts for one that does not exist."""
        if self._refusal:
            raise self._refusal
        with self._refusing(), _errors_of_dbt(self._home):
            self._lakehouse = Lakehouse.open(self._home)
        self._built = Path(creds.path)
        self._built.parent.mkdir(parents=True, exist_ok=True)
        self._begin_to_open(self._built.parent)
        if self._built.exists():
            try:
                _check_nobody_builds(self._built)
            except DbtRuntimeError:
                self._end_to_open()
                raise

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Load the extensions and create the source views, once for an invocation of dbt."""
        self._end_to_open()
        load_extensions(conn)
        with self._refusing(), _errors_of_dbt(self._home):
            # However much is loaded while this builds, the views find their metadata.
            keep = self._lakehouse.home / "building" / "metadata"
            create_source_views(self._lakehouse, conn, self._as_of_snapshot, keep=keep)
        if self._built.resolve() != self._lakehouse.marts_path.resolve():
            conn.create_function("publish_marts", self._publish, [], "VARCHAR", side_effects=True)

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Fix the time zone of every session, so that results do not depend on the machine's."""
        cursor.execute("set TimeZone = 'UTC'")

    @classmethod
    def _begin_to_open(cls, folder: Path) -> None:
        """Wait until no other process is opening the marts."""
        cls._end_to_open()
        cls._folder = os.open(folder, os.O_RDONLY)
        # Some file systems have no locks.
        with suppress(OSError):
            fcntl.flock(cls._folder, fcntl.LOCK_EX)

    @classmethod
    def _end_to_open(cls) -> None:
        """Let other processes open the marts, or see that this one has."""
        if cls._folder is not None:
            os.close(cls._folder)
            cls._folder = None

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Refuse in the same words from now on, if this fails.

        dbt connects again for everything that it still wants to do, which may take a minute each.
        """
        try:
            yield
        except DbtRuntimeError as error:
            self._refusal = error
            raise

    def _publish(self) -> str:
        """Replace the marts by what was built; readers keep the file that they have open.

        Everything has been written to the file, and nothing writes to it meanwhile.

        Returns:
            Why it could not be done, empty if it was: of what is raised DuckDB shows every line of Python.
        """
        published = self._lakehouse.marts_path
        copy = published.with_name(f".{published.name}.new")
        # In a process of its own: this one would lose its lock on the file by closing it a second time.
        done = subprocess.run(  # noqa: S603
            ["cp", "--", str(self._built), str(copy)],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            copy.unlink(missing_ok=True)
            return (
                f"the marts were built, but not published: {done.stderr.strip()}\n"
                "  readers see the marts as they were before: make room, and run dbt again"
            )
        copy.replace(published)
        return ""


def _check_nobody_builds(path: Path) -> None:
    """Tell in words of this project that DuckDB lets only one process write a file."""
    try:
        duckdb.connect(path).close()
    except duckdb.IOException as error:
        if (holder := who_locks(error)) is None:
            raise
        raise DbtRuntimeError(
            f"another run of dbt, {holder}, is building the marts in {path}\n"
            "  wait until it has ended; readers see the marts as they were before"
        ) from error


@contextmanager
def _errors_of_dbt(home: str | None) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        found = system_error(error, home_folder(home))
        if found is None and not isinstance(error, ObslakeError):
            raise
        raise DbtRuntimeError(str(found or error)) from error
