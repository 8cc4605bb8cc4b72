"""Charts of an evaluation: which classes work, which groups work, and what changed between two runs."""

from __future__ import annotations

import altair as alt
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.layers import layered
from lt_core.charts.palette import GROUP_COLOURS, GROUPS, QUIET

RUN_SHAPES = ("circle", "diamond", "square", "triangle-up", "cross", "triangle-down")
"""Run A is a disc, run B a diamond ..., beside the colour of the group."""

# Vega's own symbols of a legend without colour are black, which dark pages swallow.
RUN_LEGEND = alt.Legend(orient="top", direction="horizontal", symbolFillColor=QUIET, symbolStrokeColor=QUIET)

FULL = alt.Scale(domain=[0, 1], nice=False)

GROUP_COLOUR = alt.Color(
    "group:N",
    title="group",
    scale=alt.Scale(domain=list(GROUPS), range=[GROUP_COLOURS[g] for g in GROUPS]),
    legend=alt.Legend(orient="top", direction="horizontal", symbolOpacity=1, symbolStrokeWidth=0),
)
AROUND = 96
"""Pixels that legend, axis and its title take of a chart's height, which a page counts in."""

PALEST = 0.35
"""Opacity of the bars of run A beside those of others: told apart from the next one's, and from the page."""
HEIGHT = "mean over the group's classes"
CHANCE_MARK = "M -0.15 -1 L 0.15 -1 L 0.15 1 L -0.15 1 Z"
"""A thin upright bar: the level of chance."""


def class_metric(
    table: pd.DataFrame, *, title: str, row_height: int = 24, scale: tuple[float, float] = (0.0, 1.0)
) -> Figure:
    """Return one dot with its interval per class and run, in the order of ``table``, coloured by group.

    ``scale`` are the ends of the axis. ``table`` has the columns row (what the axis says), class, run ("A", "B" ...),
    run_name, group, n_positive, value, low, high, chance; NaN where not defined; and method, how the interval was made,
    where that is told. A value that is not defined is written as such, not drawn at 0.
    """
    rows = table["row"].drop_duplicates().tolist()
    runs = sorted(set(table["run"]))
    height = row_height * (1 if len(runs) == 1 else 0.7 + 0.4 * len(runs))
    ends = alt.Scale(domain=list(scale), nice=False)
    y = _classes_axis(rows)
    apart = alt.YOffset("run:N", sort=runs) if len(runs) > 1 else alt.Undefined
    defined, undefined = table[table["value"].notna()], table[table["value"].isna()]
    base = alt.Chart(defined).encode(y=y, yOffset=apart)
    x = alt.X("value:Q", title=title, scale=ends, axis=alt.Axis(format=".1f", gridDash=[2, 3], tickCount=6))
    shape = alt.Shape(
        "run:N",
        title="run",
        scale=alt.Scale(domain=runs, range=list(RUN_SHAPES[: len(runs)])),
        legend=RUN_LEGEND if len(runs) > 1 else None,
    )
    span = base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2.5, opacity=0.45)
    dots = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=x, color=GROUP_COLOUR, shape=shape, tooltip=[*_tooltip(title), *_method(table)]
    )
    chance = base.transform_filter("isValid(datum.chance)").mark_point(
        shape=CHANCE_MARK, filled=True, size=130, color=QUIET, opacity=1
    )
    missing = alt.Chart(undefined).mark_text(align="left", dx=6, color=QUIET, fontSize=11, fontStyle="italic")
    layers = [
        span.encode(x=alt.X("low:Q", scale=ends, title=title), x2="high:Q", color=GROUP_COLOUR),
        chance.encode(x=alt.X("chance:Q", scale=ends, title=title)),
        dots,
        missing.encode(y=y, x=alt.datum(0.0), text=alt.value("not defined"), yOffset=apart),
    ]
    return layered(*layers, height=round(height * len(rows)) + AROUND)


def _classes_axis(rows: list[str], column: str = "row") -> alt.Y:
    axis = alt.Axis(labelLimit=210, labelPadding=9, labelOverlap=False, labelFlush=False, ticks=False, domain=False)
    return alt.Y(f"{column}:N", sort=rows, title=None, axis=axis, scale=alt.Scale(type="band"))


def _tooltip(title: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("class:N"),
        alt.Tooltip("run_name:N", title="run"),
        alt.Tooltip("value:Q", title=title, format=".3f"),
        alt.Tooltip("low:Q", title="95 % from", format=".3f"),
        alt.Tooltip("high:Q", title="95 % to", format=".3f"),
        alt.Tooltip("n_positive:Q", title="positives", format=","),
        alt.Tooltip("chance:Q", title="by chance", format=".3f"),
        alt.Tooltip("group:N"),
    ]


def _method(table: pd.DataFrame) -> list[alt.Tooltip]:
    """How the interval was made, where ``table`` says so."""
    return [alt.Tooltip("method:N", title="interval")] if "method" in table else []


