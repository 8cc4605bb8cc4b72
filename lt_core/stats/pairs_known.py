"""For pairs of classes with unknown labels: in how many images both are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lt_core.problems import Invalid
from lt_core.stats.label_stats import LabelStats

_CHUNK = 1 << 20
"""Rows per matrix product: float32 counts up to 2**24 exactly, and a chunk stays small in memory."""


@dataclass(frozen=True, eq=False, repr=False)
class KnownTogether:
    """What two classes are counted on: the images of which both labels are known ("pairwise complete").

    ``images`` (C, C) is symmetric. ``positives[a, b]`` (C, C) is the number of these images that have class a.
    """

    images: NDArray[np.int64]
    positives: NDArray[np.int64]

    def __repr__(self) -> str:
        return f"KnownTogether({len(self.images)} classes)"


def known_together(labels: NDArray[np.floating]) -> KnownTogether:
    """Return the pairwise complete counts of ``labels`` (N, C) in {0, 1, NaN}."""
    c = labels.shape[1]
    images, positives = np.zeros((c, c), np.int64), np.zeros((c, c), np.int64)
    for start in range(0, len(labels), _CHUNK):
        rows = labels[start : start + _CHUNK]
        known = (~np.isnan(rows)).astype(np.float32)
        present = (rows == 1).astype(np.float32)
        images += (known.T @ known).astype(np.int64)
        positives += (present.T @ known).astype(np.int64)
    return KnownTogether(images, positives)


def n_complete(stats: LabelStats) -> int | None:
    """Return the number of images every class is known of, where each image is known wholly or not at all; else None.

    Published counts do not say which labels are unknown: there, all images count.
    """
    if stats.unknown is None or not stats.unknown.any():
        return stats.n_samples
    if stats.images_by_labels is None:
        return None
    nothing_known = stats.n_samples - int(stats.images_by_labels.sum())
    return stats.n_samples - nothing_known if (stats.unknown == nothing_known).all() else None


def margins(
    stats: LabelStats, a: NDArray[np.integer], b: NDArray[np.integer], known: KnownTogether | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return (n_a, n_b, n), each (P,): the images with a, with b, and all, among those of which both are known.

    Raises ``Invalid`` where single labels are unknown and ``known`` is not given.
    """
    if known is not None:
        return known.positives[a, b], known.positives[b, a], known.images[a, b]
    n = n_complete(stats)
    if n is None:
        raise Invalid("pairs: some labels of some images are unknown, so pairs need known = known_together(labels)")
    return stats.positives[a], stats.positives[b], np.full(len(a), n, np.int64)
