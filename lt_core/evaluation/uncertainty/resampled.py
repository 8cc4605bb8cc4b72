"""Intervals and p-values from bootstrap draws."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.ratios import ratio

Numbers = NDArray[np.float64]
Interval = tuple[Numbers, Numbers]
ALPHA = 0.05


def percentile(draws: Numbers, alpha: float | Numbers = ALPHA) -> Interval:
    """Return the percentile interval of each column of ``draws`` (B, K), (K,) each end; Efron 1979.

    ``alpha`` is a number or (K,) array. Draws in which the value is not defined are left out; NaN where it is in none.
    """
    tails = np.broadcast_to(np.asarray(alpha, dtype=np.float64) / 2, draws.shape[1:])
    return _at(draws, np.stack([tails, 1 - tails]))


def expanded(n: Numbers, alpha: float = ALPHA) -> Numbers:
    """Return the alpha at which a percentile interval of ``n`` patients holds what ``alpha`` promises; NaN below two.

    Draws of n patients spread by sqrt((n - 1) / n) too little and know nothing of the tails of Student's t: the levels
    are those of a normal at t(n - 1) sqrt(n / (n - 1)). Hesterberg, "What teachers should know about the bootstrap",
    The American Statistician 2015, section 4.
    """
    from scipy.special import ndtr, stdtrit

    some = np.maximum(np.asarray(n, dtype=np.float64), 2.0)
    levels = 2 * ndtr(stdtrit(some - 1, alpha / 2) * np.sqrt(some / (some - 1)))
    return np.where(np.asarray(n) >= 2, levels, np.nan)


def bca(draws: Numbers, value: Numbers, influence: Numbers, alpha: float | Numbers = ALPHA) -> Interval:
    """Return the bias-corrected and accelerated interval of each column of ``draws`` (B, K), (K,) each end.

    ``value`` (K,) is of the whole sample. ``influence`` (P, K) is how the value answers to each patient: minus the
    leave-one-out values, or the infinitesimal jackknife; only its skewness counts. Efron, "Better bootstrap confidence
    intervals", JASA 1987. Where all draws lie on one side of the value the correction is infinite: the percentile
    interval is returned there.
    """
    from scipy.special import ndtr, ndtri

    defined = ~np.isnan(draws)
    n = defined.sum(axis=0)
    with np.errstate(invalid="ignore"):
        below = ((draws < value) & defined).sum(axis=0) + ((draws <= value) & defined).sum(axis=0)
    bias = ndtri(np.clip(ratio(below, 2 * n), 0, 1))
    centred = influence - influence.mean(axis=0)
    square = centred * centred  # powers by multiplying: the general power is twenty times as slow
    third = np.einsum("pk,pk->k", square, centred)
    acceleration = ratio(third, 6 * square.sum(axis=0) ** 1.5)
    acceleration = np.nan_to_num(acceleration)
    tail = np.broadcast_to(np.asarray(alpha, dtype=np.float64) / 2, value.shape)
    plain = np.stack([tail, 1 - tail])
    usable = np.isfinite(bias)
    shifted = np.where(usable, bias, 0.0) + ndtri(plain)
    levels = ndtr(np.where(usable, bias, 0.0) + ratio(shifted, 1 - acceleration * shifted))
    return _at(draws, np.where(usable, levels, plain))


def _at(draws: Numbers, levels: Numbers) -> Interval:
    """Return the quantiles ``levels`` (2, K) of the columns of ``draws``, between the draws where they fall between."""
    ordered = np.sort(draws, axis=0)  # NaN goes last
    n = (~np.isnan(draws)).sum(axis=0)
    place = np.nan_to_num(levels) * np.maximum(n - 1, 0)
    under = np.floor(place).astype(np.int64)
    over = np.minimum(under + 1, np.maximum(n - 1, 0))
    columns = np.arange(draws.shape[1])
    low, high = ordered[under, columns], ordered[over, columns]
    found = low + (high - low) * (place - under)
    found = np.where((n > 0) & ~np.isnan(levels), found, np.nan)
    return found[0], found[1]


def correlations(draws: Numbers) -> Numbers:
    """Return the correlations (K, K) of the columns of ``draws`` (B, K); 0 with a column that does not vary.

    A draw in which a column is not defined counts as that column's mean.
    """
    defined = ~np.isnan(draws)
    mean = ratio(np.where(defined, draws, 0.0).sum(axis=0), defined.sum(axis=0))
    centred = np.where(defined, draws - mean, 0.0)
    size = np.sqrt((centred**2).sum(axis=0))
    scaled = centred / np.where(size > 0, size, 1.0)
    found = scaled.T @ scaled
    np.fill_diagonal(found, 1.0)
    return np.asarray(found)


def two_sided(draws: Numbers) -> Numbers:
    """Return the two-sided p-value that each column of differences (B, K) is 0, (K,): twice the smaller share of draws
    on either side of 0, one half of those at 0 on each, counting the sample itself once ((k + 1) / (B + 1), Davison and
    Hinkley 1997, section 4.2); NaN where no draw is defined."""
    defined = ~np.isnan(draws)
    n = defined.sum(axis=0)
    with np.errstate(invalid="ignore"):
        at_most = (draws < 0).sum(axis=0) + (draws == 0).sum(axis=0) / 2
    smaller = np.minimum(at_most, n - at_most)
    return np.where(n > 0, np.minimum(2 * (smaller + 1) / (n + 1), 1.0), np.nan)
