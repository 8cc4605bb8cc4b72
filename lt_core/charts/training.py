"""Charts of a run while it is going on: the loss, and how far head, medium and tail have come."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.palette import GROUP_COLOURS, GROUPS, PLAIN, PULL, PUSH, QUIET, SERIES, SERIES_DASHES

HEIGHT = 280
METRICS = {"f1": "F1 at 0.5, mean over the group", "ap": "average precision, mean over the group"}
SHORT = {"f1": "F1 at 0.5", "ap": "average precision"}
AROUND = 95
"""Pixels that axis, title and legend take of a chart's height."""
MOST_LINES = len(SERIES)
"""Classes that can be told apart as lines in one chart."""
_PARTS = {"train_loss": "training", "val_loss": "validation"}
Stages = Mapping[str, int]
"""Name of each stage after the first, and the epoch it begins with."""


def loss_by_epoch(history: pd.DataFrame, *, epochs: int, stages: Stages | None = None) -> Figure:
    """Return training and validation loss by epoch; ``history`` has the columns epoch, train_loss, val_loss.

    ``epochs`` is where the axis ends, so that the curve grows into the chart and the chart stays.
    """
    long = history.melt("epoch", list(_PARTS), var_name="part", value_name="loss").dropna()
    long["part"] = long["part"].map(_PARTS)
    names = list(_PARTS.values())
    base = alt.Chart(long).encode(
        x=_epochs(epochs),
        y=alt.Y("loss:Q", title="loss", scale=alt.Scale(zero=False, padding=8), axis=alt.Axis(gridDash=[2, 3])),
        color=alt.Color(
            "part:N",
            title=None,
            scale=alt.Scale(domain=names, range=[QUIET, SERIES[2]]),
            legend=alt.Legend(orient="top", direction="horizontal"),
        ),
        strokeDash=alt.StrokeDash(
            "part:N", title=None, scale=alt.Scale(domain=names, range=[[5, 3], [1, 0]]), legend=None
        ),
        tooltip=["epoch:Q", "part:N", alt.Tooltip("loss:Q", format=".4f")],
    )
    return _line_and_dots(base, stages or {}, epochs)


def groups_by_epoch(history: pd.DataFrame, *, metric: str, epochs: int, stages: Stages | None = None) -> Figure:
    """Return the validation ``metric`` ("f1" or "ap") of head, medium and tail by epoch, 0 to 1.

    ``history`` has the columns epoch and ``{metric}_{group}``, NaN where the group has no defined value.
    """
    long = history.melt("epoch", [f"{metric}_{group}" for group in GROUPS], var_name="group", value_name="value")
    long["group"] = long["group"].str.removeprefix(f"{metric}_")
    long = long.dropna()
    base = alt.Chart(long).encode(
        x=_epochs(epochs),
        y=_unit(METRICS[metric]),
        color=alt.Color(
            "group:N",
            title=None,
            scale=alt.Scale(domain=list(GROUPS), range=[GROUP_COLOURS[group] for group in GROUPS]),
            legend=alt.Legend(orient="top", direction="horizontal"),
        ),
        tooltip=["epoch:Q", "group:N", alt.Tooltip("value:Q", title=metric.upper(), format=".3f")],
    )
    return _line_and_dots(base, stages or {}, epochs)


def classes_by_epoch(
    long: pd.DataFrame, *, shown: list[str], metric: str, epochs: int, stages: Stages | None = None
) -> Figure:
    """Return the ``metric`` of a few classes by epoch, a line each, at most ``MOST_LINES`` of them.

    ``long`` has the columns epoch, class, group, images (in training) and value.
    """
    base = alt.Chart(long[long["class"].isin(shown)].dropna(subset="value")).encode(
        x=_epochs(epochs),
        y=_unit(SHORT[metric]),
        color=alt.Color(
            "class:N",
            title=None,
            scale=alt.Scale(domain=shown, range=list(SERIES[: len(shown)])),
            legend=alt.Legend(orient="top", direction="horizontal", columns=4),
        ),
        strokeDash=alt.StrokeDash(
            "class:N", scale=alt.Scale(domain=shown, range=list(SERIES_DASHES[: len(shown)])), legend=None
        ),
        tooltip=_of_class(metric),
    )
    return _line_and_dots(base, stages or {}, epochs)


