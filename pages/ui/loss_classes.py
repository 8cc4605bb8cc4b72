"""Which classes a class-dependent loss is drawn for, and which other labels the image has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from lt_core.datasets import ClassCounts, LabeledImages
from lt_core.stats import GROUPS, groups_of, prior_of

if TYPE_CHECKING:
    from pages.ui.explorer.settings import Entry

DRAWN_OF = {"head": 0.0, "medium": 0.5, "tail": 1.0}
"""Which class of a group is drawn at first: the most frequent head, a middle one, the rarest tail."""
WITH = "with"
USUAL = "usual"


def choose(shown: Sequence[Entry], data: LabeledImages | ClassCounts) -> tuple[dict[str, int], tuple[int, ...] | None]:
    """Draw the choices that matter for the losses ``shown``; return the class of each group, and the other labels.

    The other labels are None where the usual ones are meant: none for y = 1, the most frequent class for y = 0.
    """
    from lt_core.losses.browser import depends_on_class, depends_on_labels
    from pages.ui.explorer.payload import switches

    aware = any(depends_on_class(entry.spec) for entry in shown)
    across = any(depends_on_labels(entry.spec, switches(entry.spec, entry.values)) for entry in shown)
    if not aware and not across:
        return {}, None
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="loss-classes"):
        drawn = _classes(data)
        several = any(entry.spec.labels == "multi" for entry in shown)
        present = (_others(data) if several else _right(data)) if across else None
    return drawn, present


def _classes(data: LabeledImages | ClassCounts) -> dict[str, int]:
    """Draw the choice of a head, a medium and a tail class and return their columns, of those groups that exist."""
    prior = prior_of(data)
    groups = groups_of(prior.positives)
    chosen = {}
    for group in GROUPS:
        members = sorted((c for c, g in enumerate(groups) if g == group), key=lambda c: -prior.positives[c])
        if not members:
            continue
        names = [data.class_names[c] for c in members]
        if st.session_state.get(group) not in names:  # left over from another data set
            st.session_state.pop(group, None)
        name = st.selectbox(
            f"{group.capitalize()} class",
            names,
            index=round(DRAWN_OF[group] * (len(names) - 1)),
            key=group,
            bind="query-params",
            width=190,
            help="Losses that know the class counts have one curve per class. Groups come from the training counts: "
            "head n ≥ n_max / 5, tail n < n_max / 20, medium between.",
        )
        chosen[group] = data.class_index(name)
    return chosen


def _right(data: LabeledImages | ClassCounts) -> tuple[int, ...] | None:
    """Draw the choice of the class that is right where y = 0; None for the most frequent other one."""
    names = list(data.class_names)
    if st.session_state.get("right") not in (None, *names):
        st.session_state.pop("right")
    chosen = st.selectbox(
        "Right class where y = 0",
        names,
        index=None,
        key="right",
        bind="query-params",
        placeholder="the most frequent other one",
        width=260,
        help="One class an image: where the class drawn is not the right one, another is.",
    )
    return None if chosen is None else (names.index(chosen),)


def _others(data: LabeledImages | ClassCounts) -> tuple[int, ...] | None:
    """Draw the choice of the labels the image has beside the class drawn; None for the usual ones."""
    names = list(data.class_names)
    if any(name not in names for name in st.session_state.get(WITH, [])):
        st.session_state.pop(WITH, None)
    chosen = st.multiselect(
        "The image also has",
        names,
        key=WITH,
        bind="query-params",
        placeholder="the usual: nothing for y = 1, the most frequent class for y = 0",
        width=420,
        help="Some losses weigh a cell by the other labels of its image: the re-balancing weight of DB, for one. "
        "Choose which labels occur together and see the weights below the knobs move.",
    )
    return tuple(names.index(name) for name in chosen) or None
