"""DuckDB's extensions, which most commands load."""

from typing import Any


def trust_extensions() -> None:
    """Let DuckDB load extensions in this process without checking signatures.

    They have 80 MB, and the check takes a third of a second per connection.
    Programs that tests start as users do still check them.
    """
    import duckdb

    connect = duckdb.connect

    def trusting(
        database: Any = ":memory:", read_only: bool = False, config: Any = None
    ) -> duckdb.DuckDBPyConnection:
        return connect(database, read_only, {**(config or {}), "allow_unsigned_extensions": "true"})

    duckdb.connect = trusting
