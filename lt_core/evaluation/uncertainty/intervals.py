"""Which interval each measure gets, class by class: the ones that hold 95 % in ``benchmarks/coverage.py``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.uncertainty.answering import answers, by_patient
from lt_core.evaluation.uncertainty.cells import Cells
from lt_core.evaluation.uncertainty.closed import Interval, f_interval, inflation, mean_of_two, proportion
from lt_core.evaluation.uncertainty.counted import counts_of, quadrants
from lt_core.evaluation.uncertainty.delong import auroc_interval
from lt_core.evaluation.uncertainty.drawing import METRICS, Draws
from lt_core.evaluation.uncertainty.ece import ece_interval, gaps_of
from lt_core.evaluation.uncertainty.resampled import bca, expanded, percentile
from lt_core.stats.intervals import wilson

Numbers = NDArray[np.float64]
WITHOUT_DRAWS = "none: no draws were asked for"


def intervals_of(
    cells: Cells,
    values: dict[str, Numbers],
    draws: Draws | None,
    *,
    beta: float = 2.0,
    metrics: Sequence[str] = METRICS,
) -> dict[str, Interval]:
    """Return the interval of each of ``metrics`` about its ``values``; NaN where one needs ``draws`` and has none."""
    found = _of_counts(cells)
    if "auroc" in metrics:
        found["auroc"] = auroc_interval(cells, values["auroc"])
    for name in metrics:
        if name not in found:
            found[name] = Interval(*_drawn(cells, values, draws, name, beta), _said(name, draws, cells.clustered))
    return {name: found[name] for name in metrics}


def _of_counts(cells: Cells) -> dict[str, Interval]:
    # a row for each patient, or one of all where every image is a patient of its own
    tp, fp, fn, tn = (
        (by_patient(part, cells) for part in quadrants(cells)) if cells.clustered else counts_of(cells)[:, None]
    )
    of = {
        "prevalence": (tp + fn, tp + fp + fn + tn),
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "npv": (tn, tn + fn),
    }
    how = "Wilson, Rao-Scott corrected for patients" if cells.clustered else "Wilson"
    if cells.clustered:
        found = {name: Interval(*proportion(*counts), how) for name, counts in of.items()}
    else:
        found = {name: Interval(*wilson(k.sum(axis=0), n.sum(axis=0)), how) for name, (k, n) in of.items()}
    found["f1"] = Interval(*_f(cells, tp, fp, fn, 1.0), how.replace("Wilson", "Wilson indirect"))
    middle = [of[name][0].sum(axis=0) / np.maximum(of[name][1].sum(axis=0), 1) for name in ("recall", "specificity")]
    recall, specificity = ((found[name].low, found[name].high) for name in ("recall", "specificity"))
    ends = mean_of_two(middle[0], recall, middle[1], specificity)
    return found | {"balanced_accuracy": Interval(*ends, how.replace("Wilson", "Newcombe square-and-add of Wilson"))}


def _f(cells: Cells, tp: Numbers, fp: Numbers, fn: Numbers, beta: float) -> tuple[Numbers, Numbers]:
    effect = inflation(tp, tp + fp + fn) if cells.clustered else np.ones(cells.n_classes)
    return f_interval(*(part.sum(axis=0) / effect for part in (tp, fp, fn)), beta=beta)


def _said(name: str, draws: Draws | None, clustered: bool) -> str:
    if draws is None:
        return WITHOUT_DRAWS
    how = {"ap": "expanded percentile", "ece": "test inversion"}.get(name, "BCa")
    return f"bootstrap {how}, {len(draws):,} draws of {'patients' if clustered else 'images'}"


def _drawn(
    cells: Cells, values: dict[str, Numbers], draws: Draws | None, name: str, beta: float
) -> tuple[Numbers, Numbers]:
    nothing = np.full(cells.n_classes, np.nan)
    if draws is None or (name == "ece" and draws.gaps is None):
        return nothing, nothing
    if name == "ece":
        assert draws.gaps is not None
        return ece_interval(gaps_of(cells), draws.gaps)
    drawn, value = draws.classes[name], values[name]
    spare = nothing, nothing
    if name == "ap":
        patients = (by_patient(cells.truth, cells) > 0).sum(axis=0).astype(np.float64)
        low, high = percentile(drawn, expanded(patients))
        spare = wilson(np.nan_to_num(value) * patients, patients)
    else:
        low, high = bca(drawn, value, answers(cells, (name,), beta=beta)[name])
        if name == "f_beta":
            tp, fp, fn = (by_patient(part, cells) for part in quadrants(cells)[:3])
            spare = _f(cells, tp, fp, fn, beta)
    return _unless_frozen(drawn, value, (low, high), spare)


def _unless_frozen(
    drawn: Numbers, value: Numbers, ends: tuple[Numbers, Numbers], spare: tuple[Numbers, Numbers]
) -> tuple[Numbers, Numbers]:
    """Return ``ends``, or ``spare`` where every draw says the same: [1, 1] for three of three would be a lie."""
    lowest, highest = np.fmin.reduce(drawn, axis=0), np.fmax.reduce(drawn, axis=0)
    # rounding moves a value that is the same in every draw by its last digits
    frozen, lost = ~(highest - lowest > 1e-9), np.where(np.isnan(value), np.nan, 0.0)
    return np.where(frozen, spare[0], ends[0]) + lost, np.where(frozen, spare[1], ends[1]) + lost
