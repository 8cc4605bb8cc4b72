"""The app's own look: what ``.streamlit/config.toml`` cannot say, and the charts' font and grid."""

from __future__ import annotations

import altair as alt
import streamlit as st

CSS = """
<style>
[data-testid="stMainBlockContainer"] { max-width: 1240px; padding-top: 4.2rem; padding-bottom: 4rem; }
[data-testid="stHeader"] { border-bottom: 1px solid rgba(127, 140, 145, .28); }
h1 { letter-spacing: -0.01em; padding-bottom: 0 !important; }
.st-key-data-strip {
  border-left: 3px solid var(--st-primary-color, #0B6E75); padding: 0 0 0 .7rem; margin: .1rem 0 1rem;
}
[data-testid="stMetric"] { font-variant-numeric: tabular-nums; }
[data-testid="stMetricLabel"] { opacity: .8; }
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding-left: .9rem; padding-right: .9rem; }
  h1 { font-size: 1.6rem !important; }
}
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
</style>
"""


@alt.theme.register("longtail", enable=True)
def _chart_theme() -> alt.theme.ThemeConfig:
    return alt.theme.ThemeConfig({"config": {"view": {"stroke": None}, "font": "Source Sans, sans-serif"}})


def apply() -> None:
    """Draw the style sheet; called once by ``app.py`` for every page."""
    st.html(CSS)
