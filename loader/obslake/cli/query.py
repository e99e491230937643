"""The commands that read rows: ``obslake sql`` and ``obslake export``."""

from typing import TYPE_CHECKING

import click

from obslake.cli.answers import (
    echo_csv,
    echo_json_rows,
    echo_markdown,
    echo_table,
    target_of_answer,
    write_answer,
)
from obslake.cli.common import Example, check_text, json_option
from obslake.cli.text import echo, quantity, say, to_json, warn
from obslake.values import plain

if TYPE_CHECKING:
    from obslake.query.export import Export
    from obslake.query.files import Format


@click.command(
    cls=Example,
    example=(
        "obslake sql \"from clusters('demo', 'slugify')\"\n"
        'obslake sql "select count(*) from lake.observations" --json\n'
        "obslake sql \"from suspects('demo')\" -o suspects.parquet\n"
        'obslake sql --marts marts "select count(*) from behavior_clusters"\n'
        "obslake sql -"
    ),
)
@click.argument("query")
@click.option(
    "--marts",
    "marts_in",
    metavar="NAMESPACE",
    help="Query the marts that another engine keeps as Iceberg tables in this namespace of the catalog.",
)
@click.option("--external-access", is_flag=True, help="Let the query read other files as well.")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a Markdown table.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="File to write: .parquet, .csv or .jsonl; the latter two are compressed if .gz or .zst follows.",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.pass_obj
def sql(
    home: str | None,
    query: str,
    marts_in: str | None,
    external_access: bool,
    as_json: bool,
    as_csv: bool,
    as_markdown: bool,
    output: str | None,
    force: bool,
) -> None:
    """Answer one SQL query, read-only, from the marts and the tables (schema lake).

    Use - to read the query from standard input. The table has at most 1,000 rows; JSON, CSV, Markdown and
    files have all.
    """
    from obslake.errors import QueryError
    from obslake.query.ask import ask

    forms = {
        "--json": as_json,
        "--csv": as_csv,
        "--markdown": as_markdown,
        "-o": output is not None,
    }
    chosen = [name for name, is_chosen in forms.items() if is_chosen]
    if len(chosen) > 1:
        raise click.UsageError(f"{' and '.join(chosen)} exclude each other: choose one")
    if force and output is None:
        raise click.UsageError("--force is for -o")
    check_text("-o", output)
    if query == "-":
        try:
            query = click.get_binary_stream("stdin").read().decode()
        except UnicodeDecodeError as error:
            raise QueryError("the query on standard input is not valid UTF-8") from error
    asked = ask(home, query, external_access=external_access, marts_in=marts_in)
    if output is None:
        with asked as answer:
            _ANSWERS[chosen[0] if chosen else ""](answer)
        return
    target = target_of_answer(output)
    with asked as answer:
        rows, size = write_answer(answer, target, overwrite=force)
    say(f"{output}: {quantity(rows, 'row')}, {size:,} bytes")


_ANSWERS = {
    "": echo_table,
    "--json": echo_json_rows,
    "--csv": echo_csv,
    "--markdown": echo_markdown,
}


@click.command(
    cls=Example,
    example=(
        "obslake export -o examples.parquet\n"
        "obslake export consensus_oracles --data-set demo -o oracles.jsonl.gz\n"
        "obslake export --problem slugify -o -"
    ),
)
@click.argument("relation", default="training_examples", metavar="[MART]")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    help="File to write; - is standard output, as JSON Lines.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["parquet", "jsonl"]),
    help="Format, if the name of the file does not determine it.",
)
@click.option("--data-set", "data_sets", multiple=True, help="Only this data set; may be repeated.")
@click.option("--problem", "problems", multiple=True, help="Only this problem; may be repeated.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@json_option
@click.pass_obj
def export(
    home: str | None,
    relation: str,
    output: str,
    form: "Format | None",
    data_sets: tuple[str, ...],
    problems: tuple[str, ...],
    force: bool,
    as_json: bool,
) -> None:
    """Write a mart to a Parquet or JSON Lines file; the default mart is training_examples.

    Rows are sorted by their key. The file appears when it is complete. JSON Lines are compressed if
    the name ends with .gz or .zst. docs/export.md says how to read the file.
    """
    from obslake.progress import Progress
    from obslake.query.export import export as run_export

    for option, values in {"--data-set": data_sets, "--problem": problems, "-o": (output,)}.items():
        for value in values:
            check_text(option, value)
    with Progress().task(relation, "rows") as task:
        done = run_export(
            home,
            relation,
            output,
            task,
            form=form,
            data_sets=data_sets,
            problems=problems,
            overwrite=force,
            stdout=click.get_binary_stream("stdout"),
        )
    echo_export(done, as_json=as_json)


def echo_export(done: "Export", *, as_json: bool) -> None:
    """Print what was exported; on standard error if the rows themselves are on standard output."""
    rows_on_stdout = done.output == "-"
    if not done.rows:
        warn(f"{done.relation} has no matching rows")
    if as_json:
        echo(to_json(plain(done), indent=2), err=rows_on_stdout)
    elif not rows_on_stdout:
        say(f"{done.output}: {quantity(done.rows, 'row')} of {done.relation}, {done.bytes:,} bytes")
