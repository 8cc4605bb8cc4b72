"""The shortcut probe: is a class found because of another one that often stands beside it?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lt_core.evaluation.errors.shares import Share, equal_p, newcombe
from lt_core.evaluation.errors.two_sides import Sides, drawn_sides, measured
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty.answering import by_patient
from lt_core.evaluation.uncertainty.cells import Cells, cells_of
from lt_core.evaluation.uncertainty.closed import design_effect
from lt_core.evaluation.uncertainty.multiple import adjusted
from lt_core.evaluation.uncertainty.resampled import expanded, percentile, two_sided
from lt_core.evaluation.uncertainty.weights import blocks
from lt_core.problems import Invalid, Problem, Unknown
from lt_core.stats.intervals import wilson

Numbers = NDArray[np.float64]
PROBED = ("recall", "f1", "ap", "auroc")
"""The metrics of ``shortcut_probe``."""
BETTER, WORSE, UNDECIDED = "better with", "worse with", "cannot tell"
LEAST = 5
"""Positives on each side below which there is no verdict."""


@dataclass(frozen=True, eq=False, repr=False)
class Probe:
    """How well ``name`` is found with and without each other class; ``table`` has one row for each of these.

    beside (the other class A); n_with, n_without = images with and without A; n_positive_with, n_positive_without =
    those that have the class itself; prevalence_with, prevalence_without; value_with with low_with and high_with, and
    so for without; difference = with - without, difference_low, difference_high, p, p_adjusted, verdict ("better
    with", "worse with", "cannot tell") and note. NaN where not defined. ``prevalence`` is the one both sides were
    brought to, NaN where they were left as they are.
    """

    name: str
    metric: str
    table: pd.DataFrame
    prevalence: float
    correction: str
    draws: int
    method: str

    def __repr__(self) -> str:
        sure = int((self.table["verdict"] != UNDECIDED).sum())
        return f"Probe({self.metric} of {self.name} beside {len(self.table)} classes, {sure} differ)"


def shortcut_probe(
    scored: Scored,
    name: str,
    thresholds: ArrayLike = 0.5,
    *,
    metric: str = "f1",
    equal_prevalence: bool = True,
    draws: int = 1000,
    seed: int = 0,
    correction: str = "holm",
) -> Probe:
    """Return ``metric`` of class ``name`` in the images with, and in those without, each other class A.

    A network that finds the class by its companion does worse without it: recall is then higher beside A. F1 and AP
    rise with prevalence alone, and where two findings come together the class is more frequent beside A: so
    ``equal_prevalence`` weighs the negatives of both sides until the class is as frequent as among all images; then
    F1 = 2 q r / (q r + (1 - q) f + q) for prevalence q, recall r and false alarm rate f. Recall and AUROC do not
    depend on prevalence. Images whose truth for the class or for A is unknown are on neither side.

    Recall has Wilson's interval, its difference Newcombe's and Fisher's test, with the design effect of patients. The
    other metrics have percentiles of ``draws`` bootstrap draws of patients, the same for both sides, so that a patient
    with images on both sides counts as one; the interval of a side is expanded for its few positive patients
    (``resampled.expanded``). p is corrected for the number of classes. There is no verdict where a side has fewer than
    ``LEAST`` positives. Raises ``Problem`` for single-label images, which never have two classes.
    """
    if metric not in PROBED:
        raise Unknown.of("metric of the probe", metric, list(PROBED))
    if name not in scored.class_names:
        raise Unknown.of("class", name, list(scored.class_names))
    if metric != "recall" and draws < 2:
        raise Invalid(f"the probe needs at least 2 draws, got {draws}")
    if scored.kind == "single":
        raise Problem("every image has one class here, so none stands beside another: the probe needs several labels")
    cells = cells_of(scored, thresholds)
    column = scored.class_names.index(name)
    others = [c for c in range(cells.n_classes) if c != column]
    known = cells.known[:, [column]] & cells.known[:, others]
    masks = known & cells.truth[:, others], known & ~cells.truth[:, others]
    n_known = int(cells.known[:, column].sum())
    target = int(cells.truth[:, column].sum()) / n_known if equal_prevalence and n_known else np.nan
    table = _counted(cells, column, others, masks)
    if metric == "recall":
        found, method = _by_counts(cells, column, masks), "Wilson, Newcombe and Fisher"
    else:
        found = _by_draws(cells, column, masks, metric, target, draws, seed)
        method = f"bootstrap percentile, {draws:,} draws of {'patients' if cells.clustered else 'images'}"
    table = _verdicts(table.assign(**found), correction)
    shown = target if metric in ("f1", "ap") else np.nan
    return Probe(name, metric, table, shown, correction, draws if metric != "recall" else 0, method)


def _counted(
    cells: Cells, column: int, others: list[int], masks: tuple[NDArray[np.bool_], NDArray[np.bool_]]
) -> pd.DataFrame:
    table: dict[str, object] = {"beside": [cells.class_names[c] for c in others]}
    for side, mask in zip(("with", "without"), masks, strict=True):
        table[f"n_{side}"] = mask.sum(axis=0)
        table[f"n_positive_{side}"] = (mask & cells.truth[:, [column]]).sum(axis=0)
    found = pd.DataFrame(table)
    for side in ("with", "without"):
        found[f"prevalence_{side}"] = found[f"n_positive_{side}"] / found[f"n_{side}"].where(found[f"n_{side}"] > 0)
    return found


def _by_counts(cells: Cells, column: int, masks: tuple[NDArray[np.bool_], NDArray[np.bool_]]) -> dict[str, Numbers]:
    shares = []
    for mask in masks:
        positive = mask & cells.truth[:, [column]]
        k, n = by_patient(positive & cells.called[:, [column]], cells), by_patient(positive, cells)
        effect = design_effect(k, n) if cells.clustered else np.ones(mask.shape[1])
        shares.append(Share.of(k.sum(axis=0), n.sum(axis=0), effect))
    gap, low, high = newcombe(*shares)
    found = {"difference": gap, "difference_low": low, "difference_high": high, "p": equal_p(*shares)}
    for side, share in zip(("with", "without"), shares, strict=True):
        found |= {f"value_{side}": share.value, f"low_{side}": share.ends[0], f"high_{side}": share.ends[1]}
    return found


def _by_draws(
    cells: Cells, column: int, masks: tuple[NDArray[np.bool_], NDArray[np.bool_]], metric: str, target: float,
    draws: int, seed: int,
) -> dict[str, Numbers]:  # fmt: skip
    both = Sides.of(cells, column, np.concatenate(masks, axis=1))
    value = measured(both, metric, target)
    weights = (part for _, part in blocks(cells.units, cells.n_units, draws, seed))
    drawn = drawn_sides(both, metric, target, weights)
    patients = (by_patient(both.positive, cells) > 0).sum(axis=0).astype(np.float64)
    low, high = percentile(drawn, expanded(patients))
    # [1, 1] for three of three in every draw would be a lie: there the interval is that of a share of the patients
    still = np.fmax.reduce(drawn, axis=0) - np.fmin.reduce(drawn, axis=0) < 1e-6
    spare = wilson(np.nan_to_num(value) * patients, patients)
    low, high = np.where(still, spare[0], low), np.where(still, spare[1], high)
    low, high = np.fmin(low, value), np.fmax(high, value)
    lost = 0.0 * value
    k = masks[0].shape[1]
    gap = drawn[:, :k] - drawn[:, k:]
    gap_low, gap_high = percentile(gap)
    missing = lost[:k] + lost[k:]
    return {
        "value_with": value[:k], "low_with": (low + lost)[:k], "high_with": (high + lost)[:k],
        "value_without": value[k:], "low_without": (low + lost)[k:], "high_without": (high + lost)[k:],
        "difference": value[:k] - value[k:], "difference_low": gap_low + missing, "difference_high": gap_high + missing,
        "p": two_sided(gap) + missing,
    }  # fmt: skip


def _verdicts(table: pd.DataFrame, correction: str) -> pd.DataFrame:
    fewest = table[["n_positive_with", "n_positive_without"]].min(axis=1)
    p = table["p"].where(fewest >= LEAST)
    corrected = adjusted(p.to_numpy(dtype=np.float64), correction)
    sure = corrected <= 0.05
    verdict = np.where(sure & (table["difference"] > 0), BETTER, np.where(sure, WORSE, UNDECIDED))
    verdict = np.where(table["difference"] == 0, UNDECIDED, verdict)
    notes = [
        "no positive on one side" if few == 0 else f"fewer than {LEAST} positives on one side" if few < LEAST else ""
        for few in fewest
    ]
    return table.assign(p=p, p_adjusted=corrected, verdict=verdict, note=notes)
