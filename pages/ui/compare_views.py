"""The views of the Compare page, and which comparison or search is looked at."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import streamlit as st

from lt_core.sweeps import sweeps

VIEW = "compare-view"
SWEEP = "sweep"
"""Name in the URL, and session key, of the folder of the sweep that is shown."""
VIEWS = {
    "results": ("Progress and results", ":material/insights:", "compare_shown"),
    "new": ("New comparison", ":material/compare_arrows:", "compare_new"),
    "search": ("New search", ":material/search_insights:", "compare_search"),
    "queue": ("What runs where", ":material/dns:", "compare_board"),
}


def chosen() -> Callable[[], None]:
    """Draw the choice of a view and return what draws it."""
    wanted = st.session_state.get(VIEW) or st.query_params.get("view")
    if wanted not in VIEWS:
        wanted = "results" if sweeps() else "new"
    st.session_state[VIEW] = wanted
    view = st.segmented_control(
        "View",
        list(VIEWS),
        key=VIEW,
        required=True,
        format_func=lambda name: f"{VIEWS[name][1]} {VIEWS[name][0]}",
        label_visibility="collapsed",
        persist_state="session",
    )
    st.query_params["view"] = view
    draw: Callable[[], None] = import_module(f"pages.ui.{VIEWS[view][2]}").panel
    return draw


def show(folder: str) -> None:
    """Make the sweep in ``folder`` the one that is shown; for use in a callback."""
    st.session_state[SWEEP] = folder
    st.query_params[SWEEP] = folder
    st.session_state[VIEW] = "results"
