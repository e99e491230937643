"""Reports of loads, and their messages."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class SkippedSource:
    """A source that an earlier load has loaded already.

    Attributes:
        name: the source.
        load_id: the load.
        is_forgotten: whether rows of it were forgotten since; they are not loaded again.
    """

    name: str
    load_id: str
    is_forgotten: bool = False


@dataclass
class LoadReport:
    """What a load did.

    Attributes:
        load_id: the load, None when there was nothing new.
        sources: names of the files that were loaded.
        sha256: hashes of their contents, in hexadecimal.
        skipped: files that were loaded before, by content and options.
        refused: why files were left out that could not be read.
        set_aside: how many records were set aside, which could not be understood.
        rows: rows appended, by table.
        response_kinds: rows appended to observations, by response kind.
        warnings: what the user should know about the sources.
    """

    load_id: str | None = None
    sources: list[str] = field(default_factory=list)
    sha256: list[str] = field(default_factory=list)
    skipped: list[SkippedSource] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    set_aside: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    response_kinds: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def describe_refused(report: LoadReport) -> str:
    """Return the reasons for the files that were left out, as one message."""
    if len(report.refused) == 1:
        return report.refused[0]
    loaded = "the others were loaded" if report.load_id else "nothing was loaded"
    lines = [f"{len(report.refused):,} files cannot be loaded; {loaded}"]
    lines += [f"  {reason}" for reason in report.refused]
    return "\n".join(lines)


def describe_set_aside(report: LoadReport) -> str:
    """Return what was set aside, and how to look at it, as one message."""
    records = "1 record" if report.set_aside == 1 else f"{report.set_aside:,} records"
    return (
        f"{records} could not be understood and {'was' if report.set_aside == 1 else 'were'} "
        f"set aside; the others were loaded\n  see `obslake quarantine --load {report.load_id}`"
    )
