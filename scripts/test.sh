#!/bin/sh
# Lint beside the tests: what the linters say is printed in one piece after them. It fails if either fails.
set -u
cd "$(dirname "$0")/.."
make=${MAKE:-make}

said=$(mktemp) || exit 1
$make --no-print-directory lint >"$said" 2>&1 &
lint=$!
trap 'test -z "$lint" || kill "$lint" 2>/dev/null; rm -f "$said"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

tests=passed lints=passed
$make --no-print-directory pytest || tests=failed
wait "$lint" || lints=failed
lint=

printf '\n'
cat "$said"
printf '\nlint: %s, tests: %s\n' "$lints" "$tests"
test "$lints $tests" = 'passed passed'
