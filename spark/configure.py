"""Writes the Spark configuration of a lakehouse.

    python -m spark.configure FOLDER [--home LAKE] [--master MASTER]

The catalog and the store are those of PyIceberg's configuration, or the default ones below the folder
of the lakehouse. The result is a plain Spark configuration: change it, or copy it to a cluster.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from obslake.errors import ObslakeError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.home import CATALOG_NAME
from obslake.lakehouse.store import STORE_SCHEMES, store_options
from sqlalchemy import URL, make_url

from spark.jars import JarError, jars, native_libraries

# Two executors in separate processes, with one core and up to 2 GiB each.
DEFAULT_MASTER = "local-cluster[2,1,2048]"

# Options of PostgreSQL addresses that have the same name in JDBC.
_SAME_IN_JDBC = {"sslmode", "sslrootcert", "sslcert"}

LOGGING = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
# Python's gateway would log that it sets a level.
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = error
# It is not an error that a local cluster stops with its driver.
logger.deploy.name = org.apache.spark.deploy
logger.deploy.level = off
logger.cluster.name = org.apache.spark.scheduler.cluster
logger.cluster.level = off
logger.tasks.name = org.apache.spark.scheduler.TaskSchedulerImpl
logger.tasks.level = off
logger.rpc.name = org.apache.spark.rpc
logger.rpc.level = off
logger.executor.name = org.apache.spark.executor
logger.executor.level = off
logger.hooks.name = org.apache.spark.util.Utils
logger.hooks.level = off
"""


def catalog_settings(properties: Mapping[str, str]) -> dict[str, str]:
    """Translate PyIceberg's properties of a catalog into Spark's settings.

    Raises:
        ObslakeError: a property cannot be translated.
    """
    kind = properties.get("type", "sql")
    if kind != "sql":
        raise _untranslated(f"catalogs of type {kind}")
    return {
        "type": "jdbc",
        # The schema that PyIceberg creates.
        "jdbc.schema-version": "V1",
        "warehouse": properties["warehouse"],
        **_database(make_url(properties["uri"])),
        **_store(properties),
    }


def _database(url: URL) -> dict[str, str]:
    backend, options = url.get_backend_name(), dict(url.query)
    if backend == "sqlite":
        # In SQLite only one connection can write at a time.
        return {"uri": f"jdbc:sqlite:{url.database}?busy_timeout=60000", "clients": "1"}
    if backend != "postgresql":
        raise _untranslated(f"catalogs in {backend}")
    if unknown := options.keys() - _SAME_IN_JDBC:
        raise _untranslated(f"the option {min(unknown)!r} of the catalog's address")
    port = f":{url.port}" if url.port else ""
    uri = f"jdbc:postgresql://{url.host or 'localhost'}{port}/{url.database or ''}"
    settings = {"uri": f"{uri}?{urlencode(options, doseq=True)}" if options else uri}
    if url.username:
        settings["jdbc.user"] = url.username
    if url.password:
        settings["jdbc.password"] = str(url.password)
    return settings


def _store(properties: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of an S3-compatible store; empty if the files are in a file system."""
    scheme = urlsplit(properties["warehouse"]).scheme
    if scheme in ("", "file"):
        return {}
    if scheme not in STORE_SCHEMES:
        raise _untranslated(f"stores of {scheme}://")
    options = store_options(dict(properties))
    settings = {
        "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        # It creates no clients of AWS services that are not used.
        "s3.client-factory-impl": "org.apache.iceberg.aws.s3.DefaultS3FileIOAwsClientFactory",
        "http-client.type": "urlconnection",
    }
    for name, spark_name in {
        "key_id": "s3.access-key-id",
        "secret": "s3.secret-access-key",
        "session_token": "s3.session-token",
        "region": "client.region",
    }.items():
        if value := options.get(name):
            settings[spark_name] = value
    if "endpoint" in options:
        settings["s3.endpoint"] = properties["s3.endpoint"]
        settings["s3.path-style-access"] = "true" if options["url_style"] == "path" else "false"
    return settings


def _untranslated(what: str) -> ObslakeError:
    return ObslakeError(f"{what} cannot be translated: write the Spark configuration yourself")


def settings(catalog: Mapping[str, str], master: str, scratch: Path) -> dict[str, str]:
    """Return the configuration.

    Args:
        catalog: PyIceberg's properties of the catalog.
        master: URL of the Spark master.
        scratch: folder for temporary files.

    Raises:
        JarError: a library that Spark needs is not installed.
    """
    described = catalog_settings(catalog)
    path = ":".join(str(jar) for jar in jars(described))
    found = {
        "spark.master": master,
        "spark.driver.memory": "2g",
        "spark.executor.memory": "1g",
        "spark.driver.extraClassPath": path,
        "spark.executor.extraClassPath": path,
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={scratch / 'derby'}",
        "spark.local.dir": str(scratch / "local"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Nobody reads the descriptions of plans: there is no user interface.
        "spark.sql.ui.explainMode": "simple",
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        # Texts may contain `${…}`, which is not a variable.
        "spark.sql.variable.substitute": "false",
        "spark.sql.shuffle.partitions": "8",
        # JSON responses are joined level by level, which makes a deep plan.
        "spark.sql.analyzer.maxIterations": "1000",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.defaultCatalog": CATALOG_NAME,
        f"spark.sql.catalog.{CATALOG_NAME}": "org.apache.iceberg.spark.SparkCatalog",
        # A build reads the same manifests in many statements.
        f"spark.sql.catalog.{CATALOG_NAME}.io.manifest.cache-enabled": "true",
        **{f"spark.sql.catalog.{CATALOG_NAME}.{name}": value for name, value in described.items()},
    }
    if master.startswith("local"):
        # Executors on other machines could not connect to a loopback address.
        found |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    if libraries := native_libraries(described):
        found["spark.driver.extraLibraryPath"] = str(libraries)
    return found


def write(folder: Path, home: str | None, master: str) -> Path:
    """Write the configuration into a folder, and return the path of the file.

    Raises:
        ObslakeError: there is no lakehouse, or its catalog cannot be translated.
        JarError: a library that Spark needs is not installed.
    """
    lakehouse = Lakehouse.open(home)
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder.resolve() / "scratch"
    (scratch / "local").mkdir(parents=True, exist_ok=True)
    found = settings(lakehouse.catalog.properties, master, scratch)
    file = folder / "spark-defaults.conf"
    # It may contain passwords, and a file that it replaces may be readable for everyone.
    part = folder / f".spark-defaults.conf.{os.getpid()}"
    part.touch(mode=0o600)
    part.write_text("".join(f"{name}={_escaped(value)}\n" for name, value in found.items()))
    part.replace(file)
    (folder / "log4j2.properties").write_text(LOGGING)
    return file


def _escaped(value: str) -> str:
    """Escape a value for a properties file, in which a backslash begins an escape sequence."""
    return value.replace("\\", "\\\\")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Write the Spark configuration of a lakehouse.")
    parser.add_argument("folder", type=Path, help="folder for spark-defaults.conf (SPARK_CONF_DIR)")
    parser.add_argument(
        "--home", help="folder of the lakehouse [default: $OBSLAKE_HOME, else lake]"
    )
    parser.add_argument("--master", default=DEFAULT_MASTER, help=f"[default: {DEFAULT_MASTER}]")
    arguments = parser.parse_args()
    try:
        print(write(arguments.folder, arguments.home, arguments.master))
    except (ObslakeError, JarError) as error:
        sys.exit(f"spark.configure: {error}")


if __name__ == "__main__":
    main()
