"""Charts of the training force: gradients over the logits a model gave, and what each class receives of them."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import numpy as np
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.palette import GROUP_COLOURS, PULL, PUSH, QUIET, SERIES_DASHES

AROUND = 104
"""Pixels that heading, axis and its title take of a chart's height."""
RATIOS = (1e-6, 1e6)
"""Ratios beyond these are drawn at the rim; the tooltip has the number."""
SHAPES = {
    "circle": "●",
    "diamond": "◆",
    "square": "■",
    "triangle-up": "▲",
    "cross": "✚",
    "triangle-down": "▼",
    "triangle-left": "◀",
    "triangle-right": "▶",
}
"""The point of each loss in order, told apart without colour, and the letter that looks like it."""


def over_logits(
    table: pd.DataFrame,
    colours: Mapping[str, str],
    *,
    title: str,
    subtitle: str,
    height_title: str,
    histogram: bool,
    x_domain: tuple[float, float],
    x_title: str | None = "logit z",
    height: int = 250,
) -> Figure:
    """Return one line a loss over the logits, in front of the histogram of the cells in quiet grey where asked.

    ``table`` has the columns loss, low, high, logit (bin, from, to and centre), n, height (what is drawn),
    mean_gradient and force; one row a loss and bin that holds cells. ``colours`` says the colour of each loss.
    """
    names = list(colours)
    x_scale = alt.Scale(domain=list(x_domain), nice=False)
    x = alt.X("logit:Q", title=x_title, scale=x_scale, axis=alt.Axis(tickCount=7, grid=False))
    scale = alt.Scale(domain=names, range=list(colours.values()))
    dashes = alt.Scale(domain=names, range=[SERIES_DASHES[k % len(SERIES_DASHES)] for k in range(len(names))])
    base = alt.Chart(table).encode(
        x=x,
        y=alt.Y("height:Q", title=height_title, axis=alt.Axis(tickCount=5, format=".3~g", gridDash=[2, 3])),
        color=alt.Color("loss:N", scale=scale, legend=None),
        tooltip=_bin_tooltip(),
    )
    lines = base.mark_line(interpolate="monotone", strokeWidth=2.2).encode(
        strokeDash=alt.StrokeDash("loss:N", scale=dashes, legend=None)
    )
    dots = base.mark_point(filled=True, size=20, opacity=0.8)
    zero = alt.Chart(pd.DataFrame({"height": [0.0]})).mark_rule(color=QUIET, opacity=0.8).encode(y="height:Q")
    front = alt.layer(zero, lines, dots)
    heading = _heading(title, subtitle)
    if not histogram:
        plain: Figure = front.properties(height=height, title=heading)
        return plain
    cells = table.drop_duplicates("bin")
    bars = (
        alt.Chart(cells)
        .mark_bar(color=QUIET, opacity=0.3, binSpacing=0)
        .encode(
            x=alt.X("low:Q", title=x_title, scale=x_scale),
            x2="high:Q",
            y=alt.Y("n:Q", axis=None, title=None, stack=None),
            y2=alt.datum(0),
            tooltip=[alt.Tooltip("low:Q", title="logit from", format=".2f"),
                     alt.Tooltip("high:Q", title="to", format=".2f"), alt.Tooltip("n:Q", title="cells", format=",")],
        )
    )  # fmt: skip
    both: Figure = alt.layer(bars, front).resolve_scale(y="independent").properties(height=height, title=heading)
    return both


def _bin_tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("loss:N"),
        alt.Tooltip("low:Q", title="logit from", format=".2f"),
        alt.Tooltip("high:Q", title="to", format=".2f"),
        alt.Tooltip("n:Q", title="cells", format=","),
        alt.Tooltip("mean_gradient:Q", title="mean gradient", format=".3~g"),
        alt.Tooltip("force:Q", title="sum of the gradients", format=".4~g"),
    ]


def ledger_bars(
    table: pd.DataFrame, *, title: str, subtitle: str, x_title: str, reach: float, row_height: int
) -> Figure:
    """Return the ledger of one loss: push to the left and pull to the right, a row a class in the order of ``table``.

    ``table`` has the columns row (what the axis says), class, group, n_positive, n_negative, pull, push, wrong_way,
    ratio, and left and right (what is drawn, both at least 0). The axis runs from -reach to reach.
    """
    sides = [
        table.assign(way="push", x=-table["left"], amount=table["push"]),
        table.assign(way="pull", x=table["right"], amount=table["pull"]),
    ]
    axis = alt.Axis(format=".2~g", labelExpr="format(abs(datum.value), '.3~g')", tickCount=5, gridDash=[2, 3])
    bars = (
        alt.Chart(pd.concat(sides, ignore_index=True))
        .mark_bar(height={"band": 0.72})
        .encode(
            y=_classes(table),
            x=alt.X("x:Q", title=x_title, scale=alt.Scale(domain=[-reach, reach], nice=False), axis=axis),
            color=alt.Color("way:N", scale=alt.Scale(domain=["push", "pull"], range=[PUSH, PULL]), legend=None),
            tooltip=_class_tooltip(),
        )
    )
    zero = alt.Chart(pd.DataFrame({"x": [0.0]})).mark_rule(color=QUIET).encode(x="x:Q")
    figure: Figure = alt.layer(bars, zero, _strip(table)).properties(
        height=row_height * len(table) + AROUND, title=_heading(title, subtitle)
    )
    return figure


