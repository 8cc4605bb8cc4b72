"""Reductions: what sum, mean and batch do to the size of a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from lt_core.datasets import ClassCounts, LabeledImages
from lt_core.params import Value
from lt_core.stats import prior_of
from pages.ui import blocks

if TYPE_CHECKING:
    from lt_core.losses import LossSpec

Entry: TypeAlias = "tuple[str, LossSpec, dict[str, Value], str]"
"""Name, loss, values, colour."""


def panel(entries: Sequence[Entry], data: LabeledImages | ClassCounts) -> None:
    """Draw what each reduction does to each loss, and what a change of the loss asks of the learning rate."""
    size = int(st.number_input("Batch size", 1, 4096, 64, key="reductions-batch", width=160))
    with blocks.guarded("The losses cannot be compared."):
        if len(entries) > 1:
            _between(entries, data, size)
        st.markdown("#### Within one loss")
        st.markdown("To keep the step of the authors' reduction, multiply the learning rate by the last column.")
        for place, entry in zip(_places(len(entries)), entries, strict=True):
            with place:
                _within(entry, data, size)
    st.caption(_basis(data, size))


def _places(n: int) -> list[st.delta_generator.DeltaGenerator]:
    return [place for _ in range(0, n, 2) for place in st.columns(2, gap="large")][:n]


def _matrix(data: LabeledImages | ClassCounts) -> NDArray[np.float32] | None:
    """Return the label rows of the training part, or None where only counts are known."""
    if isinstance(data, ClassCounts):
        return None
    return data.labels[data.rows(None if data.split is None else "train")]


def _within(entry: Entry, data: LabeledImages | ClassCounts, size: int) -> None:
    from lt_core.losses.reductions import reductions

    name, spec, values, _ = entry
    table = reductions(spec, values, prior=prior_of(data), batch_size=size, matrix=_matrix(data))
    st.markdown(f"**{name}** :gray[authors: {spec.reduction_text}]")
    if spec.gives == "scalar":
        st.caption(f"One number for the whole batch ({table['loss'].iloc[0]:.4g}): there is nothing to reduce.")
        return
    shown = pd.DataFrame(
        {
            "reduction": table["reduction"],
            "loss": table["loss"].map("{:.4g}".format),
            "gradient": table["gradient"].map(_factor),
            "learning rate": table["learning_rate"].map(_factor),
        }
    )
    st.table(shown, border="horizontal", hide_index=True)


def _factor(number: float) -> str:
    if abs(number - 1) < 1e-9:
        return "1"
    return f"× {number:,.4g}" if number > 1 else f"÷ {1 / number:,.4g}"


def _between(entries: Sequence[Entry], data: LabeledImages | ClassCounts, size: int) -> None:
    from lt_core.losses.reductions import advice, step_ratios

    given = [(name, spec, values) for name, spec, values, _ in entries]
    ratios = step_ratios(given, prior=prior_of(data), batch_size=size, matrix=_matrix(data))
    names = [name for name, *_ in entries]
    st.markdown("#### From one loss to another")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        numbers = range(len(names))
        start = st.selectbox(
            "My learning rate fits", numbers, format_func=names.__getitem__, key="reductions-from", width=260
        )
        goal = st.selectbox("I change to", numbers, 1, format_func=names.__getitem__, key="reductions-to", width=260)
    ratio = float(ratios.iloc[start, goal])
    st.markdown(f"**{advice(entries[start][1], entries[goal][1], (names[start], names[goal]), ratio)}**")
    st.markdown(":gray[Size of the gradient at the start, column over row, each loss with its authors' reduction.]")
    shown = ratios.map(lambda number: "not defined" if pd.isna(number) else _factor(float(number)))
    st.table(shown.rename_axis("from ↓ to →").reset_index(), border="horizontal", hide_index=True)


def _basis(data: LabeledImages | ClassCounts, size: int) -> str:
    where = (
        "drawn from the published class shares" if isinstance(data, ClassCounts) else "drawn from the training labels"
    )
    return (
        f"All logits 0, as before training; {size} images, labels {where} (always the same draw). This is the step of "
        "plain SGD: Adam divides by the size of the gradient and hardly notices, until gradients are clipped."
    )
