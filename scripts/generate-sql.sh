#!/bin/sh
# Generate obslake.sql, docs/functions.md, spark/queries and the agents' list of functions from the compiled dbt project.
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

export OBSLAKE_HOME="$work/lake"
obslake init >"$work/init"
dbt --quiet compile --vars "obslake_has_nulls: true" --target-path "$work/target" --log-path "$work/logs"
python -m scripts.sql_package "$work/target/manifest.json" .
