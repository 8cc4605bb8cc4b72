"""Network of classes: a point for each class, a line between two for the images that have both."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.charts import Figure
from lt_core.charts.palette import GROUP_COLOURS, GROUPS, PLAIN
from lt_core.charts.together import CLICKED

_STEPS = 300


def network_layout(weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return a place for each of k classes, (k, 2) in [0, 1], linked classes near each other.

    ``weights`` (k, k) is symmetric, >= 0: how strongly two classes pull. Forces of Fruchterman and Reingold (Software:
    Practice and Experience, 1991) with a cooling step, from the classes on a circle in their order: nothing is drawn at
    random, so the same weights give the same picture. A weak pull to the middle keeps unlinked classes in sight.
    """
    k = len(weights)
    if k < 2:
        return np.full((k, 2), 0.5)
    pull = np.array(weights, dtype=np.float64)
    np.fill_diagonal(pull, 0.0)
    pull = np.sqrt(pull / pull.max()) if pull.max() > 0 else pull
    angle = 2 * np.pi * np.arange(k) / k
    places = np.column_stack((np.cos(angle), np.sin(angle)))
    ideal = 2 / np.sqrt(k)
    for step in range(_STEPS):
        apart = places[:, None] - places[None]
        distance = np.maximum(np.sqrt((apart**2).sum(axis=2)), 1e-3)
        force = ideal**2 / distance**2 - 0.3 * pull * distance / ideal
        moved = (apart * force[..., None]).sum(axis=1) - 0.6 * places
        length = np.maximum(np.sqrt((moved**2).sum(axis=1, keepdims=True)), 1e-9)
        places += moved / length * np.minimum(length, 0.2 * (1 - step / _STEPS))
    low, high = places.min(axis=0), places.max(axis=0)
    return np.asarray((places - low) / np.maximum(high - low, 1e-9))


def class_network(pairs: pd.DataFrame, classes: pd.DataFrame, *, ink: str = "#1B2A33", height: int = 620) -> Figure:
    """Return the network of ``pairs`` (columns a, b, n, jaccard) between ``classes`` (class, positives, group).

    A line is as wide as the number of images with both, a point as large as the class, and classes pull each other by
    their Jaccard index. Classes without a pair are left out. A click on a line selects it (``CLICKED``, fields ``a``
    and ``b``).
    """
    classes = classes[classes["class"].isin(pairs["a"]) | classes["class"].isin(pairs["b"])]
    place = {name: i for i, name in enumerate(classes["class"])}
    weights = np.zeros((len(place),) * 2)
    first, second = pairs["a"].map(place).to_numpy(np.intp), pairs["b"].map(place).to_numpy(np.intp)
    weights[first, second] = weights[second, first] = pairs["jaccard"]
    xy = network_layout(weights)
    points = classes.assign(x=xy[:, 0], y=xy[:, 1])
    lines = pairs[["a", "b", "n"]].assign(x=xy[first, 0], y=xy[first, 1], x2=xy[second, 0], y2=xy[second, 1])
    x = alt.X("x:Q", scale=alt.Scale(domain=[-0.08, 1.08], nice=False), axis=None)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[-0.06, 1.06], nice=False), axis=None)
    names = (
        alt.Chart(points)
        .mark_text(dy=-13, fontSize=11, color=ink, limit=140)
        .encode(x=x, y=y, text="class:N")
    )  # fmt: skip
    layers = alt.layer(_lines(lines, x, y), _points(points, x, y), names)
    chart: Figure = layers.resolve_scale(size="independent").properties(height=height)
    return chart


def _lines(lines: pd.DataFrame, x: alt.X, y: alt.Y) -> alt.Chart:
    near = alt.selection_point(name="near", on="pointerover", clear="pointerout", fields=["a", "b"], empty=False)
    click = alt.selection_point(name=CLICKED, fields=["a", "b"], empty=False)
    most = float(lines["n"].max()) if len(lines) else 1.0
    chart: alt.Chart = (
        alt.Chart(lines)
        .mark_rule(color=PLAIN, strokeCap="round", cursor="pointer")
        .encode(
            x=x, y=y, x2="x2:Q", y2="y2:Q",
            size=alt.Size("n:Q", scale=alt.Scale(type="sqrt", domain=[0, most], range=[0.8, 14]), legend=None),
            opacity=alt.when(near | click).then(alt.value(0.95)).otherwise(alt.value(0.35)),
            tooltip=[alt.Tooltip("a:N", title="with"), alt.Tooltip("b:N", title="and"),
                     alt.Tooltip("n:Q", title="images with both", format=",.0f")],
        )
        .add_params(near, click)
    )  # fmt: skip
    return chart


def _points(points: pd.DataFrame, x: alt.X, y: alt.Y) -> alt.Chart:
    most = float(points["positives"].max()) if len(points) else 1.0
    chart: alt.Chart = (
        alt.Chart(points)
        .mark_circle(opacity=1)
        .encode(
            x=x, y=y,
            size=alt.Size("positives:Q", scale=alt.Scale(domain=[0, most], range=[40, 620]), legend=None),
            color=alt.Color(
                "group:N", title=None,
                scale=alt.Scale(domain=list(GROUPS), range=[GROUP_COLOURS[g] for g in GROUPS]),
                legend=alt.Legend(orient="top", direction="horizontal"),
            ),
            tooltip=[alt.Tooltip("class:N"), alt.Tooltip("positives:Q", format=",.0f"), alt.Tooltip("group:N")],
        )
    )  # fmt: skip
    return chart
