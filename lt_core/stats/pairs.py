"""Which classes occur together: every pair with its shares, lift, expectation and test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.problems import Invalid
from lt_core.stats.intervals import wilson
from lt_core.stats.label_stats import LabelStats
from lt_core.stats.pair_intervals import false_discovery_rate, independence_p, lift_interval
from lt_core.stats.pairs_known import KnownTogether, margins

TERMS = {
    "n": "Images with both classes.",
    "n_a": "Images with class a, among those of which both labels are known.",
    "n_b": "Images with class b, among those of which both labels are known.",
    "n_known": "Images of which both labels are known. A label nobody wrote down is neither a yes nor a no.",
    "p_b_given_a": "P(b | a) = n / n_a: of the images with a, the share that has b too. Wilson's 95 % interval.",
    "p_a_given_b": "P(a | b) = n / n_b: of the images with b, the share that has a too. Wilson's 95 % interval.",
    "jaccard": "n / (n_a + n_b - n): of the images with a or b, the share with both. 1: always together.",
    "expected": "n_a n_b / N: images with both if the classes had nothing to do with each other.",
    "lift": "n N / (n_a n_b): how many times as often together as by chance. 1: as by chance. "
    "95 % score interval; it holds 1 where Pearson's chi-squared test does not reject, another test than "
    "that of p: near the border the two can differ.",
    "log_odds": "Natural log of the odds ratio, half an image added to each of the four cells (Haldane, Anscombe).",
    "phi": "Correlation of the two labels, from -1 (never together) over 0 (independent) to 1 (always together).",
    "p": "Exact p-value of independence: given n_a and n_b, n is hypergeometric (Fisher). Twice the smaller tail. "
    "It asks for more than the interval of the lift where counts are small: p may be above 0.05 and the interval not "
    "hold 1.",
    "q": "p adjusted for having tested every pair (Benjamini and Hochberg): among pairs with q below 0.05, at most "
    "5 % are expected to be chance.",
}
"""What each column of ``pair_table`` means, in one or two sentences."""

MOST_FREQUENT = 1000
"""Classes among which pairs never seen are looked for: those with the largest expected number are there."""


def seen_pairs(stats: LabelStats) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Return (a, b, n), each (P,): class numbers a < b and images with both, n > 0; empty where not known."""
    counted = getattr(stats, "pair_counts", None)
    if counted is not None:
        return counted.a, counted.b, counted.n
    if stats.cooccurrence is None:
        return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int64)
    a, b = np.nonzero(np.triu(stats.cooccurrence, k=1))
    return a.astype(np.int32), b.astype(np.int32), stats.cooccurrence[a, b]


def counts_among(stats: LabelStats, classes: Sequence[int]) -> NDArray[np.int64]:
    """Return the images with both of each two of ``classes``, (k, k), with their positives on the diagonal."""
    chosen = np.asarray(classes, np.intp)
    place = np.full(len(stats.class_names), -1, np.intp)
    place[chosen] = np.arange(len(chosen))
    a, b, n = seen_pairs(stats)
    row, column = place[a], place[b]
    inside = (row >= 0) & (column >= 0)
    counts = np.zeros((len(chosen),) * 2, np.int64)
    counts[row[inside], column[inside]] = n[inside]
    counts += counts.T
    np.fill_diagonal(counts, stats.positives[chosen])
    return counts


def pair_table(
    stats: LabelStats,
    *,
    known: KnownTogether | None = None,
    classes: Sequence[int] | None = None,
    most: int | None = None,
    rarest: bool = False,
) -> pd.DataFrame:
    """Return one row for each unordered pair of classes seen together, most frequent first.

    Columns: ``a, b`` (names; a comes first in class order) and those of ``TERMS``, with ``_low`` and ``_high`` beside
    what has a 95 % interval. ``classes`` keeps pairs among these class numbers, ``most`` the most frequent pairs (with
    ``rarest`` those with the fewest images; of equally rare ones those whose classes are the most frequent). q is over
    all pairs of ``classes`` (of all classes for None) that have a positive each, listed or not. ``known`` is needed
    where single labels are unknown, and raises ``Invalid`` if it is not given there.
    """
    a, b, n = seen_pairs(stats)
    if classes is not None:
        member = np.zeros(len(stats.class_names), np.bool_)
        member[np.asarray(classes, np.intp)] = True
        inside = member[a] & member[b]
        a, b, n = a[inside], b[inside], n[inside]
    if most is not None and 0 < most < len(n):
        rank = -n.astype(np.float64)
        if rarest:
            chance = stats.positives[a].astype(np.float64) * stats.positives[b]
            rank = n - chance / (2 * chance.max())
        kept = np.flatnonzero(rank <= np.partition(rank, most - 1)[most - 1])
        kept = kept[np.lexsort((b[kept], a[kept], rank[kept]))[:most]]
        a, b, n = a[kept], b[kept], n[kept]
    order = np.lexsort((b, a, -n))
    return _measures(stats, a[order], b[order], n[order], known, n_possible(stats, classes))


