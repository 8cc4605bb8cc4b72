"""Which slices the report holds: what was looked at in the view of slices is taken over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from lt_core.evaluation.errors import Sliced
from lt_core.evaluation.errors.slices import CLOSED
from pages.ui.results.cutting import Choice
from pages.ui.results.error_data import slices_of
from pages.ui.results.models import Model
from pages.ui.results.numbers import METRICS
from pages.ui.results.of_images import columns_of

LOOKED_AT = "results-sliced-by"
"""Where the session keeps the column and the metric that the view of slices showed last."""
OFFERED = [key for key in METRICS if key in CLOSED]
"""Metrics of all classes at once: their intervals need no draws."""


@dataclass(frozen=True)
class Wanted:
    """Slices of a report: ``metric`` by each column of ``by``, of the models whose ``columns``, by letter, have it."""

    by: tuple[str, ...]
    metric: str
    columns: dict[str, pd.DataFrame]

    def of(self, model: Model, choice: Choice) -> list[Sliced]:
        """Return the slices of one model, at its thresholds."""
        known = self.columns.get(model.letter)
        if known is None:
            return []
        cuts = choice.cuts[model.letter]
        return [
            slices_of(model, cuts, known, by, self.metric, None, choice.beta) for by in self.by if by in known.columns
        ]


def looked_at(column: str, metric: str) -> None:
    """Keep what the view of slices shows, for the report."""
    st.session_state[LOOKED_AT] = (column, metric)


def choose(models: Sequence[Model]) -> Wanted:
    """Draw the choice of slices. What is known of the images is read only when it is asked for."""
    column, metric = st.session_state.get(LOOKED_AT, ("", OFFERED[0]))
    wanted = st.toggle(
        "With slices", value=bool(column), key="report-slices",
        help="The classes by sex, age, view or site: any column that is known of the images.",
    )  # fmt: skip
    nothing = Wanted((), OFFERED[0], {})
    if not wanted:
        return nothing
    with st.spinner("Reading what is known of the images …", show_time=True):
        found = {model.letter: columns_of(model) for model in models}
    columns = {letter: known for letter, known in found.items() if isinstance(known, pd.DataFrame)}
    for model in models:
        if isinstance(reason := found[model.letter], str):
            st.caption(f"{model.title} has no slices. {reason}")
    names = list(dict.fromkeys(str(name) for known in columns.values() for name in known.columns))
    if not names:
        return nothing
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        by = st.multiselect(
            "Slices by", names, default=[column] if column in names else names[:1], key="report-by", width=420
        )
        place = OFFERED.index(metric) if metric in OFFERED else 0
        shown = st.selectbox(
            "Metric of the slices", OFFERED, index=place, format_func=METRICS.get, key="report-by-metric", width=240
        )
    return Wanted(tuple(by), str(shown), columns)
