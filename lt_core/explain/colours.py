"""The colour scale of maps: perceptually uniform, and readable by people with any kind of colour vision.

Built here rather than taken: a path through OKLab (Ottosson, 2020) from dark violet (nothing) over magenta and orange
to pale yellow (most). Lightness rises evenly all along it, so it reads the same without red-green vision and in grey
print, and equal steps of value are equal steps of OKLab distance.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

# Waypoints at equal spacing: OKLab lightness, chroma, hue in degrees.
LIGHTNESS = (0.28, 0.48, 0.66, 0.80, 0.94)
CHROMA = (0.10, 0.19, 0.19, 0.155, 0.12)
HUE = (285.0, 320.0, 380.0, 430.0, 465.0)


@cache
def colour_scale() -> NDArray[np.uint8]:
    """Return the scale as (256, 3) sRGB: row 0 is nothing (dark violet), row 255 the most (pale yellow)."""
    fine = np.linspace(0, 1, 4096)
    points = np.linspace(0, 1, len(LIGHTNESS))
    light, chroma, hue = (np.interp(fine, points, values) for values in (LIGHTNESS, CHROMA, np.radians(HUE)))
    path = np.stack([light, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    walked = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    even = np.linspace(0, walked[-1], 256)
    scale = np.round(255 * srgb(np.stack([np.interp(even, walked, axis) for axis in path.T], axis=1))).astype(np.uint8)
    scale.setflags(write=False)
    return scale


def coloured(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return the colours of ``values`` in [0, 1], any shape S, as S + (3,)."""
    return np.asarray(colour_scale()[np.round(np.clip(values, 0, 1) * 255).astype(np.intp)])


def srgb(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return OKLab colours (n, 3) as sRGB in [0, 1], (n, 3); what no screen can show is clipped."""
    light, a, b = lab.T
    cones = np.stack(
        [
            light + 0.3963377774 * a + 0.2158037573 * b,
            light - 0.1055613458 * a - 0.0638541728 * b,
            light - 0.0894841775 * a - 1.2914855480 * b,
        ]
    )
    to_linear = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip((to_linear @ cones**3).T, 0, 1)
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))
