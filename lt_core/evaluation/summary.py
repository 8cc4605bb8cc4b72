"""One evaluation of one run: classes, macro and micro averages, head/medium/tail means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from lt_core.charts.palette import GROUPS
from lt_core.evaluation.metrics import METRICS, confusion, micro_ranking, per_class, threshold_metrics
from lt_core.evaluation.predictions import Predictions
from lt_core.evaluation.ratios import mean_defined, or_none, ratio
from lt_core.problems import Invalid

Numbers: TypeAlias = dict[str, float | int | None]
"""Named numbers ready for JSON; None = not defined."""


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """What ``report`` found; every number in [0, 1] or a count, None (NaN in ``classes``) where not defined.

    ``classes`` is the table of ``per_class`` with a column ``group`` ("" where groups were not given); ``macro`` and
    each of ``groups`` hold plain means over the classes where the value is defined, beside ``n_<metric>``, how many
    those are; ``micro`` is over all cells together. ``accuracy`` and ``balanced_accuracy`` are for single-label sets.
    """

    n: int
    part: str
    kind: str
    classes: pd.DataFrame
    macro: Numbers
    micro: Numbers
    groups: dict[str, Numbers]
    accuracy: float | None = None
    balanced_accuracy: float | None = None

    def __repr__(self) -> str:
        f1 = self.macro["f1"]
        return f"Report({self.part}: {self.n} images, {len(self.classes)} classes, macro F1 {_said(f1)})"

    def as_json(self) -> dict[str, Any]:
        """Return the JSON object of ``evaluate --json``; a value that is not defined is None, never NaN."""
        entry: dict[str, Any] = {
            "n": self.n,
            "classes": [_row(row) for row in self.classes.to_dict("records")],
            "macro": dict(self.macro),
            "micro": dict(self.micro),
            "groups": {name: dict(values) for name, values in self.groups.items()},
        }
        if self.kind == "single":
            entry |= {"accuracy": self.accuracy, "balanced_accuracy": self.balanced_accuracy}
        return entry


def report(predictions: Predictions, *, threshold: ArrayLike = 0.5, groups: Sequence[str] | None = None) -> Report:
    """Return the evaluation of ``predictions`` at ``threshold`` (a number or (C,) array; unused for single-label sets).

    ``groups`` is "head", "medium" or "tail" per class, from the training counts the run was made with
    (``stats.groups_of``); without it the three group means are not defined.
    """
    names = predictions.class_names
    if groups is not None and (len(groups) != len(names) or not set(groups) <= set(GROUPS)):
        raise Invalid(f"groups must be one of {', '.join(GROUPS)} for each of {len(names)} classes, got {list(groups)}")
    table = per_class(predictions, thresholds=threshold)
    table["group"] = list(groups) if groups is not None else ""
    accuracy = balanced = None
    if predictions.kind == "single":
        accuracy, balanced = or_none(_accuracy(predictions)), or_none(mean_defined(table["recall"])[0])
    return Report(
        n=len(predictions),
        part=predictions.part,
        kind=predictions.kind,
        classes=table,
        macro=_means(table),
        micro=_micro(predictions, threshold),
        groups={name: _group(table[table["group"] == name]) for name in GROUPS},
        accuracy=accuracy,
        balanced_accuracy=balanced,
    )


def _means(table: pd.DataFrame) -> Numbers:
    """Return the mean of each metric over the classes where it is defined, and how many those are."""
    found = {name: mean_defined(table[name]) for name in ("f1", "ap", "auroc", "precision", "recall")}
    means: Numbers = {name: or_none(mean) for name, (mean, _) in found.items()}
    return means | {f"n_{name}": count for name, (_, count) in found.items()}


def _group(table: pd.DataFrame) -> Numbers:
    return _means(table) | {"n_classes": len(table), "n_positive": int(table["n_positive"].sum())}


def _micro(predictions: Predictions, threshold: ArrayLike) -> Numbers:
    """Return the metrics of all cells together, as if they were one class."""
    at_threshold = threshold_metrics(confusion(predictions, threshold).total())
    by_rank = micro_ranking(predictions)
    values = at_threshold | {"ap": by_rank.ap, "auroc": by_rank.auroc}
    return {name: or_none(values[name][0]) for name in ("f1", "precision", "recall", "ap", "auroc")}


def _accuracy(predictions: Predictions) -> float:
    """Return the share of rows whose arg-max is the true class, among rows whose class is known."""
    known = (predictions.targets == 1).any(axis=1)
    right = predictions.targets[known, predictions.logits[known].argmax(axis=1)] == 1
    return float(ratio(np.count_nonzero(right), np.count_nonzero(known)))


def _row(row: dict[Any, Any]) -> dict[str, Any]:
    """Return one class as JSON: the contract's keys first, then group and intervals."""
    ends = [f"{name}_{end}" for name in ("precision", "recall", "f1") for end in ("low", "high")]
    entry: dict[str, Any] = {"name": row["class"], "n_positive": int(row["n_positive"])}
    entry |= {name: or_none(row[name]) for name in ("threshold", *METRICS)}
    return entry | {"group": row["group"] or None} | {name: or_none(row[name]) for name in ends}


def _said(value: float | int | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"
