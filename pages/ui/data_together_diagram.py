"""The chord diagram of a few classes, the network of more."""

from __future__ import annotations

import numpy as np
import streamlit as st

from lt_core.charts.chord import chord_diagram
from lt_core.charts.network import class_network
from lt_core.charts.together import CLICKED
from lt_core.datasets.notes import counted
from lt_core.stats.pairs import pair_table
from pages.ui import blocks, data_together_classes, data_together_scope
from pages.ui.data_together_scope import Scope

CHORDS = 20
"""Up to so many classes a chord diagram can be read."""
LINKS = 120
"""Links drawn at most."""
KEY = "chart-diagram"


_ABOUT = {
    "chord": "A ribbon is as wide as the number of images with both, in the colour of the rarer class's group.",
    "network": "A line is as wide as the number of images with both; classes that occur together pull each other.",
}


def draw(scope: Scope) -> None:
    """Draw a chord diagram, or a network of more than ``CHORDS`` classes; a click looks at the pair."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        classes = data_together_classes.picker(scope, orders=False)
        pairs = pair_table(scope.stats, known=scope.known, classes=classes)
        most = min(len(pairs), LINKS)
        shown = most if len(classes) <= CHORDS else min(most, 60)
        if most > 3:
            shown = st.slider("Most frequent pairs drawn", 1, most, shown, key="together-links", bind="query-params")
    pairs = pairs.head(shown)
    kind = "chord" if len(classes) <= CHORDS else "network"
    fewest = int(pairs["n"].min()) if len(pairs) else 0
    st.caption(
        f"{_ABOUT[kind]} The {len(pairs)} most frequent pairs, down to {counted(fewest, 'images')}. "
        f"{data_together_classes.left_out(scope, classes)}"
    )
    alone = len(set(classes)) - len(set(pairs["a"]) | set(pairs["b"]))
    if alone:
        st.caption(f"{alone} of the classes shown {'has' if alone == 1 else 'have'} no part in these pairs.")
    table = scope.stats.table().iloc[classes][["class", "positives", "group"]]
    data_together_scope.first_pair(scope)
    if kind == "chord":
        place = {name: i for i, name in enumerate(table["class"])}
        counts = np.zeros((len(classes),) * 2, np.int64)
        a, b = pairs["a"].map(place).to_numpy(np.intp), pairs["b"].map(place).to_numpy(np.intp)
        counts[a, b] = counts[b, a] = pairs["n"]
        chart = chord_diagram(counts, table, ink=data_together_scope.ink())
    else:
        chart = class_network(pairs, table, ink=data_together_scope.ink())
    blocks.figure(
        chart,
        pairs,
        name="together-diagram",
        key=KEY,
        alt_text=f"{kind.capitalize()} diagram of {len(classes)} classes and {len(pairs)} pairs of them.",
        selection=CLICKED,
        on_select=lambda: data_together_scope.clicked(KEY, CLICKED),
    )
