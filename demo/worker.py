"""Execute all tests of one problem on one implementation, each test in a process of its own.

Called by record.py as `worker.py PROBLEM ADAPTER [FOLDER]`; FOLDER holds a package that cannot be
installed beside the others. Writes one JSON line per step: test, step, response, nanoseconds, time.
The process forks for each test, so a hang or a crash costs that test and nothing else.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import select
import signal
import sys
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SECONDS_PER_STEP = 10.0
LONGEST_RESPONSE = 4000

sys.path.insert(0, str(HERE))
# The package around it needs libraries that the recorded packages must not meet.
_spec = importlib.util.spec_from_file_location(
    "protocol", HERE.parent / "loader" / "obslake" / "protocol.py"
)
protocol = importlib.util.module_from_spec(_spec)
sys.modules["protocol"] = protocol
_spec.loader.exec_module(protocol)

from problems import Implementation, Problem, Step, load_problem  # noqa: E402


def main() -> None:
    """Run every test of the problem named on the command line."""
    problem_id, adapter_name, *folders = sys.argv[1:]
    sys.path[:0] = folders
    warnings.simplefilter("ignore")
    problem = load_problem(problem_id)
    implementation = next(
        candidate
        for candidate in problem.implementations
        if candidate.adapter.__name__ == adapter_name
    )
    for module in implementation.modules:
        importlib.import_module(module)
    for test_id, steps in problem.tests.items():
        for row in run_test(problem, implementation, steps):
            print(json.dumps([test_id, *row]), flush=True)


def run_test(problem: Problem, implementation: Implementation, steps: list[Step]) -> list[list]:
    """Execute a test in a child process; always one row per step."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        run_steps(problem, implementation, steps, writer)
        os._exit(0)
    os.close(writer)
    received, timed_out = receive(reader, len(steps))
    if timed_out:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    rows = [json.loads(line) for line in received.splitlines()]
    if len(rows) < len(steps):
        failure = protocol.TIMEOUT if timed_out else protocol.CRASH
        rows.append([len(rows), failure, None, now()])
    rows += [[index, protocol.NOT_EXECUTED, None, now()] for index in range(len(rows), len(steps))]
    return rows


def receive(reader: int, n_steps: int) -> tuple[bytes, bool]:
    """Read what the child writes until it ends, or until one step takes too long."""
    received = b""
    while select.select([reader], [], [], SECONDS_PER_STEP)[0]:
        block = os.read(reader, 1 << 16)
        if not block:
            os.close(reader)
            return received[: received.rfind(b"\n") + 1], False
        received += block
    os.close(reader)
    return received[: received.rfind(b"\n") + 1], received.count(b"\n") < n_steps


def run_steps(
    problem: Problem, implementation: Implementation, steps: list[Step], writer: int
) -> None:
    """In the child: execute the steps in order, and write each response as soon as it is known."""
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silence, descriptor)
    subject: Any = implementation.adapter
    made = False
    for index, step in enumerate(steps):
        row = [index, protocol.NOT_EXECUTED, None, now()]
        if step.operation == "create":
            row, subject = timed_call(index, step, implementation.adapter, None)
            made = subject is not None
            if made:
                row[1] = protocol.instance_response(problem.type_name, index)
        elif problem.type_name is None or made:
            row, _ = timed_call(index, step, *operation_of(problem, subject, step.operation))
            if row[1] == "null" and problem.is_void(step.operation):
                row[1] = protocol.VOID
        os.write(writer, json.dumps(row).encode() + b"\n")


def operation_of(problem: Problem, subject: Any, operation: str) -> tuple[Any, Any]:
    """The callable behind an operation, and what to pass to it first."""
    if operation in problem.derived:
        return problem.derived[operation], subject
    if isinstance(subject, type) or problem.type_name:
        return getattr(subject, operation, None), None
    return subject, None


def timed_call(index: int, step: Step, operation: Any, first: Any) -> tuple[list, Any]:
    """Call an operation; the row of its response, and the bare result (None if it raised)."""
    if operation is None:
        return [index, protocol.NOT_EXECUTED, None, now()], None
    arguments = step.arguments if first is None else (first, *step.arguments)
    observed_at = now()
    start = time.perf_counter_ns()
    try:
        result = operation(*arguments)
    except BaseException as error:
        duration = time.perf_counter_ns() - start
        return [index, limited(protocol.exception_response(error)), duration, observed_at], None
    duration = time.perf_counter_ns() - start
    try:
        response = protocol.encode_value(result)
    except protocol.NotSerializable as error:
        response = error.response
    return [index, limited(response), duration, observed_at], result


def limited(response: str) -> str:
    return protocol.truncate_response(response, LONGEST_RESPONSE)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    main()
