"""Write the observations of a lakehouse as rows of one's own: ``python -m bench.rows HOME FILE``.

FILE ends in `.parquet` or `.jsonl`. Its columns are those that a user writes by hand; responses are their outputs.
"""

import argparse
from pathlib import Path

from obslake.engine import connect, quote_literal
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.views import create_source_views

_ROWS = """
    select
        data_set_id, problem_id, implementation_id, test_id, step_id, operation, inputs, output, run_id,
        environment_id, observed_at, attempt
    from lake.observations
    where implementation_id <> 'oracle'
"""


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(prog="python -m bench.rows")
    parser.add_argument("home", type=Path, help="folder of the lakehouse")
    parser.add_argument("file", type=Path, help="file to write")
    chosen = parser.parse_args()
    kind = "parquet" if chosen.file.suffix == ".parquet" else "json"
    with connect() as connection:
        create_source_views(Lakehouse.open(chosen.home), connection)
        connection.execute(f"copy ({_ROWS}) to {quote_literal(str(chosen.file))} (format {kind})")


if __name__ == "__main__":
    main()
