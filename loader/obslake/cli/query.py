"""The commands that read rows: ``obslake sql`` and ``obslake export``."""

import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import click

from obslake.cli.common import Example, check_text, json_option
from obslake.cli.text import echo, has_all_characters, plain, quantity, say, to_json, warn

if TYPE_CHECKING:
    import duckdb

    from obslake.query.export import Export, Format


_MOST_ROWS = 1000

_BATCH_ROWS = 1000


# Replaces the lines of drawn tables in encodings that lack them.
_DRAWN_IN_ASCII = str.maketrans("┌┬┐├┼┤└┴┘─│·…", "+++++++++-|..")


@click.command(
    cls=Example,
    example=(
        "obslake sql \"from clusters('demo', 'slugify')\"\n"
        'obslake sql "select count(*) from lake.observations" --json\n'
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
@click.pass_obj
def sql(
    home: str | None, query: str, marts_in: str | None, external_access: bool, as_json: bool
) -> None:
    """Answer one SQL query, read-only, from the marts and the tables (schema lake).

    Use - to read the query from standard input.
    """
    from obslake.errors import QueryError
    from obslake.query.ask import ask

    if query == "-":
        try:
            query = click.get_binary_stream("stdin").read().decode()
        except UnicodeDecodeError as error:
            raise QueryError("the query on standard input is not valid UTF-8") from error
    with ask(home, query, external_access=external_access, marts_in=marts_in) as answer:
        echo_answer(answer, as_json=as_json)


def echo_answer(answer: "duckdb.DuckDBPyRelation", *, as_json: bool) -> None:
    """Print the rows of a query."""
    if as_json:
        _echo_json_rows(answer)
    elif answer.columns == ["explain_key", "explain_value"]:
        for _, plan in answer.fetchall():
            echo(plan if has_all_characters(sys.stdout) else plan.translate(_DRAWN_IN_ASCII))
    else:
        _echo_table(answer)


def _echo_table(answer: "duckdb.DuckDBPyRelation") -> None:
    """Print the first rows and the number of rows, in ASCII if the encoding lacks DuckDB's lines."""
    width = _table_width()
    if has_all_characters(sys.stdout):
        answer.show(max_width=width, max_rows=_MOST_ROWS)
        return
    with redirect_stdout(io.StringIO()) as drawn:
        answer.show(max_width=width, max_rows=_MOST_ROWS)
    echo(drawn.getvalue().translate(_DRAWN_IN_ASCII), nl=False)


def _table_width() -> int:
    """Return the width for drawn tables: the terminal's, or 240 if the output is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 240


def _echo_json_rows(answer: "duckdb.DuckDBPyRelation") -> None:
    """Print an array with one object per row, without holding all rows in memory."""
    names = list(_distinct(answer.columns))
    separator = "\n"
    echo("[", nl=False)
    while batch := answer.fetchmany(_BATCH_ROWS):
        for row in batch:
            line = to_json(plain(dict(zip(names, row, strict=True))))
            echo(f"{separator}  {line}", nl=False)
            separator = ",\n"
    echo("\n]")


def _distinct(names: list[str]) -> Iterator[str]:
    """Add a number to each repeated name, because a JSON object has each key once."""
    seen: set[str] = set()
    for name in names:
        unique, number = name, 1
        while unique in seen:
            unique = f"{name}_{number}"
            number += 1
        seen.add(unique)
        yield unique


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
