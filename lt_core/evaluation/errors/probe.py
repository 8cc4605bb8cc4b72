"""The shortcut probe: is a class found because of another one that often stands beside it?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lt_core.evaluation.errors.shares import Ends, Share, apart, equal_p, newcombe, reaching_zero
from lt_core.evaluation.errors.two_sides import Sides, drawn_sides, measured
from lt_core.evaluation.ratios import ratio
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty.answering import by_patient
from lt_core.evaluation.uncertainty.cells import Cells, cells_of
from lt_core.evaluation.uncertainty.closed import f_interval, inflation
from lt_core.evaluation.uncertainty.delong import auroc_interval
from lt_core.evaluation.uncertainty.multiple import adjusted
from lt_core.evaluation.uncertainty.resampled import correlations, expanded, percentile
from lt_core.evaluation.uncertainty.weights import blocks
from lt_core.problems import Invalid, Problem, Unknown
from lt_core.stats.intervals import wilson

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]
PROBED = ("recall", "f1", "ap", "auroc")
"""The metrics of ``shortcut_probe``."""
DRAWN = ("ap", "auroc")
"""Those that need the bootstrap."""
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

    Recall has Wilson's interval, its difference Newcombe's and Fisher's test; F1 has Wilson's carried over (``f1_at``,
    ``closed.f_interval``), its difference MOVER and the p at which that reaches 0: closed forms, for a bootstrap says
    [0, 0] for none of six found. All with the design effect of patients; a patient on both sides makes the difference a
    little wide. AUROC has the interval it has in ``evaluate`` (``delong.auroc_interval``), AP percentiles of ``draws``
    bootstrap draws of patients, expanded for the few patients with a positive (``resampled.expanded``); the difference
    of either is MOVER with the correlation that the draws show, as a patient with images on both sides is drawn on
    both. p is corrected for the number of classes. There is no verdict
    where a side has fewer than ``LEAST`` positives. Raises ``Problem`` for single-label images, which never have two
    classes.
    """
    if metric not in PROBED:
        raise Unknown.of("metric of the probe", metric, list(PROBED))
    if name not in scored.class_names:
        raise Unknown.of("class", name, list(scored.class_names))
    if metric in DRAWN and draws < 2:
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
        found, method = _recall(cells, column, masks), "Wilson, Newcombe and Fisher"
    elif metric == "f1":
        found, method = _f1(cells, column, masks, target), "Wilson carried over to F1, MOVER for the difference"
    else:
        found = _by_draws(cells, column, masks, metric, target, draws, seed)
        said = "Bootstrap expanded percentile" if metric == "ap" else "DeLong steadied, MOVER with the correlation of"
        method = f"{said}, {draws:,} draws of {'patients' if cells.clustered else 'images'}".replace("of,", "of")
    table = _verdicts(table.assign(**found), correction)
    shown = target if metric in ("f1", "ap") else np.nan
    return Probe(name, metric, table, shown, correction, draws if metric in DRAWN else 0, method)


def _counted(cells: Cells, column: int, others: list[int], masks: tuple[Mask, Mask]) -> pd.DataFrame:
    table: dict[str, object] = {"beside": [cells.class_names[c] for c in others]}
    for side, mask in zip(("with", "without"), masks, strict=True):
        table[f"n_{side}"] = mask.sum(axis=0)
        table[f"n_positive_{side}"] = (mask & cells.truth[:, [column]]).sum(axis=0)
    found = pd.DataFrame(table)
    for side in ("with", "without"):
        found[f"prevalence_{side}"] = found[f"n_positive_{side}"] / found[f"n_{side}"].where(found[f"n_{side}"] > 0)
    return found


def _recall(cells: Cells, column: int, masks: tuple[Mask, Mask]) -> dict[str, Numbers]:
    with_, without = (_share(cells, mask & cells.truth[:, [column]], column) for mask in masks)
    gap, low, high = newcombe(with_, without)
    return _columns((with_.value, without.value), (with_.ends, without.ends), (gap, low, high), equal_p(with_, without))


def _share(cells: Cells, mask: Mask, column: int) -> Share:
    """Return the share of called images among those of ``mask`` (n, K)."""
    k, n = by_patient(mask & cells.called[:, [column]], cells), by_patient(mask, cells)
    effect = inflation(k, n) if cells.clustered else np.ones(mask.shape[1])
    return Share.of(k.sum(axis=0), n.sum(axis=0), effect)


