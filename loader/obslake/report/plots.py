"""Plots of the marts, by name."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import duckdb

from obslake.errors import ReportError
from obslake.report import drawing
from obslake.report.drawing import PALETTE, Tree

_CONSENSUS = {
    "unanimous": "#2e8b57",
    "majority": "#7cb98f",
    "plurality": "#d9a441",
    "tie": "#7a5cc0",
    "no_votes": "#8b95a3",
}
_CHANGES = {
    "regressed": "#b4433a",
    "changed": "#d9a441",
    "changed, both wrong": "#8a6d3b",
    "gone": "#8b95a3",
    "fixed": "#2e8b57",
    "new": "#2f6fbf",
}
_DRIFT = """
with

revisions as (
    select v.implementation_id, any_value(v.revision) as revision, max(v.revised_at) as revised_at
    from lineage as v
    inner join report_chosen as p on v.data_set_id = p.data_set_id and v.problem_id = p.problem_id
    where v.data_set_id = $1 and v.lineage = $2 and v.environment_id = $3
    group by v.implementation_id
),

changes as (
    select c.implementation_id, c.change, count(*) as n
    from behavior_changes as c
    inner join report_chosen as p on c.data_set_id = p.data_set_id and c.problem_id = p.problem_id
    where c.data_set_id = $1 and c.lineage = $2 and c.environment_id = $3
    group by c.implementation_id, c.change
)

