"""The Train page's settings as session keys: put back to their defaults, or taken from an earlier run.

Values are set, never removed: Streamlit keeps a widget's value in the URL itself, and refuses to have it deleted there.
"""

from __future__ import annotations

import streamlit as st

from lt_core.losses import all_losses, get_loss
from lt_core.models import DEFAULT
from lt_core.problems import Unknown
from lt_core.training import SETTINGS, RunConfig
from pages.ui import state

PREFIX = "train."
SETTING = {param.name: param for param in SETTINGS}
FIRST_LOSS = {"multi": "bce", "single": "ce"}
"""The loss a page begins with, by the kind of the data set."""


def forget(kind: str) -> None:
    """Put every setting back to its default for a set of ``kind``; for use as a callback."""
    defaults = {name: param.default for name, param in SETTING.items()}
    defaults |= {"loss": FIRST_LOSS[kind], "model": DEFAULT, "name": "", "image_size": None}
    for spec in all_losses():
        defaults |= {f"{spec.key}.{param.name}": param.default for param in spec.params}
    for name, value in defaults.items():
        if PREFIX + name in st.session_state:
            st.session_state[PREFIX + name] = value


def take(config: RunConfig) -> None:
    """Put the settings of an earlier run into the widgets, and its data set in force; for use as a callback."""
    try:
        spec = get_loss(config.loss)
    except Unknown as problem:  # somebody's own loss, whose file has gone
        st.toast(f"The settings of this run cannot be taken over: {problem}")
        return
    forget(spec.labels)
    state.choose(config.data)
    for name in (*SETTING, "loss", "model", "image_size"):
        st.session_state[PREFIX + name] = getattr(config, name)
    for name, value in spec.checked(config.loss_values).items():
        st.session_state[f"{PREFIX}{config.loss}.{name}"] = value