def class_difference(table: pd.DataFrame, *, title: str, row_height: int = 24) -> Figure:
    """Return a bar per class from 0 to B minus A, in the order of ``table``, coloured by group.

    ``table`` has the columns row, class, group, difference, a, b; NaN where one of the two is not defined.
    """
    rows = table["row"].drop_duplicates().tolist()
    reach = max(0.05, float(table["difference"].abs().max()) * 1.15) if table["difference"].notna().any() else 1.0
    y = _classes_axis(rows)
    x = alt.X(
        "difference:Q",
        title=f"{title}, B minus A",
        scale=alt.Scale(domain=[-reach, reach], nice=False),
        axis=alt.Axis(format="+.2f", gridDash=[2, 3], tickCount=5),
    )
    base = alt.Chart(table[table["difference"].notna()]).encode(
        y=y,
        x=x,
        tooltip=[
            alt.Tooltip("class:N"),
            alt.Tooltip("a:Q", title="A", format=".3f"),
            alt.Tooltip("b:Q", title="B", format=".3f"),
            alt.Tooltip("difference:Q", title="B minus A", format="+.3f"),
        ],
    )
    missing = alt.Chart(table[table["difference"].isna()]).mark_text(
        align="left", dx=6, color=QUIET, fontSize=11, fontStyle="italic"
    )
    zero = alt.Chart(pd.DataFrame({"x": [0.0]})).mark_rule(color=QUIET).encode(x="x:Q")
    return alt.layer(
        base.mark_bar(cornerRadius=2, height=row_height * 0.6).encode(color=GROUP_COLOUR),
        missing.encode(y=y, x=alt.datum(0.0), text=alt.value("not defined")),
        zero,
    ).properties(height=row_height * len(rows) + AROUND)


def group_means(table: pd.DataFrame) -> Figure:
    """Return grouped bars: one cluster per metric, one bar per group (and run), its value on top.

    ``table`` has the columns metric, group, run ("A", "B" ...), run_name, value, n_classes and, where intervals are
    known, low, high and method; NaN where not defined.
    """
    runs = sorted(set(table["run"]))
    two, after = len(runs) > 1, range(len(runs))[::-1]
    base = _clusters(table, runs)
    opacity = alt.Opacity(
        "run:N",
        title="run",
        scale=alt.Scale(domain=runs, range=[1.0 - (1.0 - PALEST) * k / max(len(runs) - 1, 1) for k in after]),
        legend=RUN_LEGEND if two else None,
    )
    # without a width of their own, bars stand beside the middle of their slot, where rules and words are
    bars = base.mark_bar(cornerRadiusEnd=2, width=alt.ExprRef("bandwidth('xOffset')"))
    bars = bars.encode(color=GROUP_COLOUR, opacity=opacity)
    # upright where bars are thin, so that words never run into each other
    upright = {"angle": 270, "align": "left", "dx": 6, "dy": 0, "baseline": "middle"}
    above = alt.Y("top:Q", title=HEIGHT, scale=FULL)
    texts = [
        base.transform_filter(f"{'' if known else '!'}isValid(datum.value)")
        .mark_text(fontSize=11, color=QUIET, **style)
        .encode(text="said:N", y=above)
        for known, style in ((True, upright if two else {"dy": -7}), (False, upright))
    ]
    ends = []
    if "low" in table:
        rule = base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=1.5, color=QUIET)
        ends = [rule.encode(y=alt.Y("low:Q", scale=FULL, title=HEIGHT), y2="high:Q")]
    return layered(bars, *ends, *texts, height=250 + AROUND)


def _clusters(table: pd.DataFrame, runs: list[str]) -> alt.Chart:
    """Return the places of the bars and what hovering over them says."""
    shown = table.assign(
        slot=table["group"] + " " + table["run"],
        said=table["value"].map(lambda value: "not defined" if pd.isna(value) else f"{value:.2f}"),
        ends=[
            f"{a:.3f} to {b:.3f}" if pd.notna(a) else "none" for a, b in zip(table["low"], table["high"], strict=True)
        ]
        if "low" in table
        else "none",
        height=table["value"].fillna(0.0),
        top=table.get("high", table["value"]).fillna(table["value"]).fillna(0.0),
    )
    metrics = table["metric"].drop_duplicates().tolist()
    slots = [f"{group} {run}" for group in GROUPS if group in set(table["group"]) for run in runs]
    return alt.Chart(shown).encode(
        x=alt.X("metric:N", sort=metrics, title=None, axis=alt.Axis(labelAngle=0, ticks=False)),
        xOffset=alt.XOffset("slot:N", sort=slots, scale=alt.Scale(domain=slots, paddingInner=0.12, paddingOuter=0.25)),
        y=alt.Y("height:Q", title=HEIGHT, scale=FULL, axis=alt.Axis(gridDash=[2, 3])),
        tooltip=[
            alt.Tooltip("group:N"),
            alt.Tooltip("metric:N"),
            alt.Tooltip("run_name:N", title="run"),
            alt.Tooltip("said:N", title="mean"),
            alt.Tooltip("n_classes:Q", title="classes where it is defined"),
            *([alt.Tooltip("ends:N", title="95 %")] if "low" in table else []),
            *_method(table),
        ],
    )


def class_probabilities(table: pd.DataFrame, *, row_height: int = 22) -> Figure:
    """Return bars of the predicted probability per class, largest first, with a mark where the class is truly there.

    ``table`` has the columns class, probability, group and truth ("present", "absent", "unknown").
    """
    order = table.sort_values("probability", ascending=False)["class"].tolist()
    shown = table.assign(
        said=table["probability"].map("{:.2f}".format)
        + table["truth"].map(lambda truth: "  ✓ true" if truth == "present" else "")
    )
    base = alt.Chart(shown).encode(
        y=_classes_axis(order, "class"),
        x=alt.X("probability:Q", title="predicted probability", scale=alt.Scale(domain=[0, 1.2]), axis=None),
        tooltip=[alt.Tooltip("class:N"), alt.Tooltip("probability:Q", format=".4f"), alt.Tooltip("truth:N")],
    )
    strong = alt.condition("datum.truth == 'present'", alt.value(1.0), alt.value(0.55))
    bars = base.mark_bar(cornerRadiusEnd=2, height=row_height * 0.62).encode(color=GROUP_COLOUR, opacity=strong)
    texts = base.mark_text(align="left", dx=4, color=QUIET, fontSize=11).encode(text="said:N")
    return alt.layer(bars, texts).properties(height=row_height * len(table) + AROUND // 2)
