"""Which clusters are close to each other: a tree of them, and its picture."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from obslake.report.drawing import Tree, dendrogram, shorten

# Clusters of one tree: the largest.
MOST_LEAVES = 40

Shares = Sequence[Sequence[float | None]]
"""How often each two clusters answer alike, from 0 to 1; None: they have no stimulus in common."""

_CLUSTERS = f"""
create or replace temp table report_leaves as
select p.p, c.data_set_id, c.problem_id, c.cluster_rank, c.n_implementations, c.exemplar_implementation_id
from behavior_clusters as c
inner join report_problems as p on c.data_set_id = p.data_set_id and c.problem_id = p.problem_id
where c.cluster_rank <= {MOST_LEAVES}
"""
_AGREEMENTS = """
select a.p, a.cluster_rank, b.cluster_rank, s.agreement
from implementation_agreements as s
inner join report_leaves as a
    on
        s.data_set_id = a.data_set_id
        and s.problem_id = a.problem_id
        and s.implementation_a = a.exemplar_implementation_id
inner join report_leaves as b on a.p = b.p and s.implementation_b = b.exemplar_implementation_id
"""


@dataclass(frozen=True)
class Clusters:
    """The largest clusters of a problem, by rank.

    Attributes:
        names: their exemplars.
        sizes: numbers of their implementations.
        shares: how often they answer alike.
    """

    names: list[str]
    sizes: list[int]
    shares: Shares

    @property
    def labels(self) -> list[str]:
        """Rank, exemplar and size, as they stand beside a tree."""
        named = zip(self.names, self.sizes, strict=True)
        return [
            f"{rank} · {shorten(name, 26)}{f', {size} alike' if size > 1 else ''}"
            for rank, (name, size) in enumerate(named, 1)
        ]


def read_clusters(marts: duckdb.DuckDBPyConnection) -> dict[int, Clusters]:
    """Return the clusters of the problems in table ``report_problems``, by their number ``p``."""
    marts.execute(_CLUSTERS)
    found: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for p, name, size in marts.execute(
        "select p, exemplar_implementation_id, n_implementations from report_leaves order by p, cluster_rank"
    ).fetchall():
        found[p].append((name, size))
    shares: dict[int, list[list[float | None]]] = {
        p: [[1.0 if a == b else None for b in range(len(rows))] for a in range(len(rows))]
        for p, rows in found.items()
    }
    for p, one, two, share in marts.execute(_AGREEMENTS).fetchall():
        shares[p][one - 1][two - 1] = shares[p][two - 1][one - 1] = share
    return {
        p: Clusters([name for name, _ in rows], [size for _, size in rows], shares[p])
        for p, rows in found.items()
    }


def tree_data(clusters: Clusters) -> dict[str, Any] | None:
    """Return a tree of clusters for a page: its picture, and their ranks in its order; None: there is one only."""
    if len(clusters.names) < 2:
        return None
    tree, leaves = closest_first(clusters.shares)
    return {
        "svg": dendrogram("Clusters by agreement", tree, clusters.labels),
        "order": [leaf + 1 for leaf in leaves],
    }


def closest_first(shares: Shares) -> tuple[Tree | int, list[int]]:
    """Join the two closest clusters, then what is closest after that, until one tree is left.

    The distance of two branches is the mean distance of their clusters.

    Returns:
        A tree with numbers of clusters as leaves, and the leaves in its order.
    """
    nodes: dict[int, tuple[Tree | int, list[int]]] = {n: (n, [n]) for n in range(len(shares))}
    distances = {
        (one, two): 1 - (shares[one][two] or 0) for one in nodes for two in nodes if one < two
    }
    while len(nodes) > 1:
        (one, two), distance = min(distances.items(), key=lambda item: (item[1], item[0]))
        (tree_a, leaves_a), (tree_b, leaves_b) = nodes.pop(one), nodes.pop(two)
        del distances[one, two]
        for other in nodes:
            to_one = distances.pop((min(one, other), max(one, other)))
            to_two = distances.pop((min(two, other), max(two, other)))
            mean = (len(leaves_a) * to_one + len(leaves_b) * to_two) / len(leaves_a + leaves_b)
            distances[min(one, other), max(one, other)] = mean
        nodes[one] = ((distance, tree_a, tree_b), leaves_a + leaves_b)
    ((tree, leaves),) = nodes.values()
    return tree, leaves
