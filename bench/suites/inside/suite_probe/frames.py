"""The current position of frames, on any version of Python."""

from __future__ import annotations

import dis
import inspect
import sys
import types
from types import CodeType, FrameType
from typing import Any


def operation(frame: FrameType) -> str:
    """Return the name of the instruction that a frame is at."""
    code = frame.f_code
    known = _raw_codes.get(id(code))
    if known is None:
        known = _raw_codes[id(code)] = (code, code.co_code)
    raw, at = known[1], frame.f_lasti
    name = dis.opname[raw[at]]
    # From Python 3.13 on, a frame that has yielded is already at the next instruction.
    return dis.opname[raw[at - 2]] if name == "RESUME" and at else name


def watch_closely(frame: FrameType, is_close: bool) -> None:
    """Trace every instruction; from Python 3.12 on, only lines can be enabled while a frame runs."""
    if sys.version_info < (3, 12):
        frame.f_trace_opcodes = is_close
    else:
        frame.f_trace_lines = is_close


def new_frame(value: Any) -> FrameType | None:
    """Return the frame of a generator or coroutine that has not started, else None."""
    kind = type(value)
    frame: FrameType | None = None
    if kind is types.GeneratorType and inspect.getgeneratorstate(value) == inspect.GEN_CREATED:
        frame = value.gi_frame
    elif kind is types.CoroutineType and inspect.getcoroutinestate(value) == inspect.CORO_CREATED:
        frame = value.cr_frame
    elif kind is types.AsyncGeneratorType and not value.ag_running:
        frame = value.ag_frame
        begins = {-1, _offset(frame.f_code, "RETURN_GENERATOR")} if frame is not None else set()
        frame = frame if frame is not None and frame.f_lasti in begins else None
    return frame


def has_just_begun(frame: FrameType) -> bool:
    """Whether a generator or coroutine frame runs for the first time."""
    if sys.version_info < (3, 11):
        return frame.f_lasti == -1
    return frame.f_lasti <= _offset(frame.f_code, "RESUME")


def begins(frame: FrameType) -> bool:
    """Whether the frame starts its body, rather than being closed before it started."""
    if sys.version_info < (3, 11):
        return frame.f_lasti == -1
    return frame.f_lasti == _offset(frame.f_code, "RESUME")


def _offset(code: CodeType, name: str) -> int:
    """Return the offset of the first instruction with this name, or -1."""
    key = (id(code), name)
    if key not in _offsets:
        found = (each.offset for each in dis.get_instructions(code) if each.opname == name)
        _offsets[key] = (code, next(found, -1))
    return _offsets[key][1]


_offsets: dict[tuple[int, str], tuple[CodeType, int]] = {}
_raw_codes: dict[int, tuple[CodeType, bytes]] = {}
