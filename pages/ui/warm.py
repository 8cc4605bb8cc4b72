"""Have the slow things ready before somebody asks for them."""

from __future__ import annotations

import importlib
import threading
import time

import streamlit as st

FIRST_PAGE = 4.0
"""Seconds the first page has to itself: an import beside it would take half of its processor."""


@st.cache_resource(show_spinner=False)
def up() -> threading.Thread:
    """Import torch and timm and draw the chest phantom in the background, once per server."""
    thread = threading.Thread(target=_work, name="warm-up", daemon=True)
    thread.start()
    return thread


def _work() -> None:
    time.sleep(FIRST_PAGE)
    from lt_core.datasets import load
    from lt_core.problems import Problem

    for name in ("torch", "timm", "lt_core.losses", "lt_core.training"):
        importlib.import_module(name)
    try:
        load("chest-phantom")
    except Problem:
        return  # the page that needs it says why
