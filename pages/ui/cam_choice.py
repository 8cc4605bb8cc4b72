"""The choices of the Grad-CAM page: runs, view, image, classes and method."""

from __future__ import annotations

import io

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lt_core.datasets import read_image
from lt_core.explain import Layer, all_methods, choose_layer, suggested
from lt_core.explain.methods import CamMethod
from lt_core.explain.reshaping import AUTO
from lt_core.problems import Problem
from lt_core.training import Run
from pages.ui import cam_cases, run_picker
from pages.ui.cam_cases import ORDERS, Case, Side
from pages.ui.results.models import LETTERS, MOST

ONE, WHOLE = "One image", "Whole part"
FOLLOWED = "cam-followed"


def runs(found: list[Run]) -> list[Side]:
    """Draw the choice of runs; return them, the first of which chooses the images."""
    left, right = st.columns(2)
    with left:
        first = run_picker.pick("Run", found, key="run")
    known = set(first.dataset_card["class_names"])
    alike = [run for run in found if known & set(run.dataset_card["class_names"])]
    with right:
        others = run_picker.pick_others(
            run_picker.labels(alike),
            first.key,
            key="versus",
            most=MOST - 1,
            note="A column each, on the same image: other losses, seeds or networks. Runs that share a class with the "
            "first one can be chosen.",
        )
    run_picker.strip(first)
    named = {run.key: run for run in alike}
    if not others:
        return [Side(first, first.name)]
    shown = [first, *(named[name] for name in others)]
    return [Side(run, f"{letter} · {run.name}") for letter, run in zip(LETTERS, shown, strict=False)]


def view(bar: DeltaGenerator) -> str:
    """Draw the choice of one image or all of a part into ``bar``."""
    return str(
        bar.segmented_control(
            "View",
            [ONE, WHOLE],
            default=ONE,
            required=True,
            key="cam-view",
            bind="query-params",
            label_visibility="collapsed",
            help="One image: its maps, and whether they can be trusted. Whole part: how often maps point at the "
            "finding, where its place is known.",
        )
    )


def method() -> CamMethod:
    """Draw the choice of method: each in a line on hover, the chosen one in a line below with all about it on hover."""
    known = {each.title: each for each in all_methods()}
    lines = "\n".join(f"* **{each.title}**: {each.about}" for each in known.values())
    title = st.selectbox("Method", list(known), key="cam-method", bind="query-params", help=lines)
    picked = known[str(title)]
    needs = "reads gradients" if picked.gradient else "needs no gradient"
    kind = (
        "differs from class to class"
        if picked.class_specific
        else ":orange[the same for every class: it shows what stands out, not what speaks for a class]"
    )
    st.caption(f"{picked.paper.authors.split(',')[0]} {picked.paper.year}; {needs}; {kind}", help=about(picked))
    return picked


def about(now: CamMethod) -> str:
    """Return what a method is: how places get their values, what it costs, and its paper."""
    return f"{now.about}\n\nCost beside one forward pass: {now.passes}.\n\n[{now.paper}]({now.paper.url})"


def image(sides: list[Side], bar: DeltaGenerator) -> Case:
    """Draw the choice of an image, its source into ``bar``; stop the page where there is none yet."""
    how = bar.segmented_control(
        "Image",
        ["set", "own"],
        default="set",
        required=True,
        format_func={"set": "of the test part", "own": "my own file"}.get,
        key="image-from",
        label_visibility="collapsed",
    )
    case = _own_image() if how == "own" else _image_of_set(sides[0].run)
    if case is None:
        st.stop()
    part = run_picker.parts_of(sides[0].run)[0]
    for title in cam_cases.strangers(sides, case, part):
        st.caption(
            f":material/warning: The {run_picker.PARTS[part]} of {title} does not hold this image: that run may have "
            "been trained on it."
        )
    return case


def asked(sides: list[Side], case: Case) -> tuple[list[str], CamMethod]:
    """Draw the choice of classes and method; stop the page where no class is chosen."""
    left, right = st.columns([5, 2], gap="medium")
    with left:
        names = _classes(sides[0].run, case)
    with right:
        chosen = method()
    if not names:
        st.info("Choose a class: a map is about the score of one.", icon=":material/touch_app:")
        st.stop()
    return names, chosen


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


def _classes(run: Run, case: Case) -> list[str]:
    """Draw the choice of classes; it follows the class that the image was chosen by, and keeps what was added."""
    names = head_to_tail(run)
    kept = [name for name in st.session_state.get("cam-class", []) if name in names]
    before = st.session_state.get(FOLLOWED)
    of_link = before is None and "cam-class" in st.query_params
    if case.suggested and before != case.suggested:
        st.session_state[FOLLOWED] = case.suggested
        if not of_link:
            added = [name for name in kept if name not in (before, case.suggested)]
            st.session_state["cam-class"] = [case.suggested, *added]
    elif "cam-class" in st.session_state and kept != st.session_state["cam-class"]:
        st.session_state["cam-class"] = kept
    return list(
        st.multiselect(
            "Explain the score of",
            names,
            default=None if "cam-class" in st.session_state else names[:1],
            key="cam-class",
            bind="query-params",
            max_selections=8,
            help="A row each. Any class can be explained on any image: also what speaks for a finding that is not "
            "there.",
        )
    )


def layers(sides: list[Side]) -> None:
    """Draw the choice of the layer that maps are read from, and of how its output becomes one, for every run."""
    for side in sides:
        left, right = st.columns([3, 2], gap="medium")
        known = {layer.name: layer for layer in cam_cases.layers_of(side.run)}
        usual = choose_layer(tuple(known.values()), None).name
        name = left.selectbox(
            "Read the map from" if len(sides) == 1 else f"{side.title} · {side.run.config.model}",
            list(known),
            index=list(known).index(usual),
            format_func=lambda name, known=known: f"{name} · {known[name].said}",
            key=cam_cases.layer_key(side.run),
            help="Deep layers know more about findings, shallow ones more about places. By default the deepest layer "
            "with at least 7 x 7 places. Between networks, layers of one size compare best.",
        )
        with right:
            _reshape(side, known[str(name)])


def _reshape(side: Side, layer: Layer) -> None:
    """Draw how the layer's output becomes a map: as the network's family says, or by hand."""
    st.selectbox(
        "Reshape",
        [AUTO, *(form for form in suggested(layer.output) if form != layer.reshape)],
        format_func=lambda form: f"automatic: {layer.reshape}" if form == AUTO else str(form),
        key=cam_cases.reshape_key(side.run, layer),
        accept_new_options=True,
        help="How the layer's output becomes rows and columns of places. Automatic goes by what timm says of the "
        "network's family. By hand: `channels-first`, `channels-last`, or `tokens:P+HxW`, the first P tokens without a "
        "place (class, registers), then H rows of W. A wrong one gives a map of the wrong places.",
    )


def head_to_tail(run: Run) -> list[str]:
    """Return the class names by training count, most frequent first."""
    counts = np.asarray(run.dataset_card["positives_per_class"], dtype=float)
    return [str(run.dataset_card["class_names"][c]) for c in np.argsort(-counts, kind="stable")]
