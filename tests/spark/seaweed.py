"""Runs an S3-compatible store for a test: SeaweedFS, if it is installed."""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyarrow.fs import S3FileSystem

from tests.faults.postgres import NoServerError

BUCKET = "lakehouse"
REGION = "us-east-1"
_SERVICES = ("master", "volume", "filer", "s3")


@dataclass(frozen=True)
class Store:
    """A store with an empty bucket.

    Attributes:
        endpoint: its URL.
        key_id: id of a key with all permissions.
        secret: the secret of that key.
    """

    endpoint: str
    key_id: str
    secret: str

    def file_system(self) -> S3FileSystem:
        """Return a client of the store that does not use obslake."""
        return S3FileSystem(
            endpoint_override=self.endpoint,
            access_key=self.key_id,
            secret_key=self.secret,
            region=REGION,
            allow_bucket_creation=True,
        )


@contextmanager
def running() -> Iterator[Store]:
    """Start a store on the loopback address, with its files in a temporary folder.

    Raises:
        NoServerError: it is not available.
    """
    folder = Path(tempfile.mkdtemp(prefix="seaweed-"))
    ports = _free_ports(2 * len(_SERVICES))
    store = Store(f"http://127.0.0.1:{ports[-2]}", "obslake", "obslake-secret")
    identity = {
        "name": "obslake",
        "credentials": [{"accessKey": store.key_id, "secretKey": store.secret}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    keys = folder / "keys.json"
    keys.write_text(json.dumps({"identities": [identity]}))
    options = {
        "dir": folder,
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        # It would send statistics to its authors.
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": "64",
        "volume.max": "100",
        "volume.preStopSeconds": "0",
        "filer.localSocket": folder / "filer.sock",
        "s3.localSocket": folder / "s3.sock",
        "s3.config": keys,
        # Services that are not used.
        "s3.port.iceberg": "0",
        "s3.port.lance": "0",
    }
    for service, port, grpc in zip(_SERVICES, ports[::2], ports[1::2], strict=True):
        options |= {f"{service}.port": str(port), f"{service}.port.grpc": str(grpc)}
    command = [_program(), "-logtostderr=true", "server", "-filer", "-s3"]
    try:
        with (folder / "log").open("w") as log:
            server = subprocess.Popen(
                [*command, *(f"-{name}={value}" for name, value in options.items())],
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        try:
            _create_bucket(store, server, folder / "log")
            yield store
        finally:
            server.terminate()
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program() -> str:
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        raise NoServerError("there is no weed on PATH: run `make install-spark`")
    return found


def _free_ports(number: int) -> list[int]:
    with ExitStack() as sockets:
        found = []
        # All are open at once, so that the ports differ.
        for _ in range(number):
            free = sockets.enter_context(socket.socket())
            free.bind(("127.0.0.1", 0))
            found.append(free.getsockname()[1])
        return found


def _create_bucket(store: Store, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(120):
        try:
            store.file_system().create_dir(BUCKET)
        except OSError as error:
            if server.poll() is not None:
                output = log.read_text().strip()[-2000:]
                raise NoServerError(f"weed has stopped: {output}") from error
            time.sleep(0.5)
        else:
            return
    raise NoServerError("weed does not answer")
