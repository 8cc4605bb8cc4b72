"""In which order a run sees its training images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def plain(labels: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return every row of ``labels`` (N, C) once, shuffled, (N,)."""
    return rng.permutation(len(labels))


def class_aware(labels: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return N rows of ``labels`` (N, C): a class with positives uniformly, then one of its images uniformly.

    The sampling that the distribution-balanced loss presumes (Shen et al., 2016; Wu et al., 2020, Sec. 3.1).
    Images without a positive are never drawn.
    """
    present = labels == 1
    columns = np.flatnonzero(present.any(axis=0))
    if not len(columns):
        return plain(labels, rng)
    classes = rng.choice(columns, size=len(labels))
    rows = np.empty(len(labels), dtype=np.intp)
    for column in columns:
        chosen = classes == column
        rows[chosen] = rng.choice(np.flatnonzero(present[:, column]), size=int(chosen.sum()))
    return rows


SAMPLERS = {"plain": plain, "class-aware": class_aware}
