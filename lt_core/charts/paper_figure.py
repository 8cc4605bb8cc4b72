"""The picture of a comparison of losses as an SVG file for a paper: no browser and no other program is needed."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from lt_core.charts.sweep_means import COLOURS, ROWS

STEP, GAP = 13, 11
"""Pixels between the dots of one loss, and between two losses."""
TOP, BOTTOM, RIGHT = 34, 46, 18
LETTER = 6.3
"""Width of a letter of the labels, about."""
INK, FAINT = "#1B2A33", "#C9D1D4"


def means_svg(table: pd.DataFrame, *, reference: str, title: str, width: int = 640) -> str:
    """Return an SVG of mean and interval of a metric, a loss a row, over all, head, medium and tail classes.

    ``table`` is that of ``sweep_means.means``. ``width`` in pixels, at 96 an inch: 640 fill a page of 6.7 inches.
    Means and intervals that are not defined are left out.
    """
    labels = table["candidate"].drop_duplicates().tolist()
    left, block = 16 + LETTER * max((len(label) for label in labels), default=0), STEP * len(ROWS) + GAP
    height = TOP + block * len(labels) + BOTTOM
    ticks = _ticks(table)
    low, high = ticks[0], ticks[-1]

    def place(value: float) -> float:
        return float(left + (value - low) / (high - low) * (width - left - RIGHT))

    rows = {(row["candidate"], row["group"]): row for row in table.to_dict("records")}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="11.5">',
        f"<title>{escape(title)}: mean over seeds with its 95 % interval</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *_legend(left),
        *_axis(ticks, place, height - BOTTOM, title, (left + width - RIGHT) / 2),
    ]
    for number, label in enumerate(labels):
        top = TOP + block * number
        middle = top + STEP * len(ROWS) / 2
        lines.append(_text(left - 9, middle + 4, label, "end"))
        if number:
            lines.append(_line(left, top - GAP / 2, width - RIGHT, top - GAP / 2, FAINT, 0.6))
        for k, group in enumerate(ROWS):
            if found := rows.get((label, group)):
                lines += _dot(found, group, top + STEP * (k + 0.5), place)
    marked = {group: rows.get((reference, group), {}).get("mean", math.nan) for group in ROWS}
    lines += [
        _line(place(mean), TOP - 4, place(mean), height - BOTTOM, COLOURS[group], 0.9, dashed=True)
        for group, mean in marked.items()
        if not math.isnan(mean)
    ]
    return "\n".join([*lines, "</svg>", ""])


def _ticks(table: pd.DataFrame) -> list[float]:
    """Return the places of the axis' numbers, about six at round numbers, the first and last beyond all values."""
    known = pd.concat([table["mean"], table["low"], table["high"]]).dropna()
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    raw = max(high - low, 0.02) / 5
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * k, 6) for k in range(first, max(last, first + 1) + 1)]


def _axis(
    ticks: list[float], place: Callable[[float], float], bottom: float, title: str, middle: float
) -> Iterator[str]:
    decimals = max(2, -math.floor(math.log10(float(np.diff(ticks).min())) + 1e-9))
    for tick in ticks:
        x = place(tick)
        yield _line(x, TOP - 4, x, bottom, FAINT, 0.6)
        yield _text(x, bottom + 15, f"{tick:.{decimals}f}", "middle")
    yield _text(middle, bottom + 34, title, "middle")


def _legend(left: float) -> Iterator[str]:
    x = left
    for group in ROWS:
        yield _mark(x + 5, 14, group)
        yield _text(x + 15, 18, group, "start")
        x += 30 + LETTER * len(group)


def _dot(row: dict[Hashable, Any], group: str, y: float, place: Callable[[float], float]) -> Iterator[str]:
    if math.isnan(row["mean"]):
        return
    if not math.isnan(row["low"]):
        yield _line(place(row["low"]), y, place(row["high"]), y, COLOURS[group], 2)
    yield _mark(place(row["mean"]), y, group)


def _mark(x: float, y: float, group: str) -> str:
    """Return the shape of a group, so that a print without colour tells them apart."""
    paths = {
        "macro": f"M{x:.1f} {y - 5:.1f} l5 5 l-5 5 l-5 -5 z",
        "head": f"M{x - 4:.1f} {y:.1f} a4 4 0 1 0 8 0 a4 4 0 1 0 -8 0 z",
        "medium": f"M{x - 3.6:.1f} {y - 3.6:.1f} h7.2 v7.2 h-7.2 z",
        "tail": f"M{x:.1f} {y - 4.6:.1f} l4.8 8.4 h-9.6 z",
    }
    return f'<path d="{paths[group]}" fill="{COLOURS[group]}"/>'


def _text(x: float, y: float, said: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}">{escape(said)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float, *, dashed: bool = False) -> str:
    dashes = ' stroke-dasharray="4 3"' if dashed else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width:g}"{dashes}/>'
    )
