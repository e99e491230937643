"""Isolate the recorder from patches of the suite, such as frozen clocks or a mocked ``json.dumps``."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any


def private_modules(namespace: dict[str, Any]) -> None:
    """Replace the modules imported by a namespace by private copies, which the suite cannot patch."""
    for name, value in list(namespace.items()):
        if isinstance(value, ModuleType) and value.__name__.partition(".")[0] != __package__:
            namespace[name] = SimpleNamespace(**vars(value))
