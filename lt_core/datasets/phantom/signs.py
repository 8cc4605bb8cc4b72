"""The radiological sign of each finding: what it does to the film, and where.

A sign is given the cases that have the finding and answers with the share of air lost, the attenuation added, the
vessel markings left and its extent, 0 to 1 over the pixels; the mask is where the extent is at least a quarter of its
maximum. Shapes are taken from textbook descriptions (Fleischner Society glossary: Hansell et al., Radiology 246:697,
2008).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.phantom.cases import Cases, Sign
from lt_core.datasets.phantom.chest import Build, Field, ramp
from lt_core.datasets.phantom.film import branching


def _radius(dx: Field, dy: Field) -> Field:
    return np.asarray(np.sqrt(dx * dx + dy * dy))


def atelectasis(c: Cases) -> Sign:
    """Plate-like bands above a raised hemidiaphragm."""
    dx, dy = c.centre(0.66, 0.92, 0.35, 0.65)
    tilt = c.pick(3, -0.35, 0.35)
    length, thick = c.pick(4, 0.16, 0.30), c.grade(0.016, 0.034)
    line = ramp(thick - np.abs(dy - tilt * dx), 1.2 * c.at.pixel) * ramp(length - np.abs(dx), 0.10)
    band = line * c.out.lung
    raised = np.maximum(c.before.lung - c.out.lung, 0)
    return Sign(extent=np.maximum(band, raised), fill=c.grade(0.35, 0.75) * band)


def cardiomegaly(c: Cases) -> Sign:
    """A heart wider than half the thorax; the measures were changed before, this says where it lies."""
    return Sign(extent=c.out.heart * ramp(c.out.diaphragm - c.at.y, 2 * c.at.pixel))


def effusion(c: Cases) -> Sign:
    """Fluid: a blunted costophrenic angle, then a meniscus that climbs the wall; supine it is a veil."""
    lowest = np.where(c.at.side < 0, c.chest.dome_right, c.chest.dome_left) + c.chest.sulcus
    depth = 0.13 + 0.50 * c.severity**2
    inward = np.maximum(c.out.wall - c.at.across, 0)
    surface = lowest - depth * (0.75 + 0.55 * np.exp(-inward / 0.10))
    fluid = ramp(c.at.y - surface, 0.05 + 0.25 * c.supine) * c.out.lung * c.half
    return Sign(extent=fluid, fill=c.grade(0.45, 0.95) * (1 - 0.35 * c.supine) * fluid)


def infiltration(c: Cases) -> Sign:
    """A faint, ill-defined haze."""
    dx, dy = c.centre(0.30, 0.90)
    radius = _radius(dx, dy * c.pick(3, 0.7, 1.3)) / c.pick(4, 0.20, 0.34)
    haze = ramp(1 - radius + 0.35 * c.noise, 1.1) * ramp(1.6 - radius, 0.5) * c.lung
    return Sign(extent=haze, fill=c.grade(0.12, 0.38) * haze)


def mass(c: Cases) -> Sign:
    """A large lobulated opacity, more than 3 cm across."""
    dx, dy = c.centre(0.12, 0.88, 0.3, 0.75)
    angle, phase = np.arctan2(dy, dx), c.pick(3, 0, 6.28)
    edge = 1 + 0.16 * np.cos(3 * angle + phase) + 0.09 * np.cos(5 * angle + 2 * phase)
    disc = ramp(1 - _radius(dx, dy) / (edge * c.pick(4, 0.11, 0.20)), 0.35)
    inside = disc * np.maximum(c.out.lung, 0.3)
    return Sign(extent=inside, fill=c.grade(0.35, 0.85) * inside, extra=0.03 * inside)


def nodule(c: Cases) -> Sign:
    """A small round opacity, at most 3 cm across."""
    dx, dy = c.centre(0.10, 0.92, 0.25, 0.85)
    disc = ramp(1 - _radius(dx, dy) / c.pick(3, 0.05, 0.085), 0.6)
    return Sign(extent=disc, extra=c.grade(0.07, 0.24) * disc)


def pneumonia(c: Cases) -> Sign:
    """A patchy opacity within one lobe, denser than a haze, with a mottled edge."""
    dx, dy = c.centre(0.35, 0.92, 0.3, 0.7)
    radius = _radius(dx, dy) / c.pick(4, 0.20, 0.32)
    patch = ramp(1 - radius + 0.45 * c.noise, 0.55) * ramp(1.4 - radius, 0.3) * c.lung
    return Sign(extent=patch, fill=c.grade(0.28, 0.62) * patch)


def pneumothorax(c: Cases) -> Sign:
    """A dark rim without markings at apex and side, bounded by the thin white line of the pleura."""
    gap = c.grade(0.06, 0.28) * (0.45 + 0.85 * np.exp(-((np.maximum(c.height, 0) / 0.40) ** 2)))
    inward = np.maximum(c.out.wall - c.at.across, 0)
    lung = c.out.lung * c.half
    space = ramp(gap - inward, 1.2 * c.at.pixel) * lung
    line = ramp(0.016 - np.abs(gap - inward), 1.2 * c.at.pixel) * lung
    return Sign(extent=np.maximum(space, line), extra=0.12 * line - 0.075 * space, markings=1 - space)


def consolidation(c: Cases) -> Sign:
    """A dense lobe with a straight edge at the fissure; air bronchograms stay dark in it."""
    dx, dy = c.centre(0.25, 0.90, 0.3, 0.65)
    fissure = c.height - 0.58 + c.pick(3, -0.2, 0.2) * (c.at.across - 0.4)
    upper = np.where(c.pick(1, 0.25, 0.90) < 0.58, np.float32(-1), np.float32(1))
    lobe = ramp(fissure * upper, 0.05) * ramp(1 - _radius(dx, dy) / c.pick(4, 0.30, 0.44), 0.30) * c.lung
    dense = c.grade(0.30, 0.80) * lobe * (1 - 0.55 * branching(c.at, c.noise))
    return Sign(extent=lobe, fill=np.clip(dense, 0, 1))


def edema(c: Cases) -> Sign:
    """Bat-wing haze about both hila, full vessels, and septal (Kerley B) lines at the sides."""
    radius = _radius((c.at.across - 0.24) / 0.34, (c.at.y - 0.0) / 0.42)
    haze = np.exp(-(radius**2) / c.grade(0.8, 1.5)) * c.out.lung
    sides = ramp(0.12 - (c.out.wall - c.at.across), 0.05) * ramp(c.height - 0.62, 0.1) * c.out.lung
    septa = sides * ramp(np.cos(c.at.y * 105) - 0.3, 0.8)
    wings = c.grade(0.10, 0.34) * haze * (1 + 0.25 * c.noise)
    vessels = 0.05 * branching(c.at, c.noise) * c.out.lung
    return Sign(extent=np.maximum(haze, sides), fill=np.clip(wings, 0, 1), extra=0.05 * septa + vessels)


def emphysema(c: Cases) -> Sign:
    """Large, dark lungs with sparse vessels over a flat diaphragm; the measures were changed before."""
    return Sign(extent=c.out.lung * (1 - c.out.heart))


def fibrosis(c: Cases) -> Sign:
    """A net of fine lines, mostly at the bases and the periphery of both lungs."""
    x, y = c.at.x + 0.012 * c.noise, c.at.y
    net = np.maximum(np.cos(58 * (0.8 * x + 0.6 * y)), np.cos(58 * (0.6 * x - 0.8 * y) + 1.0))
    apical = (c.place[:, 0, None, None] < 0.2).astype(np.float32)
    zone = ramp(c.height - 0.62, 0.5) * (1 - apical) + ramp(0.38 - c.height, 0.4) * apical
    where = zone * ramp(c.at.across / c.out.wall - 0.42, 0.5) * c.out.lung
    return Sign(extent=where, fill=0.10 * where, extra=c.grade(0.05, 0.13) * where * ramp(net - 0.45, 0.8))


def pleural_thickening(c: Cases) -> Sign:
    """A bright band along the inside of the chest wall, or a cap over the apex."""
    start = c.pick(1, -0.1, 0.55)
    span = ramp(c.height - start, 0.08) * ramp(start + c.pick(2, 0.35, 0.7) - c.height, 0.08)
    width = c.grade(0.030, 0.075) * (1 + 0.3 * c.noise)
    inward = np.maximum(c.out.wall - c.at.across, 0)
    side = np.where(c.place[:, 3, None, None] < 0.25, np.float32(1), c.half)
    rim = ramp(width - inward, 0.04) * span * side * c.out.lung
    return Sign(extent=rim, fill=0.85 * rim)


def hernia(c: Cases) -> Sign:
    """A stomach above the diaphragm: a round density behind the heart, with a gas bubble over a fluid level."""
    dx = c.at.x - c.chest.midline - c.pick(1, -0.04, 0.14)
    dy = c.at.y - (c.chest.dome_right - c.pick(2, 0.10, 0.18))
    radius = c.pick(3, 0.22, 0.30)
    inside = 1 - _radius(dx, dy * 1.15) / radius
    sac, gas = ramp(inside, 0.25), ramp(inside - 0.12, 0.20) * ramp(-0.05 * radius - dy, 1.5 * c.at.pixel)
    return Sign(extent=sac, fill=0.8 * sac, extra=c.grade(0.03, 0.10) * sac - c.grade(0.30, 0.48) * gas)


SIGNS: Mapping[str, Callable[[Cases], Sign]] = {
    "Atelectasis": atelectasis,
    "Cardiomegaly": cardiomegaly,
    "Effusion": effusion,
    "Infiltration": infiltration,
    "Mass": mass,
    "Nodule": nodule,
    "Pneumonia": pneumonia,
    "Pneumothorax": pneumothorax,
    "Consolidation": consolidation,
    "Edema": edema,
    "Emphysema": emphysema,
    "Fibrosis": fibrosis,
    "Pleural_Thickening": pleural_thickening,
    "Hernia": hernia,
}


def reshape(name: str, chest: Build, place: NDArray[np.float32], severity: Field) -> Build | None:
    """Return the measures of a chest with finding ``name``, or None where the finding leaves them alone."""
    n = chest.take(np.arange(len(chest.wall)))
    if name == "Cardiomegaly":
        n.heart_a *= 1.10 + 0.26 * severity
        n.heart_b *= 1.04 + 0.12 * severity
        n.heart_x += 0.02 + 0.03 * severity
    elif name == "Emphysema":
        n.dome_right += 0.02 + 0.08 * severity
        n.dome_left += 0.02 + 0.08 * severity
        n.sulcus *= 0.85 - 0.35 * severity
        n.heart_a *= 0.97 - 0.12 * severity
        n.heart_b *= 1.03
        n.heart_y += 0.02 + 0.06 * severity
        n.wall *= 1.0 + 0.02 * severity
        n.air *= 1.01 + 0.10 * severity
        n.vessels *= 0.85 - 0.40 * severity
    elif name == "Atelectasis":
        right = (place[:, 0, None, None] < 0.5).astype(np.float32)
        lift = 0.02 + 0.07 * severity
        n.dome_right -= lift * right
        n.dome_left -= lift * (1 - right)
    else:
        return None
    return n
