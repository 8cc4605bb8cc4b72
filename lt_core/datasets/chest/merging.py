"""Several rows of a table about one image, made one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.chest.distinct import distinct
from lt_core.problems import Problem


@dataclass(frozen=True, eq=False)
class Rows:
    """Which image each of n rows is about: ``image`` (n,) numbers, ``ids`` (N,) names in order of first appearance.

    ``first`` (N,) is the first row of each image.
    """

    image: NDArray[np.intp]
    ids: NDArray[np.str_]
    first: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def repeated(self) -> int:
        """Number of rows beyond the first of their image."""
        return len(self.image) - len(self.ids)

    @classmethod
    def of(cls, names: pd.Series[str], what: str, table: str) -> Rows:
        """Return the images of the rows; raise ``Problem`` for a row without a name.

        ``what`` is the column and ``table`` the file, for the message.
        """
        image, values = distinct(names)
        ids = np.array(values, dtype=np.str_)
        if "" in values:
            row = int(np.argmax(image == values.index(""))) + 1
            raise Problem(f"row {row} of {table} names no image: fill in {what!r} or remove the row")
        if len(ids) == len(image):
            return cls(image, ids, image)
        return cls(image, ids, np.unique(image, return_index=True)[1].astype(np.intp))

    def union(self, labels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (N, C) labels of images from (n, C) labels of rows: 1 if any row says so, else 0 if any, else NaN."""
        if not self.repeated:
            return labels
        # As -1 (unknown) < 0 < 1 the largest of the rows is the answer.
        most = np.full((len(self), labels.shape[1]), -1, np.int8)
        np.maximum.at(most, self.image, np.nan_to_num(labels, nan=-1).astype(np.int8))
        return np.where(most < 0, np.nan, most).astype(np.float32)

    def any(self, marks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return (N, ...) whether any row of an image is marked in (n, ...)."""
        if not self.repeated:
            return marks
        found = np.zeros((len(self), *marks.shape[1:]), np.bool_)
        np.logical_or.at(found, self.image, marks)
        return found

    def differing(self, labels: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return the images whose rows do not all say the same, ascending."""
        same = np.equal(labels, labels[self.first][self.image]) | (
            np.isnan(labels) & np.isnan(labels[self.first][self.image])
        )
        return np.unique(self.image[~same.all(axis=1)])


def positions(names: Sequence[str] | NDArray[np.str_], among: Sequence[str] | NDArray[np.str_]) -> NDArray[np.intp]:
    """Return where each of ``names`` is in ``among``, -1 where it is not; the first where it is there twice."""
    index = pd.Index(np.asarray(among, dtype=object))
    if not index.is_unique:
        index_of = {name: k for k, name in reversed(list(enumerate(index)))}
        return np.array([index_of.get(name, -1) for name in names], np.intp)
    return np.asarray(index.get_indexer(pd.Index(np.asarray(names, dtype=object))), np.intp)
