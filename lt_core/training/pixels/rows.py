"""Pixels of some rows of a larger array, in memory or mapped from a file: nothing is copied before a batch asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

BLOCK_BYTES = 16 << 20
"""What is summed at once where sums are not known."""


@dataclass(frozen=True, eq=False, repr=False)
class PixelRows:
    """Images (n, H, W, ch) uint8: image k is ``base[at[k]]``.

    ``base`` (m, H, W, ch) may be a file mapped into memory; ``at`` is (n,). ``sums`` (m, 2, ch) int64 are the sums and
    the sums of squares of every image's channels where they are known; ``held`` is what keeps the file there.
    Indexing with a number, a slice, a mask or an array of numbers copies those images; ``numpy.asarray`` copies all.
    """

    base: NDArray[np.uint8]
    at: NDArray[np.intp]
    sums: NDArray[np.int64] | None = None
    held: object = None

    def __len__(self) -> int:
        return len(self.at)

    def __repr__(self) -> str:
        kind = "mapped" if mapped(self.base) else "in memory"
        return f"PixelRows({' x '.join(map(str, self.shape))}, {kind})"

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        return np.array(np.asarray(self.base)[self.at[key]])

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("the rows lie apart: they cannot be one array without a copy")
        return self[:] if dtype is None else self[:].astype(dtype, copy=False)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n, H, W, ch)."""
        return (len(self.at), int(self.base.shape[1]), int(self.base.shape[2]), int(self.base.shape[3]))

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """uint8."""
        return self.base.dtype

    @property
    def nbytes(self) -> int:
        """Bytes of the n images, wherever they are."""
        return int(np.prod(self.shape, dtype=np.int64))

    def first_channel(self) -> PixelRows:
        """Return the same images with their first channel only, (n, H, W, 1); nothing is copied."""
        return replace(self, base=self.base[..., :1], sums=None if self.sums is None else self.sums[..., :1])

    def gather(self, rows: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Return images ``rows`` (b, H, W, ch), read in the order in which they lie in the file."""
        at = self.at[np.asarray(rows)]
        base = np.asarray(self.base)
        if not mapped(self.base) or bool((np.diff(at) >= 0).all()):
            return np.ascontiguousarray(base[at])
        order = np.argsort(at, kind="stable")
        batch = np.empty((len(at), *base.shape[1:]), np.uint8)
        batch[order] = base[at[order]]
        return batch

    def moments(self) -> tuple[list[float], list[float]]:
        """Return mean and standard deviation of every channel, pixels in [0, 1], exact: integers are summed.

        Raises ``ValueError`` for no images.
        """
        if not len(self):
            raise ValueError("no images have no mean")
        if self.sums is not None:
            first, second = (np.asarray(self.sums)[self.at].sum(axis=0)).tolist()
        else:
            step = max(1, BLOCK_BYTES // max(1, self.nbytes // len(self)))
            parts = [sums_of(self[k : k + step]).sum(axis=0) for k in range(0, len(self), step)]
            first, second = np.sum(parts, axis=0).tolist()
        count = len(self) * self.shape[1] * self.shape[2]
        mean = [s / count / 255 for s in first]
        variance = [(count * q - s * s) / (count * count) for s, q in zip(first, second, strict=True)]
        return mean, [v**0.5 / 255 for v in variance]


def sums_of(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return (n, 2, ch) int64 of (n, H, W, ch): the sum and the sum of squares of every channel of every image."""
    flat = pixels.reshape(len(pixels), -1, pixels.shape[3])
    squares = np.square(flat, dtype=np.uint16)
    return np.stack([flat.sum(axis=1, dtype=np.int64), squares.sum(axis=1, dtype=np.int64)], axis=1)


def mapped(array: NDArray[Any]) -> bool:
    """Return whether an array, or what it is a view of, is a file mapped into memory."""
    base: Any = array
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap):
            return True
        base = base.base
    return False
