"""The open suites of a JUnit XML report: what inner suites inherit, and what distinguishes suites."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from obslake.load.sources.report_contents import (
    LONGEST_PROPERTY,
    Naming,
    known_name,
    shorten_name,
    shorten_text,
)
from obslake.load.sources.suite_names import (
    is_browser,
    is_meaningful_suite,
    is_random_host,
    short_path,
)

# Attributes that may distinguish suites with the same name, and properties with the browser or device.
_DISTINGUISHING = ("package", "file", "id", "hostname")
PROJECT_PROPERTIES = ("browser", "browsername", "device", "devicename")


@dataclass
class OpenSuite:
    """A suite, with what its inner suites inherit and what was found in it."""

    number: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None
    written: str | None = None
    version: str | None = None
    meaningful: str | None = None
    group: str | None = None
    outermost: str | None = None
    file: str | None = None
    timestamp: str | None = None
    # Its own and inherited distinguishing attributes, and its properties of browser or device.
    marks: dict[str, str] = field(default_factory=dict)
    project: str | None = None
    # Browser that may be a prefix of the class.
    browser: str | None = None
    n_cases: int = 0
    n_faults: int = 0
    n_unexplained: int = 0
    n_missing: int = 0

    def inner(self, number: int, attributes: Mapping[str, str], naming: Naming) -> "OpenSuite":
        """Return a new suite with these attributes in this one."""
        written = known_name(attributes.get("name"))
        steady = naming.steady(written)
        name = steady.name or None
        # Karma names suites after browsers, which are environments and not problems.
        browser = written if written and not naming.keeps_names and is_browser(written) else None
        is_meaningful = name is not None and is_meaningful_suite(name) and browser is None
        group = self.group
        if is_meaningful and name and self.meaningful:
            # Some tools repeat the outer name in the inner name.
            repeated = group is not None and name.startswith(group)
            group = shorten_name(name if repeated else "::".join(filter(None, (group, name))))
        marks = self.marks | {
            key: value for key in _DISTINGUISHING if (value := (attributes.get(key) or "").strip())
        }
        return OpenSuite(
            number=number,
            attributes=attributes,
            name=name,
            written=written,
            version=steady.version or self.version,
            meaningful=self.meaningful or (name if is_meaningful else None),
            group=group,
            outermost=self.outermost or (name if browser is None else None),
            file=known_name(attributes.get("file")) or self.file,
            timestamp=attributes.get("timestamp") or self.timestamp,
            marks=marks,
            project=(name if browser else None) or self.project,
            browser=browser or self.browser,
        )

    def note(self, name: str | None, value: str, naming: Naming) -> None:
        """Keep a property that may name the browser, device or environment of the suite's cases."""
        key = letters(name or "")
        if key in PROJECT_PROPERTIES or (name and name.strip() == naming.environment_from):
            self.marks.setdefault(f"property {key}", shorten_text(value.strip(), LONGEST_PROPERTY))

    def classname(self, written: str | None, naming: Naming) -> str | None:
        """Return the class of a case, without the parts that were removed from its suite's name."""
        text = known_name(written)
        if text is None or naming.keeps_names:
            return text
        if self.browser:
            for start in (self.browser, re.sub(r"[ .]", "_", self.browser)):
                text = text.removeprefix(start).lstrip(".") or text
        elif self.written and self.name and self.written != self.name:
            text = text.replace(self.written, self.name)
        # Other parts stay, even if they look random: they may be the only difference between two classes.
        return text

    def labels(self) -> tuple[str | None, str | None, str | None]:
        """Return the labels that may distinguish suites with the same name, the most stable first."""
        number = self.marks.get("id", "")
        file = self.marks.get("file")
        steady = (
            self.marks.get("package"),
            file and short_path(file),
            number if number and not number.isdecimal() else None,
        )
        host = self.marks.get("hostname")
        return (
            ", ".join(filter(None, steady)) or None,
            host if host and not is_random_host(host) else None,
            self.version,
        )


def letters(name: str) -> str:
    """Return the letters of a name, without case."""
    return re.sub(r"[^a-z]", "", name.casefold())
