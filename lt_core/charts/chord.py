"""Chord diagram: classes on a circle, a ribbon between two for the images that have both."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.charts import Figure
from lt_core.charts.layers import MARKS, layered, selection
from lt_core.charts.palette import GROUP_COLOURS, GROUPS
from lt_core.charts.together import CLICKED

_GAP = 0.03
"""Radians between two classes."""
_INNER, _OUTER = 0.955, 1.0
_LETTER, _NAME = 6.6, 130
"""Pixels of a letter of a name, about, and of the longest name."""
_SIDE = "(min(width, height) / 2)"
_MIDDLE = (
    alt.XValue(alt.ExprRef("width / 2")),  # type: ignore[no-untyped-call]
    alt.YValue(alt.ExprRef("height / 2")),  # type: ignore[no-untyped-call]
)
_PATH = alt.Shape("path:N", scale=None, legend=None)
"""One SVG path a ribbon draws a true curve, where an outline would take a row of data for each of its points."""
_NEAR = "near"
_LIFTED = [{"param": name, "empty": False} for name in (_NEAR, CLICKED)]

_GROUP = alt.Color(
    "group:N",
    title=None,
    scale=alt.Scale(domain=list(GROUPS), range=[GROUP_COLOURS[g] for g in GROUPS]),
    legend=alt.Legend(orient="top", direction="horizontal", symbolType="square", symbolOpacity=1, symbolStrokeWidth=0),
)


def chord_arcs(counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return where each of k classes has its images, (k, k, 2): start and end angle of class i's ribbon to j.

    ``counts`` (k, k) is symmetric; its diagonal does not matter. Angles are in radians from the top, clockwise. The
    whole circle but the gaps is shared out by the counts, so a ribbon is as wide at both ends. Partners follow the
    circle backwards, which keeps ribbons of neighbours from crossing. Zeros everywhere give empty arcs.
    """
    k = len(counts)
    width = np.array(counts, dtype=np.float64)
    np.fill_diagonal(width, 0.0)
    total = width.sum()
    width *= (2 * np.pi - _GAP * k) / total if total else 0.0
    arcs = np.zeros((k, k, 2))
    here = 0.0
    for i in range(k):
        for step in range(1, k):
            j = (i - step) % k
            arcs[i, j] = here, here + width[i, j]
            here += width[i, j]
        here += _GAP
    return arcs


def _at(angle: float, radius: float) -> str:
    """A place on a circle as SVG writes it: y goes down."""
    return f"{radius * math.sin(angle):.5f} {-radius * math.cos(angle):.5f}"


def _arc(radius: float, start: float, end: float) -> str:
    """The arc from where the pen is, at ``start``, to ``end``."""
    return f"A{radius} {radius} 0 {int(abs(end - start) > math.pi)} {int(end > start)} {_at(end, radius)}"


def ribbon(a: Sequence[float], b: Sequence[float]) -> str:
    """Return the ribbon from arc ``a`` to arc ``b`` (start, end; radians) as an SVG path in a circle of radius 1.

    Two arcs, and two quadratic Bezier curves with the centre of the circle as control point.
    """
    r = _INNER - 0.012
    return f"M{_at(a[0], r)}{_arc(r, a[0], a[1])}Q0 0 {_at(b[0], r)}{_arc(r, b[0], b[1])}Q0 0 {_at(a[0], r)}Z"


def segment(start: float, end: float) -> str:
    """Return the piece of the ring between two angles as an SVG path in a circle of radius 1."""
    return (f"M{_at(start, _OUTER)}{_arc(_OUTER, start, end)}"
            f"L{_at(end, _INNER)}{_arc(_INNER, end, start)}Z")  # fmt: skip


def _ribbons(counts: NDArray[np.integer], arcs: NDArray[np.float64], classes: pd.DataFrame) -> pd.DataFrame:
    names, groups, positives = (classes[c].to_numpy(object) for c in ("class", "group", "positives"))
    a, b = np.nonzero(np.triu(counts, k=1))
    return pd.DataFrame(
        {
            "path": [ribbon(*ends) for ends in zip(arcs[a, b].tolist(), arcs[b, a].tolist(), strict=True)],
            "a": names[a],
            "b": names[b],
            "n": counts[a, b],
            "group": groups[np.where(positives[a] <= positives[b], a, b)],
        }
    )


