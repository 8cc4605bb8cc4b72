"""The mean of a measure over the classes in each slice of a column, and how far it is from the rest."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.evaluation.errors.bands import Slices
from lt_core.evaluation.errors.shares import apart, reaching_zero
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty.averaging import AVERAGED, mean_of
from lt_core.evaluation.uncertainty.calibrated import CALIBRATED, calibration
from lt_core.evaluation.uncertainty.cells import Cells, cells_of
from lt_core.evaluation.uncertainty.closed import Interval
from lt_core.evaluation.uncertainty.counted import counted, counts_of
from lt_core.evaluation.uncertainty.drawing import Draws, draw
from lt_core.evaluation.uncertainty.evaluation import Value
from lt_core.evaluation.uncertainty.intervals import intervals_of
from lt_core.evaluation.uncertainty.ordered import RANKED

Numbers = NDArray[np.float64]
Side = tuple[Cells, Numbers, Interval, Draws]


def means(
    scored: Scored, cut: Slices, thresholds: Numbers, metric: str, *, draws: int, seed: int, beta: float, least: int
) -> pd.DataFrame:
    """Return a row for each slice: the plain mean of ``metric`` over the classes that are defined on both sides.

    Columns are slice, n_classes, n, n_positive (of all classes together) and those of ``Sliced.table`` from value to p;
    note says why nothing is tested, such as fewer than ``least`` patients on a side. Intervals are those of a macro
    mean (``averaging.mean_of``) from ``draws`` of patients, those of differences MOVER. Empty for prevalence and
    without draws.
    """
    if metric not in AVERAGED or not draws:
        return pd.DataFrame()

    def side(mask: NDArray[np.bool_]) -> Side | None:
        if not mask.any():
            return None
        cells = cells_of(scored.only(mask), thresholds)
        values = {metric: value_of(cells, metric, beta)}
        drawn = draw(cells, (metric,), n_draws=draws, seed=seed, beta=beta, pooled=False)
        found = intervals_of(cells, values, drawn, beta=beta, metrics=(metric,))[metric]
        return cells, values[metric], found, drawn

    masks = [cut.mask(name) for name in cut.names]
    rows = [_row(name, metric, side(mask), side(~mask), least) for name, mask in zip(cut.names, masks, strict=True)]
    table = pd.DataFrame(rows)
    inside, outside = ([table[name].to_numpy(np.float64) for name in names]
                       for names in (("value", "low", "high"), ("rest", "rest_low", "rest_high")))  # fmt: skip
    gap, low, high = apart(inside[0], (inside[1], inside[2]), outside[0], (outside[1], outside[2]))
    p = pd.Series(reaching_zero(gap, low, high)).where(table["note"] == "")
    return table.assign(difference=gap, difference_low=low, difference_high=high, p=p.to_numpy(np.float64))


def value_of(cells: Cells, metric: str, beta: float) -> Numbers:
    """Return the one metric per class, (C,): the others would cost a sorting."""
    if metric in RANKED:
        ones = np.ones((len(cells), 1))
        values = [order.measures(ones)[RANKED.index(metric)][0] for order in cells.orders]
        return np.array(values, dtype=np.float64)
    found = calibration(cells) if metric in CALIBRATED else counted(counts_of(cells), beta)
    return found[metric]


def _row(name: str, metric: str, inside: Side | None, outside: Side | None, least: int) -> dict[str, object]:
    sides = [side for side in (inside, outside) if side is not None]
    which = np.all([~np.isnan(values) for _, values, _, _ in sides], axis=0)
    found = [_mean(metric, side, which) for side in (inside, outside)]
    counts = [_counts(side) for side in (inside, outside)]
    note = "" if which.any() else "not defined on one side"
    if min(side[0].n_units for side in sides) < least:
        note = f"fewer than {least} patients on one side"
    return {
        "slice": name, "n_classes": int(which.sum()), "n": counts[0][0], "n_positive": counts[0][1],
        "value": found[0].value, "low": found[0].low, "high": found[0].high,
        "rest": found[1].value, "rest_low": found[1].low, "rest_high": found[1].high,
        "n_rest": counts[1][0], "n_positive_rest": counts[1][1],
        "note": "there is no other slice" if outside is None else note, "method": found[0].method,
    }  # fmt: skip


def _mean(metric: str, side: Side | None, which: NDArray[np.bool_]) -> Value:
    if side is None:
        return Value(np.nan, np.nan, np.nan, "")
    _, values, found, drawn = side
    return mean_of(metric, values, found, drawn, which)


def _counts(side: Side | None) -> tuple[int, int]:
    return (0, 0) if side is None else (len(side[0]), int(side[0].truth.sum()))
