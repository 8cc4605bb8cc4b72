"""A healthy schematic chest: where its parts are, in the patient's own coordinates.

x runs from the left of the image (the patient's right) to the right, y downwards, both about -1 to 1; the mid-line is
x = 0. Every length is in these units; 1 is half the image. Arrays are (n, 1, 1) per patient or (n, S, S) per pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.phantom.patients import Draws

Field: TypeAlias = NDArray[np.floating[Any]]
"""Values over pixels (n, S, S) or per patient (n, 1, 1), float32."""


def ramp(distance: Field, width: float | Field) -> Field:
    """Return 0 to 1 across an edge ``width`` wide: how much of a pixel lies on the positive side."""
    return np.asarray(np.clip(distance / width + np.float32(0.5), 0, 1))


def between(u: Field, low: float, high: float) -> Field:
    """Return uniforms stretched to [low, high], as (n, 1, 1)."""
    return (np.float32(low) + np.float32(high - low) * u)[:, None, None]


@dataclass
class Build:
    """The measures of n chests, each (n, 1, 1); findings that change the anatomy change these before it is drawn."""

    wall: Field
    apex: Field
    dome_right: Field
    dome_left: Field
    sulcus: Field
    floor: Field
    stomach: Field
    nipple: Field
    heart_x: Field
    heart_y: Field
    heart_a: Field
    heart_b: Field
    midline: Field
    air: Field
    vessels: Field

    def take(self, rows: NDArray[np.intp]) -> Build:
        """Return a copy of the measures of some chests."""
        return Build(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})

    def put(self, rows: NDArray[np.intp], other: Build) -> None:
        """Give the chests ``rows`` the measures ``other``."""
        for name in self.__dataclass_fields__:
            getattr(self, name)[rows] = getattr(other, name)


def build(draws: Draws) -> Build:
    """Return the measures of healthy chests; AP views breathe in less and magnify the heart."""
    b, s, ap = draws.body, draws.shot, draws.ap.astype(np.float32)[:, None, None]
    breath = between(s[:, 0], -0.07, 0.05) - 0.05 * ap
    dome = between(b[:, 0], 0.34, 0.50) + breath
    sulcus = between(b[:, 5], 0.14, 0.36)
    heart = between(b[:, 1], 0.86, 1.14) * (1 + 0.12 * ap)
    dome_left = dome + between(b[:, 4], 0.01, 0.09)
    return Build(
        wall=between(b[:, 2], 0.74, 0.86) * (1 - 0.02 * ap),
        apex=between(b[:, 3], -0.84, -0.74),
        dome_right=dome,
        dome_left=dome_left,
        sulcus=sulcus,
        floor=dome + sulcus,
        stomach=dome_left + 0.15,
        nipple=dome - 0.08,
        heart_x=between(b[:, 6], 0.08, 0.14),
        heart_y=dome - between(b[:, 7], 0.15, 0.21),
        heart_a=0.40 * heart,
        heart_b=0.29 * heart * between(b[:, 8], 0.92, 1.08),
        midline=between(s[:, 1], -0.05, 0.05),
        air=between(b[:, 9], 0.86, 1.10) + breath,
        vessels=between(b[:, 10], 0.4, 1.4),
    )


@dataclass(frozen=True)
class Frame:
    """Where each pixel of n images lies in its patient, (n, S, S).

    ``x``, ``y`` are its coordinates, ``side`` the sign of x, ``across`` its distance from the mid-line; ``pixel`` is
    the width of one.
    """

    x: Field
    y: Field
    side: Field
    across: Field
    pixel: float

    def take(self, rows: NDArray[np.intp]) -> Frame:
        """Return the coordinates of some images."""
        return Frame(self.x[rows], self.y[rows], self.side[rows], self.across[rows], self.pixel)


def frame(draws: Draws, size: int) -> Frame:
    """Return the coordinates of every pixel: patients stand a little turned, off centre, near or far."""
    s = draws.shot
    grid = ((np.arange(size) + 0.5) / size * 2 - 1).astype(np.float32)
    scale, angle = between(s[:, 2], 0.93, 1.06), between(s[:, 3], -0.07, 0.07)
    px = (grid[None, None, :] - between(s[:, 4], -0.06, 0.06)) / scale
    py = (grid[None, :, None] - between(s[:, 5], -0.05, 0.07)) / scale
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = px * cos + py * sin, py * cos - px * sin
    return Frame(x, y, np.sign(x), np.abs(x), 2 / size)


def chest_wall(y: Field, chest: Build) -> Field:
    """Return the distance from the mid-line to the inside of the ribs at height ``y``."""
    t = np.clip((y - chest.apex) / (chest.floor - chest.apex), 0, 1)
    bell = np.maximum(1 - (1 - np.minimum(t * 1.15, 1)) ** 2.3, 0) ** 0.62
    return 0.12 + (chest.wall - 0.12) * bell - 0.05 * np.maximum(t - 0.85, 0) / 0.15


@dataclass(frozen=True)
class Outline:
    """Contours of the thorax over the pixels: inner chest wall at this height, diaphragm at this width, lung fields."""

    wall: Field
    diaphragm: Field
    lung: Field
    heart: Field


def outline(at: Frame, chest: Build) -> Outline:
    """Return the contours that the measures give."""
    wall = chest_wall(at.y, chest)
    dome = np.where(at.side < 0, chest.dome_right, chest.dome_left)
    bow = (at.across - 0.42 * chest.wall) / chest.wall
    diaphragm = dome + chest.sulcus * 3.0 * bow * bow
    inner = at.across - 0.10
    edge = 2 * at.pixel
    lung = (
        ramp(inner, edge) * ramp(wall - at.across, edge) * ramp(diaphragm - at.y, edge) * ramp(at.y - chest.apex, edge)
    )
    return Outline(wall, diaphragm, lung, _heart(at, chest))


def _heart(at: Frame, chest: Build) -> Field:
    """Return the heart's silhouette, 0 to 1: an egg lying on the diaphragm, its apex to the patient's left."""
    dx, dy = at.x - chest.heart_x - chest.midline, at.y - chest.heart_y
    along, over = dx * 0.88 + dy * 0.47, dy * 0.88 - dx * 0.47
    egg = over / chest.heart_b * (1 + 0.25 * along / chest.heart_a)
    radius = np.sqrt((along / chest.heart_a) ** 2 + egg * egg)
    return ramp((1 - radius) * chest.heart_b, 2.2 * at.pixel)
