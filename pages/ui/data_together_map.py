"""The heat map of pairs."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lt_core.charts.together import CLICKED, MEASURES, pair_map
from lt_core.stats.pairs_cells import pair_cells
from pages.ui import blocks, data_together_classes, data_together_scope
from pages.ui.data_together_scope import Scope

KEY = "chart-together"
_WORDS = {"images": "n", "share": "share", "jaccard": "jaccard", "lift": "lift", "weight": "weight"}
"""Bare words for the URL, and the measure of the chart that each names."""


def draw(scope: Scope) -> None:
    """Draw the map with its choices; a click looks at the pair."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        word = st.segmented_control(
            "Measure", list(_WORDS), default="images", key="together-measure", bind="query-params", width="content",
        )  # fmt: skip
        measure = _WORDS[word or "images"]
        classes = data_together_classes.picker(scope)
        knobs = _knobs() if measure == "weight" else {}
    order = [scope.names[c] for c in classes]
    cells = pair_cells(scope.stats, classes, known=scope.known)
    if measure == "weight":
        cells = _weighed(cells, scope, knobs)
    a, b = data_together_scope.first_pair(scope)
    st.caption(f"{MEASURES[measure].about} {data_together_classes.left_out(scope, classes)}")
    blocks.figure(
        pair_map(cells, order, measure=measure, chosen=(scope.names[a], scope.names[b]), ink=data_together_scope.ink()),
        cells,
        name="together",
        key=KEY,
        alt_text=f"Heat map of {len(order)} classes: {MEASURES[measure].title} for the row's and the column's class.",
        on_select=lambda: data_together_scope.clicked(KEY, CLICKED),
        selection=CLICKED,
    )


def _knobs() -> dict[str, float]:
    from lt_core.losses.pair_weights import smoothing_params

    with st.popover("Smoothing", icon=":material/tune:", key="together-smoothing"):
        st.caption("s = α + σ(β (r - μ)), with r = (1/n_row) / (1/n_row + 1/n_column) from the training counts.")
        return {k: float(v) for k, v in blocks.param_widgets("db", smoothing_params(), prefix="together.").items()}


def _weighed(cells: pd.DataFrame, scope: Scope, knobs: dict[str, float]) -> pd.DataFrame:
    """Return the cells with ``weight`` and ``ratio``, what DB's re-balancing makes of the row's class."""
    from lt_core.losses.pair_weights import pair_weights

    trained = dict(zip(scope.names, scope.trained.tolist(), strict=True))
    weight, ratio = pair_weights(cells["a"].map(trained), cells["b"].map(trained), **knobs)
    return cells.assign(weight=weight, ratio=ratio)
