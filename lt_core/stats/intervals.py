"""The 95 % interval of a proportion, in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z95 = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


def wilson(
    successes: ArrayLike, trials: ArrayLike, *, z: float = Z95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (low, high) of Wilson's score interval for a proportion, in [0, 1]; NaN where there is no trial.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927. Unlike p +- z s it never
    leaves [0, 1] and does not shrink to a point at 0 of 3 or 3 of 3, which is where tail classes live.
    """
    k, n = np.broadcast_arrays(np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64))
    tried = n > 0
    n = np.where(tried, n, 1.0)
    centre = (k + z * z / 2) / (n + z * z)
    spread = z * np.sqrt(np.maximum(k * (n - k) / n, 0.0) + z * z / 4) / (n + z * z)
    # exact at the ends, where rounding would leave 1e-17 beside the point estimate
    low = np.where(k == 0, 0.0, centre - spread)
    high = np.where(k == n, 1.0, centre + spread)
    return np.where(tried, low, np.nan), np.where(tried, high, np.nan)
