#!/bin/sh
# The main job on Spark, and on DuckDB beside it: load the demonstration corpus, build, compare.
set -eu
cd "$(dirname "$0")/.."

OBSLAKE_HOME=${OBSLAKE_HOME:-lake}
SPARK_CONF_DIR="$OBSLAKE_HOME/spark"
# No other machine takes part.
SPARK_LOCAL_IP=127.0.0.1
export OBSLAKE_HOME SPARK_CONF_DIR SPARK_LOCAL_IP

say() { printf '\n%s\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }

say '1. Load what was observed into Iceberg'
. demo/load.sh

say '2. Tell Spark where the lakehouse is, and pin the moment it shall see'
run python -m spark.configure "$SPARK_CONF_DIR"
run obslake pin

say '3. Build and test the marts on Spark: two executors, processes of their own'
# What is parsed for one engine is not for the other.
run env DBT_TARGET_PATH=target/spark dbt build --target spark --quiet

say '4. Build and test the marts on DuckDB'
run dbt --quiet build

say '5. Compare them'
run python -m spark.compare
