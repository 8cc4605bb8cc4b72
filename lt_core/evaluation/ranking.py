"""How well scores put positives above negatives, whatever the threshold: average precision and AUROC."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.ratios import ratio


class Ranking(NamedTuple):
    """Average precision and area under the ROC curve per class, (C,) each, NaN where not defined."""

    ap: NDArray[np.float64]
    auroc: NDArray[np.float64]


def ranking(scores: NDArray[np.floating], targets: NDArray[np.floating]) -> Ranking:
    """Return both ranking measures of ``scores`` (n, C) against ``targets`` (n, C) in {0, 1, NaN = left out}.

    Average precision is the step-wise sum of (R_k - R_{k-1}) P_k over the distinct scores, without interpolation; it is
    not defined without a positive. AUROC is the Mann-Whitney probability that a positive scores above a negative, a tie
    counting one half; it is not defined unless both are there. Equal scores form one step, so row order is moot.
    """
    classes = scores.shape[1]
    if not len(scores):
        return Ranking(np.full(classes, np.nan), np.full(classes, np.nan))
    positive, negative, tp, fp = _steps(scores, targets)
    n_positive, n_negative = tp[:, -1:], fp[:, -1:]
    gain = np.where(positive, ratio(tp, tp + fp), 0.0).sum(axis=1)
    wins = (positive * (n_negative - fp)).sum(axis=1)
    losses = (negative * (n_positive - tp)).sum(axis=1)
    pairs = (n_positive * n_negative)[:, 0]
    # ties are the pairs that neither side wins: (wins + ties / 2) / pairs with ties = pairs - wins - losses
    return Ranking(ratio(gain, n_positive[:, 0]), ratio(pairs + wins - losses, 2 * pairs))


def _steps(
    scores: NDArray[np.floating], targets: NDArray[np.floating]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Return, per class and from the highest score down, who is positive and negative, and true and false positives
    counted up to the end of the step (of equal scores) each place belongs to; (C, n) each."""
    descending = np.ascontiguousarray(-scores.T)
    order = np.argsort(descending, axis=1)
    descending = np.take_along_axis(descending, order, axis=1)
    truth = np.take_along_axis(np.ascontiguousarray(targets.T), order, axis=1)
    positive, negative = truth == 1, truth == 0

    n = descending.shape[1]
    ends = np.full(descending.shape, n - 1)
    ends[:, :-1] = np.where(descending[:, 1:] != descending[:, :-1], np.arange(n - 1), n - 1)
    ends = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    tp = np.take_along_axis(np.cumsum(positive, axis=1, dtype=np.int64), ends, axis=1)
    fp = np.take_along_axis(np.cumsum(negative, axis=1, dtype=np.int64), ends, axis=1)
    return positive, negative, tp, fp
