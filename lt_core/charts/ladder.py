"""One step of a ladder of losses over the step before it."""

from __future__ import annotations

import altair as alt
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.palette import QUIET

NOW = "this step"
BEFORE = "the step before"


def step_lines(
    now: pd.DataFrame,
    before: pd.DataFrame | None,
    *,
    measure: str,
    colour: str,
    title: str,
    x_title: bool = True,
    height: int = 230,
) -> Figure:
    """Return ``measure`` ("value" or "gradient") over the logit: this step solid in ``colour``, the last grey, dashed.

    ``now`` and ``before`` have the columns logit, value, gradient. The lowest step has no ``before``.
    ``x_title`` says whether the axis is named, which one chart of a column needs only once.
    """
    frames = [now.assign(step=NOW)] + ([] if before is None else [before.assign(step=BEFORE)])
    table = pd.concat(frames, ignore_index=True)
    reference = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color=QUIET, opacity=0.9).encode(y="zero:Q")
    base = alt.Chart(table).encode(
        x=alt.X("logit:Q", title="logit z" if x_title else None,
                axis=alt.Axis(tickCount=5, gridOpacity=0.2, gridColor=QUIET),
                scale=alt.Scale(domain=[float(now["logit"].min()), float(now["logit"].max())], nice=False)),
        y=alt.Y(f"{measure}:Q", title=None, axis=alt.Axis(tickCount=4, gridOpacity=0.2, gridColor=QUIET)),
        tooltip=[
            alt.Tooltip("step:N"),
            alt.Tooltip("logit:Q", title="logit z", format=".2f"),
            alt.Tooltip(f"{measure}:Q", format=".4~g"),
        ],
    )  # fmt: skip
    solid = base.transform_filter(alt.datum.step == NOW).mark_line(color=colour, strokeWidth=3.5)
    dashed = base.transform_filter(alt.datum.step == BEFORE).mark_line(color=QUIET, strokeWidth=2.5, strokeDash=[7, 4])
    heading = alt.TitleParams(title, anchor="start", fontSize=15, offset=8)
    layers: Figure = alt.layer(reference, dashed, solid).properties(height=height, title=heading)
    return layers
