"""One class measured in several sets of images, under any weights, at any prevalence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.ratios import ratio
from lt_core.evaluation.uncertainty.cells import Cells
from lt_core.evaluation.uncertainty.counted import counted
from lt_core.evaluation.uncertainty.ordered import Order
from lt_core.evaluation.uncertainty.weights import Weights

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Sides:
    """One class in K sets of images: ``positive``, ``negative`` (n, K) masks, ``called`` (n,) and ``scores`` (n,)."""

    positive: Mask
    negative: Mask
    called: Mask
    scores: Numbers

    @classmethod
    def of(cls, cells: Cells, column: int, sets: Mask) -> Sides:
        """Return class number ``column`` in the sets of images ``sets`` (n, K)."""
        truth = cells.truth[:, [column]]
        known = cells.known[:, [column]]
        return cls(sets & truth, sets & known & ~truth, cells.called[:, column], cells.scores[:, column])

    def as_cells(self, cells: Cells) -> Cells:
        """Return the K sets as K classes of the images of ``cells``, so that what is made for classes serves sets."""
        shape = self.positive.shape
        return replace(
            cells,
            class_names=tuple(str(k) for k in range(shape[1])),
            truth=self.positive,
            known=self.positive | self.negative,
            called=np.broadcast_to(self.called[:, None], shape),
            scores=np.broadcast_to(self.scores[:, None], shape),
            probabilities=None,
            thresholds=np.full(shape[1], np.nan),
        )

    @cached_property
    def orders(self) -> tuple[Order, ...]:
        """The images of each set by score."""
        pairs = zip(self.positive.T, self.negative.T, strict=True)
        return tuple(Order.of(self.scores, positive, positive | negative) for positive, negative in pairs)

    @cached_property
    def quadrants(self) -> NDArray[np.float32]:
        """True and false positives, false and true negatives of each set, as columns (n, 4 K)."""
        called = self.called[:, None]
        parts = self.positive & called, self.negative & called, self.positive & ~called, self.negative & ~called
        return np.concatenate(parts, axis=1).astype(np.float32)


def measured(sides: Sides, metric: str, prevalence: float = np.nan) -> Numbers:
    """Return ``metric`` in each set, (K,): AP, AUROC or a measure of counts; NaN where it is not defined.

    With a ``prevalence`` in (0, 1) the negatives of each set count as many times as it takes for the class to be that
    frequent in it.
    """
    ones = np.ones((len(sides.called), 1))
    return np.asarray(drawn_sides(sides, metric, prevalence, [ones])[0])


def drawn_sides(
    sides: Sides, metric: str, prevalence: float, weights: Iterable[Weights] | Iterable[Numbers]
) -> Numbers:
    """Return ``metric`` in each set under each column of each of ``weights`` (n, b), (B, K); see ``measured``."""
    if metric in ("ap", "auroc"):
        return np.concatenate([_ranked(sides, metric, prevalence, part) for part in weights])
    k = sides.positive.shape[1]
    found = []
    for part in weights:
        tp, fp, fn, tn = (part.T @ sides.quadrants).astype(np.float64).reshape(part.shape[1], 4, k).transpose(1, 0, 2)
        factor = _factor(tp + fn, fp + tn, prevalence)
        found.append(counted(np.stack([tp, fp * factor, fn, tn * factor]))[metric])
    return np.concatenate(found)


def _factor(n_positive: Numbers, n_negative: Numbers, prevalence: float) -> Numbers:
    """Return what a negative must count; 1 where prevalence is left as it is."""
    if np.isnan(prevalence):
        return np.ones_like(n_positive)
    return ratio(n_positive * (1 - prevalence), n_negative * prevalence) if prevalence > 0 else np.nan * n_positive


def _ranked(sides: Sides, metric: str, prevalence: float, weights: Weights | Numbers) -> Numbers:
    found = []
    for order in sides.orders:
        if not order.steps:
            found.append(np.full(weights.shape[1], np.nan))
            continue
        gain, negatives = order.by_step @ weights, order.by_segment @ weights
        n_positive, n_negative = (part.sum(axis=0, dtype=np.float64) for part in (gain, negatives))
        negatives *= _factor(n_positive, n_negative, prevalence).astype(negatives.dtype)
        ap, auroc = order.from_sums(gain, negatives)
        found.append(ap if metric == "ap" else auroc)
    return np.stack(found, axis=1)
