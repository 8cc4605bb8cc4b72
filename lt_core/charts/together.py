"""Which classes occur together, as a map: one cell for each two classes."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.charts import Figure
from lt_core.charts.layers import MARKS, layered, selection
from lt_core.charts.palette import QUIET

FEW, MANY = "#8FC3C71A", "#0E7C86"
"""From almost the page's own colour to a tone that white print can be read on, on light and dark pages."""
LESS, MORE = "#3B6FD8", "#B8670A"
"""Less and more often than by chance; as by chance is the page's own colour."""
_FADED = "0F"
"""Opacity, of FF, of the end of a scale that is as by chance."""
_FARTHEST = 3.0
"""Colours end at lifts of 2**3 and 2**-3, so that one pair never seen does not make all others look alike."""


_TOLD = ("n", "share", "jaccard", "expected", "lift", "lift_low", "lift_high", "weight", "ratio")
"""What pointing at a cell tells."""


@dataclass(frozen=True)
class Measure:
    """A measure of a map of pairs: its column, title, how its numbers are written, and what it says of a cell."""

    column: str
    title: str
    form: str
    about: str


MEASURES = {
    "n": Measure("n", "images with both", ",.0f", "How many images have both. Colour on a log scale."),
    "share": Measure("share", "share of the row's images", ".1%", "Of the images with the row's class, those that "
                     "have the column's class too."),
    "jaccard": Measure("jaccard", "Jaccard", ".3f", "Of the images with either class, those with both."),
    "lift": Measure("lift", "times as often as by chance", ".2~r", "Blue: less often together than by chance. Orange: "
                    "more often. Faded: the 95 % interval holds 1, so it may be chance."),
    "weight": Measure("weight", "DB weight of the row's class", ".2f", "What the distribution-balanced loss multiplies "
                      "the row's class by in an image that has the row's and the column's class and no other."),
}  # fmt: skip
"""The measures of ``pair_map``."""

CLICKED = "cell"
"""Name of the selection whose fields ``a`` and ``b`` say which cell was clicked."""


def pair_map(
    cells: pd.DataFrame,
    order: list[str],
    *,
    measure: str = "n",
    chosen: tuple[str, str] | None = None,
    ink: str = "#1B2A33",
) -> Figure:
    """Return a heat map of ``cells``, one for each ordered pair of classes: row ``a``, column ``b``, both in ``order``.

    ``cells`` has the columns of ``stats.pairs_cells.pair_cells`` and, for measure "weight", ``weight`` and ``ratio``.
    The diagonal is left open. A click on a cell selects it (``CLICKED``); ``chosen`` is outlined. Numbers are
    printed while they fit; ``ink`` is the colour of print on the page.
    """
    shown = _drawn(cells[cells["a"].isin(order) & cells["b"].isin(order)], measure)
    shown["chosen"] = [pair == chosen for pair in zip(shown["a"], shown["b"], strict=True)]
    base = alt.Chart().encode(
        x=alt.X(
            "b:N", sort=order, title=None, scale=alt.Scale(domain=order), axis=_axis(-50 if len(order) <= 20 else -90)
        ),
        y=alt.Y("a:N", sort=order, title=None, scale=alt.Scale(domain=order), axis=_axis(0)),
    )
    rects = base.mark_rect(cornerRadius=2, cursor="pointer", strokeWidth=2).encode(
        color=_colour(shown, measure),
        opacity=alt.Opacity("strength:Q", scale=None),
        tooltip=_tooltip(measure),
    )
    rects["name"] = MARKS
    frame = base.transform_filter("datum.chosen").mark_rect(cornerRadius=2, filled=False, stroke=ink, strokeWidth=2)
    layers = [rects, frame]
    if len(order) <= 26:
        layers.append(_numbers(base, shown, len(order), ink))
    cell = 30 if len(order) <= 15 else 24 if len(order) <= 26 else 18
    return layered(*layers, data=shown, height=alt.Step(cell), selections=(selection(CLICKED, "a", "b"),))


def _numbers(base: alt.Chart, shown: pd.DataFrame, k: int, ink: str) -> alt.Chart:
    """Return the numbers on the cells of k classes, left out where the cells are too narrow for them."""
    size = 11 if k <= 15 else 9
    room = max((len(text) for text in shown["print"]), default=1) * size * 0.55 + 5
    fits = f"width / {max(k, 1)} > {room:.0f}"
    chart: alt.Chart = base.mark_text(fontSize=size).encode(
        text=alt.Text("print:N"),
        color=alt.ColorValue(ink, condition={"test": "datum.dark", "value": "white"}),
        opacity=alt.OpacityValue(
            0.0, condition={"test": fits, "field": "print_strength", "type": "quantitative", "scale": None}
        ),
    )
    return chart


