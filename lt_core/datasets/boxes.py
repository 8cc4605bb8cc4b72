"""Boxes around findings, drawn by one or several readers, as masks at the size of the image."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.images import ImageStore
from lt_core.datasets.reading import Change
from lt_core.problems import Invalid


@dataclass(frozen=True, eq=False, repr=False)
class Boxes:
    """M boxes around findings; a ``MaskStore``.

    ``row`` (M,) and ``class_index`` (M,) say whose box it is; ``xywh`` (M, 4) is left, top, width and height in pixels
    of ``frame``: (width, height), or one such pair an image (N, 2), or None where boxes are in the image's own pixels
    (a frame of NaN means the same for one image). ``images`` gives the native size, when a mask is asked for.
    ``reader`` (M,) names who drew each box, where that is known.
    """

    row: NDArray[np.intp]
    class_index: NDArray[np.intp]
    xywh: NDArray[np.float64]
    images: ImageStore
    frame: tuple[float, float] | NDArray[np.float64] | None = None
    reader: NDArray[np.str_] | None = None
    _starts: NDArray[np.intp] = field(init=False)
    _order: NDArray[np.intp] = field(init=False)

    def __post_init__(self) -> None:
        m = len(self.row)
        if self.class_index.shape != (m,) or self.xywh.shape != (m, 4):
            raise Invalid(f"{m} rows of boxes need as many classes and (x, y, width, height)")
        if m and not (np.isfinite(self.xywh).all() and (self.xywh[:, 2:] > 0).all()):
            raise Invalid("boxes need finite numbers and sizes above 0: clean them with Boxes.clean")
        if m and not 0 <= int(self.row.min()) <= int(self.row.max()) < len(self.images):
            raise Invalid(f"boxes must belong to one of the {len(self.images)} images")
        order = np.argsort(self.row, kind="stable")
        object.__setattr__(self, "_order", order)
        object.__setattr__(self, "_starts", np.searchsorted(self.row[order], np.arange(len(self.images) + 1)))

    def __len__(self) -> int:
        return len(self.row)

    def __repr__(self) -> str:
        return f"Boxes({len(self)} on {len(np.unique(self.row))} images)"

    @classmethod
    def clean(
        cls,
        row: NDArray[np.intp],
        class_index: NDArray[np.intp],
        xywh: NDArray[np.float64],
        images: ImageStore,
        frame: tuple[float, float] | NDArray[np.float64] | None = None,
        reader: NDArray[np.str_] | None = None,
    ) -> tuple[Boxes, tuple[Change, ...]]:
        """Return the boxes that are boxes, and what was dropped or clipped.

        Dropped are those with a missing number, with a width or height that is not above 0, and those wholly outside
        the frame; clipped are those partly outside. A frame that is not known cannot clip on the right or below.
        """
        corners = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
        sized = np.isfinite(corners).all(axis=1) & (xywh[:, 2:] > 0).all(axis=1)
        limits = _frame_of(frame, row)
        inside = np.clip(corners, 0, np.concatenate([limits, limits], axis=1))
        kept = sized & (inside[:, 2:] > inside[:, :2]).all(axis=1)
        # A box may end on the frame up to the rounding of a file that was scaled: that is no clipping.
        clipped = kept & (np.abs(inside - corners) > 1e-6 * np.maximum(1, np.abs(corners))).any(axis=1)
        changes = [
            Change("dropped", int((~sized).sum()), "boxes lack a number or have no width or height: not used"),
            Change("dropped", int((sized & ~kept).sum()), "boxes lie wholly outside the image: not used"),
            Change("repaired", int(clipped.sum()), "boxes reach beyond the image: cut at its edge"),
        ]
        clean = np.concatenate([inside[:, :2], inside[:, 2:] - inside[:, :2]], axis=1)[kept]
        names = None if reader is None else reader[kept]
        boxes = cls(row[kept].astype(np.intp), class_index[kept].astype(np.intp), clean, images, frame, names)
        return boxes, tuple(change for change in changes if change.count)

    def read(self, index: int, class_index: int) -> NDArray[np.bool_] | None:
        """Return the (H, W) mask of one class at the image's native size, all readers' boxes together, or None.

        Edges go to the nearest border between pixels; a box thinner than that keeps one pixel.
        """
        mine = self.of(index, class_index)
        if not len(mine):
            return None
        height, width = self.images.read(index).shape[:2]
        frame = _frame_of(self.frame, np.array([index]))[0]
        scale = np.where(np.isfinite(frame), np.array([width, height]) / frame, 1.0)
        mask = np.zeros((height, width), np.bool_)
        for x, y, w, h in self.xywh[mine]:
            left, right = _pixels(x * scale[0], (x + w) * scale[0], width)
            top, bottom = _pixels(y * scale[1], (y + h) * scale[1], height)
            mask[top:bottom, left:right] = True
        return mask

    def of(self, index: int, class_index: int | None = None) -> NDArray[np.intp]:
        """Return the numbers of the boxes on one image, of one class or of all."""
        mine = np.sort(self._order[self._starts[index] : self._starts[index + 1]])
        return mine if class_index is None else mine[self.class_index[mine] == class_index]

    def where(self, keep: NDArray[np.bool_]) -> Boxes:
        """Return the boxes at which ``keep`` (M,) is true."""
        names = None if self.reader is None else self.reader[keep]
        return replace(self, row=self.row[keep], class_index=self.class_index[keep], xywh=self.xywh[keep], reader=names)


def _frame_of(frame: tuple[float, float] | NDArray[np.float64] | None, row: NDArray[np.intp]) -> NDArray[np.float64]:
    """(width, height) of the frame of every row, (M, 2), infinite where the image's own pixels are meant."""
    if frame is None:
        return np.full((len(row), 2), np.inf)
    if isinstance(frame, tuple):
        return np.tile(np.array(frame, np.float64), (len(row), 1))
    own = np.array(frame[row], np.float64).reshape(len(row), 2)
    own[~(np.isfinite(own) & (own > 0)).all(axis=1)] = np.inf
    return own


def _pixels(low: float, high: float, size: int) -> tuple[int, int]:
    """The first pixel of an interval and the one after its last, within 0 to ``size``, at least one."""
    first = min(max(round(low), 0), size - 1)
    return first, min(max(round(high), first + 1), size)
