"""Measures of a whole image: how well its set of classes, or the order of its classes, was found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.ratios import ratio
from lt_core.evaluation.uncertainty.cells import Cells
from lt_core.evaluation.uncertainty.counted import quadrants

Numbers = NDArray[np.float64]
BY_IMAGE = (
    "subset_accuracy",
    "hamming_loss",
    "sample_precision",
    "sample_recall",
    "sample_f1",
    "ranking_loss",
    "coverage_error",
    "label_ranking_ap",
    "ranking_loss_with_findings",
    "coverage_error_with_findings",
    "label_ranking_ap_with_findings",
)
TOP_K = (1, 3, 5)


def of_images(cells: Cells) -> dict[str, Numbers]:
    """Return what is measured image by image, (n,) each: ``by_image``, and ``top_k`` for single-label sets."""
    return by_image(cells) | (top_k(cells) if cells.single else {})


def by_image(cells: Cells) -> dict[str, Numbers]:
    """Return each of ``BY_IMAGE`` for each image, (n,) each; their means are the measures of the set.

    Only the known cells of an image take part, and an image of which nothing is known is NaN: left out of the mean.
    0/0 is NaN too: precision where nothing was called, recall where there is no finding, F1 where there is neither
    (scikit-learn's ``zero_division=nan``). The three measures of order follow scikit-learn where there is nothing to
    order: no finding or nothing but findings is a loss of 0 and a ranking-AP of 1, no finding a coverage of 0. That
    flatters a set full of normal images, so ``..._with_findings`` leaves those out.
    """
    tp, fp, fn, _ = (cell.sum(axis=1).astype(np.float64) for cell in quadrants(cells))
    known = cells.known.sum(axis=1)
    wrong = np.where(known > 0, fp + fn, np.nan)
    found = {
        "subset_accuracy": np.where(known > 0, wrong == 0, np.nan),
        "hamming_loss": ratio(fp + fn, known),
        "sample_precision": ratio(tp, tp + fp),
        "sample_recall": ratio(tp, tp + fn),
        "sample_f1": ratio(2 * tp, 2 * tp + fp + fn),
    }
    order = _of_order(cells)
    for name, empty in (("ranking_loss", 0.0), ("coverage_error", 0.0), ("label_ranking_ap", 1.0)):
        values = order[name]
        found[name] = np.where(np.isnan(values) & (known > 0), empty, values)
        found[f"{name}_with_findings"] = values
    return found


def _of_order(cells: Cells) -> dict[str, Numbers]:
    """Return the three measures of order per image, NaN where there is nothing to order (Tsoumakas et al., Mining
    multi-label data, 2010). A class tied with a finding counts as ranked above it."""
    n_true, n_known = cells.truth.sum(axis=1), cells.known.sum(axis=1)
    lost, above_all, gain = (np.zeros(len(cells)) for _ in range(3))
    for k in range(cells.n_classes):
        rows = np.flatnonzero(cells.truth[:, k])  # only a finding has a rank that counts
        scores = cells.pooled[rows]
        # cells at least as high as class k: one column at a time, so that memory stays at (n, C)
        as_high = (scores >= scores[:, [k]]) & cells.known[rows]
        rank = as_high.sum(axis=1)
        hits = (as_high & cells.truth[rows]).sum(axis=1)
        lost[rows] += rank - hits
        above_all[rows] = np.maximum(above_all[rows], rank)
        gain[rows] += hits / rank
    some = (n_true > 0) & (n_true < n_known)
    return {
        "ranking_loss": ratio(lost, n_true * (n_known - n_true)),
        "coverage_error": np.where(n_true > 0, above_all, np.nan),
        "label_ranking_ap": np.where(some, ratio(gain, n_true), np.nan),
    }


def top_k(cells: Cells) -> dict[str, Numbers]:
    """Return whether the true class is among the k largest scores of an image, (n,) per k of ``TOP_K`` below C, in
    {0, 1}; NaN where the class is not known. Ties go to the class that comes first, as the arg-max does.

    For single-label sets; ``accuracy`` is the first of them.
    """
    has = cells.truth.any(axis=1)
    true = cells.truth.argmax(axis=1)
    mine = cells.scores[np.arange(len(cells)), true][:, None]
    before = np.arange(cells.n_classes)[None, :] < true[:, None]
    rank = ((cells.scores > mine) | ((cells.scores == mine) & before)).sum(axis=1)
    wanted = [k for k in TOP_K if k < cells.n_classes]
    found = {f"top_{k}_accuracy": np.where(has, rank < k, np.nan) for k in wanted if k > 1}
    return {"accuracy": np.where(has, rank == 0, np.nan)} | found


def confusion_matrix(cells: Cells) -> NDArray[np.int64]:
    """Return how many images of true class i (row) were called class j (column), (C, C); for single-label sets."""
    has = cells.truth.any(axis=1)
    at = cells.truth[has].argmax(axis=1) * cells.n_classes + cells.called[has].argmax(axis=1)
    flat = np.bincount(at, minlength=cells.n_classes**2)
    return np.asarray(flat.reshape(cells.n_classes, cells.n_classes), dtype=np.int64)
