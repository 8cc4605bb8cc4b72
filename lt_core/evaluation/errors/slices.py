"""Any measure in each slice of a column, class by class, and how far it is from the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lt_core.evaluation.errors.bands import Slices, sliced
from lt_core.evaluation.errors.shares import apart, reaching_zero
from lt_core.evaluation.errors.slice_means import means, value_of
from lt_core.evaluation.ratios import ratio
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty.answering import by_patient
from lt_core.evaluation.uncertainty.cells import Cells, cells_of, checked_thresholds
from lt_core.evaluation.uncertainty.comparison import BETTER, LOWER_IS_BETTER, UNDECIDED, WORSE
from lt_core.evaluation.uncertainty.drawing import METRICS, draw
from lt_core.evaluation.uncertainty.evaluating import checked_beta
from lt_core.evaluation.uncertainty.intervals import intervals_of
from lt_core.evaluation.uncertainty.multiple import adjusted
from lt_core.problems import Invalid, Problem, Unknown

Numbers = NDArray[np.float64]
CLOSED = ("prevalence", "precision", "recall", "specificity", "npv", "f1", "balanced_accuracy", "auroc")
"""Metrics whose intervals need no draws."""
LEAST = 5
"""Patients with a positive, in the slice and in the rest, below which there is no verdict."""
DIFFERS = "differs"
"""Verdict on prevalence, of which neither direction is better."""


@dataclass(frozen=True, eq=False, repr=False)
class Sliced:
    """``metric`` in every slice of ``slices``; ``table`` has one row for each slice and class.

    slice, class; n (images of known truth), n_positive, n_patients (NaN where not known), prevalence; value with low
    and high; rest with n_rest and n_positive_rest = all other images; difference = slice - rest, difference_low,
    difference_high, p, p_adjusted, verdict ("better", "worse", "cannot tell"; on prevalence "differs") and note, which
    says what is too small. NaN where not defined. ``macro`` has one row for each slice, the mean over classes (see
    ``slice_means.means``), with p_adjusted and verdict too; none where it was not asked for.
    """

    slices: Slices
    metric: str
    table: pd.DataFrame
    method: str
    correction: str
    draws: int
    macro: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def tests(self) -> pd.DataFrame:
        """The rows of ``table`` that are tests of their own: of two slices each is the rest of the other."""
        return own_tests(self.table, self.slices)

    def __repr__(self) -> str:
        sure = int((self.tests["verdict"] != UNDECIDED).sum())
        return f"Sliced({self.metric} by {self.slices.column}: {len(self.table)} rows, {sure} differ from the rest)"


def by_slice(
    scored: Scored,
    column: str,
    thresholds: ArrayLike = 0.5,
    *,
    metric: str = "f1",
    classes: Sequence[str] | None = None,
    edges: tuple[float, ...] | None = None,
    columns: pd.DataFrame | None = None,
    draws: int = 1000,
    seed: int = 0,
    beta: float = 2.0,
    correction: str = "holm",
    macro: bool = False,
) -> Sliced:
    """Return ``metric`` (of ``METRICS``) of ``classes`` (None: all) in each slice of ``column``; see ``sliced``.

    ``columns`` (n rows) stand in for ``scored.columns``. Values and intervals of a slice are those of ``evaluate`` on
    its images. The interval of a difference is MOVER of the two (Zou and Donner, Statistics in Medicine 2008), taken as
    independent, so a patient with images in both makes it a little wide; p is the level at which it would reach 0, with
    arms that grow like those of a normal. p is corrected for all rows that could be tested; of two slices, which are
    tested against each other, for those of one. ``macro`` asks for the mean over classes too, which takes ``draws``;
    its p are corrected for how many slices there are. There is no verdict with fewer than ``LEAST`` patients with a
    positive on either side (for measures of negatives alone: with a negative). Raises ``Problem`` without columns,
    ``Unknown`` for no such column, metric or class.
    """
    known = columns if columns is not None else scored.columns
    if known is None or not len(known.columns):
        raise Problem("nothing but the labels is known of these images, so there is nothing to slice by")
    if len(known) != len(scored):
        raise Invalid(f"columns must have a row for each of {len(scored)} images, got {len(known)}")
    if metric not in METRICS:
        raise Unknown.of("metric", metric, list(METRICS))
    some, at = _only(scored, classes, thresholds)
    cut = sliced(known, column, edges)
    parts = [cut.mask(name) for name in cut.names]
    needs = 0 if metric in CLOSED else draws
    settings = _Settings(metric, at, needs, seed, checked_beta(beta))
    rows = [_rows(some, name, mask, settings) for name, mask in zip(cut.names, parts, strict=True)]
    table = pd.concat(rows, ignore_index=True)
    method = str(table["method"].iloc[0])
    judged = _judged(table.drop(columns="method"), metric, correction, cut)
    mean = pd.DataFrame()
    if macro:
        mean = means(some, cut, at, metric, draws=draws, seed=seed, beta=settings.beta, least=LEAST)
        mean = _judged(mean, metric, correction, cut) if len(mean) else mean
    return Sliced(cut, metric, judged, method, correction, needs, mean)


def own_tests(table: pd.DataFrame, cut: Slices) -> pd.DataFrame:
    """Return the rows of ``table`` that are tests of their own: of two slices those of the first."""
    return table[table["slice"] == cut.names[0]] if len(cut.names) == 2 else table


@dataclass(frozen=True, eq=False)
class _Settings:
    metric: str
    thresholds: Numbers
    draws: int
    seed: int
    beta: float


def _only(scored: Scored, classes: Sequence[str] | None, thresholds: ArrayLike) -> tuple[Scored, Numbers]:
    """Return ``scored`` with some of its classes; of single-label images all stay, for the largest score decides."""
    at = checked_thresholds(thresholds, len(scored.class_names), scale=scored.probabilities is not None)
    for name in classes or ():
        if name not in scored.class_names:
            raise Unknown.of("class", name, list(scored.class_names))
    if classes is None or scored.kind == "single":
        return scored, at
    kept = [scored.class_names.index(name) for name in classes]
    some = replace(
        scored,
        class_names=tuple(classes),
        scores=scored.scores[:, kept],
        probabilities=None if scored.probabilities is None else scored.probabilities[:, kept],
        targets=scored.targets[:, kept],
    )
    return some, at[kept]


@dataclass(frozen=True, eq=False)
class _Side:
    value: Numbers
    low: Numbers
    high: Numbers
    n: Numbers
    n_positive: Numbers
    patients: Numbers
    """With a positive, or, for measures of negatives alone, with a negative."""
    method: str


def _side(scored: Scored, settings: _Settings) -> _Side:
    """Return the measure of some images, NaN for all classes where there are none."""
    c = len(scored.class_names)
    if not len(scored):
        nothing, none = np.full(c, np.nan), np.zeros(c)
        return _Side(nothing, nothing, nothing, none, none, none, "")
    cells = cells_of(scored, settings.thresholds)
    name = settings.metric
    values = {name: value_of(cells, name, settings.beta)}
    drawn = None
    if settings.draws:
        drawn = draw(cells, (name,), n_draws=settings.draws, seed=settings.seed, beta=settings.beta, pooled=False)
    found = intervals_of(cells, values, drawn, beta=settings.beta, metrics=(name,))[name]
    return _Side(
        values[name], found.low, found.high, cells.known.sum(axis=0).astype(np.float64),
        cells.truth.sum(axis=0).astype(np.float64), _deciding(cells, name), found.method,
    )  # fmt: skip


def _deciding(cells: Cells, metric: str) -> Numbers:
    """Return how many patients the measure rests on, (C,)."""
    negatives = cells.known & ~cells.truth
    positive, negative = (
        np.asarray((by_patient(part, cells) > 0).sum(axis=0), dtype=np.float64) for part in (cells.truth, negatives)
    )
    if metric in ("specificity", "npv"):
        return negative
    return np.minimum(positive, negative) if metric in ("auroc", "balanced_accuracy", "mcc") else positive


def _rows(scored: Scored, name: str, mask: NDArray[np.bool_], settings: _Settings) -> pd.DataFrame:
    inside, outside = _side(scored.only(mask), settings), _side(scored.only(~mask), settings)
    gap, low, high = apart(inside.value, (inside.low, inside.high), outside.value, (outside.low, outside.high))
    table = pd.DataFrame(
        {
            "slice": name, "class": list(scored.class_names),
            "n": inside.n.astype(np.int64), "n_positive": inside.n_positive.astype(np.int64),
            "n_patients": len(np.unique(scored.units[mask])) if scored.patients is not None else np.nan,
            "prevalence": ratio(inside.n_positive, inside.n),
            "value": inside.value, "low": inside.low, "high": inside.high,
            "rest": outside.value, "rest_low": outside.low, "rest_high": outside.high,
            "n_rest": outside.n.astype(np.int64), "n_positive_rest": outside.n_positive.astype(np.int64),
            "difference": gap, "difference_low": low, "difference_high": high,
            "p": reaching_zero(gap, low, high), "method": inside.method,
        }
    )  # fmt: skip
    fewest = np.minimum(inside.patients, outside.patients)
    unsaid = np.isnan(gap) & (fewest > 0)
    table["note"] = [
        _note(few, bool(lost), settings.metric, len(outside.n) > 0 and outside.n.max() == 0)
        for few, lost in zip(fewest, unsaid, strict=True)
    ]
    return table


def _note(fewest: float, undefined: bool, metric: str, alone: bool) -> str:
    what = "negatives" if metric in ("specificity", "npv") else "positives"
    if alone:
        return "there is no other slice"
    if fewest == 0:
        return f"no {what} in the slice or in the rest"
    if undefined:
        return "not defined on one side"
    return f"fewer than {LEAST} patients with {what} on one side" if fewest < LEAST else ""


def _judged(table: pd.DataFrame, metric: str, correction: str, cut: Slices) -> pd.DataFrame:
    p = table["p"].where(table["note"] == "").to_numpy(dtype=np.float64)
    once = len(own_tests(table, cut))  # the first rows; of two slices those of the second are the same tests again
    corrected = np.tile(adjusted(p[:once], correction), len(p) // once)
    sure = (corrected <= 0.05) & (table["difference"] != 0).to_numpy()
    up = (table["difference"] > 0).to_numpy() != (metric in LOWER_IS_BETTER)
    words = np.where(up, BETTER, WORSE) if metric != "prevalence" else np.full(len(table), DIFFERS)
    verdict = np.where(sure, words, UNDECIDED)
    return table.assign(p=p, p_adjusted=corrected, verdict=verdict)
