"""Maps as files: one picture with a column a run and a row a class, and the raw values behind it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lt_core.explain.cam import CamResult
from lt_core.explain.pictures import enlarged, enlarged_map, enlarged_mask, outlined, overlay
from lt_core.explain.scale import SCALES, Scale, common_max, on_scale
from lt_core.explain.sheet import BAR, INK, LINE, MARGIN, PAPER, TITLE, colour_bar, write_png
from lt_core.problems import Invalid, Problem

SIDE = 288
"""Pixels on the longer side of each panel."""

NUMBERS = 76
"""Room for the numbers beside a colour bar, in pixels."""


class Mapped(NamedTuple):
    """A map and whose it is: the run, the class, what the run says of it, and the known place, if any."""

    result: CamResult
    run: str
    class_name: str
    probability: float | None = None
    mask: NDArray[np.bool_] | None = None

    @property
    def said(self) -> str:
        """The line under the map."""
        chance = "" if self.probability is None else f"p {self.probability:.3f}, "
        return f"{chance}blank" if self.result.blank else f"{chance}maximum {self.result.raw_max:.3g}"


def save_maps(
    path: Path,
    image: NDArray[np.uint8],
    maps: Sequence[Mapped],
    *,
    scale: Scale = "class",
    caption: Sequence[str] = (),
    opacity: float = 0.6,
) -> None:
    """Write maps of one image as a PNG (``path`` ends in .png) or their values as an NPZ (.npz, no pickle).

    PNG: a row a class, a column a run, the image first; each row has its colour bar with the raw value at the top,
    and maps share a scale as ``scale`` says. NPZ: for map i ``raw_i`` (h, w) float32, negative parts included, and
    ``shown_i`` (H, W) in [0, 1] on the shared scale; ``image``; and one entry a map of run, class, class_index, method,
    layer, reshape, raw_max, scale_max, probability (NaN = not known) and note. Raises ``Problem`` where nothing can be
    written.
    """
    if not maps:
        raise Invalid("there is no map to write")
    tops = common_max([entry.result for entry in maps], per=scale)
    if path.suffix.lower() == ".npz":
        return _save_values(path, image, maps, tops)
    if path.suffix.lower() != ".png":
        raise Problem(f"{path} must end in .png for a picture or in .npz for the values")
    notes = [f"{entry.class_name}, {entry.run}: {entry.result.note}" for entry in maps if entry.result.note]
    first = maps[0].result
    said = f"{first.title} at {', '.join(dict.fromkeys(entry.result.at for entry in maps))}; {SCALES[scale]}."
    write_png(path, _grid(image, maps, tops, [said, *caption, *notes], opacity))
    return None


def _save_values(path: Path, image: NDArray[np.uint8], maps: Sequence[Mapped], tops: NDArray[np.float64]) -> None:
    held: dict[str, Any] = {
        "image": image,
        "run": np.array([entry.run for entry in maps]),
        "class": np.array([entry.class_name for entry in maps]),
        "class_index": np.array([entry.result.class_index for entry in maps]),
        "method": np.array([entry.result.method for entry in maps]),
        "layer": np.array([entry.result.layer for entry in maps]),
        "reshape": np.array([entry.result.reshape for entry in maps]),
        "raw_max": np.array([entry.result.raw_max for entry in maps]),
        "scale_max": tops,
        "probability": np.array([np.nan if e.probability is None else e.probability for e in maps]),
        "note": np.array([entry.result.note for entry in maps]),
    }
    for number, (entry, top) in enumerate(zip(maps, tops, strict=True)):
        held |= {f"raw_{number}": entry.result.raw, f"shown_{number}": on_scale(entry.result, float(top))}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, allow_pickle=False, **held)
    except OSError as error:
        raise Problem(f"{path} cannot be written ({error.strerror or error}): choose another file") from None


def _grid(
    image: NDArray[np.uint8], maps: Sequence[Mapped], tops: NDArray[np.float64], caption: list[str], opacity: float
) -> Image.Image:
    """Return the picture of all maps: where a class or run has several maps, they follow each other."""
    rows = list(dict.fromkeys(entry.class_name for entry in maps))
    plain = enlarged(image, SIDE)
    high, wide = plain.shape[:2]
    columns = max(sum(entry.class_name == name for entry in maps) for name in rows)
    cell = wide + MARGIN
    width = MARGIN + (columns + 1) * cell + BAR + NUMBERS
    lines = [line for text in caption for line in wrap(text, max(30, width // 7))]
    row_height = LINE + high + LINE + MARGIN
    sheet = Image.new("RGB", (width, MARGIN + len(rows) * row_height + LINE * len(lines) + MARGIN), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(TITLE)
    for r, name in enumerate(rows):
        top = MARGIN + r * row_height
        mine = [(entry, most) for entry, most in zip(maps, tops, strict=True) if entry.class_name == name]
        mask = next((entry.mask for entry, _ in mine if entry.mask is not None and entry.mask.any()), None)
        shape = None if mask is None else enlarged_mask(mask, (high, wide))
        _panel(sheet, draw, font, (MARGIN, top), name, plain if shape is None else outlined(plain, shape), "")
        for c, (entry, most) in enumerate(mine, start=1):
            heat = enlarged_map(on_scale(entry.result, float(most)), (high, wide))
            picture = overlay(plain, heat, opacity)
            shown = picture if shape is None else outlined(picture, shape)
            _panel(sheet, draw, font, (MARGIN + c * cell, top), entry.run, shown, entry.said)
        x, y = MARGIN + (columns + 1) * cell, top + LINE
        sheet.paste(Image.fromarray(colour_bar(high, BAR)), (x, y))
        tell = len({float(most) for _, most in mine}) == 1
        draw.text((x + BAR + 6, y), f"{mine[0][1]:.3g}" if tell else "own max.", INK, font)
        draw.text((x + BAR + 6, y + high - TITLE - 4), "0", INK, font)
    for number, line in enumerate(lines):
        draw.text((MARGIN, MARGIN + len(rows) * row_height + number * LINE), line, INK, font)
    return sheet


def _panel(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    font: Any,
    at: tuple[int, int],
    title: str,
    picture: NDArray[np.uint8],
    said: str,
) -> None:
    """Draw one picture with a title above and a line below it; a title too long for it loses its middle."""
    room = picture.shape[1]
    while len(title) > 5 and draw.textlength(title, font) > room:
        middle = len(title) // 2
        title = f"{title[: middle - 2]}…{title[middle + 1 :]}"
    draw.text(at, title, INK, font)
    sheet.paste(Image.fromarray(picture), (at[0], at[1] + LINE))
    draw.text((at[0], at[1] + LINE + picture.shape[0] + 2), said, INK, font)
