"""Several rows of a table about one image: rows written twice, one row a label, rows that differ."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.reading import Change
from lt_core.datasets.sparse import SparseLabels
from lt_core.datasets.tables.coded import Coded
from lt_core.datasets.tables.text import Table


@dataclass(frozen=True, eq=False)
class Rows:
    """Which image each of n rows is about: ``image`` (n,) numbers, ``first`` (N,) the first row of each image.

    Images are in order of their first row. A row without a name is an image of its own.
    """

    image: NDArray[np.intp]
    first: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.first)

    @property
    def repeated(self) -> int:
        """Number of rows beyond the first of their image."""
        return len(self.image) - len(self.first)

    @classmethod
    def of_coded(cls, names: Coded) -> Rows:
        """Return the images of the rows from the column that names them."""
        codes = names.codes.astype(np.int64)
        if "" in names.words:
            empty = np.flatnonzero(codes == names.words.index(""))
            codes[empty] = len(names.words) + np.arange(len(empty))
        _, first, image = np.unique(codes, return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        return cls(rank[image].astype(np.intp), first[order].astype(np.intp))

    def union(self, labels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (N, C) labels of images from (n, C) labels of rows: 1 if any row says so, else 0 if any, else NaN."""
        if not self.repeated:
            return labels
        # As -1 (unknown) < 0 < 1 the largest of the rows is the answer.
        most = np.full((len(self), labels.shape[1]), -1, np.int8)
        np.maximum.at(most, self.image, np.nan_to_num(labels, nan=-1).astype(np.int8))
        return np.where(most < 0, np.nan, most).astype(np.float32)

    def union_sparse(self, labels: SparseLabels) -> SparseLabels:
        """Return the labels of images from those of rows; an image is unknown if all of its rows are."""
        rows = np.repeat(self.image, labels.per_row())
        unknown = None
        if labels.unknown is not None:
            known = np.bincount(self.image[~labels.unknown], minlength=len(self))
            unknown = known == 0
        return SparseLabels.of(rows, labels.indices, (len(self), labels.n_classes), unknown)

    def any(self, marks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return (N, ...) whether any row of an image is marked in (n, ...)."""
        if not self.repeated:
            return marks
        found = np.zeros((len(self), *marks.shape[1:]), np.bool_)
        np.logical_or.at(found, self.image, marks)
        return found

    def differing(self, labels: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return the images whose rows do not all have the same labels (n, C), ascending; two unknown are the same."""
        first = labels[self.first][self.image]
        same = np.equal(labels, first) | (np.isnan(labels) & np.isnan(first))
        return np.unique(self.image[~same.all(axis=1)])

    def differing_cells(self, cells: Coded) -> int:
        """Return the number of images whose rows do not all have the same cell."""
        other = cells.codes != cells.codes[self.first][self.image]
        return len(np.unique(self.image[other]))


def without_copies(table: Table, image: str | None) -> Table:
    """Return the table without rows that repeat an earlier row about the same image word for word, counted.

    Rows that name no image are kept: equal ones may be about different images.
    """
    if image is None or table.are_distinct(image):
        return table
    names = table.coded(image)
    several = (names.counts > 1)[names.codes] & (np.array(list(names.words), object) != "")[names.codes]
    rows = np.flatnonzero(several)
    copies = rows[table.frame.iloc[rows].duplicated().to_numpy()]
    if not len(copies):
        return table
    kept = np.ones(len(table.frame), np.bool_)
    kept[copies] = False
    examples = tuple(names.words[names.codes[row]] for row in copies[:3])
    change = Change("dropped", len(copies), "rows repeat an earlier row word for word", examples)
    frame = table.frame[kept].reset_index(drop=True)
    return replace(table, frame=frame, changes=(*table.changes, change))
