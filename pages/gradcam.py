"""Grad-CAM: why does the network say that?"""

from __future__ import annotations

import streamlit as st

from pages.ui import blocks, run_picker, run_source

run_picker.header("Grad-CAM", "Why: did the network look at the finding, or beside it?")
found = run_source.with_results("where in an image a network found what it says")
with st.spinner("Loading PyTorch …", show_time=True):  # seconds, if the page is visited before it is warm
    from pages.ui import cam_choice, cam_maps, cam_places

sides = cam_choice.runs(found)
bar = st.container(horizontal=True, gap="medium")
with blocks.guarded("There is no map."):
    if cam_choice.view(bar) == cam_choice.ONE:
        case = cam_choice.image(sides, bar)
        cam_maps.draw(sides, case, *cam_choice.asked(sides, case))
    else:
        cam_places.draw(sides)
