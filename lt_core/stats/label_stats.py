"""What the labels of a data set say: counts, imbalance, label sets, co-occurrence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.notes import without_positives
from lt_core.problems import Invalid
from lt_core.stats.groups import Group, groups_of

_CHUNK = 1 << 20
"""Rows per matrix product: float32 counts up to 2**24 exactly, and a chunk stays small in memory."""


@dataclass(frozen=True, eq=False, repr=False)
class LabelStats:
    """Statistics of N label rows over C classes; None where the labels are not known row by row.

    The label set of an image is the set of its known positives. An image of which no label at all is known has no
    label set: it counts in ``n_samples``, ``unknown`` and ``cardinality``, and in nothing else.
    ``positives``, ``negatives``, ``unknown`` and ``group`` are (C,), ``cooccurrence`` is (C, C) with the positives on
    its diagonal, ``images_by_labels[k]`` is the number of images with k labels.
    """

    class_names: tuple[str, ...]
    n_samples: int
    positives: NDArray[np.int64]
    negatives: NDArray[np.int64] | None
    unknown: NDArray[np.int64] | None
    group: tuple[Group, ...]
    cooccurrence: NDArray[np.int64] | None
    images_by_labels: NDArray[np.int64] | None
    n_label_sets: int | None
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        ratio = "not defined" if self.imbalance_ratio is None else f"{self.imbalance_ratio:.2f}"
        return f"LabelStats({self.n_samples} images, {len(self.class_names)} classes, imbalance ratio {ratio})"

    @property
    def imbalance_ratio(self) -> float | None:
        """Largest over smallest positive count among classes with at least one positive; None where there is none."""
        present = self.positives[self.positives > 0]
        return float(present.max() / present.min()) if present.size else None

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
        if self.images_by_labels is None:
            return None
        return int(np.flatnonzero(self.images_by_labels).max(initial=0))

    def pairs(self) -> list[tuple[str, str, int]]:
        """Return each unordered pair of classes seen together once, as (a, b, n), most frequent first."""
        if self.cooccurrence is None:
            return []
        a, b = np.nonzero(np.triu(self.cooccurrence, k=1))
        n = self.cooccurrence[a, b]
        order = np.lexsort((b, a, -n))
        return [(self.class_names[a[k]], self.class_names[b[k]], int(n[k])) for k in order]

    def as_json(self) -> dict[str, Any]:
        """Return the object that ``stats --json`` prints; a value that is not known or not defined is None."""
        return {
            "n_samples": self.n_samples,
            "n_classes": len(self.class_names),
            "classes": [
                {
                    "name": name,
                    "positives": int(self.positives[c]),
                    "negatives": None if self.negatives is None else int(self.negatives[c]),
                    "unknown": None if self.unknown is None else int(self.unknown[c]),
                    "group": self.group[c],
                }
                for c, name in enumerate(self.class_names)
            ],
            "imbalance_ratio": self.imbalance_ratio,
            "cardinality": self.cardinality,
            "density": self.density,
            "n_label_sets": self.n_label_sets,
            "n_without_label": self.n_without_label,
            "n_multi_label": self.n_multi_label,
            "max_labels": self.max_labels,
            "cooccurrence": None if self.cooccurrence is None else [list(pair) for pair in self.pairs()],
            "warnings": list(self.warnings),
        }

    def table(self) -> pd.DataFrame:
        """Return one row a class: ``class, positives, negatives, unknown, prevalence, group``, in class order.

        ``prevalence`` is positives over known labels (over all images where negatives are not known); NaN for 0/0.
        """
        known = (
            np.full(len(self.class_names), self.n_samples) if self.unknown is None else self.n_samples - self.unknown
        )
        prevalence = np.divide(self.positives, known, out=np.full(len(known), math.nan), where=known > 0)
        return pd.DataFrame(
            {
                "class": list(self.class_names),
                "positives": self.positives,
                "negatives": _or_missing(self.negatives, len(self.class_names)),
                "unknown": _or_missing(self.unknown, len(self.class_names)),
                "prevalence": prevalence,
                "group": list(self.group),
            }
        )

    def cooccurrence_table(self) -> pd.DataFrame:
        """Return one row for each ordered pair of classes, the diagonal included: ``a, b, n, conditional``.

        ``n`` images have both; ``conditional`` = P(b | a) = n / n_a, in [0, 1], NaN where class a has no positive.
        """
        c = len(self.class_names)
        counts = np.zeros((0, 0), np.int64) if self.cooccurrence is None else self.cooccurrence
        names = np.array(self.class_names, dtype=object)[: len(counts)]
        given = self.positives[: len(counts), None].astype(np.float64)
        conditional = np.divide(counts, given, out=np.full(counts.shape, math.nan), where=given > 0)
        return pd.DataFrame(
            {
                "a": np.repeat(names, c),
                "b": np.tile(names, len(names)),
                "n": counts.ravel(),
                "conditional": conditional.ravel(),
            }
        )

    def labels_per_image(self) -> pd.DataFrame:
        """Return how many ``images`` have how many ``labels``, from 0 to ``max_labels``; empty where not known."""
        counts = np.zeros(0, np.int64) if self.images_by_labels is None else self.images_by_labels
        return pd.DataFrame({"labels": np.arange(len(counts)), "images": counts})


def label_stats(
    labels: NDArray[np.floating] | NDArray[np.integer] | NDArray[np.bool_],
    class_names: Sequence[str],
    *,
    train_positives: Sequence[float] | NDArray[np.integer] | None = None,
    scheme: str = "relative",
    warnings: Sequence[str] = (),
) -> LabelStats:
    """Return the statistics of ``labels`` (N, C) in {0, 1, NaN = unknown}.

    Head, medium and tail come from ``train_positives`` (C,) where given, else from the positives of these rows.
    ``warnings`` (of the data set) are kept and those of the labels are added. Raises ``Invalid`` for other shapes.
    """
    matrix = np.asarray(labels)
    names = tuple(class_names)
    if matrix.ndim != 2 or matrix.shape[1] != len(names):
        raise Invalid(f"labels must be (N, {len(names)}), one column per class, got shape {matrix.shape}")
    if train_positives is not None and len(train_positives) != len(names):
        raise Invalid(f"train_positives must be one count per class, {len(names)}, got {len(train_positives)}")
    present = matrix == 1
    missing = np.isnan(matrix) if matrix.dtype.kind == "f" else np.zeros((1, 1), np.bool_)
    unknown = np.broadcast_to(missing.sum(axis=0), (len(names),)).astype(np.int64)
    something_known = ~missing.all(axis=1) if unknown.any() else np.ones(len(matrix), np.bool_)
    together = _cooccurrence(present)
    positives = np.ascontiguousarray(np.diagonal(together))
    of_known = present if something_known.all() else present[something_known]
    return LabelStats(
        class_names=names,
        n_samples=len(matrix),
        positives=positives,
        negatives=len(matrix) - positives - unknown,
        unknown=unknown,
        group=groups_of(positives if train_positives is None else train_positives, scheme=scheme),
        cooccurrence=together,
        images_by_labels=np.bincount(_per_row(of_known), minlength=1).astype(np.int64),
        n_label_sets=_n_distinct(of_known),
        warnings=tuple(dict.fromkeys((*warnings, *_about_labels(names, positives, int((~something_known).sum()))))),
    )


def _about_labels(names: tuple[str, ...], positives: NDArray[np.int64], n_unknown: int) -> list[str]:
    found = without_positives(names, positives)
    if n_unknown:
        found.append(f"no label is known of {n_unknown:,} images: they count as images and have no label set")
    return found


def _per_row(present: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Positives per row, (N,). A product with ones is several times faster than a sum over short rows."""
    if not present.size:
        return np.zeros(len(present), np.int64)
    return (present.view(np.uint8) @ np.ones(present.shape[1], np.uint16)).astype(np.int64)


def _cooccurrence(present: NDArray[np.bool_]) -> NDArray[np.int64]:
    total = np.zeros((present.shape[1],) * 2, np.int64)
    for start in range(0, len(present), _CHUNK):
        rows = present[start : start + _CHUNK].astype(np.float32)
        total += (rows.T @ rows).astype(np.int64)
    return total


def _n_distinct(present: NDArray[np.bool_]) -> int:
    """Number of distinct rows: each is packed into as few bytes as it needs, and these are compared as one value."""
    if not present.size:
        return min(len(present), 1)
    packed = np.packbits(present, axis=1)
    width = packed.shape[1]
    if width <= 8:
        wide = np.zeros((len(packed), 8), np.uint8)
        wide[:, :width] = packed
        return len(pd.unique(wide.view(np.uint64).ravel()))
    return len(np.unique(np.ascontiguousarray(packed).view(np.dtype((np.void, width))).ravel()))


def _or_missing(counts: NDArray[np.int64] | None, n: int) -> pd.arrays.IntegerArray:
    values = np.zeros(n, np.int64) if counts is None else counts
    return pd.arrays.IntegerArray(values, np.full(n, counts is None))
