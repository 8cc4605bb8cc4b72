"""Brier score and expected calibration error, per class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.ratios import ratio
from lt_core.evaluation.uncertainty.cells import Cells

Numbers = NDArray[np.float64]
CALIBRATED = ("brier", "ece")
BINS = 15
"""Bins of equal width: [0, 1/15), [1/15, 2/15), ..., [14/15, 1]."""


def squared_errors(cells: Cells) -> Numbers:
    """Return (p - y)^2 per cell, (n, C), 0 where nothing is known; NaN where there are no probabilities."""
    if cells.probabilities is None:
        return np.full(cells.truth.shape, np.nan)
    return np.where(cells.known, (cells.probabilities - cells.truth) ** 2, 0.0)


def residuals(cells: Cells) -> Numbers:
    """Return p - y per cell, (n, C), 0 where nothing is known; NaN where there are no probabilities."""
    if cells.probabilities is None:
        return np.full(cells.truth.shape, np.nan)
    return np.where(cells.known, cells.probabilities - cells.truth, 0.0)


def bins_of(probabilities: Numbers, n_bins: int = BINS) -> NDArray[np.int64]:
    """Return the bin of each probability, of the same shape, from 0 to ``n_bins`` - 1."""
    return np.minimum((probabilities * n_bins).astype(np.int64), n_bins - 1)


def calibration(cells: Cells, n_bins: int = BINS) -> dict[str, Numbers]:
    """Return ``brier`` and ``ece`` per class, (C,) each; NaN where there are no probabilities or nothing is known.

    Brier (1950) of one class: the mean of (p - y)^2, from 0 to 1. ECE (Naeini et al., AAAI 2015; Guo et al., ICML 2017)
    of one class against the rest: the mean over images of |mean p - mean y| of the bin of equal width they are in.
    """
    known = cells.known.sum(axis=0)
    found = {"brier": ratio(squared_errors(cells).sum(axis=0), known)}
    if cells.probabilities is None:
        return found | {"ece": np.full(cells.n_classes, np.nan)}
    gaps = np.zeros((cells.n_classes, n_bins))
    place, left = bins_of(cells.probabilities, n_bins), residuals(cells)
    for k in range(cells.n_classes):
        gaps[k] = np.bincount(place[:, k], weights=left[:, k], minlength=n_bins)
    return found | {"ece": ratio(np.abs(gaps).sum(axis=1), known)}
