"""What each chosen loss is: formula, paper, when to use it, what to watch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from lt_core.losses import LossSpec, ReducesTo

CSS = "<style>[class*=st-key-formula-] { overflow-x: auto; overflow-y: hidden; }</style>"


def cards(specs: Sequence[LossSpec]) -> None:
    """Draw one card per loss, in the order of their choice."""
    st.html(CSS)
    st.markdown("### What these losses are")
    for spec in specs:
        with st.container(border=True, key=f"about-{spec.key}"):
            _card(spec)


def _card(spec: LossSpec) -> None:
    from lt_core.losses.own import is_own

    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"#### {spec.title}", width="content")
        st.badge(spec.family, color="gray")
        st.badge("sigmoid, multi-label" if spec.labels == "multi" else "softmax, one class", color="gray")
        if is_own(spec):
            st.badge("your own", color="violet", help="From the folder named by LONGTAIL_LAB_LOSSES.")
        if spec.needs_prior:
            st.badge("knows the class counts", color="blue", help="Each class gets its own curve.")
    st.markdown(spec.what)
    with st.container(key=f"formula-{spec.key}"):
        st.latex(spec.formula)
    left, right = st.columns(2, gap="large")
    left.markdown(f"**When.** {spec.when}")
    right.markdown(f"**Watch.** {spec.watch}")
    if spec.extension:
        st.markdown(f":material/edit_note: **Not from the paper.** {spec.extension}")
    if spec.reduces_to:
        st.markdown("**Becomes** " + "; ".join(_identity(identity) for identity in spec.reduces_to) + ".")
    st.caption(f"[{spec.paper}]({spec.paper.url}) · the authors reduce by: {spec.reduction_text}")


def _identity(identity: ReducesTo) -> str:
    at = ", ".join(f"{name} = {_said(value)}" for name, value in identity.at.items())
    to = ", ".join(f"{name} = {_said(value)}" for name, value in identity.to.items())
    return f"`{identity.key}`{f' ({to})' if to else ''} at {at}"


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
