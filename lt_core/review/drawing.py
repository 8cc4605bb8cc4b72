"""A drawing of lines, dots and words that is written as SVG or PNG without a browser or any other program."""

from __future__ import annotations

import importlib.util
import io
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

Anchor = Literal["start", "middle", "end"]
INK, FAINT, PAPER = "#1B2A33", "#C9D1D4", "#FFFFFF"
LETTER = 0.56
"""Width of a letter, about, in heights of the font."""
FONTS = (
    "DejaVuSans.ttf",
    "LiberationSans-Regular.ttf",
    "NotoSans-Regular.ttf",
    "Arial.ttf",
    "arial.ttf",
    "Helvetica.ttc",
)
"""Fonts of systems, looked for where each of them keeps its fonts."""
PLAIN = str.maketrans({"–": "-", "—": "-", "−": "-", "×": "x", "≤": "<=", "≥": ">=", "ß": "ss", "ł": "l", "Ł": "L"})


@dataclass(frozen=True)
class _Line:
    ends: tuple[float, float, float, float]
    colour: str
    width: float


@dataclass(frozen=True)
class _Shape:
    points: tuple[tuple[float, float], ...]
    colour: str


@dataclass(frozen=True)
class _Text:
    x: float
    y: float
    said: str
    anchor: Anchor
    size: float
    colour: str
    bold: bool


@dataclass
class Drawing:
    """A picture of ``width`` by ``height`` pixels, 96 an inch, on white; ``alt`` says in words what is seen."""

    width: float
    height: float
    title: str
    alt: str
    _items: list[_Line | _Shape | _Text] = field(default_factory=list)

    def line(self, x1: float, y1: float, x2: float, y2: float, colour: str = FAINT, width: float = 0.8) -> None:
        """Draw a line."""
        self._items.append(_Line((x1, y1, x2, y2), colour, width))

    def mark(self, x: float, y: float, colour: str, shape: int = 0, size: float = 4.5) -> None:
        """Draw a dot with its centre at x, y: disc, diamond, square, triangle, in turn by ``shape``."""
        corners = _SHAPES[shape % len(_SHAPES)]
        self._items.append(_Shape(tuple((x + size * dx, y + size * dy) for dx, dy in corners), colour))

    def text(
        self, x: float, y: float, said: str, anchor: Anchor = "start", *, size: float = 11.5, colour: str = INK,
        bold: bool = False,
    ) -> None:  # fmt: skip
        """Write a line of text, its baseline at ``y``."""
        self._items.append(_Text(x, y, said, anchor, size, colour, bold))

    def svg(self, *, name: str = "") -> str:
        """Return it as SVG, one element that stands in a page too; ``name`` tells its identifiers from those of others.

        Its title is what a screen reader says first, its description is ``alt``.
        """
        ids = f'aria-labelledby="{escape(name)}-t {escape(name)}-d"' if name else f'aria-label="{escape(self.title)}"'
        t, d = (f' id="{escape(name)}-t"', f' id="{escape(name)}-d"') if name else ("", "")
        size = f'width="{self.width:.0f}" height="{self.height:.0f}" viewBox="0 0 {self.width:.0f} {self.height:.0f}"'
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {ids} '
            'font-family="Helvetica, Arial, sans-serif">',
            f"<title{t}>{escape(self.title)}</title>",
            f"<desc{d}>{escape(self.alt)}</desc>",
            f'<rect width="{self.width:.0f}" height="{self.height:.0f}" fill="{PAPER}"/>',
            *(_as_svg(item) for item in self._items),
        ]
        return "\n".join([*lines, "</svg>", ""])

    def png(self, *, scale: float = 2.0) -> bytes:
        """Return it as a PNG file, ``scale`` times as large (2: 192 pixels an inch)."""
        finer = 2 * scale  # drawn twice as large and made smaller: smooth edges
        image = Image.new("RGB", (round(self.width * finer), round(self.height * finer)), PAPER)
        pen = ImageDraw.Draw(image)
        for item in self._items:
            if isinstance(item, _Line):
                pen.line([v * finer for v in item.ends], fill=item.colour, width=max(1, round(item.width * finer)))
            elif isinstance(item, _Shape):
                pen.polygon([(x * finer, y * finer) for x, y in item.points], fill=item.colour)
            else:
                size = item.size * finer
                at = {"start": "ls", "middle": "ms", "end": "rs"}[item.anchor]
                stroke = round(0.025 * size) if item.bold else 0
                place = (item.x * finer, item.y * finer)
                pen.text(place, _spelled(item.said), item.colour, _font(size), at, stroke_width=stroke)
        smaller = image.resize((round(self.width * scale), round(self.height * scale)), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        smaller.save(file, "PNG", dpi=(96 * scale, 96 * scale))
        return file.getvalue()


def width_of(said: str, size: float = 11.5) -> float:
    """Return about how many pixels a line of text takes."""
    return LETTER * size * len(said)


def _disc() -> tuple[tuple[float, float], ...]:
    from math import cos, pi, sin

    return tuple((cos(k * pi / 12), sin(k * pi / 12)) for k in range(24))


_SHAPES: tuple[tuple[tuple[float, float], ...], ...] = (
    _disc(),
    ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
    ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    ((0, -1.15), (1.15, 0.95), (-1.15, 0.95)),
)


def _as_svg(item: _Line | _Shape | _Text) -> str:
    if isinstance(item, _Line):
        x1, y1, x2, y2 = item.ends
        return (
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{item.colour}" '
            f'stroke-width="{item.width:g}"/>'
        )
    if isinstance(item, _Shape):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in item.points)
        return f'<polygon points="{points}" fill="{item.colour}"/>'
    bold = ' font-weight="bold"' if item.bold else ""
    return (
        f'<text x="{item.x:.1f}" y="{item.y:.1f}" text-anchor="{item.anchor}" font-size="{item.size:g}" '
        f'fill="{item.colour}"{bold}>{escape(item.said)}</text>'
    )


@cache
def _font_file() -> str | None:
    """A font with Latin, Greek and Cyrillic letters: matplotlib's where that is installed, else one of the system."""
    found = importlib.util.find_spec("matplotlib")
    beside = [Path(found.origin).parent / "mpl-data/fonts/ttf/DejaVuSans.ttf"] if found and found.origin else []
    for name in (*map(str, beside), *FONTS):
        try:
            return str(ImageFont.truetype(name, 12).path)
        except OSError:
            continue
    return None


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    path = _font_file()
    return ImageFont.truetype(path, size) if path else ImageFont.load_default(size)


def _spelled(said: str) -> str:
    """Return the text as the font can write it: Pillow's own has few letters beside those of English."""
    if _font_file() is not None:
        return said
    plain = unicodedata.normalize("NFKD", said.translate(PLAIN))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))
