"""Two shares and how far they are apart, where patients may have several images and images count unequally."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.ratios import ratio
from lt_core.stats.intervals import Z95, wilson
from lt_core.stats.pair_intervals import independence_p

Numbers = NDArray[np.float64]
Ends = tuple[Numbers, Numbers]


@dataclass(frozen=True, eq=False)
class Share:
    """Shares ``value`` (K,) in [0, 1] (NaN = not defined), each worth ``trials`` (K,) independent images."""

    value: Numbers
    trials: Numbers

    @classmethod
    def of(cls, successes: Numbers, trials: Numbers, effect: Numbers) -> Share:
        """Return the shares of ``successes`` among ``trials``, counts (K,), with the design effect (K,) of patients."""
        return cls(ratio(successes, trials), trials / effect)

    @property
    def ends(self) -> tuple[Numbers, Numbers]:
        """Wilson's 95 % interval, (K,) each end."""
        return wilson(np.nan_to_num(self.value) * self.trials, self.trials)


def newcombe(a: Share, b: Share) -> tuple[Numbers, Numbers, Numbers]:
    """Return a - b and the ends of its 95 % interval, (K,) each; NaN where one of the shares is not defined.

    Square-and-add of Wilson's intervals: method 10 of Newcombe, "Interval estimation for the difference between
    independent proportions", Statistics in Medicine 1998.
    """
    return apart(a.value, a.ends, b.value, b.ends)


def apart(
    a: Numbers, a_ends: Ends, b: Numbers, b_ends: Ends, together: Numbers | float = 0.0
) -> tuple[Numbers, Numbers, Numbers]:
    """Return a - b and the ends of its 95 % interval from the intervals of a and b, (K,) each.

    MOVER: each arm of an interval is a standard error in that direction, and they add up squared (Zou and Donner,
    Statistics in Medicine 2008), less twice their product times ``together``, the correlation of the estimates. So
    the difference keeps the skewness of both.
    """
    gap = a - b
    down, up = (
        np.sqrt(np.maximum(x * x + y * y - 2 * together * x * y, 0.0))
        for x, y in ((a - a_ends[0], b_ends[1] - b), (a_ends[1] - a, b - b_ends[0]))
    )
    return gap, gap - down, gap + up


def reaching_zero(gap: Numbers, low: Numbers, high: Numbers) -> Numbers:
    """Return the two-sided p-value (K,) at which a 95 % interval about ``gap`` would end at 0, arms growing with z."""
    from scipy.special import ndtr

    arm = np.where(gap > 0, gap - low, high - gap)
    z = Z95 * np.abs(ratio(gap, arm))
    p = np.asarray(2 * ndtr(-z), dtype=np.float64)
    p[gap == 0] = 1.0
    p[(arm == 0) & (gap != 0)] = 0.0
    return p


def equal_p(a: Share, b: Share) -> Numbers:
    """Return the two-sided p-value that the shares are equal, (K,): Fisher's exact test (twice the smaller tail).

    Where images are worth less than one each, their effective numbers are rounded to whole images for the test.
    """
    n_a, n_b = np.round(a.trials), np.round(b.trials)
    k_a, k_b = np.round(np.nan_to_num(a.value) * n_a), np.round(np.nan_to_num(b.value) * n_b)
    p = independence_p(k_a, n_a, k_a + k_b, n_a + n_b)
    lost = np.isnan(a.value) | np.isnan(b.value) | (n_a == 0) | (n_b == 0)
    # none called, or all called, on both sides: the table has an empty margin and the shares cannot be told apart
    flat = (k_a + k_b == 0) | (k_a + k_b == n_a + n_b)
    return np.where(lost, np.nan, np.where(flat, 1.0, p))
