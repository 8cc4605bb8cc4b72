"""Measures that are functions of true and false positives and negatives, of any shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lt_core.evaluation.ratios import ratio
from lt_core.evaluation.uncertainty.cells import Cells

Numbers = NDArray[np.float64]

COUNTED = (
    "prevalence",
    "precision",
    "recall",
    "specificity",
    "npv",
    "f1",
    "f_beta",
    "mcc",
    "balanced_accuracy",
)
"""In the order of the tables."""


def counts_of(cells: Cells) -> Numbers:
    """Return tp, fp, fn, tn per class, (4, C); cells of unknown truth are in none of them."""
    return np.stack([cell.sum(axis=0, dtype=np.float64) for cell in quadrants(cells)])


def quadrants(cells: Cells) -> tuple[NDArray[np.bool_], ...]:
    """Return the masks (n, C) of true positives, false positives, false negatives and true negatives."""
    false = cells.known & ~cells.truth
    return cells.called & cells.truth, cells.called & false, ~cells.called & cells.truth, ~cells.called & false


def counted(counts: ArrayLike, beta: float = 2.0) -> dict[str, Numbers]:
    """Return each of ``COUNTED`` from ``counts`` (4, ...) of tp, fp, fn, tn; NaN where it is 0/0.

    F-beta = (1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP), van Rijsbergen 1979: recall counts b times as much as
    precision. MCC is Matthews' correlation (1975), not defined where a row or a column of the 2 x 2 table is empty;
    balanced accuracy is the mean of recall and specificity (Brodersen et al., ICPR 2010).
    """
    tp, fp, fn, tn = np.asarray(counts, dtype=np.float64)
    square = beta * beta
    recall, specificity = ratio(tp, tp + fn), ratio(tn, tn + fp)
    # roots one by one: the product of four counts of 10^6 would lose digits
    below = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    return {
        "prevalence": ratio(tp + fn, tp + fp + fn + tn),
        "precision": ratio(tp, tp + fp),
        "recall": recall,
        "specificity": specificity,
        "npv": ratio(tn, tn + fn),
        "f1": ratio(2 * tp, 2 * tp + fp + fn),
        "f_beta": ratio((1 + square) * tp, (1 + square) * tp + square * fn + fp),
        "mcc": ratio(tp * tn - fp * fn, below),
        "balanced_accuracy": (recall + specificity) / 2,
    }
