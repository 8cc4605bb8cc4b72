"""The order of classes on a map of pairs: alike classes beside each other, or by count, name or group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lt_core.problems import Unknown
from lt_core.stats.groups import GROUPS
from lt_core.stats.label_stats import LabelStats
from lt_core.stats.pairs import counts_among

ORDERS = {
    "clustered": "Classes that occur together stand beside each other: average linkage over 1 - Jaccard, with the "
    "optimal leaf order (Bar-Joseph et al., Bioinformatics 2001).",
    "count": "The most frequent class first.",
    "name": "By the alphabet.",
    "group": "Head, medium, tail; within a group the most frequent first.",
    "file": "As in the file.",
}
"""The orders of ``class_order`` and what each means."""


def class_order(stats: LabelStats, classes: Sequence[int], *, by: str = "clustered") -> list[int]:
    """Return ``classes`` (class numbers) in one of ``ORDERS``; the same classes always give the same order.

    A clustered order could run either way: it starts at the end whose class has the larger count.
    Raises ``Unknown`` for another order.
    """
    chosen = sorted(classes)
    count = {c: int(stats.positives[c]) for c in chosen}
    match by:
        case "clustered":
            return _clustered(stats, sorted(chosen, key=lambda c: (-count[c], c)))
        case "count":
            return sorted(chosen, key=lambda c: (-count[c], c))
        case "name":
            return sorted(chosen, key=lambda c: (stats.class_names[c].casefold(), c))
        case "group":
            return sorted(chosen, key=lambda c: (GROUPS.index(stats.group[c]), -count[c], c))
        case "file":
            return chosen
    raise Unknown.of("order", by, list(ORDERS))


def _clustered(stats: LabelStats, classes: list[int]) -> list[int]:
    if len(classes) < 3:
        return classes
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    both = counts_among(stats, classes).astype(np.float64)
    n = np.diagonal(both)
    either = n[:, None] + n[None, :] - both
    distance = 1 - np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    np.fill_diagonal(distance, 0.0)
    leaves = leaves_list(linkage(squareform(distance, checks=False), "average", optimal_ordering=True)).tolist()
    order = [classes[leaf] for leaf in leaves]
    first, last = order[0], order[-1]
    return order if stats.positives[first] >= stats.positives[last] else order[::-1]
