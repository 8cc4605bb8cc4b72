"""95 % intervals for proportions and for F1, in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lt_core.evaluation.ratios import ratio

Interval = tuple[NDArray[np.float64], NDArray[np.float64]]

Z95 = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


def wilson(successes: ArrayLike, trials: ArrayLike, *, z: float = Z95) -> Interval:
    """Return (low, high) of Wilson's score interval for a proportion, in [0, 1]; NaN where there is no trial.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927. Unlike p +- z s it never
    leaves [0, 1] and does not shrink to a point at 0 of 3 or 3 of 3, which is where tail classes live.
    """
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    centre = ratio(k + z * z / 2, np.where(n > 0, n + z * z, 0.0))
    spread = ratio(z * np.sqrt(np.maximum(ratio(k * (n - k), n), 0.0) + z * z / 4), np.where(n > 0, n + z * z, 0.0))
    # exact at the ends, where rounding would leave 1e-17 beside the point estimate
    low = np.where((k == 0) & (n > 0), 0.0, centre - spread)
    high = np.where((k == n) & (n > 0), 1.0, centre + spread)
    return low, high


def f1_interval(tp: ArrayLike, fp: ArrayLike, fn: ArrayLike, *, z: float = Z95) -> Interval:
    """Return (low, high) for F1 = 2TP / (2TP + FP + FN), in [0, 1]; NaN where that is 0/0.

    F1 = 2J / (1 + J) with J = TP / (TP + FP + FN), and given TP + FP + FN the count TP is binomial with chance J, so
    Wilson's interval for J carries over: "Wilson indirect" in Lam et al., "Confidence intervals for the F1 score: a
    comparison of four methods", 2023 (arXiv 2309.14621). A percentile bootstrap says [0, 0] for a class never found.
    """
    hits = np.asarray(tp, dtype=np.float64)
    low, high = wilson(hits, hits + np.asarray(fp) + np.asarray(fn), z=z)
    return 2 * low / (1 + low), 2 * high / (1 + high)
