"""Which model and class the views of errors are about, kept in the URL."""

from __future__ import annotations

import streamlit as st

from pages.ui.results.models import Model


def model_and_class(models: list[Model], *, every: bool = False) -> tuple[Model, str]:
    """Draw the choice of a model, where there are several, and of a class, the rarest first; ``every`` offers all."""
    left, right = st.columns([2, 3], vertical_alignment="top") if len(models) > 1 else (None, st.container())
    model = models[0]
    if left is not None:
        letters = [one.letter for one in models]
        letter = left.segmented_control(
            "Model", letters, default=letters[0], required=True, key="err-model", bind="query-params"
        )
        model = next((one for one in models if one.letter == letter), models[0])
        left.caption(model.name)
    names = [model.scored.class_names[c] for c in reversed(model.order)]
    options = [ALL, *names] if every else names
    key = "err-classes" if every else "err-class"
    name = right.selectbox("Class", options, key=key, bind="query-params", help="From tail to head.", width=420)
    return model, str(name)


ALL = "all classes"
"""The choice of no class in particular."""


def ink() -> str:
    """Return the colour of print on the page."""
    return "#E4EAEA" if st.context.theme.type == "dark" else "#1B2A33"
