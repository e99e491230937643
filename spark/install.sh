#!/bin/sh
# Install Java and the JDBC drivers, where they are missing, from Debian's packages. Arguments: further packages that
# have to be there. Exits with 75 where they cannot be had.
set -eu

missing=''
want() { missing="$missing $1"; }

# Spark 3.5 runs on Java 8, 11 and 17.
java -version >/dev/null 2>&1 || [ -x "${JAVA_HOME:-/nowhere}/bin/java" ] || want openjdk-17-jre-headless
[ -e /usr/share/java/sqlite-jdbc.jar ] || want libxerial-sqlite-jdbc-java
ls /usr/lib/*/jni/libsqlitejdbc.so >/dev/null 2>&1 || want libxerial-sqlite-jdbc-jni
[ -e /usr/share/java/postgresql.jar ] || want libpostgresql-jdbc-java
for package in "$@"; do
    dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || want "$package"
done
[ -n "$missing" ] || exit 0

refuse() {
    printf 'Spark needs these packages, which are not installed:%s\n  %s\n' "$missing" "$1" >&2
    exit 75
}

command -v apt-get >/dev/null || refuse 'install Java 17 and the JDBC drivers of SQLite and PostgreSQL yourself'
if [ "$(id -u)" = 0 ]; then as_root=''
elif sudo -n true 2>/dev/null; then as_root='sudo -n'
else refuse "as root: apt-get install$missing"
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq || refuse 'apt-get update has failed'
# shellcheck disable=SC2086 # Several packages.
$as_root apt-get install -qq --yes --no-install-recommends $missing >/dev/null || refuse "apt-get install$missing has failed"
