#!/bin/sh
# Lint the models with sqlfluff (dbt templater) and the project with dbt-bouncer, on an empty lakehouse.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

export OBSLAKE_HOME="$work/lake" DBT_TARGET_PATH="$work/target" DBT_LOG_PATH="$work/logs"
obslake init >"$work/init"
sqlfluff lint --disable-progress-bar models tests/dbt analyses
dbt --quiet parse
sed "s#^dbt_artifacts_dir:.*#dbt_artifacts_dir: $DBT_TARGET_PATH#" dbt-bouncer.yml >"$work/dbt-bouncer.yml"
dbt-bouncer --config-file "$work/dbt-bouncer.yml" >"$work/bouncer" 2>&1 || { cat "$work/bouncer"; exit 1; }
