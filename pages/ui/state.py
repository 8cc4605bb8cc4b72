"""What is loaded: remembered in the session, written into the URL, the same on every page."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from lt_core.datasets import BuiltIn, ClassCounts, LabeledImages, Source, builtins, load
from lt_core.problems import Problem
from pages.ui.wording import on_page

DEFAULT = "chest-phantom"
SOURCE = "source"
GROUPS = "groups-in-force"


def builtin(key: str) -> BuiltIn | None:
    """Return the built-in set called ``key``, or None."""
    return next((entry for entry in builtins() if entry.key == key), None)


def source() -> Source:
    """Return the source in force: this session's, else the URL's, else the chest phantom."""
    if SOURCE not in st.session_state:
        st.session_state[SOURCE] = _source_of_url().as_json()
    return Source.from_json(st.session_state[SOURCE])


def choose(new: Source) -> None:
    """Make ``new`` the source of every page of this session."""
    st.session_state[SOURCE] = new.as_json()


def groups() -> str:
    """Return the rule of head, medium and tail in force, as ``Grouping.of`` and ``RunConfig.groups`` read it.

    It is chosen on the Data set page: relative, absolute, quantile, RULE:HEAD:TAIL or a JSON object of class to group.
    Groups by hand are in force for the set that they were chosen for.
    """
    rule, owner = st.session_state.get(GROUPS, ("relative", None))
    return str(rule) if owner in (None, source().as_json()) else "relative"


def choose_groups(rule: str, *, of_these_classes: bool) -> None:
    """Make ``rule`` the one in force; ``of_these_classes`` where it names classes, for the set in force alone."""
    st.session_state[GROUPS] = (rule, source().as_json() if of_these_classes else None)


def share() -> None:
    """Write the source into the URL; called by every page, because a page change clears the URL."""
    now = source()
    entry = {k: v for k, v in now.as_json().items() if v and k != "name"}
    wanted = {"data": now.name} if now.name != DEFAULT or entry else {}
    if entry:
        wanted["data_settings"] = json.dumps(entry, separators=(",", ":"))
    for key in ("data", "data_settings"):
        if key in wanted and st.query_params.get(key) != wanted[key]:
            st.query_params[key] = wanted[key]
        elif key not in wanted and key in st.query_params:
            del st.query_params[key]


def _source_of_url() -> Source:
    name = st.query_params.get("data", DEFAULT)
    try:
        settings = json.loads(st.query_params.get("data_settings", "{}"))
        return Source.from_json({"name": name, **settings})
    except (ValueError, TypeError):
        st.toast("The link's data settings could not be read; the set is loaded with its defaults.")
        return Source(name)


@st.cache_resource(max_entries=3, show_spinner=False)
def _load(entry: str) -> LabeledImages | ClassCounts:
    return load(Source.from_json(json.loads(entry)))


def loaded(new: Source | None = None) -> LabeledImages | ClassCounts:
    """Return the set in force (or ``new``), read once and shared; raise ``Problem`` if it cannot be."""
    return _load(json.dumps((new or source()).as_json(), sort_keys=True))


def current() -> LabeledImages | ClassCounts:
    """Return the set in force; if it cannot be loaded, say why, offer the built-in set, and stop the page."""
    try:
        with st.spinner(f"Loading {source().name} …", show_time=True), st.skeleton(height=420):
            return loaded()
    except Problem as problem:
        st.error(f"**{source().name} could not be loaded.** {on_page(problem)}", icon=":material/error:")
        offer_default()
        st.stop()


def offer_default() -> None:
    """Draw the button that leaves a set that cannot be loaded for the built-in one."""
    if st.button("Go on with the built-in chest phantom"):
        choose(Source(DEFAULT))
        st.rerun()


def keep(**defaults: Any) -> None:
    """Give session keys their first value without touching those already there."""
    for key, value in defaults.items():
        st.session_state.setdefault(key, value)
