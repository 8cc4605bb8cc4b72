"""Charts of a paired comparison: how much better or worse a model is, class by class, and how sure that is."""

from __future__ import annotations

import altair as alt
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.layers import layered
from lt_core.charts.palette import QUIET
from lt_core.charts.results import AROUND

VERDICTS = ("better", "worse", "cannot tell")
COLOURS = ("#2E9E5B", "#D9483B", QUIET)
SHAPES = ("triangle-right", "triangle-left", "circle")


def differences(table: pd.DataFrame, *, title: str, model: str = "B", row_height: int = 26) -> Figure:
    """Return a dot with its interval per row around 0, coloured and shaped by the verdict.

    ``table`` has the columns row (what the axis says), difference, low, high, method (of the interval), verdict, a, b,
    p_adjusted, smallest_detectable; NaN where not defined. ``model`` is the letter of the one that is held against A.
    The pale band is what this row could not show: within the smallest detectable difference of 0.
    """
    rows = table["row"].tolist()
    ends = table[["low", "high", "difference"]].abs().max().max()
    reach = 0.05 if pd.isna(ends) else max(0.05, float(ends) * 1.1)
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    axis = alt.Axis(labelLimit=210, labelPadding=9, labelOverlap=False, ticks=False, domain=False)
    y = alt.Y("row:N", sort=rows, title=None, axis=axis)
    x = alt.X("difference:Q", title=title, scale=scale, axis=alt.Axis(format="+.2f", gridDash=[2, 3], tickCount=7))
    colour = alt.Color(
        "verdict:N", title=f"{model} is", scale=alt.Scale(domain=list(VERDICTS), range=list(COLOURS)), legend=_legend()
    )
    shape = alt.Shape(
        "verdict:N", title=f"{model} is", scale=alt.Scale(domain=list(VERDICTS), range=list(SHAPES)), legend=_legend()
    )
    shown = table.assign(
        quiet_low=(-table["smallest_detectable"]).clip(lower=-reach),
        quiet_high=table["smallest_detectable"].clip(upper=reach),
        from_=table["low"].clip(lower=-reach),
        to=table["high"].clip(upper=reach),
    )
    base = alt.Chart(shown[shown["difference"].notna()]).encode(y=y, tooltip=_tooltip(model))
    missing = alt.Chart(shown[shown["difference"].isna()]).mark_text(color=QUIET, fontSize=11, fontStyle="italic")
    layers = [
        base.mark_bar(opacity=0.13, color=QUIET, height=row_height * 0.7).encode(
            x=alt.X("quiet_low:Q", scale=scale, title=title), x2="quiet_high:Q"
        ),
        alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color=QUIET).encode(x=alt.X("zero:Q", title=title)),
        base.mark_rule(strokeWidth=2.5, opacity=0.6).encode(
            x=alt.X("from_:Q", scale=scale, title=title), x2="to:Q", color=colour
        ),
        base.mark_point(filled=True, size=90, opacity=1).encode(x=x, color=colour, shape=shape),
        missing.encode(y=y, x=alt.datum(0.0), text=alt.value("not defined")),
    ]
    return layered(*layers, height=row_height * len(rows) + AROUND)


def _legend() -> alt.Legend:
    return alt.Legend(orient="top", direction="horizontal", symbolOpacity=1, symbolStrokeWidth=0)


def _tooltip(model: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("row:N", title="class · positives"),
        alt.Tooltip("a:Q", title="A", format=".3f"),
        alt.Tooltip("b:Q", title=model, format=".3f"),
        alt.Tooltip("difference:Q", title=f"{model} minus A", format="+.3f"),
        alt.Tooltip("low:Q", title="95 % from", format="+.3f"),
        alt.Tooltip("high:Q", title="95 % to", format="+.3f"),
        alt.Tooltip("method:N", title="interval"),
        alt.Tooltip("p_adjusted:Q", title="p, corrected", format=".3g"),
        alt.Tooltip("smallest_detectable:Q", title="smallest it could show", format=".3f"),
        alt.Tooltip("verdict:N", title=f"{model} is"),
    ]
