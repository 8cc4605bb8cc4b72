"""One colour scale for several maps: which maximum they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lt_core.explain.cam import CamResult
from lt_core.problems import Invalid, Unknown

Scale = Literal["class", "all", "own"]
SCALES: dict[str, str] = {
    "class": "one scale for all maps of a class: runs compare, classes do not",
    "all": "one scale for all maps",
    "own": "each map on a scale of its own: it shows where, not how much",
}


def common_max(results: Sequence[CamResult], *, per: Scale = "class") -> NDArray[np.float64]:
    """Return the raw value at the top of the colour scale for every map, (n,): 0 where all it shares with are blank.

    ``per`` "class": the largest ``raw_max`` of the maps of the same class, of all runs; "all": of all maps; "own": each
    map's own. Maps of different methods are in different units and share no scale: ``Invalid``. Between runs the unit
    is the logit, which a loss may stretch: a stronger map is not by itself a better one.
    """
    if per not in SCALES:
        raise Unknown.of("scale", per, list(SCALES))
    most = np.array([result.raw_max for result in results], dtype=np.float64)
    if per == "own":
        return most
    if len(methods := sorted({result.method for result in results})) > 1:
        raise Invalid(f"maps of {' and '.join(methods)} are in different units: give each method a scale of its own")
    key = np.array([result.class_index if per == "class" else 0 for result in results])
    return np.array([most[key == own].max() for own in key])


def on_scale(result: CamResult, most: float) -> NDArray[np.float32]:
    """Return the map (H, W) in [0, 1] where 1 is the raw value ``most``; all zero for ``most`` of 0."""
    factor = result.raw_max / most if most > 0 else 0.0
    return np.asarray(np.clip(result.heatmap * factor, 0, 1), dtype=np.float32)
