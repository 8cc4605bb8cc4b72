"""The images of a data set, decoded once: kept on disk as 8-bit pixels and mapped into memory ever after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets import ArrayImages, ImageStore, LabeledImages, NoImages, to_uint8_batch
from lt_core.problems import Invalid, Problem
from lt_core.training.pixels import folder as pixel_folder
from lt_core.training.pixels.folder import Kept
from lt_core.training.pixels.making import Apart, DecodingStopped, Making, Progress, refusal
from lt_core.training.pixels.rows import PixelRows

__all__ = ["DecodedImages", "DecodingStopped", "PixelRows", "cache_report", "cached_pixels", "decode_once"]

OnBad = Literal["refuse", "leave-out"]


@dataclass(frozen=True, eq=False)
class DecodedImages:
    """``pixels`` (n, H, W, ch), the ``rows`` (n,) of the data set they are, those ``left_out`` with their sentences,

    and a ``note`` to tell the user, empty if there is nothing to tell.
    """

    pixels: PixelRows
    rows: NDArray[np.intp]
    left_out: dict[int, str]
    note: str = ""


def cached_pixels(
    data: LabeledImages,
    rows: Sequence[int] | NDArray[np.integer],
    *,
    size: int | None = None,
    channels: int | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> PixelRows:
    """Return the images of ``rows``, (n, H, W, ch) uint8: what ``to_uint8_batch`` gives, byte for byte.

    Everything is as ``decode_once`` says; images that cannot be read are refused.
    """
    return decode_once(data, rows, size=size, channels=channels, progress=progress, should_stop=should_stop).pixels


def decode_once(
    data: LabeledImages,
    rows: Sequence[int] | NDArray[np.integer],
    *,
    size: int | None = None,
    channels: int | None = None,
    on_bad: OnBad = "refuse",
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> DecodedImages:
    """Return the images of ``rows`` at ``size`` (None = their own) with ``channels`` 1 or 3 (None = as they are).

    Where they are: images that are one array already stay in it, uncopied at their own size, and are never written to
    disk. Images in files are decoded on the first call, into ``cache/pixels``, all that the set has if at least a
    quarter of them is asked for; later calls, of whatever rows, map that file. A file that changed (name, size,
    time) means another cache. Without room on disk they are decoded into memory, if they take at most half of what is
    free. ``progress(done, of)`` is called as images are decoded.

    Raises ``Problem`` that names the first images that cannot be read and counts them, after all were tried
    (``on_bad="leave-out"`` leaves them out instead), for images of different sizes without ``size``, for missing
    ones, and where there is no room; ``DecodingStopped`` once ``should_stop()`` is true.
    """
    wanted = np.asarray(rows, np.intp)
    if on_bad not in ("refuse", "leave-out"):
        raise Invalid(f"on_bad must be 'refuse' or 'leave-out', got {on_bad!r}")
    if not len(wanted) or channels not in (None, 1, 3) or isinstance(data.images, NoImages) or (size or 1) < 1:
        return _in_memory(data.images, wanted, size, channels)  # which says what is wrong
    if isinstance(data.images, ArrayImages):
        return _of_array(data.images, wanted, size, channels)
    making = Making(data, size, channels, progress, should_stop or (lambda: False))
    try:
        try:
            scope, kept, note = making.kept(making.scope(wanted), wanted)
        except Apart:  # others may have another size than those asked for
            scope, kept, note = making.kept(np.unique(wanted), wanted)
    except Apart as apart:
        raise Problem(str(apart)) from None
    return _picked(data, wanted, scope, kept, on_bad, note)


def _picked(
    data: LabeledImages, wanted: NDArray[np.intp], scope: NDArray[np.intp], kept: Kept, on_bad: OnBad, note: str
) -> DecodedImages:
    place = np.full(len(data.images), -1, np.intp)
    place[scope[kept.positions]] = np.arange(len(kept.positions))
    readable = place[wanted] >= 0
    bad = {int(scope[position]): sentence for position, sentence in kept.bad.items()}
    left_out = {row: bad.get(row, f"row {row} is not there") for row in np.unique(wanted[~readable]).tolist()}
    if left_out and (on_bad == "refuse" or not readable.any()):
        raise Problem(refusal(data, left_out, len(wanted)))
    at = place[wanted[readable]]
    pixels = PixelRows(kept.pixels, at, kept.sums, kept.lock)
    if pixels.shape[3] == 3 and not kept.coloured[at].any():
        pixels = pixels.first_channel()
    return DecodedImages(pixels, wanted[readable], left_out, note)


def _of_array(images: ArrayImages, rows: NDArray[np.intp], size: int | None, channels: int | None) -> DecodedImages:
    array = images.array[..., None] if images.array.ndim == 3 else images.array
    if size in (None, *({array.shape[1]} & {array.shape[2]})) and channels in (None, array.shape[3]):
        return DecodedImages(PixelRows(array, rows), rows, {})
    return _in_memory(images, rows, size, channels)


def _in_memory(images: ImageStore, rows: NDArray[np.intp], size: int | None, channels: int | None) -> DecodedImages:
    pixels = to_uint8_batch(images, rows, size=size, channels=channels)
    return DecodedImages(PixelRows(pixels, np.arange(len(rows))), rows, {})


def cache_report() -> dict[str, Any]:
    """Return ``folder``, ``limit_bytes``, ``bytes`` and ``caches`` (as ``pixel_folder.entries_of``), ready for JSON."""
    entries = pixel_folder.entries_of()
    return {
        "folder": str(pixel_folder.root()),
        "limit_bytes": pixel_folder.limit_bytes(),
        "bytes": sum(entry["bytes"] for entry in entries),
        "caches": sorted(entries, key=lambda entry: entry["used"], reverse=True),
    }