def ratio_dots(
    table: pd.DataFrame, colours: Mapping[str, str], *, title: str, subtitle: str, row_height: int
) -> Figure:
    """Return pull / push on a log axis, one point a loss and class; a line marks where the two are equal.

    ``table`` is that of ``ledger_bars`` with the column loss, for several losses. A ratio that is 0 or not defined has
    no place on the axis and is left out.
    """
    drawn = table[table["ratio"] > 0]
    low, high = RATIOS
    drawn = drawn.assign(x=drawn["ratio"].clip(low, high))
    if (drawn["x"] != drawn["ratio"]).any():
        subtitle += "; what lies beyond is drawn at the rim"
    names = list(colours)
    shapes = alt.Scale(domain=names, range=[list(SHAPES)[k % len(SHAPES)] for k in range(len(names))])
    points = (
        alt.Chart(drawn)
        .mark_point(filled=True, size=62, opacity=0.95)
        .encode(
            y=_classes(table),
            x=alt.X(
                "x:Q",
                title="← push wins · pull / push · pull wins →",
                scale=alt.Scale(type="log", nice=False, padding=12),
                axis=alt.Axis(labelExpr="datum.value >= 1 ? format(datum.value, ',.0f') : '1 / ' + "
                              "format(1 / datum.value, ',.0f')", values=_powers(drawn["x"]), gridDash=[2, 3]),
            ),
            color=alt.Color("loss:N", scale=alt.Scale(domain=names, range=list(colours.values())), legend=None),
            shape=alt.Shape("loss:N", scale=shapes, legend=None),
            tooltip=[alt.Tooltip("loss:N"), *_class_tooltip()],
        )
    )  # fmt: skip
    one = alt.Chart(pd.DataFrame({"x": [1.0]})).mark_rule(color=QUIET, strokeWidth=1.6).encode(x="x:Q")
    rows = table.drop_duplicates("row")
    figure: Figure = alt.layer(one, points, _strip(rows)).properties(
        height=row_height * len(rows) + AROUND, title=_heading(title, subtitle)
    )
    return figure


def _powers(ratios: pd.Series[float]) -> list[float]:
    """Return the powers of ten around the ratios, 1 always among them."""
    if ratios.empty:
        return [1.0]
    low, high = np.floor(np.log10(ratios.min())), np.ceil(np.log10(ratios.max()))
    return sorted({1.0, *(10.0**k for k in np.arange(low, high + 1))})


def _classes(table: pd.DataFrame) -> alt.Y:
    axis = alt.Axis(labelLimit=150, labelPadding=10, labelOverlap=False, labelFlush=False, ticks=False, domain=False)
    rows = table["row"].drop_duplicates().tolist()
    return alt.Y("row:N", sort=rows, title=None, axis=axis, scale=alt.Scale(type="band", domain=rows))


def _strip(table: pd.DataFrame) -> alt.Chart:
    """Return a narrow strip along the classes in the colour of their group."""
    coloured = table.assign(strip=table["group"].map(lambda group: GROUP_COLOURS.get(group, QUIET)))
    strip: alt.Chart = (
        alt.Chart(coloured)
        .mark_bar(width=4, xOffset=-4, height={"band": 1})
        .encode(y=_classes(table), x=alt.value(0), color=alt.Color("strip:N", scale=None))
    )
    return strip


def _class_tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("class:N"),
        alt.Tooltip("group:N"),
        alt.Tooltip("n_positive:Q", title="positives", format=","),
        alt.Tooltip("n_negative:Q", title="negatives", format=","),
        alt.Tooltip("pull:Q", format=".4~g"),
        alt.Tooltip("push:Q", format=".4~g"),
        alt.Tooltip("ratio:Q", title="pull / push", format=".3~g"),
        alt.Tooltip("wrong_way:Q", title="the wrong way", format=".3~g"),
    ]


def _heading(title: str, subtitle: str) -> alt.TitleParams:
    return alt.TitleParams(
        title, subtitle=subtitle, anchor="start", fontSize=13, fontWeight=600, subtitleFontSize=12,
        subtitleColor=QUIET, offset=8,
    )  # fmt: skip
