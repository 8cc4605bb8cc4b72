"""Charts of many runs: differences between losses, seeds as dots, and what a search went through."""

from __future__ import annotations

import altair as alt
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.palette import PLAIN, QUIET, SERIES

VERDICTS = ("better", "cannot tell", "worse")
VERDICT_COLOURS = (SERIES[2], QUIET, SERIES[3])
VERDICT_SHAPES = ("triangle-up", "circle", "triangle-down")
AROUND, LEGEND = 82, 45
"""Pixels that an axis with its title, and a legend, take of the height of a chart that is as wide as its place."""


def differences(table: pd.DataFrame, *, reference: str, row_height: int = 26) -> Figure:
    """Return a forest plot: a dot with its interval per candidate, one panel a metric, 0 is the reference.

    ``table`` has the columns candidate, title (of the metric), difference, low, high, verdict, n_pairs, p_holm; NaN
    where not defined. Verdicts differ in colour and in shape. One panel alone is as wide as its place.
    """
    rows = table["candidate"].drop_duplicates().tolist()
    titles = table["title"].drop_duplicates().tolist()
    height = row_height * max(1, len(rows))
    panels = [_forest(table[table["title"] == title], rows, title, reference, height) for title in titles]
    if len(panels) == 1:
        return panels[0].properties(width="container", height=height + AROUND + LEGEND)
    return alt.hconcat(*panels, spacing=14)


def _forest(table: pd.DataFrame, rows: list[str], title: str, reference: str, height: int) -> Figure:
    ends = table[["difference", "low", "high"]].abs().max().max()
    reach = max(0.02, float(ends) * 1.1) if pd.notna(ends) else 1.0
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    x = alt.X(
        "difference:Q",
        title=f"{title}: minus {reference}",
        scale=scale,
        axis=alt.Axis(format="+.2f", gridDash=[2, 3], tickCount=5),
    )
    base = alt.Chart(table[table["difference"].notna()]).encode(y=_rows_axis("candidate", rows))
    spans = base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2.5)
    colour = alt.Color(
        "verdict:N",
        title=None,
        scale=alt.Scale(domain=list(VERDICTS), range=list(VERDICT_COLOURS)),
        legend=alt.Legend(orient="top", direction="horizontal"),
    )
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=x,
        color=colour,
        shape=alt.Shape("verdict:N", title=None, scale=alt.Scale(domain=list(VERDICTS), range=list(VERDICT_SHAPES))),
        tooltip=[
            alt.Tooltip("candidate:N", title="loss"),
            alt.Tooltip("difference:Q", title=f"minus {reference}", format="+.3f"),
            alt.Tooltip("low:Q", title="95 % from", format="+.3f"),
            alt.Tooltip("high:Q", title="95 % to", format="+.3f"),
            alt.Tooltip("p_holm:Q", title="p (Holm)", format=".3f"),
            alt.Tooltip("n_pairs:Q", title="seeds"),
            alt.Tooltip("verdict:N"),
        ],
    )
    zero = alt.Chart(pd.DataFrame({"x": [0.0]})).mark_rule(color=QUIET, strokeDash=[4, 3]).encode(x="x:Q")
    layers = [zero, spans.encode(x=alt.X("low:Q", scale=scale), x2="high:Q", color=colour), dots]
    return alt.layer(*layers).properties(height=height, width=210)


def seeds(table: pd.DataFrame, *, title: str, row_height: int = 26) -> Figure:
    """Return every seed as a dot and the mean as a bar, a row a candidate.

    ``table`` has the columns candidate, seed, value (NaN where not defined).
    """
    rows = table["candidate"].drop_duplicates().tolist()
    base = alt.Chart(table[table["value"].notna()]).encode(y=_rows_axis("candidate", rows))
    axis = alt.Axis(format=".2f", gridDash=[2, 3], tickCount=6)
    x = alt.X("value:Q", title=title, scale=alt.Scale(zero=False, nice=True), axis=axis)
    dots = base.mark_point(filled=True, size=60, opacity=0.75, color=SERIES[0]).encode(
        x=x,
        tooltip=[
            alt.Tooltip("candidate:N", title="loss"),
            alt.Tooltip("seed:Q"),
            alt.Tooltip("value:Q", title=title, format=".3f"),
        ],
    )
    means = base.mark_tick(thickness=2.5, size=row_height * 0.7, color=PLAIN).encode(
        x=alt.X("mean(value):Q", title=title)
    )
    return alt.layer(dots, means).properties(height=row_height * max(1, len(rows)) + AROUND)


