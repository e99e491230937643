"""Keep the recorder apart from what the suite does to the interpreter it shares.

Suites freeze clocks, mock ``json.dumps`` and count frames. The recorder must not notice the first two,
and nobody must notice the recorder by the third.
"""

from __future__ import annotations

import sys
from types import CodeType, FunctionType, ModuleType, SimpleNamespace
from typing import Any, Callable, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

HIDDEN_FILE = "<pytest_obslake: importlib._bootstrap>"
"""The file name of code that stands between a test and what it calls.

`warnings` (with ``stacklevel``) and, from Python 3.11, `logging` pass over frames whose file name has both
"importlib" and "_bootstrap" in it, so a warning still points at the line of the test; coverage tools pass over
names in angle brackets.
"""

_get_traceback: Callable[[BaseException], Any] = vars(BaseException)["__traceback__"].__get__
_set_traceback: Callable[[BaseException, Any], None] = vars(BaseException)["__traceback__"].__set__


def hidden(function: Function) -> Function:
    """Let warnings and tracebacks pass over the frames of a function."""
    code: CodeType = vars(FunctionType)["__code__"].__get__(function)
    vars(FunctionType)["__code__"].__set__(function, code.replace(co_filename=HIDDEN_FILE))
    return function


def private_modules(namespace: dict[str, Any]) -> None:
    """Replace the modules that a namespace has imported by copies that nobody else can patch."""
    for name, value in list(namespace.items()):
        if isinstance(value, ModuleType) and value.__name__.partition(".")[0] != __package__:
            namespace[name] = SimpleNamespace(**vars(value))


def pop_traceback(error: BaseException) -> None:
    """Take the frames of ours off the top of the traceback of an exception that is about to be re-raised.

    Before Python 3.11 re-raising puts the first one back; `clean_traceback` does the rest there.
    """
    traceback = _get_traceback(error)
    while traceback is not None and _is_hidden(traceback.tb_frame.f_code):
        traceback = traceback.tb_next
    _set_traceback(error, traceback)


def clean_traceback(error: BaseException) -> None:
    """Take the frames of ours off the tracebacks of an exception and of those it came from."""
    if sys.version_info >= (3, 11):
        return  # no such frame ever gets there
    pending, seen = [error], set()
    while pending:
        error = pending.pop()
        if id(error) in seen:
            continue
        seen.add(id(error))
        head = _get_traceback(error)
        while head is not None and _is_hidden(head.tb_frame.f_code):
            head = head.tb_next
        _set_traceback(error, head)
        while head is not None:
            while head.tb_next is not None and _is_hidden(head.tb_next.tb_frame.f_code):
                head.tb_next = head.tb_next.tb_next
            head = head.tb_next
        for name in ("__cause__", "__context__"):
            origin = vars(BaseException)[name].__get__(error)
            if origin is not None:
                pending.append(origin)


def _is_hidden(code: CodeType) -> bool:
    return code.co_filename == HIDDEN_FILE
