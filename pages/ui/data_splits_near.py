"""Images that are nearly equal and lie in different parts."""

from __future__ import annotations

import json

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lt_core.datasets import LabeledImages, NoImages, Source
from lt_core.datasets.notes import counted
from pages.ui import blocks, pictures

Near = tuple[NDArray[np.intp], NDArray[np.int64]]

DISTANCES = {"4": "4 bits or fewer: copies, also re-scaled or compressed.", "8": "8 bits or fewer: slight edits, too."}
"""Bare, for a format_func would put its labels into the URL."""
SHOWN_PAIRS = 6
FOUND = "split-near"


def _key(source: Source, distance: int) -> str:
    return json.dumps([source.as_json(), distance], sort_keys=True)


def pairs(data: LabeledImages, source: Source) -> Near | None:
    """Return the pairs found before for this set, rows (m, 2) and distances (m,), or None."""
    found = st.session_state.get(FOUND)
    if found is None or found[0] != _key(source, _distance()) or isinstance(data.images, NoImages):
        return None
    near: Near = found[1]
    return near


def _distance() -> int:
    return int(st.session_state.get("split-distance", "4"))


def section(data: LabeledImages, source: Source) -> None:
    """Draw the search for nearly equal images behind a button: it reads every image once."""
    if isinstance(data.images, NoImages):
        return
    st.markdown(
        "#### Is an image on two sides under two names?",
        help="Each image gets a fingerprint of 64 bits of its coarse structure (a perceptual hash). Of images whose "
        "fingerprints differ in few bits, those are named that are alike as small pictures, too. Look at them before "
        "you believe it: films of one kind resemble one another.",
    )
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    left.selectbox("Bits that may differ", list(DISTANCES), key="split-distance", bind="query-params")
    if right.button(f"Compare the {len(data):,} images", key="split-near-go", icon=":material/content_copy:"):
        with blocks.guarded("The images could not be compared."):
            st.session_state[FOUND] = (_key(source, _distance()), _search(data))
            st.rerun()
    st.caption(DISTANCES[str(_distance())])
    near = pairs(data, source)
    if near is not None and data.split is not None:
        sides = data.split[near[0]].reshape(-1, 2)
        apart = int((sides[:, 0] != sides[:, 1]).sum())
        st.text(
            f"{counted(len(near[0]), 'pairs of nearly equal images')}, {apart:,} of them in different parts"
            + (": listed above." if apart else ".")
        )


def _search(data: LabeledImages) -> Near:
    from lt_core.datasets.near_duplicates import near_duplicates

    bar = st.progress(0.0, text="Reading the images …")
    found = near_duplicates(
        data.images,
        np.arange(len(data)),
        distance=_distance(),
        progress=lambda done, total: bar.progress(done / max(total, 1), text=f"{done:,} of {total:,} images"),
    )
    bar.empty()
    return found[["first", "second"]].to_numpy(np.intp), found["bits"].to_numpy(np.int64)


def show_pairs(data: LabeledImages, found: NDArray[np.intp]) -> None:
    """Draw the first pairs, two images beside each other with their names and parts."""
    for a, b in found[:SHOWN_PAIRS].tolist():
        with blocks.guarded("This pair cannot be shown."):
            pictures.grid(data, [a, b], None)
            names = [str(data.ids[k]) if data.ids is not None else f"row {k}" for k in (a, b)]
            sides = ["" if data.split is None else str(data.split[k]) for k in (a, b)]
            st.text(f"{names[0]} ({sides[0]}) and {names[1]} ({sides[1]})")
    if len(found) > SHOWN_PAIRS:
        st.caption(f"The {SHOWN_PAIRS} nearest of {len(found):,} pairs.")
