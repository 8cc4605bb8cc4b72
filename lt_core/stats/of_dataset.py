"""Statistics and class counts of a loaded data set, whether it has images or only published counts."""

from __future__ import annotations

import numpy as np

from lt_core.datasets.class_counts import ClassCounts
from lt_core.datasets.labeled_images import LabeledImages
from lt_core.stats.groups import groups_of
from lt_core.stats.label_stats import LabelStats, label_stats
from lt_core.stats.prior import ClassPrior


def label_stats_of_counts(counts: ClassCounts, *, scheme: str = "relative") -> LabelStats:
    """Return what class counts alone can say; what needs single rows (negatives, label sets) is None.

    Published counts do not say how many of the other images are negative and how many unknown.
    A single-label set is the exception: each image has its one label.
    """
    positives = np.asarray(counts.positives, dtype=np.int64)
    single = counts.kind == "single"
    by_labels = np.array([0, counts.n_samples], np.int64) if single else None
    return LabelStats(
        class_names=tuple(counts.class_names),
        n_samples=int(counts.n_samples),
        positives=positives,
        negatives=counts.n_samples - positives if single else None,
        unknown=np.zeros_like(positives) if single else None,
        group=groups_of(positives, scheme=scheme),
        cooccurrence=np.diag(positives) if single else None if counts.pairs is None else counts.pairs,
        images_by_labels=by_labels,
        n_label_sets=int((positives > 0).sum()) if single else None,
        warnings=(f"{counts.title}: published class counts without images; what needs single images is not known",),
    )


def stats_of(dataset: LabeledImages | ClassCounts, part: str | None = None, *, scheme: str = "relative") -> LabelStats:
    """Return the statistics of one part of ``dataset``, or of all its rows for None.

    Head, medium and tail follow the training part wherever there is one, also for another part or for all rows,
    so that a class is in the same group everywhere. Raises ``Unknown`` for a part that is not there.
    """
    if isinstance(dataset, ClassCounts):
        return label_stats_of_counts(dataset, scheme=scheme)
    rows = dataset.rows(part)
    labels = dataset.labels if part is None else dataset.labels[rows]
    return label_stats(
        labels,
        dataset.class_names,
        train_positives=prior_of(dataset).positives.astype(np.int64) if _has_train(dataset) else None,
        scheme=scheme,
        warnings=dataset.warnings,
    )


def prior_of(dataset: LabeledImages | ClassCounts, part: str | None = "train") -> ClassPrior:
    """Return the positive counts of one part, or of all rows where the data set has no parts or ``part`` is None.

    Raises ``Unknown`` for a part that is not there.
    """
    if isinstance(dataset, ClassCounts):
        return ClassPrior(dataset.positives, dataset.n_samples, class_names=dataset.class_names)
    rows = dataset.rows(None if dataset.split is None else part)
    positives = dataset.positives(None if len(rows) == len(dataset) else rows)
    return ClassPrior(positives, len(rows), class_names=dataset.class_names)


def _has_train(dataset: LabeledImages) -> bool:
    return dataset.split is not None and bool((dataset.split == "train").any())
