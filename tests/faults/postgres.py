"""A PostgreSQL server for a test, if it is installed."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class NoServerError(Exception):
    """No server is available; the message has the reason."""


@contextmanager
def running() -> Iterator[str]:
    """Start a server on the loopback address; yield the address of its database.

    Raises:
        NoServerError: no server is available.
    """
    try:
        import psycopg2  # noqa: F401
    except ImportError as error:
        raise NoServerError("psycopg2 is not installed") from error
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    user = _unprivileged()
    try:
        if user:
            os.chown(folder, user["user"], user["group"])
        data = folder / "data"
        create = [_program("initdb"), "-D", data, "-U", "obslake", "--auth=trust", "--no-sync"]
        made = subprocess.run(
            create, cwd=folder, capture_output=True, text=True, check=False, **user
        )
        if made.returncode:
            raise NoServerError(f"initdb fails: {made.stderr.strip()}")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("w") as log:
            server = subprocess.Popen(
                [_program("postgres"), "-D", data, "-p", str(port), *options],
                cwd=folder,
                stdout=log,
                stderr=log,
                **user,
            )
        try:
            _wait(port, server, folder / "log")
            yield f"postgresql+psycopg2://obslake@127.0.0.1:{port}/postgres"
        finally:
            # Terminates open sessions.
            server.send_signal(signal.SIGINT)
            server.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> Path:
    found = [Path(path) for path in [shutil.which(name)] if path]
    found += sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    if not found:
        raise NoServerError(f"there is no {name} on PATH or below /usr/lib/postgresql")
    return found[0]


def _unprivileged() -> dict[str, Any]:
    """Return options that run the server as another user, because it refuses to run as root."""
    if os.geteuid():
        return {}
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    raise NoServerError("there is no user but root to run the server")


def _wait(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    import psycopg2

    for _ in range(600):
        try:
            psycopg2.connect(host="127.0.0.1", port=port, user="obslake", dbname="postgres").close()
        except psycopg2.OperationalError:
            if server.poll() is not None:
                raise NoServerError(f"postgres ends: {log.read_text().strip()}") from None
            time.sleep(0.1)
        else:
            return
    raise NoServerError("postgres does not answer")
