"""Charts of losses over one logit: value or gradient, several losses or classes overlaid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from lt_core.charts import Figure
from lt_core.charts.palette import GROUP_COLOURS, GROUPS, QUIET, SERIES

GROUP_DASHES = {"head": [1, 0], "medium": [7, 3], "tail": [2, 2]}
"""Head, medium and tail told apart without colour."""


@dataclass(frozen=True, slots=True)
class Line:
    """How one curve is drawn: its ``name`` in data and legend, its ``colour`` and its ``dash``."""

    name: str
    colour: str
    dash: tuple[int, ...]


def lines_of(curves: Sequence[tuple[str, str, str]]) -> list[Line]:
    """Return the style of each (name, loss, group): colour for the loss, dash for the class's group ("" for none).

    A single loss drawn for several classes takes the colours of head, medium and tail instead.
    """
    losses = list(dict.fromkeys(loss for _, loss, _ in curves))
    grouped = len(losses) == 1 and any(group for *_, group in curves)
    return [
        Line(
            name,
            GROUP_COLOURS[group] if grouped and group in GROUPS else SERIES[losses.index(loss) % len(SERIES)],
            tuple(GROUP_DASHES.get(group, GROUP_DASHES["head"])),
        )
        for name, loss, group in curves
    ]


def loss_lines(
    lines: Sequence[Line],
    *,
    measure: str,
    title: str,
    subtitle: str,
    x_title: str | None,
    x_domain: tuple[float, float],
    height: int = 240,
) -> Figure:
    """Return curves of ``measure`` ("value" or "gradient") over x, one per line, on data that is given later.

    The data set "curves" has the columns curve, x, height (what is drawn), logit, probability, value, gradient and dot
    (whether the point can be pointed at: some are enough, and each costs a mark).
    Its name is fixed, so that a page that changes only the data redraws the lines in place.
    """
    names = [line.name for line in lines]
    near = alt.selection_point(
        name="near", fields=["x"], on="pointermove", nearest=True, empty=False, clear="pointerout"
    )
    base = alt.Chart(alt.NamedData(name="curves")).encode(
        x=alt.X(
            "x:Q",
            title=x_title,
            axis=alt.Axis(tickCount=7, **_grid()),
            scale=alt.Scale(domain=list(x_domain), nice=False),
        ),
        y=alt.Y("height:Q", title=None, axis=alt.Axis(tickCount=5, format=".4~r", **_grid())),
        color=alt.Color("curve:N", scale=alt.Scale(domain=names, range=[line.colour for line in lines]), legend=None),
    )
    strokes = base.mark_line(clip=True).encode(**_stroke(lines))
    dots = (
        base.transform_filter("datum.dot")
        .mark_point(filled=True, size=55)
        .encode(opacity=alt.condition(near, alt.value(1), alt.value(0)), tooltip=_tooltip(measure))
        .add_params(near)
    )
    layers: Figure = alt.layer(strokes, dots).properties(height=height, title=_heading(title, subtitle))
    return layers


def _stroke(lines: Sequence[Line]) -> dict[str, Any]:
    """Return the dash of each line, and widths that fall in order: what is covered still shows at the rim."""
    names = [line.name for line in lines]
    dashes = alt.Scale(domain=names, range=[list(line.dash) for line in lines])
    widths = alt.Scale(domain=names, range=[2 + 1.4 * k / len(names) for k in range(len(names), 0, -1)])
    return {
        "strokeDash": alt.StrokeDash("curve:N", scale=dashes, legend=None),
        "strokeWidth": alt.StrokeWidth("curve:N", scale=widths, legend=None),
    }


def _grid() -> dict[str, Any]:
    """Return quiet grid lines, with those at zero set apart: the sign of a gradient is the point of its chart."""

    def unless_zero(at_zero: float, else_: float) -> dict[str, Any]:
        return {"condition": {"test": "abs(datum.value) < 1e-9", "value": at_zero}, "value": else_}

    return {"gridColor": QUIET, "gridOpacity": unless_zero(0.95, 0.22), "gridWidth": unless_zero(1.3, 1.0)}


def _heading(title: str, subtitle: str) -> alt.TitleParams:
    return alt.TitleParams(
        title,
        subtitle=subtitle,
        anchor="start",
        fontSize=13,
        fontWeight=600,
        subtitleFontSize=12,
        subtitleColor=QUIET,
        offset=8,
    )


def _tooltip(measure: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("curve:N", title="loss"),
        alt.Tooltip("logit:Q", title="logit z", format=".2f"),
        alt.Tooltip("probability:Q", title="probability p", format=".3f"),
        alt.Tooltip(f"{measure}:Q", title=measure, format=".4~g"),
    ]
