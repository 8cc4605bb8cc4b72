"""The tail as a curve: class counts by rank, for sets of too many classes to give each a bar."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.distribution import CLICKED, GROUP_COLOUR
from lt_core.charts.layers import MARKS, layered, selection
from lt_core.charts.palette import QUIET, SERIES

POINTS = 400
"""Points a curve is drawn with: more would lie on one another."""


def binned_ranks(table: pd.DataFrame, *, points: int = POINTS) -> pd.DataFrame:
    """Return at most about ``points`` rows of ``table`` (class, positives, group), ranked and binned.

    Columns ``class, positives, group, rank, last_rank, classes, lowest``. The first ranks stay single; further down,
    ranks that fall together on a log axis become one point: ``class``, ``positives`` and ``group`` are those of its
    middle rank, ``classes`` is how many it holds, ``lowest`` the smallest count. Classes without positives have no
    place on a log axis and are left out.
    """
    ranked = table[table["positives"] > 0].sort_values("positives", ascending=False, kind="stable")
    n = len(ranked)
    edges = np.arange(n) if n <= points else np.unique(np.geomspace(1, n, points).astype(int) - 1)
    first = np.unique(np.concatenate([np.arange(min(n, points // 4)), edges]))
    last = np.append(first[1:], n)[: len(first)] - 1
    middle = (first + last) // 2
    return pd.DataFrame(
        {
            "class": ranked["class"].to_numpy()[middle],
            "positives": ranked["positives"].to_numpy()[middle],
            "group": ranked["group"].to_numpy()[middle],
            "rank": first + 1,
            "last_rank": last + 1,
            "classes": last - first + 1,
            "lowest": ranked["positives"].to_numpy()[last],
        }
    )


def rank_curve(
    points: pd.DataFrame,
    *,
    fit: pd.DataFrame | None = None,
    chosen: pd.DataFrame | None = None,
    log_ranks: bool = True,
    clickable: bool = True,
) -> Figure:
    """Return the counts of ``binned_ranks`` by rank, on log axes, coloured by group; a click selects (``CLICKED``).

    ``fit`` (rank, law, expected) is drawn as lines; ``chosen`` (class, rank, positives) is marked and named.
    """
    x = alt.X(
        "rank:Q",
        title="rank of the class, most frequent first",
        scale=alt.Scale(type="log" if log_ranks else "linear", nice=False),
        axis=alt.Axis(format="~s" if log_ranks else "d", gridDash=[2, 3], tickMinStep=1),
    )
    top = max(float(points["positives"].max()), 1.0) if len(points) else 1.0
    bottom = float(points["positives"].min()) if len(points) else 1.0
    y = alt.Y(
        "positives:Q",
        title="images with the class (log scale)",
        scale=alt.Scale(type="log", domain=[bottom * 0.6, top * 1.5], nice=False, clamp=True),
        axis=alt.Axis(format="~s", gridDash=[2, 3], tickCount=5),
    )
    dots = (
        alt.Chart(points, name=MARKS)
        .mark_circle(size=42, opacity=1, cursor="pointer" if clickable else "default")
        .encode(
            x=x,
            y=y,
            color=GROUP_COLOUR,
            tooltip=[
                alt.Tooltip("class:N"),
                alt.Tooltip("rank:Q", title="rank", format=","),
                alt.Tooltip("last_rank:Q", title="to rank", format=","),
                alt.Tooltip("classes:Q", title="classes in this point", format=","),
                alt.Tooltip("positives:Q", format=","),
                alt.Tooltip("group:N"),
            ],
        )
    )
    layers = [dots]
    if fit is not None:
        layers.append(_lines(fit))
    if chosen is not None and len(chosen):
        at = alt.Chart(chosen).encode(x="rank:Q", y="positives:Q")
        layers += [
            at.mark_point(size=220, strokeWidth=2, color=QUIET),
            at.mark_text(align="left", dx=10, dy=-10, color=QUIET, fontSize=12).encode(text="class:N"),
        ]
    selections = (selection(CLICKED, "class"),) if clickable else ()
    return layered(*layers, height=380, selections=selections)


def _lines(fit: pd.DataFrame) -> alt.Chart:
    drawn: alt.Chart = (
        alt.Chart(fit)
        .mark_line(strokeWidth=2, color=QUIET)
        .encode(
            x=alt.X("rank:Q"),
            y=alt.Y("expected:Q"),
            strokeDash=alt.StrokeDash("law:N", title=None, legend=alt.Legend(orient="bottom")),
            tooltip=[alt.Tooltip("law:N"), alt.Tooltip("rank:Q"), alt.Tooltip("expected:Q", format=",.1f")],
        )
    )
    return drawn


def thinned(ranks: pd.DataFrame, laws: tuple[str, ...], *, points: int = 120) -> pd.DataFrame:
    """Return the laws of ``ranks`` (rank, class, one column a law) in long form: ``rank, class, law, expected``.

    At most about ``points`` ranks, spread over the log axis, the first and the last among them.
    """
    n = len(ranks)
    picked = np.unique(np.geomspace(1, n, min(points, n)).round().astype(int)) - 1 if n > points else np.arange(n)
    long = ranks.iloc[picked].melt(["rank", "class"], list(laws), var_name="law", value_name="expected")
    return long.reset_index(drop=True)


def before_after_counts(before: pd.DataFrame, after: pd.DataFrame) -> Figure:
    """Return two curves of counts by rank, before and after a change; each has the columns of ``binned_ranks``."""
    both = pd.concat([before.assign(when="before"), after.assign(when="after")], ignore_index=True)
    many = max(len(before), len(after)) > 60
    chart: Figure = (
        alt.Chart(both)
        .mark_line(point=not many, strokeWidth=2)
        .encode(
            x=alt.X(
                "rank:Q",
                title="rank of the class, most frequent first",
                scale=alt.Scale(type="log" if many else "linear", nice=False, zero=False),
                axis=alt.Axis(format="~s", gridDash=[2, 3], tickMinStep=1),
            ),
            y=alt.Y(
                "positives:Q",
                title="images with the class (log scale)",
                scale=alt.Scale(type="log", nice=False),
                axis=alt.Axis(format="~s", gridDash=[2, 3]),
            ),
            color=alt.Color(
                "when:N",
                title=None,
                scale=alt.Scale(domain=["before", "after"], range=[QUIET, SERIES[0]]),
                legend=alt.Legend(orient="top"),
            ),
            strokeDash=alt.StrokeDash(
                "when:N", legend=None, scale=alt.Scale(domain=["before", "after"], range=[[4, 3], [1, 0]])
            ),
            tooltip=[
                alt.Tooltip("when:N"),
                alt.Tooltip("class:N"),
                alt.Tooltip("rank:Q"),
                alt.Tooltip("positives:Q", format=","),
            ],
        )
        .properties(height=300)
    )
    return chart
