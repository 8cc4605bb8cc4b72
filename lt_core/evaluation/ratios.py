"""The one place where 0/0 is decided: it is not defined, NaN here and ``null`` in JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> NDArray[np.float64]:
    """Return ``numerator / denominator`` element by element, NaN where the denominator is 0."""
    above, below = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    return np.asarray(np.divide(above, below, out=np.full(below.shape, np.nan), where=below != 0))


def mean_defined(values: Iterable[float]) -> tuple[float, int]:
    """Return the plain mean of the values that are defined, and how many those are; (NaN, 0) where none is."""
    known = [float(value) for value in values if not math.isnan(value)]
    return (math.fsum(known) / len(known) if known else math.nan), len(known)


def or_none(value: float) -> float | None:
    """Return ``value``, or None where it is not defined, as JSON wants it."""
    return float(value) if math.isfinite(value) else None
