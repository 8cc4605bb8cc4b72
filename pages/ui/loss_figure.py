"""The figure of the explorer as files: its numbers, and the same picture as an Altair specification."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import altair as alt
import pandas as pd
import streamlit as st

from lt_core.charts.curves import lines_of, loss_lines
from lt_core.datasets.csv_text import as_csv
from lt_core.stats import ClassPrior

if TYPE_CHECKING:
    from pages.ui.explorer.settings import Entry, Settings

POINTS = 241
LIMIT = 8.0
DOMAINS = {"logit": (-LIMIT, LIMIT), "probability": (0.0, 1.0)}
TITLES = {
    ("value", 1): ("Loss where y = 1", "the class is there"),
    ("value", 0): ("Loss where y = 0", "the class is not there"),
    ("gradient", 1): ("Gradient where y = 1", "below 0: pulls up"),
    ("gradient", 0): ("Gradient where y = 0", "above 0: pushes down"),
}


def table(
    shown: Sequence[Entry], prior: ClassPrior, drawn: dict[str, int], present: tuple[int, ...] | None, axis: str
) -> pd.DataFrame:
    """Return every point of every curve, computed here and not in the browser: loss, curve, group, y, x, numbers."""
    from lt_core.losses.browser import depends_on_class
    from lt_core.losses.curves import loss_curves
    from pages.ui.explorer.payload import named, others

    frames = []
    for entry in shown:
        aware = depends_on_class(entry.spec) and drawn
        for group, column in drawn.items() if aware else [("", next(iter(drawn.values()), 0))]:
            points = loss_curves(
                entry.spec,
                entry.values,
                prior=prior,
                class_index=column,
                axis=axis,
                limit=LIMIT,
                points=POINTS,
                present=others(entry.spec, present, column),
            )
            name = f"{named(entry)}, {prior.class_names[column]}" if aware else named(entry)
            frames.append(points.assign(loss=entry.id, curve=name, group=group))
    return pd.concat(frames, ignore_index=True)


def specification(points: pd.DataFrame, axis: str) -> str:
    """Return the four panels, data included, as the JSON of an Altair chart (Vega-Lite)."""
    from lt_core.losses.curves import AXES

    styles = points[["curve", "loss", "group"]].drop_duplicates("curve")
    lines = lines_of(list(styles.itertuples(index=False, name=None)))
    rows = []
    for measure in ("value", "gradient"):
        panels = []
        for y in (1, 0):
            title, subtitle = TITLES[measure, y]
            columns = ["curve", "x", "logit", "probability", "value", "gradient"]
            data = points.loc[points["y"] == y, columns].assign(height=lambda p, m=measure: p[m], dot=True)
            chart = loss_lines(
                lines, measure=measure, title=title, subtitle=subtitle, x_title=AXES[axis], x_domain=DOMAINS[axis]
            )
            chart.data = data
            panels.append(chart)
        rows.append(alt.hconcat(*panels))
    with alt.data_transformers.enable("default", max_rows=None):
        return json.dumps(alt.vconcat(*rows).to_dict(), indent=1)


def downloads(
    shown: Sequence[Entry],
    settings: Settings,
    prior: ClassPrior,
    drawn: dict[str, int],
    present: tuple[int, ...] | None,
) -> None:
    """Offer the numbers and the specification; they are only made when somebody opens this."""
    box = st.popover(
        "Table and Altair spec", icon=":material/table_rows:", type="tertiary", key="table-curves", on_change="rerun"
    )
    if not box.open:
        return
    axis = settings.view["axis"]
    points = table(shown, prior, drawn, present, axis)
    with box:
        numbers = points[["loss", "curve", "y", "logit", "probability", "value", "gradient"]]
        st.dataframe(numbers, hide_index=True, width=640, height=380, alt="Every point of every curve.")
        with st.container(horizontal=True):
            st.download_button(
                "CSV",
                lambda: as_csv(numbers).encode(),
                file_name="losses.csv",
                mime="text/csv",
                icon=":material/download:",
                key="csv-curves",
                on_click="ignore",
            )
            st.download_button(
                "Altair spec",
                lambda: specification(points, axis).encode(),
                file_name="losses.vl.json",
                mime="application/json",
                icon=":material/download:",
                key="altair-curves",
                on_click="ignore",
                help="Open it with altair.Chart.from_json, in the Vega editor, or in any Vega-Lite viewer.",
            )
