#!/bin/sh
# Run the linters and the tests in parallel. Print the linters' output after the tests. Fail if either fails.
set -u
cd "$(dirname "$0")/.."
make=${MAKE:-make}

report=$(mktemp) || exit 1
$make --no-print-directory lint >"$report" 2>&1 &
lint=$!
trap 'test -z "$lint" || kill "$lint" 2>/dev/null; rm -f "$report"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

tests=passed lints=passed
$make --no-print-directory pytest || tests=failed
wait "$lint" || lints=failed
lint=

printf '\n'
cat "$report"
printf '\nlint: %s, tests: %s\n' "$lints" "$tests"
test "$lints $tests" = 'passed passed'
