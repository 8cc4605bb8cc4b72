"""Statistics and class counts of a loaded data set, whether it has images or only published counts."""

from __future__ import annotations

import numpy as np

from lt_core.datasets.class_counts import ClassCounts
from lt_core.datasets.labeled_images import LabeledImages
from lt_core.stats.groups import Grouping, groups_of
from lt_core.stats.label_sets import LabelSets
from lt_core.stats.label_stats import LabelStats, label_stats
from lt_core.stats.pair_counts import PairCounts
from lt_core.stats.prior import ClassPrior


def label_stats_of_counts(counts: ClassCounts, *, scheme: str | Grouping = "relative") -> LabelStats:
    """Return what class counts alone can say; what needs single rows (negatives, label sets) is None.

    Published counts do not say how many of the other images are negative and how many unknown.
    A single-label set is the exception: each image has its one label.
    """
    positives = np.asarray(counts.positives, dtype=np.int64)
    single = counts.kind == "single"
    rule = Grouping.of(scheme)
    names = tuple(counts.class_names)
    pairs = PairCounts.of_matrix(np.diag(positives) if counts.pairs is None else counts.pairs)
    return LabelStats(
        class_names=names,
        n_samples=int(counts.n_samples),
        positives=positives,
        negatives=counts.n_samples - positives if single else None,
        unknown=np.zeros_like(positives) if single else None,
        group=groups_of(positives, scheme=rule, class_names=names),
        pair_counts=pairs if single or counts.pairs is not None else None,
        images_by_labels=np.array([0, counts.n_samples], np.int64) if single else None,
        n_label_sets=int((positives > 0).sum()) if single else None,
        warnings=(f"{counts.title}: published class counts without images; what needs single images is not known",),
        label_sets=_one_each(positives) if single else None,
        grouping=rule,
    )


def stats_of(
    dataset: LabeledImages | ClassCounts, part: str | None = None, *, scheme: str | Grouping = "relative"
) -> LabelStats:
    """Return the statistics of one part of ``dataset``, or of all its rows for None.

    Head, medium and tail follow the training part wherever there is one, also for another part or for all rows,
    so that a class is in the same group everywhere. ``scheme`` is a ``Grouping`` or what ``Grouping.of`` reads.
    Raises ``Unknown`` for a part that is not there.
    """
    if isinstance(dataset, ClassCounts):
        return label_stats_of_counts(dataset, scheme=scheme)
    rows = None if part is None else dataset.rows(part)
    matrix, uncertain = dataset.matrix, dataset.uncertain
    if rows is not None:
        matrix = matrix[rows] if isinstance(matrix, np.ndarray) else matrix.take(rows)
        uncertain = None if uncertain is None else uncertain[rows]
    return label_stats(
        matrix,
        dataset.class_names,
        train_positives=prior_of(dataset).positives.astype(np.int64) if _has_train(dataset) else None,
        scheme=scheme,
        warnings=dataset.warnings,
        uncertain=uncertain,
        n_inputs=dataset.n_inputs,
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


def _one_each(positives: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> LabelSets:
    """Return the label sets of a single-label set: one class each."""
    seen = np.flatnonzero(positives)
    return LabelSets(np.arange(len(seen) + 1), seen.astype(np.int32), positives[seen], len(positives))


def _has_train(dataset: LabeledImages) -> bool:
    return dataset.split is not None and bool((dataset.split == "train").any())
