"""One PNG that explains itself: image, map, ground truth, colour bar and caption side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lt_core.explain.cam import CamResult
from lt_core.explain.colours import coloured
from lt_core.explain.pictures import enlarged, enlarged_map, enlarged_mask, outlined, overlay
from lt_core.problems import Problem

SIDE = 384
"""Pixels on the longer side of each panel."""

PAPER, INK, MARGIN, BAR = (252, 252, 250), (27, 42, 51), 16, 18
TITLE, LINE = 15, 21


def save_overlay(
    path: Path,
    image: NDArray[np.uint8],
    result: CamResult,
    *,
    mask: NDArray[np.bool_] | None = None,
    caption: Sequence[str] = (),
    opacity: float = 0.6,
) -> None:
    """Write a PNG: the image, the map over it with ``mask`` outlined where known, and a colour bar; ``caption`` below.

    ``image`` is (H, W), (H, W, 1) or (H, W, 3) uint8 of any size, ``mask`` (h, w) of the same field of view. The note
    of a blank map is added to the caption. Raises ``Problem`` if the file cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise Problem(f"{path} must end in .png, the format that is written")
    plain = enlarged(image, SIDE)
    size = (plain.shape[0], plain.shape[1])
    mapped = overlay(plain, enlarged_map(result.heatmap, size), opacity)
    panels = [("image", plain), (f"{result.title}, {result.at}", mapped)]
    if mask is not None and mask.any():
        shape = enlarged_mask(mask, size)
        panels = [("image, true place outlined", outlined(plain, shape)), (panels[1][0], outlined(mapped, shape))]
    sheet = _sheet(panels, [*caption, *([result.note] if result.note else [])])
    write_png(path, sheet)


def write_png(path: Path, sheet: Image.Image) -> None:
    """Write a picture and the folders it needs; raise ``Problem`` if that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(path, format="PNG")
    except OSError as error:
        raise Problem(f"{path} cannot be written ({error.strerror or error}): choose another file with --out") from None


def colour_bar(height: int, width: int) -> NDArray[np.uint8]:
    """Return the scale of maps as a picture, (height, width, 3): the most on top, nothing at the bottom."""
    return np.repeat(coloured(np.linspace(1, 0, height))[:, None], width, axis=1)


def _sheet(panels: list[tuple[str, NDArray[np.uint8]]], caption: list[str]) -> Image.Image:
    """Return panels under their titles, the colour bar to their right and the caption below."""
    high, wide = panels[0][1].shape[:2]
    width = MARGIN + len(panels) * (wide + MARGIN) + BAR + 4 * MARGIN
    lines = [line for text in caption for line in wrap(text, max(30, width // 7))]
    top = MARGIN + LINE + 4
    sheet = Image.new("RGB", (width, top + high + MARGIN + LINE * len(lines) + (MARGIN if lines else 0)), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(TITLE)
    x = MARGIN
    for title, picture in panels:
        draw.text((x, MARGIN), title, INK, font)
        sheet.paste(Image.fromarray(picture), (x, top))
        x += wide + MARGIN
    sheet.paste(Image.fromarray(colour_bar(high, BAR)), (x, top))
    draw.text((x + BAR + 6, top), "most", INK, font)
    draw.text((x + BAR + 6, top + high - TITLE - 4), "none", INK, font)
    for number, line in enumerate(lines):
        draw.text((MARGIN, top + high + MARGIN + number * LINE), line, INK, font)
    return sheet
