"""Options that several commands ``obslake load …`` share."""

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
    """Return a map from columns of the lakehouse to columns of the source."""
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
        help="Read folders named COLUMN=TEXT in a file's path as columns of the file.",
    ),
    click.Option(
        ["--delimiter"],
        type=_DelimiterType(),
        metavar="CHARACTER",
        help="Delimiter of CSV files: a character or tab [default: detected from the header].",
    ),
    click.Option(
        ["--again"],
        is_flag=True,
        help="Load contents again that were loaded with other options.",
    ),
)
"""Options for reading the columns of a file: fields of ``Options``."""
