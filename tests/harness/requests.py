"""Requests of tests to the process that forks commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Action = Literal["kill", "pause", "trace"]

# Maximum length of an encoded request.
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Point:
    """A moment in a command: before or after the n-th call of a function.

    Attributes:
        target: the function, as ``module:name`` or ``module:Class.name``.
        when: ``before`` or ``after``.
        call: which call of it, from 1.
    """

    target: str
    when: Literal["before", "after"]
    call: int

    def __str__(self) -> str:
        name = self.target.rpartition(":")[2].rpartition(".")[2]
        return f"{self.when} {name} {self.call}"


@dataclass(frozen=True)
class Request:
    """A command to run.

    Attributes:
        program: ``obslake``, ``dbt``, or ``-m`` for a Python module.
        arguments: of the program.
        cwd: the folder it runs in.
        environment: all of its variables.
        action: action at the points.
        points: points of the action; for a trace only their targets matter.
        note: file for a trace, or file that exists while the command pauses.
        settings: values assigned to names in modules before it starts, by ``module:name``.
    """

    program: str
    arguments: tuple[str, ...]
    cwd: str
    environment: dict[str, str]
    action: Action = "kill"
    points: tuple[Point, ...] = ()
    note: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, message: bytes) -> Request:
        values = json.loads(message)
        points = tuple(Point(**point) for point in values.pop("points"))
        return cls(points=points, arguments=tuple(values.pop("arguments")), **values)
