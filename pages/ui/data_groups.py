"""The choice of what is head, medium and tail, in the URL."""

from __future__ import annotations

import json

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lt_core.datasets import LabeledImages, Source
from lt_core.problems import Problem
from lt_core.stats import SCHEMES, Grouping, LabelStats, prior_of
from lt_core.stats.groups import CUTS
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


def regrouped(data: LabeledImages | None, source: Source, stats: LabelStats) -> LabelStats:
    """Draw the choice of grouping and return ``stats`` with these groups; training counts decide where there are."""
    with st.popover("Groups", icon=":material/category:", key="groups-popover"):
        picked = st.selectbox(
            "What is head, medium and tail?",
            SCHEMES,
            key="groups",
            bind="query-params",
            help="relative: against the largest class. absolute: by number of images. quantile: by rank. hand: chosen.",
        )
        try:
            rule = _by_hand(stats) if picked == "hand" else _with_cuts(str(picked))
        except Problem as problem:
            st.error(plain(str(problem)), icon=":material/error:")
            return stats
        st.caption(f"{_TITLES[str(picked)].capitalize()}: {rule.sentence()}. From the training counts.")
    return stats if rule == stats.grouping else stats.regrouped(rule, _training(data, source))


def _with_cuts(scheme: str) -> Grouping:
    values = []
    step = 0.05 if scheme == "quantile" else 1.0
    for end, (label, low, high), default in zip(("head", "tail"), _CUTS[scheme], CUTS[scheme], strict=True):
        key = f"groups-{scheme}-{end}"
        values.append(st.number_input(label, low, high, round(float(default), 4), step, key=key, bind="query-params"))
    if all(abs(value - default) < 1e-3 for value, default in zip(values, CUTS[scheme], strict=True)):
        return Grouping(scheme)
    return Grouping(scheme, *values)


def _by_hand(stats: LabelStats) -> Grouping:
    names = list(stats.class_names)
    head = st.multiselect("Head", names, key="groups-hand-head", bind="query-params")
    rest = [name for name in names if name not in set(head)]
    tail = st.multiselect("Tail", rest, key="groups-hand-tail", bind="query-params")
    chosen = {**dict.fromkeys(names, "medium"), **dict.fromkeys(head, "head"), **dict.fromkeys(tail, "tail")}
    return Grouping.hand(chosen)


def _training(data: LabeledImages | None, source: Source) -> NDArray[np.float64] | None:
    if data is None or data.split is None:
        return None
    return _training_counts(json.dumps(source.as_json(), sort_keys=True))


@st.cache_data(max_entries=12, show_spinner=False)
def _training_counts(entry: str) -> NDArray[np.float64]:
    data = state.loaded(Source.from_json(json.loads(entry)))
    return prior_of(data, "train" if "train" in set(getattr(data, "split", [])) else None).positives
