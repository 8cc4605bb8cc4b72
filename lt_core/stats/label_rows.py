"""The label rows of a data set, equal ones once: all that the force on an untrained model depends on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.class_counts import ClassCounts
from lt_core.datasets.labeled_images import LabeledImages


def label_rows(
    dataset: LabeledImages | ClassCounts, *, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64], str]:
    """Return the distinct label rows (n, C) in {0, 1, NaN}, the images of each (n,), and where they come from.

    Of a set with parts, the training part. Published counts do not say which labels occur together: there, each
    class's positives are put on images drawn with ``seed``, independently of the other classes.
    """
    if isinstance(dataset, LabeledImages):
        has_train = dataset.split is not None and bool((dataset.split == "train").any())
        labels = dataset.labels[dataset.rows("train" if has_train else None)]
        return *_distinct(np.where(np.isnan(labels), -1, labels).astype(np.int8)), (
            "the labels of the training part" if has_train else "the labels of all images"
        )
    if dataset.kind == "single":
        seen = np.flatnonzero(dataset.positives)
        rows = np.eye(dataset.n_classes, dtype=np.float32)[seen]
        return rows, np.asarray(dataset.positives[seen], np.int64), "the published class counts"
    random = np.random.default_rng(seed)
    drawn = np.zeros((dataset.n_samples, dataset.n_classes), np.int8)
    for c, n in enumerate(dataset.positives.tolist()):
        drawn[random.choice(dataset.n_samples, n, replace=False), c] = 1
    return *_distinct(drawn), "the published class counts, with labels put on images at random"


def _distinct(labels: NDArray[np.int8]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the distinct rows of ``labels`` (N, C), -1 as NaN, and how often each occurs."""
    if not labels.size:
        return labels.astype(np.float32), np.ones(len(labels), np.int64)
    packed = np.ascontiguousarray(labels).view(np.dtype((np.void, labels.shape[1])))
    _, first, count = np.unique(packed.ravel(), return_index=True, return_counts=True)
    rows = labels[first].astype(np.float32)
    return np.where(rows < 0, np.float32(np.nan), rows), count.astype(np.int64)
