"""The standard error of AUROC and of its difference between two models, by placements."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.ratios import ratio
from lt_core.evaluation.uncertainty.answering import by_patient
from lt_core.evaluation.uncertainty.cells import Cells
from lt_core.evaluation.uncertainty.closed import Interval
from lt_core.stats.intervals import wilson

Numbers = NDArray[np.float64]
PRIOR = 4.0
"""How many positives the model of AUROC's variance counts for; chosen by ``benchmarks/coverage.py``."""


def placements(cells: Cells) -> tuple[Numbers, Numbers]:
    """Return the part of positives and of negatives in the influence on AUROC, summed by patient, (P, C) each.

    The influence of a positive is (share of negatives below it - AUROC) / n_positive: DeLong's structural components,
    here from one sorting as in Sun and Xu, "Fast implementation of DeLong's algorithm", IEEE SPL 2014. NaN where AUROC
    is not defined.
    """
    influence = np.stack([order.influence().auroc for order in cells.orders], axis=1)
    undefined = np.where(np.isnan(influence).any(axis=0), np.nan, 0.0)
    positive = by_patient(np.where(cells.truth, influence, 0.0), cells) + undefined
    negative = by_patient(np.where(cells.truth, 0.0, influence), cells) + undefined
    return positive, negative


def variance(cells: Cells, positive: Numbers, negative: Numbers) -> Numbers:
    """Return the variance (C,) of AUROC from its ``placements``, or of a difference from the differences of placements.

    DeLong, DeLong and Clarke-Pearson, Biometrics 1988, where every image is a patient of its own; Obuchowski,
    "Nonparametric analysis of clustered ROC curve data", Biometrics 1997, where not. NaN below two patients with a
    positive or two with a negative.
    """
    with_positive = (by_patient(cells.truth, cells) > 0).sum(axis=0).astype(np.float64)
    with_negative = (by_patient(cells.known & ~cells.truth, cells) > 0).sum(axis=0).astype(np.float64)

    def more(n: Numbers) -> Numbers:
        return np.where(n > 1, n / np.maximum(n - 1, 1), np.nan)

    all_units = np.full(cells.n_classes, float(cells.n_units))
    spread = more(with_positive) * (positive**2).sum(axis=0) + more(with_negative) * (negative**2).sum(axis=0)
    found = spread + 2 * more(all_units) * (positive * negative).sum(axis=0)
    return np.asarray(np.maximum(found, 0.0))


def auroc_interval(cells: Cells, value: Numbers) -> Interval:
    """Return the interval of AUROC per class.

    DeLong's variance is itself estimated from as many placements as there are positives: from ten of them it is often
    far too small, and its interval holds 79 to 91 % instead of 95. So it is steadied by the variance that exponential
    scores would give (Hanley and McNeil, Radiology 1982), counting as ``PRIOR`` positives, and Wilson's interval for as
    many trials as give that variance never leaves [0, 1] nor shrinks to a point at 1. Patients count, not images.
    """
    m, n = (by_patient(mask, cells) > 0 for mask in (cells.truth, cells.known & ~cells.truth))
    positives, negatives = m.sum(axis=0).astype(np.float64), n.sum(axis=0).astype(np.float64)
    spread = value * (1 - value)
    model = 1 + (positives - 1) * (1 - value) / (2 - value) + (negatives - 1) * value / (1 + value)
    model = ratio(model, positives * negatives)
    seen = ratio(variance(cells, *placements(cells)), spread)
    share = np.where(np.isnan(seen), 0.0, (positives - 1) / (positives - 1 + PRIOR))
    trials = ratio(1.0, share * np.nan_to_num(seen) + (1 - share) * model)
    low, high = wilson(np.nan_to_num(value * trials), np.nan_to_num(trials))
    lost = np.where(np.isnan(value), np.nan, 0.0)
    how = "DeLong by patient (Obuchowski)" if cells.clustered else "DeLong"
    return Interval(low + lost, high + lost, f"{how}, steadied, Wilson")
