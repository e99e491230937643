"""obslake: an observation lakehouse.

The loader appends the observed behaviour of software to Apache Iceberg tables. The dbt project defines in SQL
what the rows mean. Notebooks and programs call ``connect`` and ``wide_matrix``; everything else is internal,
except ``obslake.dbt_plugin``.
"""

import os
from typing import TYPE_CHECKING

from obslake.version import __version__

if TYPE_CHECKING:
    import duckdb

__all__ = ["__version__", "connect", "wide_matrix"]


def connect(home: "str | os.PathLike[str] | None" = None) -> "duckdb.DuckDBPyConnection":
    """Open a lakehouse for queries: the marts, the SQL functions, and the tables in schema ``lake``.

    Args:
        home: folder of the lakehouse; None: ``$OBSLAKE_HOME``, else ``lake``.

    Returns:
        A DuckDB connection that has the lakehouse read-only; what it creates itself is in memory. It shows the
        lakehouse as it was when it was opened. `COPY … TO` can write any file that you may write.

    Raises:
        NoLakehouseError: there is no lakehouse at ``home``.
        QueryError: the marts are not built yet, or another program has them open for writing.
    """
    from obslake.query.notebook import connect

    return connect(home)


def wide_matrix(
    connection: "duckdb.DuckDBPyConnection",
    data_set: str,
    problem: str,
    value: str = "response",
) -> "duckdb.DuckDBPyRelation":
    """Return the matrix of a problem with one row per stimulus and one column per implementation.

    Args:
        connection: opened by ``connect``.
        data_set: data set of the problem.
        problem: the problem.
        value: column of the function ``srm`` that the cells show; a cell that was not executed is null.

    Raises:
        QueryError: names of implementations differ only in the case of letters, or are those of the first columns.
        duckdb.Error: there is no such data set, problem or column.
    """
    from obslake.query.notebook import wide_matrix

    return wide_matrix(connection, data_set, problem, value)
