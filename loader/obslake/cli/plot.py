"""The command that draws: ``obslake plot``."""

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from obslake.cli.common import Example, check_text
from obslake.cli.text import say

# The names of the plots, known before anything is imported.
NAMES = ("agreement", "dendrogram", "drift", "entropy", "growth", "pass-at-k", "votes")
_OF_ONE_PROBLEM = ("agreement", "dendrogram")


@click.command(
    cls=Example,
    example=(
        "obslake plot entropy -o entropy.svg\n"
        "obslake plot agreement --problem slugify -o slugify.pdf\n"
        "obslake plot drift --lineage humanize -o humanize.png"
    ),
)
@click.argument("name", type=click.Choice(NAMES))
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    help="File to write: .svg, or .png and .pdf with the extra obslake[plot]; it is replaced if it exists.",
)
@click.option("--data-set", "data_sets", multiple=True, help="Only this data set; may be repeated.")
@click.option("--problem", "problems", multiple=True, help="Only this problem; may be repeated.")
@click.option("--lineage", help="The lineage of drift  [default: the one with most revisions].")
@click.option("--environment", help="The environment of drift.")
@click.pass_obj
def plot(
    home: str | None,
    name: str,
    output: str,
    data_sets: tuple[str, ...],
    problems: tuple[str, ...],
    lineage: str | None,
    environment: str | None,
) -> None:
    """Draw one plot of the marts to a file.

    agreement and dendrogram show one problem: the one named, or the one with most to look at.
    docs/report.md shows all plots.
    """
    from obslake.errors import ReportError
    from obslake.query.ask import open_marts
    from obslake.query.names import check_names
    from obslake.report.built import of_this_version
    from obslake.report.files import check_plot_file, write_plot_file
    from obslake.report.overview import read_overview
    from obslake.report.plots import Choice, write_plot

    for option, values in {
        "--data-set": data_sets,
        "--problem": problems,
        "--lineage": (lineage,),
        "--environment": (environment,),
        "-o": (output,),
    }.items():
        for value in values:
            check_text(option, value)
    if name != "drift" and (lineage is not None or environment is not None):
        raise ReportError(f"--lineage and --environment are of drift, not of {name}")
    if name in _OF_ONE_PROBLEM and len(problems) > 1:
        raise ReportError(f"{name} shows one problem: name one with --problem")
    path = Path(output)
    check_plot_file(path)
    with (
        TemporaryDirectory(prefix="obslake-plot-") as spilled,
        open_marts(home, temp_directory=Path(spilled)) as marts,
        of_this_version(),
    ):
        check_names(marts, "data set", data_sets)
        check_names(marts, "problem", problems, data_sets)
        check_names(marts, "lineage", [] if lineage is None else [lineage], data_sets)
        check_names(marts, "environment", [] if environment is None else [environment], data_sets)
        read_overview(marts, data_sets, problems)
        choice = Choice(problems[0] if len(problems) == 1 else None, lineage, environment)
        text = write_plot(marts, name, choice)
    say(f"{output}: {write_plot_file(path, text):,} bytes")
