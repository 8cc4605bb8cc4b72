"""Under the explorer: views that look closer at the losses it draws, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from lt_core.charts.curves import lines_of
from lt_core.datasets import ClassCounts, LabeledImages
from lt_core.stats import prior_of
from pages.ui import (
    blocks,
    loss_export,
    loss_force,
    loss_identities,
    loss_ladder,
    loss_plane,
    loss_reductions,
    loss_soundness,
)

if TYPE_CHECKING:
    from pages.ui.explorer.settings import Entry

Data = LabeledImages | ClassCounts
Draw = Callable[[Sequence[tuple[str, dict[str, Any]]]], None]
VIEWS = {
    "force": "Where the force is",
    "ladder": "The ladder",
    "equals": "What equals what",
    "plane": "Two logits",
    "soundness": "Numeric soundness",
    "reductions": "Reductions",
    "code": "Code",
}


def views(shown: Sequence[Entry], data: Data, draw: Draw) -> None:
    """Draw the choice of views and the one chosen; ``draw`` puts other losses into the figure above."""
    st.markdown("### Look closer")
    chosen = st.segmented_control(
        "Look closer",
        list(VIEWS),
        format_func=VIEWS.__getitem__,
        key="closer",
        persist_state="session",
        label_visibility="collapsed",
    )
    _remember(chosen)
    if chosen:
        with st.container(key="closer-view"), blocks.guarded(f"{VIEWS[chosen]}: this view cannot be drawn."):
            _view(chosen, shown, data, draw)


def _remember(chosen: str | None) -> None:
    """Write the view into the URL under its short name."""
    if chosen and st.query_params.get("closer") != chosen:
        st.query_params["closer"] = chosen
    elif not chosen and "closer" in st.query_params:
        del st.query_params["closer"]


def first_view() -> None:
    """Open the view a link names, the first time."""
    if "closer" not in st.session_state and (asked := st.query_params.get("closer")) in VIEWS:
        st.session_state["closer"] = asked


def _view(chosen: str, shown: Sequence[Entry], data: Data, draw: Draw) -> None:
    from pages.ui.explorer.payload import named

    styles = lines_of([(entry.id, entry.id, "") for entry in shown])
    entries = [(named(e), e.spec, e.values, style.colour) for e, style in zip(shown, styles, strict=True)]
    match chosen:
        case "force":
            loss_force.panel(entries, data)
        case "ladder":
            loss_ladder.panel(data, draw)
        case "equals":
            loss_identities.panel([entry.spec for entry in shown], data, draw)
        case "plane":
            loss_plane.panel(shown, data)
        case "soundness":
            loss_soundness.panel(entries, data)
        case "reductions":
            loss_reductions.panel(entries, data)
        case "code":
            _code(shown, data)


def _code(shown: Sequence[Entry], data: Data) -> None:
    """Offer each loss as code, with the settings now in force."""
    from pages.ui.explorer.payload import named

    reduction = st.segmented_control(
        "Reduction",
        ["authors", "mean", "batch", "sum"],
        default="authors",
        required=True,
        key="code-reduction",
        help="authors: what the paper does. batch: sum divided by the number of images.",
    )
    for entry in shown:
        loss_export.buttons(
            named(entry), entry.spec, entry.values, prior_of(data), str(reduction), key=f"code-{entry.id}"
        )
