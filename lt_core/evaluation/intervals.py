"""95 % intervals for F1, in closed form, beside those of a proportion."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lt_core.stats.intervals import Z95, wilson

__all__ = ["Z95", "Interval", "f1_interval", "wilson"]

Interval = tuple[NDArray[np.float64], NDArray[np.float64]]


def f1_interval(tp: ArrayLike, fp: ArrayLike, fn: ArrayLike, *, z: float = Z95) -> Interval:
    """Return (low, high) for F1 = 2TP / (2TP + FP + FN), in [0, 1]; NaN where that is 0/0.

    F1 = 2J / (1 + J) with J = TP / (TP + FP + FN), and given TP + FP + FN the count TP is binomial with chance J, so
    Wilson's interval for J carries over: "Wilson indirect" in Lam et al., "Confidence intervals for the F1 score: a
    comparison of four methods", 2023 (arXiv 2309.14621). A percentile bootstrap says [0, 0] for a class never found.
    """
    hits = np.asarray(tp, dtype=np.float64)
    low, high = wilson(hits, hits + np.asarray(fp) + np.asarray(fn), z=z)
    return 2 * low / (1 + low), 2 * high / (1 + high)
