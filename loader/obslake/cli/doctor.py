"""The command that checks the installation: ``obslake doctor``."""

import sys

import click

from obslake.cli.common import Example, json_option
from obslake.cli.text import echo_json, say


@click.command(cls=Example, example="obslake doctor\nobslake doctor --json")
@click.option(
    "--project-dir",
    metavar="FOLDER",
    help="Folder of the dbt project  [default: as for obslake build].",
)
@json_option
@click.pass_obj
def doctor(home: str | None, project_dir: str | None, as_json: bool) -> None:
    """Check the installation, the catalog and the age of the marts, and say what to do.

    The exit status is 1 if commands fail because of something. A lakehouse that does not exist yet is no fault.
    """
    from obslake.marts.doctor import examine

    findings = []
    for finding in examine(home, project_dir):
        findings.append(finding)
        if not as_json:
            say(f"{'FAULT' if finding.is_fault else 'ok':<6}{finding.name:<18}{finding.found}")
            for line in finding.to_do.splitlines():
                say(f"{'':<24}-> {line.strip()}")
    if as_json:
        echo_json(findings)
    if any(finding.is_fault for finding in findings):
        sys.exit(1)
