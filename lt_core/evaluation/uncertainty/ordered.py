"""Average precision and AUROC of any weighting of the images, from one sorting."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.ratios import ratio

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Numbers = NDArray[np.float64]
Places = NDArray[np.int32]
RANKED = ("ap", "auroc")


class Influence(NamedTuple):
    """How AP and AUROC answer to a little more weight on an image, (n,) each: dT / dw_i at weights of 1; 0 where the
    image is unknown. They sum to 0, and the sum of their squares (over patients, of the sums within each) is the
    variance of the infinitesimal jackknife (Efron 1982)."""

    ap: Numbers
    auroc: Numbers


@dataclass(frozen=True, eq=False, repr=False)
class Order:
    """The images of one class from the highest score down, as the steps where a positive comes in.

    Neither measure asks in which order the negatives stand that lie between two positives, only how much they weigh
    together: L steps of equal positive scores, 2 L + 1 segments of negatives (above step 0, tied with it, between 0 and
    1, ..., below the last), or L + 1 where no negative is tied with a positive (``ties``). ``positive`` and
    ``negative`` are rows, the highest score first; ``step_of`` and ``segment_of``, as long, say where each stands.
    ``repeated`` says that a row may stand there several times (``by_row``).
    """

    positive: Places
    negative: Places
    step_of: Places
    segment_of: Places
    steps: int
    rows: int
    ties: bool
    repeated: bool = False

    @classmethod
    def of(cls, scores: Numbers, truth: NDArray[np.bool_], known: NDArray[np.bool_]) -> Order:
        """Return the order of one class: ``scores``, ``truth`` and ``known``, (n,) each."""
        positive, high = _descending(scores, truth)
        negative, low = _descending(scores, known & ~truth)
        new = np.append(True, high[1:] != high[:-1])[: len(high)]
        levels = high[new]
        above = np.searchsorted(levels, low, side="left").astype(np.int32)
        tied = levels[np.minimum(above, len(levels) - 1)] == low if len(levels) else np.zeros(len(low), np.bool_)
        ties = bool(tied.any())
        step = (np.cumsum(new) - 1).astype(np.int32)
        return cls(positive, negative, step, 2 * above + tied if ties else above, len(levels), len(scores), ties)

    def by_row(self, rows: int) -> Order:
        """Return the order of cells laid out column by column, each standing for its row: ``weights`` are then of
        rows."""
        return replace(self, positive=self.positive % rows, negative=self.negative % rows, rows=rows, repeated=True)

    @property
    def segments(self) -> int:
        """How many stretches of negatives there are."""
        return (2 if self.ties else 1) * self.steps + 1

    @cached_property
    def by_step(self) -> csr_matrix:
        """What sums weights (n, B) of positives by step, (steps, n)."""
        return summing(self.step_of, self.positive, self.steps, self.rows)

    @cached_property
    def by_segment(self) -> csr_matrix:
        """What sums weights (n, B) of negatives by segment, (segments, n)."""
        return summing(self.segment_of, self.negative, self.segments, self.rows)

    def measures(self, weights: NDArray[Any]) -> tuple[Numbers, Numbers]:
        """Return AP and AUROC under each column of ``weights`` (n, B), whole numbers >= 0, (B,) each; NaN where 0/0.

        AP is the sum over steps of (R_k - R_{k-1}) P_k, without interpolation. AUROC is the share of pairs in which the
        positive scores higher, a tie counting one half (Mann-Whitney).
        """
        if not self.steps:
            nothing = np.full(weights.shape[1], np.nan)
            return nothing, nothing.copy()
        return self.from_sums(self.by_step @ weights, self.by_segment @ weights)

    def from_sums(self, gain: NDArray[Any], negatives: NDArray[Any]) -> tuple[Numbers, Numbers]:
        """Return AP and AUROC from the weights of the positives by step and of the ``negatives`` by segment, (., B)."""
        false, found = accumulated(negatives), accumulated(gain.copy())
        before, until = self._false(false)
        n_positive, n_negative = found[-1].astype(np.float64), false[-1].astype(np.float64)
        lost = np.einsum("sb,sb->b", gain, before + until, dtype=np.float64) / 2
        # a step of no weight gains nothing, so what it is divided by is moot
        found /= np.maximum(found + until, 1)
        return ratio(np.einsum("sb,sb->b", gain, found), n_positive), 1.0 - ratio(lost, n_positive * n_negative)

    def influence(self) -> Influence:
        """Return the influence of each image on AP and AUROC; NaN for the rows of a measure that is not defined."""
        n_positive, n_negative = len(self.positive), len(self.negative)
        if not n_positive:
            return Influence(np.full(self.rows, np.nan), np.full(self.rows, np.nan))
        gain = np.bincount(self.step_of, minlength=self.steps).astype(np.float64)
        before, until = self._false(np.cumsum(np.bincount(self.segment_of, minlength=self.segments)).astype(np.float64))
        found = np.cumsum(gain)
        called = found + until
        value = float((gain * found / called).sum() / n_positive)
        helps = _from_here_down(gain * until / called**2)
        hurts = np.append(_from_here_down(gain * found / called**2), 0.0)
        first = self.segment_of // 2 if self.ties else self.segment_of
        ap = self._by_image((found / called - value + helps)[self.step_of], -hurts[first]) / n_positive
        if not n_negative:
            return Influence(ap, np.full(self.rows, np.nan))
        placement = 1.0 - (before + until) / (2 * n_negative)
        area = float((gain * placement).sum() / n_positive)
        # positives above a negative; those tied with it count one half
        tied = np.append(gain, 0.0)[first] * (self.segment_of % 2 if self.ties else 0)
        share = (np.append(0.0, found)[first] + tied / 2) / n_positive
        auroc = self._by_image((placement - area)[self.step_of] / n_positive, (share - area) / n_negative)
        return Influence(ap, auroc)

    def _false(self, running: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the negatives above each step, and those above or tied with it, from running sums by segment."""
        return (running[0:-1:2], running[1::2]) if self.ties else (running[:-1], running[:-1])

    def _by_image(self, of_positive: Numbers, of_negative: Numbers) -> Numbers:
        """Return the sums by image of what belongs to the positives and to the negatives."""
        if not self.repeated:
            placed = np.zeros(self.rows)
            placed[self.positive], placed[self.negative] = of_positive, of_negative
            return placed
        found = np.bincount(self.positive, weights=of_positive, minlength=self.rows)
        return np.asarray(found + np.bincount(self.negative, weights=of_negative, minlength=self.rows))


