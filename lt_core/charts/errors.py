"""Charts of what a model gets wrong: instead of what, beside what, and in whom."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.layers import layered
from lt_core.charts.palette import QUIET, SERIES
from lt_core.charts.together import LESS, MORE

_FADED = 0.22
"""Opacity of a cell that may be chance."""
_NUMBERED = 26
"""Columns up to which numbers are printed on the cells."""
FRAME = 96
"""Pixels that legend, axis and its title take of a chart's height."""


def mistaken_map(pairs: pd.DataFrame, order: list[str], *, ink: str = "#1B2A33") -> Figure:
    """Return a heat map: row = the class that was missed, column = the class that was called, both in ``order``.

    ``pairs`` has the columns of ``evaluation.errors.Mistaken.pairs``. Colour is how much more (orange) or less (blue)
    often than in comparable images without both; faded where that may be chance; the number is the rate itself.
    """
    shown = pairs[pairs["missed"].isin(order) & pairs["called"].isin(order)]
    cells = shown.assign(
        x=shown["called"], y=shown["missed"], shade=shown["difference"], sure=shown["verdict"] != "cannot tell",
        print=[_percent(value) for value in shown["rate"]], few=shown["n_alike"] == 0,
    )  # fmt: skip
    tooltip = [
        alt.Tooltip("missed:N"),
        alt.Tooltip("called:N", title="called instead"),
        alt.Tooltip("n:Q", title="images with the one missed and without the other", format=","),
        alt.Tooltip("n_called:Q", title="of these called", format=","),
        alt.Tooltip("rate:Q", title="rate", format=".1%"),
        alt.Tooltip("low:Q", title="95 % from", format=".1%"),
        alt.Tooltip("high:Q", title="95 % to", format=".1%"),
        alt.Tooltip("baseline:Q", title="called in comparable images without both", format=".1%"),
        alt.Tooltip("difference:Q", title="difference", format="+.1%"),
        alt.Tooltip("difference_low:Q", title="difference from", format="+.1%"),
        alt.Tooltip("difference_high:Q", title="difference to", format="+.1%"),
        alt.Tooltip("p_adjusted:Q", title="p, corrected", format=".2~g"),
        alt.Tooltip("verdict:N"),
    ]
    legend = "called more often than without both"
    return _map(cells, order, order, tooltip, legend=legend, form="+.0%", ink=ink, titles=("called instead", "missed"))


def slice_map(table: pd.DataFrame, slices: list[str], classes: list[str], *, metric: str, ink: str) -> Figure:
    """Return a heat map: row = class, column = slice, colour = the difference of ``metric`` to the rest.

    ``table`` has the columns of ``evaluation.errors.Sliced.table``; orange is above the rest, blue below, faded where
    it may be chance, faint where there are too few to say; the number is the value in the slice.
    """
    cells = table.assign(
        x=table["slice"], y=table["class"], shade=table["difference"],
        sure=table["verdict"] != "cannot tell",
        print=["" if np.isnan(value) else f"{value:.2f}" for value in table["value"]], few=table["note"] != "",
    )  # fmt: skip
    tooltip = [
        alt.Tooltip("class:N"),
        alt.Tooltip("slice:N"),
        alt.Tooltip("n_positive:Q", title="positives", format=","),
        alt.Tooltip("n:Q", title="images", format=","),
        alt.Tooltip("value:Q", title=metric, format=".3f"),
        alt.Tooltip("low:Q", title="95 % from", format=".3f"),
        alt.Tooltip("high:Q", title="95 % to", format=".3f"),
        alt.Tooltip("rest:Q", title="in the rest", format=".3f"),
        alt.Tooltip("difference:Q", title="difference", format="+.3f"),
        alt.Tooltip("p_adjusted:Q", title="p, corrected", format=".2~g"),
        alt.Tooltip("verdict:N"),
        alt.Tooltip("note:N"),
    ]
    legend = f"{metric}, slice minus the rest"
    return _map(cells, slices, classes, tooltip, legend=legend, form="+.2f", ink=ink, titles=(None, None))


