"""Charts of a comparison of losses for a paper, and of a search as it went on."""

from __future__ import annotations

import altair as alt
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.palette import GROUP_COLOURS, GROUPS, PLAIN, QUIET
from lt_core.charts.sweeps import AROUND, LEGEND

ROWS = ("macro", *GROUPS)
COLOURS = {"macro": PLAIN, **GROUP_COLOURS}
SHAPES = {"macro": "diamond", "head": "circle", "medium": "square", "tail": "triangle-up"}
STEP = 15
"""Pixels between the dots of one loss."""


def means(table: pd.DataFrame, *, reference: str, title: str) -> Figure:
    """Return, a loss a row, the mean and interval of a metric over all classes and over head, medium and tail.

    ``table`` has the columns candidate, group (macro, head, medium, tail), mean, low, high, n, verdict; NaN where not
    defined. Dashed lines are the means of ``reference``. Groups differ in colour and in shape.
    """
    labels = table["candidate"].drop_duplicates().tolist()
    known = table[table["mean"].notna()]
    y = alt.Y("candidate:N", sort=labels, title=None,
              axis=alt.Axis(labelLimit=180, labelPadding=8, ticks=False, domain=False, grid=True, tickBand="extent"),
              scale=alt.Scale(domain=labels, paddingInner=0.25, paddingOuter=0.15))  # fmt: skip
    offset = alt.YOffset("group:N", sort=list(ROWS), scale=alt.Scale(domain=list(ROWS), padding=0.4))
    legend = alt.Legend(orient="top", direction="horizontal", symbolOpacity=1)
    domain, colours = list(ROWS), [COLOURS[row] for row in ROWS]
    colour = alt.Color("group:N", title=None, sort=domain, legend=legend, scale=alt.Scale(domain=domain, range=colours))
    shape = alt.Shape(
        "group:N", title=None, sort=domain, scale=alt.Scale(domain=domain, range=[SHAPES[row] for row in ROWS])
    )
    scale = alt.Scale(zero=False, nice=True, domain=_reach(known), clamp=True)
    axis = alt.Axis(format=".2f", gridDash=[2, 3], tickCount=6)
    x = alt.X("mean:Q", title=title, scale=scale, axis=axis)
    base = alt.Chart(known).encode(y=y, yOffset=offset, color=colour)
    spans = (
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=2.5, opacity=0.8)
        .encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    )
    dots = base.mark_point(filled=True, size=75, opacity=1).encode(x=x, shape=shape, tooltip=_tooltip(title))
    lines = (
        alt.Chart(known[known["candidate"] == reference])
        .mark_rule(strokeDash=[4, 3], opacity=0.55)
        .encode(x=x, color=colour)
    )
    return alt.layer(lines, spans, dots).properties(height=STEP * 5 * max(1, len(labels)) + AROUND + LEGEND)


def _reach(known: pd.DataFrame) -> list[float]:
    ends = pd.concat([known["mean"], known["low"], known["high"]]).dropna()
    if ends.empty:
        return [0.0, 1.0]
    room = max(0.02, 0.04 * float(ends.max() - ends.min()))
    return [max(0.0, float(ends.min()) - room), min(1.0, float(ends.max()) + room)]


def _tooltip(title: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("candidate:N", title="loss"),
        alt.Tooltip("group:N", title="classes"),
        alt.Tooltip("mean:Q", title=title, format=".3f"),
        alt.Tooltip("low:Q", title="95 % from", format=".3f"),
        alt.Tooltip("high:Q", title="95 % to", format=".3f"),
        alt.Tooltip("n:Q", title="seeds"),
        alt.Tooltip("verdict:N"),
    ]


def over_trials(table: pd.DataFrame, *, metric: str, height: int = 240) -> Figure:
    """Return the value of each setting in the order it was tried, and the best so far as a line.

    ``table`` has the columns number, state, value (NaN where there is none), best (so far).
    """
    x = alt.X("number:Q", title="setting, in the order tried", axis=alt.Axis(tickMinStep=1, format="d"))
    scale = alt.Scale(zero=False, nice=True)
    known = alt.Chart(table[table["value"].notna()])
    dots = known.mark_point(filled=True, size=60, opacity=0.8, color=PLAIN).encode(
        x=x,
        y=alt.Y("value:Q", title=metric, scale=scale),
        tooltip=[
            alt.Tooltip("number:Q", title="setting"),
            alt.Tooltip("value:Q", title=metric, format=".3f"),
            alt.Tooltip("state:N"),
        ],
    )
    line = (
        alt.Chart(table[table["best"].notna()])
        .mark_line(interpolate="step-after", color=QUIET, strokeWidth=2)
        .encode(x=x, y=alt.Y("best:Q", scale=scale, title=metric))
    )
    return alt.layer(line, dots).properties(height=height)
