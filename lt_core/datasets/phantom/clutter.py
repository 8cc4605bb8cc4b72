"""What lies over a chest without being a finding: side marker, nipples, cables and catheters."""

from __future__ import annotations

import numpy as np

from lt_core.datasets.phantom.chest import Build, Field, Frame, between, ramp
from lt_core.datasets.phantom.patients import Draws


def clutter(at: Frame, chest: Build, draws: Draws) -> Field:
    """Return the attenuation of everything that is there by accident; none of it depends on the findings."""
    return _nipples(at, chest, draws) + _catheter(at, chest, draws) + _cable(at, draws)


def _nipples(at: Frame, chest: Build, draws: Draws) -> Field:
    seen = np.clip(between(draws.body[:, 22], -0.14, 0.06), 0, None)
    return seen * ramp(1 - np.hypot(at.across - 0.52, at.y - chest.nipple) / 0.05, 0.6)


def _catheter(at: Frame, chest: Build, draws: Draws) -> Field:
    """A central line in three of ten AP patients: from the right collar bone into the superior vena cava."""
    shown = (draws.ap & (draws.shot[:, 9] < 0.3)).astype(np.float32)[:, None, None]
    course = -0.12 - 0.5 * np.maximum(-0.45 - at.y, 0) ** 1.3 + chest.midline
    return 0.16 * shown * ramp(0.008 - np.abs(at.x - course), 1.2 * at.pixel) * ramp(0.02 - at.y, 0.05)


def _cable(at: Frame, draws: Draws) -> Field:
    """A monitoring cable across every third AP view."""
    shown = (draws.ap & (draws.shot[:, 10] < 0.35)).astype(np.float32)[:, None, None]
    s = draws.shot
    line = between(s[:, 12], -0.4, 0.5) + between(s[:, 11], -0.9, 0.9) * at.x + between(s[:, 13], -1, 1) * at.x**2
    return 0.14 * shown * ramp(0.008 - np.abs(at.y - line), 1.2 * at.pixel)


def marker(size: int, draws: Draws) -> Field:
    """Return the lead letter L that the radiographer puts beside the patient's left shoulder, added to the film."""
    s, scale = draws.shot, size / 64
    column, row = np.arange(size, dtype=np.float32)[None, None, :], np.arange(size, dtype=np.float32)[None, :, None]
    dx = column / scale - np.floor(between(s[:, 14], 54, 59))
    dy = row / scale - np.floor(between(s[:, 15], 2, 9))
    upright = (dx >= 0) & (dx < 1) & (dy >= 0) & (dy < 4)
    foot = (dx >= 0) & (dx < 3) & (dy >= 3) & (dy < 4)
    return np.asarray((upright | foot).astype(np.float32) * np.maximum(between(s[:, 16], -0.15, 0.45), 0))
