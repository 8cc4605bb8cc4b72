"""In which order a run sees its training images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Sampler = Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.intp]]
"""``(labels (N, C) with NaN for unknown, rng) -> rows`` of one epoch; how many rows is the sampler's to say."""

REPEAT_THRESHOLD = 0.05
"""Share of the images below which a class is repeated: what is rare for the equalization loss here, too.

The 0.001 of LVIS is made for 1,203 classes in 100,000 images; in a set of a few thousand images no class is below it.
"""


def plain(labels: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return every row of ``labels`` (N, C) once, shuffled, (N,)."""
    return rng.permutation(len(labels))


def class_aware(labels: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return N rows of ``labels`` (N, C): a class with positives uniformly, then one of its images uniformly.

    The sampling that the distribution-balanced loss presumes (Shen et al., 2016; Wu et al., 2020, Sec. 3.1).
    Images without a positive are never drawn.
    """
    return _class_first(labels, rng, power=0.0)


def square_root(labels: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return N rows of ``labels`` (N, C): class c with a probability like sqrt(n_c), then one of its images uniformly.

    Half-way between ``plain`` (n_c) and ``class_aware`` (1) on the exponent: q = 1/2 in Kang et al., 2020, Eq. 1, from
    Mahajan et al., 2018. Images without a positive are never drawn.
    """
    return _class_first(labels, rng, power=0.5)


def repeat_factor(
    labels: NDArray[np.float32], rng: np.random.Generator, *, threshold: float = REPEAT_THRESHOLD
) -> NDArray[np.intp]:
    """Return the rows of ``labels`` (N, C), each r_i times on average and at least once, shuffled, (>= N,).

    r_c = max(1, sqrt(t / f_c)) with f_c = n_c / N and t = ``threshold``; r_i is the largest r_c of the image's classes,
    1 without any. The fractional part of r_i is rounded up with that probability, anew each epoch, so that the length
    of an epoch varies a little (Gupta et al., LVIS, 2019, Sec. 5.1).
    """
    repeats = repeats_of(labels, threshold=threshold)
    whole = np.floor(repeats)
    times = whole + (rng.random(len(labels)) < repeats - whole)
    return rng.permutation(np.repeat(np.arange(len(labels)), times.astype(np.intp)))


def repeats_of(labels: NDArray[np.float32], *, threshold: float = REPEAT_THRESHOLD) -> NDArray[np.float64]:
    """Return r_i (N,) >= 1, how often ``repeat_factor`` shows each image on average."""
    present = labels == 1
    share = present.sum(axis=0) / max(1, len(labels))
    factors = np.maximum(1.0, np.sqrt(threshold / np.where(share > 0, share, np.inf)))
    return np.asarray(np.where(present, factors, 1.0).max(axis=1, initial=1.0), dtype=np.float64)


def _class_first(labels: NDArray[np.float32], rng: np.random.Generator, *, power: float) -> NDArray[np.intp]:
    """Return N rows: a class with a probability like n_c^power, then one of its images; ``plain`` without positives."""
    present = labels == 1
    columns = np.flatnonzero(present.any(axis=0))
    if not len(columns):
        return plain(labels, rng)
    weights = present[:, columns].sum(axis=0) ** power
    classes = rng.choice(columns, size=len(labels), p=weights / weights.sum() if power else None)
    rows = np.empty(len(labels), dtype=np.intp)
    for column in columns:
        chosen = classes == column
        rows[chosen] = rng.choice(np.flatnonzero(present[:, column]), size=int(chosen.sum()))
    return rows


SAMPLERS: dict[str, Sampler] = {
    "plain": plain,
    "class-aware": class_aware,
    "square-root": square_root,
    "repeat-factor": repeat_factor,
}
