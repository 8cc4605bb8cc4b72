"""What happens where a model says 0.3: the table behind a reliability curve."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from lt_core.evaluation.intervals import wilson
from lt_core.evaluation.ratios import ratio
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty.calibrated import bins_of
from lt_core.problems import Invalid, Problem


def reliability(scored: Scored, *, bins: int = 10, by: Literal["width", "number"] = "width") -> pd.DataFrame:
    """Return one row for each class and bin that holds images of known truth, in class order.

    Columns: class, bin (from 0), low, high (its edges), n, n_positive, predicted (mean probability), observed (share of
    positives), observed_low, observed_high (Wilson's 95 % interval). ``by`` width: ``bins`` equal parts of [0, 1],
    the bins of the ECE; number: parts with about as many images each, equal probabilities staying together (quantiles
    as in scikit-learn). Raises ``Problem`` for scores that are no probabilities.
    """
    if scored.probabilities is None:
        raise Problem("scores that only rank the images have no reliability: say what they are (scale)")
    if bins < 1:
        raise Invalid(f"bins must be at least 1, got {bins}")
    parts = []
    for k, name in enumerate(scored.class_names):
        known = ~np.isnan(scored.targets[:, k])
        p, y = scored.probabilities[known, k], scored.targets[known, k] == 1
        edges = np.linspace(0, 1, bins + 1)
        if by == "number" and len(p):
            edges = np.unique(np.quantile(p, edges))
        last = max(len(edges) - 2, 0)
        place = bins_of(p, bins) if by == "width" else np.searchsorted(edges[1:-1], p)
        n = np.bincount(place, minlength=last + 1)
        n_positive = np.bincount(place, weights=y, minlength=last + 1)
        low, high = wilson(n_positive, n)
        ends = edges if len(edges) > 1 else np.repeat(edges, 2)
        table = {"class": name, "bin": np.arange(last + 1), "low": ends[:-1], "high": ends[1:], "n": n}
        table |= {"n_positive": n_positive.astype(np.int64)}
        table |= {"predicted": ratio(np.bincount(place, weights=p, minlength=last + 1), n)}
        table |= {"observed": ratio(n_positive, n), "observed_low": low, "observed_high": high}
        parts.append(pd.DataFrame(table)[n > 0])
    return pd.concat(parts, ignore_index=True)
