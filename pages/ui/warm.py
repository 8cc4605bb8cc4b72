"""Have the slow things ready before somebody asks for them."""

from __future__ import annotations

import importlib
import threading
import time

import streamlit as st

from lt_core.datasets import ClassCounts, LabeledImages
from lt_core.stats import prior_of

FIRST_PAGE = 4.0
"""Seconds the first page has to itself: an import beside it would take half of its processor."""


@st.cache_resource(show_spinner=False)
def up() -> threading.Thread:
    """Import torch and timm, draw the chest phantom and trace the first losses in the background, once per server."""
    thread = threading.Thread(target=_work, name="warm-up", daemon=True)
    thread.start()
    return thread


def _work() -> None:
    time.sleep(FIRST_PAGE)
    from lt_core.datasets import load
    from lt_core.datasets.readers import all_readers
    from lt_core.problems import Problem

    for name in ("torch", "timm", "lt_core.losses", "lt_core.training"):
        importlib.import_module(name)
    all_readers()
    try:
        data = load("chest-phantom")
    except Problem:
        return  # the page that needs it says why
    _trace(data)


def _trace(data: LabeledImages | ClassCounts) -> None:
    """Translate the losses of a first visit: a second or so each, the first time."""
    from lt_core.losses import get_loss
    from pages.ui.explorer.payload import payload
    from pages.ui.explorer.settings import Settings
    from pages.ui.loss_panel import FIRST

    settings, prior = Settings(), prior_of(data)
    entries = settings.entries([get_loss(key) for key in FIRST[data.kind]])
    payload(entries, settings, prior, prior, {"head": 0}, None)
