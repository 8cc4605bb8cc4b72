"""Charts of a split: shares of every class, counts of class and part, and what so many positives can show."""

from __future__ import annotations

import altair as alt
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.layers import MARKS, layered, selection
from lt_core.charts.palette import HEAT, PLAIN, QUIET

PART_COLOURS = {"train": "#5B7C99", "val": "#149C85", "test": "#C97B00"}
PART_SHAPES = {"train": "circle", "val": "square", "test": "triangle-up"}
"""Parts are told apart without colour as well."""

FEW = "#D6456F"
"""Outline of cells with too few positives."""

CLICKED_CELL = "cell"
"""Name of the selection of ``part_counts``: the class and the part of the cell that was clicked."""


def class_shares(table: pd.DataFrame, order: list[str], *, row_height: int = 22) -> Figure:
    """Return dots: which share of each class's positives each part holds, and a tick where the part's target is.

    ``table`` has the columns class, part, share, target, positives; ``order`` names the classes from the top.
    """
    shown = table[table["class"].isin(order)]
    parts = [part for part in PART_COLOURS if part in set(shown["part"])]
    base = alt.Chart(shown).encode(
        y=alt.Y(
            "class:N",
            sort=order,
            title=None,
            axis=alt.Axis(labelLimit=180, ticks=False, labelOverlap=False, labelFlush=False),
        ),
        tooltip=[
            alt.Tooltip("class:N"),
            alt.Tooltip("part:N"),
            alt.Tooltip("positives:Q", format=",.0f"),
            alt.Tooltip("share:Q", format=".2%", title="share of the class"),
            alt.Tooltip("target:Q", format=".2%", title="share of all images"),
        ],
    )
    colour = _part_colour(parts)
    stems = base.mark_rule(strokeWidth=2, opacity=0.55).encode(x="share:Q", x2="target:Q", color=colour)
    targets = base.mark_tick(thickness=2, size=row_height * 0.7, color=QUIET).encode(x="target:Q")
    dots = base.mark_point(filled=True, size=70, opacity=0.95).encode(
        x=alt.X("share:Q", title="share of the class's positives", axis=alt.Axis(format="%", gridDash=[2, 3])),
        color=colour,
        shape=alt.Shape(
            "part:N", title=None, scale=alt.Scale(domain=parts, range=[PART_SHAPES[part] for part in parts])
        ),
    )
    chart: Figure = alt.layer(stems, targets, dots).properties(height=alt.Step(row_height))
    return chart


def prevalence_shift(table: pd.DataFrame, order: list[str], *, row_height: int = 22) -> Figure:
    """Return dots with 95 % intervals: by how much a part's prevalence differs from that of the part compared with.

    ``table`` has the columns class, part, difference, difference_low, difference_high, prevalence, reference, against,
    p_holm, flagged; rows without a difference are left out. Full dots are flagged.
    """
    shown = table[table["class"].isin(order) & table["difference"].notna()]
    parts = [part for part in PART_COLOURS if part in set(shown["part"])]
    base = alt.Chart(shown).encode(
        y=alt.Y(
            "class:N",
            sort=order,
            title=None,
            axis=alt.Axis(labelLimit=180, ticks=False, labelOverlap=False, labelFlush=False),
        ),
        yOffset=alt.YOffset("part:N", sort=parts),
        color=_part_colour(parts),
        tooltip=[
            alt.Tooltip("class:N"),
            alt.Tooltip("part:N"),
            alt.Tooltip("prevalence:Q", format=".3%"),
            alt.Tooltip("reference:Q", format=".3%"),
            alt.Tooltip("against:N", title="compared with"),
            alt.Tooltip("difference:Q", format="+.3%"),
            alt.Tooltip("difference_low:Q", format="+.3%", title="95 % from"),
            alt.Tooltip("difference_high:Q", format="+.3%", title="to"),
            alt.Tooltip("p_holm:Q", format=".3~g", title="p, Holm-adjusted"),
        ],
    )
    rules = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("difference_low:Q", title="difference of prevalence", axis=alt.Axis(format="+%", gridDash=[2, 3])),
        x2="difference_high:Q",
    )
    dots = base.mark_point(size=60).encode(
        x="difference:Q",
        fillOpacity=alt.condition("datum.flagged", alt.value(1), alt.value(0)),
        fill=alt.Fill(
            "part:N",
            scale=alt.Scale(domain=parts, range=[PART_COLOURS[part] for part in parts]),
            legend=None,
        ),
    )
    zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color=QUIET).encode(x="zero:Q")
    chart: Figure = alt.layer(zero, rules, dots).properties(height=alt.Step(row_height / max(len(parts), 1)))
    return chart


