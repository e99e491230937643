"""Values of queries in the types of JSON."""

import base64
import math
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, time
from decimal import Decimal


def plain(value: object) -> object:
    """Return a value in the types of JSON.

    Dataclasses become objects, dates and times ISO 8601 text, bytes base64 text, and numbers that JSON cannot
    hold text.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return float(value) if Decimal(repr(float(value))) == value else str(value)
        case date() | time():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case list() | tuple():
            return [plain(item) for item in value]
        case dict():
            return {
                key if isinstance(key, str) else str(plain(key)): plain(item)
                for key, item in value.items()
            }
        case _ if is_dataclass(value) and not isinstance(value, type):
            return plain(asdict(value))
        case _:
            return str(value)


def distinct_names(names: Sequence[str]) -> list[str]:
    """Add a number to each repeated name, because an object has each key once."""
    found: dict[str, None] = {}
    for name in names:
        unique, number = name, 1
        while unique in found:
            unique = f"{name}_{number}"
            number += 1
        found[unique] = None
    return list(found)
