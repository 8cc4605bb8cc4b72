"""Images on a page: grids of thumbnails, with the place of a finding outlined."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from lt_core.charts.palette import TRUE_PLACE
from lt_core.datasets import LabeledImages

SHOWN = 224


def enlarged(pixels: NDArray[np.uint8], side: int = SHOWN) -> NDArray[np.uint8]:
    """Return an RGB copy whose longer side is ``side``; small images keep their pixels visible (nearest)."""
    image = Image.fromarray(pixels).convert("RGB")
    factor = side / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    kind = Image.Resampling.NEAREST if factor >= 3 else Image.Resampling.BICUBIC
    return np.asarray(image.resize(size, kind))


def outlined(pixels: NDArray[np.uint8], mask: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    """Return the enlarged image with the border of ``mask`` drawn on it."""
    shown = enlarged(pixels).copy()
    if mask is None or not mask.any():
        return shown
    grown = np.asarray(Image.fromarray(mask).resize(shown.shape[1::-1], Image.Resampling.NEAREST))
    inner = grown.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            inner &= np.roll(grown, step, axis)
    shown[grown & ~inner] = TRUE_PLACE
    return shown


def grid(data: LabeledImages, rows: list[int], column: int | None, *, side: int = SHOWN) -> None:
    """Draw the images of ``rows``; ``column`` outlines that class where its place is known."""
    with st.container(horizontal=True, gap="small"):
        for row in rows:
            mask = data.masks.read(row, column) if data.masks is not None and column is not None else None
            names = [data.class_names[c] for c in np.flatnonzero(data.labels[row] == 1)]
            st.image(outlined(data.images.read(row), mask), caption=", ".join(names), width=min(side, 176))
