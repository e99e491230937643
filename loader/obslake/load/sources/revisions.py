"""Dates of revisions, from rows or from a git repository."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from pyiceberg.schema import Schema

from obslake import engine
from obslake.errors import SourceFormatError, SourceNotFoundError
from obslake.lakehouse.catalog import FutureLakehouse, Lakehouse
from obslake.lakehouse.schemas import IMPLEMENTATIONS, TableDefinition
from obslake.lakehouse.views import create_source_views
from obslake.load.sources.base import Options
from obslake.load.sources.command_options import READING
from obslake.load.sources.descriptions import DescriptionsReader
from obslake.load.sources.files import SourceFile
from obslake.load.sources.git_dates import revision_dates

_MOST_NAMES = 5

# A row without an implementation and a problem describes the revision itself, for all problems of the data set.
_COLUMNS = ("data_set_id", "lineage", "revision", "revised_at")
_REVISIONS = TableDefinition(
    name="revisions",
    comment="When revisions of a lineage were made.",
    schema=Schema(*(IMPLEMENTATIONS.schema.find_field(name) for name in _COLUMNS)),
    sort_columns=(),
)


# A date counts whether it was given for the revision or for one of its implementations.
_LATEST_DATES = """
with

described as (
    select * from lake.implementations where data_set_id = $data_set
),

named as (
    select distinct revision, implementation_id from described
    where lineage = $lineage and revision is not null
),

dates as (
    select n.revision, d.revised_at, d.load_id
    from named as n inner join described as d using (implementation_id)
    union all
    select revision, revised_at, load_id from described
    where implementation_id is null and lineage = $lineage
)

select
    named.revision,
    max_by(revised_at, load_id || ':' || cast(revised_at as varchar)),
    max(load_id) filter (revised_at is not null)
from named left join dates using (revision)
group by named.revision
"""


class RevisionsReader(DescriptionsReader):
    """``obslake load revisions``."""

    definition = _REVISIONS
    table = IMPLEMENTATIONS
    takes_paths = False
    help = """Load when the revisions of a lineage were made, which decides their order.

    Rows (Parquet, JSON Lines, CSV; gzip or not) have the columns lineage, revision and revised_at. With --git, the
    dates of all revisions that the lakehouse has of the lineage are read from a git repository.
    """
    example = (
        "obslake load revisions releases.csv --data-set mine --lineage toml\n"
        "obslake load revisions --git . --data-set mine --lineage main"
    )
    options = (
        click.Option(["--lineage"], help="Lineage of rows that name none, or of the repository."),
        click.Option(
            ["--git"],
            type=click.Path(exists=True, file_okay=False),
            help="Read the dates of revisions from the git repository in this folder.",
        ),
        *READING,
    )

    def __init__(self, lineage: str | None = None, git: str | None = None) -> None:
        """Create the reader.

        Args:
            lineage: lineage of rows that do not name one.
            git: folder of the repository to read; None: there are files only.
        """
        self._lineage = lineage
        self._git = git
        # The loads whose dates are replaced: dates that are loaded for a second time are another source.
        self._replaced: list[str] = []
        given = ("lineage",) if lineage is None else ()
        self.required = (*given, "revision", "revised_at")

    def settings(self) -> dict[str, Any]:
        """Return the lineage and the repository."""
        return {"lineage": self._lineage, "git": self._git}

    def identity(self, file: SourceFile, options: Options) -> dict[str, object]:
        """Add the lineage of rows that name none, and which dates are replaced."""
        replaced = {"replaced": self._replaced} if self._replaced else {}
        return {**super().identity(file, options), "lineage": self._lineage, **replaced}

    def context(self, file: SourceFile, options: Options) -> dict[str, object] | None:
        """Return the context of rows; the dates of a repository may be loaded again, when others replaced them."""
        return super().context(file, options) if self._git is None else None

    def constants(self) -> dict[str, str]:
        """Return the lineage of rows that name none."""
        return {} if self._lineage is None else {"lineage": self._lineage}

    def make_sources(
        self, lakehouse: Lakehouse | FutureLakehouse, options: Options, folder: Path
    ) -> tuple[dict[Path, str], list[str]]:
        """Write a file with the dates of revisions that the lakehouse has without them."""
        if self._git is None:
            return {}, []
        if self._lineage is None:
            raise SourceFormatError("--git needs --lineage: the lineage whose revisions it has")
        stored = _stored(lakehouse, options.data_set, self._lineage, folder)
        dates = revision_dates(Path(self._git), stored)
        unknown = sorted(stored.keys() - dates.keys())
        warnings = []
        if unknown:
            names = ", ".join(unknown[:_MOST_NAMES]) + (", …" if len(unknown) > _MOST_NAMES else "")
            warnings.append(
                f"{self._git}: the repository has no commit or tag for {len(unknown):,} of "
                f"{len(stored):,} revisions of {self._lineage}, whose places do not change: {names}"
            )
        new = {revision: date for revision, date in dates.items() if stored[revision][0] != date}
        if not new:
            if not unknown:
                warnings.append(f"{self._git}: all revisions of {self._lineage} have these dates")
            return {}, warnings
        self._replaced = sorted({load for revision in new if (load := stored[revision][1])})
        path = folder / "revisions.jsonl"
        path.write_text(
            "".join(
                json.dumps({"revision": revision, "revised_at": date.isoformat()}) + "\n"
                for revision, date in sorted(new.items())
            )
        )
        return {path.absolute(): f"git repository {self._git}"}, warnings


def _stored(
    lakehouse: Lakehouse | FutureLakehouse, data_set: str, lineage: str, folder: Path
) -> dict[str, tuple[datetime | None, str | None]]:
    """Return the revisions of a lineage, each with the date that counts, the latest one, and its load.

    Raises:
        SourceNotFoundError: the data set has no revisions of the lineage.
    """
    found: dict[str, tuple[datetime | None, str | None]] = {}
    lineages: list[str] = []
    if isinstance(lakehouse, Lakehouse):
        with engine.connect(temp_directory=folder) as connection:
            create_source_views(lakehouse, connection)
            found = {
                revision: (date, load)
                for revision, date, load in connection.execute(
                    _LATEST_DATES, {"data_set": data_set, "lineage": lineage}
                ).fetchall()
            }
            lineages = [
                f"{name} of data set {its}"
                for its, name in connection.execute(
                    "select distinct data_set_id, lineage from lake.implementations "
                    f"where revision is not null and lineage is not null order by all limit {_MOST_NAMES}"
                ).fetchall()
            ]
    if not found:
        known = (
            f"lineages with revisions: {', '.join(lineages)}"
            if lineages
            else ("load observations with their lineage and revisions first")
        )
        raise SourceNotFoundError(
            f"data set {data_set} has no revisions of lineage {lineage}\n  {known}"
        )
    return found