select r.implementation_id, coalesce(r.revision, r.implementation_id), c.change, coalesce(c.n, 0)
from revisions as r
left join changes as c on r.implementation_id = c.implementation_id
order by r.revised_at, r.implementation_id
"""
_MOST_ROWS = 40
_MOST_SERIES = 8
_MOST_DRAWN = 10


@dataclass(frozen=True)
class Choice:
    """What a plot is about; None: what fits it best."""

    problem: str | None = None
    lineage: str | None = None
    environment: str | None = None


Plot = Callable[[duckdb.DuckDBPyConnection, Choice], str | None]


def entropy(marts: duckdb.DuckDBPyConnection, _choice: Choice) -> str | None:
    """How divided the problems are: the entropy of the sizes of their clusters."""
    rows = marts.execute(
        "select problem_id, entropy from report_overview where entropy is not null "
        "order by entropy desc, data_set_id, problem_id"
    ).fetchall()
    values = [(name, (value,)) for name, value in rows]
    return drawing.columns(
        "Entropy of the clusters, by problem", values, {"entropy": PALETTE[0]}, "bits"
    )


def votes(marts: duckdb.DuckDBPyConnection, _choice: Choice) -> str | None:
    """How clear the votes are, in the problems with most ties."""
    rows = marts.execute(
        "select o.data_set_id, o.problem_id, o.consensus, count(*) from consensus_oracles as o "
        "inner join report_chosen as p on o.data_set_id = p.data_set_id and o.problem_id = p.problem_id "
        "group by all"
    ).fetchall()
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for data_set, problem, consensus, number in rows:
        counts[data_set, problem][consensus] = number
    worst = sorted(counts, key=lambda key: (-_undecided(counts[key]), key))[:_MOST_ROWS]
    names = {key: key[1] if len({k[0] for k in counts}) == 1 else " · ".join(key) for key in worst}
    bars = {names[key]: [counts[key].get(name, 0) for name in _CONSENSUS] for key in worst}
    classes = {name.replace("_", " "): colour for name, colour in _CONSENSUS.items()}
    cut = (
        f", the {len(bars)} least decided of {len(counts)} problems"
        if len(bars) < len(counts)
        else ""
    )
    return drawing.stacked_bars(f"Votes by stimulus{cut}", bars, classes)


def _undecided(counts: Mapping[str, int]) -> float:
    return (counts.get("tie", 0) + counts.get("no_votes", 0)) / sum(counts.values())


def pass_at_k(marts: duckdb.DuckDBPyConnection, _choice: Choice) -> str | None:
    """Probability that one of k implementations of an origin passes, by the specified oracle."""
    rows = marts.execute(
        "select d.origin, a.data_set_id, a.problem_id, count(*), count(*) filter (a.passes_specified) "
        "from implementation_assessments as a "
        "inner join report_chosen as p on a.data_set_id = p.data_set_id and a.problem_id = p.problem_id "
        "inner join implementations as d on a.data_set_id = d.data_set_id and a.problem_id = d.problem_id "
        "and a.implementation_id = d.implementation_id "
        "where d.origin is not null and a.passes_specified is not null group by all"
    ).fetchall()
    drawn: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for origin, _, _, number, passing in rows:
        drawn[origin].append((number, passing))
    largest = sorted(drawn, key=lambda name: (-sum(n for n, _ in drawn[name]), name))[:_MOST_SERIES]
    series = {origin: _curve(drawn[origin]) for origin in sorted(largest)}
    if not series:
        return None
    last = max(int(each[-1][0]) for each in series.values())
    cut = f", {len(largest)} of {len(drawn)} origins" if len(largest) < len(drawn) else ""
    return drawing.lines(
        f"pass@k by origin{cut}", series, ("k = 1", f"k = {last}" if last > 1 else ""), "share", 1
    )


def _curve(counts: Sequence[tuple[int, int]]) -> list[tuple[float, float]]:
    """Return pass@k for each k up to the number of implementations that all problems have."""
    least = min(n for n, _ in counts)
    return [
        (k, sum(1 - comb(n - c, k) / comb(n, k) for n, c in counts) / len(counts))
        for k in range(1, min(least, _MOST_DRAWN) + 1)
    ]


def growth(marts: duckdb.DuckDBPyConnection, _choice: Choice) -> str | None:
    """How many actuations there are, by the time at which they were observed."""
    rows = marts.execute(
        "select epoch(date_trunc('hour', c.observed_at)) as moment, count(*) from stimulus_response_cube as c "
        "inner join report_chosen as p on c.data_set_id = p.data_set_id and c.problem_id = p.problem_id "
        "where c.observed_at is not null group by moment order by moment"
    ).fetchall()
    if not rows:
        return None
    total, points = 0, [(rows[0][0], 0.0)]
    for at, number in rows:
        points.append((at, float(total)))
        total += number
        points.append((at, float(total)))
    ends = marts.execute(
        "select strftime(make_timestamp(cast(? as bigint) * 1000000), '%Y-%m-%d'), "
        "strftime(make_timestamp(cast(? as bigint) * 1000000), '%Y-%m-%d')",
        [rows[0][0], rows[-1][0]],
    ).fetchall()[0]
    return drawing.lines("Actuations observed so far", {"actuations": points}, ends, "actuations")


def drift(marts: duckdb.DuckDBPyConnection, choice: Choice) -> str | None:
    """How many responses each revision of a lineage changed, in one environment."""
    found = marts.execute(
        "select data_set_id, lineage, environment_id from report_lineages "
        "where lineage = coalesce(?, lineage) and environment_id = coalesce(?, environment_id) "
        "order by n_revisions desc, lineage, environment_id limit 1",
        [choice.lineage, choice.environment],
    ).fetchone()
    if found is None:
        return None
    rows = marts.execute(_DRIFT, list(found)).fetchall()
    return draw_drift(f"Changes by revision of {found[1]} in {found[2]}", rows)


def draw_drift(title: str, rows: Iterable[tuple[str, str, str | None, int]]) -> str:
    """Draw changes by revision from rows of revision, its name, class of change and number."""
    names: dict[str, str] = {}
    counts: dict[str, dict[str | None, int]] = defaultdict(dict)
    for revision, name, change, number in rows:
        names[revision] = name
        counts[revision][change] = number
    bars = [(names[each], [counts[each].get(c, 0) for c in _CHANGES]) for each in counts]
    return drawing.columns(title, bars, _CHANGES, "changes")


def agreement(marts: duckdb.DuckDBPyConnection, choice: Choice) -> str | None:
    """How often the clusters of a problem answer alike."""
    problem, names, shares = _agreements(marts, choice)
    return drawing.heat_map(f"Agreement of clusters in {problem}", names, shares)


def dendrogram(marts: duckdb.DuckDBPyConnection, choice: Choice) -> str | None:
    """Which clusters of a problem are close to each other, by their mean agreement."""
    problem, names, shares = _agreements(marts, choice)
    nodes: list[tuple[Tree | str, list[int]]] = [(name, [n]) for n, name in enumerate(names)]
    while len(nodes) > 1:
        distance, one, two = min(
            (_distance(shares, nodes[i][1], nodes[j][1]), i, j)
            for i in range(len(nodes))
            for j in range(i + 1, len(nodes))
        )
        merged: Tree = (distance, nodes[one][0], nodes[two][0])
        members = [*nodes[one][1], *nodes[two][1]]
        nodes = [node for n, node in enumerate(nodes) if n not in (one, two)] + [(merged, members)]
    return drawing.dendrogram(f"Clusters of {problem} by agreement", nodes[0][0], names)


def _distance(shares: Sequence[Sequence[float | None]], one: list[int], two: list[int]) -> float:
    """Return the mean distance of two sets of clusters."""
    return sum(1 - (shares[i][j] or 0) for i in one for j in two) / (len(one) * len(two))


def _agreements(
    marts: duckdb.DuckDBPyConnection, choice: Choice
) -> tuple[str, list[str], list[list[float | None]]]:
    """Return a problem, the exemplars of its largest clusters, and their agreements."""
    found = marts.execute(
        "select data_set_id, problem_id from report_overview where problem_id = coalesce(?, problem_id) "
        "order by n_to_look_at desc, entropy desc nulls last, data_set_id, problem_id limit 1",
        [choice.problem],
    ).fetchone()
    if found is None:
        raise ReportError(f"there is no problem {choice.problem}")
    names = [
        name
        for (name,) in marts.execute(
            "select exemplar_implementation_id from behavior_clusters where data_set_id = ? and problem_id = ? "
            f"order by cluster_rank limit {_MOST_ROWS}",
            found,
        ).fetchall()
    ]
    rows = marts.execute(
        "select implementation_a, implementation_b, agreement from implementation_agreements "
        "where data_set_id = ? and problem_id = ?",
        found,
    ).fetchall()
    known = {frozenset((one, two)): share for one, two, share in rows}
    shares = [[1.0 if a == b else known.get(frozenset((a, b))) for b in names] for a in names]
    return found[1], names, shares


PLOTS: dict[str, Plot] = {
    "agreement": agreement,
    "dendrogram": dendrogram,
    "drift": drift,
    "entropy": entropy,
    "growth": growth,
    "pass-at-k": pass_at_k,
    "votes": votes,
}

_ON_OVERVIEW = ("entropy", "votes", "pass-at-k", "growth")


def overview_plots(marts: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return the plots of the overview: what each shows, and its SVG."""
    drawn = ((name, PLOTS[name](marts, Choice())) for name in _ON_OVERVIEW)
    return [
        {"name": name, "about": (PLOTS[name].__doc__ or "").strip(), "svg": text}
        for name, text in drawn
        if text
    ]


def write_plot(marts: duckdb.DuckDBPyConnection, name: str, choice: Choice) -> str:
    """Return a plot as SVG.

    Raises:
        ReportError: the marts have nothing to plot.
    """
    text = PLOTS[name](marts, choice)
    if text is None:
        raise ReportError(
            f"there is nothing to plot for {name}: no mart has rows of what was chosen"
        )
    return text
