"""dbt-duckdb plugin: shows dbt the Iceberg tables as views on one snapshot per invocation."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError
from duckdb import DuckDBPyConnection

from obslake.engine import load_extensions
from obslake.errors import ObslakeError
from obslake.lakehouse import Lakehouse


class Plugin(BasePlugin):
    """Named in ``profiles.yml`` as module ``obslake.dbt_plugin``.

    Config:
        home: folder of the lakehouse.
        as_of_snapshot: optional id of the snapshot of ``observations`` to build from.
    """

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Read the configuration; nothing is opened yet."""
        self._home: str | None = plugin_config.get("home")
        as_of = str(plugin_config.get("as_of_snapshot") or "")
        if as_of and not as_of.isdigit():
            raise DbtRuntimeError(f"as_of_snapshot must be the id of a snapshot, not {as_of!r}")
        self._as_of_snapshot = int(as_of) if as_of else None

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Find the lakehouse before DuckDB makes a file of marts for one that does not exist."""
        with _errors_of_dbt():
            self._lakehouse = Lakehouse.open(self._home)

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Load the extensions and create the source views, once for an invocation of dbt."""
        load_extensions(conn)
        with _errors_of_dbt():
            self._lakehouse.create_source_views(conn, self._as_of_snapshot)

    def configure_cursor(self, cursor: DuckDBPyConnection) -> None:
        """Fix the time zone of every session, so that results do not depend on the machine's."""
        cursor.execute("set TimeZone = 'UTC'")


@contextmanager
def _errors_of_dbt() -> Iterator[None]:
    try:
        yield
    except ObslakeError as error:
        raise DbtRuntimeError(str(error)) from error
