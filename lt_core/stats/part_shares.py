"""How often each part shows each class, against the training part."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.labeled_images import PARTS, LabeledImages
from lt_core.datasets.sparse import SparseLabels
from lt_core.datasets.splits.units import positives_of, units_of_names
from lt_core.stats.intervals import wilson
from lt_core.stats.shift_tests import design_effects, difference_interval, holm, independence_p

Numbers = NDArray[np.float64]


def part_shares(dataset: LabeledImages, *, min_ratio: float = 1.25, alpha: float = 0.05) -> pd.DataFrame:
    """Return one row for each class and part that is there, the parts of a class together.

    Columns: ``class, part, positives``; ``known``, the images whose label is known; ``prevalence`` with its 95 %
    interval ``low, high``; ``target``, the part's share of all images; ``share``, its share of the class's positives;
    ``design_effect``; ``against``, the part compared with (train, or the first there is), and ``reference``, its
    prevalence; ``difference, difference_low, difference_high, p, p_holm, flagged``, NaN and false in the rows of that
    part. Intervals and tests use counts divided by ``design_effect`` where patients are known. Empty without parts.
    """
    parts = [part for part in PARTS if dataset.split is not None and (dataset.split == part).any()]
    counts = [_counts(dataset, part) for part in parts]
    c = dataset.n_classes
    x, n, effect = (np.array([entry[k] for entry in counts]).reshape(len(parts), c) for k in range(3))
    sizes = np.array([len(dataset.rows(part)) for part in parts], np.float64)
    low, high = wilson(x / effect, n / effect)
    compared = _against_first(x, n, effect)
    share = np.divide(x, x.sum(axis=0), out=np.full(x.shape, np.nan), where=x.sum(axis=0) > 0)
    prevalence = np.divide(x, n, out=np.full(x.shape, np.nan), where=n > 0)
    reference = np.broadcast_to(prevalence[:1], x.shape)
    frame = pd.DataFrame(
        {
            "class": np.tile(np.array(dataset.class_names, object), len(parts)),
            "part": np.repeat(np.array(parts, object), c),
            "positives": x.ravel().astype(np.int64),
            "known": n.ravel().astype(np.int64),
            "prevalence": prevalence.ravel(),
            "low": low.ravel(),
            "high": high.ravel(),
            "target": np.repeat(sizes / max(sizes.sum(), 1), c),
            "share": share.ravel(),
            "design_effect": effect.ravel(),
            "against": parts[0] if parts else "",
            "reference": reference.ravel(),
        }
        | {name: value.ravel() for name, value in compared.items()}
    )
    large, small = np.maximum(prevalence, reference).ravel(), np.minimum(prevalence, reference).ravel()
    frame["flagged"] = (frame["p_holm"] < alpha) & (large >= min_ratio * small)
    order = np.argsort(np.tile(np.arange(c), len(parts)), kind="stable")
    return frame.iloc[order].reset_index(drop=True)


def _counts(dataset: LabeledImages, part: str) -> tuple[Numbers, Numbers, Numbers]:
    """Return positives, known labels and design effect of every class in one part, (C,) each."""
    rows = dataset.rows(part)
    positives = positives_of(dataset, rows)
    if isinstance(dataset.matrix, SparseLabels):
        unknown = dataset.matrix.unknown
        known = np.ones((len(rows), 1), np.bool_) if unknown is None else ~unknown[rows][:, None]
    else:
        known = ~np.isnan(dataset.matrix[rows])
    x = np.bincount(positives.indices, minlength=dataset.n_classes).astype(np.float64)
    n = known.sum(axis=0) * np.ones(dataset.n_classes)
    if dataset.groups is None:
        return x, n, np.ones(dataset.n_classes)
    of_row, _ = units_of_names(dataset.groups[rows], len(rows))
    return x, n, design_effects(positives, known, of_row)


def _against_first(x: Numbers, n: Numbers, effect: Numbers) -> dict[str, Numbers]:
    """Compare every part (K, C) with the first; NaN in the first itself."""
    names = ("difference", "difference_low", "difference_high", "p", "p_holm")
    result = {name: np.full(x.shape, np.nan) for name in names}
    if len(x) < 2:
        return result
    a, na, b, nb = x[1:] / effect[1:], n[1:] / effect[1:], x[:1] / effect[:1], n[:1] / effect[:1]
    with np.errstate(invalid="ignore", divide="ignore"):
        result["difference"][1:] = a / na - b / nb
    result["difference_low"][1:], result["difference_high"][1:] = difference_interval(a, na, b, nb)
    result["p"][1:] = independence_p(a, na, b, nb)
    result["p_holm"] = holm(result["p"])
    return result
