"""Two shares and how far they are apart, where patients may have several images and images count unequally."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.ratios import ratio
from lt_core.stats.intervals import wilson
from lt_core.stats.pair_intervals import independence_p

Numbers = NDArray[np.float64]


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
    gap = a.value - b.value
    (a_low, a_high), (b_low, b_high) = a.ends, b.ends
    down = np.sqrt((a.value - a_low) ** 2 + (b_high - b.value) ** 2)
    up = np.sqrt((a_high - a.value) ** 2 + (b.value - b_low) ** 2)
    return gap, gap - down, gap + up


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
