"""Charts of maps: what a network says while pixels are changed, and how runs differ in where their maps point."""

from __future__ import annotations

import altair as alt
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.palette import QUIET, SERIES
from lt_core.charts.results import AROUND, RUN_LEGEND, RUN_SHAPES
from lt_core.charts.versus import COLOURS, SHAPES, VERDICTS

THIS_MAP, AT_RANDOM = "this map", "maps at random"


def changed_pixels(table: pd.DataFrame, *, title: str, height: int = 190) -> Figure:
    """Return the probability while pixels are changed, of the map and, in grey, of maps at random.

    ``table`` has the columns order ("strongest first", "weakest first"), of (``THIS_MAP`` or ``AT_RANDOM``), number
    (which of the maps), share (of pixels changed, in [0, 1]) and probability.
    """
    orders = table["order"].drop_duplicates().tolist()
    x = alt.X("share:Q", title="pixels changed", axis=alt.Axis(format="%", tickCount=5, gridDash=[2, 3]))
    y = alt.Y("probability:Q", title="probability", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(tickCount=5))
    colour = alt.Color(
        "order:N",
        title=None,
        scale=alt.Scale(domain=orders, range=list(SERIES[: len(orders)])),
        legend=alt.Legend(orient="top", direction="horizontal"),
    )
    tips = [
        alt.Tooltip("of:N", title="map"),
        alt.Tooltip("order:N", title="order"),
        alt.Tooltip("share:Q", title="pixels changed", format=".0%"),
        alt.Tooltip("probability:Q", title="probability", format=".3f"),
    ]
    base = alt.Chart(table).encode(x=x, y=y, tooltip=tips)
    others = base.transform_filter(alt.datum.of == AT_RANDOM).mark_line(color=QUIET, opacity=0.35, strokeWidth=1)
    own = base.transform_filter(alt.datum.of == THIS_MAP).mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=22))
    lines = alt.layer(others.encode(detail=["number:N", "order:N"]), own.encode(color=colour))
    return lines.properties(title=alt.Title(title, anchor="start", fontSize=13), height=height + AROUND)


def pointing_differences(table: pd.DataFrame, *, title: str, row_height: int = 26) -> Figure:
    """Return a dot with its interval per class and run around 0, coloured by the verdict and shaped by the run.

    ``table`` has the columns row (what the axis says), run, difference, low, high, n and verdict ("better", "worse",
    "cannot tell"); NaN where not defined. With one run the shape says the verdict too.
    """
    rows, runs = table["row"].drop_duplicates().tolist(), table["run"].drop_duplicates().tolist()
    ends = table[["low", "high", "difference"]].abs().max().max()
    reach = 0.05 if pd.isna(ends) else max(0.05, float(ends) * 1.1)
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    by_verdict = alt.Legend(orient="top", direction="horizontal", symbolOpacity=1, symbolStrokeWidth=0)
    colour = alt.Color(
        "verdict:N",
        title="it points",
        scale=alt.Scale(domain=list(VERDICTS), range=list(COLOURS)),
        legend=by_verdict,
    )
    if len(runs) == 1:
        shapes = alt.Scale(domain=list(VERDICTS), range=list(SHAPES))
        shape = alt.Shape("verdict:N", title="it points", scale=shapes, legend=by_verdict)
    else:
        shapes = alt.Scale(domain=runs, range=list(RUN_SHAPES[1 : len(runs) + 1]))
        shape = alt.Shape("run:N", scale=shapes, legend=RUN_LEGEND)
    axis = alt.Axis(labelLimit=210, labelPadding=9, labelOverlap=False, ticks=False, domain=False)
    apart = alt.YOffset("run:N", sort=runs) if len(runs) > 1 else alt.Undefined
    base = alt.Chart(table[table["difference"].notna()]).encode(
        y=alt.Y("row:N", sort=rows, title=None, axis=axis), yOffset=apart, tooltip=_tips()
    )
    x = alt.X("difference:Q", title=title, scale=scale, axis=alt.Axis(format="+.2f", gridDash=[2, 3], tickCount=7))
    zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color=QUIET).encode(x=alt.X("zero:Q", title=title))
    spans = base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2.5, opacity=0.6)
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(x=x, color=colour, shape=shape)
    height = row_height * (1 if len(runs) == 1 else 0.7 + 0.4 * len(runs)) * len(rows) + AROUND
    ends_of_span = spans.encode(x=alt.X("low:Q", scale=scale, title=title), x2="high:Q", color=colour)
    return alt.layer(zero, ends_of_span, dots).properties(height=height)


def _tips() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("run:N"),
        alt.Tooltip("row:N", title="class · images"),
        alt.Tooltip("difference:Q", title="it minus A", format="+.3f"),
        alt.Tooltip("low:Q", title="95 % from", format="+.3f"),
        alt.Tooltip("high:Q", title="95 % to", format="+.3f"),
        alt.Tooltip("verdict:N", title="it points"),
    ]
