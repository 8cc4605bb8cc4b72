"""A map of where a loss can be trusted: number formats against the logit, and the gradients behind it."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.palette import QUIET

VERDICT_COLOURS = {
    "sound": "#8FB8C9",
    "off": "#E3B505",
    "gradient gone": "#D55E00",
    "infinite": "#B0246B",
    "not a number": "#4B3B9A",
}
"""Told apart by lightness as well as by hue, and named on the map where there is room."""
MARKS = {"sound": "sound", "off": "off", "gradient gone": "gone", "infinite": "∞", "not a number": "NaN"}
INK = {
    "sound": "#12202B",
    "off": "#12202B",
    "gradient gone": "#FFFFFF",
    "infinite": "#FFFFFF",
    "not a number": "#FFFFFF",
}
FRAME = 90
"""Pixels of a map that are not rows: pages give the height of the whole picture."""
ROOM = 14.0
"""Logits a stretch must span to carry its name."""


def spans(table: pd.DataFrame) -> pd.DataFrame:
    """Return the stretches of one verdict: columns y, form, dtype, verdict, start, end (logits).

    ``table`` has the columns y, form, dtype, logit, verdict, sorted by logit within each curve. A stretch ends half
    way to the next one.
    """
    rows = []
    for (y, form, dtype), curve in table.groupby(["y", "form", "dtype"], sort=False):
        logit = curve["logit"].to_numpy()
        verdict = curve["verdict"].to_numpy()
        starts = [0, *(k for k in range(1, len(verdict)) if verdict[k] != verdict[k - 1])]
        for first, after in zip(starts, [*starts[1:], len(verdict)], strict=True):
            start = logit[0] if first == 0 else (logit[first - 1] + logit[first]) / 2
            end = logit[-1] if after == len(verdict) else (logit[after - 1] + logit[after]) / 2
            rows.append((y, form, dtype, str(verdict[first]), float(start), float(end)))
    return pd.DataFrame(rows, columns=["y", "form", "dtype", "verdict", "start", "end"])


def verdict_map(stretches: pd.DataFrame, *, title: str, formats: Sequence[str], height: int = 28) -> Figure:
    """Return one map: a row per number format in ``formats``, the logit on x, colour for the verdict.

    ``stretches`` are rows of ``spans`` for one form and one y; ``height`` is that of a row in pixels, beside room for
    title and axis.
    """
    table = stretches.assign(
        mark=[
            MARKS[v] if end - start >= ROOM else ""
            for v, start, end in zip(stretches["verdict"], stretches["start"], stretches["end"], strict=True)
        ]
    )
    y = alt.Y(
        "dtype:N", sort=list(formats), title=None, scale=alt.Scale(paddingInner=0.12),
        axis=alt.Axis(domain=False, ticks=False),
    )  # fmt: skip
    ends = [float(table["start"].min()), float(table["end"].max())]
    base = alt.Chart(table).encode(y=y)
    bars = base.mark_rect(stroke=None).encode(
        x=alt.X("start:Q", title="logit z", scale=alt.Scale(domain=ends, nice=False),
                axis=alt.Axis(tickCount=5, grid=False, labelFlush=True)),
        x2="end:Q",
        color=alt.Color("verdict:N", legend=None,
                        scale=alt.Scale(domain=list(VERDICT_COLOURS), range=list(VERDICT_COLOURS.values()))),
        tooltip=[
            alt.Tooltip("dtype:N", title="format"),
            alt.Tooltip("verdict:N"),
            alt.Tooltip("start:Q", title="from z", format=".1f"),
            alt.Tooltip("end:Q", title="to z", format=".1f"),
        ],
    )  # fmt: skip
    names = _names(base)
    heading = alt.TitleParams(title, anchor="start", fontSize=13, fontWeight=600, offset=6)
    layers: Figure = (
        alt.layer(bars, names)
        .resolve_scale(color="independent")
        .properties(height=height * len(formats) + FRAME, title=heading)
    )
    return layers


def _names(base: alt.Chart) -> alt.Chart:
    """Return the names of the wide stretches, in the middle of each."""
    ink = alt.Scale(domain=list(INK), range=list(INK.values()))
    named: alt.Chart = (
        base.transform_calculate(middle="(datum.start + datum.end) / 2")
        .mark_text(fontSize=11, fontWeight=600)
        .encode(x="middle:Q", text="mark:N", color=alt.Color("verdict:N", legend=None, scale=ink))
    )
    return named


def gradient_lines(table: pd.DataFrame, *, title: str, colour: str, height: int = 280) -> Figure:
    """Return the gradient over the logit: the reference solid in ``colour``, each format of ``table`` dashed over it.

    ``table`` holds one form and one y, with the columns dtype, logit, gradient, reference_gradient. Points that are
    infinite or not a number leave a gap.
    """
    finite = table.assign(gradient=table["gradient"].where(table["gradient"].abs() < 1e6))
    reference = table[table["dtype"] == table["dtype"].iloc[0]]
    x = alt.X("logit:Q", title=None, axis=alt.Axis(tickCount=5, grid=False))
    exact = (
        alt.Chart(reference)
        .mark_line(color=colour, strokeWidth=5, opacity=0.35)
        .encode(
            x=x,
            y=alt.Y("reference_gradient:Q", title=None, axis=alt.Axis(tickCount=4, gridColor=QUIET, gridOpacity=0.2)),
        )
    )
    formats = list(dict.fromkeys(table["dtype"]))
    dashes = [[1, 0], [6, 3], [2, 2], [8, 2, 2, 2]]
    own = (
        alt.Chart(finite)
        .mark_line(strokeWidth=1.8, clip=True)
        .encode(
            x=x,
            y="gradient:Q",
            strokeDash=alt.StrokeDash(
                "dtype:N", scale=alt.Scale(domain=formats, range=dashes[: len(formats)]), title=None,
                legend=alt.Legend(orient="bottom"),
            ),
            color=alt.value(colour),
            tooltip=["dtype:N", alt.Tooltip("logit:Q", format=".1f"), alt.Tooltip("gradient:Q", format=".4~g")],
        )
    )  # fmt: skip
    heading = alt.TitleParams(title, anchor="start", fontSize=13, fontWeight=600, offset=6)
    layers: Figure = alt.layer(exact, own).properties(height=height, title=heading)
    return layers
