"""Compares the marts built by Spark with those built by DuckDB, row for row.

    python -m spark.compare [--home LAKE] [--schema marts]

Each engine reads the marts that it built. Rows are compared as multisets, with all columns, and texts
byte for byte. Exits with 1 if anything differs.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
from obslake.engine import quote_identifier, quote_literal
from obslake.lakehouse.home import MARTS_FILE, home_folder
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

# Users edit seeds: they are not results.
_SEEDS = tuple(path.stem for path in (Path(__file__).parent.parent / "seeds").glob("*.csv"))

# For `except all`, DuckDB keeps all rows in memory, with all columns.
_MOST_ROWS = 500_000


class NotBuiltError(Exception):
    """An engine has not built the marts."""


@dataclass(frozen=True)
class Compared:
    """One mart on both engines.

    Attributes:
        mart: its name.
        duckdb_rows: number of rows on DuckDB.
        spark_rows: number of rows on Spark.
        only_duckdb: number of rows that only DuckDB has, duplicates included.
        only_spark: number of rows that only Spark has, duplicates included.
    """

    mart: str
    duckdb_rows: int
    spark_rows: int
    only_duckdb: int
    only_spark: int


def compare(home: str | None, schema: str) -> Iterator[Compared]:
    """Compare all marts, one by one. The executors must share the file system of this process.

    Args:
        home: folder of the lakehouse.
        schema: namespace of Spark's marts.

    Raises:
        NotBuiltError: an engine has not built the marts.
    """
    marts = home_folder(home) / MARTS_FILE
    if not marts.exists():
        raise NotBuiltError(f"there are no marts in {marts}\n  run `dbt build`")
    builder = (
        SparkSession.builder.appName("obslake compare")
        # The default type of timestamps has no time zone, and is read as another type.
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    )
    with (
        duckdb.connect(marts, read_only=True) as ours,
        builder.getOrCreate() as session,
        tempfile.TemporaryDirectory() as folder,
    ):
        ours.execute("set TimeZone = 'UTC'")
        names = ours.execute(
            "select table_name from information_schema.tables where table_schema = 'main' "
            "and not list_contains($1, table_name) order by table_name",
            [_SEEDS],
        ).fetchall()
        for (mart,) in names:
            theirs = Path(folder) / mart
            _write(session, f"{schema}.{mart}", theirs)
            yield _compare(ours, mart, theirs)


def _write(session: SparkSession, mart: str, folder: Path) -> None:
    try:
        rows = session.table(mart)
    except AnalysisException as error:
        raise NotBuiltError(f"Spark has no {mart}\n  run `dbt build --target spark`") from error
    rows.write.parquet(folder.as_uri())


def _compare(connection: duckdb.DuckDBPyConnection, mart: str, theirs: Path) -> Compared:
    described = connection.execute(f"describe main.{quote_identifier(mart)}").fetchall()
    columns = ", ".join(_comparable(name, kind) for name, kind, *_ in described)
    duckdb_rows = f"select {columns} from main.{quote_identifier(mart)}"
    files = quote_literal(f"{theirs}/*.parquet")
    spark_rows = f"select {columns} from read_parquet({files}, hive_partitioning = false)"

    def count(rows: str) -> int:
        return int(connection.execute(f"select count(*) from ({rows})").fetchall()[0][0])

    n_duckdb, n_spark = count(duckdb_rows), count(spark_rows)
    # Equal rows belong to the same problem.
    by_problem = any(name == "problem_id" for name, *_ in described)
    n_parts = 1 + max(n_duckdb, n_spark) // _MOST_ROWS if by_problem else 1
    only_duckdb = only_spark = 0
    for i in range(n_parts):
        part = f" where hash(problem_id) % {n_parts} = {i}" if n_parts > 1 else ""
        one, other = f"({duckdb_rows}{part})", f"({spark_rows}{part})"
        only_duckdb += count(f"{one} except all {other}")
        only_spark += count(f"{other} except all {one}")
    return Compared(mart, n_duckdb, n_spark, only_duckdb, only_spark)


def _comparable(column: str, kind: str) -> str:
    name = quote_identifier(column)
    # Map entries are unordered.
    return f"list_sort(map_entries({name}))" if kind.startswith("MAP") else name


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Compare Spark's marts with DuckDB's.")
    parser.add_argument(
        "--home", help="folder of the lakehouse [default: $OBSLAKE_HOME, else lake]"
    )
    parser.add_argument(
        "--schema", default="marts", help="namespace of Spark's marts [default: marts]"
    )
    arguments = parser.parse_args()
    print(f"{'mart':<30} {'DuckDB':>10} {'Spark':>10} {'only DuckDB':>12} {'only Spark':>11}")
    n_different = 0
    try:
        for found in compare(arguments.home, arguments.schema):
            n_different += found.only_duckdb + found.only_spark
            print(
                f"{found.mart:<30} {found.duckdb_rows:>10,} {found.spark_rows:>10,} "
                f"{found.only_duckdb:>12,} {found.only_spark:>11,}",
                flush=True,
            )
    except NotBuiltError as error:
        sys.exit(f"spark.compare: {error}")
    if n_different:
        sys.exit(f"spark.compare: {n_different:,} rows differ")
    print("all marts are the same, row for row")


if __name__ == "__main__":
    main()
