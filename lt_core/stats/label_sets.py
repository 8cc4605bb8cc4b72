"""The label sets of a data set, equal ones once: nearly everything its labels say is a sum over them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.sparse import SparseLabels
from lt_core.stats.pair_counts import PairCounts

Counts = NDArray[np.int64]

_CELLS = 1 << 21
"""Cells of a dense matrix looked at together: what they need stays in the processor's cache."""
_BITS = 64
"""Up to so many classes, a label set is one whole number."""


@dataclass(frozen=True, eq=False, repr=False)
class LabelSets:
    """S distinct label sets, in compressed rows, and the number of images with each.

    The classes of set s are ``classes[indptr[s]:indptr[s + 1]]``, ascending; ``n[s]`` >= 1 images have exactly these
    known positives. Images of which no label is known have no label set and are not here.
    """

    indptr: Counts
    classes: NDArray[np.int32]
    n: Counts
    n_classes: int

    def __len__(self) -> int:
        return len(self.n)

    def __repr__(self) -> str:
        return f"LabelSets({len(self)} sets of {self.n_classes} classes, {int(self.n.sum())} images)"

    @cached_property
    def sizes(self) -> Counts:
        """Number of labels of each set, (S,)."""
        return np.diff(self.indptr)

    @property
    def owner(self) -> NDArray[np.intp]:
        """The set that each entry of ``classes`` belongs to."""
        return np.repeat(np.arange(len(self)), self.sizes)

    @property
    def images(self) -> Counts:
        """The number of images behind each entry of ``classes``."""
        return np.repeat(self.n, self.sizes)

    def positives(self) -> Counts:
        """Return the images with each class, (C,)."""
        return _exactly(np.bincount(self.classes, weights=self.images, minlength=self.n_classes))

    def images_by_labels(self) -> Counts:
        """Return how many images have 0, 1, 2 ... labels."""
        return _exactly(np.bincount(self.sizes, weights=self.n, minlength=1))

    def pair_counts(self) -> PairCounts:
        """Return the unordered pairs of classes that occur together, with the images that have both."""
        from scipy import sparse

        none = np.zeros(0, np.int32)
        if not (self.sizes > 1).any():
            return PairCounts(none, none, np.zeros(0, np.int64), self.n_classes)
        several = self.with_counts(np.where(self.sizes > 1, self.n, 0))
        shape, where = (len(several), self.n_classes), (several.classes, several.indptr)
        there = sparse.csr_array((np.ones(len(several.classes), np.int64), *where), shape=shape)
        counted = sparse.csr_array((several.images, *where), shape=shape)
        upper = sparse.triu(there.T.tocsr() @ counted, k=1, format="csr")
        upper.sort_indices()
        a = np.repeat(np.arange(self.n_classes, dtype=np.int32), np.diff(upper.indptr))
        return PairCounts(a, upper.indices.astype(np.int32), upper.data, self.n_classes)

    def largest(self, most: int) -> list[tuple[tuple[int, ...], int]]:
        """Return the ``most`` most frequent sets as (classes, images); equally frequent ones in order of size."""
        order = np.lexsort((np.arange(len(self)), self.sizes, -self.n))[:most]
        return [(tuple(self.classes[self.indptr[s] : self.indptr[s + 1]].tolist()), int(self.n[s])) for s in order]

    def mean_of_labels(self, of_class: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean of ``of_class`` (C,) over the labels of each set, (S,); 0 for the empty set."""
        total = np.bincount(self.owner, weights=of_class[self.classes], minlength=len(self))
        return total / np.maximum(self.sizes, 1)

    def with_counts(self, n: NDArray[np.integer]) -> LabelSets:
        """Return the sets with other numbers of images, those without an image left out."""
        kept = np.asarray(n) > 0
        entries = np.repeat(kept, self.sizes)
        indptr = np.concatenate(([0], np.cumsum(self.sizes[kept]))).astype(np.int64)
        return LabelSets(indptr, self.classes[entries], np.asarray(n, np.int64)[kept], self.n_classes)


@dataclass(frozen=True, eq=False)
class Counted:
    """What one pass over the labels finds: the label sets, the unknown cells per class, and images all unknown."""

    sets: LabelSets
    unknown: Counts
    n_all_unknown: int


def count(labels: NDArray[np.generic] | SparseLabels) -> Counted:
    """Return the label sets of ``labels`` (N, C) in {0, 1, NaN}, never holding more than a part of it twice."""
    if isinstance(labels, SparseLabels):
        return _of_sparse(labels)
    return _of_codes(labels) if labels.shape[1] <= _BITS else _of_wide(labels)


def _of_sparse(labels: SparseLabels) -> Counted:
    all_unknown = np.zeros(len(labels), np.bool_) if labels.unknown is None else labels.unknown
    missing = int(all_unknown.sum())
    indptr, classes = labels.indptr, labels.indices
    if missing:
        indptr = np.concatenate(([0], np.cumsum(labels.per_row()[~all_unknown]))).astype(np.int64)
    unknown = np.full(labels.n_classes, missing, np.int64)
    return Counted(distinct(indptr, classes, labels.n_classes), unknown, missing)


def _of_codes(labels: NDArray[np.generic]) -> Counted:
    """Count few classes: every row becomes one number, whose bits are its positives."""
    rows, c = labels.shape
    codes = np.zeros((rows, 8), np.uint8)
    unknown, n_all_unknown = np.zeros(c, np.int64), 0
    step = max(_CELLS // max(c, 1), 1)
    for start in range(0, rows, step):
        part = labels[start : start + step]
        bits = np.packbits(part == 1, axis=1, bitorder="little")
        codes[start : start + step, : bits.shape[1]] = bits
        missing = _missing(part)
        if missing is not None:
            unknown += missing.sum(axis=0)
            n_all_unknown += int(missing.all(axis=1).sum())
    found, n = np.unique(codes.view(np.uint64).ravel(), return_counts=True)
    if n_all_unknown:  # they look like the empty set, which is code 0
        n[0] -= n_all_unknown
        found, n = found[n > 0], n[n > 0]
    present = np.unpackbits(found.view(np.uint8).reshape(-1, 8), axis=1, bitorder="little", count=c)
    sets = LabelSets(_indptr(present.sum(axis=1)), np.nonzero(present)[1].astype(np.int32), n.astype(np.int64), c)
    return Counted(sets, unknown, n_all_unknown)


def _of_wide(labels: NDArray[np.generic]) -> Counted:
    rows, c = labels.shape
    unknown, n_all_unknown = np.zeros(c, np.int64), 0
    sizes: list[NDArray[np.int64]] = []
    classes: list[NDArray[np.int32]] = []
    step = max(_CELLS // c, 1)
    for start in range(0, rows, step):
        part = labels[start : start + step]
        known: NDArray[np.bool_] = np.ones(len(part), np.bool_)
        missing = _missing(part)
        if missing is not None:
            unknown += missing.sum(axis=0)
            known = np.asarray(~missing.all(axis=1))
            n_all_unknown += int((~known).sum())
        present = part == 1
        sizes.append(present.sum(axis=1)[known])
        classes.append(np.nonzero(present)[1].astype(np.int32))
    indptr = _indptr(np.concatenate([np.zeros(0, np.int64), *sizes]))
    joined = np.concatenate([np.zeros(0, np.int32), *classes])
    return Counted(distinct(indptr, joined, c), unknown, n_all_unknown)


def distinct(
    indptr: Counts, classes: NDArray[np.int32], n_classes: int, n: NDArray[np.integer] | None = None
) -> LabelSets:
    """Return the label sets of rows in compressed form, each row standing for ``n`` images (1 where not given).

    Rows are told apart by the sum of one random 64-bit number per class. Rows with equal sums are then compared, so
    the answer is exact; where two different sets ever share a sum, other numbers are drawn.
    """
    sizes = np.diff(indptr)
    for seed in range(8):
        keys = np.random.default_rng(seed).integers(1, 2**63, max(n_classes, 1), dtype=np.uint64)
        running = np.zeros(len(classes) + 1, np.uint64)
        np.cumsum(keys[classes], out=running[1:])
        sums = running[indptr[1:]] - running[indptr[:-1]]
        _, first, same = np.unique(sums, return_index=True, return_inverse=True)
        if _equal(indptr, classes, sizes, first[same]):
            break
    weights = np.ones(len(sizes), np.int64) if n is None else n
    images = _exactly(np.bincount(same, weights=weights, minlength=len(first)))
    start = np.repeat(indptr[first], sizes[first])
    within = _indptr(sizes[first])
    entries = start + np.arange(len(start)) - np.repeat(within[:-1], sizes[first])
    return LabelSets(within, classes[entries], images, n_classes)


def _equal(indptr: Counts, classes: NDArray[np.int32], sizes: Counts, twin: NDArray[np.intp]) -> bool:
    """Return whether every row has the same classes as its ``twin`` row."""
    if not np.array_equal(sizes, sizes[twin]):
        return False
    shift = np.repeat(indptr[twin] - indptr[:-1], sizes)
    return bool(np.array_equal(classes, classes[shift + np.arange(len(classes))]))


def _missing(part: NDArray[np.generic]) -> NDArray[np.bool_] | None:
    """Return which cells are NaN, or None where none is (whole numbers hold no NaN)."""
    if part.dtype.kind != "f" or not np.isnan(np.sum(part, dtype=part.dtype)):
        return None
    return np.asarray(np.isnan(part))


def _indptr(sizes: NDArray[np.integer]) -> Counts:
    return np.asarray(np.concatenate(([0], np.cumsum(sizes))), np.int64)


def _exactly(counts: NDArray[np.generic]) -> Counts:
    """Return sums of whole numbers as such: float64 holds them exactly up to 2**53."""
    return np.rint(np.asarray(counts, np.float64)).astype(np.int64)