def _descending(scores: Numbers, which: NDArray[np.bool_]) -> tuple[Places, Numbers]:
    """Return the rows of ``which`` from the highest score down, and their scores with the sign turned."""
    rows = np.flatnonzero(which)
    turned = -scores[rows]
    order = np.argsort(turned)  # which of several equal scores comes first changes nothing
    return rows[order].astype(np.int32), turned[order]


def _from_here_down(values: Numbers) -> Numbers:
    return np.asarray(np.cumsum(values[::-1])[::-1])


def accumulated(values: NDArray[Any]) -> NDArray[Any]:
    """Return the running sums down the columns of ``values`` (L, B), in its place where B is large.

    Row by row: ``numpy.cumsum`` goes down one column after the other, ten times slower for wide tables.
    """
    if values.shape[1] < 16:
        return np.asarray(np.cumsum(values, axis=0))
    for above, row in itertools.pairwise(values):
        row += above
    return values


def summing(place: Places, rows: Places, n_places: int, n_rows: int) -> csr_matrix:
    """Return the matrix (n_places, n_rows) whose product with weights sums them over the ``rows`` at each place, which
    must not fall."""
    from scipy.sparse import csr_matrix

    start = np.append(0, np.cumsum(np.bincount(place, minlength=n_places))).astype(np.int32)
    return csr_matrix((np.ones(len(rows), np.float32), rows, start), shape=(n_places, n_rows))
