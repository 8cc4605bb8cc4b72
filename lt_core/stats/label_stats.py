"""What the labels of a data set say: counts, imbalance, label sets, co-occurrence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.notes import counted, without_positives
from lt_core.datasets.sparse import SparseLabels
from lt_core.problems import Invalid
from lt_core.stats import label_report
from lt_core.stats.groups import Group, Grouping, groups_of
from lt_core.stats.imbalance import Scumble, cvir, effective_number, gini, irlbl, mean_ir, scumble, tcs
from lt_core.stats.intervals import wilson
from lt_core.stats.label_sets import LabelSets, count
from lt_core.stats.pair_counts import DENSE_CLASSES, PairCounts

if TYPE_CHECKING:
    import pandas as pd

BETA = 0.9999
"""The beta at which the effective number is reported: the one its paper uses for long tails."""


@dataclass(frozen=True, eq=False, repr=False)
class LabelStats:
    """Statistics of N label rows over C classes; None where the labels are not known row by row.

    The label set of an image is the set of its known positives. An image of which no label at all is known has no
    label set: it counts in ``n_samples``, ``unknown`` and ``cardinality``, and in nothing else.
    ``positives``, ``negatives``, ``unknown``, ``uncertain`` and ``group`` are (C,). ``uncertain`` counts the cells
    that the source marks so, whatever label was made of them; None where it has no such mark. ``pair_counts`` are
    the pairs of classes seen together, ``images_by_labels[k]`` is the number of images with k labels. ``grouping``
    is the rule behind ``group``; ``n_inputs`` the number of input attributes of a row, where all have the same.
    """

    class_names: tuple[str, ...]
    n_samples: int
    positives: NDArray[np.int64]
    negatives: NDArray[np.int64] | None
    unknown: NDArray[np.int64] | None
    group: tuple[Group, ...]
    pair_counts: PairCounts | None
    images_by_labels: NDArray[np.int64] | None
    n_label_sets: int | None
    warnings: tuple[str, ...] = ()
    uncertain: NDArray[np.int64] | None = None
    label_sets: LabelSets | None = None
    grouping: Grouping = field(default_factory=Grouping)
    n_inputs: int | None = None

    def __repr__(self) -> str:
        ratio = f"imbalance ratio {self.imbalance_ratio:.2f}" if self.imbalance_ratio else "no positive"
        return f"LabelStats({self.n_samples} images, {len(self.class_names)} classes, {ratio})"

    @cached_property
    def cooccurrence(self) -> NDArray[np.int64] | None:
        """Images with both classes, (C, C), positives on the diagonal; None where not known, or too many classes."""
        if self.pair_counts is None or len(self.class_names) > DENSE_CLASSES:
            return None
        return self.pair_counts.dense(self.positives)

    @property
    def imbalance_ratio(self) -> float | None:
        """Largest over smallest positive count among classes with at least one positive; None where there is none."""
        present = self.positives[self.positives > 0]
        return float(present.max() / present.min()) if present.size else None

    @property
    def irlbl(self) -> NDArray[np.float64]:
        """Largest count over the class's, (C,); NaN for a class without positives."""
        return irlbl(self.positives)

    @property
    def mean_ir(self) -> float | None:
        """Mean of ``irlbl`` over the classes that have it."""
        return label_report.or_none(mean_ir(self.positives))

    @property
    def cvir(self) -> float | None:
        """Sample standard deviation of ``irlbl`` over its mean."""
        return label_report.or_none(cvir(self.positives))

    @property
    def gini(self) -> float | None:
        """Gini coefficient of the class counts, classes without positives included."""
        return label_report.or_none(gini(self.positives))

    @cached_property
    def scumble(self) -> Scumble | None:
        """SCUMBLE of the set, of each class and of each label set; None where label sets are not known."""
        return None if self.label_sets is None else scumble(self.label_sets)

    @property
    def tcs(self) -> float | None:
        """ln(inputs x classes x label sets); None where the number of inputs or the label sets are not known."""
        score = tcs(self.n_inputs or 0, len(self.class_names), self.n_label_sets or 0)
        return label_report.or_none(score)  # NaN where a factor is 0

    @property
    def known(self) -> NDArray[np.int64]:
        """Images of which the class's label is known, (C,); all of them where unknown cells are not told apart."""
        return np.full_like(self.positives, self.n_samples) - (0 if self.unknown is None else self.unknown)

    @property
    def prevalence(self) -> NDArray[np.float64]:
        """Positives over known labels, (C,), in [0, 1]; NaN for 0/0."""
        with np.errstate(invalid="ignore"):
            return self.positives / self.known

    @property
    def prevalence_interval(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Wilson's 95 % interval of ``prevalence``, (low, high), each (C,)."""
        return wilson(self.positives, self.known)

    def effective_number(self, beta: float = BETA) -> NDArray[np.float64]:
        """Return (1 - beta^n) / (1 - beta) per class, (C,)."""
        return effective_number(self.positives, beta=beta)

    @property
    def cardinality(self) -> float | None:
        """Mean number of known positives per image, over all ``n_samples`` images."""
        return float(self.positives.sum() / self.n_samples) if self.n_samples else None

    @property
    def density(self) -> float | None:
        """Cardinality divided by the number of classes."""
        return None if self.cardinality is None or not self.class_names else self.cardinality / len(self.class_names)

    @property
    def n_without_label(self) -> int | None:
        """Images of which something is known, and none of it positive: the empty label set."""
        return None if self.images_by_labels is None else int(self.images_by_labels[0])

    @property
    def n_multi_label(self) -> int | None:
        """Images with two or more labels."""
        return None if self.images_by_labels is None else int(self.images_by_labels[2:].sum())

    @property
    def max_labels(self) -> int | None:
        """The largest number of labels of one image."""
        by_labels = self.images_by_labels
        return None if by_labels is None else int(np.flatnonzero(by_labels).max(initial=0))

    def regrouped(
        self, scheme: str | Grouping, train_positives: Sequence[float] | NDArray[np.generic] | None = None
    ) -> LabelStats:
        """Return the same statistics with other groups, from ``train_positives`` (C,) where given."""
        rule = Grouping.of(scheme)
        counts = self.positives if train_positives is None else np.asarray(train_positives)
        new = replace(self, grouping=rule, group=groups_of(counts, scheme=rule, class_names=self.class_names))
        new.__dict__.update({k: v for k, v in self.__dict__.items() if k in ("scumble", "cooccurrence")})
        return new

    def pairs(self, most: int | None = None) -> list[tuple[str, str, int]]:
        """Return each unordered pair of classes seen together once, as (a, b, n), most frequent first."""
        at, names = self.pair_counts, self.class_names
        return [] if at is None else [(names[at.a[k]], names[at.b[k]], int(at.n[k])) for k in at.ranked(most)]

    def as_json(self) -> dict[str, Any]:
        """Return the object that ``stats --json`` prints; a value that is not known or not defined is None."""
        return label_report.as_json(self)

    def table(self) -> pd.DataFrame:
        """Return one row a class, in class order: see ``label_report.table``."""
        return label_report.table(self)

    def cooccurrence_table(self) -> pd.DataFrame:
        """Return one row for each ordered pair of classes: see ``label_report.cooccurrence_table``."""
        return label_report.cooccurrence_table(self)

    def labels_per_image(self) -> pd.DataFrame:
        """Return how many ``images`` have how many ``labels``, from 0 to ``max_labels``; empty where not known."""
        return label_report.labels_per_image(self)


def label_stats(
    labels: NDArray[np.floating] | NDArray[np.integer] | NDArray[np.bool_] | SparseLabels,
    class_names: Sequence[str],
    *,
    train_positives: Sequence[float] | NDArray[np.integer] | None = None,
    scheme: str | Grouping = "relative",
    warnings: Sequence[str] = (),
    uncertain: NDArray[np.bool_] | None = None,
    n_inputs: int | None = None,
) -> LabelStats:
    """Return the statistics of ``labels`` (N, C) in {0, 1, NaN = unknown}, dense or sparse.

    Head, medium and tail come from ``train_positives`` (C,) where given, else from the positives of these rows.
    ``warnings`` (of the data set) are kept and those of the labels are added. ``uncertain`` (N, C) marks the cells the
    source calls so. Raises ``Invalid`` for other shapes.
    """
    matrix = labels if isinstance(labels, SparseLabels) else np.asarray(labels)
    names = tuple(class_names)
    if len(matrix.shape) != 2 or matrix.shape[1] != len(names):
        raise Invalid(f"labels must be (N, {len(names)}), one column per class, got shape {matrix.shape}")
    if train_positives is not None and len(train_positives) != len(names):
        raise Invalid(f"train_positives must be one count per class, {len(names)}, got {len(train_positives)}")
    if uncertain is not None and uncertain.shape != matrix.shape:
        raise Invalid(f"the marks of uncertain labels must be {matrix.shape}, got {uncertain.shape}")
    counted = count(matrix)
    return stats_of_sets(
        counted.sets, names, unknown=counted.unknown, n_all_unknown=counted.n_all_unknown,
        train_positives=train_positives, scheme=scheme, warnings=warnings, n_inputs=n_inputs,
        uncertain=None if uncertain is None else np.asarray(uncertain.sum(axis=0), np.int64),
    )  # fmt: skip


def stats_of_sets(
    sets: LabelSets,
    names: tuple[str, ...],
    *,
    unknown: NDArray[np.int64] | None = None,
    n_all_unknown: int = 0,
    train_positives: Sequence[float] | NDArray[np.integer] | None = None,
    scheme: str | Grouping = "relative",
    warnings: Sequence[str] = (),
    uncertain: NDArray[np.int64] | None = None,
    n_inputs: int | None = None,
) -> LabelStats:
    """Return the statistics of label sets, ``unknown`` (C,) cells, and images of which no label is known."""
    positives = sets.positives()
    n_samples = int(sets.n.sum()) + n_all_unknown
    missing = np.zeros_like(positives) if unknown is None else unknown
    rule = Grouping.of(scheme)
    said = without_positives(names, positives)
    if n_all_unknown:
        said.append(f"no label is known of {counted(n_all_unknown, 'images')}, counted as images, without a label set")
    return LabelStats(
        class_names=names,
        n_samples=n_samples,
        positives=positives,
        negatives=n_samples - positives - missing,
        unknown=missing,
        group=groups_of(positives if train_positives is None else train_positives, scheme=rule, class_names=names),
        pair_counts=sets.pair_counts(),
        images_by_labels=sets.images_by_labels(),
        n_label_sets=len(sets),
        warnings=tuple(dict.fromkeys((*warnings, *said))),
        uncertain=uncertain,
        label_sets=sets,
        grouping=rule,
        n_inputs=n_inputs,
    )
