"""The app's own look: what ``.streamlit/config.toml`` cannot say, and the charts' font and grid."""

from __future__ import annotations

import altair as alt
import streamlit as st

CSS = """
<style>
[data-testid="stMainBlockContainer"] { max-width: 1240px; padding-top: 4.2rem; padding-bottom: 4rem; }
[data-testid="stHeader"] { border-bottom: 1px solid rgba(127, 140, 145, .28); }
h1 { letter-spacing: -0.01em; padding-bottom: 0 !important; }
[class*="st-key-data-strip"] {
  border-left: 3px solid var(--st-primary-color, #0B6E75); padding: 0 0 0 .7rem; margin: .1rem 0 1rem;
}
[data-testid="stMetric"] { font-variant-numeric: tabular-nums; }
[data-testid="stMetricLabel"] { opacity: .8; }
#the-run { scroll-margin-top: 4.5rem; }
[data-testid="stLayoutWrapper"]:has(> [class*="st-key-phone-"]) { display: none; }
@media (max-width: 640px) {
  [data-testid="stLayoutWrapper"]:has(> [class*="st-key-phone-"]) { display: flex; }
  .st-key-run-first > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] >
    [data-testid="stColumn"]:last-child { order: -1; }
  [data-testid="stMainBlockContainer"] { padding-left: .9rem; padding-right: .9rem; }
  h1 { font-size: 1.6rem !important; }
}
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
</style>
"""


@alt.theme.register("longtail", enable=True)
def _chart_theme() -> alt.theme.ThemeConfig:
    return alt.theme.ThemeConfig({"config": {"view": {"stroke": None}, "font": "Source Sans, sans-serif"}})


FRAMED = "framed"


def apply() -> None:
    """Draw the style sheet; called once by ``app.py`` for every page."""
    st.session_state[FRAMED] = True
    st.html(CSS)


def ensure() -> None:
    """Run again through ``app.py`` if this page was run without it; called by every page's header.

    Where the first visit to a new server is a link to a page, Streamlit 1.67 has not seen ``st.navigation`` yet and
    takes ``pages/`` for the folder it served before there was such a thing. No setting turns that off.
    """
    if FRAMED not in st.session_state:
        from streamlit.runtime.pages_manager import PagesManager

        PagesManager.uses_pages_directory = False
        st.session_state[FRAMED] = False
        st.rerun()
