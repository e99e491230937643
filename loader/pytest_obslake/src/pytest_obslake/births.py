"""Hear where objects are made that can be known only by their addresses: what was there before is gone."""

from __future__ import annotations

import copyreg
import sys
from types import CodeType, FrameType, FunctionType
from typing import TYPE_CHECKING, Any

from pytest_obslake.observing import Handler
from pytest_obslake.references import has_weak_references

if TYPE_CHECKING:
    from pytest_obslake.recorder import Recorder

_KEEPS_VARIABLES = sys.version_info < (3, 13)
# How `copy`, and pickles in Python, make objects without their constructors.
_COPIERS = ("__newobj__", "__newobj_ex__", "_reconstructor")


class Births:
    """Hears of them also inside of targets, where no step tells."""

    def __init__(self, recorder: Recorder) -> None:
        """Hear of nothing so far."""
        self._recorder = recorder
        self._hears_copies = False

    def hear(self, code: CodeType) -> None:
        """Hear of the objects that a constructor makes, and from now on of copies."""
        self._recorder.events.makers[id(code)] = self._is_constructed
        if self._hears_copies:
            return
        self._hears_copies = True
        for name in _COPIERS:
            function = vars(copyreg).get(name)
            if type(function) is FunctionType:
                self._recorder.watches.notice(function, self._is_copied, is_maker=True)
                self._recorder.events.makers[id(function.__code__)] = self._is_copied

    def _is_constructed(self, frame: FrameType) -> bool:
        variables = frame.f_locals
        self._forget(variables[frame.f_code.co_varnames[0]])
        if _KEEPS_VARIABLES:
            variables.clear()
        return False

    def _is_copied(self, frame: FrameType) -> bool:
        self._recorder.events.follow(_Copy(self, id(frame)))
        return True

    def _forget(self, value: object) -> None:
        if self._recorder.attempt is not None and not has_weak_references(type(value)):
            self._recorder.attempt.references.forget(value)


class _Copy(Handler):
    """Waits for an object that is yet empty."""

    __slots__ = ("_births",)

    def __init__(self, births: Births, key: int) -> None:
        super().__init__(key)
        self._births = births

    def returned(self, code: Any, offset: Any, value: Any) -> None:
        self._births._recorder.events.forget(self.key)
        try:
            self._births._forget(value)
        except Exception as error:
            self._births._recorder.note(error)

    def unwound(self, code: Any, offset: Any, error: BaseException) -> None:
        self._births._recorder.events.forget(self.key)
