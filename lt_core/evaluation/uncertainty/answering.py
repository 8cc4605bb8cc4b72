"""How each measure answers to each patient: what standard errors and the skewness of an interval are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.ratios import ratio
from lt_core.evaluation.uncertainty.calibrated import BINS, bins_of, residuals, squared_errors
from lt_core.evaluation.uncertainty.cells import Cells
from lt_core.evaluation.uncertainty.counted import COUNTED, counted, quadrants

Numbers = NDArray[np.float64]


def by_patient(values: NDArray[np.generic], cells: Cells) -> Numbers:
    """Return the sums of ``values`` (n, C) over the images of each patient, (P, C)."""
    numbers = np.asarray(values, dtype=np.float64)
    if not cells.clustered:
        return numbers
    found = np.zeros((cells.n_units, numbers.shape[1]))
    for k in range(numbers.shape[1]):
        found[:, k] = np.bincount(cells.units, weights=numbers[:, k], minlength=cells.n_units)
    return found


def answers(cells: Cells, metrics: Sequence[str], *, beta: float = 2.0) -> dict[str, Numbers]:
    """Return for each of ``metrics`` by how much each patient moves it, (P, C); NaN columns where it is not defined.

    Functions of counts: exactly, T - T without the patient (the jackknife; 0 where that is not defined). The others:
    the infinitesimal jackknife, the sum over the patient's images of dT / dw_i. The sum of squares over patients
    estimates the variance of the measure either way.
    """
    found: dict[str, Numbers] = {}
    names = [name for name in COUNTED if name in metrics]
    if names:
        found |= _of_counts(cells, names, beta)
    if "ap" in metrics or "auroc" in metrics:
        pairs = [order.influence() for order in cells.orders]
        found["ap"] = by_patient(np.stack([pair.ap for pair in pairs], axis=1), cells)
        found["auroc"] = by_patient(np.stack([pair.auroc for pair in pairs], axis=1), cells)
    if "brier" in metrics:
        found["brier"] = by_patient(_of_mean(squared_errors(cells), cells.known), cells)
    if "ece" in metrics:
        found["ece"] = by_patient(_of_mean(signed_gaps(cells), cells.known), cells)
    return {name: values for name, values in found.items() if name in metrics}


def _of_counts(cells: Cells, names: Sequence[str], beta: float) -> dict[str, Numbers]:
    """Return by how much functions of counts change with each patient, (P, C) each; class by class, to spare memory."""
    parts = quadrants(cells)
    found = {name: np.empty((cells.n_units, cells.n_classes)) for name in names}
    for k in range(cells.n_classes):
        total = np.array([np.count_nonzero(part[:, k]) for part in parts], dtype=np.float64)
        if cells.clustered:
            mine = np.stack([by_patient(part[:, [k]], cells)[:, 0] for part in parts])
            which = np.arange(cells.n_units)
        else:  # only four kinds of image, and those of which nothing is known
            mine = np.append(np.eye(4), np.zeros((4, 1)), axis=1)
            which = np.select([part[:, k] for part in parts], list(range(4)), default=4)
        whole, without = counted(total, beta), counted(np.maximum(total[:, None] - mine, 0.0), beta)
        for name in names:
            moved = np.nan_to_num(whole[name] - without[name])[which]
            found[name][:, k] = np.nan if np.isnan(whole[name]) else moved
    return found


def standard_error(moved: Numbers) -> Numbers:
    """Return the standard error (C,) of measures moved by each of P patients by ``moved`` (P, C): the root of
    P / (P - 1) times the sum of squares about the mean."""
    n = len(moved)
    centred = moved - moved.mean(axis=0)
    return np.asarray(np.sqrt((centred**2).sum(axis=0) * n / max(n - 1, 1)))


def signed_gaps(cells: Cells) -> Numbers:
    """Return (p - y) times the sign of p - y on average in its bin, (n, C): their mean over known cells is the ECE."""
    left = residuals(cells)
    if cells.probabilities is None:
        return left
    place = bins_of(cells.probabilities)
    found = np.empty_like(left)
    for k in range(cells.n_classes):
        sign = np.sign(np.bincount(place[:, k], weights=left[:, k], minlength=BINS))
        found[:, k] = left[:, k] * sign[place[:, k]]
    return found


def _of_mean(values: Numbers, known: NDArray[np.bool_]) -> Numbers:
    """Return the influence of each cell on the mean of ``values`` over the known ones."""
    n = known.sum(axis=0)
    mean = ratio(np.where(known, values, 0.0).sum(axis=0), n)
    return np.where(known, ratio(values - mean, n), 0.0) + 0.0 * mean
