"""The Train page's settings as session keys: put back to their defaults, or taken from an earlier run.

Values are set, never removed: Streamlit keeps a widget's value in the URL itself, and refuses to have it deleted there.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from lt_core.losses import all_losses, get_loss
from lt_core.models import DEFAULT
from lt_core.params import Value
from lt_core.problems import Unknown
from lt_core.training import SETTINGS, RunConfig
from lt_core.training.labels_written import as_lines
from pages.ui import state

if TYPE_CHECKING:
    from lt_core.training.methods.declare import MethodSpec

PREFIX = "train."
PARENT = "train-parent"
SETTING = {param.name: param for param in SETTINGS}
FIRST_LOSS = {"multi": "bce", "single": "ce"}
"""The loss a page begins with, by the kind of the data set."""
PLAIN = {
    "model": DEFAULT,
    "name": "",
    "image_size": None,
    "weights": "",
    "method": "",
    "teacher": None,
    "propensities": "",
}
"""Settings without a declared domain, and what they are at first."""


def now(name: str) -> Value | None:
    """Return what a setting is at this moment; as text where it is in the link and not drawn yet."""
    key = PREFIX + name
    first = SETTING[name].default if name in SETTING else PLAIN[name]
    value: Value | None = st.session_state.get(key, st.query_params.get(key, first))
    return value


def forget(kind: str) -> None:
    """Put every setting back to its default for a set of ``kind``; for use as a callback."""
    defaults = {name: param.default for name, param in SETTING.items()}
    defaults |= {**PLAIN, "loss": FIRST_LOSS[kind]}
    for spec in (*all_losses(), *_methods_drawn()):
        defaults |= {f"{spec.key}.{param.name}": param.default for param in spec.params}
    for name, value in defaults.items():
        if PREFIX + name in st.session_state:
            st.session_state[PREFIX + name] = value
    st.session_state.pop(PARENT, None)


def take(config: RunConfig, parent: str | None = None) -> None:
    """Put the settings of an earlier run into the widgets, and its data set in force; for use as a callback.

    ``parent`` is the folder name of that run: the next one started is said to be its clone.
    """
    try:
        spec = get_loss(config.loss)
    except Unknown as problem:  # somebody's own loss, whose file has gone
        st.toast(f"The settings of this run cannot be taken over: {problem}")
        return
    forget(spec.labels)
    state.choose(config.data)
    state.choose_groups(config.groups, of_these_classes=config.groups.startswith("{"))
    for name in (*SETTING, "loss", "model", "image_size", "weights", "method"):
        st.session_state[PREFIX + name] = getattr(config, name)
    st.session_state[f"{PREFIX}teacher"] = config.teacher or None
    st.session_state[f"{PREFIX}propensities"] = as_lines(config.propensities)
    _take_method(config)
    for name, value in spec.checked(config.loss_values).items():
        st.session_state[f"{PREFIX}{config.loss}.{name}"] = value
    st.session_state[PARENT] = parent
    st.toast("The settings are in the form: change one, and train again.", icon=":material/content_copy:")


def _methods_drawn() -> tuple[MethodSpec, ...]:
    """Return the methods that may have been drawn: none before their package, and torch with it, was imported."""
    declared = sys.modules.get("lt_core.training.methods.declare")
    return tuple(declared.REGISTRY.values()) if declared else ()


def _take_method(config: RunConfig) -> None:
    if not config.method:
        return
    from lt_core.training.methods.registry import get_method

    for name, value in get_method(config.method).checked(config.method_values).items():
        st.session_state[f"{PREFIX}{config.method}.{name}"] = value


def put(loss: str, values: Mapping[str, Value]) -> None:
    """Set settings of the run, or hyper-parameters of ``loss``, by name; for use as a callback."""
    for name, value in values.items():
        key = name if name in SETTING else f"{loss}.{name}"
        st.session_state[PREFIX + key] = value
