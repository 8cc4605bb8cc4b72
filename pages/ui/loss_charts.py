"""Curves of losses as four panels: value and gradient, for y = 1 and y = 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from lt_core.charts.curves import Line, lines_of, loss_lines
from lt_core.params import Value
from lt_core.stats import ClassPrior

POINTS = 161
EVERY = 4
LIMIT = 8.0
DOMAINS = {"logit": (-LIMIT, LIMIT), "probability": (0.0, 1.0)}
TITLES = {
    ("value", 1): ("Loss where y = 1", "the class is there"),
    ("value", 0): ("Loss where y = 0", "the class is not there"),
    ("gradient", 1): ("Gradient where y = 1", "below 0: pulls up"),
    ("gradient", 0): ("Gradient where y = 0", "above 0: pushes down"),
}
COLUMNS = ["curve", "x", "height", "logit", "probability", "value", "gradient", "dot"]


@dataclass(frozen=True, slots=True)
class Curve:
    """What to draw: the loss ``loss`` with ``settings`` for the class in ``column``, called ``name``; its ``group``."""

    name: str
    loss: str
    group: str
    column: int
    settings: dict[str, Value]


@st.cache_data(max_entries=600, show_spinner=False)
def _computed(
    loss: str, values: tuple[tuple[str, Value], ...], positives: tuple[float, ...], n: int, column: int, axis: str
) -> pd.DataFrame:
    from lt_core.losses import get_loss
    from lt_core.losses.curves import loss_curves

    spec, prior = get_loss(loss), ClassPrior(positives, n)
    return loss_curves(spec, dict(values), prior=prior, class_index=column, axis=axis, limit=LIMIT, points=POINTS)


def _table(curves: Sequence[Curve], prior: ClassPrior, axis: str) -> pd.DataFrame:
    """Return all curves as one table, with the columns curve, loss and group beside those of ``loss_curves``."""
    positives = tuple(prior.positives.tolist())
    frames = [
        _computed(c.loss, tuple(sorted(c.settings.items())), positives, prior.n_samples, c.column, axis).assign(
            curve=c.name, loss=c.loss, group=c.group, dot=lambda points: points.index % EVERY == 0
        )
        for c in curves
    ]
    return pd.concat(frames, ignore_index=True)


@st.cache_data(max_entries=200, show_spinner=False)
def _specification(lines: list[Line], measure: str, y: int, axis: str) -> dict[str, Any]:
    """Return the chart without its data; building and checking one takes longer than all curves together."""
    from lt_core.losses.curves import AXES

    title, subtitle = TITLES[measure, y]
    x_title = AXES[axis] if measure == "gradient" else None
    chart = loss_lines(
        lines, measure=measure, title=title, subtitle=subtitle, x_title=x_title, x_domain=DOMAINS[axis]
    ).to_dict()
    chart.pop("data")
    return chart


def panels(curves: Sequence[Curve], prior: ClassPrior, axis: str, *, even: bool) -> None:
    """Draw value and gradient for y = 1 and y = 0; with ``even`` each loss is scaled to its own largest.

    Specification and data are handed over apart: moving a knob moves the lines and redraws nothing else.
    """
    table = _table(curves, prior, axis)
    lines = lines_of([(curve.name, curve.loss, curve.group) for curve in curves])
    for measure in ("value", "gradient"):
        largest = table.groupby("loss")[measure].transform(lambda values: values.abs().max() or 1.0)
        drawn = table.assign(height=table[measure] / largest if even else table[measure])
        for place, y in zip(st.columns(2), (1, 0), strict=True):
            place.vega_lite_chart(
                drawn.loc[drawn["y"] == y, COLUMNS],
                _specification(lines, measure, y, axis),
                width="stretch",
                key=f"loss-{measure}-{y}",
                alt=f"{', '.join(TITLES[measure, y])}: {', '.join(curve.name for curve in curves)}.",
            )
    _download(table)


def legend(lines: Sequence[Line]) -> None:
    """Draw one legend for all panels."""
    styles = {(1, 0): "solid", (7, 3): "dashed", (2, 2): "dotted"}
    entries = "".join(
        f'<span><i style="border-top: 3px {styles[line.dash]} {line.colour}"></i>{line.name}</span>' for line in lines
    )
    st.html(f'<div class="loss-legend">{entries}</div>')


def _download(table: pd.DataFrame) -> None:
    """Offer the numbers behind the curves; they are only sent when somebody opens them."""
    box = st.popover("Table", icon=":material/table_rows:", type="tertiary", key="table-curves", on_change="rerun")
    if box.open:
        with box:
            shown = table[["loss", "curve", "y", "logit", "probability", "value", "gradient"]]
            st.dataframe(shown, hide_index=True, width=640, height=380, alt="Every point of every curve.")
            st.download_button(
                "Download as CSV",
                lambda: shown.to_csv(index=False).encode(),
                file_name="loss-curves.csv",
                mime="text/csv",
                icon=":material/download:",
                key="csv-curves",
                on_click="ignore",
            )
