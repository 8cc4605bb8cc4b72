"""Every measure of a data set's labels, with its definition beside its value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lt_core.stats.definitions import OF_SET, Kind
from lt_core.stats.imbalance import entropy, tcs
from lt_core.stats.label_report import or_none
from lt_core.stats.label_stats import LabelStats


@dataclass(frozen=True)
class Measure:
    """One measure of one data set: ``value`` (None = not known or not defined), what it means, and the n behind it.

    ``n`` is the number of images, classes or cells that the value is a mean, share or count of.
    """

    key: str
    name: str
    value: float | int | None
    definition: str
    formula: str
    source: str
    n: int | None
    kind: Kind

    def __str__(self) -> str:
        return f"{self.name}: {self.shown()}"

    def shown(self) -> str:
        """Return the value as a reader wants it: 1,234 or 12.3 % or 7.197."""
        if self.value is None:
            return "not defined"
        if self.kind == "count":
            return f"{self.value:,.0f}"
        if self.kind == "share":
            return f"{self.value:.2%}"
        return f"{self.value:,.0f}" if abs(self.value) >= 1000 else f"{self.value:.4g}"


def measures(stats: LabelStats, *, n_inputs: int | None = None) -> tuple[Measure, ...]:
    """Return the measures of ``stats`` in the order of ``definitions.OF_SET``.

    ``n_inputs``, the number of input attributes of an image, overrules what the data set says of it.
    """
    values = {**_plain(stats, n_inputs), **_of_counts(stats), **_of_sets(stats)}
    return tuple(
        Measure(key, d.name, values[key][0], d.text, d.formula, d.source, values[key][1], d.kind)
        for key, d in OF_SET.items()
    )


def measure_table(found: tuple[Measure, ...]) -> pd.DataFrame:
    """Return one row a measure: ``measure, value, shown, n, definition, formula, source``; NaN where not defined."""
    return pd.DataFrame(
        {
            "measure": [m.name for m in found],
            "value": [np.nan if m.value is None else float(m.value) for m in found],
            "shown": [m.shown() for m in found],
            "n": pd.array([m.n for m in found], dtype="Int64"),
            "definition": [m.definition for m in found],
            "formula": [m.formula for m in found],
            "source": [m.source for m in found],
        }
    )


Values = dict[str, tuple[float | int | None, int | None]]


def _plain(stats: LabelStats, n_inputs: int | None) -> Values:
    n, c = stats.n_samples, len(stats.class_names)
    inputs = stats.n_inputs if n_inputs is None else n_inputs
    sets = stats.n_label_sets
    score = None if inputs is None or sets is None else or_none(tcs(inputs, c, sets))
    with_set = None if stats.images_by_labels is None else int(stats.images_by_labels.sum())
    return {
        "n_samples": (n, None),
        "n_classes": (c, None),
        "unknown": (None if stats.unknown is None else int(stats.unknown.sum()), n * c),
        "uncertain": (None if stats.uncertain is None else int(stats.uncertain.sum()), n * c),
        "cardinality": (stats.cardinality, n),
        "density": (stats.density, n),
        "tcs": (score, inputs),
        "n_without_label": (stats.n_without_label, with_set),
        "n_multi_label": (stats.n_multi_label, with_set),
        "max_labels": (stats.max_labels, with_set),
    }


def _of_counts(stats: LabelStats) -> Values:
    c, counts = len(stats.class_names), stats.positives
    present = int((counts > 0).sum())
    bits = or_none(entropy(counts))
    return {
        "imbalance_ratio": (stats.imbalance_ratio, present),
        "mean_ir": (stats.mean_ir, present),
        "cvir": (stats.cvir, present),
        "gini": (stats.gini, c),
        "entropy": (bits, int(counts.sum())),
        "normalised_entropy": (None if bits is None or c < 2 else bits / float(np.log2(c)), int(counts.sum())),
        "below_10": (int((counts < 10).sum()), c),
        "below_100": (int((counts < 100).sum()), c),
    }


def _of_sets(stats: LabelStats) -> Values:
    sets, found = stats.label_sets, stats.scumble
    keys = ("scumble", "scumble_cv", "n_unique_sets", "unique_share", "max_set", "tail_only")
    number: Values = {"n_label_sets": (stats.n_label_sets, None if sets is None else int(sets.n.sum()))}
    if sets is None or found is None or stats.images_by_labels is None:
        return number | dict.fromkeys(keys, (None, None))
    images = int(sets.n.sum())
    unique = int((sets.n == 1).sum())
    tail = np.array([group == "tail" for group in stats.group], np.float64)
    only = (sets.mean_of_labels(tail) == 1) & (sets.sizes > 0)
    labelled = images - int(stats.images_by_labels[0])
    return number | {
        "scumble": (or_none(found.mean), images),
        "scumble_cv": (or_none(found.cv), images),
        "n_unique_sets": (unique, len(sets)),
        "unique_share": (unique / images if images else None, images),
        "max_set": (int(sets.n.max()) if images else None, images),
        "tail_only": (int(sets.n[only].sum()) / labelled if labelled else None, labelled),
    }
