"""The command that writes pages: ``obslake report``."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from obslake.cli.common import Example, check_text, json_option
from obslake.cli.text import echo, echo_json, quantity, say, warn

if TYPE_CHECKING:
    from obslake.report.write import Report


@click.command(
    cls=Example,
    example=(
        "obslake report\n"
        "obslake report --data-set demo --problem slugify -o pages\n"
        "obslake report --single-file report.html\n"
        'obslake report --run "$BUILD" --format markdown'
    ),
)
@click.option("--data-set", "data_sets", multiple=True, help="Only this data set; may be repeated.")
@click.option("--problem", "problems", multiple=True, help="Only this problem; may be repeated.")
@click.option(
    "--run",
    help="Only problems that this run executed; lineages end with it  [default: the last run].",
)
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    help="Folder to write; a report in it is replaced  [default: report].",
)
@click.option(
    "--single-file",
    metavar="FILE",
    help="Write one HTML file with everything, which is replaced if it exists.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "markdown", "json"]),
    default="html",
    help="Pages, or a summary of at most 60 kB for job summaries and comments  [default: html].",
)
@json_option
@click.pass_obj
def report(
    home: str | None,
    data_sets: tuple[str, ...],
    problems: tuple[str, ...],
    run: str | None,
    output: str | None,
    single_file: str | None,
    form: str,
    as_json: bool,
) -> None:
    """Write the marts as pages that any browser opens: an overview, and one page per problem.

    The pages need no server and no network. Markdown and JSON are printed, the worst first.
    docs/report.md describes them.
    """
    from obslake.errors import ReportError
    from obslake.progress import Progress
    from obslake.query.ask import open_marts
    from obslake.query.names import check_names
    from obslake.report.built import of_this_version
    from obslake.report.lineages import lineage_data
    from obslake.report.overview import read_overview
    from obslake.report.twins import to_json_twin, to_markdown
    from obslake.report.write import write_folder, write_single_file

    for option, values in {
        "--data-set": data_sets,
        "--problem": problems,
        "--run": (run,),
        "-o": (output,),
        "--single-file": (single_file,),
    }.items():
        for value in values:
            check_text(option, value)
    if output is not None and single_file is not None:
        raise ReportError("-o writes a folder and --single-file one file: name one of them")
    if form != "html" and (output or single_file):
        raise ReportError(f"--format {form} is printed: leave out -o and --single-file")
    with (
        Progress().task("report", "rows") as task,
        TemporaryDirectory(prefix="obslake-report-") as spilled,
        open_marts(home, temp_directory=Path(spilled)) as marts,
        of_this_version(),
    ):
        check_names(marts, "data set", data_sets)
        check_names(marts, "problem", problems, data_sets)
        check_names(marts, "run", [] if run is None else [run], data_sets)
        overview = read_overview(marts, data_sets, problems, run, with_plots=form == "html")
        if form != "html":
            make = to_markdown if form == "markdown" else to_json_twin
            echo(make(overview, list(lineage_data(marts))).removesuffix("\n"))
            return
        if single_file is not None:
            done = write_single_file(marts, overview, Path(single_file), task)
        else:
            done = write_folder(marts, overview, Path(output or "report"), task)
    echo_report(done, as_json=as_json)


def echo_report(done: "Report", *, as_json: bool) -> None:
    """Print what was written."""
    if done.left_out:
        warn(f"{quantity(done.left_out, 'problem')} left out, for which the file has no room")
    if as_json:
        echo_json(done)
    else:
        say(f"{done.output}: {quantity(done.problems, 'problem')}, {done.bytes:,} bytes")
