"""The Train page's settings as session keys: put back to their defaults, or taken from an earlier run."""

from __future__ import annotations

import streamlit as st

from lt_core.training import SETTINGS, RunConfig
from pages.ui import state

PREFIX = "train."
SETTING = {param.name: param for param in SETTINGS}


def forget() -> None:
    """Put every setting back to its default; for use as a callback."""
    for key in [str(key) for key in st.session_state if str(key).startswith(PREFIX)]:
        del st.session_state[key]
    for key in [key for key in st.query_params if key.startswith(PREFIX)]:
        del st.query_params[key]


def take(config: RunConfig) -> None:
    """Put the settings of an earlier run into the widgets, and its data set in force; for use as a callback."""
    forget()
    state.choose(config.data)
    st.session_state[f"{PREFIX}loss"] = config.loss
    st.session_state[f"{PREFIX}model"] = config.model
    st.session_state[f"{PREFIX}image_size"] = config.image_size
    for name in SETTING:
        st.session_state[PREFIX + name] = getattr(config, name)
    for name, value in config.loss_values.items():
        st.session_state[f"{PREFIX}{config.loss}.{name}"] = value
