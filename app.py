"""LongTail Lab: ``streamlit run app.py``."""

from __future__ import annotations

import streamlit as st

from pages.ui import theme, warm

st.set_page_config(page_title="LongTail Lab", page_icon="pages/ui/icon.svg", layout="wide")
theme.apply()

page = st.navigation(
    [
        st.Page("pages/start.py", title="Start", icon=":material/home:", default=True),
        st.Page("pages/dataset.py", title="Data set", icon=":material/bar_chart:"),
        st.Page("pages/losses.py", title="Losses", icon=":material/show_chart:"),
        st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
        st.Page("pages/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("pages/results.py", title="Results", icon=":material/fact_check:"),
        st.Page("pages/gradcam.py", title="Grad-CAM", icon=":material/center_focus_strong:"),
    ],
    position="top",
)
page.run()
warm.up()
