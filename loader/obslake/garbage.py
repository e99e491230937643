"""Garbage collection of processes that are short: what they allocate is nearly all needed until they end."""

import atexit
import gc

_OBJECTS_BEFORE_COLLECTION = 50_000


def collect_rarely() -> None:
    """Search for garbage more rarely, and not when the process ends. This concerns the whole process.

    The imports of a command make hundreds of thousands of objects, and dbt's parsed project as many. To search
    them again and again takes a sixth of a small load, and two seconds of dbt.
    """
    first, *others = gc.get_threshold()
    # 0: whoever runs this process has switched collection off.
    if first:
        gc.set_threshold(max(first, _OBJECTS_BEFORE_COLLECTION), *others)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
