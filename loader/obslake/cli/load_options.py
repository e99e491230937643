"""Options that several of the commands ``obslake load …`` have."""

from typing import TYPE_CHECKING, Any

import click

from obslake.cli.common import AnyCommand, json_option, verbose_option

if TYPE_CHECKING:
    from obslake.load.sources.set_aside import Tolerance


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


def load_options(command: AnyCommand) -> AnyCommand:
    """Add what every command has."""
    command = json_option(command)
    command = verbose_option(command)
    command = click.option(
        "--max-faulty",
        type=_ToleranceType(),
        default="0",
        show_default=True,
        metavar="NUMBER|PERCENT%",
        help=(
            "Set aside as many records that cannot be understood (12, 0.5%), and load the others; "
            "of more, nothing is loaded."
        ),
    )(command)
    command = click.option(
        "--data-set", default="default", show_default=True, help="Data set of rows that name none."
    )(command)
    return click.argument("paths", nargs=-1, required=True, metavar="PATH...")(command)


class _DelimiterType(click.ParamType):  # type: ignore[type-arg]
    """One character, or ``tab``."""

    name = "delimiter"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if str(value).lower() in ("tab", "\\t"):
            return "\t"
        if len(str(value)) != 1 or not str(value).isascii() or value in "\"'\r\n":
            self.fail(f"{value!r} is neither one character nor tab", param, ctx)
        return str(value)


def reading_options(command: AnyCommand) -> AnyCommand:
    """Add the options that say how the columns of a file are read."""
    command = click.option(
        "--again",
        is_flag=True,
        help="Load contents that were loaded under other options, besides what came of them.",
    )(command)
    command = click.option(
        "--delimiter",
        type=_DelimiterType(),
        metavar="CHARACTER",
        help="What separates the fields of CSV files, or tab [default: what the header tells].",
    )(command)
    command = click.option(
        "--partitions",
        is_flag=True,
        help="Folders named COLUMN=TEXT in the path of a file are columns of it.",
    )(command)
    return click.option(
        "--map",
        "renames",
        multiple=True,
        metavar="COLUMN=NAME",
        help="Read COLUMN of the lakehouse from the source's column NAME.",
    )(command)


def parse_renames(renames: tuple[str, ...]) -> dict[str, str]:
    """Return the columns of the lakehouse with those of the source that they are read from."""
    pairs = {}
    for rename in renames:
        target, separator, source = rename.partition("=")
        if not separator or not target or not source:
            raise click.BadParameter(
                f"{rename!r} is not of the form COLUMN=NAME", param_hint="--map"
            )
        pairs[target] = source
    return pairs
