"""Mount the explorer: our own drawing code, handed to Streamlit as one module."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

KEY = "explorer"
PARTS = ("compute.js", "figure.js", "save.js", "knobs.js", "main.js")
"""In the order in which they are joined; only the last exports."""


@cache
def script() -> str:
    """Return all parts as one module."""
    return "\n".join((Path(__file__).parent / part).read_text(encoding="utf-8") for part in PARTS)


@cache
def style() -> str:
    """Return the style sheet; it lives in a shadow root and touches nothing else."""
    return (Path(__file__).parent / "explorer.css").read_text(encoding="utf-8")


def told() -> dict[str, Any] | None:
    """Return what the browser said last, on release of a knob; None before the first time."""
    state = st.session_state.get(KEY)
    return dict(state["state"]) if state and state.get("state") else None


def mount(data: dict[str, Any]) -> None:
    """Draw ``data`` (see ``payload``)."""
    explorer = st.components.v2.component("longtail_explorer", css=style(), js=script())
    explorer(key=KEY, data=data, on_state_change=lambda: None)