def classes_as_map(long: pd.DataFrame, *, order: list[str], metric: str, epochs: int) -> Figure:
    """Return the ``metric`` of every class and epoch as cells, the classes in ``order``; for any number of classes.

    ``long`` is that of ``classes_by_epoch``; a cell without a defined value is left out.
    """
    return _cells(long.dropna(subset="value"), order, epochs).encode(
        color=alt.Color(
            "value:Q",
            title=SHORT[metric],
            scale=alt.Scale(domain=[0, 1], scheme="viridis"),
            legend=alt.Legend(orient="top", direction="horizontal", gradientLength=160, format=".1f", tickCount=3),
        ),
        tooltip=_of_class(metric),
    )


def ratio_as_map(long: pd.DataFrame, *, order: list[str], epochs: int) -> Figure:
    """Return pull over push that every class received, by epoch, on a log scale around 1.

    ``long`` has the columns epoch, class, group, images, pull, push and ratio (NaN where nothing pushed).
    """
    seen = long[long["ratio"] > 0]
    colours = alt.Scale(type="log", domain=[0.01, 1, 100], range=[PUSH, "#D9DBD6", PULL], clamp=True, interpolate="rgb")
    return _cells(seen, order, epochs).encode(
        color=alt.Color(
            "ratio:Q",
            title="pull / push",
            scale=colours,
            legend=alt.Legend(
                orient="top", direction="horizontal", gradientLength=160, values=[0.01, 0.1, 1, 10, 100], format=".3~g"
            ),
        ),
        tooltip=_of_gradient(),
    )


def pull_and_push(table: pd.DataFrame, *, order: list[str]) -> Figure:
    """Return what pulled and what pushed every class in one epoch, two dots joined by a line, on a log scale.

    ``table`` has the columns of ``ratio_as_map`` for a single epoch; a sum of 0 is left out.
    """
    both = table[(table["pull"] > 0) & (table["push"] > 0)]
    long = table.melt(
        ["epoch", "class", "group", "images", "ratio"], ["pull", "push"], var_name="force", value_name="sum"
    )
    y = alt.Y("class:N", sort=order, title=None, axis=_class_axis(len(order)))
    x = alt.X("sum:Q", title="sum of |gradient| over the epoch", scale=alt.Scale(type="log"), axis=_log_axis())
    lines = alt.Chart(both).mark_rule(color=QUIET, opacity=0.6).encode(y=y, x=alt.X("pull:Q"), x2="push:Q")
    dots = (
        alt.Chart(long[long["sum"] > 0])
        .mark_point(filled=True, size=56, opacity=1)
        .encode(
            y=y,
            x=x,
            color=alt.Color(
                "force:N",
                title=None,
                scale=alt.Scale(domain=["pull", "push"], range=[PULL, PUSH]),
                legend=alt.Legend(orient="top", direction="horizontal"),
            ),
            shape=alt.Shape("force:N", scale=alt.Scale(domain=["pull", "push"], range=["triangle-right", "square"])),
            tooltip=["class:N", "group:N", "force:N", alt.Tooltip("sum:Q", format=".3g")],
        )
    )
    chart: Figure = alt.layer(lines, dots).properties(height=_rows_height(len(order)))
    return chart


