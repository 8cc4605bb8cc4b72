"""Which classes a map or a diagram shows, and in which order."""

from __future__ import annotations

import numpy as np
import streamlit as st

from lt_core.datasets.notes import counted
from lt_core.stats.pairs_order import ORDERS, class_order
from pages.ui.data_together_scope import Scope

MOST = 40
"""Classes on one map: more cells could not be read."""


def picker(scope: Scope, *, orders: bool = True) -> list[int]:
    """Draw the choice of classes (and of their order) and return them, in order."""
    names = scope.names
    there = np.flatnonzero(scope.stats.positives > 0)
    by_count = there[np.argsort(-scope.stats.positives[there], kind="stable")].tolist()
    by = "clustered"
    if orders:
        # The options stay bare, for a format_func would put its labels into the URL.
        by = st.selectbox(
            "Order of the classes", list(ORDERS), key="together-order", bind="query-params", width=180,
            help="\n\n".join(f"**{key}**: {text}" for key, text in ORDERS.items()),
        )  # fmt: skip
    chosen: list[str] = []
    top = min(MOST, len(by_count))
    with st.popover("Classes", icon=":material/filter_list:", key="together-filter"):
        if len(by_count) > 5:
            top = st.slider(
                "The most frequent", 3, min(MOST, len(by_count)), min(MOST, len(by_count), 30),
                key="together-top", bind="query-params",
            )  # fmt: skip
        chosen = st.multiselect(
            "Only these", [names[c] for c in by_count], key="together-only", bind="query-params",
            max_selections=MOST, placeholder="search for classes", help="Empty: the most frequent ones.",
        )  # fmt: skip
    picked = [names.index(name) for name in chosen] if len(chosen) > 1 else by_count[:top]
    return class_order(scope.stats, picked, by=by or "clustered")


def left_out(scope: Scope, classes: list[int]) -> str:
    """Return a sentence on the classes that are not shown, empty where all are."""
    empty = int((scope.stats.positives == 0).sum())
    hidden = len(scope.names) - len(classes) - empty
    said = [f"{len(classes)} of {len(scope.names):,} classes are shown."] if hidden > 0 else []
    if empty:
        said.append(f"{counted(empty, 'classes have')} no positive here and no cell.")
    return " ".join(said)
