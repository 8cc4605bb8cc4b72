"""Images of a store as one array, which is what training and prediction read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.decode import resized, to_grey
from lt_core.datasets.images import ArrayImages, ImageStore, Pixels
from lt_core.problems import Invalid, Problem


def to_uint8_batch(
    images: ImageStore,
    rows: Sequence[int] | NDArray[np.integer],
    *,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
) -> NDArray[np.uint8]:
    """Return the images of ``rows`` as (n, H, W, channels) uint8, 0 to 255.

    They keep their native size unless ``size`` says another, as one edge of a square or (H, W); the aspect ratio is
    then not kept. ``channels`` is 1 (RGB becomes luma) or 3 (grey is repeated); None means 3 if any image is RGB,
    else 1. Raises ``Problem`` if sizes differ and no ``size`` is given, if there are no rows, or from reading.
    """
    if channels not in (None, 1, 3):
        raise Invalid(f"channels must be 1 or 3, got {channels}")
    if len(rows) == 0:
        raise Problem("there are no images to read: choose a part of the data set that has some")
    edges = (size, size) if isinstance(size, int) else size
    if edges is not None and min(edges) < 1:
        raise Invalid(f"image size must be at least 1, got {edges[0]} x {edges[1]}")
    if isinstance(images, ArrayImages) and edges in (None, images.array.shape[1:3]) and images.array.ndim in (3, 4):
        whole = images.array[np.asarray(rows)]
        whole = whole[..., None] if whole.ndim == 3 else whole
        if channels in (None, whole.shape[3]):
            return np.ascontiguousarray(whole)
    return _read_all(images, rows, edges, channels)


def _read_all(
    images: ImageStore, rows: Sequence[int] | NDArray[np.integer], edges: tuple[int, int] | None, channels: int | None
) -> NDArray[np.uint8]:
    """One array, filled as images are read, widened once if an RGB image follows grey ones."""
    first = _fitted(images.read(int(rows[0])), edges, channels)
    batch = np.empty((len(rows), *first.shape), np.uint8)
    for k, row in enumerate(rows):
        pixels = first if k == 0 else _fitted(images.read(int(row)), edges, channels)
        if pixels.shape[:2] != batch.shape[1:3]:
            (h, w), (other_h, other_w) = batch.shape[1:3], pixels.shape[:2]
            raise Problem(f"the images differ in size ({h} x {w} and {other_h} x {other_w} pixels, for instance): "
                          "choose one image size for all")  # fmt: skip
        if pixels.shape[2] > batch.shape[3]:
            batch = np.repeat(batch, 3, axis=3)
        batch[k] = pixels
    return batch


def _fitted(pixels: Pixels, edges: tuple[int, int] | None, channels: int | None) -> Pixels:
    """(H, W, channels) at the size asked for; grey before resizing, as that is a third of the work."""
    if channels == 1:
        pixels = to_grey(pixels)
    if edges is not None:
        pixels = resized(pixels, *edges)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    return np.repeat(pixels, 3, axis=2) if channels == 3 and pixels.shape[2] == 1 else pixels
