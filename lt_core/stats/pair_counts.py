"""Which classes occur together, held by the pairs that are there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lt_core.problems import Invalid

DENSE_CLASSES = 4096
"""The most classes of which one (C, C) matrix is made (128 MiB of int64)."""


@dataclass(frozen=True, eq=False, repr=False)
class PairCounts:
    """Unordered pairs of classes seen together at least once, each once: ``n[k]`` images have ``a[k]`` and ``b[k]``.

    ``a`` and ``b`` are class numbers (P,) with a < b, sorted by (a, b); ``n`` (P,) is at least 1.
    """

    a: NDArray[np.int32]
    b: NDArray[np.int32]
    n: NDArray[np.int64]
    n_classes: int

    def __post_init__(self) -> None:
        if not len(self.a) == len(self.b) == len(self.n):
            raise Invalid(f"pairs need as many a as b as n, got {len(self.a)}, {len(self.b)} and {len(self.n)}")

    def __len__(self) -> int:
        return len(self.n)

    def __repr__(self) -> str:
        return f"PairCounts({len(self)} pairs of {self.n_classes} classes)"

    @classmethod
    def of_matrix(cls, together: NDArray[np.integer]) -> PairCounts:
        """Return the pairs of a symmetric (C, C) matrix of counts, whatever is on its diagonal."""
        a, b = np.nonzero(np.triu(together, k=1))
        return cls(a.astype(np.int32), b.astype(np.int32), together[a, b].astype(np.int64), len(together))

    def dense(self, positives: NDArray[np.integer] | None = None) -> NDArray[np.int64]:
        """Return (C, C) counts, symmetric, with ``positives`` (C,) on the diagonal (0 where not given).

        Raises ``Invalid`` for more than ``DENSE_CLASSES`` classes.
        """
        if self.n_classes > DENSE_CLASSES:
            raise Invalid(
                f"{self.n_classes:,} classes are too many for one table of all pairs (at most {DENSE_CLASSES:,}): "
                "take the pairs that occur, or fewer classes"
            )
        together = np.zeros((self.n_classes,) * 2, np.int64)
        together[self.a, self.b] = self.n
        together[self.b, self.a] = self.n
        if positives is not None:
            together[np.diag_indices(self.n_classes)] = positives
        return together

    def ranked(self, most: int | None = None) -> NDArray[np.intp]:
        """Return pair numbers, most frequent first and ties in class order; the first ``most`` of them."""
        order = np.lexsort((self.b, self.a, -self.n))
        return order if most is None else order[:most]

    def among(self, classes: NDArray[np.integer]) -> PairCounts:
        """Return the pairs of which both classes are in ``classes``; class numbers stay as they are."""
        kept = np.zeros(self.n_classes, np.bool_)
        kept[classes] = True
        both = kept[self.a] & kept[self.b]
        return PairCounts(self.a[both], self.b[both], self.n[both], self.n_classes)
