"""The commands ``obslake load …``, one for each reader."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from obslake.cli.common import Example, check_text, json_option, verbose_option
from obslake.cli.text import echo_json, quantity, say, say_rows, say_table, warn
from obslake.errors import RecordsSetAsideError
from obslake.load.sources.registry import READERS, reader_class

if TYPE_CHECKING:
    from obslake.load.report import LoadReport
    from obslake.load.sources.base import Reader
    from obslake.load.sources.set_aside import Tolerance


class _Readers(click.Group):
    """One command per reader; a reader is imported when its command is first needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(READERS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in READERS and cmd_name not in self.commands:
            self.add_command(_command(reader_class(cmd_name)))
        return self.commands.get(cmd_name)


@click.group(cls=_Readers)
def load() -> None:
    """Append the rows of files to the lakehouse, each source once."""


class _ToleranceType(click.ParamType):  # type: ignore[type-arg]
    """A number of records, or a percentage."""

    name = "tolerance"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "Tolerance":
        from obslake.load.sources.set_aside import Tolerance

        try:
            return value if isinstance(value, Tolerance) else Tolerance.parse(value)
        except ValueError:
            self.fail(
                f"{value!r} is neither a number like 12 nor a percentage like 0.5%", param, ctx
            )


def _command(reader: "type[Reader]") -> click.Command:
    """Return the command of a reader."""

    @click.command(reader.name, cls=Example, example=reader.example, help=reader.help)
    @click.argument("paths", nargs=-1, required=reader.takes_paths, metavar="PATH...")
    @click.option(
        "--data-set", default="default", show_default=True, help="Data set of rows that name none."
    )
    @click.option(
        "--max-faulty",
        type=_ToleranceType(),
        default="0",
        show_default=True,
        metavar="NUMBER|PERCENT%",
        help=(
            "Set aside up to this many records that cannot be understood (12, 0.5%), and load the "
            "others; if there are more, load nothing."
        ),
    )
    @verbose_option
    @json_option
    @click.pass_obj
    def command(home: str | None, /, **values: Any) -> None:
        _load(home, reader, **values)

    command.params += reader.options
    if reader.refuses_single_files:
        command.params.append(_KEEP_GOING)
    return command


_KEEP_GOING = click.Option(
    ["--keep-going"], is_flag=True, help="Load the other files if some are refused."
)


def _load(
    home: str | None,
    reader: "type[Reader]",
    paths: tuple[str, ...],
    as_json: bool,
    verbose: bool,
    keep_going: bool = False,
    **values: Any,
) -> None:
    from obslake.errors import SourceFormatError
    from obslake.lakehouse.catalog import open_or_plan
    from obslake.load.loading import load as run_load
    from obslake.load.report import describe_refused, describe_set_aside
    from obslake.load.sources.base import Options
    from obslake.progress import Progress

    for name in ("data_set", "environment", "run"):
        check_text(f"--{name.replace('_', '-')}", values.get(name))
    options = Options(**{f.name: values.pop(f.name) for f in fields(Options) if f.name in values})
    report = run_load(
        open_or_plan(home), reader(**values), paths, options, Progress(), keep_going=keep_going
    )
    echo_report(report, as_json=as_json, verbose=verbose)
    if report.refused:
        raise SourceFormatError(describe_refused(report))
    if report.set_aside:
        raise RecordsSetAsideError(describe_set_aside(report))


def echo_report(report: "LoadReport", *, as_json: bool, verbose: bool = False) -> None:
    """Print what a load did; its warnings go to standard error.

    Files that were loaded before take one line per earlier load, or one each if ``verbose``.
    """
    for warning in report.warnings:
        warn(warning)
    if other := report.response_kinds.get("other"):
        warn(f"{quantity(other, 'response')} of a kind that the protocol does not know")
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
            say("  rows were forgotten since: loading again does not restore them")
    if report.load_id is None:
        return
    say(f"load {report.load_id}: {quantity(len(report.sources), 'source')}")
    say_rows(report.rows, indent="  ")
    say_table(report.response_kinds.items(), 16, 10, indent="    ")
