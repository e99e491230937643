"""Options of the commands ``obslake load …`` that several readers have."""

from typing import Any

import click


class _DelimiterType(click.ParamType):  # type: ignore[type-arg]
    """One character, or ``tab``."""

    name = "delimiter"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if str(value).lower() in ("tab", "\\t"):
            return "\t"
        if len(str(value)) != 1 or not str(value).isascii() or value in "\"'\r\n":
            self.fail(f"{value!r} is neither one character nor tab", param, ctx)
        return str(value)


def _renames(
    _context: click.Context, _option: click.Parameter, renames: tuple[str, ...]
) -> dict[str, str]:
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


READING = (
    click.Option(
        ["--map", "renames"],
        multiple=True,
        metavar="COLUMN=NAME",
        callback=_renames,
        help="Read COLUMN of the lakehouse from the source's column NAME.",
    ),
    click.Option(
        ["--partitions"],
        is_flag=True,
        help="Folders named COLUMN=TEXT in the path of a file are columns of it.",
    ),
    click.Option(
        ["--delimiter"],
        type=_DelimiterType(),
        metavar="CHARACTER",
        help="What separates the fields of CSV files, or tab [default: what the header tells].",
    ),
    click.Option(
        ["--again"],
        is_flag=True,
        help="Load contents that were loaded under other options, besides what came of them.",
    ),
)
"""How the columns of a file are read: fields of ``Options``."""
