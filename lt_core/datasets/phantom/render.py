"""One batch of images and masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.phantom.cases import Cases
from lt_core.datasets.phantom.chest import Build, Field, Outline, build, frame, outline
from lt_core.datasets.phantom.film import Film, attenuation, expose, smooth
from lt_core.datasets.phantom.labels import FINDINGS
from lt_core.datasets.phantom.patients import Draws, Grain
from lt_core.datasets.phantom.signs import SIGNS, reshape

MASK_FROM = 1 / 4
"""A pixel belongs to a finding from this share of the finding's fullest extent in the image on."""

Pixels = NDArray[np.uint8]
Masks = NDArray[np.bool_]


def render(draws: Draws, noise: Grain) -> tuple[Pixels, list[Masks]]:
    """Return images (n, S, S) uint8 and, per finding, the masks (k, S, S) of the k images that have it, in order."""
    at = frame(draws, noise.pixel.shape[-1])
    chest = build(draws)
    before = {}
    for c, name in enumerate(FINDINGS):
        rows = np.flatnonzero(draws.positive[:, c])
        own = chest.take(rows)
        changed = reshape(name, own, draws.place[rows, c], draws.severity[rows, c, None, None])
        if changed is not None:
            before[name] = own
            chest.put(rows, changed)
    out, film, masks = outline(at, chest), Film.blank(at.x.shape), []
    smooth_noise = smooth(noise.fine, at.x.shape[-1])
    for c, name in enumerate(FINDINGS):
        rows = np.flatnonzero(draws.positive[:, c])
        at_rows, here = at.take(rows), Outline(out.wall[rows], out.diaphragm[rows], out.lung[rows], out.heart[rows])
        then: Build | None = before.get(name)
        cases = Cases(
            at=at_rows,
            chest=chest.take(rows),
            out=here,
            before=here if then is None else outline(at_rows, then),
            noise=smooth_noise[rows],
            place=draws.place[rows, c],
            severity=draws.severity[rows, c, None, None],
            supine=draws.ap[rows, None, None].astype(np.float32),
        )
        sign = SIGNS[name](cases)
        masks.append(_mask(sign.extent))
        film.add(rows, sign.fill, sign.extra, sign.markings)
    return expose(attenuation(at, chest, out, film, draws, noise), draws, noise), masks


def _mask(extent: Field) -> Masks:
    fullest = extent.max(axis=(1, 2), keepdims=True, initial=0)
    return np.asarray((extent >= MASK_FROM * fullest) & (extent > 0))
