"""Means over classes and over images, with their intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.ratios import ratio
from lt_core.evaluation.uncertainty.cells import Cells
from lt_core.evaluation.uncertainty.closed import Interval, square_and_add
from lt_core.evaluation.uncertainty.counted import counted, counts_of
from lt_core.evaluation.uncertainty.drawing import METRICS, MICRO, Draws
from lt_core.evaluation.uncertainty.evaluation import Value
from lt_core.evaluation.uncertainty.intervals import WITHOUT_DRAWS
from lt_core.evaluation.uncertainty.resampled import correlations, percentile

Numbers = NDArray[np.float64]
AVERAGED = tuple(name for name in METRICS if name != "prevalence")
SQUARED = "square-and-add of the classes' intervals, correlations from the draws"


def mean_over_classes(
    values: dict[str, Numbers], found: dict[str, Interval], drawn: Draws | None, which: NDArray[np.bool_]
) -> dict[str, Value]:
    """Return the plain mean of each metric over the classes ``which`` (C,) where it is defined; see ``mean_of``."""
    return {name: mean_of(name, values[name], found[name], drawn, which) for name in AVERAGED}


def mean_of(name: str, values: Numbers, found: Interval, drawn: Draws | None, which: NDArray[np.bool_]) -> Value:
    """Return the plain mean of the metric ``name`` over the classes ``which`` (C,) where it is defined.

    Its interval adds up the intervals of the classes (``closed.square_and_add``): percentiles of the mean's own draws
    inherit how far the draws of a class with ten positives are off. Percentiles where a class has no interval. Ends
    stay where a mean can be: in [0, 1], of MCC in [-1, 1].
    """
    mine = which & ~np.isnan(values)
    n = int(mine.sum())
    mean = float(ratio(values[mine].sum(), n))
    if drawn is None or not n:
        return Value(mean, np.nan, np.nan, WITHOUT_DRAWS, n)
    low, high = found.low[mine], found.high[mine]
    if np.isnan(low).any():
        return _by_percentile(mean, drawn.mean(name, mine), n)
    together = correlations(drawn.classes[name][:, mine])
    low_end, high_end = square_and_add(values[mine], low, high, np.full(n, 1 / n), together)
    if name == "ap":  # of few positives it is too high on average, and in a mean that does not cancel
        low_end -= max(float(np.nanmean(drawn.mean(name, mine))) - mean, 0.0)
    least = -1.0 if name == "mcc" else 0.0
    return Value(mean, max(low_end, least), min(high_end, 1.0), SQUARED, n)


def weighted(values: dict[str, Numbers], drawn: Draws | None, support: Numbers) -> dict[str, Value]:
    """Return the mean of each metric over classes, weighted by their positives ``support`` (C,)."""
    found = {}
    for name in AVERAGED:
        defined = ~np.isnan(values[name])
        mean = float(ratio((values[name] * support)[defined].sum(), support[defined].sum()))
        found[name] = _by_percentile(mean, None if drawn is None else drawn.weighted(name), int(defined.sum()))
    return found


def micro(cells: Cells, drawn: Draws | None, beta: float) -> dict[str, Value]:
    """Return the metrics of all cells of all classes thrown together."""
    ap, auroc = cells.pooled_order.measures(np.ones((len(cells), 1)))
    found = counted(counts_of(cells).sum(axis=1), beta) | {"ap": ap[0], "auroc": auroc[0]}
    return {name: _by_percentile(float(found[name]), None if drawn is None else drawn.micro[name]) for name in MICRO}


def over_images(images: dict[str, Numbers], drawn: Draws | None) -> dict[str, Value]:
    """Return the means over ``images`` {name: (n,)} (``of_images``): sets and orders of classes, accuracy, top-k."""
    found = {}
    for name, values in images.items():
        mean = float(ratio(np.nansum(values), np.count_nonzero(~np.isnan(values))))
        found[name] = _by_percentile(mean, None if drawn is None else drawn.whole[name])
    return found


def _by_percentile(value: float, drawn: Numbers | None, n: int | None = None) -> Value:
    if drawn is None:
        return Value(value, np.nan, np.nan, WITHOUT_DRAWS, n)
    low, high = percentile(drawn[:, None])
    return Value(value, float(low[0]), float(high[0]), "bootstrap percentile", n)
