"""The command ``obslake rules try``."""

from typing import TYPE_CHECKING

import click

from obslake.cli.common import Commands, Example, check_text, json_option
from obslake.cli.text import echo_json, one_line, quantity, say, say_table

if TYPE_CHECKING:
    from obslake.marts.trial import Trial

# Longer responses are cut.
_WIDEST = 100
_MOST_RESPONSES = 4


@click.group(cls=Commands)
def rules() -> None:
    """Try rules of equality and voting rules before they are set."""


@rules.command(
    "try",
    cls=Example,
    example=(
        "obslake rules try unordered --problem neighbours --test 'q1*'\n"
        "obslake rules try json=spelling 'significant_digits=6 in text' --data-set geo\n"
        "obslake rules try mask=durations 'mask=/id=[0-9]+/'\n"
        "obslake rules try 'minimal_support=0.5 of implementations + 1' abstaining_kind=exception"
    ),
)
@click.argument("rules", nargs=-1, required=True, metavar="RULE[=ARGUMENT]...")
@click.option("--data-set", default="", help="Only this data set.")
@click.option("--problem", default="", help="Only this problem.")
@click.option(
    "--test", "pattern", default="", help="Only tests with this name, in which * is any text."
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="Show at most this many stimuli whose responses change.",
)
@click.option(
    "--vars", "variables", multiple=True, help="Variables that the marts were built with."
)
@click.option("--project-dir", metavar="FOLDER", help="Folder of the dbt project, as for build.")
@json_option
@click.pass_obj
def try_(
    home: str | None,
    rules: tuple[str, ...],
    data_set: str,
    problem: str,
    pattern: str,
    limit: int,
    variables: tuple[str, ...],
    project_dir: str | None,
    as_json: bool,
) -> None:
    """Show which responses rules would make equal, and how clusters, oracles and unstable responses would change.

    Voting rules change who votes and which oracles have enough votes.

    The command builds a copy of the marts with these rules, in addition to those of the project. The marts must be
    up to date (`obslake build`), and stay as they are. docs/protocol.md lists the rules of equality,
    docs/configuration.md the voting rules.
    """
    from obslake.marts.trial import Rule, try_rules

    for text in (*rules, data_set, problem, pattern):
        check_text("rules try", text)
    rows = []
    for each in rules:
        rule, _, argument = each.partition("=")
        rows.append(Rule(data_set, problem, pattern, rule, argument))
    trial = try_rules(home, project_dir, rows, variables, limit)
    if as_json:
        echo_json(trial)
    else:
        _say_trial(trial)


def _say_trial(trial: "Trial") -> None:
    for example in trial.examples:
        place = (
            example.data_set_id,
            example.problem_id,
            example.test_id,
            f"step {example.step_id}",
        )
        say(f"{'equal' if example.is_merged else 'different'}: {', '.join(place)}")
        for response in example.responses[:_MOST_RESPONSES]:
            say(f"  {one_line(response)[:_WIDEST]}")
        more = len(example.responses) - _MOST_RESPONSES
        if more > 0:
            say(f"  and {quantity(more, 'other response')}")
    if not trial.examples:
        say("no responses of a stimulus become equal or different")
    say_table([("", "before", "after")], 36, 12, 12)
    say_table(((f.name, f.before, f.after) for f in trial.figures), 36, 12, 12)
