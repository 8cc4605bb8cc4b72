"""The Data set page's view of what occurs together: a map, a diagram, tables of pairs, label sets."""

from __future__ import annotations

import json

import numpy as np
import streamlit as st

from lt_core.datasets import LabeledImages, Source
from lt_core.datasets.sparse import SparseLabels
from lt_core.stats import LabelStats, prior_of
from lt_core.stats.pairs import seen_pairs
from lt_core.stats.pairs_known import KnownTogether, known_together, n_complete
from pages.ui import data_together_diagram, data_together_map, data_together_pair, data_together_tables, state
from pages.ui.data_together_scope import Scope

VIEWS = ("map", "diagram", "pairs", "label sets")
"""Bare, for a format_func would put its labels into the URL."""


def panel(data: LabeledImages, source: Source, part: str | None, stats: LabelStats) -> None:
    """Draw what occurs together in one part of a set (None = all of it)."""
    entry = json.dumps(source.as_json(), sort_keys=True)
    known = None if n_complete(stats) is not None else _known(entry, part)
    trained = np.asarray(prior_of(data).positives)
    _panel(Scope(stats, entry, part, known, trained, data), single=data.kind == "single")


def panel_of_counts(source: Source, stats: LabelStats) -> None:
    """Draw what published counts say of what occurs together: everything but the images and the label sets."""
    entry = json.dumps(source.as_json(), sort_keys=True)
    single = stats.n_label_sets is not None
    _panel(Scope(stats, entry, None, None, stats.positives.astype(np.float64), None), single=single)


@st.cache_data(max_entries=4, show_spinner="Counting the images of which both labels are known …")
def _known(entry: str, part: str | None) -> KnownTogether:
    data = state.loaded(Source.from_json(json.loads(entry)))
    assert isinstance(data, LabeledImages)
    rows = data.rows(part)
    return known_together(data.labels if part is None else data.labels[rows])


def _panel(scope: Scope, *, single: bool) -> None:
    st.markdown("#### Which classes occur together?", help="Of every two classes: how many images have both.")
    why = _nothing(scope, single=single)
    if why:
        st.info(why, icon=":material/info:")
        return
    if isinstance(getattr(scope.data, "matrix", None), SparseLabels) or len(scope.stats.class_names) > 200:
        st.caption(f"{len(scope.stats.class_names):,} classes: the map and the diagram show some at a time.")
    views = VIEWS if scope.stats.label_sets is not None else VIEWS[:-1]
    view = st.segmented_control(
        "Show", views, default="map", key="together", bind="query-params", label_visibility="collapsed"
    )
    match view:
        case "diagram":
            data_together_diagram.draw(scope)
        case "pairs":
            data_together_tables.pairs(scope)
        case "label sets":
            data_together_tables.label_sets(scope)
            return
        case _:
            data_together_map.draw(scope)
    data_together_pair.draw(scope)


def _nothing(scope: Scope, *, single: bool) -> str | None:
    """Return why there is nothing to show here, or None."""
    stats = scope.stats
    if len(stats.class_names) < 2:
        return "This set has labels for one class only, so there is no pair of classes to look at."
    if single:
        return "Every image has exactly one class here, by the way this set is labelled: no two classes occur together."
    if stats.cooccurrence is None and getattr(stats, "pair_counts", None) is None:
        return "Of this set only class counts were published. Which classes occur together is not known."
    if not len(seen_pairs(stats)[2]):
        return "No image of this part carries two classes, so nothing occurs together here."
    return None
