"""The bootstrap: every measure under every draw, from one set of weights for all classes, measures and models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.cores import each
from lt_core.evaluation.ratios import ratio
from lt_core.evaluation.uncertainty.answering import signed_gaps
from lt_core.evaluation.uncertainty.calibrated import BINS, CALIBRATED, bins_of, residuals, squared_errors
from lt_core.evaluation.uncertainty.cells import Cells
from lt_core.evaluation.uncertainty.counted import COUNTED, counted, quadrants
from lt_core.evaluation.uncertainty.ece import normal_gaps
from lt_core.evaluation.uncertainty.faster import EXACT_CELLS, Ranker
from lt_core.evaluation.uncertainty.ordered import RANKED
from lt_core.evaluation.uncertainty.weights import Weights, ahead, blocks

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Numbers = NDArray[np.float64]
METRICS = (*COUNTED, *RANKED, *CALIBRATED)
"""Measures of a class."""
MICRO = ("precision", "recall", "specificity", "npv", "f1", "f_beta", "mcc", "balanced_accuracy", *RANKED)
"""Measures of all cells of all classes thrown together."""


@dataclass(frozen=True, eq=False, repr=False)
class Draws:
    """What B draws gave: ``classes`` {metric: (B, C)}, ``micro`` and ``whole`` {metric: (B,)}; NaN where not defined.

    ``support`` (B, C) counts the positives of each draw, for weighted means. ``gaps`` (C, bins, B) are the mean over
    known images of p - y in each bin, the parts of ECE; None where they were not asked for.
    """

    classes: dict[str, Numbers]
    micro: dict[str, Numbers]
    whole: dict[str, Numbers]
    support: Numbers
    gaps: Numbers | None = None

    def __len__(self) -> int:
        return len(self.support)

    def mean(self, metric: str, which: Sequence[int] | NDArray[np.bool_] | slice = slice(None)) -> Numbers:
        """Return the plain mean over the classes ``which`` for each draw, (B,); over those that are defined in it."""
        values = self.classes[metric][:, which]
        defined = ~np.isnan(values)
        return ratio(np.where(defined, values, 0.0).sum(axis=1), defined.sum(axis=1))

    def weighted(self, metric: str) -> Numbers:
        """Return the mean over classes weighted by their positives, (B,)."""
        values = self.classes[metric]
        weight = np.where(np.isnan(values), 0.0, self.support)
        return ratio((np.nan_to_num(values) * weight).sum(axis=1), weight.sum(axis=1))


def draw(
    cells: Cells,
    metrics: Sequence[str] = METRICS,
    *,
    n_draws: int = 1000,
    seed: int = 0,
    beta: float = 2.0,
    pooled: bool = True,
    images: Mapping[str, Numbers] | None = None,
) -> Draws:
    """Return ``metrics`` under ``n_draws`` bootstrap draws of patients.

    ``pooled`` asks for the micro averages. ``images`` {name: (n,)} are values of images (``of_images``), the means of
    which are drawn too.
    """
    made = _Maker(cells, tuple(metrics), beta, pooled, images or {})
    parts = [made.of(weights) for _, weights in ahead(blocks(cells.units, cells.n_units, n_draws, seed))]
    joined = [{name: np.concatenate([part[k][name] for part in parts]) for name in parts[0][k]} for k in range(3)]
    gaps = joined[0].pop("gaps", None)
    if gaps is not None:
        gaps = np.moveaxis(gaps, 0, 2)
    elif "ece" in metrics and cells.probabilities is not None:
        gaps = normal_gaps(cells, n_draws, seed)
    return Draws(joined[0], joined[1], joined[2], joined[0].pop("support"), gaps)


class _Maker:
    """What is sorted and laid out once, and then used for every block of draws."""

    def __init__(
        self, cells: Cells, metrics: tuple[str, ...], beta: float, pooled: bool, images: Mapping[str, Numbers]
    ) -> None:
        self.cells, self.metrics, self.beta, self.pooled = cells, metrics, beta, pooled
        exact = cells.truth.size <= EXACT_CELLS
        ranked = any(name in metrics for name in RANKED)
        self.rankers = [Ranker.of(order, exact=exact) for order in (cells.orders if ranked else ())]
        self.all_cells = Ranker.of(cells.pooled_order, exact=exact) if ranked and pooled else None
        scored = cells.probabilities is not None
        self.bins = exact and scored and "ece" in metrics
        self.images = images
        tp, fp, fn, tn = quadrants(cells)
        columns: dict[str, NDArray[Any]] = {"tp": tp, "fp": fp, "fn": fn, "everyone": np.ones((len(cells), 1))}
        if not cells.known.all():  # else it is what is left of everyone
            columns["tn"] = tn
        if scored and "brier" in metrics:
            columns["brier"] = squared_errors(cells)
        if scored and "ece" in metrics and not exact:
            columns["ece"] = signed_gaps(cells)
        columns |= {f"ranker {k}": ranker.columns for k, ranker in enumerate(self.rankers)}
        columns["all cells"] = self.all_cells.columns if self.all_cells else np.zeros((len(cells), 0))
        for name, values in self.images.items():
            defined = ~np.isnan(values)
            columns[name] = np.where(defined, values, 0.0)[:, None]
            if not defined.all():
                columns[f"{name} defined"] = defined[:, None]
        ends = np.cumsum([0, *(part.shape[1] for part in columns.values())])
        self.where = {name: slice(a, b) for name, a, b in zip(columns, ends[:-1], ends[1:], strict=True)}
        # a row each, for BLAS multiplies that with the weights five times as fast as a column each
        self.columns = np.empty((ends[-1], len(cells)), np.float32)
        for name, part in columns.items():
            self.columns[self.where[name]] = part.T

    def of(self, weights: Weights) -> tuple[dict[str, Numbers], dict[str, Numbers], dict[str, Numbers]]:
        """Return (classes, micro, whole) under ``weights`` (n, b)."""
        sums = dict(self._products(weights))
        tp, fp, fn = (sums[name] for name in ("tp", "fp", "fn"))
        counts = np.stack([tp, fp, fn, sums["tn"] if "tn" in sums else sums["everyone"] - tp - fp - fn])
        known = counts.sum(axis=0)
        classes = {name: values for name, values in counted(counts, self.beta).items() if name in self.metrics}
        for name in CALIBRATED:
            if name in self.metrics:
                classes[name] = ratio(sums.get(name, np.nan * known), known)
        if self.bins:
            gaps = np.stack([matrix @ weights for matrix in self._by_bin]).astype(np.float64)  # (C, bins, b)
            classes["gaps"] = np.moveaxis(ratio(gaps, known.T[:, None, :]), 2, 0)
            classes["ece"] = np.abs(classes["gaps"]).sum(axis=2)
        if self.rankers:
            found = np.stack(
                each(lambda k: self.rankers[k].measures(weights, sums[f"ranker {k}"]), range(len(self.rankers))), axis=2
            )
            classes |= {name: found[k] for k, name in enumerate(RANKED) if name in self.metrics}
        micro = counted(counts.sum(axis=2), self.beta) if self.pooled else {}
        micro = {name: micro[name] for name in MICRO if name in micro and name in self.metrics}
        if self.all_cells is not None:
            both = self.all_cells.measures(weights, sums["all cells"])
            micro |= {name: both[k] for k, name in enumerate(RANKED) if name in self.metrics}
        whole = {}
        for name in self.images:
            whole[name] = ratio(sums[name], sums.get(f"{name} defined", sums["everyone"]))[:, 0]
        return classes | {"support": counts[0] + counts[2]}, micro, whole

    def _products(self, weights: Weights) -> Iterator[tuple[str, Numbers]]:
        """Yield the sums over images of weight times column, (b, k) for each set of columns."""
        product = (self.columns @ weights).astype(np.float64)
        for name, where in self.where.items():
            yield name, product[where].T

    @cached_property
    def _by_bin(self) -> list[csr_matrix]:
        """Return per class what sums (p - y) over the images of each bin, (bins, n)."""
        from scipy.sparse import csr_matrix

        cells, found = self.cells, []
        assert cells.probabilities is not None
        place, left = bins_of(cells.probabilities), residuals(cells).astype(np.float32)
        for k in range(cells.n_classes):
            rows = np.argsort(place[:, k], kind="stable").astype(np.int32)
            start = np.append(0, np.cumsum(np.bincount(place[:, k], minlength=BINS))).astype(np.int32)
            found.append(csr_matrix((left[rows, k], rows, start), shape=(BINS, len(cells))))
        return found
