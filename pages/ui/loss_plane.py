"""The two-class plane of softmax losses: where an image goes that could be either of two classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from lt_core.charts.plane import loss_plane
from lt_core.datasets import ClassCounts, LabeledImages
from lt_core.stats import prior_of
from pages.ui import blocks
from pages.ui.explorer.settings import Entry

if TYPE_CHECKING:
    from lt_core.stats import ClassPrior


def panel(entries: Sequence[Entry], data: LabeledImages | ClassCounts) -> None:
    """Draw one plane per softmax loss of ``entries``, for two classes to choose."""
    softmax = [entry for entry in entries if entry.spec.labels == "single"]
    if not softmax:
        box = blocks.empty("No softmax loss is drawn", "In a sigmoid loss the logits know nothing of each other.")
        box.caption("Choose CE, LDAM or LMF above to see two logits at once.")
        return
    prior = prior_of(data)
    order = [data.class_names[c] for c in (-prior.positives).argsort(kind="stable")]
    if len(order) < 2:
        st.info("The plane needs two classes; this data set has one.")
        return
    with st.container(horizontal=True, gap="medium"):
        right = _pick("The image is of class", order, order[-1], "plane_right")
        other = _pick("and could be taken for", [c for c in order if c != right], order[0], "plane_other")
    pair = data.class_index(right), data.class_index(other)
    for place, entry in zip(st.columns(min(2, len(softmax))) * len(softmax), softmax, strict=False):
        with place, blocks.guarded(f"{entry.spec.title} cannot be drawn."):
            _one(entry, prior, pair)
    st.caption(
        "Colour: the loss of this image. Arrows: the way a step of training moves its two logits, all other logits 0. "
        "Above the dashed line the image would be called by the wrong name. A margin keeps arrows alive below the line."
    )


def _pick(label: str, names: list[str], first: str, key: str) -> str:
    """Draw a choice of a class; one that is not there any more is forgotten."""
    if st.session_state.get(key) not in (None, *names):
        st.session_state.pop(key)
    at = names.index(first) if first in names else 0
    return str(st.selectbox(label, names, index=at, key=key, bind="query-params", width=240))


def _one(entry: Entry, prior: ClassPrior, pair: tuple[int, int]) -> None:
    from lt_core.losses.plane import plane
    from pages.ui.explorer.payload import named

    points = plane(entry.spec, entry.values, prior, right=pair[0], other=pair[1])
    right, other = (prior.class_names[c] for c in pair)
    st.markdown(f"**{named(entry)}: an image of {right}, against {other}**")
    told = f"Loss of {named(entry)} over the logits of {right} and {other}, with the way a step goes."
    blocks.figure(loss_plane(points, right=right, other=other), points, name=f"plane-{entry.id}", alt_text=told)
