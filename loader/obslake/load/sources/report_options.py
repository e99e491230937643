"""Options for test reports."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import click


@dataclass(frozen=True)
class ReportOptions:
    """The user's options for reports.

    Attributes:
        implementation: implementation that was tested; None: the revision, else the run.
        revision: revision of the code that was tested.
        lineage: library or branch of the revisions.
        problem: problem of all cases; None: their suites.
        repeats: whether cases with one name in one report are different cases or attempts at one.
        path_pattern: pattern that reads fields from the paths of files.
        environment_from: attribute or property of suites that is part of the environment.
        strip: regular expressions for parts that are removed from all names.
        test_name: regular expression for the part of a name that names the test.
        keep_names: keep times, versions and random ids in the names of suites.
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
        """Return the options that determine the rows of a report.

        Unused newer options are omitted, so that reports loaded before these options existed are recognised.
        """
        options = {name: value for name, value in asdict(self).items() if name != "path_pattern"}
        return {
            name: value for name, value in options.items() if value or name not in _LATER_OPTIONS
        }


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
        help="Library or branch that the revisions belong to.",
    ),
    click.Option(
        ["--problem"], help="Problem of all cases [default: their suite, else their class]."
    ),
    click.Option(
        ["--repeats"],
        type=click.Choice(["cases", "attempts"]),
        default="cases",
        show_default=True,
        help="Whether cases with one name in one report are different cases or attempts at one.",
    ),
    click.Option(
        ["--path-pattern"],
        metavar="PATTERN",
        help=(
            "Read fields from the path: a pattern with {run}, {environment}, {revision}, "
            "{implementation}, {lineage}, {problem}, {data_set} or {branch}; its values override the options."
        ),
    ),
    click.Option(
        ["--environment-from"],
        metavar="NAME",
        help=(
            "Attribute (hostname, package, id …) or property of suites that is part of the environment "
            "[default: the browser or device, if a report names it]."
        ),
    ),
    click.Option(
        ["--strip"],
        multiple=True,
        metavar="REGEX",
        help="Remove the matches from the names of suites, classes and cases.",
    ),
    click.Option(
        ["--test-name"],
        metavar="REGEX",
        help="Name a test by the match in its name, or by the first group of the match.",
    ),
    click.Option(
        ["--keep-names"],
        is_flag=True,
        help="Keep times, versions and random ids in the names of suites.",
    ),
)
"""Options of ``obslake load junit``; those that are not fields of ``ReportOptions`` are fields of ``Options``."""
