"""Reports of loads, and their messages."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class SkippedSource:
    """A source that an earlier load has loaded already.

    Attributes:
        name: the source.
        load_id: the load.
        is_forgotten: whether some of its rows were deleted by `obslake forget`; they are not loaded again.
    """

    name: str
    load_id: str
    is_forgotten: bool = False


@dataclass
class LoadReport:
    """The result of a load.

    Attributes:
        load_id: the load; None: there was nothing new.
        sources: names of the files that were loaded.
        sha256: hashes of their contents, in hexadecimal.
        skipped: files whose content was loaded before with the same options.
        refused: the reason for each file that was left out because it could not be read.
        set_aside: number of records that could not be understood and were set aside.
        rows: number of appended rows, by table.
        response_kinds: number of rows appended to observations, by response kind.
        warnings: warnings about the sources.
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
    """Return the reasons for all files that were left out, as one message."""
    if len(report.refused) == 1:
        return report.refused[0]
    loaded = "the others were loaded" if report.load_id else "nothing was loaded"
    lines = [f"{len(report.refused):,} files cannot be loaded; {loaded}"]
    lines += [f"  {reason}" for reason in report.refused]
    return "\n".join(lines)


def describe_set_aside(report: LoadReport) -> str:
    """Return how many records were set aside, and how to see them, as one message."""
    records = "1 record" if report.set_aside == 1 else f"{report.set_aside:,} records"
    return (
        f"{records} could not be understood and {'was' if report.set_aside == 1 else 'were'} "
        f"set aside; the others were loaded\n  see `obslake quarantine --load {report.load_id}`"
    )
