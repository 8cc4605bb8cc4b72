"""Label statistics as tables and as one JSON object."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.stats.groups import GROUPS

if TYPE_CHECKING:
    from lt_core.stats.label_stats import LabelStats

MOST_PAIRS = 100_000
"""Pairs that the JSON object lists, the most frequent first: more would be a file of hundreds of megabytes."""


def or_none(value: float) -> float | None:
    """Return ``value``, or None where it is not a finite number, as JSON wants it."""
    return float(value) if math.isfinite(value) else None


def as_json(stats: LabelStats) -> dict[str, Any]:
    """Return the object that ``stats --json`` prints; a value that is not known or not defined is None.

    ``cooccurrence`` lists the pairs as [a, b, n], most frequent first, at most ``MOST_PAIRS`` of ``n_pairs``.
    """
    found, counted = stats.scumble, stats.pair_counts
    warnings = list(stats.warnings)
    if counted is not None and len(counted) > MOST_PAIRS:
        warnings.append(f"cooccurrence lists the {MOST_PAIRS:,} most frequent of {len(counted):,} pairs")
    return {
        "n_samples": stats.n_samples,
        "n_classes": len(stats.class_names),
        "classes": _classes(stats),
        "groups": {g: [n for n, own in zip(stats.class_names, stats.group, strict=True) if own == g] for g in GROUPS},
        "grouping": stats.grouping.as_json(),
        "imbalance_ratio": stats.imbalance_ratio,
        "mean_ir": stats.mean_ir,
        "cvir": stats.cvir,
        "gini": stats.gini,
        "scumble": None if found is None else or_none(found.mean),
        "scumble_cv": None if found is None else or_none(found.cv),
        "n_inputs": stats.n_inputs,
        "tcs": stats.tcs,
        "cardinality": stats.cardinality,
        "density": stats.density,
        "n_label_sets": stats.n_label_sets,
        "n_without_label": stats.n_without_label,
        "n_multi_label": stats.n_multi_label,
        "max_labels": stats.max_labels,
        "n_pairs": None if counted is None else len(counted),
        "cooccurrence": None if counted is None else [list(pair) for pair in stats.pairs(MOST_PAIRS)],
        "warnings": warnings,
    }


def _classes(stats: LabelStats) -> list[dict[str, Any]]:
    low, high = stats.prevalence_interval
    of_class = np.full(len(stats.class_names), np.nan) if stats.scumble is None else stats.scumble.of_class
    whole = {
        "positives": stats.positives,
        "negatives": stats.negatives,
        "unknown": stats.unknown,
        "uncertain": stats.uncertain,
    }
    real = {
        "prevalence": stats.prevalence,
        "prevalence_low": low,
        "prevalence_high": high,
        "irlbl": stats.irlbl,
        "scumble": of_class,
        "effective_number": stats.effective_number(),
    }
    return [
        {
            "name": name,
            **{key: None if counts is None else int(counts[c]) for key, counts in whole.items()},
            "group": stats.group[c],
            **{key: or_none(values[c]) for key, values in real.items()},
        }
        for c, name in enumerate(stats.class_names)
    ]


def table(stats: LabelStats) -> pd.DataFrame:
    """Return one row a class, in class order.

    Columns ``class, positives, negatives, unknown, uncertain, prevalence, prevalence_low, prevalence_high, group,
    irlbl, scumble, effective_number``. ``prevalence`` is positives over known labels (over all images where negatives
    are not known) with Wilson's 95 % interval; NaN for 0/0.
    """
    low, high = stats.prevalence_interval
    c = len(stats.class_names)
    return pd.DataFrame(
        {
            "class": list(stats.class_names),
            "positives": stats.positives,
            "negatives": _or_missing(stats.negatives, c),
            "unknown": _or_missing(stats.unknown, c),
            "uncertain": _or_missing(stats.uncertain, c),
            "prevalence": stats.prevalence,
            "prevalence_low": low,
            "prevalence_high": high,
            "group": list(stats.group),
            "irlbl": stats.irlbl,
            "scumble": np.full(c, np.nan) if stats.scumble is None else stats.scumble.of_class,
            "effective_number": stats.effective_number(),
        }
    )


def cooccurrence_table(stats: LabelStats) -> pd.DataFrame:
    """Return one row for each ordered pair of classes, the diagonal included: ``a, b, n, conditional``.

    ``n`` images have both; ``conditional`` = P(b | a) = n / n_a, in [0, 1], NaN where class a has no positive.
    Empty where co-occurrence is not known, or there are too many classes for a table of all pairs.
    """
    c = len(stats.class_names)
    counts = np.zeros((0, 0), np.int64) if stats.cooccurrence is None else stats.cooccurrence
    names = np.array(stats.class_names, dtype=object)[: len(counts)]
    given = stats.positives[: len(counts), None].astype(np.float64)
    conditional = np.divide(counts, given, out=np.full(counts.shape, math.nan), where=given > 0)
    return pd.DataFrame(
        {
            "a": np.repeat(names, c),
            "b": np.tile(names, len(names)),
            "n": counts.ravel(),
            "conditional": conditional.ravel(),
        }
    )


def labels_per_image(stats: LabelStats) -> pd.DataFrame:
    """Return how many ``images`` have how many ``labels``, from 0 to ``max_labels``; empty where not known."""
    counts = np.zeros(0, np.int64) if stats.images_by_labels is None else stats.images_by_labels
    return pd.DataFrame({"labels": np.arange(len(counts)), "images": counts})


def label_set_table(stats: LabelStats, most: int = 20) -> pd.DataFrame:
    """Return the ``most`` most frequent label sets: ``labels`` joined by " + ", ``n_labels, images, share``.

    ``share`` is of the images that have a label set. Empty where label sets are not known.
    """
    sets = stats.label_sets
    rows = [] if sets is None else sets.largest(most)
    total = 0 if sets is None else int(sets.n.sum())
    return pd.DataFrame(
        [
            (" + ".join(stats.class_names[c] for c in classes) or "(none)", len(classes), n, n / total)
            for classes, n in rows
        ],
        columns=["labels", "n_labels", "images", "share"],
    )


def _or_missing(counts: NDArray[np.int64] | None, n: int) -> pd.arrays.IntegerArray:
    values = np.zeros(n, np.int64) if counts is None else counts
    return pd.arrays.IntegerArray(values, np.full(n, counts is None))
