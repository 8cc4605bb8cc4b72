"""One threshold of all classes, tuned again and again on some of the images: scores are sorted once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.cuts import Cuts
from lt_core.evaluation.thresholds import cut_at, objective

Numbers = NDArray[np.float64]
Tuner = Callable[[NDArray[np.bool_]], float]
"""From which images tune (n,) to the one threshold of all classes; NaN where the method is not defined."""


def tuner_of(values: Numbers, targets: NDArray[np.floating], method: str, target: float | None) -> Tuner:
    """Return what ``thresholds.tune`` does for one threshold of all classes, over scores that are sorted once."""
    c = values.shape[1]
    if method in ("f1", "youden"):
        return _of_the_mean([Cuts.of(values[:, k], targets[:, k]) for k in range(c)], method)
    cuts = Cuts.of(values.ravel(), targets.ravel())
    row, positive, thresholds = cuts.rows // max(c, 1), cuts.positive == 1, cuts.scores[cuts.ends]

    def at(tuning: NDArray[np.bool_]) -> float:
        kept = tuning[row]
        tp = np.cumsum(kept & positive)[cuts.ends].astype(np.float64)
        return cut_at(thresholds, tp, np.cumsum(kept)[cuts.ends] - tp, method, target)

    return at


def _of_the_mean(classes: list[Cuts], method: str) -> Tuner:
    """Return the tuner of the largest mean of F1, or of Youden's index, over the classes where it is defined."""
    every = np.concatenate([cuts.scores[cuts.ends] for cuts in classes])
    order = np.argsort(-every, kind="stable")
    every = every[order]
    last = np.append(every[1:] != every[:-1], True) if len(every) else np.zeros(0, np.bool_)

    def gains(cuts: Cuts, tuning: NDArray[np.bool_]) -> Numbers | None:
        kept = tuning[cuts.rows]
        tp = np.cumsum(kept & (cuts.positive == 1))[cuts.ends].astype(np.float64)
        fp = np.cumsum(kept)[cuts.ends] - tp
        if not len(tp) or not tp[-1] or (method == "youden" and not fp[-1]):
            return None
        return np.diff(objective(tp, fp, tp[-1], fp[-1], method), prepend=0.0)

    def at(tuning: NDArray[np.bool_]) -> float:
        found = [gains(cuts, tuning) for cuts in classes]
        if all(gain is None for gain in found):
            return np.nan
        filled = [np.zeros(len(cuts.ends)) if g is None else g for g, cuts in zip(found, classes, strict=True)]
        total = np.cumsum(np.concatenate(filled)[order])[last]
        return float(every[last][np.argmax(total >= total.max() - 1e-12)])

    return at
