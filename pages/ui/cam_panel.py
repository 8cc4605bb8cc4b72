"""The blocks of the Grad-CAM page."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from lt_core.charts.results import class_probabilities
from lt_core.datasets import read_image
from lt_core.explain import Explanation, Layer, colour_bar, outlined, overlay, place_of
from lt_core.explain.pictures import enlarged, enlarged_map, enlarged_mask
from lt_core.problems import Problem
from lt_core.training import Run
from pages.ui import blocks, cam_cases, run_picker
from pages.ui.cam_cases import ORDERS, Case

TERMS = (
    "The pointing game (Zhang et al., 2018) asks whether the strongest place is inside the outline; the share of the "
    "map inside (Wang et al., 2020) would equal the share of the image for a map without preference."
)

SIDE = 448
"""Pixels on the longer side of a picture on the page."""


def choose_run(found: list[Run]) -> Run:
    """Draw the choice of a run."""
    run = run_picker.pick("Run", found, key="run")
    run_picker.strip(run)
    return run


def choose(run: Run) -> tuple[Case, str]:
    """Draw the choice of an image and of the class to explain; stop the page where there is no image yet."""
    how = st.segmented_control(
        "Image",
        ["set", "own"],
        default="set",
        required=True,
        format_func={"set": "of the test part", "own": "my own file"}.get,
        key="image-from",
        label_visibility="collapsed",
    )
    left, right = st.columns([5, 2], vertical_alignment="bottom" if how == "set" else "top", gap="large")
    with left:
        case = _own_image() if how == "own" else _image_of_set(run)
    if case is None:
        st.stop()
    with right:
        return case, _class_to_explain(run, case)


def _own_image() -> Case | None:
    file = st.file_uploader(
        "An image: PNG, JPEG, BMP or TIFF",
        type=["png", "jpg", "jpeg", "bmp", "tif", "tiff"],
        key="own-image",
        help="It stays on the machine that runs the app. A network says little about images of another kind.",
    )
    if file is None:
        return None
    try:
        return Case(read_image(io.BytesIO(file.getvalue()), file.name), file.name)
    except Problem as problem:
        st.error(str(problem), icon=":material/broken_image:")
        return None


def _image_of_set(run: Run) -> Case | None:
    part = run_picker.parts_of(run)[0]
    predictions = run_picker.predictions(run, part)
    left, middle, right = st.columns([2, 2, 1], vertical_alignment="bottom")
    name = left.selectbox(
        "Images that have",
        head_to_tail(run),
        key="cam-shown",
        bind="query-params",
        help="Classes from head to tail.",
    )
    order = middle.selectbox("Order", list(ORDERS), format_func=ORDERS.get, key="cam-order", bind="query-params")
    places = cam_cases.ordered(predictions, predictions.class_names.index(name), order)
    if not len(places):
        st.info(
            f"No image of the {run_picker.PARTS[part]} has {name}: choose another class.", icon=":material/search_off:"
        )
        return None
    if st.session_state.get("cam-number", 1) > len(places):
        st.session_state["cam-number"] = 1
    number = right.number_input(f"Number, of {len(places):,}", 1, len(places), key="cam-number", bind="query-params")
    try:
        with st.spinner("Loading the images …", show_time=True):
            return cam_cases.case_of_set(run, predictions, int(places[number - 1]), name)
    except Problem as problem:
        st.error(f"**The run's images could not be loaded.** {problem}", icon=":material/error:")
        return None


def _class_to_explain(run: Run, case: Case) -> str:
    """Draw the choice of a class; it follows the class the image was chosen by."""
    names = head_to_tail(run)
    if case.suggested and st.session_state.get("cam-followed") != case.suggested:
        st.session_state["cam-followed"] = case.suggested
        st.session_state["cam-class"] = case.suggested
    return st.selectbox(
        "Explain the score of",
        names,
        key="cam-class",
        bind="query-params",
        help="Any class can be explained on any image: also what speaks for a finding that is not there.",
    )


def explain(run: Run, case: Case, name: str) -> None:
    """Draw image, map and probabilities side by side."""
    column = run.dataset_card["class_names"].index(name)
    layers = {layer.name: layer for layer in cam_cases.layers_of(run)}
    key = f"cam-layer-{run.path.name}"
    chosen = st.session_state.get(key)
    with st.spinner("Asking the network …", show_time=True):
        found = cam_cases.explained(run, case, column, chosen if chosen in layers else None)
    mask = cam_cases.mask_of(run, case, column)
    for note in found.notes:
        st.info(note, icon=":material/info:")
    sentence = headline(found, mask, name)
    if sentence:
        st.markdown(f"#### {sentence}", help=TERMS)
    pictures, numbers = st.columns([5, 2], gap="large")
    with pictures:
        _pictures(found, mask, name, case)
        with st.expander("Layer", icon=":material/layers:", key="cam-layer-box"):
            _layer(layers, found, key)
    with numbers:
        _probabilities(run, case, found)


def headline(found: Explanation, mask: NDArray[np.bool_] | None, name: str) -> str:
    """Return where the map points, in a sentence; nothing where the true place is not known or the map is blank."""
    place = place_of(found.cam, mask)
    if place is None or place.hit is None or place.inside is None:
        return ""
    where = "inside" if place.hit else "beside"
    return (
        f"The strongest place is {where} the true {name}: {place.inside:.0%} of the map lies in the outline, "
        f"which covers {place.area:.0%} of the image"
    )


def _pictures(found: Explanation, mask: NDArray[np.bool_] | None, name: str, case: Case) -> None:
    controls = st.columns([3, 2], vertical_alignment="bottom", gap="large")
    opacity = controls[0].slider("Opacity of the map", 0.0, 1.0, 0.6, 0.05, key="cam-opacity", bind="query-params")
    known = mask is not None and bool(mask.any())
    show_mask = controls[1].toggle(
        "Outline the true place",
        True,
        disabled=not known,
        key="cam-outline",
        bind="query-params",
        help="The phantom knows where it drew each finding."
        if known
        else f"No place of {name} is known in this image.",
    )
    plain = enlarged(found.shown, SIDE)
    size = (plain.shape[0], plain.shape[1])
    mapped = overlay(plain, enlarged_map(found.cam.heatmap, size), opacity)
    if known and show_mask and mask is not None:
        shape = enlarged_mask(mask, size)
        plain, mapped = outlined(plain, shape), outlined(mapped, shape)
    left, right = st.columns(2)
    left.image(plain, caption=f"{case.name}, as the network sees it", width="stretch")
    right.image(mapped, caption=f"What raises the score of {name}", width="stretch")
    _scale(found)


def _scale(found: Explanation) -> None:
    """Draw the colour bar and how to read it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("nothing", width="content")
        st.image(np.rot90(colour_bar(240, 12), -1), width=240)
        st.caption("most in this image", width="content")
    st.caption(
        f"Grad-CAM at layer {found.cam.layer} ({found.cam.layer_size[0]} x {found.cam.layer_size[1]} places), scaled "
        "to its own maximum: it shows where, not how much. Look at the probability for that. Not for diagnosis."
    )


