"""What is dealt out: patients (or single rows), with the images and the positives that each brings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.labeled_images import LabeledImages
from lt_core.datasets.sparse import SparseLabels

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class Units:
    """Units that are never divided, with what each brings.

    ``of_row`` (n,) is the unit of each row, ``sizes`` (U,) the rows of each unit. Unit u brings ``counts[j]``
    positives of the columns ``columns[j]``, j in ``indptr[u]:indptr[u + 1]``. A column is a class, or a pair of
    classes; there are ``n_columns``.
    """

    of_row: NDArray[np.intp]
    sizes: NDArray[np.int64]
    indptr: NDArray[np.int64]
    columns: NDArray[np.int64]
    counts: NDArray[np.int64]
    n_columns: int

    def __len__(self) -> int:
        return len(self.sizes)

    def totals(self) -> NDArray[np.int64]:
        """Return the positives of every column, (n_columns,)."""
        return np.bincount(self.columns, self.counts, self.n_columns).astype(np.int64)

    def carriers(self) -> NDArray[np.int64]:
        """Return the number of units that bring something of each column, (n_columns,)."""
        return np.bincount(self.columns, minlength=self.n_columns).astype(np.int64)

    def unit_of_entry(self) -> NDArray[np.intp]:
        """Return the unit of each entry of ``columns``."""
        return np.repeat(np.arange(len(self)), np.diff(self.indptr))


def units_of(dataset: LabeledImages, rows: NDArray[np.intp], *, pairs: int = 0) -> Units:
    """Return the units of ``rows``: patients where ``groups`` are known, else the rows themselves.

    Columns are the classes; with ``pairs`` above 0, after them one column for each pair of classes that so many
    images, or more, have together.
    """
    of_row, n_units = units_of_names(None if dataset.groups is None else dataset.groups[rows], len(rows))
    return grouped(positives_of(dataset, rows), of_row, n_units, pairs=pairs)


def positives_of(dataset: LabeledImages, rows: NDArray[np.intp]) -> csr_array:
    """Return the positives of ``rows`` as a sparse matrix (n, C) of ones; unknown is no positive."""
    from scipy.sparse import csr_array

    everything = len(rows) == len(dataset)
    if isinstance(dataset.matrix, SparseLabels):
        return (dataset.matrix if everything else dataset.matrix.take(rows)).matrix()
    present = (dataset.matrix if everything else dataset.matrix[rows]) == 1
    # positions in the flat matrix: several times faster than the row and column lists of np.nonzero
    flat = np.flatnonzero(present.ravel())
    n_classes = max(present.shape[1], 1)
    indptr = np.searchsorted(flat, np.arange(len(rows) + 1) * n_classes)
    return csr_array((np.ones(len(flat), np.int32), flat % n_classes, indptr), shape=present.shape)


def grouped(positives: csr_array, of_row: NDArray[np.intp], n_units: int, *, pairs: int = 0) -> Units:
    """Return the units made of the rows of ``positives`` (n, C); ``of_row`` (n,) numbers them from 0."""
    from scipy.sparse import csr_array, hstack

    n = positives.shape[0]
    if pairs:
        positives = csr_array(hstack([positives, _pairs(positives, pairs)], format="csr"))
    sizes = np.bincount(of_row, minlength=n_units).astype(np.int64)
    if n_units < n:
        membership = csr_array((np.ones(n, np.int32), (of_row, np.arange(n))), shape=(n_units, n))
        positives = csr_array(membership @ positives)
    positives.sort_indices()
    return Units(of_row, sizes, positives.indptr.astype(np.int64), positives.indices.astype(np.int64),
                 positives.data.astype(np.int64), int(positives.shape[1]))  # fmt: skip


def units_of_names(groups: NDArray[np.str_] | None, n: int) -> tuple[NDArray[np.intp], int]:
    """Return the unit of each of ``n`` rows, numbered in the order of their first row, and how many units there are.

    A row of no known group ("") is a unit of its own, and so is each row where ``groups`` is None.
    """
    import pandas as pd

    if groups is None:
        return np.arange(n), n
    codes, names = pd.factorize(groups)
    nobody = np.flatnonzero(np.asarray(groups) == "")
    codes = codes.astype(np.intp)
    codes[nobody] = len(names) + np.arange(len(nobody))
    # close the gap that the name "" leaves
    _, codes = np.unique(codes, return_inverse=True)
    return codes.astype(np.intp), int(codes.max(initial=-1)) + 1


def _pairs(positives: csr_array, at_least: int) -> csr_array:
    """Return (n, P): one column for each pair of classes that ``at_least`` rows have, in the order of their numbers."""
    from scipy.sparse import csr_array

    n, n_classes = positives.shape
    starts, lengths = positives.indptr[:-1].astype(np.int64), np.diff(positives.indptr).astype(np.int64)
    owners, codes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for length in np.unique(lengths[lengths > 1]).tolist():
        rows = np.flatnonzero(lengths == length)
        classes = np.sort(positives.indices[starts[rows][:, None] + np.arange(length)], axis=1).astype(np.int64)
        first, second = np.triu_indices(length, k=1)
        codes.append((classes[:, first] * n_classes + classes[:, second]).ravel())
        owners.append(np.repeat(rows, len(first)))
    _, column, times = np.unique(np.concatenate(codes), return_inverse=True, return_counts=True)
    often = times >= at_least
    kept = often[column]
    column, owner = (np.cumsum(often) - 1)[column[kept]], np.concatenate(owners)[kept]
    return csr_array((np.ones(len(owner), np.int32), (owner, column)), shape=(n, int(often.sum())))
