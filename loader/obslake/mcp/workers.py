"""Runs each query in a process of its own, which ends if the query does not.

DuckDB interrupts a query between pieces of its work, and limits the memory of its own buffers. A single
function on a large value can take longer, and its result can be larger; only the system can stop it.
"""

import json
import resource
import sys
import traceback
from dataclasses import asdict

import anyio

from obslake.errors import ObslakeError, QueryError
from obslake.mcp.answers import Answer, answer
from obslake.mcp.catalogue import problems
from obslake.mcp.cells import explain
from obslake.query.ask import Limits, too_slow

_FUNCTIONS = {function.__name__: function for function in (answer, explain, problems)}

_MEMORY = "2GB"
_MEMORY_OF_PROCESS = 4 * 1024**3

# DuckDB is asked to stop first.
_GRACE_SECONDS = 3


async def ask_worker(
    home: str | None, seconds: float, function: str, *arguments: str | int
) -> Answer:
    """Call ``answer``, ``explain`` or ``problems`` in another process.

    Args:
        home: folder of the lakehouse; None: the default one.
        seconds: time of one query.
        function: name of the function.
        arguments: its arguments after the folder and the limits.

    Raises:
        QueryError: it took too long, or too much memory.
        ObslakeError: what the function raises, with its message.
    """
    request = json.dumps([home, seconds, function, arguments])
    try:
        with anyio.fail_after(seconds + _GRACE_SECONDS):
            done = await anyio.run_process(
                # Not modules of the working folder, which may be that of untrusted code.
                [sys.executable, "-P", "-m", "obslake.mcp.workers"],
                input=request.encode(),
                # Messages of a broken worker are for whoever started the server.
                stderr=None,
                check=False,
            )
    except TimeoutError as error:
        raise too_slow(seconds) from error
    try:
        found = json.loads(done.stdout)
    except ValueError as error:
        cause = ", probably for lack of memory" if done.returncode < 0 else ""
        raise QueryError(
            f"the query ended its process with status {done.returncode}{cause}"
        ) from error
    if "error" in found:
        raise ObslakeError(found["error"])
    return Answer(**found)


def main() -> None:
    """Answer the request on standard input, on standard output; both are JSON."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _MEMORY_OF_PROCESS if most == resource.RLIM_INFINITY else min(_MEMORY_OF_PROCESS, most)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, most))
    home, seconds, function, arguments = json.load(sys.stdin)
    try:
        found = asdict(_FUNCTIONS[function](home, Limits(seconds, _MEMORY), *arguments))
    except ObslakeError as error:
        found = {"error": str(error)}
    except MemoryError:
        found = {"error": "the answer does not fit in memory: select fewer or smaller values"}
    except Exception as error:
        traceback.print_exc()
        found = {"error": f"{type(error).__name__}: {error}"}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
