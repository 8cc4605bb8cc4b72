"""Images on a page: pages of thumbnails, with the place of a finding outlined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from lt_core.charts.palette import TRUE_PLACE
from lt_core.datasets import LabeledImages, NoImages
from lt_core.datasets.notes import counted
from lt_core.datasets.thumbnails import thumbnail
from lt_core.problems import Problem
from pages.ui.wording import on_page

SHOWN = 224
PAGE = 24
LISTED = 1000
"""Names of images listed at most."""
WIDTH = 168
"""Pixels: two tiles stand side by side on a phone, six on a laptop."""


def enlarged(pixels: NDArray[np.uint8], side: int = SHOWN) -> NDArray[np.uint8]:
    """Return an RGB copy whose longer side is ``side``; small images keep their pixels visible (nearest)."""
    image = Image.fromarray(pixels).convert("RGB")
    factor = side / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    kind = Image.Resampling.NEAREST if factor >= 3 else Image.Resampling.BICUBIC
    return np.asarray(image.resize(size, kind))


def outlined(pixels: NDArray[np.uint8], mask: NDArray[np.bool_] | None, side: int = SHOWN) -> NDArray[np.uint8]:
    """Return the enlarged image with the border of ``mask`` drawn on it."""
    shown = enlarged(pixels, side).copy()
    if mask is None or not mask.any():
        return shown
    grown = np.asarray(Image.fromarray(mask).resize(shown.shape[1::-1], Image.Resampling.NEAREST))
    inner = grown.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            inner &= np.roll(grown, step, axis)
    shown[grown & ~inner] = TRUE_PLACE
    return shown


def grid(data: LabeledImages, rows: Sequence[int], column: int | None, *, side: int = SHOWN) -> None:
    """Draw the images of ``rows`` with their labels; ``column`` outlines that class where its place is known.

    An image that cannot be read is a tile that says why; the others are drawn.
    """
    labels = data.labels_of(np.asarray(rows, np.intp)) if len(rows) else []
    with st.container(horizontal=True, gap="small"):
        for row, cells in zip(rows, labels, strict=True):
            with st.container(width=min(side, WIDTH), gap=None):
                _tile(data, int(row), column, side)
                st.caption(plain(caption(data, int(row), cells)))


def for_rows(
    data: LabeledImages,
    rows: Sequence[int] | NDArray[np.integer],
    *,
    title: str,
    key: str,
    column: int | None = None,
) -> None:
    """Draw a heading, how many there are, and the images of ``rows``, 24 a page; the page is in the URL.

    ``key`` names the widget and the parameter of the URL. A set without images says so; no rows say so too.
    """
    st.markdown(f"##### {plain(title)} · {counted(len(rows), 'images')}")
    if isinstance(data.images, NoImages):
        st.info(
            "This set has labels only, so there is nothing to look at.",
            icon=":material/image_not_supported:",
            width=520,
        )
        _names(data, rows, key)
        return
    if not len(rows):
        st.caption("None.")
        return
    pages = -(-len(rows) // PAGE)
    page = 1 if pages == 1 else st.pagination(pages, key=f"{key}-page", bind="query-params")
    first = (min(page or 1, pages) - 1) * PAGE
    grid(data, [int(row) for row in rows[first : first + PAGE]], column)


def _names(data: LabeledImages, rows: Sequence[int] | NDArray[np.integer], key: str) -> None:
    """List what the images are called, of many the first ``LISTED``."""
    if data.ids is None or not len(rows):
        return
    with st.popover("Their names", icon=":material/list:", type="tertiary", key=f"{key}-names"):
        st.dataframe(pd.DataFrame({"image": data.ids[np.asarray(rows[:LISTED], np.intp)]}), hide_index=True)
        if len(rows) > LISTED:
            st.caption(f"The first {LISTED:,} of {len(rows):,}.")


def caption(data: LabeledImages, row: int, labels: NDArray[np.float32]) -> str:
    """Return what an image is called and its classes, as plain text."""
    names = [data.class_names[c] for c in np.flatnonzero(labels == 1)]
    if not names:
        names = ["labels unknown" if np.isnan(labels).all() else "no finding"]
    called = f"row {row + 1}" if data.ids is None else str(data.ids[row])
    return f"{_cut(called, 48)}\n{_cut(', '.join(names), 120)}"


def plain(text: str) -> str:
    """Return text that Markdown shows letter by letter: nothing in a file's names becomes a link, an icon or math."""
    marks = "\\`*_{}[]()<>#+-.!|~$:^=&"
    return "".join(f"\\{letter}" if letter in marks else letter for letter in text).replace("\n", "  \n")


def _tile(data: LabeledImages, row: int, column: int | None, side: int) -> None:
    try:
        mask = data.masks.read(row, column) if data.masks is not None and column is not None else None
        st.image(_no_taller(outlined(thumbnail(data.images, row, side), mask, side)), width="stretch")
    except Problem as problem:
        with st.container(border=True, height=min(side, WIDTH)):
            st.caption(f":material/broken_image: {plain(on_page(problem))}")


def _no_taller(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture that is taller than wide in the middle of a transparent square, so that rows stay in line."""
    height, width = pixels.shape[:2]
    if height <= width:
        return pixels
    square = np.zeros((height, height, 4), np.uint8)
    left = (height - width) // 2
    square[:, left : left + width, :3] = pixels
    square[:, left : left + width, 3] = 255
    return square


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
