"""The common part of the formats of test reports: elements that are records, and the cases made of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from obslake.load.sources.report_contents import (
    LONGEST_PROPERTY,
    LONGEST_TEXT,
    Case,
    Naming,
    Place,
    Result,
    Sink,
    known_name,
    shorten_text,
)


@dataclass
class Element:
    """The kept part of an element that is a record or inside one."""

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: list["Element"] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    length: int = 0

    def get(self, name: str) -> str | None:
        """Return an attribute; None if it is missing."""
        return self.attributes.get(name)

    def add_text(self, text: str) -> None:
        """Add text until the longest length is reached."""
        if self.length <= LONGEST_TEXT:
            self.texts.append(text)
            self.length += len(text)

    def named(self, *names: str) -> list["Element"]:
        """Return the children with one of these names."""
        return [child for child in self.children if child.name in names]

    def find(self, *path: str) -> "Element | None":
        """Return the first element at a path of names."""
        element: Element | None = self
        for name in path:
            element = next(iter(element.named(name)), None) if element else None
        return element

    def text(self) -> str:
        """Return all text in the element: its own first, then that of its children."""
        texts: list[str] = []
        elements = [self]
        while elements:
            element = elements.pop()
            texts += element.texts
            elements += reversed(element.children)
        return "".join(texts).strip()


class Report(ABC):
    """One format: which elements are records, and how to read them.

    Attributes:
        format: name of the format.
        records: elements that are read as a whole when they end.
        outside: elements that are records unless they are inside another record.
        ignored: elements inside records that are ignored.
        spellings: names of elements by their case-folded names.
    """

    format: str
    records: frozenset[str]
    outside: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    spellings: Mapping[str, str] = {}

    def __init__(self, sink: Sink, naming: Naming) -> None:
        """Create a reader that sends the contents to the sink, with names as the user wants them."""
        self.sink = sink
        self.naming = naming
        self.n_cases = 0

    def enter(self, name: str, attributes: Mapping[str, str]) -> None:
        """Handle the start of an element around records."""
        del name, attributes

    def leave(self, name: str) -> None:
        """Handle the end of an element around records."""
        del name

    @abstractmethod
    def record(self, element: Element) -> None:
        """Handle a complete record."""

    def add_case(
        self,
        *,
        name: str | None,
        results: list[Result],
        suite_number: int = 0,
        suite: str | None = None,
        group: str | None = None,
        any_suite: str | None = None,
        classname: str | None = None,
        file: str | None = None,
        reference: str | None = None,
    ) -> None:
        """Send a case to the sink."""
        self.n_cases += 1
        self.sink.case(
            Case(
                suite_number=suite_number,
                suite=suite,
                group=group,
                any_suite=any_suite,
                classname=known_name(classname),
                name=known_name(name),
                file=known_name(file),
                reference=known_name(reference),
                results=results,
            )
        )

    def add_outside(
        self,
        place: Place,
        *,
        of: str | None,
        verdict: str = "error",
        type_: str | None = None,
        message: str | None = None,
        timestamp: str | None = None,
        suite_number: int = 0,
        suite: str | None = None,
        group: str | None = None,
    ) -> None:
        """Send a failure outside all cases to the sink, as a case of the suite or class it happened to."""
        text = shorten_text((message or "").strip()) or None
        result = Result(verdict, known_name(type_), text, suite_timestamp=timestamp)
        self.sink.case(
            Case(
                suite_number=suite_number,
                suite=suite,
                group=group,
                any_suite=of,
                classname=of,
                name=place,
                file=None,
                reference=None,
                results=[result],
                is_outside=True,
            )
        )

    def add_property(
        self, suite: str | None, name: str | None, value: str | None, suite_number: int = 0
    ) -> None:
        """Send a property of a suite to the sink."""
        if (known := known_name(name)) and value is not None:
            text = shorten_text(value, LONGEST_PROPERTY)
            self.sink.property(suite_number, suite or "", known, text)
