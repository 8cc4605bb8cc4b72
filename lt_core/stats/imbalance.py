"""The measures of imbalance as formulas over class counts and label sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lt_core.problems import Invalid
from lt_core.stats.label_sets import LabelSets

Numbers = NDArray[np.float64]


def irlbl(positives: ArrayLike) -> Numbers:
    """Return n_max / n_c per class, (C,), >= 1; NaN for a class without positives.

    Charte et al., Neurocomputing 163, 2015.
    """
    n = np.asarray(positives, dtype=np.float64)
    return np.asarray(np.divide(n.max(initial=0.0), n, out=np.full(n.shape, np.nan), where=n > 0))


def mean_ir(positives: ArrayLike) -> float:
    """Return the mean IRLbl of the classes with a positive; NaN where there is none (Charte et al. 2015)."""
    ratios = irlbl(positives)
    ratios = ratios[~np.isnan(ratios)]
    return float(ratios.mean()) if len(ratios) else float("nan")


def cvir(positives: ArrayLike) -> float:
    """Return the sample standard deviation of IRLbl over its mean; NaN for fewer than two classes with a positive.

    Charte et al. 2015, where the variance is divided by C - 1.
    """
    ratios = irlbl(positives)
    ratios = ratios[~np.isnan(ratios)]
    return float(ratios.std(ddof=1) / ratios.mean()) if len(ratios) > 1 else float("nan")


def gini(counts: ArrayLike) -> float:
    """Return the Gini coefficient of ``counts`` in [0, 1 - 1/C]: 0 all equal, 1 - 1/C all in one; NaN for a sum of 0.

    The mean absolute difference of all ordered pairs of classes, over twice the mean count (Gini 1912).
    """
    ordered = np.sort(np.asarray(counts, dtype=np.float64))
    c, total = len(ordered), float(ordered.sum())
    if not c or total == 0:
        return float("nan")
    return float(np.dot(2 * np.arange(1, c + 1) - c - 1, ordered) / (c * total))


def entropy(counts: ArrayLike) -> float:
    """Return the Shannon entropy of the shares n_c / sum n, in bits; NaN for a sum of 0. A count of 0 adds nothing."""
    n = np.asarray(counts, dtype=np.float64)
    if not n.sum() > 0:
        return float("nan")
    share = n[n > 0] / n.sum()
    return float(-(share * np.log2(share)).sum()) + 0.0


def effective_number(positives: ArrayLike, *, beta: float) -> Numbers:
    """Return (1 - beta^n) / (1 - beta) per class, in [0, n]; ``beta`` in [0, 1), and n itself for beta = 1.

    Cui et al., CVPR 2019, proposition 1. expm1 keeps it exact for beta close to 1.
    """
    if not 0 <= beta <= 1:
        raise Invalid(f"beta must be in [0, 1], got {beta:g}")
    n = np.asarray(positives, dtype=np.float64)
    if beta == 1:
        return n.copy()
    if beta == 0:
        return np.minimum(n, 1.0)
    return np.asarray(-np.expm1(n * np.log1p(beta - 1)) / (1 - beta))


@dataclass(frozen=True, eq=False)
class Scumble:
    """SCUMBLE of a data set: ``of_set`` (S,) of each label set, ``mean`` and ``cv`` over images, ``of_class`` (C,).

    ``cv`` is the sample standard deviation over the mean, NaN where the mean is 0. ``of_class`` is the mean over the
    images with the class, NaN where there is none.
    """

    of_set: Numbers
    mean: float
    cv: float
    of_class: Numbers


def scumble(sets: LabelSets, positives: ArrayLike | None = None) -> Scumble:
    """Return how far frequent and rare classes share images (Charte et al., HAIS 2014; Neurocomputing 2019).

    Of an image: 1 - geometric mean / arithmetic mean of the IRLbl of the labels it has, in [0, 1). An image with no
    label or one label has 0, and counts in the mean. IRLbl comes from ``positives`` where given, else from ``sets``.
    """
    ratios = irlbl(sets.positives() if positives is None else positives)
    known = np.where(np.isnan(ratios), 1.0, ratios)
    mean = sets.mean_of_labels(known)
    geometric = np.exp(sets.mean_of_labels(np.log(known)))
    of_set = np.where(sets.sizes > 1, 1 - geometric / np.where(mean > 0, mean, 1.0), 0.0)
    of_set = np.maximum(of_set, 0.0)
    images = int(sets.n.sum())
    average = float(of_set @ sets.n / images) if images else float("nan")
    spread = float(((of_set - average) ** 2) @ sets.n / (images - 1)) ** 0.5 if images > 1 else float("nan")
    weights = (of_set * sets.n)[sets.owner]
    carried = np.bincount(sets.classes, weights=sets.images, minlength=sets.n_classes)
    total = np.bincount(sets.classes, weights=weights, minlength=sets.n_classes)
    of_class = np.divide(total, carried, out=np.full(sets.n_classes, np.nan), where=carried > 0)
    return Scumble(of_set, average, spread / average if average > 0 else float("nan"), of_class)


def tcs(n_inputs: int, n_classes: int, n_label_sets: int) -> float:
    """Return ln(inputs x classes x label sets), the theoretical complexity score; NaN where one of them is 0.

    Charte et al., HAIS 2016.
    """
    product = float(n_inputs) * n_classes * n_label_sets
    return float(np.log(product)) if product > 0 else float("nan")
