"""Chord diagram: classes on a circle, a ribbon between two for the images that have both."""

from __future__ import annotations

from typing import Literal

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.charts import Figure
from lt_core.charts.palette import GROUP_COLOURS, GROUPS
from lt_core.charts.together import CLICKED

_GAP = 0.03
"""Radians between two classes."""
_INNER, _OUTER = 0.955, 1.0
_LETTER, _NAME = 6.6, 130
"""Pixels of a letter of a name, about, and of the longest name."""


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


def _at(angle: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    return np.column_stack((radius * np.sin(angle), radius * np.cos(angle)))


def ribbon(a: NDArray[np.float64], b: NDArray[np.float64], *, points: int = 12) -> NDArray[np.float64]:
    """Return the outline (n, 2) of the ribbon from arc ``a`` to arc ``b`` (start, end): two arcs, two curves.

    The curves are quadratic Bezier curves with the centre of the circle as control point.
    """
    along = np.linspace(0.0, 1.0, points)[:, None]
    first, second = (_at(np.linspace(arc[0], arc[1], points), _INNER - 0.012) for arc in (a, b))
    over = (1 - along) ** 2 * first[-1] + along**2 * second[0]
    back = (1 - along) ** 2 * second[-1] + along**2 * first[0]
    return np.concatenate((first, over, second, back))


def _ribbons(counts: NDArray[np.integer], arcs: NDArray[np.float64], classes: pd.DataFrame) -> pd.DataFrame:
    names, groups, positives = (classes[c].to_numpy(object) for c in ("class", "group", "positives"))
    a, b = np.nonzero(np.triu(counts, k=1))
    outlines = [ribbon(arcs[i, j], arcs[j, i]) for i, j in zip(a, b, strict=True)]
    if not outlines:
        return pd.DataFrame({column: [] for column in ("x", "y", "a", "b", "n", "group", "place")})
    points, each = np.concatenate(outlines), len(outlines[0])
    of_pair = {
        "a": names[a],
        "b": names[b],
        "n": counts[a, b],
        "group": groups[np.where(positives[a] <= positives[b], a, b)],
    }
    return pd.DataFrame(
        {"x": points[:, 0], "y": points[:, 1], "place": np.tile(np.arange(each), len(outlines))}
        | {column: np.repeat(values, each) for column, values in of_pair.items()}
    )


def _ring(arcs: NDArray[np.float64], classes: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the outlines of the classes' segments and where their names go."""
    rings, labels = [], []
    for i, row in enumerate(classes.itertuples(index=False)):
        others = np.delete(arcs[i], i, axis=0)
        start, end = others[:, 0].min(initial=2 * np.pi), others[:, 1].max(initial=0.0)
        if end <= start:
            continue
        turn = np.linspace(start, end, max(3, int((end - start) * 40)))
        outline = np.concatenate((_at(turn, _OUTER), _at(turn[::-1], _INNER)))
        facts = {"class": row[0], "positives": int(row[1]), "group": row[2]}
        rings.append(pd.DataFrame(outline, columns=["x", "y"]).assign(**facts, place=range(len(outline))))
        middle = (start + end) / 2
        x, y = _at(np.array([middle]), 1.04)[0]
        degrees = np.degrees(middle)
        right = degrees < 180
        labels.append({**facts, "x": x, "y": y, "right": right, "angle": degrees - 90 if right else degrees - 270})
    return (pd.concat(rings, ignore_index=True) if rings else pd.DataFrame()), pd.DataFrame(labels)


def chord_diagram(
    counts: NDArray[np.integer], classes: pd.DataFrame, *, ink: str = "#1B2A33", height: int = 660
) -> Figure:
    """Return the chord diagram of ``counts`` (k, k) between ``classes`` (columns class, positives, group; k rows).

    A ribbon is as wide as the number of images with both classes, in the colour of the rarer one's group. Pointing at
    a ribbon lifts it out and names it; a click selects it (``CLICKED``, fields ``a`` and ``b``).
    """
    arcs = chord_arcs(counts)
    ribbons, (ring, labels) = _ribbons(counts, arcs, classes), _ring(arcs, classes)
    near = alt.selection_point(name="near", on="pointerover", clear="pointerout", fields=["a", "b"], empty=False)
    click = alt.selection_point(name=CLICKED, fields=["a", "b"], empty=False)
    reach = _reach(labels, height)
    x = alt.X("x:Q", scale=_even("width", reach), axis=None)
    y = alt.Y("y:Q", scale=_even("height", reach, up=True), axis=None)
    links = (
        alt.Chart(ribbons)
        .mark_line(filled=True, strokeWidth=0, interpolate="linear-closed", cursor="pointer")
        .encode(
            x=x, y=y, color=_GROUP, detail=["a:N", "b:N"], order="place:Q",
            opacity=alt.when(near | click).then(alt.value(0.95)).otherwise(alt.value(0.5)),
            tooltip=[alt.Tooltip("a:N", title="with"), alt.Tooltip("b:N", title="and"),
                     alt.Tooltip("n:Q", title="images with both", format=",.0f")],
        )
        .add_params(near, click)
    )  # fmt: skip
    segments = (
        alt.Chart(ring)
        .mark_line(filled=True, strokeWidth=0, interpolate="linear-closed")
        .encode(x=x, y=y, color=_GROUP, detail="class:N", order="place:Q", tooltip=_about_class())
    )
    chart: Figure = alt.layer(links, segments, *_names(labels, x, y, ink)).properties(height=height)
    return chart


def _names(labels: pd.DataFrame, x: alt.X, y: alt.Y, ink: str) -> list[alt.Chart]:
    sides: list[tuple[pd.DataFrame, Literal["left", "right"]]] = []
    if len(labels):
        sides = [(labels[labels["right"]], "left"), (labels[~labels["right"]], "right")]
    return [
        alt.Chart(side)
        .mark_text(align=align, baseline="middle", fontSize=12, color=ink, limit=_NAME)
        .encode(x=x, y=y, text="class:N", angle=alt.Angle("angle:Q", scale=None))
        for side, align in sides
        if len(side)
    ]


def _about_class() -> list[alt.Tooltip]:
    return [alt.Tooltip("class:N"), alt.Tooltip("positives:Q", format=",.0f"), alt.Tooltip("group:N")]


def _reach(labels: pd.DataFrame, height: int) -> float:
    """Return half the side of the drawing, in radii: what is beyond 1 is for the longest name."""
    longest = max((len(str(name)) for name in labels["class"]), default=0) if len(labels) else 0
    half, name = height / 2, min(_LETTER * longest, _NAME)
    return 1.06 * half / (half - name)


def _even(size: str, reach: float, *, up: bool = False) -> alt.Scale:
    """Return a scale whose unit is the same length across and up, whatever the shape of the space given."""
    side = "min(width, height) / 2"
    ends = [{"expr": f"{size} / 2 - {side}"}, {"expr": f"{size} / 2 + {side}"}]
    return alt.Scale(domain=[-reach, reach], range=ends[::-1] if up else ends, nice=False, zero=False)
