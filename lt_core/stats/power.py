"""What a number of positives can show: how wide intervals of recall, F1 and AP are, which difference can be seen.

Of n positives a fraction ``recall`` is found, and of what is found a fraction ``precision`` is right. So TP is binomial
(n, recall) and FP is Poisson with mean n recall (1 - precision) / precision: false alarms are rare events among very
many negatives. (With m negatives FP is binomial; Poisson is a little wider.)
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lt_core.problems import Invalid
from lt_core.stats.intervals import Z95, wilson

Numbers = NDArray[np.float64]

Z80 = 0.8416212335729143
"""The 80 % point of the normal distribution."""


def recall_width(n: ArrayLike, *, recall: float) -> Numbers:
    """Return the width of Wilson's 95 % interval of recall when ``recall`` of ``n`` positives are found; in [0, 1]."""
    _check(recall=recall)
    size = np.asarray(n, dtype=np.float64)
    low, high = wilson(recall * size, size)
    return high - low


def f1_of(*, precision: float, recall: float) -> float:
    """Return F1, the harmonic mean of the two."""
    _check(precision=precision, recall=recall)
    return 2 * precision * recall / (precision + recall)


def f1_deviation(n: ArrayLike, *, precision: float, recall: float) -> Numbers:
    """Return the standard deviation of F1 over test sets with ``n`` positives; NaN for n = 0.

    Delta method on F1 = 2TP / (n + TP + FP): with S = n + TP + FP at the means, dF/dTP = 2 (n + FP) / S^2 and
    dF/dFP = -2TP / S^2; Var TP = n recall (1 - recall), Var FP = E FP, independent.
    """
    _check(precision=precision, recall=recall)
    size = np.asarray(n, dtype=np.float64)
    size = np.where(size > 0, size, np.nan)
    tp = size * recall
    fp = tp * (1 - precision) / precision
    s = size + tp + fp
    variance = (2 * (size + fp) / s**2) ** 2 * tp * (1 - recall) + (2 * tp / s**2) ** 2 * fp
    deviation: Numbers = np.sqrt(variance)
    return deviation


def f1_width(n: ArrayLike, *, precision: float, recall: float) -> Numbers:
    """Return the width of the 95 % interval that results show for F1 with ``n`` positives; in [0, 1], NaN for n = 0.

    The interval is "Wilson indirect" (Lam et al. 2023, arXiv 2309.14621), as in ``evaluation.f1_interval``, at the
    expected counts.
    """
    _check(precision=precision, recall=recall)
    tp = np.asarray(n, dtype=np.float64) * recall
    trials = tp / precision + np.asarray(n, dtype=np.float64) - tp
    low, high = wilson(tp, trials)
    return 2 * high / (1 + high) - 2 * low / (1 + low)


def ap_width(n: ArrayLike, *, ap: float) -> Numbers:
    """Return the width of the logit 95 % interval of average precision with ``n`` positives; in [0, 1], NaN for n = 0.

    logit(AP) +- z / sqrt(n AP (1 - AP)), the interval that Boyd, Eng and Page, "Area under the precision-recall curve:
    point estimates and confidence intervals", ECML PKDD 2013, found to hold its level also for few positives.
    """
    _check(ap=ap)
    size = np.asarray(n, dtype=np.float64)
    inside = min(max(ap, 1e-9), 1 - 1e-9)
    half = Z95 / np.sqrt(np.where(size > 0, size, np.nan) * inside * (1 - inside))
    centre = math.log(inside / (1 - inside))
    width: Numbers = 1 / (1 + np.exp(-(centre + half))) - 1 / (1 + np.exp(-(centre - half)))
    return width


def f1_difference(n: ArrayLike, *, precision: float, recall: float, correlation: float = 0.5) -> Numbers:
    """Return the smallest true difference of F1 that a test of two models on the same images finds 4 times in 5.

    (z_0.975 + z_0.8) sqrt(2 (1 - correlation)) sd, with the sd of ``f1_deviation`` for both models; ``correlation`` in
    [0, 1) is how far their F1 rise and fall together over test sets (the same images are hard for both). May exceed 1,
    which no difference does: then none can be found. NaN for n = 0.
    """
    if not 0 <= correlation < 1:
        raise Invalid(f"correlation must be in [0, 1), got {correlation:g}")
    deviation = f1_deviation(n, precision=precision, recall=recall)
    difference: Numbers = (Z95 + Z80) * math.sqrt(2 * (1 - correlation)) * deviation
    return difference


def simulated_f1(n: int, *, precision: float, recall: float, draws: int = 20_000, seed: int = 0) -> tuple[float, float]:
    """Return (low, high), the middle 95 % of F1 over ``draws`` test sets with ``n`` positives: no approximation.

    What the formulas are held against; for few positives it shows the steps that they smooth.
    """
    _check(precision=precision, recall=recall)
    if n < 1:
        return math.nan, math.nan
    rng = np.random.default_rng(seed)
    tp = rng.binomial(n, recall, draws)
    fp = rng.poisson(n * recall * (1 - precision) / precision, draws)
    low, high = np.quantile(2 * tp / (n + tp + fp), (0.025, 0.975))
    return float(low), float(high)


def positives_needed(width: float, *, precision: float, recall: float) -> int:
    """Return the fewest positives whose F1 interval (``f1_width``) is at most ``width`` wide, by halving."""
    if not 1e-5 <= width <= 1:
        raise Invalid(f"width must be in [0.00001, 1], got {width:g}")
    few, many = 0, 1
    while float(f1_width(many, precision=precision, recall=recall)) > width:
        few, many = many, many * 2
    while many - few > 1:
        middle = (few + many) // 2
        if float(f1_width(middle, precision=precision, recall=recall)) > width:
            few = middle
        else:
            many = middle
    return many


def power_table(n: ArrayLike, *, precision: float, recall: float, correlation: float = 0.5) -> pd.DataFrame:
    """Return one row for each number of positives: ``n, f1_width, recall_width, ap_width, f1_difference``.

    ``ap_width`` is at AP = precision recall, the rectangle under this one operating point: a guide, not a forecast.
    """
    size = np.atleast_1d(np.asarray(n, dtype=np.int64))
    return pd.DataFrame(
        {
            "n": size,
            "f1_width": f1_width(size, precision=precision, recall=recall),
            "recall_width": recall_width(size, recall=recall),
            "ap_width": ap_width(size, ap=precision * recall),
            "f1_difference": f1_difference(size, precision=precision, recall=recall, correlation=correlation),
        }
    )


def _check(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value <= 1:
            raise Invalid(f"{name} must be in (0, 1], got {value:g}")
