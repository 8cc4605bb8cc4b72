"""Per-class precision, recall, F1, average precision and AUROC, as defined in "Definitions everyone shares"."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lt_core.evaluation.intervals import f1_interval, wilson
from lt_core.evaluation.predictions import Predictions
from lt_core.evaluation.ranking import Ranking, ranking
from lt_core.evaluation.ratios import ratio
from lt_core.problems import Invalid, Problem

METRICS = ("precision", "recall", "f1", "ap", "auroc")


class Confusion(NamedTuple):
    """True and false positives and negatives per class, (C,) each; cells of unknown truth are in none of them."""

    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    fn: NDArray[np.int64]
    tn: NDArray[np.int64]

    def total(self) -> Confusion:
        """Return the counts of all classes together, (1,) each."""
        return Confusion(*(np.asarray([counts.sum()]) for counts in self))


def per_class(predictions: Predictions, *, thresholds: ArrayLike = 0.5) -> pd.DataFrame:
    """Return one row a class, in class order; NaN = not defined.

    Columns: class, n_positive, n_negative (known labels only), threshold, precision, recall, f1, ap, auroc, all in
    [0, 1]; then 95 % intervals precision_low, precision_high, recall_*, f1_* (see ``intervals``) and the counts tp, fp,
    fn, tn. A multi-label cell is predicted positive when its probability is >= the threshold, a number or (C,) array in
    [0, 1]. Single-label sets: the arg-max against the rest, threshold NaN. Unknown labels are left out class by class.
    """
    refuse_nan(predictions)
    table: dict[str, object] = {"class": list(predictions.class_names)}
    counts = confusion(predictions, thresholds)
    table["n_positive"], table["n_negative"] = counts.tp + counts.fn, counts.fp + counts.tn
    table["threshold"] = (
        np.full(len(predictions.class_names), np.nan)
        if predictions.kind == "single"
        else _checked(thresholds, len(predictions.class_names))
    )
    at_threshold = threshold_metrics(counts)
    by_rank = ranking(scores_of(predictions), predictions.targets)
    table |= {name: at_threshold[name] for name in ("precision", "recall", "f1")}
    table |= {"ap": by_rank.ap, "auroc": by_rank.auroc}
    table |= {name: column for name, column in at_threshold.items() if name not in table}
    return pd.DataFrame(table | counts._asdict())


def confusion(predictions: Predictions, thresholds: ArrayLike = 0.5) -> Confusion:
    """Return the counts behind precision, recall and F1 at ``thresholds`` (arg-max for single-label sets)."""
    if predictions.kind == "single":
        called = np.zeros(predictions.logits.shape, dtype=np.bool_)
        if len(predictions):
            called[np.arange(len(called)), predictions.logits.argmax(axis=1)] = True
    else:
        called = predictions.probabilities >= _checked(thresholds, len(predictions.class_names))
    true, false = predictions.targets == 1, predictions.targets == 0
    cells = (called & true, called & false, ~called & true, ~called & false)
    return Confusion(*(cell.sum(axis=0, dtype=np.int64) for cell in cells))


def threshold_metrics(counts: Confusion) -> dict[str, NDArray[np.float64]]:
    """Return precision, recall and f1, each by its own denominator, and their 95 % intervals; (C,) each."""
    tp, fp, fn, _ = counts
    found = {"precision": ratio(tp, tp + fp), "recall": ratio(tp, tp + fn), "f1": ratio(2 * tp, 2 * tp + fp + fn)}
    ends = {"precision": wilson(tp, tp + fp), "recall": wilson(tp, tp + fn), "f1": f1_interval(tp, fp, fn)}
    for name, (low, high) in ends.items():
        found |= {f"{name}_low": low, f"{name}_high": high}
    return found


def micro_ranking(predictions: Predictions) -> Ranking:
    """Return AP and AUROC over all known cells of all classes thrown together, (1,) each."""
    return ranking(predictions.probabilities.reshape(-1, 1), predictions.targets.reshape(-1, 1))


def scores_of(predictions: Predictions) -> NDArray[np.floating]:
    """Return what ranks the rows within each class, (n, C).

    Logits where a sigmoid reads them: it keeps their order but rounds everything above 37 to 1, inventing ties.
    Softmax probabilities elsewhere, for there a logit alone says nothing about the other classes.
    """
    return predictions.logits if predictions.link == "sigmoid" else predictions.probabilities


def refuse_nan(predictions: Predictions) -> None:
    """Raise ``Problem`` when logits are NaN: no metric of them means anything."""
    bad = int(np.isnan(predictions.logits).any(axis=1).sum())
    if bad:
        raise Problem(
            f"{bad} of {len(predictions)} predictions on the {predictions.part} part are not numbers: "
            "the training diverged, run it again with a lower learning rate"
        )


def _checked(thresholds: ArrayLike, n_classes: int) -> NDArray[np.float64]:
    """Return (C,) thresholds, or raise ``Invalid``."""
    values = np.asarray(thresholds, dtype=np.float64)
    if values.ndim and values.shape != (n_classes,):
        raise Invalid(f"thresholds must be one number or one for each of {n_classes} classes, got shape {values.shape}")
    if not ((values >= 0) & (values <= 1)).all():
        wrong = values[~((values >= 0) & (values <= 1))].flat[0]
        raise Invalid(f"threshold must be in [0, 1], got {wrong:g}")
    return np.broadcast_to(values, (n_classes,)).copy()
