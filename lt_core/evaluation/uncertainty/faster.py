"""AP and AUROC under draws of very many images: exact at the top of the list, linear below.

The negatives far down the list come in large numbers: their weights in a draw differ from their number by little, and
the measure answers to that in a straight line. So it is enough to follow the positives and the ``TOP`` highest
negatives one by one, and to add for the others the sum of (w - 1) times their influence, which costs a column of one
matrix product. Above ``MANY`` positives all of it is linear: the infinitesimal jackknife with the weights of the
bootstrap. ``benchmarks/evaluation.py`` shows both beside the plain form.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.uncertainty.ordered import Order, summing
from lt_core.evaluation.uncertainty.weights import Weights

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Numbers = NDArray[np.float64]
EXACT_CELLS = 1_000_000
"""Images times classes up to which everything is exact."""
TOP, MANY = 10_000, 10_000


@dataclass(frozen=True, eq=False)
class Ranker:
    """AP and AUROC of an order under weights. ``columns`` (n, 2 or 0) are to be multiplied with the weights."""

    order: Order
    columns: NDArray[np.float32]
    values: tuple[float, float]
    top: int | None

    @classmethod
    def of(cls, order: Order, *, exact: bool, top: int = TOP, many: int = MANY) -> Ranker:
        """Return what is ``exact``, or fast."""
        ones = np.ones((order.rows, 1), np.float64)
        nothing = np.zeros((order.rows, 0), np.float32)
        if exact or not order.steps:
            return cls(order, nothing, (np.nan, np.nan), None)
        ap, auroc = order.measures(ones)
        influence = np.stack(order.influence(), axis=1)
        if len(order.positive) > many:
            return cls(order, influence.astype(np.float32), (float(ap[0]), float(auroc[0])), 0)
        # whole segments only, so that what stays exact ends at a step
        keep = int(np.searchsorted(order.segment_of, order.segment_of[min(top, len(order.negative) - 1)], side="left"))
        deep = np.zeros(order.rows)
        deep[order.negative[keep:]] = 1.0
        return cls(order, (influence * deep[:, None]).astype(np.float32), (float(ap[0]), float(auroc[0])), keep)

    def measures(self, weights: Weights, sums: Numbers) -> tuple[Numbers, Numbers]:
        """Return AP and AUROC under ``weights`` (n, B) whose product with ``columns`` is ``sums`` (B, 2 or 0)."""
        order = self.order
        if self.top is None:
            return order.measures(weights)
        if self.top == 0:
            return self.values[0] + sums[:, 0], self.values[1] + sums[:, 1]
        sums = sums - self._at_one  # of w - 1
        high, rest = self._top
        ap, auroc = order.from_sums(order.by_step @ weights, high @ weights + rest)
        return ap + sums[:, 0], auroc + sums[:, 1]

    @cached_property
    def _at_one(self) -> Numbers:
        return np.asarray(self.columns.sum(axis=0, dtype=np.float64))

    @cached_property
    def _top(self) -> tuple[csr_matrix, Weights]:
        """Return what sums the weights of the highest negatives by segment, and how many of the others each has."""
        order = self.order
        high = summing(order.segment_of[: self.top], order.negative[: self.top], order.segments, order.rows)
        rest = np.bincount(order.segment_of[self.top :], minlength=order.segments)
        return high, rest[:, None].astype(np.float32)