def _drawn(cells: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the off-diagonal cells with what is drawn of them: ``level``, ``print``, ``dark``, ``strength``."""
    used = [column for column in ("a", "b", *_TOLD) if column in cells.columns]
    shown = cells.loc[cells["a"] != cells["b"], [*used, "sure"]]
    values = shown[MEASURES[measure].column].astype(np.float64)
    level = _level(np.asarray(values, np.float64), measure)
    top = float(np.nanmax(np.abs(level), initial=0.0)) or 1.0
    shown["level"] = level
    shown["print"] = [_written(v, measure) for v in values]
    faint = ~shown["sure"].astype(bool) if measure == "lift" else pd.Series(False, index=shown.index)
    shown["faint"] = faint | values.isna() | ((values == 0) & (measure != "lift"))
    shown["strength"] = np.where(values.isna(), 0.0, np.where(faint, 0.15, 1.0))
    low = 0.0 if measure != "weight" else float(np.nanmin(level, initial=top))
    shown["print_strength"] = np.where(shown["faint"], 0.55, 1.0)
    share = np.abs(level - low) / max(top - low, 1e-12)
    shown["dark"] = (share > 0.66) & ~shown["faint"]
    return shown.drop(columns=["sure", "faint"])


def _level(values: NDArray[np.float64], measure: str) -> NDArray[np.float64]:
    """Return the number the colour follows: logs of counts (from 0 images on) and of lifts, else the value."""
    if measure == "n":
        return np.log10(values + 1)
    if measure == "lift":
        with np.errstate(divide="ignore"):
            return np.asarray(np.clip(np.log2(values), -_FARTHEST, _FARTHEST))
    return values


def _written(value: float, measure: str) -> str:
    if np.isnan(value):
        return ""
    match measure:
        case "n":
            return f"{value:,.0f}" if value < 10_000 else f"{value / 1000:,.0f}k"
        case "share":
            return "0" if value == 0 else f"{100 * value:.1f}%" if value < 0.0995 else f"{100 * value:.0f}%"
        case "lift":
            return f"{value:.2f}" if value < 9.95 else f"{value:.1f}" if value < 99.5 else f"{value:,.0f}"
    return f"{value:.2f}"


def _colour(shown: pd.DataFrame, measure: str) -> alt.Color:
    level = shown["level"]
    label, values = "", [0.0]
    top = float(np.nanmax(np.abs(level), initial=0.0)) or 1.0
    if measure == "lift":
        top = max(top, 1.0)
        scale = alt.Scale(
            domain=[-top, -1e-6, 1e-6, top], range=[LESS, LESS + _FADED, MORE + _FADED, MORE], interpolate="rgb"
        )
        label = "datum.value < 0 ? '1/' + format(pow(2, -datum.value), '.2~r') : format(pow(2, datum.value), '.2~r')"
        values = [v for v in (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0) if abs(v) <= top]
    else:
        low = float(np.nanmin(level, initial=top)) if measure == "weight" else 0.0
        scale = alt.Scale(domain=[low, top], range=[FEW, MANY], interpolate="rgb")
        label = "format(pow(10, datum.value) - 1, '.2~s')" if measure == "n" else ""
        values = [float(v) for v in np.log10(np.array([0, 10, 100, 1e3, 1e4, 1e5, 1e6]) + 1) if v <= top]
    legend = alt.Legend(orient="top", gradientLength=200, gradientThickness=10, titleLimit=320)
    if label:
        legend.labelExpr, legend.values = label, values
    else:
        legend.format, legend.tickCount = (".0%" if measure == "share" else ".2f"), 4
    return alt.Color("level:Q", title=MEASURES[measure].title, scale=scale, legend=legend)


def _tooltip(measure: str) -> list[alt.Tooltip]:
    rows = [
        alt.Tooltip("a:N", title="row"),
        alt.Tooltip("b:N", title="column"),
        alt.Tooltip("n:Q", title="images with both", format=",.0f"),
        alt.Tooltip("share:Q", title="share of the row's", format=".2%"),
        alt.Tooltip("jaccard:Q", title="Jaccard", format=".4f"),
        alt.Tooltip("expected:Q", title="expected by chance", format=",.1f"),
        alt.Tooltip("lift:Q", title="lift", format=".3~r"),
        alt.Tooltip("lift_low:Q", title="lift at least", format=".3~r"),
        alt.Tooltip("lift_high:Q", title="lift at most", format=".3~r"),
    ]
    if measure == "weight":
        rows += [
            alt.Tooltip("weight:Q", title="DB weight s of the row's", format=".3f"),
            alt.Tooltip("ratio:Q", title="before smoothing: r", format=".4f"),
        ]
    return rows


def _axis(angle: int) -> alt.Axis:
    return alt.Axis(
        labelAngle=angle,
        labelFontSize=9 if angle == -90 else 10,
        labelLimit=140,
        ticks=False,
        domain=False,
        labelOverlap=False,
        labelFlush=False,
        labelColor=QUIET,
    )
