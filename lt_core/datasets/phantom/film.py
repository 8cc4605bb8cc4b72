"""From anatomy to grey values: how much every structure attenuates, and how a film shows it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.phantom.chest import Build, Field, Frame, Outline, between, ramp
from lt_core.datasets.phantom.clutter import clutter, marker
from lt_core.datasets.phantom.patients import Draws, Grain


@dataclass
class Film:
    """What the findings of n images change, (n, S, S) each.

    ``air_lost`` is the share of air that gave way to fluid or tissue, ``extra`` added attenuation, ``markings`` the
    share of vessel markings left.
    """

    air_lost: Field
    extra: Field
    markings: Field

    @classmethod
    def blank(cls, shape: tuple[int, ...]) -> Film:
        """Return a film without findings."""
        return cls(np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.ones(shape, np.float32))

    def add(self, rows: NDArray[np.intp], fill: Field | None, extra: Field | None, markings: Field | None) -> None:
        """Add one finding to images ``rows``: the share of the air left that it fills, what it adds, markings left."""
        if fill is not None:
            self.air_lost[rows] = 1 - (1 - self.air_lost[rows]) * (1 - fill)
        if extra is not None:
            self.extra[rows] += extra
        if markings is not None:
            self.markings[rows] *= markings


@lru_cache(maxsize=8)
def _spread(size: int, nodes: int) -> Field:
    """Return the (size, nodes) matrix that spreads a coarse field smoothly over ``size`` pixels, unit variance kept."""
    where = (np.arange(size) + 0.5) / size * nodes - 0.5
    weights = np.exp(-0.5 * ((where[:, None] - np.arange(nodes)) / 0.7) ** 2)
    return np.asarray(weights / np.sqrt((weights**2).sum(axis=1, keepdims=True)), dtype=np.float32)


@lru_cache(maxsize=8)
def _blur(size: int, sigma: float) -> Field:
    steps = np.arange(size)
    weights = np.exp(-0.5 * ((steps[:, None] - steps) / sigma) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def smooth(coarse: Field, size: int) -> Field:
    """Return a coarse normal field (n, k, k) as a smooth one, (n, size, size)."""
    matrix = _spread(size, coarse.shape[-1])
    return np.asarray(matrix @ coarse @ matrix.T)


def blurred(field: Field, sigma: float) -> Field:
    """Return every image of ``field`` blurred by a Gaussian of ``sigma`` pixels."""
    matrix = _blur(field.shape[-1], sigma)
    return np.asarray(matrix @ field @ matrix.T)


def branching(at: Frame, fine: Field, hilum_y: float = -0.04) -> Field:
    """Return vessels that fan out from both hila and thin out, 0 to about 1; their course follows ``fine``."""
    dx, dy = at.across - 0.17, at.y - hilum_y
    radius = np.sqrt(dx * dx + dy * dy)
    angle = np.arctan2(dy, dx)
    lobes = np.cos(angle * (9 + 2 * at.side) + 1.4 * fine + at.side * 1.3)
    trunk = np.exp(-radius / 0.26)
    return np.asarray(np.maximum(lobes, 0) ** 3 * trunk + 0.8 * np.exp(-((radius / 0.11) ** 2)))


def ribs(at: Frame, out: Outline, draws: Draws) -> Field:
    """Return the shadow of the ribs: posterior ones arch downwards to the side, anterior ones climb faintly."""
    b = draws.body
    spacing, start = between(b[:, 11], 0.155, 0.185), between(b[:, 12], 0, 1)
    u = at.across - 0.22
    posterior = np.cos(2 * np.pi * ((at.y - 0.42 * u * u + 0.05 * u) / spacing + start))
    anterior = np.cos(2 * np.pi * ((at.y + 0.50 * at.across) / spacing + start + 0.3))
    cage = ramp(out.wall + 0.05 - at.across, 0.06) * ramp(at.across - 0.07, 0.06)
    shadow = ramp(posterior - 0.25, 0.9) + 0.45 * ramp(anterior - 0.45, 0.9) * ramp(at.across - 0.3, 0.2)
    return shadow * cage * ramp(out.diaphragm + 0.12 - at.y, 0.25)


def clavicles(at: Frame, chest: Build, draws: Draws) -> Field:
    """Return the collar bones, higher and flatter in AP views, and the edge of the shoulder blades that AP shows."""
    ap = draws.ap.astype(np.float32)[:, None, None]
    tilt, thick = between(draws.body[:, 13], 0.16, 0.34), between(draws.body[:, 14], 0.028, 0.042)
    line = chest.apex + 0.20 - 0.05 * ap - tilt * (at.across - 0.1) + 0.06 * np.sin(at.across * 5.0)
    bone = ramp(thick - np.abs(at.y - line), 1.5 * at.pixel) * ramp(at.across - 0.08, 0.06)
    blade = ramp(0.035 - np.abs(at.across - 0.80 + 0.10 * ap - 0.22 * (at.y + 0.3)), 0.05) * ramp(0.05 - at.y, 0.2)
    return bone + (0.35 + 0.5 * ap) * blade * ramp(at.y - chest.apex - 0.15, 0.1)


def mediastinum(at: Frame, chest: Build, out: Outline, draws: Draws) -> Field:
    """Return the silhouette of heart, great vessels and aortic knob, 0 to 1, as far as the diaphragm."""
    x = at.x - chest.midline
    wide = between(draws.body[:, 21], 0.13, 0.17) + 0.06 * np.exp(-(((at.y + 0.72) / 0.2) ** 2))
    wide = wide + 0.07 * ramp(x, 0.02) * np.exp(-(((at.y + 0.32) / 0.10) ** 2))
    above = ramp(out.diaphragm - at.y, 2 * at.pixel) * ramp(at.y + 0.95, 0.2)
    return np.maximum(ramp(wide - np.abs(x), 0.05), out.heart) * above


def soft_tissue(at: Frame, chest: Build, out: Outline, tissue: Field, draws: Draws) -> Field:
    """Return attenuation of body, mediastinum, spine, belly and breasts, without the air in the lungs."""
    b, x = draws.body, at.x - chest.midline
    slope = ramp(at.y + 0.84 - between(b[:, 15], -0.05, 0.05), 0.36)
    half = 0.24 + (0.74 + between(b[:, 16], -0.02, 0.20)) * slope * (2 - slope)
    rim = np.sqrt(np.maximum(1 - (at.across / half) ** 2, 0))
    body = (0.40 + 0.16 * rim) * ramp(half - at.across, 0.05)
    middle = np.abs(x)
    vertebrae = 0.8 + 0.2 * np.cos(2 * np.pi * at.y / 0.155)
    spine = ramp(0.085 - middle, 0.05) * vertebrae
    trachea = ramp(0.045 - np.abs(x + 0.01), 0.04) * ramp(-0.26 - at.y, 0.12)
    below = 1 - ramp(out.diaphragm - at.y, 2 * at.pixel)
    liver = below * (0.17 - 0.05 * ramp(x, 0.2))
    bubble_x, bubble_y = x - between(b[:, 17], 0.28, 0.42), at.y - chest.stomach
    bubble = ramp(1 - np.sqrt((bubble_x / 0.13) ** 2 + (bubble_y / 0.07) ** 2), 0.6) * between(b[:, 18], -0.1, 0.26)
    woman = ramp(between(b[:, 19], -1, 1), 0.02)
    bosom = np.exp(-(((at.across - 0.48) / 0.24) ** 2) - ((at.y - 0.22) / 0.20) ** 2)
    breast = woman * bosom * between(b[:, 20], 0.02, 0.12)
    soft = body + 0.22 * tissue + 0.05 * spine - 0.06 * trachea
    return np.asarray(soft + liver - np.maximum(bubble, 0) * below + breast)


def attenuation(at: Frame, chest: Build, out: Outline, film: Film, draws: Draws, noise: Grain) -> Field:
    """Return the attenuation of every pixel, about 0 (outside the body) to 1 (spine, belly)."""
    size = at.x.shape[-1]
    fine, slow = smooth(noise.fine, size), smooth(noise.slow, size)
    air = 0.42 * chest.air * out.lung * (1 - film.air_lost)
    texture = (0.50 * chest.vessels * branching(at, fine) + 0.03 * fine) * film.markings
    tissue = mediastinum(at, chest, out, draws)
    air *= 1 - 0.6 * tissue
    total = soft_tissue(at, chest, out, tissue, draws) - air * (1 - texture) + film.extra
    total += 0.075 * ribs(at, out, draws) + 0.13 * clavicles(at, chest, draws) + clutter(at, chest, draws)
    return total * (1 + 0.035 * slow)


def expose(total: Field, draws: Draws, noise: Grain) -> NDArray[np.uint8]:
    """Return grey values, 0 to 255: blur of the focal spot, exposure, contrast, quantum noise, film curve."""
    s, ap = draws.shot, draws.ap.astype(np.float32)[:, None, None]
    size = total.shape[-1]
    sharp = blurred(total, 0.55 * size / 64) + marker(size, draws)
    contrast = between(s[:, 6], 0.88, 1.14) * (1 - 0.10 * ap)
    level = (sharp - 0.45) * contrast + 0.45 + between(s[:, 7], -0.07, 0.07)
    sigma = between(s[:, 8], 0.012, 0.032) * (1 + 0.3 * ap)
    level += sigma * noise.pixel * np.sqrt(np.maximum(level, 0) + 0.15)
    curve = 1 / (1 + np.exp(-(level - 0.50) * 5.2))
    return np.asarray(np.clip(curve * 268 - 14, 0, 255) + 0.5, dtype=np.uint8)
