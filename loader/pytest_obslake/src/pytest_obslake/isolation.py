"""Keep the recorder apart from what the suite does to the interpreter it shares.

Suites freeze clocks and mock ``json.dumps``. The recorder must not notice.
"""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any


def private_modules(namespace: dict[str, Any]) -> None:
    """Replace the modules that a namespace has imported by copies that nobody else can patch."""
    for name, value in list(namespace.items()):
        if isinstance(value, ModuleType) and value.__name__.partition(".")[0] != __package__:
            namespace[name] = SimpleNamespace(**vars(value))
