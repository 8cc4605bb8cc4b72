"""Means over seeds with their interval, and paired differences: what few runs can tell and what not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lt_core.problems import Invalid

LEVEL = 0.95
ROUNDING = 1e-12
"""Values that differ by less than this share of the largest do not scatter: that is the rounding of float64."""
EXACT_UP_TO = 20
"""Pairs up to which every sign pattern is tried; there are 2^n of them."""
BETTER, WORSE, UNDECIDED = "better", "worse", "cannot tell"


@dataclass(frozen=True)
class Mean:
    """A mean over ``n`` values with the ends of its 95 % interval; NaN where they cannot be had."""

    n: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference(Mean):
    """The mean of paired differences, with the p-values of two tests that it is 0."""

    p_t: float
    p_exact: float


def mean_of(values: Sequence[float] | NDArray[np.float64]) -> Mean:
    """Return the mean of ``values`` with Student's interval for it; values that are NaN are left out.

    The interval presumes that seeds scatter about normally. It says how far the mean over seeds is known, on the one
    test part there is: another test part would scatter as well. Where all values are the same (few positives make
    coarse steps) nothing tells how far they scatter: there is no interval.
    """
    known = _defined(values)
    n = len(known)
    if not n:
        return Mean(0, math.nan, math.nan, math.nan)
    mean = float(known.mean())
    if n == 1 or not _scatters(known):
        return Mean(n, mean, math.nan, math.nan)
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * float(known.std(ddof=1)) / math.sqrt(n)
    return Mean(n, mean, mean - half, mean + half)


def difference_of(values: Sequence[float], reference: Sequence[float]) -> Difference:
    """Return the mean of ``values - reference``, pair by pair; pairs with a NaN are left out.

    ``p_t`` is of the paired t-test, two-sided, and NaN for fewer than two pairs. That test divides by the scatter:
    where all differences are the same it is ``p_exact``, without an interval, or [0, 0] where all are 0.
    ``p_exact`` is of the sign-flip test (Fisher, 1935): the share of all 2^n sign patterns whose mean is as far from 0.
    It presumes nothing but symmetry, and cannot be below 2 / 2^n: 0.0625 for five seeds, 0.25 for three.
    """
    a, b = np.asarray(values, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise Invalid(f"paired values must be as many as those they are paired with, got {a.shape} and {b.shape}")
    gaps = _defined(a - b)
    mean = mean_of(gaps)
    if mean.n < 2:
        return Difference(mean.n, mean.mean, mean.low, mean.high, math.nan, math.nan)
    exact = sign_flip(gaps)
    if not np.any(gaps):
        return Difference(mean.n, 0.0, 0.0, 0.0, exact, exact)
    return Difference(mean.n, mean.mean, mean.low, mean.high, _p_of_t(gaps) if _scatters(gaps) else exact, exact)


def _scatters(values: NDArray[np.float64]) -> bool:
    return bool(np.ptp(values) > ROUNDING * np.abs(values).max())


def _p_of_t(gaps: NDArray[np.float64]) -> float:
    from scipy.special import stdtr

    error = float(gaps.std(ddof=1)) / math.sqrt(len(gaps))
    return float(2 * stdtr(len(gaps) - 1, -abs(float(gaps.mean())) / error))


def sign_flip(gaps: NDArray[np.float64]) -> float:
    """Return the two-sided p of the exact sign-flip test of ``gaps`` (n,), n up to 20."""
    n = len(gaps)
    if n > EXACT_UP_TO:
        raise Invalid(f"the exact test takes at most {EXACT_UP_TO} pairs, got {n}")
    sums = np.zeros(1)
    for gap in np.abs(gaps):
        sums = np.concatenate([sums + gap, sums - gap])
    scale = float(np.abs(gaps).sum()) or 1.0
    # sums of the same numbers in another order differ in the last digits: those are ties
    return float(np.mean(np.abs(sums) >= abs(float(gaps.sum())) - 1e-12 * scale))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values (1979), in the order given: the chance of any false alarm is kept below each.

    NaN stays NaN and counts as no test.
    """
    order = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    adjusted, largest = [math.nan] * len(p_values), 0.0
    for rank, (p, i) in enumerate(order):
        largest = max(largest, min(1.0, p * (len(order) - rank)))
        adjusted[i] = largest
    return adjusted


def verdict(difference: float, p_adjusted: float) -> str:
    """Return better, worse or cannot tell: a difference counts where its adjusted p is below 0.05."""
    if math.isnan(p_adjusted) or p_adjusted >= 1 - LEVEL - 1e-12 or difference == 0:
        return UNDECIDED
    return BETTER if difference > 0 else WORSE


def _defined(values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.asarray(values, dtype=np.float64)
    return found[~np.isnan(found)]
