"""The commands ``obslake load …``."""

from typing import TYPE_CHECKING, Any

import click

from obslake.cli.common import Example, check_text
from obslake.cli.load_options import load_options, parse_renames, reading_options
from obslake.cli.text import echo_json, quantity, say, warn
from obslake.errors import RecordsSetAsideError

if TYPE_CHECKING:
    from obslake.load.report import LoadReport
    from obslake.load.sources.base import Reader
    from obslake.load.sources.set_aside import Tolerance


@click.group()
def load() -> None:
    """Append the rows of files to the lakehouse, each source once."""


@load.command(
    "lasso",
    cls=Example,
    example="obslake load lasso srm.parquet candidates.json --data-set lasso-2025",
)
@load_options
@click.pass_obj
def load_lasso(home: str | None, /, paths: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Load LASSO arena exports (Parquet, CSV) and the Solr export of their candidates (JSON).

    PATH is a file, a folder, a pattern, or - for standard input. Give the files of one export in
    one command: an actuation's cells may stand in several of them.
    """
    from obslake.load.sources.lasso import LassoReader

    _load(home, LassoReader(), paths, as_json, **options)


@load.command(
    "observations",
    cls=Example,
    example=(
        "obslake load observations results.jsonl.gz --data-set mine --run nightly-17\n"
        "generate | obslake load observations - --map duration_ns=time_ns"
    ),
)
@load_options
@click.option(
    "--environment",
    default="default",
    show_default=True,
    help="Environment of rows that name none.",
)
@click.option("--run", help="Run of rows that name none [default: the load itself].")
@reading_options
@click.option(
    "--outputs",
    type=click.Choice(["auto", "text", "values"]),
    default="auto",
    show_default=True,
    help=(
        "What strings in column output are: text of the response protocol, or values that were returned; "
        "auto: what makes sense of all rows of a file, else it is refused."
    ),
)
@click.option(
    "--as-oracle",
    is_flag=True,
    help="The rows are expected answers: of the implementation oracle, whatever they name.",
)
@click.pass_obj
def load_observations(
    home: str | None,
    /,
    paths: tuple[str, ...],
    renames: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Load rows of your own (Parquet, JSON Lines, CSV; gzip or not), one per actuation.

    Needed are the columns problem_id, implementation_id, test_id and output. Rows of published
    observation lakehouses in their 20-column form are recognised.
    """
    from obslake.load.sources.observations import ObservationsReader

    _load(
        home,
        ObservationsReader(),
        paths,
        as_json,
        renames=parse_renames(renames),
        **options,
    )


@load.command(
    "recording",
    cls=Example,
    example="obslake load recording behaviour.jsonl.gz --data-set mine",
)
@load_options
@click.pass_obj
def load_recording(
    home: str | None, /, paths: tuple[str, ...], as_json: bool, **options: Any
) -> None:
    """Load what the pytest plugin has recorded (JSON Lines; gzip or not).

    A recording that ends in the middle of a line, as when the tests were killed, is loaded up to there.
    """
    from obslake.load.sources.recording import RecordingReader

    _load(home, RecordingReader(), paths, as_json, **options)


@load.command(
    "junit",
    cls=Example,
    example=(
        "obslake load junit build/test-results --revision 3f2a9c1 --run 4711 --environment linux\n"
        "obslake load junit ci --path-pattern 'ci/{run}/{environment}/{revision}/*.xml'"
    ),
)
@load_options
@click.option(
    "--environment",
    default="default",
    show_default=True,
    help="Environment of the tests: matrix job, interpreter, platform.",
)
@click.option("--run", help="Pipeline execution [default: the load itself].")
@click.option("--revision", help="Revision of the code that was tested.")
@click.option(
    "--implementation",
    help="Implementation that was tested [default: the revision, else the run].",
)
@click.option(
    "--lineage",
    default="default",
    show_default=True,
    help="What the revisions are revisions of: a library, a branch.",
)
@click.option("--problem", help="Problem of all cases [default: their suite, else their class].")
@click.option(
    "--repeats",
    type=click.Choice(["cases", "attempts"]),
    default="cases",
    show_default=True,
    help="What cases of one name in one report are: different cases, or attempts at one.",
)
@click.option(
    "--path-pattern",
    metavar="PATTERN",
    help=(
        "What the parts of a path say: a pattern with {run}, {environment}, {revision}, "
        "{implementation}, {lineage}, {problem} or {data_set}; it goes before the options."
    ),
)
@click.option(
    "--environment-from",
    metavar="NAME",
    help=(
        "Attribute (hostname, package, id …) or property of suites that is part of the environment "
        "[default: the browser or device, where a report names it]."
    ),
)
@click.option(
    "--strip",
    multiple=True,
    metavar="REGEX",
    help="Take what this finds out of the names of suites, classes and cases.",
)
@click.option(
    "--test-name",
    metavar="REGEX",
    help="Name a test by the part of its name that this finds, or by its first group.",
)
@click.option(
    "--keep-names",
    is_flag=True,
    help="Keep times, versions and random ids in the names of suites.",
)
@click.option("--keep-going", is_flag=True, help="Load the other files where some are refused.")
@click.pass_obj
def load_junit(
    home: str | None,
    /,
    paths: tuple[str, ...],
    data_set: str,
    environment: str,
    run: str | None,
    max_faulty: "Tolerance",
    keep_going: bool,
    verbose: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Load test reports: JUnit XML, TRX, xUnit.net, NUnit 3 (gzip or not).

    A case is a test, its verdict the response: passed, failed, error or skipped. Files that are no
    test reports are refused, all of them with their reasons.
    """
    from obslake.load.sources.junit import JUnitReader, ReportOptions

    _load(
        home,
        JUnitReader(ReportOptions(**options)),
        paths,
        as_json,
        keep_going=keep_going,
        verbose=verbose,
        data_set=data_set,
        environment=environment,
        run=run,
        max_faulty=max_faulty,
    )


def _add_description_command(table: str, columns: str) -> None:
    @load.command(
        table,
        cls=Example,
        example=f"obslake load {table} {table}.jsonl --data-set mine",
        help=(
            f"Load descriptions for the table {table} (Parquet, JSON Lines, CSV; gzip or not).\n\n"
            f"Needed are the columns {columns}."
        ),
    )
    @load_options
    @reading_options
    @click.pass_obj
    def load_descriptions(
        home: str | None,
        /,
        paths: tuple[str, ...],
        renames: tuple[str, ...],
        as_json: bool,
        **options: Any,
    ) -> None:
        from obslake.lakehouse import schemas
        from obslake.load.sources.descriptions import DescriptionsReader

        (definition,) = (d for d in schemas.TABLES if d.name == table)
        _load(
            home,
            DescriptionsReader(definition),
            paths,
            as_json,
            renames=parse_renames(renames),
            **options,
        )


_add_description_command("implementations", "problem_id and implementation_id")
_add_description_command("tests", "problem_id and test_id")
_add_description_command("runs", "run_id")
_add_description_command("measurements", "problem_id, subject_kind, subject_id and metric")


def _load(
    home: str | None,
    reader: "Reader",
    paths: tuple[str, ...],
    as_json: bool,
    *,
    keep_going: bool = False,
    verbose: bool = False,
    **options: Any,
) -> None:
    from obslake.errors import SourceFormatError
    from obslake.lakehouse.catalog import open_or_plan
    from obslake.load.loading import load as run_load
    from obslake.load.report import describe_refused, describe_set_aside
    from obslake.load.sources.base import Options
    from obslake.progress import Progress

    for name in ("data_set", "environment", "run"):
        check_text(f"--{name.replace('_', '-')}", options.get(name))
    report = run_load(
        open_or_plan(home), reader, paths, Options(**options), Progress(), keep_going=keep_going
    )
    echo_report(report, as_json=as_json, verbose=verbose)
    if report.refused:
        raise SourceFormatError(describe_refused(report))
    if report.set_aside:
        raise RecordsSetAsideError(describe_set_aside(report))


def echo_report(report: "LoadReport", *, as_json: bool, verbose: bool = False) -> None:
    """Print what a load did; its warnings go to standard error.

    Files that were loaded before are one line per load that has done it, unless each is wanted.
    """
    for warning in report.warnings:
        warn(warning)
    if other := report.response_kinds.get("other"):
        warn(f"{quantity(other, 'response')} of a kind the protocol does not know")
    if as_json:
        echo_json(
            {
                "load_id": report.load_id,
                "sources": report.sources,
                "skipped": [
                    {"source": s.name, "load_id": s.load_id}
                    | ({"forgotten": True} if s.is_forgotten else {})
                    for s in report.skipped
                ],
                "refused": report.refused,
                "set_aside": report.set_aside,
                "rows": report.rows,
                "response_kinds": report.response_kinds,
                "warnings": report.warnings,
            }
        )
        return
    groups: dict[tuple[str, bool, int], list[str]] = {}
    for number, skipped in enumerate(report.skipped):
        key = (skipped.load_id, skipped.is_forgotten, number if verbose else 0)
        groups.setdefault(key, []).append(skipped.name)
    for (load_id, is_forgotten, _), names in groups.items():
        what = names[0] if len(names) == 1 else f"{len(names):,} sources"
        say(f"{what}: already loaded by load {load_id}, nothing appended")
        if is_forgotten:
            say("  rows were forgotten since: they do not come back by loading again")
    if report.load_id is None:
        return
    say(f"load {report.load_id}: {quantity(len(report.sources), 'source')}")
    for table, rows in report.rows.items():
        say(f"  {table:<16} {rows:>12,} {'row' if rows == 1 else 'rows'}")
    for kind, rows in report.response_kinds.items():
        say(f"    {kind:<16} {rows:>10,}")
