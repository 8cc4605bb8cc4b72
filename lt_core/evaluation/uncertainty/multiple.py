"""p-values of many classes at once."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lt_core.problems import Unknown

Correction = Literal["holm", "benjamini-hochberg", "none"]
CORRECTIONS: tuple[Correction, ...] = ("holm", "benjamini-hochberg", "none")


def strictest(p: NDArray[np.float64], how: str = "holm", *, alpha: float = 0.05) -> float:
    """Return the level at which a class is judged when no other class of ``p`` (K,) differs: ``alpha`` over how many
    are defined, after Holm and after Benjamini and Hochberg alike; ``alpha`` without correction."""
    return alpha if how == "none" else alpha / max(int(np.count_nonzero(~np.isnan(p))), 1)


def adjusted(p: NDArray[np.float64], how: str = "holm") -> NDArray[np.float64]:
    """Return ``p`` (K,) corrected for being K, in [0, 1]; NaN stay NaN and do not count.

    "holm" bounds the chance of any false verdict (Holm, Scandinavian Journal of Statistics 1979),
    "benjamini-hochberg" the expected share of false ones among those given (Benjamini and Hochberg, JRSS B 1995).
    """
    if how not in CORRECTIONS:
        raise Unknown.of("correction", how, list(CORRECTIONS))
    found = np.array(p, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(found))
    if how == "none" or not len(known):
        return found
    order = known[np.argsort(found[known], kind="stable")]
    n = len(order)
    if how == "holm":
        steps = np.maximum.accumulate(found[order] * np.arange(n, 0, -1))
    else:
        steps = np.minimum.accumulate((found[order] * n / np.arange(1, n + 1))[::-1])[::-1]
    found[order] = np.minimum(steps, 1.0)
    return found
