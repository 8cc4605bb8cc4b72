"""Labels of very many classes, kept by the ones that are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lt_core.problems import Invalid

if TYPE_CHECKING:
    from scipy import sparse

DENSE_CELLS = 1 << 28
"""Rows times classes of the largest matrix that is made dense (1 GiB of float32)."""


@dataclass(frozen=True, eq=False, repr=False)
class SparseLabels:
    """Labels (N, C) by their positives, in compressed sparse rows; every other cell is 0.

    The classes of row i are ``indices[indptr[i]:indptr[i + 1]]``, ascending, each once. ``unknown`` (N,) marks rows
    of which no label is known (they have no positives); single unknown cells need a dense matrix.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    n_classes: int
    unknown: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.indptr.ndim != 1 or not len(self.indptr) or self.indptr[0] != 0 or self.indptr[-1] != len(self.indices):
            raise Invalid("sparse labels: indptr must run from 0 to the number of indices")
        if len(self.indices) and not 0 <= int(self.indices.min()) <= int(self.indices.max()) < self.n_classes:
            raise Invalid(f"sparse labels: class numbers must be in [0, {self.n_classes})")
        if self.unknown is not None and len(self.unknown) != len(self):
            raise Invalid(f"sparse labels: {len(self)} rows but {len(self.unknown)} marks of unknown rows")

    @classmethod
    def of(
        cls,
        rows: NDArray[np.integer],
        classes: NDArray[np.integer],
        shape: tuple[int, int],
        unknown: NDArray[np.bool_] | None = None,
    ) -> SparseLabels:
        """Return the labels with a 1 at every (``rows[k]``, ``classes[k]``), in any order, repeats counted once."""
        from scipy import sparse  # 0.3 s that a dense set need not wait for

        _, c = shape
        cells = sparse.coo_array((np.ones(len(rows), np.int8), (rows, classes)), shape=shape).tocsr()
        cells.sum_duplicates()
        return cls(cells.indptr.astype(np.int64), cells.indices.astype(np.int32), c, unknown)

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __repr__(self) -> str:
        return f"SparseLabels({len(self)} x {self.n_classes}, {len(self.indices)} positives)"

    @property
    def shape(self) -> tuple[int, int]:
        """(N, C)."""
        return len(self), self.n_classes

    def per_row(self) -> NDArray[np.int64]:
        """Return the number of positives of every row, (N,)."""
        return np.diff(self.indptr)

    def positives(self) -> NDArray[np.int64]:
        """Return the number of positives of every class, (C,)."""
        return np.bincount(self.indices, minlength=self.n_classes).astype(np.int64)

    def matrix(self) -> sparse.csr_array:
        """Return the positives as a scipy matrix (N, C) of int32 ones."""
        from scipy import sparse

        ones = np.ones(len(self.indices), np.int32)
        return sparse.csr_array((ones, self.indices, self.indptr), shape=self.shape)

    def take(self, rows: Sequence[int] | NDArray[np.intp]) -> SparseLabels:
        """Return the labels of some rows, in their order."""
        picked = self.matrix()[np.asarray(rows, np.intp)]
        unknown = None if self.unknown is None else self.unknown[rows]
        return SparseLabels(picked.indptr.astype(np.int64), picked.indices.astype(np.int32), self.n_classes, unknown)

    def dense(self) -> NDArray[np.float32]:
        """Return (N, C) float32 in {0, 1, NaN}; raise ``Invalid`` for more than ``DENSE_CELLS`` cells."""
        if len(self) * self.n_classes > DENSE_CELLS:
            raise Invalid(f"{len(self):,} rows by {self.n_classes:,} classes are too many for one dense matrix: "
                          "take fewer rows, or load the set with fewer label columns or classes")  # fmt: skip
        labels = np.zeros(self.shape, np.float32)
        labels[np.repeat(np.arange(len(self)), self.per_row()), self.indices] = 1
        if self.unknown is not None:
            labels[self.unknown] = np.nan
        return labels

    def rows_with(self, class_index: int) -> NDArray[np.intp]:
        """Return the rows that have a class, ascending."""
        where = np.flatnonzero(self.indices == class_index)
        return np.searchsorted(self.indptr, where, side="right").astype(np.intp) - 1
