"""Samples of one implementation, such as several answers of a model to one task, as implementations of their own.

Sample 3 of ``model`` is the implementation ``model#3``, described as a variant of the system ``model``. Samples
are no attempts: only the last attempt of a run counts, and pass@k counts implementations.
"""

from collections.abc import Collection, Sequence

from obslake.engine import quote_identifier
from obslake.errors import SourceFormatError
from obslake.lakehouse.schemas import OBSERVATIONS
from obslake.load.sources.base import Options
from obslake.load.sources.files import SourceFile

# The values of missing keys, as in `sql/observations.sql`.
_DEFAULTS = {
    "data_set_id": "getvariable('data_set')",
    "environment_id": "getvariable('environment')",
    "run_id": "getvariable('run')",
    "step_id": "'0'",
    "attempt": "'0'",
}


def check_samples(options: Options, *, is_published: bool) -> None:
    """Check that samples can be told apart.

    Raises:
        SourceFormatError: other options, or the form of the rows, contradict.
    """
    if options.sample is None and not options.count_samples:
        return
    option = "--count-samples" if options.sample is None else f"--sample {options.sample}"
    if options.sample is not None and options.count_samples:
        raise SourceFormatError(f"{option} and --count-samples: give one of them")
    if options.as_oracle:
        raise SourceFormatError(f"{option} and --as-oracle: an oracle has no samples")
    if is_published:
        raise SourceFormatError(
            f"{option}: the published form names its implementations\n"
            "  to load such rows with other columns, rename one of the 20 columns, and use --map"
        )
    if options.count_samples and not options.max_faulty.is_strict:
        raise SourceFormatError(
            "--count-samples and --max-faulty: rows that are set aside would shift the numbers of the others\n"
            "  repair the faulty rows, or number the samples in a column and name it with --sample"
        )


def sample_column(
    options: Options, files: Sequence[SourceFile], columns: Sequence[str]
) -> str | None:
    """Return the column that tells samples apart; None: there is none.

    Raises:
        SourceFormatError: the source has no column of that name.
    """
    if options.sample is None:
        return None
    for column in columns:
        if column.lower() == options.sample.lower():
            return column
    raise SourceFormatError(
        f"--sample {options.sample}: {files[0].name} has no column {options.sample}\n"
        f"  its columns: {', '.join(columns)}"
    )


def sample_number(column: str) -> str:
    """Return the SQL of a sample's number or name from the column that has it."""
    # pandas writes whole numbers as floats if some are missing.
    return f"regexp_replace(cast({quote_identifier(column)} as varchar), '^(\\d+)\\.0$', '\\1')"


def counted_samples(query: str, columns: Collection[str]) -> str:
    """Return the query with ``_obslake_sample``: rows with the same keys are numbered from 1, in their order.

    Args:
        query: selects columns of observations, in the order of the source.
        columns: those that it selects.
    """
    keys = [_key(column) for column in OBSERVATIONS.sort_columns if column in columns]
    return (
        "select * exclude (_obslake_number), cast(row_number() over ("
        f"partition by {', '.join(keys)} order by _obslake_number) as varchar) as _obslake_sample "
        f"from (select *, row_number() over () as _obslake_number from ({query}))"
    )


def _key(column: str) -> str:
    default = _DEFAULTS.get(column)
    text = f"cast({quote_identifier(column)} as varchar)"
    return f"coalesce({text}, {default})" if default else text