def _f1(cells: Cells, column: int, masks: tuple[Mask, Mask], target: float) -> dict[str, Numbers]:
    values, ends = [], []
    for mask in masks:
        truth, called = cells.truth[:, [column]], cells.called[:, [column]]
        if np.isnan(target):
            parts = [by_patient(mask & part, cells) for part in (truth & called, called & ~truth, truth & ~called)]
            some = np.where((mask & truth).any(axis=0), 1.0, np.nan)
            tp, fp, fn = (part.sum(axis=0) for part in parts)
            effect = inflation(parts[0], parts[0] + parts[1] + parts[2]) if cells.clustered else 1.0
            values.append(ratio(2 * tp, 2 * tp + fp + fn) * some)
            ends.append(f_interval(tp / effect, fp / effect, fn / effect))
        else:
            hits, alarms = _share(cells, mask & truth, column), _share(cells, mask & ~truth, column)
            value, low, high = f1_at(target, hits, alarms)
            values.append(value)
            ends.append((low, high))
    found = apart(values[0], ends[0], values[1], ends[1])
    return _columns((values[0], values[1]), (ends[0], ends[1]), found, reaching_zero(*found))


def f1_at(prevalence: float, hits: Share, alarms: Share) -> tuple[Numbers, Numbers, Numbers]:
    """Return F1 at a prevalence q from recall r and false alarm rate f, and its 95 % interval, (K,) each.

    F1 = 2 q r / (q r + (1 - q) f + q) rises with r and falls with f, so each arm is made of what their Wilson arms do
    to it, added up squared (MOVER for a function of two, Zou and Donner 2008).
    """

    def at(r: Numbers, f: Numbers) -> Numbers:
        return ratio(2 * prevalence * r, prevalence * r + (1 - prevalence) * f + prevalence)

    (r_low, r_high), (f_low, f_high) = hits.ends, alarms.ends
    value = at(hits.value, alarms.value)
    down = np.hypot(value - at(r_low, alarms.value), value - at(hits.value, f_high))
    up = np.hypot(at(r_high, alarms.value) - value, at(hits.value, f_low) - value)
    return value, np.maximum(value - down, 0.0), np.minimum(value + up, 1.0)


def _columns(
    values: tuple[Numbers, Numbers], ends: tuple[Ends, Ends], gap: tuple[Numbers, Numbers, Numbers], p: Numbers
) -> dict[str, Numbers]:
    """Return the columns of the table; an interval is only where its value is."""
    found = {"difference": gap[0], "difference_low": gap[1], "difference_high": gap[2], "p": p}
    for side, value, (low, high) in zip(("with", "without"), values, ends, strict=True):
        found |= {f"value_{side}": value, f"low_{side}": low + 0.0 * value, f"high_{side}": high + 0.0 * value}
    lost = 0.0 * gap[0]
    return {name: part + lost if name[:1] in "dp" else part for name, part in found.items()}


def _by_draws(
    cells: Cells, column: int, masks: tuple[Mask, Mask], metric: str, target: float,
    draws: int, seed: int,
) -> dict[str, Numbers]:  # fmt: skip
    both = Sides.of(cells, column, np.concatenate(masks, axis=1))
    value = measured(both, metric, target)
    weights = (part for _, part in blocks(cells.units, cells.n_units, draws, seed))
    drawn = drawn_sides(both, metric, target, weights)
    patients = (by_patient(both.positive, cells) > 0).sum(axis=0).astype(np.float64)
    if metric == "auroc":
        ends = auroc_interval(both.as_cells(cells), value)
        low, high = ends.low, ends.high
    else:
        low, high = _percentiles(drawn, value, patients)
    k = masks[0].shape[1]
    with_, without = (value[:k], (low[:k], high[:k])), (value[k:], (low[k:], high[k:]))
    together = np.array([correlations(drawn[:, [c, k + c]])[0, 1] for c in range(k)])
    found = apart(*with_, *without, together)
    return _columns((with_[0], without[0]), (with_[1], without[1]), found, reaching_zero(*found))


def _percentiles(drawn: Numbers, value: Numbers, patients: Numbers) -> Ends:
    """Return the ends (K,) about ``value`` from ``drawn`` (B, K), of as many ``patients`` (K,) with a positive."""
    low, high = percentile(drawn, expanded(patients))
    # [1, 1] for three of three in every draw would be a lie, and one patient has no bootstrap: there the interval is
    # that of a share of the patients
    still = np.fmax.reduce(drawn, axis=0) - np.fmin.reduce(drawn, axis=0) < 1e-6
    spare = wilson(np.nan_to_num(value) * patients, patients)
    still |= patients < 2
    low, high = np.where(still, spare[0], low), np.where(still, spare[1], high)
    return np.fmin(low, value), np.fmax(high, value)


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
