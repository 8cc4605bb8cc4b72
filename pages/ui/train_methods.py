"""The choice of a method beyond the loss: its settings, its teacher, and what of it is assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from lt_core.losses import LossSpec
from lt_core.training import Run, runs
from pages.ui import blocks, run_words, train_state
from pages.ui.train_state import PREFIX
from pages.ui.train_widgets import choice

if TYPE_CHECKING:
    from lt_core.training.methods.declare import MethodSpec

NEEDS = {
    "unlabelled": "images without labels in the training part",
    "teacher": "a finished run as its teacher",
}


def control(loss: LossSpec) -> dict[str, Any]:
    """Draw the group and return ``method``, ``method_values`` and ``teacher``; nothing of it where there is none.

    What methods there are is known once torch is imported, so a group that is closed asks for none.
    """
    now = train_state.now("method")
    title = f"Beyond the loss: {now}" if now else "Beyond the loss"
    box = st.expander(title, icon=":material/science:", key="train-group-science", on_change="rerun")
    if not box.open and not now:
        return {}
    with box:
        return _chosen(loss)


def _chosen(loss: LossSpec) -> dict[str, Any]:
    from lt_core.training.methods.registry import all_methods

    specs = {spec.key: spec for spec in all_methods()}
    titles = {"": "none: the loss alone"} | {key: _title(spec) for key, spec in specs.items()}
    st.caption("Semi-supervised, calibrating and class-incremental training, each around the loss chosen above.")
    key = choice("Method", list(titles), "", titles, key=f"{PREFIX}method",
                 note="What a run does beside its loss; every method is for several labels an image.")  # fmt: skip
    if key not in specs:
        return {}
    spec = specs[key]
    _about(spec)
    if why := spec.why_not(loss):
        st.warning(f"{why[:1].upper()}{why[1:]}.", icon=":material/block:")
    values = blocks.param_widgets(spec.key, spec.params, prefix=PREFIX)
    changed = {param.name: values[param.name] for param in spec.params if values[param.name] != param.default}
    return {"method": key, "method_values": changed, "teacher": _teacher() if "teacher" in spec.needs else ""}


def _title(spec: MethodSpec) -> str:
    return f"{spec.title} · {spec.family}" + (" · experimental" if spec.experimental else "")


def _about(spec: MethodSpec) -> None:
    with st.container(horizontal=True, gap="small"):
        if spec.experimental:
            st.badge("experimental", icon=":material/science:", color="orange",
                     help="A part of it could not be had from its paper: what is assumed is said below.")  # fmt: skip
        for need in sorted(spec.needs):
            st.badge(f"needs {NEEDS[need]}", icon=":material/rule:", color="blue")
    st.markdown(spec.what)
    if spec.assumed:
        st.markdown(f":orange[**What is assumed.**] {spec.assumed}")
    st.caption(f"{spec.watch}  \n*{spec.paper}*")


def _teacher() -> str:
    """Draw the choice of the run that is learned from, and return its folder; empty where there is none."""
    finished = {str(run.path.absolute()): run for run in runs()[:100] if run.state == "finished"}
    now = str(train_state.now("teacher") or "")
    options = list(finished) + ([now] if now and now not in finished else [])
    key = f"{PREFIX}teacher"
    if key not in st.session_state and now:
        st.session_state[key] = now
    picked = st.selectbox(
        "Teacher: the run that is learned from",
        options,
        index=None,
        format_func=lambda path: _said(finished[path]) if path in finished else path,
        key=key,
        placeholder="choose a finished run" if options else "no run has finished yet: train one first",
        persist_state="session",
        help="It knows some classes of this data set, and none else; its weights stay as they are.",
    )
    return str(picked or "")


def _said(run: Run) -> str:
    return f"{run.name} · {run.config.loss} · {run_words.data_of(run)}"