def line_by_epoch(history: pd.DataFrame, *, column: str, title: str, epochs: int) -> Figure:
    """Return one column of ``history`` by epoch: learning rate, images a second, memory."""
    scale = alt.Scale(zero=False, padding=8)
    base = alt.Chart(history.dropna(subset=column)).encode(
        x=_epochs(epochs),
        y=alt.Y(f"{column}:Q", title=title, scale=scale, axis=alt.Axis(gridDash=[2, 3], tickCount=4, format=".4~g")),
        tooltip=["epoch:Q", alt.Tooltip(f"{column}:Q", title=title, format=".4~g")],
    )
    line, dots = base.mark_line(strokeWidth=2, color=PLAIN), base.mark_point(filled=True, size=28, color=PLAIN)
    chart: Figure = alt.layer(line, dots).properties(height=170)
    return chart


def _epochs(epochs: int) -> alt.X:
    whole = alt.Axis(tickMinStep=1, format="d", grid=False, tickCount=min(epochs, 12))
    return alt.X("epoch:Q", title="epoch", scale=alt.Scale(domain=[min(1, epochs - 1), epochs], nice=False), axis=whole)


def _unit(title: str) -> alt.Y:
    axis = alt.Axis(format=".1f", tickCount=5, gridDash=[2, 3])
    return alt.Y("value:Q", title=title, scale=alt.Scale(domain=[0, 1]), axis=axis)


def _cells(table: pd.DataFrame, order: list[str], epochs: int) -> alt.Chart:
    placed = table.assign(start=table["epoch"] - 0.5, end=table["epoch"] + 0.5)
    whole = alt.Axis(tickMinStep=1, format="d", grid=False, tickCount=min(epochs, 12))
    x = alt.X("start:Q", title="epoch", scale=alt.Scale(domain=[0.5, epochs + 0.5], nice=False), axis=whole)
    chart: alt.Chart = (
        alt.Chart(placed)
        .mark_rect()
        .encode(x=x, x2="end:Q", y=alt.Y("class:N", sort=order, title=None, axis=_class_axis(len(order))))
        .properties(height=_rows_height(len(order)))
    )
    return chart


def _rows_height(rows: int) -> int:
    """Return the height of a chart with a row a class: room for a name each up to 30, thin rows beyond."""
    return AROUND + (20 * rows if rows <= 30 else min(800, 9 * rows))


def _class_axis(rows: int) -> alt.Axis:
    return alt.Axis(
        labelLimit=130, labelFlush=False, labelBound=False, labelOverlap=rows > 30, ticks=False, domain=False
    )


def _log_axis() -> alt.Axis:
    return alt.Axis(format=".3~g", gridDash=[2, 3], tickCount=5)


def _of_class(metric: str) -> list[str | alt.Tooltip]:
    value = alt.Tooltip("value:Q", title=SHORT[metric], format=".3f")
    return ["class:N", "group:N", alt.Tooltip("images:Q", title="training images", format=","), "epoch:Q", value]


def _of_gradient() -> list[str | alt.Tooltip]:
    numbers = [alt.Tooltip(f"{name}:Q", format=".3g") for name in ("pull", "push", "ratio")]
    return ["class:N", "group:N", alt.Tooltip("images:Q", title="training images", format=","), "epoch:Q", *numbers]


def _line_and_dots(base: alt.Chart, stages: Stages, epochs: int) -> Figure:
    lines = [base.mark_line(strokeWidth=2.2, clip=True), base.mark_point(filled=True, size=34, opacity=1)]
    chart: Figure = alt.layer(*lines, *_boundaries(stages, epochs)).properties(height=HEIGHT)
    return chart


def _boundaries(stages: Stages, epochs: int) -> list[alt.Chart]:
    """Return a line where each later stage begins, between two epochs, with its name on the wider side."""
    layers = []
    for name, first in stages.items():
        base = alt.Chart(pd.DataFrame({"begins": [first - 0.5], "stage": [name]})).encode(x="begins:Q")
        late = first > epochs / 2
        layers.append(base.mark_rule(color=QUIET, strokeDash=[4, 3]))
        words = base.mark_text(
            align="right" if late else "left", baseline="top", dx=-5 if late else 5, dy=4, color=QUIET
        )
        layers.append(words.encode(text="stage:N", y=alt.value(0)))
    return layers
