"""Writes the configuration with which Spark finds the lakehouse that PyIceberg finds.

    python -m spark.configure FOLDER [--home LAKE] [--master MASTER]

The catalog and the store are those of PyIceberg's own configuration, or the default ones below the
folder of the lakehouse. What is written is plain Spark: change it, or copy it to a cluster.
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

# Two executors, processes of their own, with a core each and 2 GiB at most.
DEFAULT_MASTER = "local-cluster[2,1,2048]"

# Options of an address of PostgreSQL that its driver for Java knows by the same names.
_SAME_FOR_JDBC = {"sslmode", "sslrootcert", "sslcert"}

LOGGING = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
# Python's gateway would say that it sets a level.
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = error
# A cluster that ends with its driver is no fault.
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
    """Return what Spark has to be told of a catalog that PyIceberg has these properties of.

    Raises:
        ObslakeError: something of it cannot be translated.
    """
    kind = properties.get("type", "sql")
    if kind != "sql":
        raise _untranslated(f"catalogs of type {kind}")
    return {
        "type": "jdbc",
        # The form that PyIceberg creates.
        "jdbc.schema-version": "V1",
        "warehouse": properties["warehouse"],
        **_database(make_url(properties["uri"])),
        **_store(properties),
    }


def _database(url: URL) -> dict[str, str]:
    backend, options = url.get_backend_name(), dict(url.query)
    if backend == "sqlite":
        # SQLite lets one connection write at a time.
        return {"uri": f"jdbc:sqlite:{url.database}?busy_timeout=60000", "clients": "1"}
    if backend != "postgresql":
        raise _untranslated(f"catalogs in {backend}")
    if unknown := options.keys() - _SAME_FOR_JDBC:
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
    """Return the settings of an S3-compatible store; none where the files are in a file system."""
    scheme = urlsplit(properties["warehouse"]).scheme
    if scheme in ("", "file"):
        return {}
    if scheme not in STORE_SCHEMES:
        raise _untranslated(f"stores of {scheme}://")
    told = store_options(dict(properties))
    settings = {
        "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        # Without clients of services that are not asked.
        "s3.client-factory-impl": "org.apache.iceberg.aws.s3.DefaultS3FileIOAwsClientFactory",
        "http-client.type": "urlconnection",
    }
    for name, spark_name in {
        "key_id": "s3.access-key-id",
        "secret": "s3.secret-access-key",
        "session_token": "s3.session-token",
        "region": "client.region",
    }.items():
        if value := told.get(name):
            settings[spark_name] = value
    if "endpoint" in told:
        settings["s3.endpoint"] = properties["s3.endpoint"]
        settings["s3.path-style-access"] = "true" if told["url_style"] == "path" else "false"
    return settings


def _untranslated(what: str) -> ObslakeError:
    return ObslakeError(f"{what} cannot be translated: write the Spark configuration yourself")


def settings(catalog: Mapping[str, str], master: str, scratch: Path) -> dict[str, str]:
    """Return the whole configuration.

    Args:
        catalog: PyIceberg's properties of the catalog.
        master: where Spark runs.
        scratch: folder for what Spark leaves behind.

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
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        # What looks like a variable in a text is a part of it.
        "spark.sql.variable.substitute": "false",
        "spark.sql.shuffle.partitions": "8",
        # Responses in JSON are joined level by level, in a long chain.
        "spark.sql.analyzer.maxIterations": "1000",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.defaultCatalog": CATALOG_NAME,
        f"spark.sql.catalog.{CATALOG_NAME}": "org.apache.iceberg.spark.SparkCatalog",
        **{f"spark.sql.catalog.{CATALOG_NAME}.{name}": value for name, value in described.items()},
    }
    if master.startswith("local"):
        # Executors of a cluster call the driver from other machines.
        found |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    if libraries := native_libraries(described):
        found["spark.driver.extraLibraryPath"] = str(libraries)
    return found


def write(folder: Path, home: str | None, master: str) -> Path:
    """Write the configuration into a folder, and return the file.

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
    # It may hold passwords, whoever may have read what was there before.
    part = folder / f".spark-defaults.conf.{os.getpid()}"
    part.touch(mode=0o600)
    part.write_text("".join(f"{name}={_escaped(value)}\n" for name, value in found.items()))
    part.replace(file)
    (folder / "log4j2.properties").write_text(LOGGING)
    return file


def _escaped(value: str) -> str:
    """Return a value as files of properties have it, in which a backslash begins an escape."""
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
