"""The outcome of a gate as Markdown, for job summaries and comments on pull requests."""

from collections.abc import Iterator

from obslake.gate.findings import Finding, Gate, Line, count_kinds, lines_of
from obslake.gate.screen import is_shown
from obslake.markdown import MOST_BYTES, LimitedMarkdown, short_code

_HEADS = ["Finding", "Test", "Problem", "Environments", "Before", "After", "Remark"]


def to_markdown(gate: Gate, most_bytes: int = MOST_BYTES) -> str:
    """Return the outcome in at most so many bytes of UTF-8, the worst first; what is left out is said."""
    text = LimitedMarkdown(most_bytes, see="obslake gate --all")
    sign = "❌" if gate.fails else "✅"
    base = "nothing" if gate.base is None else short_code(gate.base)
    if gate.base_lineage and gate.base_lineage != gate.lineage:
        base += f" of {short_code(gate.base_lineage)}"
    counted = count_kinds(f for f in gate.findings if f.counts)
    text.add(
        f"# {sign} Gate {'failed' if gate.fails else 'passed'}: "
        f"{short_code(gate.head)} against {base}\n\n{', '.join(counted) or 'Nothing that counts'}. "
        f"Data set {short_code(gate.data_set)}"
        f"{f', lineage {short_code(gate.lineage)}' if gate.lineage else ''}"
        f"{f', snapshot {gate.snapshot_id}' if gate.snapshot_id else ''}.\n"
    )
    rows = (
        [
            short_code(each.name),
            f"**{each.status}**" if each.fails else each.status,
            *(f"{n:,}" for n in (each.tests, each.failing, each.base_failing, each.skipped)),
        ]
        for each in gate.environments
    )
    heads = ["Environment", "Status", "Tests", "Failing", "Failing before", "Skipped"]
    text.add_table("", heads, rows, len(gate.environments), "environments")
    if gate.notes:
        # Notes leave room for findings.
        notes = LimitedMarkdown(text.left // 4, see="obslake gate --all")
        heads = ["Note"]
        notes.add_table("", heads, ([short_code(n)] for n in gate.notes), len(gate.notes), "notes")
        text.add(notes.text)
    for title, lines in (
        ("## Counts", lines_of(f for f in gate.findings if f.counts)),
        (
            "## Does not count",
            lines_of(f for f in gate.findings if not f.counts and is_shown(f)),
        ),
    ):
        if lines:
            text.add_table(title, _HEADS, _rows(lines), len(lines), "findings")
    quiet = count_kinds(f for f in gate.findings if not f.counts and not is_shown(f))
    if quiet:
        text.add(f"\nAlso: {', '.join(quiet)}.\n")
    groups = ([f"{g.tests:,}", short_code(g.message)] for g in gate.failures)
    if gate.failures:
        text.add_table(
            "## Wrong responses by message",
            ["Tests", "Response"],
            groups,
            len(gate.failures),
            "messages",
        )
    return text.text


def _rows(lines: list[Line]) -> Iterator[list[str]]:
    for line in lines:
        finding = line.finding
        yield [
            finding.kind,
            short_code(finding.stimulus),
            short_code(finding.problem),
            short_code(", ".join(line.environments)),
            "never executed" if finding.before is None else short_code(finding.before),
            "not executed" if finding.after is None else short_code(finding.after),
            _remark(finding),
        ]


def _remark(finding: Finding) -> str:
    return ", ".join(short_code(text) for text in (finding.excuse, finding.evidence) if text)