def part_counts(table: pd.DataFrame, order: list[str], *, few: int = 10, cell: int = 26) -> Figure:
    """Return a heat strip of the positives (log colour) of each class in each part; fewer than ``few`` outlined.

    ``table`` has the columns class, part, positives, prevalence. A click selects ``CLICKED_CELL``.
    """
    shown = table[table["class"].isin(order)]
    parts = [part for part in PART_COLOURS if part in set(shown["part"])]
    top = max(float(shown["positives"].max()), 2.0) if len(shown) else 2.0
    base = alt.Chart().encode(
        x=alt.X("part:N", sort=parts, title=None, axis=alt.Axis(labelAngle=0, orient="top", ticks=False)),
        y=alt.Y(
            "class:N",
            sort=order,
            title=None,
            axis=alt.Axis(labelLimit=180, ticks=False, labelOverlap=False, labelFlush=False),
        ),
        tooltip=[
            alt.Tooltip("class:N"),
            alt.Tooltip("part:N"),
            alt.Tooltip("positives:Q", format=",.0f"),
            alt.Tooltip("prevalence:Q", format=".3%"),
        ],
    )
    cells = base.mark_rect(cornerRadius=2, cursor="pointer").encode(
        color=alt.Color(
            "positives:Q",
            legend=None,
            scale=alt.Scale(scheme=HEAT, type="log", domain=[1, top], clamp=True),
        ),
        opacity=alt.OpacityValue(0.45, condition={"param": CLICKED_CELL, "value": 1.0}),
    )
    texts = base.mark_text(fontSize=11).encode(
        text=alt.Text("positives:Q", format=","),
        color=alt.ColorValue("#1B2A33", condition={"test": f"datum.positives > {top**0.6}", "value": "white"}),
    )
    outlines = base.transform_filter(f"datum.positives < {few}").mark_rect(
        fillOpacity=0, stroke=FEW, strokeWidth=2, cornerRadius=2
    )
    cells["name"] = MARKS
    clicks = (selection(CLICKED_CELL, "class", "part"),)
    return layered(cells, outlines, texts, data=shown, height=alt.Step(cell), selections=clicks)


_WIDE = 480
"""Pixels of a chart from which names along a logarithmic axis find room; below, those far apart are written."""


def power_curve(curve: pd.DataFrame, classes: pd.DataFrame, *, height: int = 320) -> Figure:
    """Return the width of the 95 % interval of F1 over the number of positives, with a dot for each class.

    ``curve`` has the columns n, f1_width; ``classes``, those with the fewest positives first, has class, n, f1_width,
    recall_width, f1_difference. Every n is at least 1: the axis is logarithmic.
    """
    x = alt.X(
        "n:Q",
        title="positives in the part (log scale)",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(format="~s", gridDash=[2, 3], values=[10**k for k in range(8)]),
    )
    y = alt.Y("f1_width:Q", title="width of the 95 % interval of F1", axis=alt.Axis(format=".1f", gridDash=[2, 3]))
    line = alt.Chart(curve).mark_line(color=QUIET, strokeWidth=2).encode(x=x, y=y)
    base = alt.Chart(classes).encode(x=x, y=y)
    dots = base.mark_point(filled=True, size=70, color=PLAIN, opacity=0.95).encode(
        tooltip=[
            alt.Tooltip("class:N"),
            alt.Tooltip("n:Q", format=",.0f", title="positives"),
            alt.Tooltip("f1_width:Q", format=".3f", title="width of F1's interval"),
            alt.Tooltip("recall_width:Q", format=".3f", title="width of recall's interval"),
            alt.Tooltip("f1_difference:Q", format=".3f", title="smallest visible difference"),
        ]
    )
    named = _apart(classes)
    roomy = set(_apart(classes, factor=12).index[:-1]) | set(named.index[:1])
    base = alt.Chart(named.assign(always=[k in roomy for k in named.index])).encode(x=x, y=y)
    texts = base.mark_text(align="left", dx=6, dy=-9, fontSize=11, color=QUIET).encode(
        text=alt.Text("class:N"),
        opacity=alt.OpacityValue(0, condition={"test": f"datum.always || width > {_WIDE}", "value": 1}),
    )
    return layered(line, dots, texts, height=height)


def _part_colour(parts: list[str]) -> alt.Color:
    return alt.Color(
        "part:N",
        title=None,
        scale=alt.Scale(domain=parts, range=[PART_COLOURS[part] for part in parts]),
        legend=alt.Legend(orient="top"),
    )


def _apart(classes: pd.DataFrame, factor: float = 1.6, limit: int = 8) -> pd.DataFrame:
    """Return the classes whose names find room, from the rarest: each ``factor`` times the one before, or more."""
    kept: list[int] = []
    last = 0.0
    for k, n in enumerate(classes["n"].tolist()):
        if n > last * factor and len(kept) < limit:
            kept.append(k)
            last = float(n)
    return classes.iloc[kept]
