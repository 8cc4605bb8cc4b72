"""Charts of what images are like: their sizes and their brightness."""

from __future__ import annotations

import altair as alt
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.palette import GROUP_COLOURS, PLAIN, QUIET

PICK = "image"
"""Name of the selection in ``brightness``: its points carry the field ``index``."""


def sizes(table: pd.DataFrame) -> Figure:
    """Return circles at ``width`` and ``height`` (pixels), their area by the number of images of that size.

    ``table`` has one row a size: width, height, images.
    """
    top = float(max(table["width"].max(), table["height"].max(), 1)) * 1.08
    scale = alt.Scale(domain=[0, top], nice=False)
    square = pd.DataFrame({"edge": [0.0, top]})
    diagonal = alt.Chart(square).mark_line(color=QUIET, strokeDash=[2, 3], strokeWidth=1).encode(x="edge:Q", y="edge:Q")
    most = int(table["images"].max())
    shown = sorted({1, round(most**0.5), most})  # the legend's own steps begin at no image
    points = (
        alt.Chart(table)
        .mark_circle(color=PLAIN, opacity=0.65)
        .encode(
            x=alt.X("width:Q", title="width (pixels)", scale=scale),
            y=alt.Y("height:Q", title="height (pixels)", scale=scale),
            size=alt.Size(
                "images:Q",
                title="images",
                scale=alt.Scale(domain=[0, most], range=[20, 700]),
                legend=alt.Legend(format=",", values=shown),
            ),
            tooltip=[
                alt.Tooltip("width:Q", format=","),
                alt.Tooltip("height:Q", format=","),
                alt.Tooltip("images:Q", format=","),
            ],
        )
    )
    chart: Figure = alt.layer(diagonal, points).properties(height=300)
    return chart


def brightness(table: pd.DataFrame) -> Figure:
    """Return one point an image at its ``mean`` and ``std`` grey value (0 to 255); those that stand out are marked.

    ``table`` has index, mean, std, outlier and id (what the tooltip calls the image). A click picks ``index``.
    """
    shown = table.assign(what=table["outlier"].map({True: "stands out", False: "as the others"}))
    kinds = ["as the others", "stands out"]
    pick = alt.selection_point(name=PICK, fields=["index"], on="click", empty=False)
    points = (
        alt.Chart(shown)
        .mark_point(filled=True, cursor="pointer")
        .encode(
            x=alt.X("mean:Q", title="mean grey value (brightness)", scale=alt.Scale(domain=[0, 255], nice=False)),
            y=alt.Y("std:Q", title="standard deviation (contrast)"),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=kinds, range=[PLAIN, GROUP_COLOURS["tail"]]),
                legend=alt.Legend(orient="top"),
            ),
            shape=alt.Shape(
                "what:N",
                title=None,
                scale=alt.Scale(domain=["as the others", "stands out"], range=["circle", "diamond"]),
            ),
            size=alt.condition(pick, alt.value(160), alt.value(34)),
            opacity=alt.condition("datum.outlier", alt.value(1), alt.value(0.45)),
            tooltip=[
                alt.Tooltip("id:N", title="name"),  # Vega takes what is titled "image" for an address and fetches it
                alt.Tooltip("mean:Q", format=".1f"),
                alt.Tooltip("std:Q", format=".1f"),
                alt.Tooltip("z_mean:Q", title="z of brightness", format=".1f"),
                alt.Tooltip("z_std:Q", title="z of contrast", format=".1f"),
            ],
        )
        .add_params(pick)
    )
    chart: Figure = points.properties(height=300)
    return chart


def brightness_bins(table: pd.DataFrame) -> Figure:
    """Return bars of images by mean grey value in 32 bins of 8; for sets too large for one point an image."""
    binned = (table["mean"] // 8 * 8).value_counts().sort_index()
    bars = pd.DataFrame({"low": binned.index, "high": binned.index + 8, "images": binned.to_numpy()})
    chart: Figure = (
        alt.Chart(bars)
        .mark_bar(color=PLAIN)
        .encode(
            x=alt.X("low:Q", title="mean grey value (brightness)", scale=alt.Scale(domain=[0, 256], nice=False)),
            x2="high:Q",
            y=alt.Y("images:Q", title="images", axis=alt.Axis(format="~s", gridDash=[2, 3])),
            tooltip=[alt.Tooltip("low:Q"), alt.Tooltip("high:Q"), alt.Tooltip("images:Q", format=",")],
        )
        .properties(height=300)
    )
    return chart
