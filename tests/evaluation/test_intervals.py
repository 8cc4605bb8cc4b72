"""Intervals against SciPy's Wilson, against coverage on simulated classes, and at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from lt_core.evaluation import f1_interval, wilson


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 7), (3, 7), (7, 7), (50, 1200)])
def test_wilson_is_scipy(k: int, n: int) -> None:
    low, high = wilson(k, n)
    other = binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert (float(low), float(high)) == pytest.approx((other.low, other.high), abs=1e-12)


def test_no_trial_is_not_defined() -> None:
    assert np.isnan(wilson([0], [0])).all()
    assert np.isnan(f1_interval([0], [0], [0])).all()


def test_the_interval_holds_the_estimate_within_zero_and_one() -> None:
    tp, fp, fn = np.random.default_rng(0).integers(0, 30, size=(3, 500))
    keep = tp + fp + fn > 0
    tp, fp, fn = tp[keep], fp[keep], fn[keep]
    low, high = f1_interval(tp, fp, fn)
    f1 = 2 * tp / (2 * tp + fp + fn)
    assert ((low >= 0) & (low <= f1 + 1e-15) & (f1 <= high + 1e-15) & (high <= 1)).all()


@pytest.mark.parametrize("chances", [(0.03, 0.02, 0.05), (0.3, 0.1, 0.1), (0.01, 0.02, 0.04)])
def test_the_f1_interval_covers_the_truth_about_95_times_in_100(chances: tuple[float, float, float]) -> None:
    tp, fp, fn = chances
    truth = 2 * tp / (2 * tp + fp + fn)
    counts = np.random.default_rng(1).multinomial(1000, [*chances, 1 - sum(chances)], size=20_000)
    low, high = f1_interval(counts[:, 0], counts[:, 1], counts[:, 2])
    assert 0.93 < float(((low <= truth) & (truth <= high)).mean()) < 0.97
