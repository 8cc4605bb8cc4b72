"""The images behind a class: chosen by a click on its bar, its row of the table, or from the list."""

from __future__ import annotations

import numpy as np
import streamlit as st

from lt_core.datasets import LabeledImages, NoImages
from lt_core.stats import LabelStats
from pages.ui import pictures

KEY = "example-class"
"""Session key, and name in the URL, of the class looked at."""


def chosen(stats: LabelStats) -> str | None:
    """Return the class looked at: the most frequent one before another is chosen, None where there is no class."""
    name = st.session_state.get(KEY) or st.query_params.get(KEY)
    return str(name) if name in stats.class_names else next(iter(by_count(stats)), None)


def choose(name: str) -> None:
    """Look at class ``name``; called before the page is drawn again."""
    st.session_state[KEY] = name


def clicked(key: str, selection: str) -> None:
    """Look at the class that was clicked on the chart ``key``: what ``on_select`` calls."""
    picked = st.session_state.get(key, {}).get("selection", {}).get(selection, [])
    if picked and "class" in picked[0]:
        choose(str(picked[0]["class"]))


def by_count(stats: LabelStats) -> list[str]:
    """Return the class names, most frequent first."""
    return [stats.class_names[c] for c in np.argsort(-stats.positives, kind="stable")]


def panel(data: LabeledImages, part: str | None, stats: LabelStats) -> None:
    """Draw a few images of the class looked at, with the finding outlined where its place is known."""
    st.markdown("#### What does a class look like?", help="Click a bar, or a row of the table, or choose here.")
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    name = left.selectbox("Class", by_count(stats), key=KEY, bind="query-params")
    can = data.masks is not None and not isinstance(data.images, NoImages)
    outlined = can and right.toggle("Outline the finding", True, key="example-outline", bind="query-params")
    if name is None:
        return
    column = data.class_index(name)
    rows = data.rows_with(column)
    if part is not None and data.split is not None:
        rows = rows[data.split[rows] == part]
    pictures.for_rows(data, rows, title=str(name), key="examples", column=column if outlined else None)
