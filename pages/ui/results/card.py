"""The view that gives the results away: tables, figures, and the report as one file."""

from __future__ import annotations

import streamlit as st

from pages.ui.results import report
from pages.ui.results.cutting import Choice
from pages.ui.results.numbers import METRICS, comparison_of, evaluation_of
from pages.ui.results.versus import CORRECTIONS, LOOKED_AT


def draw(choice: Choice) -> None:
    """Draw the view; models are compared as the view of comparisons showed them last, else in F1 after Holm."""
    first, *others = choice.models
    metric, correction = st.session_state.get(LOOKED_AT, ("f1", "holm"))
    if others:
        said = f"Compared in {METRICS[metric]}, corrected after {CORRECTIONS[correction]}"
        st.caption(f"{said}: the view *Compare* says in what.")
    report.draw(
        choice,
        {m.letter: evaluation_of(m, choice.cuts[m.letter], beta=choice.beta) for m in choice.models},
        [comparison_of(first, model, choice, metric, correction) for model in others] or None,
    )
