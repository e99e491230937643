"""What the formats of test reports have in common: elements that are records, and what is made of them."""

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
    """An element inside a test case, as far as it is kept."""

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: list["Element"] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    length: int = 0

    def get(self, name: str) -> str | None:
        """Return an attribute, None where there is none."""
        return self.attributes.get(name)

    def add_text(self, text: str) -> None:
        """Keep more of the text, as long as it is not too long."""
        if self.length <= LONGEST_TEXT:
            self.texts.append(text)
            self.length += len(text)

    def named(self, *names: str) -> list["Element"]:
        """Return the children of some names."""
        return [child for child in self.children if child.name in names]

    def find(self, *path: str) -> "Element | None":
        """Return the first element at a path of names."""
        element: Element | None = self
        for name in path:
            element = next(iter(element.named(name)), None) if element else None
        return element

    def text(self) -> str:
        """Return all text in the element, that of its children last."""
        texts: list[str] = []
        elements = [self]
        while elements:
            element = elements.pop()
            texts += element.texts
            elements += reversed(element.children)
        return "".join(texts).strip()


class Report(ABC):
    """One format: which elements are records, and what they say.

    Attributes:
        format: its name.
        records: elements that are kept until they end, and then understood as a whole.
        outside: elements that are records where they are not inside of others.
        ignored: elements inside records that are passed over.
        spellings: names of elements, by themselves without case.
    """

    format: str
    records: frozenset[str]
    outside: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    spellings: Mapping[str, str] = {}

    def __init__(self, sink: Sink, naming: Naming) -> None:
        """Send what is understood to the sink, with names as the user wants them."""
        self.sink = sink
        self.naming = naming
        self.n_cases = 0

    def enter(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take note of an element around records that begins."""
        del name, attributes

    def leave(self, name: str) -> None:
        """Take note of an element around records that ends."""
        del name

    @abstractmethod
    def record(self, element: Element) -> None:
        """Understand a record."""

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
        """Keep a case."""
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
        """Keep what went wrong outside of cases as a case of what it happened to."""
        said = shorten_text((message or "").strip()) or None
        result = Result(verdict, known_name(type_), said, suite_timestamp=timestamp)
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
        """Keep what a suite says about its context."""
        if (known := known_name(name)) and value is not None:
            text = shorten_text(value, LONGEST_PROPERTY)
            self.sink.property(suite_number, suite or "", known, text)
