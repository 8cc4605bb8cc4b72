"""Intervals in closed form: of proportions, of their mean, and of AUROC and AP by their influence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from lt_core.evaluation.ratios import ratio
from lt_core.stats.intervals import wilson

Numbers = NDArray[np.float64]
Ends = tuple[Numbers, Numbers]
LEAST_FREEDOM = 2.0


@dataclass(frozen=True, eq=False)
class Interval:
    """Ends (C,) of 95 % intervals, NaN where there is none, and the name of how they were made."""

    low: Numbers
    high: Numbers
    method: str


def design_effect(successes: Numbers, trials: Numbers) -> Numbers:
    """Return by how much clusters inflate the variance of the share sum(k) / sum(n), (C,), at least 1.

    ``successes`` and ``trials`` (P, C) count by patient. The variance of the ratio over that of as many independent
    trials: Rao and Scott, "A simple method for the analysis of clustered binary data", Biometrics 1992, with P / (P-1)
    for the P patients that have a trial. 1 where the share is 0, 1 or not defined, or fewer than two patients count.
    """
    total = trials.sum(axis=0)
    share = ratio(successes.sum(axis=0), total)
    patients = (trials > 0).sum(axis=0)
    spread = ((successes - np.nan_to_num(share) * trials) ** 2).sum(axis=0)
    effect = ratio(spread * patients, share * (1 - share) * total * (patients - 1.0))
    return np.fmax(effect, 1.0)


def inflation(successes: Numbers, trials: Numbers) -> Numbers:
    """Return what counts (P, C) by patient are divided by before an interval for independent trials is taken: (C,).

    The design effect times (t / z)^2, after Korn and Graubard, "Confidence intervals for proportions with small
    expected number of positive counts estimated from survey data", Survey Methodology 1998: for the effect is itself
    estimated, from a handful of patients where successes are few. The degrees of freedom of t are Satterthwaite's,
    2 / (relative variance of the effect), that variance by its influence function, patient by patient; at least 2.
    Infinitely many, and no correction, where each patient has one image or all of them agree.
    """
    total, patients = trials.sum(axis=0), (trials > 0).sum(axis=0)
    share = np.nan_to_num(ratio(successes.sum(axis=0), total))
    gaps = successes - share * trials
    spread = (gaps**2).sum(axis=0)
    slope = ratio(1 - 2 * share, total * share * (1 - share)) + 2 * ratio((trials * gaps).sum(axis=0), spread * total)
    influence = ratio(gaps**2, spread) - ratio((trials > 0).astype(np.float64), patients) - slope * gaps
    freedom = 2 / np.maximum(np.nan_to_num((influence**2).sum(axis=0)), 1e-9)
    student = stdtrit(np.maximum(freedom, LEAST_FREEDOM), 0.975)
    return np.asarray(design_effect(successes, trials) * (student / ndtri(0.975)) ** 2)


def proportion(successes: Numbers, trials: Numbers) -> Ends:
    """Return Wilson's interval of the share of ``successes`` among ``trials``, (P, C) by patient: (C,) each end.

    Both counts are divided by their inflation.
    """
    effect = inflation(successes, trials)
    return wilson(successes.sum(axis=0) / effect, trials.sum(axis=0) / effect)


def mean_of_two(a: Numbers, a_ends: Ends, b: Numbers, b_ends: Ends) -> Ends:
    """Return the interval of (a + b) / 2 for independent a and b from the interval of each.

    Square-and-add, Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
    Medicine 1998: keeps the skewness of Wilson's intervals.
    """
    low = np.sqrt((a - a_ends[0]) ** 2 + (b - b_ends[0]) ** 2)
    high = np.sqrt((a_ends[1] - a) ** 2 + (b_ends[1] - b) ** 2)
    middle = (a + b) / 2
    return np.maximum(middle - low / 2, 0.0), np.minimum(middle + high / 2, 1.0)


def f_interval(tp: ArrayLike, fp: ArrayLike, fn: ArrayLike, *, beta: float = 1.0) -> Ends:
    """Return the interval of F-beta from counts, (C,) each end; NaN where it is 0/0.

    With J = TP / (TP + FP + FN) and v the mean weight of an error (b^2 for a miss, 1 for a false alarm),
    F = (1 + b^2) J / ((1 + b^2) J + v (1 - J)) grows with J, so Wilson's interval of J carries over: "Wilson indirect"
    of Lam et al. 2023 (arXiv 2309.14621), which is b = 1 and v = 1. For other b the mix of misses and false alarms is
    taken as known, half an error of each added.
    """
    hits, alarms, misses = (np.asarray(part, dtype=np.float64) for part in (tp, fp, fn))
    square = beta * beta
    missed = (misses + 0.5) / (misses + alarms + 1.0)
    weight = square * missed + 1.0 - missed
    low, high = wilson(hits, hits + alarms + misses)
    above = (1 + square) * low, (1 + square) * high
    return ratio(above[0], above[0] + weight * (1 - low)), ratio(above[1], above[1] + weight * (1 - high))


def square_and_add(
    middle: Numbers, low: Numbers, high: Numbers, weights: Numbers, together: Numbers
) -> tuple[float, float]:
    """Return the ends of the interval of sum(w t) from the intervals of each t: ``middle``, ``low``, ``high``,
    ``weights`` (K,), and ``together`` (K, K), the correlations of the estimates.

    Zou and Donner, "Construction of confidence limits about effect measures", Statistics in Medicine 2008 (MOVER):
    each distance to an end is a standard error in that direction, and they add up like correlated errors. So a mean or
    a difference keeps the skewness, and the coverage, of the intervals it is made of.
    """
    value = float(weights @ middle)
    down = weights * np.where(weights > 0, middle - low, high - middle)
    up = weights * np.where(weights > 0, high - middle, middle - low)
    return (
        value - float(np.sqrt(np.maximum(down @ together @ down, 0.0))),
        value + float(np.sqrt(np.maximum(up @ together @ up, 0.0))),
    )
