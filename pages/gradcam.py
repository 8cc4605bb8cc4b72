"""Grad-CAM: why does the network say that?"""

from __future__ import annotations

import streamlit as st

from pages.ui import blocks, run_picker

run_picker.header("Grad-CAM", "Why: did the network look at the finding, or beside it?")
found = run_picker.with_results("where in an image a network found what it says")
with st.spinner("Loading PyTorch …", show_time=True):  # seconds, if the page is visited before it is warm
    from pages.ui import cam_panel

run = cam_panel.choose_run(found)
case, wanted = cam_panel.choose(run)
with blocks.guarded("There is no map."):
    cam_panel.explain(run, case, wanted)
