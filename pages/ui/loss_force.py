"""Where the force really is: gradients over the logits of a model, and the ledger of pull and push per class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd
import streamlit as st

from lt_core.datasets import ClassCounts, LabeledImages
from lt_core.params import Value
from lt_core.problems import Problem
from pages.ui import blocks, loss_force_source, loss_force_views
from pages.ui.loss_force_source import Cells

if TYPE_CHECKING:
    from lt_core.losses import LossSpec

Entry: TypeAlias = "tuple[str, LossSpec, dict[str, Value], str]"
"""Name, loss, hyper-parameters, colour."""


@st.fragment
def panel(entries: Sequence[Entry], data: LabeledImages | ClassCounts) -> None:
    """Draw the force of each of ``entries`` (name, loss, hyper-parameters, colour) on logits the reader chooses.

    Nothing is computed again unless the logits, a loss or a hyper-parameter changed.
    """
    st.subheader("Where the force really is", anchor=False)
    st.markdown(
        "A curve says what a loss would do at a logit. What it does in training depends on how many cells are there: "
        "gradient times cells, summed, is the pull and the push that each class receives."
    )
    cells = loss_force_source.choose(data)
    if cells is None:
        return
    st.caption(cells.about)
    fitting = [entry for entry in entries if cells.link in ("", _link(entry))]
    _left_out([entry for entry in entries if entry not in fitting], cells.link)
    tables = _tables(fitting, cells)
    conditions = "; ".join(f"{name}: {said}" for name, (_, _, said) in tables.items() if said)
    if conditions:
        st.caption(f"{conditions}.")
    if not tables:
        blocks.empty("No loss fits these logits", "Choose other logits above, or another loss.")
        return
    ledgers = pd.concat([ledger for ledger, *_ in tables.values()], ignore_index=True)
    bins = pd.concat([rows for _, rows, _ in tables.values()], ignore_index=True)
    colours = {name: colour for name, _, _, colour in fitting if name in tables}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        relative = _scale()
        members = loss_force_views.members_of(cells)
        if st.session_state.get("force-members") not in members:  # left over from other classes
            st.session_state.pop("force-members", None)
        picked = st.selectbox("Cells of", list(members), key="force-members", width=280) if not cells.flat else None
    if picked is None:
        st.caption(
            ":material/show_chart: Every logit is the same here, so there is no histogram to lay the gradients over: "
            "choose a run or a file above to see it."
        )
    else:
        loss_force_views.over_logits(bins, ledgers, members[picked], colours, relative=relative)
    loss_force_views.ledger(ledgers, colours, relative=relative)


def _link(entry: Entry) -> str:
    return "sigmoid" if entry[1].labels == "multi" else "softmax"


def _left_out(entries: Sequence[Entry], link: str) -> None:
    if entries:
        names, one = ", ".join(name for name, *_ in entries), len(entries) == 1
        kind = "a softmax" if link == "softmax" else "a sigmoid for each class"
        st.caption(
            f":material/block: Left out: {names}. These logits are read through {kind}, and "
            f"{'this loss reads' if one else 'these losses read'} them the other way."
        )


def _tables(entries: Sequence[Entry], cells: Cells) -> dict[str, tuple[pd.DataFrame, pd.DataFrame, str]]:
    """Return ledger, force over logits and conditions by the name of each loss; say which cannot be had and why."""
    found = {}
    with st.spinner("Differentiating each loss at every logit …", show_time=True):
        for name, spec, values, _ in entries:
            try:
                ledger, rows, said = _received(cells.key, spec.key, tuple(sorted(values.items())), cells)
            except Problem as problem:
                st.error(f"**{name} cannot be shown.** {problem}", icon=":material/error:")
                continue
            found[name] = ledger.assign(loss=name), rows.assign(loss=name), said
    return found


@st.cache_data(max_entries=120, show_spinner=False)
def _received(
    key: str,  # noqa: ARG001 - stands for the content of the cells
    loss: str,
    values: tuple[tuple[str, Value], ...],
    _cells: Cells,
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    from lt_core.losses import get_loss
    from lt_core.losses.force import conditions, forces
    from lt_core.losses.ledger import force_over_logits, ledger, logit_edges

    logits, targets, images = _cells.logits, _cells.targets, _cells.images
    spec, prior = get_loss(loss), _cells.prior
    slopes = forces(spec, dict(values), logits, targets, prior, images=images)
    edges = logit_edges(logits, targets)
    return (
        ledger(slopes, targets, _cells.class_names, _cells.groups, images=images),
        force_over_logits(slopes, logits, targets, edges, _cells.class_names, images=images),
        conditions(spec, dict(values), prior.n_classes, prior),
    )


def _scale() -> bool:
    """Draw the choice of units; return whether each loss is divided by its whole force."""
    units = st.segmented_control(
        "Force",
        ["relative", "absolute"],
        default="relative",
        required=True,
        key="force-scale",
        bind="query-params",
        width="content",
        help="Relative: each loss is divided by its whole force, because a constant factor of a loss is only a "
        "learning rate. Absolute: the sum of the gradients as it is, before any reduction.",
    )
    return units == "relative"
