"""Which objects are under test, and at which step of a test each was made."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from types import FunctionType
from typing import Any, Callable, Final, Union

from pytest_obslake import values
from pytest_obslake.sink import quote

_mro: Callable[[type], tuple[type, ...]] = vars(type)["__mro__"].__get__
_name: Callable[[type], str] = vars(type)["__name__"].__get__
_qualified_name: Callable[[type], str] = vars(type)["__qualname__"].__get__

_namespace: Callable[[type], dict[str, Any]] = vars(type)["__dict__"].__get__
_module: Callable[[type], Any] = vars(type)["__module__"].__get__

_weakref_offset: Callable[[type], int] = vars(type)["__weakrefoffset__"].__get__

_PLAIN_TYPES = frozenset(
    map(id, (type(None), bool, int, float, str, bytes, tuple, list, dict, set, frozenset))
)


def mro(cls: type) -> tuple[type, ...]:
    """Return the classes that a class inherits from, whatever its metaclass says."""
    return _mro(cls)


def name(cls: type) -> str:
    """Return the name of a class, whatever its metaclass says."""
    return _name(cls)


def qualified_name(cls: type) -> str:
    """Return the name of a class inside its module, whatever its metaclass says."""
    return _qualified_name(cls)


def namespace(cls: type) -> dict[str, Any]:
    """Return what a class itself defines, whatever its metaclass says."""
    return _namespace(cls)


def module(cls: type) -> str:
    """Return the name of the module of a class, whatever its metaclass says."""
    found = _module(cls)
    return found if isinstance(found, str) else ""


def is_class(value: object) -> bool:
    """Whether a value is a class, whatever it says itself."""
    return any(base is type for base in _mro(type(value)))


def find_constructor(cls: type) -> FunctionType | None:
    """Return the ``__init__`` in Python that a class has or inherits, else the ``__new__``, else None."""
    for key in ("__init__", "__new__"):
        for base in _mro(cls):
            found = _namespace(base).get(key)
            if found is None:
                continue
            if type(found) is staticmethod:
                found = found.__func__
            # A protocol has one that stands in for the one to come.
            if type(found) is FunctionType and found.__module__ != "typing":
                return found
            break
    return None


def has_weak_references(cls: type) -> bool:
    """Whether objects of a class can be referenced weakly."""
    return _weakref_offset(cls) != 0


def has_constructor(cls: type) -> bool:
    """Whether a class makes its objects in Python."""
    return find_constructor(cls) is not None


class ClassesUnderTest:
    """The target classes; an instance of a subclass is under test, too."""

    def __init__(self, classes: Iterable[type] = ()) -> None:
        """Take the target classes; `add` takes more."""
        self._classes = list(classes)
        self._ids = frozenset(map(id, self._classes))

    def add(self, cls: type) -> None:
        """Put the instances of a class under test."""
        if id(cls) not in self._ids:
            self._classes.append(cls)
            self._ids |= {id(cls)}

    def have_made(self, value: object) -> bool:
        """Whether a value is an object under test. Runs no code of the value."""
        cls = type(value)
        if id(cls) in self._ids:
            return True
        if not self._ids or id(cls) in _PLAIN_TYPES:
            return False
        return self.include(cls)

    def include(self, cls: type) -> bool:
        """Whether a class is a target, or inherits from one."""
        return not self._ids.isdisjoint(map(id, _mro(cls)))


class References:
    """The objects under test that one attempt of one test has met.

    They are held weakly, so that no object lives longer than it would have. What cannot be held weakly is known by
    its address and class, until a constructor makes another one there.
    """

    def __init__(self, classes: ClassesUnderTest) -> None:
        """Start without any object."""
        self._classes = classes
        self._rows: dict[int, _Row] = {}

    def make(self, value: object, row: int) -> str:
        """Say that a step answered with an object under test: its reference, made now if it is new."""
        return (self._known(value) or self._new(value, row))[_TEXT]

    def construct(self, value: object, row: int) -> str | None:
        """Say that a constructor begins to make an object: its reference, or None if it is there already."""
        known = self._rows.get(id(value))
        if known is not None and known[0] is not None and known[0]() is value:
            return None
        return self._new(value, row)[_TEXT]

    def forget(self, value: object) -> None:
        """Forget what was at the address of a new object, unless that is known to be the same."""
        known = self._rows.get(id(value))
        if known is not None and known[0] is None:
            del self._rows[id(value)]

    def refer(self, value: object, step: int) -> str | None:
        """Return the reference to an object under test, or None for any other value."""
        return self._refer(value, step)[_TEXT] if self._classes.have_made(value) else None

    def refer_quoted(self, value: object, step: int) -> str:
        """Return the JSON text of the reference to an object under test."""
        return self._refer(value, step)[_QUOTED]

    def known_quoted(self, value: object) -> str | None:
        """Return the JSON text of the reference to most objects that a step has met, else None."""
        row = self._rows.get(id(value))
        if row is not None and row[_CLASS] == id(type(value)):
            # As in `_known`, without a call for what is most of all.
            holder = row[0]
            if holder() is value if holder is not None else row[_ITEMS] is None:
                return row[_QUOTED]
        return None

    def known(self, value: object) -> str | None:
        """Return the reference to an object that a step has made, or None."""
        known = self._known(value)
        return None if known is None else known[_TEXT]

    def _refer(self, value: object, step: int) -> _Row:
        """Return the row of an object under test.

        An object that no step of this test has made, because another test or a module did, has no row. One
        whose class has no constructor in Python gets the row of the step that meets it first.
        """
        known = self._known(value)
        if known is not None:
            return known
        if not has_constructor(type(value)):
            return self._new(value, step)
        return _row(None, type(value), None, None)

    def _new(self, value: object, number: int) -> _Row:
        holder: Callable[[], Any] | None
        try:
            holder = weakref.ref(value)
        except TypeError:
            holder = None
        row = _row(holder, type(value), None if holder else _items(value), number)
        self._rows[id(value)] = row
        return row

    def _known(self, value: object) -> _Row | None:
        row = self._rows.get(id(value))
        if row is None:
            return None
        holder, cls, items, number, _, _ = row
        if holder is None:
            return row if cls == id(type(value)) and items == _items(value) else None
        if holder() is not value:
            return None
        # An object may be given another class.
        return row if cls == id(type(value)) else self._new(value, number)


_Row = tuple[Union[Callable[[], Any], None], int, Any, Any, str, str]
_CLASS: Final = 1
_ITEMS: Final = 2
_TEXT: Final = 4
_QUOTED: Final = 5


def _row(holder: Callable[[], Any] | None, cls: type, items: Any, number: int | None) -> _Row:
    """Return what is known of an object: who holds it, class, items, number, and the texts of its reference."""
    text = values.CUT_PREFIX + qualified_name(cls)
    if number is not None:
        text += f"@{number}"
    return holder, id(cls), items, number, text, quote(text)


def _items(value: object) -> tuple[int, ...] | None:
    """Return the addresses of the items of a tuple, in which another one would differ."""
    return tuple(map(id, tuple.__iter__(value))) if isinstance(value, tuple) else None
