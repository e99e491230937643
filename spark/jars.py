"""Finds the additional Java libraries that Spark needs."""

import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

# Folders of Debian packages.
_JAVA = Path("/usr/share/java")
_NATIVE = Path("/usr/lib")

# PySpark is built for this version of Scala.
_ICEBERG = "iceberg-spark-runtime-3.5_2.12-*.jar"

# The parts of the AWS SDK that Iceberg's S3FileIO needs with `DefaultS3FileIOAwsClientFactory` and Java's own HTTP
# client: the libraries whose classes were loaded while tables were created, changed and read. If one is missing,
# its first use fails. The complete SDK has ten times as many.
STORE_JARS = (
    "auth-2.29.26.jar",
    "aws-core-2.29.26.jar",
    "aws-query-protocol-2.29.26.jar",
    "aws-xml-protocol-2.29.26.jar",
    "checksums-2.29.26.jar",
    "checksums-spi-2.29.26.jar",
    "endpoints-spi-2.29.26.jar",
    "http-auth-2.29.26.jar",
    "http-auth-aws-2.29.26.jar",
    "http-auth-spi-2.29.26.jar",
    "http-client-spi-2.29.26.jar",
    "identity-spi-2.29.26.jar",
    "json-utils-2.29.26.jar",
    "metrics-spi-2.29.26.jar",
    "profiles-2.29.26.jar",
    "protocol-core-2.29.26.jar",
    "reactive-streams-1.0.4.jar",
    "regions-2.29.26.jar",
    "retries-2.29.26.jar",
    "retries-spi-2.29.26.jar",
    "s3-2.29.26.jar",
    "sdk-core-2.29.26.jar",
    "third-party-jackson-core-2.29.26.jar",
    "url-connection-client-2.29.26.jar",
    "utils-2.29.26.jar",
)


class JarError(Exception):
    """A library is not installed."""


def jars(catalog: Mapping[str, str]) -> list[Path]:
    """Return the libraries for a catalog.

    Args:
        catalog: Spark's settings of the catalog.

    Raises:
        JarError: a library is not installed.
    """
    return list(_jars(catalog))


def _jars(catalog: Mapping[str, str]) -> Iterator[Path]:
    yield _of_package("snowpark_connect_deps_iceberg", _ICEBERG)
    uri = catalog.get("uri", "")
    if uri.startswith("jdbc:sqlite:"):
        yield _of_system("sqlite-jdbc.jar", "libxerial-sqlite-jdbc-java")
    if uri.startswith("jdbc:postgresql:"):
        yield _of_system("postgresql.jar", "libpostgresql-jdbc-java")
    if catalog.get("io-impl", "").endswith(".S3FileIO"):
        for name in STORE_JARS:
            yield _of_environment(name)


def store_folder() -> Path:
    """Return the folder of the Python environment with the libraries for stores."""
    return Path(sys.prefix) / "share" / "obslake" / "jars"


def _of_environment(name: str) -> Path:
    path = store_folder() / name
    if not path.exists():
        raise JarError(f"{path} is not installed\n  run `make install-spark`")
    return path


def _of_package(module: str, pattern: str) -> Path:
    spec = find_spec(module)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in Path(folder).glob(f"jars/{pattern}"):
            return path
    raise JarError(f"{pattern} is not installed\n  run `make install-spark`")


def _of_system(name: str, package: str) -> Path:
    path = _JAVA / name
    if not path.exists():
        raise JarError(f"{path} is not installed\n  run `apt-get install {package}`")
    return path


def native_libraries(catalog: Mapping[str, str]) -> Path | None:
    """Return the folder of the native libraries for a catalog; None if it needs none.

    Raises:
        JarError: they are not installed.
    """
    if not catalog.get("uri", "").startswith("jdbc:sqlite:"):
        return None
    for path in _NATIVE.glob("*/jni/libsqlitejdbc.so"):
        return path.parent
    raise JarError(
        "libsqlitejdbc.so is not installed\n  run `apt-get install libxerial-sqlite-jdbc-jni`"
    )