def _layer(layers: dict[str, Layer], found: Explanation, key: str) -> None:
    st.selectbox(
        "Read the map from",
        list(layers),
        index=list(layers).index(found.cam.layer),
        format_func=lambda name: f"{name} · {layers[name].height} x {layers[name].width} places",
        key=key,
        help="Deep layers know more about findings, shallow ones more about places. "
        "By default the deepest layer with at least 7 x 7 places.",
    )


def _probabilities(run: Run, case: Case, found: Explanation) -> None:
    """Draw what the network says about every class, beside the truth where known."""
    card = run.dataset_card
    st.markdown("#### What the network says", help="Predicted probability, largest first; ✓ = truly there.")
    truth = np.full(len(card["class_names"]), np.nan) if case.truth is None else case.truth
    table = pd.DataFrame(
        {
            "class": card["class_names"],
            "group": card["groups"],
            "probability": found.probabilities,
            "truth": np.select([truth == 1, truth == 0], ["present", "absent"], "unknown"),
        }
    ).sort_values("probability", ascending=False)
    shown = table.head(30)
    blocks.figure(
        class_probabilities(shown),
        table,
        name="probabilities",
        alt_text="Bars: predicted probability of each class, largest first; those truly there are marked.",
    )
    if case.truth is None:
        st.caption("Your own image: its truth is not known here.")


def head_to_tail(run: Run) -> list[str]:
    """Return the class names by training count, most frequent first."""
    counts = np.asarray(run.dataset_card["positives_per_class"], dtype=float)
    return [run.dataset_card["class_names"][c] for c in np.argsort(-counts, kind="stable")]
