"""The simplest way that serves rare classes: units in the bucket of their rarest class, buckets dealt in proportion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def deal_rarest_first(
    positives: csr_array,
    groups: NDArray[np.str_] | None,
    shares: NDArray[np.float64],
    order: list[int],
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """Return the part of each row of ``positives`` (n, C); ``groups`` (n,) are never divided.

    Each unit is put in the bucket of the rarest class it shows, and each bucket is shuffled and dealt out in
    proportion, the rarest first, at least one unit to every part while there are enough; then to those first in
    ``order``. Runs made before iterative stratification have their parts from here: it must go on giving the same.
    """
    n = int(positives.shape[0])
    unit_of_row, n_units = np.arange(n), n
    if groups is not None:
        names, unit_of_row = np.unique(groups, return_inverse=True)
        n_units = len(names)
    buckets = _buckets(positives, unit_of_row, n_units)
    part_of_unit = np.zeros(n_units, np.intp)
    owed = np.zeros(len(shares))
    for bucket in np.unique(buckets).tolist():
        units = np.flatnonzero(buckets == bucket)
        quota = _quota(len(units), shares, owed, order)
        owed += len(units) * shares - quota
        part_of_unit[rng.permutation(units)] = np.repeat(np.arange(len(shares)), quota)
    return part_of_unit[unit_of_row]


def deal_at_random(n_units: int, shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the part of each unit, (n_units,): in proportion of the units, whatever they show."""
    exact = n_units * shares
    quota = np.floor(exact + 1e-9).astype(np.intp)
    quota[np.argsort(quota - exact, kind="stable")[: n_units - int(quota.sum())]] += 1
    part = np.empty(n_units, np.intp)
    part[rng.permutation(n_units)] = np.repeat(np.arange(len(shares)), quota)
    return part


def _buckets(positives: csr_array, unit_of_row: NDArray[np.intp], n_units: int) -> NDArray[np.intp]:
    """Return for each unit the rank, from the rarest, of the rarest class it shows; C for a unit that shows none."""
    n_classes = int(positives.shape[1])
    counts = np.bincount(positives.indices, minlength=n_classes)
    rank_of_class = np.empty(n_classes, np.intp)
    rank_of_class[np.lexsort((np.arange(n_classes), counts))] = np.arange(n_classes)
    ranks = np.full(n_units, n_classes, np.intp)
    unit_of_entry = np.repeat(unit_of_row, np.diff(positives.indptr))
    np.minimum.at(ranks, unit_of_entry, rank_of_class[positives.indices])
    return ranks


def _quota(n: int, shares: NDArray[np.float64], owed: NDArray[np.float64], order: list[int]) -> NDArray[np.intp]:
    """Return how many of ``n`` units go to each part: one each while they last, the rest by share and past rounding."""
    quota = np.zeros(len(shares), np.intp)
    quota[order[:n]] = 1
    rest = n - int(quota.sum())
    if not rest:
        return quota
    wish = np.where(shares > 0, np.maximum(n * shares + owed - quota, 0), 0)
    exact = rest * (wish / wish.sum() if wish.sum() > 0 else shares)
    quota += exact.astype(np.intp)
    left = n - int(quota.sum())
    quota[np.argsort(-(exact % 1), kind="stable")[:left]] += 1
    return quota
