"""Charts of a label distribution: how many, how unequal, how often together."""

from __future__ import annotations

from typing import Literal

import altair as alt
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.layers import MARKS, layered, selection
from lt_core.charts.palette import GROUP_COLOURS, GROUPS, HEAT, PLAIN, QUIET

GROUP_COLOUR = alt.Color(
    "group:N",
    title=None,
    scale=alt.Scale(domain=list(GROUPS), range=[GROUP_COLOURS[g] for g in GROUPS]),
    legend=alt.Legend(orient="top", direction="horizontal"),
)


CLICKED = "bar"
"""Name of the selection whose field ``class`` says which bar or point was clicked."""


def class_counts(
    table: pd.DataFrame,
    *,
    row_height: int = 24,
    fit: pd.DataFrame | None = None,
    chosen: str | None = None,
    clickable: bool = False,
) -> Figure:
    """Return bars of ``positives`` per ``class`` on a log axis, largest first, coloured by ``group``.

    ``table`` has the columns class, positives, group and, for the tooltip, prevalence. A class without positives
    keeps its row and its name, without a bar: a log axis has no zero. ``fit`` (columns class, law, expected) is drawn
    as a line through the bars. ``clickable``: a click selects (``CLICKED``); the bars other than ``chosen`` are paler.
    """
    shown = table.assign(bar=table["positives"].clip(lower=0.7), count=table["positives"].map("{:,.0f}".format))
    shown["chosen"] = shown["class"] == chosen if chosen in set(shown["class"]) else True
    order = shown.sort_values("positives", ascending=False, kind="stable")["class"].tolist()
    top = max(float(table["positives"].max()), 1.0)
    base = alt.Chart().encode(
        y=alt.Y(
            "class:N",
            sort=order,
            title=None,
            axis=alt.Axis(labelLimit=180, ticks=False, domain=False, labelOverlap=False),
        ),
        x=alt.X(
            "bar:Q",
            title="images with the finding (log scale)",
            scale=alt.Scale(type="log", domain=[0.7, top * 2.2], nice=False),
            axis=alt.Axis(format="~s", values=[10**k for k in range(10)], gridDash=[2, 3]),
        ),
        tooltip=[
            alt.Tooltip("class:N"),
            alt.Tooltip("positives:Q", format=",.0f"),
            alt.Tooltip("prevalence:Q", format=".2%"),
            alt.Tooltip("group:N"),
        ],
    )
    pointer: Literal["pointer", "default"] = "pointer" if clickable else "default"
    bars = base.mark_bar(cornerRadiusEnd=2, height=row_height * 0.66, cursor=pointer).encode(
        x2=alt.X2Datum(0.7),
        color=GROUP_COLOUR,
        opacity=alt.OpacityValue(0.45, condition={"test": "datum.chosen", "value": 1}),
    )
    bars["name"] = MARKS
    labels = base.mark_text(align="left", dx=5, color=QUIET, fontSize=11).encode(text=alt.Text("count:N"))
    layers = [bars, labels] if fit is None else [bars, labels, _fit_line(fit, order)]
    selections = (selection(CLICKED, "class"),) if clickable else ()
    return layered(*layers, data=shown, height=alt.Step(row_height), selections=selections)


def _fit_line(fit: pd.DataFrame, order: list[str]) -> alt.Chart:
    line: alt.Chart = (
        alt.Chart(fit.assign(expected=fit["expected"].clip(lower=0.7)))
        .mark_line(color=QUIET, strokeWidth=2, point=alt.OverlayMarkDef(size=14, color=QUIET))
        .encode(
            y=alt.Y("class:N", sort=order),
            x=alt.X("expected:Q"),
            strokeDash=alt.StrokeDash("law:N", title=None, legend=alt.Legend(orient="top")),
            order=alt.Order("rank:Q"),
            tooltip=[alt.Tooltip("law:N"), alt.Tooltip("class:N"), alt.Tooltip("expected:Q", format=",.1f")],
        )
    )
    return line


def cooccurrence(pairs: pd.DataFrame, order: list[str], *, measure: str = "n", cell: int = 26) -> Figure:
    """Return a heat map of ``pairs`` (columns a, b, n, conditional): row ``a``, column ``b``, no class with itself.

    ``measure`` is ``n`` (images with both, log colour) or ``conditional`` (share of the images with a that have b).
    Numbers are printed only where the cells are large enough to hold them.
    """
    shown = pairs[(pairs["a"] != pairs["b"]) & (pairs["n"] > 0)]
    scale = alt.Scale(scheme=HEAT, type="log") if measure == "n" else alt.Scale(scheme=HEAT, domain=[0, 1])
    top = float(shown[measure].max()) if len(shown) else 1.0
    base = alt.Chart(shown).encode(
        x=alt.X(
            "b:N",
            sort=order,
            title=None,
            axis=alt.Axis(labelAngle=-50, labelLimit=130, ticks=False, labelOverlap=False),
        ),
        y=alt.Y("a:N", sort=order, title=None, axis=alt.Axis(labelLimit=130, ticks=False, labelOverlap=False)),
        tooltip=[
            alt.Tooltip("a:N", title="of the images with"),
            alt.Tooltip("b:N", title="these also have"),
            alt.Tooltip("n:Q", title="images with both", format=",.0f"),
            alt.Tooltip("conditional:Q", title="share", format=".1%"),
        ],
    )
    title = "images with both" if measure == "n" else "share of the row's images"
    form = "~s" if measure == "n" else ".0%"
    marks = base.mark_rect(cornerRadius=2).encode(
        color=alt.Color(
            f"{measure}:Q",
            title=title,
            scale=scale,
            legend=alt.Legend(orient="top", gradientLength=180, format=form, tickCount=4),
        )
    )
    texts = base.mark_text(fontSize=9).encode(
        text=alt.Text(f"{measure}:Q", format=".3~s" if measure == "n" else ".0%"),
        color=alt.condition(
            f"datum.{measure} > {(top**0.5) if measure == 'n' else 0.45}", alt.value("white"), alt.value("#1B2A33")
        ),
    )
    layers = [marks, texts] if len(order) <= 24 else [marks]
    chart: Figure = alt.layer(*layers).properties(height=alt.Step(cell))
    return chart


def labels_per_image(table: pd.DataFrame) -> Figure:
    """Return bars of ``images`` by ``labels`` (how many findings one image has)."""
    base = alt.Chart().encode(
        x=alt.X("labels:O", title="findings in one image", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("images:Q", title="images", axis=alt.Axis(format="~s", gridDash=[2, 3])),
        tooltip=[alt.Tooltip("labels:O"), alt.Tooltip("images:Q", format=",.0f")],
    )
    bars = base.mark_bar(cornerRadiusEnd=2, color=PLAIN)
    texts = base.mark_text(dy=-7, fontSize=11, color=QUIET).encode(text=alt.Text("images:Q", format=","))
    return layered(bars, texts, data=table, height=240)
