"""Extensions of DuckDB, which are loaded for most commands."""

from typing import Any


def trust_extensions() -> None:
    """Let DuckDB load extensions in this process without checking the signatures of their files.

    There are 80 MB of them, and the check takes a third of a second for each connection that needs them.
    Programs that tests start as users do check them.
    """
    import duckdb

    connect = duckdb.connect

    def trusting(
        database: Any = ":memory:", read_only: bool = False, config: Any = None
    ) -> duckdb.DuckDBPyConnection:
        return connect(database, read_only, {**(config or {}), "allow_unsigned_extensions": "true"})

    duckdb.connect = trusting
