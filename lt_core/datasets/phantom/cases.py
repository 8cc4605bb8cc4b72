"""What a radiological sign is given and what it answers with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.phantom.chest import Build, Field, Frame, Outline, chest_wall


@dataclass(frozen=True)
class Cases:
    """The n images that have one finding.

    ``place`` (n, 8) and ``severity`` (n, 1, 1) are uniforms, ``noise`` (n, S, S) a smooth normal field, ``before`` the
    outline that the chest would have without the finding, ``supine`` (n, 1, 1) is 1 for AP views.
    """

    at: Frame
    chest: Build
    out: Outline
    before: Outline
    noise: Field
    place: NDArray[np.float32]
    severity: Field
    supine: Field

    def pick(self, k: int, low: float, high: float) -> Field:
        """Return uniform ``k`` of the place stretched to [low, high]."""
        return (np.float32(low) + np.float32(high - low) * self.place[:, k])[:, None, None]

    def grade(self, low: float, high: float) -> Field:
        """Return the severity stretched to [low, high]."""
        return np.float32(low) + np.float32(high - low) * self.severity

    @property
    def left(self) -> Field:
        """The side with the finding: 1 where it is the patient's left, -1 where the right."""
        return np.where(self.place[:, 0, None, None] < 0.5, np.float32(-1), np.float32(1))

    @property
    def half(self) -> Field:
        """1 over the half of the body where the finding is, 0 over the other."""
        return np.asarray(self.at.side == self.left).astype(np.float32)

    @property
    def lung(self) -> Field:
        """The lung that has the finding, as far as it is seen beside the heart."""
        return self.out.lung * (1 - 0.7 * self.out.heart) * self.half

    @property
    def height(self) -> Field:
        """How far down the lung a pixel lies: 0 at the apex, 1 at the top of the diaphragm."""
        return (self.at.y - self.chest.apex) / (self.chest.dome_right - self.chest.apex)

    def centre(self, top: float, bottom: float, inner: float = 0.25, outer: float = 0.8) -> tuple[Field, Field]:
        """Return offsets (dx, dy) of every pixel from a point in the lung between the given bounds."""
        y = self.chest.apex + self.pick(1, top, bottom) * (self.chest.dome_right - self.chest.apex)
        x = self.pick(2, inner, outer) * chest_wall(y, self.chest)
        return self.at.x - self.left * np.maximum(x, 0.2), self.at.y - y


@dataclass(frozen=True)
class Sign:
    """What one finding does to its images, (n, S, S) each; None = nothing."""

    extent: Field
    fill: Field | None = None
    extra: Field | None = None
    markings: Field | None = None