def importance(table: pd.DataFrame, *, row_height: int = 26) -> Figure:
    """Return a bar per axis, longest first. ``table`` has the columns axis, share (in [0, 1], together 1)."""
    rows = table.sort_values("share", ascending=False)["axis"].tolist()
    base = alt.Chart(table).encode(
        y=_rows_axis("axis", rows),
        x=alt.X(
            "share:Q",
            title="share of the variance explained",
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(format=".0%", tickCount=5),
        ),
        tooltip=[alt.Tooltip("axis:N"), alt.Tooltip("share:Q", format=".1%")],
    )
    text = base.mark_text(align="left", dx=5, color=QUIET).encode(text=alt.Text("share:Q", format=".0%"))
    return alt.layer(base.mark_bar(color=PLAIN, cornerRadiusEnd=2), text).properties(
        height=row_height * max(1, len(rows)) + AROUND
    )


def parallel_coordinates(table: pd.DataFrame, *, metric: str, height: int = 280) -> Figure:
    """Return a line per setting across the axes and the metric, coloured by the metric.

    ``table`` has a row per setting and axis: setting, axis, place (in [0, 1] along the axis; NaN where it has no say),
    said (the value as text), value (the metric; lines of settings without one are drawn quiet). Beside each axis stand
    the lowest and the highest value on it.
    """
    axes = table["axis"].drop_duplicates().tolist()
    x = alt.X("axis:N", sort=axes, title=None, axis=alt.Axis(labelAngle=0, domain=False, ticks=False, labelPadding=8))
    y = alt.Y("place:Q", axis=None, scale=alt.Scale(domain=[-0.06, 1.06], nice=False))
    known = table[table["place"].notna()]
    base = alt.Chart(known).encode(x=x, y=y, detail="setting:N")
    scheme = alt.SchemeParams(name="viridis", extent=[0.25, 0.9])  # its ends vanish on a dark or a light background
    colour = alt.Color("value:Q", title=metric, scale=alt.Scale(scheme=scheme), legend=alt.Legend(orient="right"))
    tooltip = [
        alt.Tooltip("setting:N"),
        alt.Tooltip("axis:N"),
        alt.Tooltip("said:N", title="value"),
        alt.Tooltip("value:Q", title=metric, format=".3f"),
    ]
    quiet = base.transform_filter("!isValid(datum.value)").mark_line(color=QUIET, opacity=0.4, strokeDash=[3, 3])
    lines = base.transform_filter("isValid(datum.value)").mark_line(opacity=0.7, strokeWidth=2).encode(color=colour)
    dots = base.transform_filter("isValid(datum.value)").mark_point(filled=True, size=45, opacity=0.9)
    ends = _ends(known)
    words = alt.Chart(ends).mark_text(color=QUIET, fontSize=11).encode(x=x, y=y, text="said:N")
    return alt.layer(quiet, lines, dots.encode(color=colour, tooltip=tooltip), words).properties(height=height)


def _ends(known: pd.DataFrame) -> pd.DataFrame:
    """Return the lowest and the highest value of each axis, just outside of it."""
    ordered = known.sort_values("place")
    first, last = (ordered.drop_duplicates("axis", keep=keep) for keep in ("first", "last"))
    ends = pd.concat([first.assign(place=-0.045), last.assign(place=1.045)])
    return ends[["axis", "place", "said"]]


def _rows_axis(column: str, rows: list[str]) -> alt.Y:
    axis = alt.Axis(labelLimit=210, labelPadding=9, labelOverlap=False, labelFlush=False, ticks=False, domain=False)
    return alt.Y(f"{column}:N", sort=rows, title=None, axis=axis, scale=alt.Scale(type="band"))
