"""The first page's blocks; light on purpose: nothing here imports torch or opens an image."""

from __future__ import annotations

import streamlit as st

from lt_core.charts.distribution import class_counts
from lt_core.datasets import load
from lt_core.home import runs_dir
from lt_core.stats import stats_of
from pages.ui import blocks

WAYS = (
    (
        "pages/dataset.py",
        ":material/bar_chart:",
        "Look at labels",
        "Counts on a log axis, who occurs with whom, examples.",
    ),
    (
        "pages/losses.py",
        ":material/show_chart:",
        "Move a loss",
        "Value and gradient of every loss while its knobs move.",
    ),
    (
        "pages/train.py",
        ":material/model_training:",
        "Train and watch",
        "A small network, live head, medium and tail F1.",
    ),
    ("pages/results.py", ":material/fact_check:", "Read the result", "Per-class F1 with its n, two runs side by side."),
    ("pages/gradcam.py", ":material/center_focus_strong:", "Ask why", "Grad-CAM maps, with the true place outlined."),
)


def tail_story() -> None:
    """Draw the published NIH counts: the long tail in one picture, real numbers."""
    left, right = st.columns([3, 2], gap="large")
    counts = stats_of(load("nih")).table()
    with left:
        st.markdown("#### 112,120 chest radiographs, 14 findings")
        blocks.figure(
            class_counts(counts, row_height=21),
            counts,
            name="nih-class-counts",
            alt_text="Bars on a log axis: images per finding in NIH ChestX-ray14, Infiltration 19,894 to Hernia 227.",
        )
        st.caption(
            "Published class counts of NIH ChestX-ray14 (Wang et al., 2017). "
            "Infiltration is 88 times as frequent as Hernia."
        )
    with right:
        st.markdown("#### Two minutes to the point")
        st.markdown(
            """
1. **Data set.** The built-in chest phantom has the same 14 findings, drawn by a program: nothing to download.
2. **Losses.** Put BCE, ASL, RAL and DB in one chart. The gradient for y = 0 is what an easy negative still pushes.
3. **Train.** The default run takes one to three minutes. Head classes learn, the tail stays at F1 0.
4. **Results.** Move the threshold: the ranking of the tail is there long before its F1 is.
5. **Grad-CAM.** See whether the network looked at the finding or beside it.
"""
        )
        st.page_link("pages/dataset.py", label="Begin with the data", icon=":material/arrow_forward:")


def ways_in() -> None:
    """Draw one card per page."""
    for column, (page, icon, title, text) in zip(st.columns(len(WAYS)), WAYS, strict=True):
        with column, st.container(border=True, height="stretch"):
            st.page_link(page, label=f"**{title}**", icon=icon)
            st.caption(text)


def running() -> None:
    """Say how many runs are kept here, without opening them."""
    kept = sum(1 for _ in runs_dir().glob("*/config.json"))
    if kept:
        st.page_link(
            "pages/results.py",
            label=f"{kept} run{'s' if kept != 1 else ''} kept on this machine",
            icon=":material/history:",
        )