def never_together(
    stats: LabelStats,
    *,
    known: KnownTogether | None = None,
    classes: Sequence[int] | None = None,
    most: int | None = None,
) -> pd.DataFrame:
    """Return the pairs of classes never seen together, largest expected number first; columns as ``pair_table``.

    Both classes have positives. Of more than ``MOST_FREQUENT`` classes, the most frequent ones are looked at.
    """
    seen = stats.positives > 0
    chosen = np.flatnonzero(seen) if classes is None else np.asarray([c for c in classes if seen[c]], np.intp)
    if len(chosen) > MOST_FREQUENT:
        chosen = chosen[np.argsort(-stats.positives[chosen], kind="stable")[:MOST_FREQUENT]]
    chosen = np.sort(chosen)
    if (stats.cooccurrence is None and getattr(stats, "pair_counts", None) is None) or not len(chosen):
        chosen = np.zeros(0, np.intp)
    row, column = np.nonzero(np.triu(counts_among(stats, chosen.tolist()) == 0, k=1))
    a, b = chosen[row], chosen[column]
    n_a, n_b, n = margins(stats, a, b, known)
    expected = np.divide(n_a.astype(np.float64) * n_b, n, out=np.zeros(len(a)), where=n > 0)
    order = np.lexsort((b, a, -expected))[:most]
    a, b = a[order], b[order]
    return _measures(stats, a, b, np.zeros(len(a), np.int64), known, n_possible(stats, classes))


def n_possible(stats: LabelStats, classes: Sequence[int] | None = None) -> int:
    """Return the number of unordered pairs of classes that both have a positive."""
    positives = stats.positives if classes is None else stats.positives[np.asarray(classes, np.intp)]
    c = int((positives > 0).sum())
    return c * (c - 1) // 2


def one_pair(stats: LabelStats, a: int, b: int, *, known: KnownTogether | None = None) -> dict[str, Any]:
    """Return the row of ``pair_table`` of two classes, seen together or not; ``a`` stays first.

    q equals p: one pair asked for is one test. Raises ``Invalid`` for a class with itself.
    """
    if a == b:
        raise Invalid("a pair needs two different classes")
    n = counts_among(stats, [a, b])[0, 1:]
    row = _measures(stats, np.array([a]), np.array([b]), n, known, 1).iloc[0]
    return {str(key): value for key, value in row.items()}


def _measures(
    stats: LabelStats,
    a: NDArray[np.integer],
    b: NDArray[np.integer],
    both: NDArray[np.int64],
    known: KnownTogether | None,
    n_tests: int,
) -> pd.DataFrame:
    n_a, n_b, n = margins(stats, a, b, known)
    k, x, y, total = (v.astype(np.float64) for v in (both, n_a, n_b, n))
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = x * y / total
        phi = (k * total - x * y) / np.sqrt(x * y * (total - x) * (total - y))
        odds = np.log((k + 0.5) * (total - x - y + k + 0.5) / ((x - k + 0.5) * (y - k + 0.5)))
        columns = {
            "n": both, "n_a": n_a, "n_b": n_b, "n_known": n,
            "p_b_given_a": k / x, **_ends("p_b_given_a", wilson(k, x)),
            "p_a_given_b": k / y, **_ends("p_a_given_b", wilson(k, y)),
            "jaccard": k / (x + y - k), "expected": expected,
            "lift": k / expected, **_ends("lift", lift_interval(both, n_a, n_b, n)),
            "log_odds": odds, "phi": phi,
        }  # fmt: skip
    p = independence_p(both, n_a, n_b, n)
    names = np.array(stats.class_names, dtype=object)
    return pd.DataFrame(
        {"a": names[a], "b": names[b], **columns, "p": p, "q": false_discovery_rate(p, n_tests=n_tests)}
    )


def _ends(name: str, interval: tuple[NDArray[np.float64], NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    return {f"{name}_low": interval[0], f"{name}_high": interval[1]}
