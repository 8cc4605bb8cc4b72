"""The confusion matrix of a set with one class an image."""

from __future__ import annotations

import altair as alt
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.layers import layered

CELL = 34
"""Pixels of a cell."""
FRAME = 150
"""Pixels that legend, axis and its title take of a chart's height."""


def confusion_heat(table: pd.DataFrame) -> Figure:
    """Return cells coloured by their share of the true class, the counts on them.

    ``table`` has a row a cell in the order of the axes: true, called, n, of (images of the true class), share (NaN
    where there are none).
    """
    order = table["true"].drop_duplicates().tolist()
    size = CELL * len(order)
    base = alt.Chart(table).encode(
        x=alt.X("called:N", sort=order, title="called", axis=alt.Axis(labelAngle=-40, labelLimit=140)),
        y=alt.Y("true:N", sort=order, title="true", axis=alt.Axis(labelLimit=180)),
        tooltip=[
            alt.Tooltip("true:N"),
            alt.Tooltip("called:N"),
            alt.Tooltip("n:Q", title="images", format=","),
            alt.Tooltip("share:Q", title="of the true class", format=".1%"),
        ],
    )
    cells = base.mark_rect().encode(
        color=alt.Color(
            "share:Q",
            title="share of the true class",
            scale=alt.Scale(domain=[0, 1], scheme="purples"),
            legend=alt.Legend(orient="top", direction="horizontal", format=".0%", gradientLength=160),
        )
    )
    ink = alt.condition("datum.share > 0.5", alt.value("white"), alt.value("#333333"))
    texts = base.mark_text(fontSize=11).encode(text=alt.Text("n:Q", format=","), color=ink)
    return layered(cells, texts, height=size + FRAME)
