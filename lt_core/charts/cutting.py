"""Charts of thresholds and calibration: what a cut does, what a probability means, what tuning is worth."""

from __future__ import annotations

import altair as alt
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.layers import layered
from lt_core.charts.palette import GROUPS, QUIET, SERIES

FULL = alt.Scale(domain=[0, 1], nice=False)
GRID = alt.Axis(gridDash=[2, 3], tickCount=6)
PREDICTED, OBSERVED = "mean probability in the bin", "share that has it"
MEASURES = ("precision", "recall", "F1")
COLOURS = (SERIES[0], SERIES[1], SERIES[4])
"""Precision, recall and F1."""
DASHES = ([1, 0], [6, 3], [2, 2], [9, 2, 2, 2], [14, 4], [1, 4])
"""Models A to F: told apart at a line's width, which Vega's own dashes are not."""
ROW = 24
"""Pixels of a row of a legend. A page counts the legend in a chart's height: more rows need a higher chart."""


def by_threshold(table: pd.DataFrame, cuts: pd.DataFrame) -> Figure:
    """Return precision, recall and F1 over the threshold, a dashing per model, and where each model cuts.

    ``table`` has the columns model, threshold, measure (precision, recall, F1), value; ``cuts`` model, threshold.
    """
    models = table["model"].drop_duplicates().tolist()
    several = alt.Legend(orient="bottom", direction="vertical", symbolSize=400, symbolStrokeColor=QUIET)
    dash = alt.StrokeDash(
        "model:N",
        title=None,
        scale=alt.Scale(domain=models, range=list(DASHES[: len(models)])),
        legend=several if len(models) > 1 else None,
    )
    colour = alt.Color(
        "measure:N", title=None, scale=alt.Scale(domain=list(MEASURES), range=list(COLOURS)), legend=_top()
    )
    reach = alt.Scale(domain=_reach(table["threshold"], cuts["threshold"]), nice=False)
    x = alt.X("threshold:Q", title="threshold", scale=reach, axis=GRID)
    lines = (
        alt.Chart(table)
        .mark_line(interpolate="step-before", strokeWidth=2)
        .encode(
            x=x,
            y=alt.Y("value:Q", title="at this threshold", scale=FULL, axis=alt.Axis(gridDash=[2, 3])),
            color=colour,
            strokeDash=dash,
            tooltip=[
                alt.Tooltip("model:N"),
                alt.Tooltip("measure:N"),
                alt.Tooltip("threshold:Q", format=".3f"),
                alt.Tooltip("value:Q", format=".3f"),
            ],
        )
    )
    rules = (
        alt.Chart(cuts)
        .transform_filter("isValid(datum.threshold)")
        .mark_rule(color=QUIET, strokeWidth=2)
        .encode(
            x=alt.X("threshold:Q", scale=reach, title="threshold", axis=GRID),
            strokeDash=dash,
            tooltip=["model:N", "threshold:Q"],
        )
    )
    return layered(lines, rules, height=300 + ROW * (len(models) - 1))


def reliability_curve(table: pd.DataFrame, *, models: list[str] | None = None) -> Figure:
    """Return observed over predicted with Wilson intervals, beside the diagonal of perfect calibration.

    ``table`` has the columns model, predicted, observed, observed_low, observed_high, n, n_positive. ``models``
    are all that the page shows, in order: each keeps its colour where another one has no probabilities.
    """
    shown = table["model"].drop_duplicates().tolist()
    ends = _reach(table["predicted"], table["observed_high"])
    reach = alt.Scale(domain=ends, nice=False)
    base = alt.Chart(table).encode(
        x=alt.X("predicted:Q", title=PREDICTED, scale=reach, axis=GRID),
        color=alt.Color(
            "model:N",
            title=None,
            scale=_hues(shown, models),
            legend=_of_models(shown) if len(shown) > 1 else None,
        ),
        tooltip=[
            alt.Tooltip("model:N"),
            alt.Tooltip("predicted:Q", format=".3f"),
            alt.Tooltip("observed:Q", format=".3f"),
            alt.Tooltip("observed_low:Q", title="95 % from", format=".3f"),
            alt.Tooltip("observed_high:Q", title="95 % to", format=".3f"),
            alt.Tooltip("n:Q", title="images", format=","),
            alt.Tooltip("n_positive:Q", title="positives", format=","),
        ],
    )
    y = alt.Y("observed:Q", title=OBSERVED, scale=reach, axis=GRID)
    diagonal = (
        alt.Chart(pd.DataFrame({"p": ends}))
        .mark_line(color=QUIET, strokeDash=[4, 4], strokeWidth=1)
        .encode(x=alt.X("p:Q", title=PREDICTED, scale=reach), y=alt.Y("p:Q", title=OBSERVED, scale=reach))
    )
    return layered(
        diagonal,
        base.mark_rule(strokeWidth=2, opacity=0.5).encode(
            y=alt.Y("observed_low:Q", scale=reach, title=OBSERVED), y2="observed_high:Q"
        ),
        base.mark_line(strokeWidth=1.5).encode(y=y),
        base.mark_point(filled=True, opacity=1).encode(
            y=y, size=alt.Size("n:Q", legend=None, scale=alt.Scale(range=[20, 200]))
        ),
        height=300 + _rows_of_legend(shown),
    )


