"""The outcome of a gate as annotations of GitHub Actions."""

from collections.abc import Iterator

from obslake.gate.findings import Gate, lines_of
from obslake.gate.screen import is_shown, responses

# GitHub shows that many annotations of each kind for a step, and drops the others.
_MOST = 10


def to_annotations(gate: Gate) -> Iterator[str]:
    """Yield workflow commands: errors for what counts, warnings for what does not, a notice for the verdict."""
    errors = [
        (f"{each.name}: {each.status}", f"the tests of {each.name} say nothing: {each.status}")
        for each in gate.environments
        if each.fails
    ]
    for line in lines_of(f for f in gate.findings if f.counts):
        errors.append(
            (
                f"{line.finding.kind}: {line.finding.stimulus}",
                f"{responses(line.finding)} in {', '.join(line.environments)}",
            )
        )
    warnings = [
        (
            f"{line.finding.kind}, does not count: {line.finding.stimulus}",
            f"{responses(line.finding)} in {', '.join(line.environments)}",
        )
        for line in lines_of(f for f in gate.findings if not f.counts and is_shown(f))
    ]
    warnings += [("note", note) for note in gate.notes]
    for kind, found in (("error", errors), ("warning", warnings)):
        for title, message in _limited(found):
            yield f"::{kind} title={_property(title)}::{_data(message)}"
    yield f"::notice title=obslake gate::{_data(f'{gate.verdict}: {gate.title}')}"


def _limited(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if len(found) <= _MOST:
        return found
    rest = len(found) - _MOST + 1
    return [
        *found[: _MOST - 1],
        (f"{rest:,} more", f"{rest:,} more: see the output of obslake gate"),
    ]


def _data(text: str) -> str:
    """Return a message that is one line, as GitHub reads it."""
    printable = "".join(c if c.isprintable() or c in "\r\n" else repr(c)[1:-1] for c in text)
    return printable.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