def _map(
    cells: pd.DataFrame, columns: list[str], rows: list[str], tooltip: list[alt.Tooltip], *, legend: str, form: str,
    ink: str, titles: tuple[str | None, str | None],
) -> Figure:  # fmt: skip
    told = cells.loc[~cells["few"].astype(bool), "shade"]  # a share of two images would set the scale of all others
    top = max(float(told.abs().fillna(0.0).max()), 0.05) if len(told) else 0.05
    # what is not defined is an empty cell: neither a colour nor a number stands for it
    shown = cells.assign(
        strength=np.where(
            cells["shade"].isna(), 0.0, np.where(cells["sure"], 1.0, np.where(cells["few"], 0.05, _FADED))
        ),
        print_strength=np.where(cells["few"], 0.45, 0.9),
        dark=cells["sure"] & (cells["shade"].abs() > 0.75 * top),
    )
    room_of_a_name = 6 * max(map(len, columns), default=0) + 10  # pixels: names must not run into each other
    narrow = f"width / {max(len(columns), 1)} < {room_of_a_name}"
    base = alt.Chart().encode(
        x=alt.X("x:N", sort=columns, title=titles[0], scale=alt.Scale(domain=columns), axis=_axis(narrow)),
        y=alt.Y("y:N", sort=rows, title=titles[1], scale=alt.Scale(domain=rows), axis=_axis()),
    )
    scale = alt.Scale(domain=[-top, 0, top], range=[LESS, "#9AA5AB22", MORE], interpolate="rgb", clamp=True)
    colour = alt.Color(
        "shade:Q", title=legend, scale=scale,
        legend=alt.Legend(orient="top", gradientLength=200, gradientThickness=10, titleLimit=320, format=form,
                          values=[-top, 0, top]),
    )  # fmt: skip
    rects = base.mark_rect(cornerRadius=2).encode(
        color=colour, opacity=alt.Opacity("strength:Q", scale=None), tooltip=tooltip
    )
    layers = [rects]
    if len(columns) <= _NUMBERED:
        size = 11 if len(columns) <= 15 else 9
        room = max((len(text) for text in shown["print"]), default=1) * size * 0.55 + 5
        fits = f"width / {max(len(columns), 1)} > {room:.0f}"
        layers.append(
            base.mark_text(fontSize=size).encode(
                text="print:N",
                color=alt.ColorValue(ink, condition={"test": "datum.dark", "value": "white"}),
                opacity=alt.OpacityValue(
                    0.0, condition={"test": fits, "field": "print_strength", "type": "quantitative", "scale": None}
                ),
            )
        )
    return layered(*layers, data=shown, height=alt.Step(28 if len(rows) <= 15 else 22))


def _axis(slanted: str = "") -> alt.Axis:
    """Return an axis of names; they are slanted where the expression ``slanted`` is true."""
    turned: dict[str, Any] = {"labelAngle": 0}
    if slanted:
        chosen = {"labelAngle": "-50 : 0", "labelAlign": "'right' : 'center'", "labelBaseline": "'middle' : 'top'"}
        turned = {name: alt.ExprRef(f"{slanted} ? {either}") for name, either in chosen.items()}
    return alt.Axis(
        labelLimit=150, labelOverlap=False, labelFlush=False, ticks=False, domain=False, labelColor=QUIET,
        titleColor=QUIET, titleFontWeight="normal", **turned,
    )  # fmt: skip


def _percent(value: float) -> str:
    return "" if np.isnan(value) else "0" if value == 0 else f"{100 * value:.0f}%"


SIDE_SHAPES = ("circle", "diamond")


def two_sides(table: pd.DataFrame, *, title: str, sides: tuple[str, str], row_height: int = 40) -> Figure:
    """Return for each row the values on two sides, each a mark with its interval: filled for ``sides[0]``, hollow else.

    ``table`` has two rows for each row drawn: row (what the axis says, in order), side (one of ``sides``), value, low,
    high, n_positive, n, verdict and note; NaN where not defined, which is written. Rows whose sides differ for sure
    are strong, the others faded.
    """
    rows = table["row"].drop_duplicates().tolist()
    shown = table.assign(strength=np.where(table["verdict"] == "cannot tell", 0.65, 1.0))
    low = float(min(0.0, shown["low"].fillna(0.0).min()))
    full = alt.Scale(domain=[low, max(1.0, float(shown["high"].fillna(1.0).max()))], nice=False)
    y = alt.Y(
        "row:N", sort=rows, title=None,
        axis=alt.Axis(labelLimit=230, labelPadding=9, labelOverlap=False, labelFlush=False, ticks=False, domain=False),
        scale=alt.Scale(type="band"),
    )  # fmt: skip
    apart = alt.YOffset("side:N", sort=list(sides))
    colour = alt.Color(
        "side:N", title=None, scale=alt.Scale(domain=list(sides), range=[SERIES[1], SERIES[0]]),
        legend=alt.Legend(orient="top", direction="horizontal", symbolOpacity=1, labelLimit=300),
    )  # fmt: skip
    shape = alt.Shape("side:N", title=None, scale=alt.Scale(domain=list(sides), range=list(SIDE_SHAPES)))
    strong = alt.Opacity("strength:Q", scale=None)
    base = alt.Chart(shown[shown["value"].notna()]).encode(y=y, yOffset=apart, color=colour, opacity=strong)
    axis = alt.Axis(format=".1f", gridDash=[2, 3], tickCount=6)
    spans = base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2.5)
    dots = base.mark_point(filled=True, size=80).encode(
        x=alt.X("value:Q", title=title, scale=full, axis=axis), shape=shape, tooltip=_side_tooltip(title)
    )
    missing = alt.Chart(shown[shown["value"].isna()]).mark_text(
        align="left", dx=6, color=QUIET, fontSize=11, fontStyle="italic"
    )
    return layered(
        spans.encode(x=alt.X("low:Q", scale=full, title=title), x2="high:Q"),
        dots,
        missing.encode(y=y, yOffset=apart, x=alt.datum(0.0), text=alt.value("not defined"), tooltip=["note:N"]),
        height=row_height * len(rows) + FRAME,
    )


def _side_tooltip(title: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("row:N", title=" "),
        alt.Tooltip("side:N", title="images"),
        alt.Tooltip("value:Q", title=title, format=".3f"),
        alt.Tooltip("low:Q", title="95 % from", format=".3f"),
        alt.Tooltip("high:Q", title="95 % to", format=".3f"),
        alt.Tooltip("n_positive:Q", title="positives", format=","),
        alt.Tooltip("n:Q", title="images", format=","),
        alt.Tooltip("verdict:N"),
        alt.Tooltip("note:N"),
    ]
