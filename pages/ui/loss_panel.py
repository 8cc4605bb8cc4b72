"""The explorer of the Losses page: choose losses, move their knobs, see value and gradient."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from lt_core.charts.curves import lines_of
from lt_core.datasets import ClassCounts, LabeledImages
from lt_core.params import Value
from lt_core.stats import GROUPS, groups_of, prior_of
from pages.ui import blocks, loss_charts
from pages.ui.loss_charts import Curve

if TYPE_CHECKING:
    from lt_core.losses import LossSpec

FIRST = {"multi": ["bce", "asl", "ral", "db"], "single": ["ce", "ldam", "lmf"]}
"""What is shown on a first visit, for each kind of data set."""

CSS = """
<style>
@media (min-width: 900px) { .st-key-loss-charts { position: sticky; top: 4.6rem; } }
.loss-legend { display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; font-size: .9rem; line-height: 1.5; }
.loss-legend span { display: inline-flex; align-items: center; gap: .4rem; white-space: nowrap; }
.loss-legend i { width: 28px; }
</style>
"""


def registered() -> dict[str, LossSpec]:
    """Return every loss by key; the first call of a server imports PyTorch, and says so."""
    if "lt_core.losses.registry" in sys.modules:
        from lt_core.losses import all_losses
    else:
        with st.spinner("Loading PyTorch. About five seconds, once after the app has started …", show_time=True):
            from lt_core.losses import all_losses
    return {spec.key: spec for spec in all_losses()}


def short(spec: LossSpec) -> str:
    """Return a name of a few letters: BCE, ASL, Focal."""
    return spec.key.upper() if len(spec.key) <= 4 else spec.key.replace("_", " ").capitalize()


def choose(data: LabeledImages | ClassCounts) -> list[LossSpec]:
    """Draw the choice of losses and return those chosen; stop the page where none is."""
    known = registered()
    keys = st.multiselect(
        "Losses",
        list(known),
        default=FIRST[data.kind],
        key="losses",
        bind="query-params",
        format_func=lambda key: known[key].title,
        placeholder="Choose one or several losses",
        help="Several are drawn in one chart. Sigmoid losses answer each class apart, softmax losses pick one class.",
    )
    if not keys:
        box = blocks.empty("No loss chosen", "Choose one above, or several to see them in one chart.")
        box.button("Show BCE and ASL", on_click=_show, args=(["bce", "asl"],), type="primary")
        st.stop()
    specs = [known[key] for key in keys]
    if {spec.labels for spec in specs} == {"multi", "single"}:
        st.caption(
            ":material/info: Sigmoid and softmax losses are mixed: the first are drawn for one cell, the others for "
            "one image whose other logits are 0."
        )
    return specs


def _show(keys: list[str]) -> None:
    st.session_state["losses"] = keys


@st.fragment
def explore(keys: Sequence[str], data: LabeledImages | ClassCounts) -> None:
    """Draw the charts and beside them the knobs; only this part runs again when a knob moves."""
    st.html(CSS)
    known = registered()
    specs = [known[key] for key in keys]
    axis, even = _view()
    left, right = st.columns([5, 3], gap="large")
    with right:
        classes = _classes(data) if any(spec.needs_prior for spec in specs) else {}
        values = _knobs(specs)
    with left, st.container(key="loss-charts"):
        curves = _curves_of(specs, values, classes)
        loss_charts.legend(lines_of([(curve.name, curve.loss, curve.group) for curve in curves]))
        with blocks.guarded("This loss cannot be drawn."):
            loss_charts.panels(curves, prior_of(data), axis, even=even)
        _notes(specs, data)


def _view() -> tuple[str, bool]:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        axis = st.segmented_control(
            "Over",
            ["logit", "probability"],
            default="logit",
            required=True,
            key="axis",
            bind="query-params",
            label_visibility="collapsed",
            width="content",
        )
        even = st.toggle(
            "Each loss to its own maximum",
            False,
            key="even",
            bind="query-params",
            help="Compare shapes: every loss is divided by its largest value (or gradient) in the picture.",
        )
    return str(axis), even


def _classes(data: LabeledImages | ClassCounts) -> dict[str, int]:
    """Draw the choice of a head, a medium and a tail class and return their columns, those groups that exist."""
    prior = prior_of(data)
    groups = groups_of(prior.positives)
    st.markdown(
        "**Classes drawn**",
        help="Losses that know the class counts have one curve per class. Groups come from the training counts: "
        "head n ≥ n_max / 5, tail n < n_max / 20, medium between.",
    )
    chosen = {}
    for group in GROUPS:
        members = sorted((c for c, g in enumerate(groups) if g == group), key=lambda c: -prior.positives[c])
        if members:
            names = [data.class_names[c] for c in members]
            counts = {data.class_names[c]: f"{prior.positives[c]:,.0f}" for c in members}
            first = {"head": 0, "medium": len(names) // 2, "tail": len(names) - 1}[group]
            name = st.selectbox(
                group.capitalize(),
                names,
                index=first,
                key=f"{group}-class",
                bind="query-params",
                format_func=lambda n, counts=counts: f"{n} · {counts.get(n, '?')} images",
                label_visibility="collapsed",
            )
            chosen[group] = data.class_index(name)
    return chosen


def _knobs(specs: list[LossSpec]) -> dict[str, dict[str, Value]]:
    """Draw one tab of knobs per loss and return the values of each."""
    values = {}
    for tab, spec in zip(st.tabs([short(spec) for spec in specs]), specs, strict=True):
        with tab:
            values[spec.key] = blocks.param_widgets(spec.key, spec.params)
            if not spec.params:
                st.caption("No knob: this loss is what it is.")
            elif values[spec.key] != spec.defaults:
                st.button(
                    "Back to the defaults", on_click=_reset, args=(spec.key, spec.defaults), key=f"reset-{spec.key}"
                )
    return values


def _reset(owner: str, defaults: dict[str, Value]) -> None:
    for name, value in defaults.items():
        st.session_state[f"{owner}.{name}"] = float(value) if type(value) is int else value


def _curves_of(specs: list[LossSpec], values: dict[str, dict[str, Value]], classes: dict[str, int]) -> list[Curve]:
    """Return what is to be drawn: one curve per loss, or one per loss and class where the loss knows the counts."""
    curves = []
    for spec in specs:
        if spec.needs_prior:
            curves += [
                Curve(f"{short(spec)} · {group} class", spec.key, group, column, values[spec.key])
                for group, column in classes.items()
            ]
        else:
            curves.append(Curve(short(spec), spec.key, "", next(iter(classes.values()), 0), values[spec.key]))
    return curves


def _notes(specs: list[LossSpec], data: LabeledImages | ClassCounts) -> None:
    """Say what the curves leave out: the reduction, the classes without example, the labels beside the cell."""
    said: dict[str, list[str]] = {}
    for spec in specs:
        said.setdefault(spec.reduction_text, []).append(short(spec))
    joined = "; ".join(f"{', '.join(names)}: {text}" for text, names in said.items())
    notes = [f"In training the authors reduce by: {joined}."]
    if any(spec.labels == "single" for spec in specs):
        notes.append("Softmax: one image, all other logits 0; y = 0 means that the most frequent other class is right.")
    if any(spec.needs_prior for spec in specs):
        prior = prior_of(data)
        if prior.unseen:
            names = ", ".join(data.class_names[c] for c in prior.unseen)
            notes.append(f"Without a training example, counted as 1: {names}.")
        if any(spec.needs_prior and spec.labels == "multi" for spec in specs):
            top = data.class_names[int(prior.positives.argmax())]
            notes.append(f"For y = 0 the image carries {top} (or, for {top} itself, the next most frequent class).")
    st.caption(" ".join(notes))
