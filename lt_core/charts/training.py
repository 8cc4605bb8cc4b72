"""Charts of a run while it is going on: the loss, and how far head, medium and tail have come."""

from __future__ import annotations

import altair as alt
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.palette import GROUP_COLOURS, GROUPS, QUIET, SERIES

HEIGHT = 280
METRICS = {"f1": "F1 at 0.5, mean over the group", "ap": "average precision, mean over the group"}
_PARTS = {"train_loss": "training", "val_loss": "validation"}


def loss_by_epoch(history: pd.DataFrame, *, epochs: int) -> Figure:
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
    return _line_and_dots(base)


def groups_by_epoch(history: pd.DataFrame, *, metric: str, epochs: int) -> Figure:
    """Return the validation ``metric`` ("f1" or "ap") of head, medium and tail by epoch, 0 to 1.

    ``history`` has the columns epoch and ``{metric}_{group}``, NaN where the group has no defined value.
    """
    long = history.melt("epoch", [f"{metric}_{group}" for group in GROUPS], var_name="group", value_name="value")
    long["group"] = long["group"].str.removeprefix(f"{metric}_")
    long = long.dropna()
    base = alt.Chart(long).encode(
        x=_epochs(epochs),
        y=alt.Y(
            "value:Q",
            title=METRICS[metric],
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(format=".1f", tickCount=5, gridDash=[2, 3]),
        ),
        color=alt.Color(
            "group:N",
            title=None,
            scale=alt.Scale(domain=list(GROUPS), range=[GROUP_COLOURS[group] for group in GROUPS]),
            legend=alt.Legend(orient="top", direction="horizontal"),
        ),
        tooltip=["epoch:Q", "group:N", alt.Tooltip("value:Q", title=metric.upper(), format=".3f")],
    )
    return _line_and_dots(base)


def _epochs(epochs: int) -> alt.X:
    whole = alt.Axis(tickMinStep=1, format="d", grid=False, tickCount=min(epochs, 12))
    return alt.X("epoch:Q", title="epoch", scale=alt.Scale(domain=[min(1, epochs - 1), epochs], nice=False), axis=whole)


def _line_and_dots(base: alt.Chart) -> Figure:
    chart: Figure = alt.layer(
        base.mark_line(strokeWidth=2.2, clip=True), base.mark_point(filled=True, size=34, opacity=1)
    ).properties(height=HEIGHT)
    return chart
