"""The chance that a true label was written down, class by class: for losses that correct for those that were not."""

from __future__ import annotations

import streamlit as st

from lt_core.datasets import Source
from lt_core.losses import LossSpec
from lt_core.training.labels_written import from_lines, in_order
from pages.ui import state
from pages.ui.train_state import PREFIX
from pages.ui.train_widgets import KEPT

KEY = f"{PREFIX}propensities"


def control(spec: LossSpec) -> str:
    """Draw the field where the loss has use for it, and return what was written; empty: Jain's model."""
    if "propensities" not in spec.data:
        return ""
    text = st.text_area(
        "Chance that a true label was written down, if you know it (propensity)",
        key=KEY,
        placeholder="Effusion = 0.9\nHernia = 0.4",
        help="One line for every class: its name, =, and a number above 0 and at most 1; two columns pasted from a "
        "spreadsheet do too. Count it on images read twice. With it the loss's own a and b count for nothing, "
        "without, the curve of Jain et al. (2016) is taken, which was fitted to text and products.",
        **KEPT,
    )
    return str(text or "").strip()


def read(text: str, source: Source) -> dict[str, float]:
    """Return class name to chance; raise ``Problem`` unless every class of the set has one."""
    given = from_lines(text)
    if given:
        in_order(given, state.loaded(source).class_names)
    return given
