"""What users say about test reports."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import click


@dataclass(frozen=True)
class ReportOptions:
    """What the user said about the reports.

    Attributes:
        implementation: implementation that was tested; None: the revision, else the run.
        revision: code revision that was tested.
        lineage: what the revisions are revisions of.
        problem: problem of all cases; None: their suites.
        repeats: what cases of one name in one report are.
        path_pattern: what the parts of the files' paths say.
        environment_from: attribute or property of suites that is part of the environment.
        strip: regular expressions for parts that are taken out of all names.
        test_name: regular expression for the part of a name that is the name.
        keep_names: nothing else is taken out of the names of suites.
    """

    implementation: str | None = None
    revision: str | None = None
    lineage: str = "default"
    problem: str | None = None
    repeats: Literal["cases", "attempts"] = "cases"
    path_pattern: str | None = None
    environment_from: str | None = None
    strip: Sequence[str] = ()
    test_name: str | None = None
    keep_names: bool = False

    def said(self) -> dict[str, Any]:
        """Return the options that decide what comes of a report.

        What was not asked for has no place there, so that reports are recognised that were loaded before
        an option came up.
        """
        said = {name: value for name, value in asdict(self).items() if name != "path_pattern"}
        return {name: value for name, value in said.items() if value or name not in _LATER_OPTIONS}


_LATER_OPTIONS = frozenset({"environment_from", "strip", "test_name", "keep_names"})

COMMAND_OPTIONS = (
    click.Option(
        ["--environment"],
        default="default",
        show_default=True,
        help="Environment of the tests: matrix job, interpreter, platform.",
    ),
    click.Option(["--run"], help="Pipeline execution [default: the load itself]."),
    click.Option(["--revision"], help="Revision of the code that was tested."),
    click.Option(
        ["--implementation"],
        help="Implementation that was tested [default: the revision, else the run].",
    ),
    click.Option(
        ["--lineage"],
        default="default",
        show_default=True,
        help="What the revisions are revisions of: a library, a branch.",
    ),
    click.Option(
        ["--problem"], help="Problem of all cases [default: their suite, else their class]."
    ),
    click.Option(
        ["--repeats"],
        type=click.Choice(["cases", "attempts"]),
        default="cases",
        show_default=True,
        help="What cases of one name in one report are: different cases, or attempts at one.",
    ),
    click.Option(
        ["--path-pattern"],
        metavar="PATTERN",
        help=(
            "What the parts of a path say: a pattern with {run}, {environment}, {revision}, "
            "{implementation}, {lineage}, {problem} or {data_set}; it goes before the options."
        ),
    ),
    click.Option(
        ["--environment-from"],
        metavar="NAME",
        help=(
            "Attribute (hostname, package, id …) or property of suites that is part of the environment "
            "[default: the browser or device, where a report names it]."
        ),
    ),
    click.Option(
        ["--strip"],
        multiple=True,
        metavar="REGEX",
        help="Take what this finds out of the names of suites, classes and cases.",
    ),
    click.Option(
        ["--test-name"],
        metavar="REGEX",
        help="Name a test by the part of its name that this finds, or by its first group.",
    ),
    click.Option(
        ["--keep-names"],
        is_flag=True,
        help="Keep times, versions and random ids in the names of suites.",
    ),
)
"""Options of ``obslake load junit``; what is not a field of ``ReportOptions`` is one of ``Options``."""