def _ring(arcs: NDArray[np.float64], classes: pd.DataFrame) -> pd.DataFrame:
    """Return the classes' segments, and where their names go and how these are turned."""
    rows = []
    for i, row in enumerate(classes[["class", "positives", "group"]].itertuples(index=False)):
        others = np.delete(arcs[i], i, axis=0)
        start, end = float(others[:, 0].min(initial=2 * np.pi)), float(others[:, 1].max(initial=0.0))
        if end <= start:
            continue
        middle = (start + end) / 2
        right = middle < math.pi
        rows.append((row[0], int(row[1]), row[2], segment(start, end), 1.04 * math.sin(middle),
                     1.04 * math.cos(middle), right, math.degrees(middle) - (90 if right else 270)))  # fmt: skip
    return pd.DataFrame(rows, columns=["class", "positives", "group", "path", "x", "y", "right", "angle"])


def chord_diagram(
    counts: NDArray[np.integer], classes: pd.DataFrame, *, ink: str = "#1B2A33", height: int = 660
) -> Figure:
    """Return the chord diagram of ``counts`` (k, k) between ``classes`` (columns class, positives, group; k rows).

    A ribbon is as wide as the number of images with both classes, in the colour of the rarer one's group. Pointing at
    a ribbon lifts it out and names it; a click selects it (``CLICKED``, fields ``a`` and ``b``).
    """
    arcs = chord_arcs(counts)
    ring = _ring(arcs, classes)
    reach = _reach(ring["class"], height)
    links = (
        alt.Chart(_ribbons(counts, arcs, classes), name=MARKS)
        .mark_point(filled=True, strokeWidth=0, cursor="pointer", size=_unit(reach))
        .encode(
            x=_MIDDLE[0], y=_MIDDLE[1], shape=_PATH, color=_GROUP,
            opacity=alt.OpacityValue(0.5, condition={"test": {"or": _LIFTED}, "value": 0.95}),
            tooltip=[alt.Tooltip("a:N", title="with"), alt.Tooltip("b:N", title="and"),
                     alt.Tooltip("n:Q", title="images with both", format=",.0f")],
        )
    )  # fmt: skip
    segments = (
        alt.Chart(ring.drop(columns=["x", "y", "right", "angle"]))
        .mark_point(filled=True, opacity=1, strokeWidth=0, size=_unit(reach))
        .encode(x=_MIDDLE[0], y=_MIDDLE[1], shape=_PATH, color=_GROUP, tooltip=_about_class())
    )
    near = selection(_NEAR, "a", "b", on="pointerover", clear="pointerout")
    return layered(
        links, segments, *_names(ring, reach, ink), height=height, selections=(near, selection(CLICKED, "a", "b"))
    )


def _names(ring: pd.DataFrame, reach: float, ink: str) -> list[alt.Chart]:
    x = alt.X("x:Q", scale=_even("width", reach), axis=None)
    y = alt.Y("y:Q", scale=_even("height", reach, up=True), axis=None)
    right = ring["right"].to_numpy(np.bool_)
    shown = ring[["class", "x", "y", "angle"]]
    sides: tuple[tuple[pd.DataFrame, Literal["left", "right"]], ...] = (
        (shown[right], "left"),
        (shown[~right], "right"),
    )
    return [
        alt.Chart(side)
        .mark_text(align=align, baseline="middle", fontSize=12, color=ink, limit=_NAME)
        .encode(x=x, y=y, text=alt.Text("class:N"), angle=alt.Angle("angle:Q", scale=None))
        for side, align in sides
        if len(side)
    ]


def _about_class() -> list[alt.Tooltip]:
    return [alt.Tooltip("class:N"), alt.Tooltip("positives:Q", format=",.0f"), alt.Tooltip("group:N")]


def _reach(names: Iterable[str], height: int) -> float:
    """Return half the side of the drawing, in radii: what is beyond 1 is for the longest name."""
    longest = max((len(str(name)) for name in names), default=0)
    half, name = height / 2, min(_LETTER * longest, _NAME)
    return 1.06 * half / (half - name)


def _unit(reach: float) -> alt.ExprRef:
    """Return the size that makes the unit of a path one radius: Vega draws a path as large as the root of it / 2."""
    return alt.ExprRef(f"pow({_SIDE} * 2 / {reach}, 2)")


def _even(size: str, reach: float, *, up: bool = False) -> alt.Scale:
    """Return a scale whose unit is the same length across and up, whatever the shape of the space given."""
    ends = [{"expr": f"{size} / 2 - {_SIDE}"}, {"expr": f"{size} / 2 + {_SIDE}"}]
    return alt.Scale(domain=[-reach, reach], range=ends[::-1] if up else ends, nice=False, zero=False)
