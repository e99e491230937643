#!/bin/sh
# Load the demo corpus, build it on Spark and on DuckDB, and compare the marts.
set -eu
cd "$(dirname "$0")/.."

OBSLAKE_HOME=${OBSLAKE_HOME:-lake}
SPARK_CONF_DIR="$OBSLAKE_HOME/spark"
# No other machine is involved.
SPARK_LOCAL_IP=127.0.0.1
export OBSLAKE_HOME SPARK_CONF_DIR SPARK_LOCAL_IP

say() { printf '\n%s\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }

say '1. Load the observations into Iceberg'
. demo/load.sh

say '2. Configure Spark for the lakehouse, and pin what it reads'
run python -m spark.configure "$SPARK_CONF_DIR"
run obslake pin

say '3. Build and test the marts on Spark: two executors in separate processes'
# The project is parsed differently for each engine.
run env DBT_TARGET_PATH=target/spark dbt build --target spark --quiet

say '4. Build and test the marts on DuckDB'
run dbt --quiet build

say '5. Compare them'
run python -m spark.compare
