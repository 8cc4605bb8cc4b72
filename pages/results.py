"""Results: which classes work, and how sure can one be?"""

from __future__ import annotations

import streamlit as st

from pages.ui import blocks, run_picker

run_picker.header("Results", "Which classes work, and how sure can one be?")
with st.spinner("Loading …", show_time=True):
    from pages.ui.results import cutting, sources, views

models = sources.choose()
with blocks.guarded("These models cannot be shown so."):
    views.draw(cutting.choose(models))
