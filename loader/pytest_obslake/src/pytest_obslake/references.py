"""References to the objects under test, by the step of the test that made each."""

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
    """Return the ``__mro__`` of a class, even if its metaclass overrides it."""
    return _mro(cls)


def name(cls: type) -> str:
    """Return the ``__name__`` of a class, even if its metaclass overrides it."""
    return _name(cls)


def qualified_name(cls: type) -> str:
    """Return the ``__qualname__`` of a class, even if its metaclass overrides it."""
    return _qualified_name(cls)


def namespace(cls: type) -> dict[str, Any]:
    """Return the ``__dict__`` of a class, even if its metaclass overrides it."""
    return _namespace(cls)


def module(cls: type) -> str:
    """Return the ``__module__`` of a class, even if its metaclass overrides it."""
    found = _module(cls)
    return found if isinstance(found, str) else ""


def is_class(value: object) -> bool:
    """Return whether a value is a class, even if it pretends otherwise."""
    return any(base is type for base in _mro(type(value)))


def find_constructor(cls: type) -> FunctionType | None:
    """Return the Python ``__init__`` that a class has or inherits, else the ``__new__``, else None."""
    for key in ("__init__", "__new__"):
        for base in _mro(cls):
            found = _namespace(base).get(key)
            if found is None:
                continue
            if type(found) is staticmethod:
                found = found.__func__
            # Protocols have a placeholder.
            if type(found) is FunctionType and found.__module__ != "typing":
                return found
            break
    return None


def has_weak_references(cls: type) -> bool:
    """Return whether objects of a class can be referenced weakly."""
    return _weakref_offset(cls) != 0


def has_constructor(cls: type) -> bool:
    """Return whether a class has a constructor in Python."""
    return find_constructor(cls) is not None


class ClassesUnderTest:
    """The target classes; instances of subclasses are also under test."""

    def __init__(self, classes: Iterable[type] = ()) -> None:
        """Start with these classes; `add` adds more."""
        self._classes = list(classes)
        self._ids = frozenset(map(id, self._classes))

    def add(self, cls: type) -> None:
        """Add a class, whose instances are then under test."""
        if id(cls) not in self._ids:
            self._classes.append(cls)
            self._ids |= {id(cls)}

    def have_made(self, value: object) -> bool:
        """Return whether a value is an object under test, without running its code."""
        cls = type(value)
        if id(cls) in self._ids:
            return True
        if not self._ids or id(cls) in _PLAIN_TYPES:
            return False
        return self.include(cls)

    def include(self, cls: type) -> bool:
        """Return whether a class is a target or inherits from one."""
        return not self._ids.isdisjoint(map(id, _mro(cls)))


class References:
    """The objects under test that occurred in one attempt at a test.

    They are held weakly, so that no object lives longer because of it. Objects without weak references are
    identified by their address and class, until a constructor makes another one there.
    """

    def __init__(self, classes: ClassesUnderTest) -> None:
        """Start without any object."""
        self._classes = classes
        self._rows: dict[int, _Row] = {}

    def make(self, value: object, row: int) -> str:
        """Return the reference to an object that a step answered with; a new object gets the step's row."""
        return (self._known(value) or self._new(value, row))[_TEXT]

    def construct(self, value: object, row: int) -> str | None:
        """Return a new reference to an object when its constructor starts, or None if it is known already."""
        known = self._rows.get(id(value))
        if known is not None and known[0] is not None and known[0]() is value:
            return None
        return self._new(value, row)[_TEXT]

    def forget(self, value: object) -> None:
        """Forget the object at the address of a new one, unless it is known to be the same."""
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
        """Return the JSON text of the reference to most known objects, else None."""
        row = self._rows.get(id(value))
        if row is not None and row[_CLASS] == id(type(value)):
            # As in `_known`, but without a call in the most frequent case.
            holder = row[0]
            if holder() is value if holder is not None else row[_ITEMS] is None:
                return row[_QUOTED]
        return None

    def known(self, value: object) -> str | None:
        """Return the reference to a known object, or None."""
        known = self._known(value)
        return None if known is None else known[_TEXT]

    def _refer(self, value: object, step: int) -> _Row:
        """Return the row of an object under test.

        An object made by another test or a module has no row number. An object of a class without a constructor in
        Python gets the row of the first step that uses it.
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
        # The class of an object may be changed.
        return row if cls == id(type(value)) else self._new(value, number)


_Row = tuple[Union[Callable[[], Any], None], int, Any, Any, str, str]
_CLASS: Final = 1
_ITEMS: Final = 2
_TEXT: Final = 4
_QUOTED: Final = 5


def _row(holder: Callable[[], Any] | None, cls: type, items: Any, number: int | None) -> _Row:
    """Return the row of an object: weak reference, class, items, number, and the texts of its reference."""
    text = values.CUT_PREFIX + qualified_name(cls)
    if number is not None:
        text += f"@{number}"
    return holder, id(cls), items, number, text, quote(text)


def _items(value: object) -> tuple[int, ...] | None:
    """Return the addresses of the items of a tuple, which distinguish it from another one."""
    return tuple(map(id, tuple.__iter__(value))) if isinstance(value, tuple) else None
