"""What each way of weighting makes of class counts: the losses' own functions, side by side."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from lt_core.losses.catalogue.db import balancing_weights
from lt_core.losses.catalogue.logit_adjusted_bce import shifts as logit_shifts
from lt_core.losses.catalogue.logit_adjusted_ce import shifts as prior_shifts
from lt_core.losses.catalogue.weighted_bce import positive_weights
from lt_core.losses.effective_number import inverse_effective_number
from lt_core.losses.margins import class_margins
from lt_core.losses.registry import get_loss
from lt_core.stats.label_sets import LabelSets
from lt_core.stats.prior import ClassPrior

CELLS = 1 << 25
"""Label sets times classes up to which the mean weight of distribution-balanced loss is computed."""
_PART = 1 << 21

WEIGHTS: dict[str, str] = {
    "inverse frequency": "1 / n, with mean 1 over the classes.",
    "inverse square root": "1 / √n, with mean 1 over the classes.",
    "effective number": "(1 - β) / (1 - βⁿ), β = 0.9999, with mean 1 over the classes (Cui et al. 2019).",
    "median frequency": "Median count over n (Eigen and Fergus 2015).",
    "pos_weight": "(N - n) / n, the weight of positives in weighted binary cross-entropy; not bounded here.",
    "log prior": "log of n over all positives, added to the logits by logit-adjusted cross-entropy (Menon 2021).",
    "log odds": "log of n / (N - n), added to the logits by logit-adjusted binary cross-entropy.",
    "LDAM margin": "0.5 n^(-1/4) over that of the rarest class: the margin the class must win by (Cao et al. 2019).",
    "DB re-balancing": "Mean weight, over the images with the class, of its cell in distribution-balanced loss with "
    "its default knobs (Wu et al. 2020).",
}
"""The columns of ``class_weight_table`` and what they are."""


def class_weight_table(prior: ClassPrior, sets: LabelSets | None = None, *, beta: float = 0.9999) -> pd.DataFrame:
    """Return one row a class: ``class, positives`` and the columns of ``WEIGHTS``; a class without any counts as one.

    ``DB re-balancing`` needs the label sets; it is NaN without them, for a class without positives, and where there
    are more than ``CELLS`` label sets times classes.
    """
    counts = torch.from_numpy(prior.counts)
    n = torch.tensor(float(prior.n_samples), dtype=torch.float64)
    even = {
        "inverse frequency": 1 / counts,
        "inverse square root": counts.rsqrt(),
        "effective number": inverse_effective_number(counts, beta),
    }
    columns = {name: (w / w.mean()).numpy() for name, w in even.items()}
    columns["median frequency"] = float(np.median(prior.counts)) / prior.counts
    columns["pos_weight"] = positive_weights(counts=counts, n_samples=n, max_weight=float("inf")).numpy()
    columns["log prior"] = prior_shifts(counts=counts, tau=1.0).numpy()
    columns["log odds"] = logit_shifts(counts=counts, n_samples=n, tau=1.0).numpy()
    columns["LDAM margin"] = class_margins(counts=counts, max_margin=0.5).numpy()
    columns["DB re-balancing"] = mean_rebalancing(prior.counts, sets)
    names = list(prior.class_names) or [str(c) for c in range(prior.n_classes)]
    return pd.DataFrame({"class": names, "positives": prior.positives.astype(np.int64), **columns})


def mean_rebalancing(counts: NDArray[np.float64], sets: LabelSets | None) -> NDArray[np.float64]:
    """Return the mean re-balancing weight of each class over the images that have it, (C,); NaN where not known."""
    if sets is None or len(sets) * sets.n_classes > CELLS:
        return np.full(len(counts), np.nan)
    knobs = {p.name: float(p.default) for p in get_loss("db").params if p.name in ("alpha", "beta", "mu")}
    per_class = torch.from_numpy(np.ascontiguousarray(counts, np.float64))

    def of_row(row: torch.Tensor) -> torch.Tensor:
        return balancing_weights(counts=per_class, targets=row[None], rebalance=True, **knobs)

    total, images = np.zeros(len(counts)), np.zeros(len(counts))
    step = max(_PART // max(sets.n_classes, 1), 1)
    for start in range(0, len(sets), step):
        rows = slice(start, min(start + step, len(sets)))
        first, last = sets.indptr[rows.start], sets.indptr[rows.stop]
        targets = np.zeros((rows.stop - rows.start, sets.n_classes))
        targets[sets.owner[first:last] - start, sets.classes[first:last]] = 1
        weights = torch.func.vmap(of_row)(torch.from_numpy(targets)).numpy()
        total += sets.n[rows] @ (weights * targets)
        images += sets.n[rows] @ targets
    return np.asarray(np.divide(total, images, out=np.full(len(counts), np.nan), where=images > 0))
