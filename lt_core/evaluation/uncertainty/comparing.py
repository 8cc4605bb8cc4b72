"""Paired differences between models: the same draws for all, so that what the images do to both cancels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lt_core.charts.palette import GROUPS
from lt_core.evaluation.ratios import ratio
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty.answering import by_patient
from lt_core.evaluation.uncertainty.cells import Cells, cells_of
from lt_core.evaluation.uncertainty.closed import Interval, square_and_add
from lt_core.evaluation.uncertainty.comparison import Comparison, power_factor, verdicts
from lt_core.evaluation.uncertainty.drawing import METRICS, Draws, draw
from lt_core.evaluation.uncertainty.evaluating import checked_groups, point_values
from lt_core.evaluation.uncertainty.intervals import intervals_of
from lt_core.evaluation.uncertainty.multiple import adjusted, strictest
from lt_core.evaluation.uncertainty.pairing import Pair, paired
from lt_core.evaluation.uncertainty.resampled import correlations, percentile, two_sided
from lt_core.problems import Invalid, Unknown
from lt_core.stats.intervals import Z95

Numbers = NDArray[np.float64]
PRIOR = 3.0
"""Positives that the correlation of two models must outweigh; chosen by ``benchmarks/coverage.py``."""
ADDED_PLAINLY = ("f1", "f_beta", "brier", "ece")
"""Measures whose differences hold 95 % or more without."""
FEW = 20
"""Positives below which differences of Brier are cautious."""


def compare(
    a: Scored,
    b: Scored,
    *,
    metric: str = "f1",
    thresholds_a: ArrayLike = 0.5,
    thresholds_b: ArrayLike = 0.5,
    groups: Sequence[str] | None = None,
    draws: int = 1000,
    seed: int = 0,
    correction: str = "holm",
    beta: float = 2.0,
) -> Comparison:
    """Return B minus A in ``metric``, class by class, per group and on average; see ``Comparison``.

    Images are matched by id and classes by name; what is in one model alone is left out and counted in ``notes``.
    ``groups`` names "head", "medium" or "tail" per class of ``a``. Both models get the same ``draws`` of patients. A
    class's interval adds up those of both models with the correlation of their draws, and its p-value is that of the
    interval: below 0.05 exactly where it leaves out 0. Means have percentiles of the paired differences, and p-values
    from the same draws. Verdicts per class, and per group, go by p-values corrected for how many they are.
    """
    known = [name for name in METRICS if name != "prevalence"]
    if metric not in known:
        raise Unknown.of("metric", metric, known)
    if draws < 2:
        raise Invalid(f"a comparison needs at least 2 draws, got {draws}")
    checked_groups(groups, a.class_names)
    pair = paired(a, b, thresholds_a, thresholds_b)
    cells = [cells_of(pair.a, pair.thresholds_a), cells_of(pair.b, pair.thresholds_b)]
    values = [point_values(one, beta)[metric] for one in cells]
    drawn = [draw(one, (metric,), n_draws=draws, seed=seed, beta=beta, pooled=False) for one in cells]
    member = np.array([groups[k] for k in pair.kept_classes]) if groups is not None else None
    return Comparison(
        title_a=a.title,
        title_b=b.title,
        metric=metric,
        n=len(pair.a),
        n_patients=cells[0].n_units if pair.a.patients is not None else None,
        draws=draws,
        seed=seed,
        correction=correction,
        classes=_classes(pair, cells, metric, values, drawn, member, correction, beta),
        groups=_groups(cells[0], metric, values, drawn, member, correction),
        macro=_macro(cells[0], metric, values, drawn),
        notes=(*pair.notes, *cautions(metric, cells[0].truth.sum(axis=0))),
    )


def cautions(metric: str, positives: NDArray[np.integer]) -> tuple[str, ...]:
    """Return in sentences where intervals of differences did not hold 95 % in simulation (docs/evaluation.md)."""
    said = []
    if metric in ("recall", "balanced_accuracy", "auroc"):
        said.append(
            f"Intervals of differences of macro and group means of {metric.replace('_', ' ')} held 92 % in simulation, "
            "not 95 %: read those that end near 0 with care."
        )
    if metric == "brier" and (positives < FEW).any():
        said.append(
            f"Intervals of differences of Brier with fewer than {FEW} positives held 99 % in simulation: they are "
            "wider than they need be."
        )
    return tuple(said)


def _classes(
    pair: Pair, cells: list[Cells], metric: str, values: list[Numbers], drawn: list[Draws],
    member: NDArray[np.str_] | None, correction: str, beta: float,
) -> pd.DataFrame:  # fmt: skip
    table: dict[str, object] = {"name": list(pair.a.class_names)}
    table["group"] = list(member) if member is not None else ""
    table["n_positive"] = cells[0].truth.sum(axis=0)
    found = [
        intervals_of(one, {metric: value}, draws, beta=beta, metrics=(metric,))[metric]
        for one, value, draws in zip(cells, values, drawn, strict=True)
    ]
    positives = (by_patient(cells[0].truth, cells[0]) > 0).sum(axis=0)
    low, high = added(metric, values, found, drawn, positives)
    gap = values[1] - values[0]
    toward = np.where(gap > 0, gap - low, high - gap)
    p = np.where(np.isnan(low), np.nan, np.where(gap == 0, 1.0, two_tails(Z95 * np.abs(ratio(gap, toward)))))
    how = f"square-and-add ({found[0].method}) with the correlation of {len(drawn[0]):,} paired draws"
    error = np.where(high > low, high - low, np.nan) / (2 * Z95)
    columns = _columns(values, low, high, p, error) | {"method": how}
    return _finished(table, metric, columns, correction)


def added(
    metric: str, values: list[Numbers], found: list[Interval], drawn: list[Draws], positives: NDArray[np.int64]
) -> tuple[Numbers, Numbers]:
    """Return the intervals (C,) of B - A from those of A and of B and the correlation of their draws.

    ``closed.square_and_add``, class by class: percentiles of the paired draws hold only 83 to 91 % with ten positives.
    A correlation seen in few ``positives`` (C,) is often too high by chance and is taken down, but for
    ``ADDED_PLAINLY``.
    """
    trust = positives / np.maximum(positives + (0.0 if metric in ADDED_PLAINLY else PRIOR), 1)
    draws = [one.classes[metric] for one in drawn]
    ends = np.full((2, len(values[0])), np.nan)
    for k in range(len(values[0])):
        middle, low, high = (
            np.array([part[1][k], part[0][k]])
            for part in (values, [one.low for one in found], [one.high for one in found])
        )
        if not np.isnan([low, high]).any():
            together = correlations(np.stack([draws[1][:, k], draws[0][:, k]], axis=1))
            together[[0, 1], [1, 0]] *= trust[k]
            ends[:, k] = square_and_add(middle, low, high, np.array([1.0, -1.0]), together)
    return ends[0], ends[1]


def two_tails(z: Numbers) -> Numbers:
    """Return the chance of a normal at least ``z`` from 0, on either side."""
    from scipy.special import ndtr

    return np.asarray(2 * ndtr(-z))


def _by_draws(values: list[Numbers], drawn: list[Numbers]) -> dict[str, Numbers | str]:
    """Return the columns of a comparison from the values (K,) and the draws (B, K) of A and of B."""
    gaps = drawn[1] - drawn[0]
    low, high = percentile(gaps)
    defined = (~np.isnan(gaps)).sum(axis=0)
    mean = ratio(np.nansum(gaps, axis=0), defined)
    error = np.sqrt(ratio(np.nansum((gaps - mean) ** 2, axis=0), defined - 1.0))
    # where no draw differs from another, nothing is known of how far they could
    moves = np.where(error > 0, 0.0, np.nan)
    columns = _columns(values, low + moves, high + moves, two_sided(gaps), error + moves)
    return columns | {"method": f"paired bootstrap percentile of {len(gaps):,} draws"}


def _columns(
    values: list[Numbers], low: Numbers, high: Numbers, p: Numbers, error: Numbers
) -> dict[str, Numbers | str]:
    gap = values[1] - values[0]
    lost = np.where(np.isnan(gap), np.nan, 0.0)
    return {
        "a": values[0], "b": values[1], "difference": gap, "low": low + lost, "high": high + lost,
        "p": p + lost, "error": error + lost,
    }  # fmt: skip


def _finished(table: dict[str, object], metric: str, found: dict[str, Numbers | str], correction: str) -> pd.DataFrame:
    p = np.asarray(found["p"], dtype=np.float64)
    found = found | {"p_adjusted": adjusted(p, correction)}
    table |= {name: found[name] for name in ("a", "b", "difference", "low", "high", "p", "p_adjusted")}
    table["verdict"] = verdicts(metric, found["difference"], found["p_adjusted"])
    error = np.asarray(found["error"], dtype=np.float64)
    table |= {"smallest_detectable": power_factor(strictest(p, correction)) * error, "method": found["method"]}
    return pd.DataFrame(table)


def _means(
    cells: Cells, metric: str, values: list[Numbers], drawn: list[Draws], which: list[NDArray[np.bool_]]
) -> tuple[dict[str, object], dict[str, Numbers | str]]:
    """Return the means over the classes of each mask in ``which`` that are defined for both models."""
    both = ~np.isnan(values[0]) & ~np.isnan(values[1])
    masks = [mask & both for mask in which]
    means = [np.array([ratio(v[m].sum(), m.sum()) for m in masks]) for v in values]
    draws = [np.stack([d.mean(metric, m) for m in masks], axis=1) for d in drawn]
    counts: dict[str, object] = {"n_classes": [int(m.sum()) for m in masks]}
    counts["n_positive"] = [int(cells.truth[:, m].sum()) for m in masks]
    return counts, _by_draws(means, draws)


def _groups(
    cells: Cells, metric: str, values: list[Numbers], drawn: list[Draws], member: NDArray[np.str_] | None,
    correction: str,
) -> pd.DataFrame:  # fmt: skip
    names = [name for name in GROUPS if member is not None and (member == name).any()]
    if not names:
        return pd.DataFrame()
    counts, found = _means(cells, metric, values, drawn, [np.asarray(member == name) for name in names])
    return _finished({"group": names} | counts, metric, found, correction)


def _macro(cells: Cells, metric: str, values: list[Numbers], drawn: list[Draws]) -> pd.DataFrame:
    counts, found = _means(cells, metric, values, drawn, [np.ones(cells.n_classes, np.bool_)])
    return _finished(counts, metric, found, "none")
