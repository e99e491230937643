"""``obslake gate``: whether a revision may pass."""

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from obslake.cli.common import Example, check_text
from obslake.cli.text import echo, echo_json, say

if TYPE_CHECKING:
    from obslake.gate.findings import Gate


def _kinds(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[str, ...]:
    """Return the kinds of findings that fail the gate."""
    from obslake.gate.findings import MAY_FAIL

    kinds = [name.strip() for name in text.split(",") if name.strip()]
    if kinds == ["none"]:
        return ()
    unknown = [name for name in kinds if name not in MAY_FAIL]
    if unknown or not kinds:
        raise click.BadParameter(
            f"{', '.join(unknown) or 'nothing'} is not one of {', '.join(MAY_FAIL)}, or none"
        )
    return tuple(kinds)


@click.command(
    cls=Example,
    example=(
        "obslake gate --data-set mine --head 3f2a9c1\n"
        "obslake gate --data-set mine --head 3f2a9c1 --base main-417 --format markdown\n"
        "obslake gate --data-set mine --head 3f2a9c1 --fail-on regressed,new-failing,gone --allow known.csv"
    ),
)
@click.option("--data-set", required=True, help="Data set of the revisions.")
@click.option("--head", required=True, metavar="REVISION", help="Revision to judge.")
@click.option(
    "--base",
    default="previous",
    show_default=True,
    metavar="REVISION",
    help="Revision to compare with; previous: the one before the head in its lineage.",
)
@click.option("--lineage", help="Lineage of the head, if several have it.")
@click.option("--base-lineage", metavar="LINEAGE", help="Lineage of the base, if several have it.")
@click.option(
    "--environment",
    "environments",
    multiple=True,
    help="Only this environment, which must have run; may be repeated.",
)
@click.option(
    "--fail-on",
    default="regressed,new-failing",
    show_default=True,
    callback=_kinds,
    metavar="KINDS",
    help="What fails the gate: any of regressed, new-failing, gone, changed, flaky, slower, skipped; or none.",
)
@click.option(
    "--allow",
    metavar="FILE",
    help="Known failures: CSV with the columns test_pattern, reason and until.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "markdown", "json", "github", "junit"]),
    default="table",
    show_default=True,
    help="github prints annotations, and adds the Markdown to the job summary.",
)
@click.option("--all", "everything", is_flag=True, help="Show all findings in the table.")
@click.pass_obj
def gate(
    home: str | None,
    data_set: str,
    head: str,
    base: str,
    lineage: str | None,
    base_lineage: str | None,
    environments: tuple[str, ...],
    fail_on: tuple[str, ...],
    allow: str | None,
    form: str,
    everything: bool,
) -> None:
    """Say what a revision changed in behaviour, and fail if it counts.

    Exit status 0: nothing that counts; 3: the gate fails; 1: it cannot say. docs/ci.md has recipes.
    """
    from obslake.errors import GateFailedError
    from obslake.gate.allowed import read_allowed
    from obslake.gate.compare import Question, read_gate
    from obslake.query.ask import open_marts

    for option, values in {
        "--data-set": (data_set,),
        "--head": (head,),
        "--base": (base,),
        "--lineage": (lineage,),
        "--base-lineage": (base_lineage,),
        "--environment": environments,
        "--allow": (allow,),
    }.items():
        for value in values:
            check_text(option, value)
    question = Question(
        data_set=data_set,
        head=head,
        base=base,
        lineage=lineage,
        base_lineage=base_lineage,
        environments=tuple(dict.fromkeys(environments)),
        fail_on=fail_on,
        allowed=tuple(read_allowed(Path(allow)) if allow else ()),
        today=datetime.now(UTC).date(),
    )
    with open_marts(home) as marts:
        outcome = read_gate(marts, question)
    echo_gate(outcome, form, everything=everything)
    if outcome.fails:
        raise GateFailedError(f"the gate {outcome.verdict}")


def echo_gate(outcome: "Gate", form: str, *, everything: bool) -> None:
    """Print the outcome in the chosen form."""
    if form == "json":
        from obslake.gate.document import to_document

        echo_json(to_document(outcome))
    elif form == "junit":
        from obslake.gate.junit import to_junit

        # XML says that it is UTF-8, whatever the encoding of the terminal.
        click.get_binary_stream("stdout").write(to_junit(outcome).encode())
    elif form == "markdown":
        from obslake.gate.markdown import to_markdown

        echo(to_markdown(outcome), nl=False)
    elif form == "github":
        _echo_github(outcome, everything=everything)
    else:
        _echo_screen(outcome, everything=everything)


def _echo_screen(outcome: "Gate", *, everything: bool) -> None:
    from obslake.gate.screen import to_screen

    for line in to_screen(outcome, everything=everything):
        say(line)


def _echo_github(outcome: "Gate", *, everything: bool) -> None:
    """Print the table and annotations, and add the Markdown to the summary of the job."""
    from obslake.errors import GateError
    from obslake.gate.github import to_annotations
    from obslake.gate.markdown import to_markdown

    # No name in the table may be read as a command.
    token = secrets.token_hex(16)
    echo(f"::stop-commands::{token}")
    _echo_screen(outcome, everything=everything)
    echo(f"::{token}::")
    for line in to_annotations(outcome):
        echo(line)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(to_markdown(outcome))
        except OSError as error:
            raise GateError(
                f"the summary of the job, {summary}, cannot be written: {error.strerror}"
            ) from error
