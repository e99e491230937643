"""The outcome of a gate for a terminal: one screen, the worst first."""

from collections.abc import Iterator, Sequence

from obslake.gate.findings import Environment, Finding, Gate, Line, count_kinds, lines_of

_MOST_LINES = 20
_LONGEST_RESPONSE = 60
_LONGEST_TEST = 70


def to_screen(gate: Gate, *, everything: bool = False) -> Iterator[str]:
    """Yield lines for a terminal.

    Args:
        gate: the outcome.
        everything: whether all findings are shown, or as many as fit on a screen.
    """
    yield f"gate {gate.verdict}"
    yield gate.title
    yield ""
    yield from _table([("environment", "status", "tests", "failing", "before", "skipped")], gate)
    counted = lines_of(f for f in gate.findings if f.counts)
    others = lines_of(f for f in gate.findings if not f.counts and is_shown(f))
    shown, hidden = _first((*counted, *others), everything=everything)
    if shown:
        yield ""
    for line in shown:
        yield _line(line)
    if hidden:
        yield f"… and {hidden:,} more: --all shows them"
    quiet = count_kinds(f for f in gate.findings if not f.counts and not is_shown(f))
    if quiet:
        yield f"also: {', '.join(quiet)}"
    if gate.failures:
        yield ""
        yield "wrong responses of the head by message:"
        for group in gate.failures[: None if everything else 3]:
            yield f"  {group.tests:>5,} tests  {cut(group.message, 100)}"
    if gate.notes:
        yield ""
    for note in gate.notes:
        yield f"note: {note}"


def is_shown(finding: Finding) -> bool:
    """Return whether a finding that does not count is worth a line: somebody may have to look at it."""
    return finding.kind not in ("fixed", "unskipped", "new", "edited", "skipped")


def _table(heads: Sequence[tuple[str, ...]], gate: Gate) -> Iterator[str]:
    rows = [*heads, *(_cells(each) for each in gate.environments)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        first = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        numbers = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        yield "  ".join([*first, *numbers]).rstrip()


def _cells(each: Environment) -> tuple[str, ...]:
    numbers = (each.tests, each.failing, each.base_failing, each.skipped)
    return each.name, each.status, *(f"{number:,}" for number in numbers)


def _first(lines: Sequence[Line], *, everything: bool) -> tuple[Sequence[Line], int]:
    most = len(lines) if everything else _MOST_LINES
    return lines[:most], max(len(lines) - most, 0)


def _line(line: Line) -> str:
    finding = line.finding
    mark = "FAIL" if finding.counts else "    "
    environments = ", ".join(line.environments)
    about = "; ".join(text for text in (finding.excuse, finding.evidence) if text)
    return (
        f"{mark} {finding.kind:<11}  {cut(finding.stimulus, _LONGEST_TEST)}  [{cut(environments, 60)}]  "
        f"{responses(finding)}{f'  ({about})' if about else ''}"
    )


def responses(finding: Finding) -> str:
    """Return the responses before and after, in short."""
    before = "never executed" if finding.before is None else cut(finding.before, _LONGEST_RESPONSE)
    after = "not executed" if finding.after is None else cut(finding.after, _LONGEST_RESPONSE)
    return f"{before} -> {after}"


def cut(text: str, longest: int) -> str:
    """Return the beginning of a text, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