def what_remains(table: pd.DataFrame, *, reference: str, models: list[str] | None = None) -> Figure:
    """Return, per group and model, the gain over ``reference`` at 0.5 and with own thresholds, with intervals.

    ``table`` has the columns run, group, rule, gain, gain_low, gain_high, remains, remains_low,
    remains_high; without the reference itself. ``models`` are all that the page shows, in order: each keeps the colour
    that it has in the charts beside this one.
    """
    runs = table["run"].drop_duplicates().tolist()
    rules = table["rule"].drop_duplicates().tolist()
    shown = table.assign(slot=table["run"] + " · " + table["rule"])
    slots = [f"{run} · {rule}" for run in runs for rule in rules]
    order = [group for group in (*GROUPS, "all") if group in set(table["group"])]
    base = alt.Chart(shown).encode(
        y=alt.Y("group:N", sort=order, title=None, axis=alt.Axis(labelOverlap=False, ticks=False)),
        yOffset=alt.YOffset("slot:N", sort=slots),
        color=alt.Color("run:N", title=None, scale=_hues(runs, models), legend=_of_models(runs)),
        tooltip=[
            alt.Tooltip("run:N"),
            alt.Tooltip("group:N"),
            alt.Tooltip("rule:N"),
            alt.Tooltip("gain:Q", format="+.3f"),
            alt.Tooltip("gain_low:Q", title="95 % from", format="+.3f"),
            alt.Tooltip("gain_high:Q", title="95 % to", format="+.3f"),
            alt.Tooltip("remains:Q", title="share that remains", format=".0%"),
            alt.Tooltip("remains_low:Q", title="from", format=".0%"),
            alt.Tooltip("remains_high:Q", title="to", format=".0%"),
        ],
    )
    title = f"gain in mean F1 over {reference}"
    shape = alt.Shape(
        "rule:N", title=None, sort=rules, scale=alt.Scale(domain=rules, range=["circle", "square"]), legend=_of_shapes()
    )
    zero = alt.Chart(pd.DataFrame({"x": [0.0]})).mark_rule(color=QUIET).encode(x=alt.X("x:Q", title=title))
    span = base.mark_rule(strokeWidth=2, opacity=0.5).encode(x=alt.X("gain_low:Q", title=title), x2="gain_high:Q")
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=alt.X("gain:Q", title=title, axis=alt.Axis(format="+.2f", gridDash=[2, 3], tickCount=7)), shape=shape
    )
    return alt.layer(zero, span, dots).properties(height=110 + 18 * len(slots) * len(order) + _rows_of_legend(runs))


def _reach(*columns: pd.Series) -> list[float]:
    """Return the ends of an axis that begins at 0, or below, and leaves out what nobody reaches."""
    low = min((float(column.min()) for column in columns if column.notna().any()), default=0.0)
    high = max((float(column.max()) for column in columns if column.notna().any()), default=1.0)
    return [min(0.0, low), min(1.0, high * 1.05) if high <= 1 else high * 1.05]


def _hues(shown: list[str], models: list[str] | None) -> alt.Scale:
    """Return the colours of the models ``shown``, each that of its place among all ``models``."""
    known = models or shown
    return alt.Scale(domain=shown, range=[SERIES[known.index(model) % len(SERIES)] for model in shown])


def _top() -> alt.Legend:
    return alt.Legend(orient="top", direction="horizontal", symbolOpacity=1)


def _of_models(shown: list[str]) -> alt.Legend:
    """A legend of models: more than two, whose names may be long, go below each other in two columns."""
    return alt.Legend(orient="top", columns=2, symbolOpacity=1) if len(shown) > 2 else _top()


def _rows_of_legend(shown: list[str]) -> int:
    """Return the pixels that a legend of models in two columns takes beyond its first row."""
    return ROW * ((len(shown) - 1) // 2)


def _of_shapes() -> alt.Legend:
    """A legend without colours: Vega's own black vanishes on dark pages."""
    return alt.Legend(orient="top", direction="horizontal", symbolFillColor=QUIET, symbolStrokeColor=QUIET)
