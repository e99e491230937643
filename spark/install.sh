#!/bin/sh
# Install Java and the JDBC drivers from Debian's packages, if they are missing. Arguments: further packages to install.
# Exits with 75 if Java cannot be installed, and with 1 on any other error.
set -eu

missing='' java_missing=''
want() { missing="$missing $1"; }
fail() { printf '%s\n' "$1" >&2; exit 1; }
# Where Java can be installed, so can the other packages: only a lack of Java is not an error.
refuse() {
    printf 'Spark needs these packages, which are not installed:%s\n  %s\n' "$missing" "$1" >&2
    [ -z "$java_missing" ] || exit 75
    exit 1
}

java=${JAVA_HOME:+$JAVA_HOME/bin/}java
if "$java" -version >/dev/null 2>&1; then
    # Spark 3.5 supports 8, 11 and 17, and Iceberg 11 and later.
    version=$("$java" -version 2>&1 | sed -n 's/^[a-z]* version "\([0-9]*\).*/\1/p')
    case $version in
    11 | 17) ;;
    *) fail "Spark needs Java 11 or 17, and $java is $version
  set JAVA_HOME to one of these" ;;
    esac
else
    java_missing=1
    want openjdk-17-jre-headless
fi
[ -e /usr/share/java/sqlite-jdbc.jar ] || want libxerial-sqlite-jdbc-java
ls /usr/lib/*/jni/libsqlitejdbc.so >/dev/null 2>&1 || want libxerial-sqlite-jdbc-jni
[ -e /usr/share/java/postgresql.jar ] || want libpostgresql-jdbc-java
for package in "$@"; do
    dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || want "$package"
done
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null || refuse 'install Java 17 and the JDBC drivers of SQLite and PostgreSQL yourself'
if [ "$(id -u)" = 0 ]; then as_root=''
elif sudo -n true 2>/dev/null; then as_root='sudo -n'
else refuse "as root: apt-get install$missing"
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq || refuse 'apt-get update has failed'
# shellcheck disable=SC2086 # Several packages.
$as_root apt-get install -qq --yes --no-install-recommends $missing >/dev/null || refuse 'apt-get install has failed'
