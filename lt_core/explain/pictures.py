"""Maps and masks drawn on images; arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lt_core.charts.palette import TRUE_PLACE
from lt_core.explain.colours import coloured
from lt_core.problems import Invalid

OUTLINE = TRUE_PLACE
"""Ground truth is outlined in cyan, a colour that the scale of maps does not have, with a dark seam on either side."""


def overlay(image: NDArray[np.uint8], heatmap: NDArray[np.floating], opacity: float = 0.6) -> NDArray[np.uint8]:
    """Return ``image`` with ``heatmap`` over it, (H, W, 3) uint8.

    ``image`` is (H, W) or (H, W, 3) uint8, ``heatmap`` (H, W) in [0, 1]; dark violet is little, pale yellow the most.
    A place covers the image by ``opacity`` (in [0, 1]) times its value: where there is nothing, the image is untouched.
    """
    rgb = as_rgb(image)
    if heatmap.shape != rgb.shape[:2]:
        raise Invalid(f"the map is {heatmap.shape} but the image {rgb.shape[:2]}: enlarge the map to the image first")
    if not 0 <= opacity <= 1:
        raise Invalid(f"opacity must be in [0, 1], got {opacity:g}")
    cover = (opacity * np.clip(heatmap, 0, 1))[..., None]
    return np.asarray(np.round((1 - cover) * rgb + cover * coloured(heatmap)), dtype=np.uint8)


def outline(mask: NDArray[np.bool_], width: int = 1) -> NDArray[np.bool_]:
    """Return the inner border of ``mask``, (H, W) bool: its cells within ``width`` steps of a cell outside.

    Beyond the image counts as outside, so a finding cut off by the edge is still closed.
    """
    inner = np.asarray(mask, dtype=np.bool_)
    for _ in range(width):
        padded = np.pad(inner, 1)
        inner = padded[1:-1, 1:-1] & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.asarray(mask & ~inner)


def outlined(image: NDArray[np.uint8], mask: NDArray[np.bool_], width: int = 2) -> NDArray[np.uint8]:
    """Return an RGB copy of ``image`` with the border of ``mask`` drawn in ``OUTLINE``; ``mask`` is (H, W)."""
    shown = as_rgb(image).copy()
    border = outline(mask, width)
    seam = _grown(mask) & ~mask | outline(mask, width + 1) & ~border
    shown[seam] //= 3
    shown[border] = OUTLINE
    return shown


def as_rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W, 3) of a (H, W), (H, W, 1) or (H, W, 3) image."""
    grey = image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
    return np.repeat(grey[..., None], 3, axis=2) if grey.ndim == 2 else grey


def enlarged(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return an RGB copy whose longer side is ``side``; small images keep their pixels visible."""
    image = Image.fromarray(as_rgb(pixels))
    factor = side / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return np.asarray(image.resize(size, Image.Resampling.NEAREST if factor >= 3 else Image.Resampling.BICUBIC))


def enlarged_map(heatmap: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return ``heatmap`` at (height, width), by bilinear interpolation, in [0, 1]."""
    image = Image.fromarray(np.asarray(heatmap, dtype=np.float32))
    return np.asarray(np.clip(np.asarray(image.resize((size[1], size[0]), Image.Resampling.BILINEAR)), 0, 1))


def enlarged_mask(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return ``mask`` at (height, width), cell by cell."""
    image = Image.fromarray(np.asarray(mask, dtype=np.uint8) * 255)
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.NEAREST)) > 127


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return ``mask`` and every cell beside it."""
    padded = np.pad(mask, 1)
    return np.asarray(mask | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:])
