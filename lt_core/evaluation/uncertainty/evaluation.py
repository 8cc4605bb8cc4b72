"""What an evaluation found, and how it is written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.evaluation.ratios import or_none
from lt_core.evaluation.uncertainty.drawing import METRICS


class Value(NamedTuple):
    """A number with the ends of its 95 % interval (NaN = not defined), how those were made, and, for a mean over
    classes, over how many classes it is."""

    value: float
    low: float
    high: float
    method: str
    n_classes: int | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """What ``evaluate`` found.

    ``classes`` has one row a class, in class order: class, group, n_positive, n_negative, n_known, tp, fp, fn, tn,
    threshold, then ``<metric>``, ``<metric>_low``, ``<metric>_high`` and ``<metric>_method`` for each of ``METRICS``,
    NaN where not defined, and ``warning``, a sentence or "". ``macro`` and ``groups`` are plain means over the classes
    where the metric is defined, ``weighted`` weighs them by their positives, ``micro`` is of all cells together,
    ``whole`` holds the means over images (``by_image``, and accuracy and top-k for single-label sets). ``confusion``
    (C, C), true class by row, is of single-label sets. ``warnings`` are of the averages, ``notes`` are those of the
    predictions.
    """

    title: str
    part: str
    kind: str
    n: int
    n_patients: int | None
    beta: float
    draws: int
    seed: int
    classes: pd.DataFrame
    macro: dict[str, Value]
    weighted: dict[str, Value]
    micro: dict[str, Value]
    whole: dict[str, Value]
    groups: dict[str, dict[str, Value]]
    confusion: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        f1 = self.macro["f1"].value
        said = "not defined" if np.isnan(f1) else f"{f1:.3f}"
        return f"Evaluation({self.title or self.part}: {self.n} images, {len(self.classes)} classes, macro F1 {said})"

    def as_json(self) -> dict[str, Any]:
        """Return one JSON object; what is not defined is None.

        ``classes`` is a list of objects with ``name``, the counts, ``<metric>``, ``<metric>_low``, ``<metric>_high``
        and ``methods``; the averages are objects of the same keys, with ``n_<metric>``, the classes averaged over.
        """
        entry: dict[str, Any] = {
            "n": self.n,
            "n_patients": self.n_patients,
            "kind": self.kind,
            "part": self.part,
            "draws": self.draws,
            "seed": self.seed,
            "beta": self.beta,
            "classes": [_row(row) for row in self.classes.to_dict("records")],
            "macro": _values(self.macro),
            "weighted": _values(self.weighted),
            "micro": _values(self.micro),
            "whole": _values(self.whole),
            "groups": {name: _values(values) for name, values in self.groups.items()},
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }
        if self.confusion is not None:
            entry |= {"confusion": self.confusion.tolist(), "accuracy": or_none(self.whole["accuracy"].value)}
            entry["balanced_accuracy"] = or_none(self.macro["recall"].value)
        return entry


def _row(row: dict[Any, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": row["class"], "group": row["group"] or None}
    entry |= {name: int(row[name]) for name in ("n_positive", "n_negative", "n_known", "tp", "fp", "fn", "tn")}
    entry["threshold"] = or_none(row["threshold"])
    for name in METRICS:
        entry |= {key: or_none(row[key]) for key in (name, f"{name}_low", f"{name}_high")}
    entry["methods"] = {name: row[f"{name}_method"] for name in METRICS}
    return entry | {"warning": row["warning"] or None}


def _values(values: dict[str, Value]) -> dict[str, float | int | None]:
    entry: dict[str, float | int | None] = {}
    for name, value in values.items():
        entry |= {name: or_none(value.value), f"{name}_low": or_none(value.low), f"{name}_high": or_none(value.high)}
        if value.n_classes is not None:
            entry[f"n_{name}"] = value.n_classes
    return entry
