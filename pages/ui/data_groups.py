"""The choice of what is head, medium and tail: in the URL, in force in every view, and read by the Train page."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lt_core.datasets import ClassCounts, LabeledImages, Source
from lt_core.problems import Problem
from lt_core.stats import SCHEMES, Grouping, LabelStats, prior_of
from lt_core.stats.groups import CUTS, GROUPS
from pages.ui import state
from pages.ui.pictures import plain

_TITLES = {
    "relative": "relative to the largest class",
    "absolute": "by number of images",
    "quantile": "by quantiles of the counts",
    "hand": "by hand",
}
_CUTS = {
    "relative": (("Head: n ≥ n_max divided by", 1.0, 1000.0), ("Tail: n < n_max divided by", 1.0, 10_000.0)),
    "absolute": (("Head: n above", 0.0, 1e9), ("Tail: n below", 0.0, 1e9)),
    "quantile": (("Head: at or above the quantile", 0.0, 1.0), ("Tail: below the quantile", 0.0, 1.0)),
}
SCHEME = "groups"
"""Session key of the scheme, and its name in the URL; the others begin with it."""


def picker(names: Sequence[str]) -> Grouping:
    """Draw the choice of groups and return the rule in force, which ``state.groups`` then tells every page.

    A rule that makes no sense is said, and the default is in force.
    """
    _restore(names)
    with st.popover("Groups", icon=":material/category:", key="groups-popover"):
        picked = st.selectbox(
            "What is head, medium and tail?",
            SCHEMES,
            key=SCHEME,
            bind="query-params",
            help="relative: against the largest class. absolute: by number of images. quantile: by rank. hand: chosen.",
        )
        try:
            rule = _by_hand(names) if picked == "hand" else _with_cuts(str(picked))
        except Problem as problem:
            st.error(plain(str(problem)), icon=":material/error:")
            rule = Grouping()
        st.caption(f"{_TITLES[rule.scheme].capitalize()}: {rule.sentence()}. From the training counts.")
    state.choose_groups(str(rule), of_these_classes=rule.scheme == "hand")
    return rule


def regrouped(stats: LabelStats, rule: Grouping, entry: str) -> LabelStats:
    """Return ``stats`` with the groups of ``rule``; training counts decide where the set ``entry`` has a part of them.

    ``entry`` is the set's ``Source`` as JSON.
    """
    return stats if rule == stats.grouping else stats.regrouped(rule, _training_counts(entry))


def _with_cuts(scheme: str) -> Grouping:
    values = []
    step = 0.05 if scheme == "quantile" else 1.0
    for end, (label, low, high), default in zip(("head", "tail"), _CUTS[scheme], CUTS[scheme], strict=True):
        key = f"{SCHEME}-{scheme}-{end}"
        values.append(st.number_input(label, low, high, round(float(default), 4), step, key=key, bind="query-params"))
    if all(abs(value - default) < 1e-3 for value, default in zip(values, CUTS[scheme], strict=True)):
        return Grouping(scheme)
    return Grouping(scheme, *values)


def _by_hand(names: Sequence[str]) -> Grouping:
    head = st.multiselect("Head", names, key=f"{SCHEME}-hand-head", bind="query-params")
    rest = [name for name in names if name not in set(head)]
    tail = st.multiselect("Tail", rest, key=f"{SCHEME}-hand-tail", bind="query-params")
    chosen = {**dict.fromkeys(names, "medium"), **dict.fromkeys(head, "head"), **dict.fromkeys(tail, "tail")}
    return Grouping.hand(chosen)


def _restore(names: Sequence[str]) -> None:
    """Put the widgets back to the rule in force: they lose their values while another page is looked at."""
    if SCHEME in st.session_state or any(key.startswith(SCHEME) for key in st.query_params):
        return
    rule = Grouping.of(state.groups())
    if rule == Grouping():
        return
    st.session_state[SCHEME] = rule.scheme
    if rule.scheme != "hand":
        for end, value in zip(("head", "tail"), rule.cuts, strict=True):
            st.session_state[f"{SCHEME}-{rule.scheme}-{end}"] = round(float(value), 4)
        return
    group_of = dict(rule.by_hand)
    for end in GROUPS[::2]:
        st.session_state[f"{SCHEME}-hand-{end}"] = [name for name in names if group_of.get(name) == end]


@st.cache_data(max_entries=12, show_spinner=False)
def _training_counts(entry: str) -> NDArray[np.float64] | None:
    data = state.loaded(Source.from_json(json.loads(entry)))
    if isinstance(data, ClassCounts) or data.split is None:
        return None
    assert isinstance(data, LabeledImages)
    return prior_of(data, "train" if "train" in set(data.split) else None).positives
