"""Does a map point at the finding? Plain scores against a known place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from lt_core.evaluation.ratios import ratio
from lt_core.problems import Invalid

IOU_AT = 0.5
"""Share of a map's maximum above which a place counts as shown, where nothing else is asked for."""

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""The shares of the maximum at which a curve of IoU is read: 0.05 to 0.95."""


class Localisation(NamedTuple):
    """How a map lies on a mask.

    ``hit``: the map's strongest place is inside (pointing game, Zhang et al., IJCV 2018); ``inside``: share of the
    whole map that is inside (energy-based pointing game, Wang et al., Score-CAM, 2020); both None for a blank map.
    ``area``: share of the image that the mask covers, which is what ``inside`` is for a map without preference.
    """

    hit: bool | None
    inside: float | None
    area: float


class Placed(NamedTuple):
    """How n maps lie on n masks; every field is (n,), float64.

    ``hit`` is 1 where the map's strongest place lies in the mask or at most ``tolerance`` pixels beside it, else 0;
    ``chance_hit`` the share of the image that would count as a hit. ``inside`` is the share of the map's sum in the
    mask, ``area`` the share of the image that the mask covers: what ``inside`` is for a map without preference, and
    ``iou`` too. ``iou`` is that of the mask with the places of at least ``iou_at`` of the map's maximum. A blank map
    points nowhere: its ``hit``, ``inside`` and ``iou`` are NaN.
    """

    hit: NDArray[np.float64]
    chance_hit: NDArray[np.float64]
    inside: NDArray[np.float64]
    area: NDArray[np.float64]
    iou: NDArray[np.float64]


def localisation(heatmap: NDArray[np.floating], mask: NDArray[np.bool_]) -> Localisation:
    """Return the scores of ``heatmap`` (H, W), not negative, against ``mask`` (H, W), which must not be empty."""
    if heatmap.shape != mask.shape:
        raise Invalid(f"the map is {heatmap.shape} but the mask {mask.shape}: bring them to one size first")
    if not mask.any():
        raise Invalid("the mask is empty: there is no place that the map could point at")
    found = placed(heatmap[None], mask[None])
    area = float(found.area[0])
    if np.isnan(found.hit[0]):
        return Localisation(None, None, area)
    return Localisation(bool(found.hit[0]), float(found.inside[0]), area)


def placed(
    heat: NDArray[np.floating], masks: NDArray[np.bool_], *, tolerance: float = 0.0, iou_at: float = IOU_AT
) -> Placed:
    """Return the scores of maps ``heat`` (n, H, W), not negative, against ``masks`` (n, H, W), none of them empty.

    ``tolerance`` is in pixels of the maps: Zhang et al. used 15 on photographs of about 500 pixels. ``iou_at`` in
    (0, 1] is a share of each map's own maximum. Of several equally strong places the first in reading order counts.
    """
    _check(heat, masks)
    if not 0 < iou_at <= 1:
        raise Invalid(f"the threshold of the IoU must be in (0, 1], got {iou_at:g}")
    if not tolerance >= 0:
        raise Invalid(f"the tolerance must not be negative, got {tolerance:g} pixels")
    n = len(heat)
    flat, truth = heat.reshape(n, -1).astype(np.float64), masks.reshape(n, -1)
    near = truth if tolerance == 0 else np.stack([_grown(mask, tolerance) for mask in masks]).reshape(n, -1)
    blank = flat.max(axis=1) <= 0
    hit = near[np.arange(n), flat.argmax(axis=1)].astype(np.float64)
    hit[blank] = np.nan
    return Placed(
        hit,
        near.mean(axis=1),
        ratio((flat * truth).sum(axis=1), flat.sum(axis=1)),
        truth.mean(axis=1),
        iou_curve(heat, masks, (iou_at,))[:, 0],
    )


def iou_curve(
    heat: NDArray[np.floating], masks: NDArray[np.bool_], thresholds: Sequence[float] = THRESHOLDS
) -> NDArray[np.float64]:
    """Return the intersection over union at every threshold, (n, T), in [0, 1]; NaN for a blank map.

    What a map shows at threshold t are its places of at least t times its own maximum.
    """
    _check(heat, masks)
    n = len(heat)
    flat, truth = heat.reshape(n, -1), masks.reshape(n, -1)
    most = flat.max(axis=1, keepdims=True)
    found = np.full((n, len(thresholds)), np.nan)
    there = most[:, 0] > 0
    for number, threshold in enumerate(thresholds):
        shown = flat >= threshold * most
        iou = (shown & truth).sum(axis=1) / (shown | truth).sum(axis=1)
        found[there, number] = iou[there]
    return found


def _check(heat: NDArray[np.floating], masks: NDArray[np.bool_]) -> None:
    if heat.ndim != 3 or heat.shape != masks.shape:
        raise Invalid(f"the maps are {heat.shape} but the masks {masks.shape}: bring them to one size (n, H, W)")
    if not masks.any(axis=(1, 2)).all():
        raise Invalid("a mask is empty: there is no place that its map could point at")


def _grown(mask: NDArray[np.bool_], tolerance: float) -> NDArray[np.bool_]:
    """Return the pixels at most ``tolerance`` from the mask, by Euclidean distance between centres of pixels."""
    return np.asarray(distance_transform_edt(~mask) <= tolerance)
