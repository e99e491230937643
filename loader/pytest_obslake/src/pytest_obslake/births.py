"""Detect new objects that can only be identified by their addresses: the previous object there is gone."""

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
# Functions of `copyreg` by which `copy`, and pickles in Python, make objects without their constructors.
_COPIERS = ("__newobj__", "__newobj_ex__", "_reconstructor")


class Births:
    """Detects new objects, also inside of steps."""

    def __init__(self, recorder: Recorder) -> None:
        """Detect nothing yet."""
        self._recorder = recorder
        self._tracks_copies = False

    def track(self, code: CodeType) -> None:
        """Detect the objects that a constructor makes, and from now on copies."""
        self._recorder.events.makers[id(code)] = self._is_constructed
        if self._tracks_copies:
            return
        self._tracks_copies = True
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
    """Handles the return of a new, still empty object."""

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
