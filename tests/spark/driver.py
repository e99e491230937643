"""Runs commands on Spark one after the other, in one Java process: ``python -m tests.spark.driver``.

Spark plans several times as fast once Java has compiled its code, so Java is not restarted between commands. Apart
from that, a command runs as in a process of its own: it reads the configuration that its environment names and
creates a context, which stops with the command.

Requests and answers are those of `tests.harness.zygote`; the process id in an answer is that of this process.
"""

import os
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from obslake.lakehouse.home import CATALOG_NAME
from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from spark.configure import LOGGING
from spark.jars import jars, native_libraries
from tests.harness.requests import MOST_BYTES, Request
from tests.harness.zygote import call
from tests.spark.running import JAVA_OPTIONS

# Java gets the libraries for all catalogs of the tests when it starts.
_CATALOGS = (
    {"uri": "jdbc:sqlite:"},
    {"uri": "jdbc:postgresql:", "io-impl": "org.apache.iceberg.aws.s3.S3FileIO"},
)


def main() -> None:
    """Serve until the socket is closed."""
    requests = socket.socket(fileno=os.dup(0))
    with tempfile.TemporaryDirectory() as folder:
        java = Java(Path(folder))
        while True:
            message, descriptors, *_ = socket.recv_fds(requests, MOST_BYTES, 4)
            if not message:
                return
            *standard, answers = descriptors
            with socket.socket(fileno=answers) as asker:
                asker.sendall(f"{os.getpid()}\n".encode())
                status = _run(Request.decode(message), standard, java)
                asker.sendall(f"{status}\n".encode())


def _run(request: Request, standard: Sequence[int], java: "Java") -> int:
    """Run a command; return its exit status."""
    for number, descriptor in enumerate(standard):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = os.fdopen(0, closefd=False)
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.cwd)
    time.tzset()
    try:
        java.configure(Path(os.environ["SPARK_CONF_DIR"]))
        try:
            return call(request.program, request.arguments, None)
        finally:
            java.end_context()
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


class Java:
    """The Java process of this process."""

    def __init__(self, folder: Path) -> None:
        """Start it without settings, which would apply to all commands.

        Args:
            folder: an empty folder for its files.
        """
        (folder / "log4j2.properties").write_text(LOGGING)
        os.environ |= {"SPARK_CONF_DIR": str(folder), "SPARK_LOCAL_IP": "127.0.0.1", "TZ": "UTC"}
        libraries = {jar: None for catalog in _CATALOGS for jar in jars(catalog)}
        settings = {
            "spark.driver.memory": "2g",
            "spark.driver.extraClassPath": ":".join(map(str, libraries)),
            "spark.driver.extraLibraryPath": str(native_libraries(_CATALOGS[0])),
            "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder} {JAVA_OPTIONS}",
        }
        conf = SparkConf(loadDefaults=False).setAll(list(settings.items()))
        self._output = (folder / "output").open("w+")
        with (folder / "output").open("ab") as output:
            gateway = launch_gateway(conf, {"stdout": output, "stderr": output})
        SparkContext._ensure_initialized(gateway=gateway)
        self._java = gateway.jvm
        self._properties = self._java.java.lang.System.getProperties().clone()
        self._stop = SparkSession.stop
        SparkSession.stop = lambda session: self._end(session)

    def configure(self, folder: Path) -> None:
        """Make the next context use the configuration in a folder, as if Java were started with it."""
        self._java.java.lang.System.setProperties(self._properties.clone())
        self._java.org.apache.spark.util.Utils.loadDefaultSparkProperties(
            self._java.org.apache.spark.SparkConf(False), str(folder / "spark-defaults.conf")
        )

    def end_context(self) -> None:
        """Stop the context of a command, if the command has not, and pass on what Java printed."""
        if session := SparkSession._instantiatedSession:
            session.stop()
        sys.stderr.write(self._output.read())

    def _end(self, session: SparkSession) -> None:
        """Stop a context, and close its connections to the catalog, which else stay open while Java runs."""
        manager = session._jsparkSession.sessionState().catalogManager()
        cached = manager.catalog(CATALOG_NAME).icebergCatalog()
        field = cached.getClass().getDeclaredField("catalog")
        field.setAccessible(True)
        field.get(cached).close()
        self._stop(session)


if __name__ == "__main__":
    main()
