"""The frame of the Results page: which view of the chosen models is drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType

import streamlit as st

from pages.ui.results.cutting import Choice


@dataclass(frozen=True)
class View:
    """One view, and the module with its ``draw(choice)``, imported when it is looked at."""

    name: str
    module: str
    note: str

    def load(self) -> ModuleType:
        """Return the module of the view."""
        return import_module(f"pages.ui.results.{self.module}")


VIEWS = (
    View("Classes", "classes", "every metric of every class, with its interval"),
    View("Thresholds", "cuts", "what a threshold does, calibration, what tuning is worth"),
    View("Compare", "versus", "paired differences: better, worse, or cannot tell"),
    View("Errors", "mistakes", "confident misses, false alarms, and what they go with"),
    View("Slices", "parts", "the same numbers by sex, age, view or hospital"),
    View("Report", "card", "tables and a model card to take away"),
)


def draw(choice: Choice) -> None:
    """Draw the choice of view and the view."""
    named = {view.name: view for view in VIEWS}
    picked = st.segmented_control(
        "View",
        list(named),
        default=VIEWS[0].name,
        required=True,
        key="results-view",
        bind="query-params",
        label_visibility="collapsed",
        width="stretch",
    )
    view = named[str(picked)]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(f"{view.note[:1].upper()}{view.note[1:]}. {choice.words[:1].upper()}{choice.words[1:]}.")
        beta = _beta()
    view.load().draw(replace(choice, beta=beta))


def _beta() -> float:
    """Draw the beta of F-beta, which holds for all views."""
    with st.popover("F-beta", icon=":material/tune:", type="tertiary", key="results-f-beta"):
        return float(
            st.number_input(
                "Beta", 0.1, 10.0, 2.0, 0.1, format="%.2g", key="beta", bind="query-params", width=200,
                help="F-beta counts recall beta² times as much as precision: 2 where misses are worse, 0.5 where false "
                "alarms are.",
            )
        )  # fmt: skip
