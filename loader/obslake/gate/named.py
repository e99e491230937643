"""Finds the revisions that are named, and says what is wrong with a name."""

from dataclasses import dataclass

import duckdb

from obslake.errors import GateError
from obslake.query.names import check_names, has_name


@dataclass(frozen=True)
class Compared:
    """The revisions to compare.

    Attributes:
        lineage: lineage of the head.
        base_lineage: lineage of the base; None: there is no base.
        base: revision to compare with; None: the head is the first of its lineage.
        notes: sentences on the choice.
    """

    lineage: str
    base_lineage: str | None
    base: str | None
    notes: tuple[str, ...]


# Where a name is in a lineage: its revision, else its implementation.
_PLACES = """
    select lineage, max(place), max_by(coalesce(revision, implementation_id), place) from lineage_revisions
    where data_set_id = $data_set and (revision = $name or implementation_id = $name)
    and ($lineage is null or lineage = $lineage)
    group by lineage order by lineage
"""


def compared_revisions(
    marts: duckdb.DuckDBPyConnection,
    data_set: str,
    head: str,
    base: str | None,
    lineage: str | None,
    base_lineage: str | None,
) -> Compared | None:
    """Return which revisions are compared; None if all runs of the head are set aside.

    Args:
        marts: connection that finds the marts by name.
        data_set: data set of the revisions.
        head: revision, or implementation.
        base: the same; None: the revision before the head.
        lineage: lineage of the head; None: the only one that has it.
        base_lineage: lineage of the base; None: that of the head, or the only one that has it.

    Raises:
        UnknownNameError: the marts do not have a name.
        GateError: a name does not say which revision is meant, or head and base are the same.
    """
    # All runs of a lineage may be set aside, and then it is not known either.
    heads = _places(marts, data_set, head, lineage)
    if not heads and lineage is None and set_aside_environments(marts, data_set, head):
        return None
    for name in (lineage, base_lineage):
        if name is not None:
            check_names(marts, "lineage", [name], [data_set])
    if not heads:
        if set_aside_environments(marts, data_set, head):
            return None
        _check_revision(marts, data_set, head, lineage)
    if len(heads) > 1:
        raise GateError(
            f"revision {head} is in several lineages: {', '.join(heads)}\n  name one with --lineage"
        )
    ((lineage, (place, _)),) = heads.items()
    if base is None:
        return _before(marts, data_set, lineage, place)
    bases = _places(marts, data_set, base, base_lineage)
    if not bases:
        _check_revision(marts, data_set, base, base_lineage)
    if lineage in bases:
        bases = {lineage: bases[lineage]}
    if len(bases) > 1:
        raise GateError(
            f"base {base} is in several lineages: {', '.join(bases)}\n  name one with --base-lineage"
        )
    ((base_lineage, (base_place, base)),) = bases.items()
    if (base_lineage, base_place) == (lineage, place):
        raise GateError(
            f"head and base are both {head} of lineage {lineage}: there is nothing to compare"
        )
    notes = []
    if base_lineage == lineage and base_place > place:
        notes.append(f"{head} is older than {base} in lineage {lineage}")
    return Compared(lineage, base_lineage, base, tuple(notes))


def _places(
    marts: duckdb.DuckDBPyConnection, data_set: str, name: str, lineage: str | None
) -> dict[str, tuple[int, str]]:
    """Return the place of a revision in each lineage that has it, and its name."""
    rows = marts.execute(
        _PLACES, {"data_set": data_set, "name": name, "lineage": lineage}
    ).fetchall()
    return {of: (place, revision) for of, place, revision in rows}


def _before(marts: duckdb.DuckDBPyConnection, data_set: str, lineage: str, place: int) -> Compared:
    """Return the revision before a place; there may be none."""
    found = marts.execute(
        "select max_by(coalesce(revision, implementation_id), place) from lineage_revisions "
        "where data_set_id = ? and lineage = ? and place < ?",
        [data_set, lineage, place],
    ).fetchone()
    base = found and found[0]
    if base is None:
        note = (
            f"it is the first revision of lineage {lineage}: failing tests count as new-failing. "
            "--base names a revision of another lineage"
        )
        return Compared(lineage, None, None, (note,))
    return Compared(lineage, lineage, str(base), ())


def _check_revision(
    marts: duckdb.DuckDBPyConnection, data_set: str, name: str, lineage: str | None
) -> None:
    """Raise the error for a revision that is not in a lineage."""
    for column in ("revision", "implementation_id"):
        if lineage and has_name(marts, "lineage_revisions", column, name, [data_set]):
            raise GateError(f"revision {name} is not in lineage {lineage} of data set {data_set}")
        if has_name(marts, "implementations", column, name, [data_set]):
            raise GateError(
                f"revision {name} has no lineage, or no run that counts\n"
                "  say which lineage it is of when you load it: --lineage"
            )
    check_names(marts, "revision", [name], [data_set])


def set_aside_environments(
    marts: duckdb.DuckDBPyConnection, data_set: str, name: str
) -> list[tuple[str, int, str | None]]:
    """Return the environments in which runs of a revision, or implementation, are set aside.

    Returns:
        For each environment the number of these runs, and the reason.
    """
    return marts.execute(
        """
        select s.environment_id, count(distinct s.run_id), max(r.set_aside_reason)
        from response_signatures as s
        left join runs as r using (data_set_id, run_id, environment_id)
        left join implementations as i using (data_set_id, problem_id, implementation_id)
        where s.data_set_id = ? and s.is_set_aside and ? in (s.implementation_id, i.revision)
        group by 1
        order by 1
        """,
        [data_set, name],
    ).fetchall()
