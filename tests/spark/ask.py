"""Runs queries on Spark: reads them as JSON from standard input, and writes their rows to standard output."""

import json
import sys

from pyspark.sql import SparkSession


def main() -> None:
    """Run a list of pairs of a query and its named parameters."""
    session = SparkSession.builder.getOrCreate()
    session.sql("use marts")
    answers = []
    for query, parameters in json.load(sys.stdin):
        rows = session.sql(query, parameters).collect()
        answers.append([[str(value) for value in row] for row in rows])
    session.stop()
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
