"""What is wrong with somebody's own losses, said on the page."""

from __future__ import annotations

import re

import streamlit as st


def notices() -> None:
    """Draw one warning per file of ``LONGTAIL_LAB_LOSSES`` that has a mistake; nothing where all is well."""
    from lt_core.losses.registry import own_problems

    for problem in own_problems():
        st.warning(f"**{_plain(problem.file)}** {_plain(problem.sentence)}", icon=":material/extension:")


def _plain(text: str) -> str:
    """Return ``text`` with everything taken out of force that Markdown would read as more than letters."""
    return re.sub(r"([\\`*_{}\[\]<>#+!|$:~])", r"\\\1", text)
