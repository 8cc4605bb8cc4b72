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

CHOSEN = "losses"
FIRST = {"multi": ["bce", "asl", "ral", "db"], "single": ["ce", "ldam", "lmf"]}
"""What is shown on a first visit, for each kind of data set."""
DRAWN_OF = {"head": 0.0, "medium": 0.5, "tail": 1.0}
"""Which class of a group is drawn at first: the most frequent head, a middle one, the rarest tail."""

CSS = """
<style>
@media (min-width: 641px) and (min-height: 800px) {
  [data-testid=stColumn]:has(.st-key-loss-charts) { position: sticky; top: 4.2rem; align-self: flex-start; }
}
@media (max-width: 640px) {
  .st-key-loss-charts [data-testid=stHorizontalBlock] { flex-wrap: nowrap; gap: .4rem; }
  .st-key-loss-charts [data-testid=stColumn] { min-width: 0; }
}
.loss-legend { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; font-size: .9rem; line-height: 1.5; }
.loss-legend span { display: inline-flex; align-items: center; gap: .4rem; }
.loss-legend i { width: 28px; flex: none; }
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
    _first_choice(list(known), data.kind)
    keys = st.multiselect(
        "Losses",
        list(known),
        key=CHOSEN,
        persist_state="session",
        format_func=lambda key: known[key].title,
        placeholder="Choose one or several losses",
        help="Several are drawn in one chart. Sigmoid losses answer each class apart, softmax losses pick one class.",
    )
    st.query_params.update({CHOSEN: ",".join(keys)} if keys != FIRST[data.kind] else {})
    if keys == FIRST[data.kind]:
        st.query_params.pop(CHOSEN, None)
    if not keys:
        box = blocks.empty("No loss chosen", "Choose one above, or several to see them in one chart.")
        box.button("Show the usual ones", on_click=_show, args=(FIRST[data.kind],), type="primary")
        st.stop()
    return [known[key] for key in keys]


def _first_choice(known: list[str], kind: str) -> None:
    """Start with the losses of the link, else with those that fit the data set, also after it has changed."""
    now = st.session_state.get(CHOSEN)
    if now is None:
        asked = [key for key in st.query_params.get(CHOSEN, "").split(",") if key]
        unknown = [key for key in asked if key not in known]
        if unknown:
            st.toast(f"The link names losses that are not here: {', '.join(unknown)}.")
        st.session_state[CHOSEN] = [key for key in asked if key in known] or FIRST[kind]
    elif now == FIRST["single" if kind == "multi" else "multi"]:
        st.session_state[CHOSEN] = FIRST[kind]


def _show(keys: list[str]) -> None:
    st.session_state[CHOSEN] = keys


@st.fragment
def explore(keys: Sequence[str], data: LabeledImages | ClassCounts) -> None:
    """Draw the charts and beside them the knobs; only this part runs again when a knob moves."""
    st.html(CSS)
    known = registered()
    specs = [known[key] for key in keys]
    axis, even, classes = _view(specs, data)
    left, right = st.columns([7, 4], gap="large")
    with right:
        values = _knobs(specs)
    with left, st.container(key="loss-charts"):
        curves = _curves_of(specs, values, classes, data)
        loss_charts.legend(lines_of([(curve.name, curve.loss, curve.group) for curve in curves]))
        with blocks.guarded("These losses cannot be drawn."):
            loss_charts.panels(curves, prior_of(data), axis, even=even)
    _notes(specs, data)


def _view(specs: list[LossSpec], data: LabeledImages | ClassCounts) -> tuple[str, bool, dict[str, int]]:
    """Draw what is said once for all charts; return axis, equal heights, and the class drawn of each group."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="loss-view"):
        axis = st.segmented_control(
            "Over",
            ["logit", "probability"],
            default="logit",
            required=True,
            key="axis",
            bind="query-params",
            width="content",
        )
        classes = _classes(data) if any(spec.needs_prior for spec in specs) else {}
        even = st.toggle(
            "Equal heights",
            False,
            key="even",
            bind="query-params",
            help="Compare shapes: every loss is divided by its own largest value (or gradient) in the picture.",
        )
    return str(axis), even, classes


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


def _knobs(specs: list[LossSpec]) -> dict[str, dict[str, Value]]:
    """Draw one tab of knobs per loss and return the values of each."""
    values = {}
    first = next((short(spec) for spec in specs if spec.params), None)
    for tab, spec in zip(st.tabs([short(spec) for spec in specs], default=first), specs, strict=True):
        with tab:
            values[spec.key] = blocks.param_widgets(spec.key, spec.params)
            if not spec.params:
                st.caption("No knob: this loss is what it is.")
            elif values[spec.key] != spec.defaults:
                own = spec.key, spec.defaults
                st.button("Back to the defaults", on_click=_reset, args=own, key=f"reset-{spec.key}")
    return values


def _reset(owner: str, defaults: dict[str, Value]) -> None:
    for name, value in defaults.items():
        st.session_state[f"{owner}.{name}"] = value


def _curves_of(
    specs: list[LossSpec],
    values: dict[str, dict[str, Value]],
    classes: dict[str, int],
    data: LabeledImages | ClassCounts,
) -> list[Curve]:
    """Return what is to be drawn: one curve per loss, or one per loss and class where the loss knows the counts."""
    prior = prior_of(data)
    curves = []
    for spec in specs:
        own = values[spec.key]
        if not spec.needs_prior:
            curves.append(Curve(short(spec), spec.key, "", 0, own))
            continue
        for group, column in classes.items():
            name = f"{short(spec)} · {group}: {data.class_names[column]}, n = {prior.positives[column]:,.0f}"
            curves.append(Curve(name, spec.key, group, column, own))
    return curves


def _notes(specs: list[LossSpec], data: LabeledImages | ClassCounts) -> None:
    """Say what the curves leave out: the reduction, the classes without example, the labels beside the cell."""
    said: dict[str, list[str]] = {}
    for spec in specs:
        said.setdefault(spec.reduction_text, []).append(short(spec))
    joined = "; ".join(f"{', '.join(names)}: {text}" for text, names in said.items())
    notes = [f"Drawn before any reduction. In training the authors reduce by: {joined}."]
    prior = prior_of(data)
    if any(spec.needs_prior and spec.labels == "multi" for spec in specs):
        top = data.class_names[int(prior.positives.argmax())]
        notes.append(
            f"Where y = 0 and other labels matter, the image has {top} ({top} itself: the next most frequent)."
        )
    if any(spec.labels == "single" for spec in specs):
        notes.append("Softmax: all other logits are 0; y = 0 means that the most frequent other class is right.")
    if prior.unseen and any(spec.needs_prior for spec in specs):
        names = ", ".join(data.class_names[c] for c in prior.unseen)
        notes.append(f"Without a training example, counted as 1: {names}.")
    st.caption(" ".join(notes))
