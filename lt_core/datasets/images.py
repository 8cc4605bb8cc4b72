"""Where the pixels of a data set come from: an array in memory, files on disk, or nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lt_core.problems import Problem

Pixels = NDArray[np.uint8]
"""One image: (H, W) grey or (H, W, 3) RGB, 0 to 255."""


class ImageStore(Protocol):
    """A sequence of images, read one at a time."""

    def __len__(self) -> int: ...

    def read(self, index: int) -> Pixels:
        """Return image ``index`` as (H, W) or (H, W, 3) uint8; raise ``Problem`` if it cannot be read."""
        ...

    def missing(self) -> Sequence[int]:
        """Return the indices of images that are not there."""
        ...

    def path(self, index: int) -> Path | None:
        """Return the file of image ``index``, or None where there is no such file."""
        ...


@dataclass(frozen=True, repr=False)
class ArrayImages:
    """Images held in one array, (N, H, W) or (N, H, W, 3) uint8."""

    array: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.array)

    def read(self, index: int) -> Pixels:
        pixels: Pixels = self.array[index]
        return pixels

    def missing(self) -> Sequence[int]:
        return ()

    def path(self, index: int) -> Path | None:  # noqa: ARG002
        return None

    def __repr__(self) -> str:
        return f"ArrayImages{self.array.shape}"


@dataclass(frozen=True, repr=False)
class NoImages:
    """Labels without images: enough for statistics and losses."""

    count: int

    def __len__(self) -> int:
        return self.count

    def read(self, index: int) -> Pixels:  # noqa: ARG002
        raise Problem("this data set has labels only, no images: load one with images to look at, train on or explain")

    def missing(self) -> Sequence[int]:
        return range(self.count)

    def path(self, index: int) -> Path | None:  # noqa: ARG002
        return None

    def __repr__(self) -> str:
        return "NoImages"
