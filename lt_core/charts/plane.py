"""A loss over two logits: its height as colour, the way a step goes as arrows."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.palette import HEAT, QUIET

ARROW = 0.8
"""Length of the longest arrow, in steps between arrows."""


def loss_plane(points: pd.DataFrame, *, right: str, other: str, every: int = 2, size: int = 380) -> Figure:
    """Return the plane of ``lt_core.losses.plane``: z of class ``other`` over z of class ``right``.

    Every ``every``-th point has an arrow along the negative gradient; its length is relative to the longest one.
    Above the diagonal the other class has the larger logit: the image would be called that.
    """
    axis = np.unique(points["z_right"])
    step = float(axis[1] - axis[0])
    titles = f"logit of {right} (the right class)", f"logit of {other}"
    cells = points.assign(x2=points["z_right"] + step / 2, y2=points["z_other"] + step / 2)
    cells = cells.assign(x1=points["z_right"] - step / 2, y1=points["z_other"] - step / 2)
    heat = (
        alt.Chart(cells)
        .mark_rect()
        .encode(
            x=alt.X("x1:Q", title=titles[0], scale=alt.Scale(nice=False)),
            x2="x2:Q",
            y=alt.Y("y1:Q", title=titles[1], scale=alt.Scale(nice=False)),
            y2="y2:Q",
            color=alt.Color("value:Q", title="loss", scale=alt.Scale(scheme=HEAT)),
            tooltip=[
                alt.Tooltip("z_right:Q", title=f"logit of {right}", format=".2f"),
                alt.Tooltip("z_other:Q", title=f"logit of {other}", format=".2f"),
                alt.Tooltip("value:Q", title="loss", format=".4~g"),
                alt.Tooltip("pull_right:Q", title=f"pull on {right}", format=".4~g"),
                alt.Tooltip("pull_other:Q", title=f"pull on {other}", format=".4~g"),
            ],
        )
    )
    ends = float(axis[-1] + step / 2)
    diagonal = (
        alt.Chart(pd.DataFrame({"a": [-ends, ends]}))
        .mark_line(color=QUIET, strokeDash=[5, 4])
        .encode(x=alt.X("a:Q"), y=alt.Y("a:Q"))
    )
    layers: Figure = alt.layer(heat, diagonal, *_arrows(points, axis, every)).properties(width=size, height=size)
    return layers


def _arrows(points: pd.DataFrame, axis: np.ndarray, every: int) -> list[alt.Chart]:
    """Return shafts and heads of the arrows along the negative gradient."""
    kept = axis[every // 2 :: every]
    some = points[points["z_right"].isin(kept) & points["z_other"].isin(kept)]
    length = np.hypot(some["pull_right"], some["pull_other"])
    scale = ARROW * (axis[1] - axis[0]) * every / (length.max() or 1.0)
    ends = some.assign(
        to_right=some["z_right"] + scale * some["pull_right"],
        to_other=some["z_other"] + scale * some["pull_other"],
        angle=90 - np.degrees(np.arctan2(some["pull_other"], some["pull_right"])),
        size=40 * length / (length.max() or 1.0),
    )
    shafts = (
        alt.Chart(ends)
        .mark_rule(color="black", strokeWidth=1.2)
        .encode(x="z_right:Q", y="z_other:Q", x2="to_right:Q", y2="to_other:Q")
    )
    heads = (
        alt.Chart(ends)
        .mark_point(shape="triangle", filled=True, color="black", opacity=1)
        .encode(
            x="to_right:Q",
            y="to_other:Q",
            angle=alt.Angle("angle:Q", scale=alt.Scale(domain=[0, 360], range=[0, 360])),
            size=alt.Size("size:Q", legend=None, scale=alt.Scale(domain=[0, 40], range=[0, 40])),
        )
    )
    return [shafts, heads]
