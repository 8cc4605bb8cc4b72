"""Does a map point at the finding? Two plain scores against a known place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.ratios import ratio
from lt_core.problems import Invalid


class Localisation(NamedTuple):
    """How a map lies on a mask.

    ``hit``: the map's strongest place is inside (pointing game, Zhang et al., IJCV 2018); ``inside``: share of the
    whole map that is inside (energy-based pointing game, Wang et al., Score-CAM, 2020); both None for a blank map.
    ``area``: share of the image that the mask covers, which is what ``inside`` is for a map without preference.
    """

    hit: bool | None
    inside: float | None
    area: float


def localisation(heatmap: NDArray[np.floating], mask: NDArray[np.bool_]) -> Localisation:
    """Return the scores of ``heatmap`` (H, W), not negative, against ``mask`` (H, W), which must not be empty."""
    if heatmap.shape != mask.shape:
        raise Invalid(f"the map is {heatmap.shape} but the mask {mask.shape}: bring them to one size first")
    if not mask.any():
        raise Invalid("the mask is empty: there is no place that the map could point at")
    area = float(mask.mean())
    if not heatmap.any():
        return Localisation(None, None, area)
    weights = heatmap.astype(np.float64)
    return Localisation(bool(mask.flat[int(weights.argmax())]), float(ratio(weights[mask].sum(), weights.sum())), area)
