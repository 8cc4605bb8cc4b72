"""What the networks say of every class of one image."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from lt_core.charts.results import class_probabilities
from pages.ui import blocks
from pages.ui.cam_cases import Case, Cell, Side


def of_one(case: Case, cell: Cell) -> None:
    """Draw what the network says about every class, beside the truth where known."""
    st.markdown("#### What the network says", help="Predicted probability, largest first; ✓ = truly there.")
    table = _chances(cell.side, case).assign(probability=cell.found.probabilities).sort_values("probability")[::-1]
    blocks.figure(
        class_probabilities(table.head(30)),
        table[["class", "group", "probability", "truth"]],
        name="probabilities",
        alt_text="Bars: predicted probability of each class, largest first; those truly there are marked.",
    )
    if case.truth is None:
        st.caption("Your own image: its truth is not known here.")


def of_all(sides: list[Side], cells: list[Cell], case: Case) -> None:
    """Draw the probability of every class from every run."""
    table = _chances(sides[0], case)
    for side in sides:
        found = next((cell.found for cell in cells if cell.side is side), None)
        if found is not None:
            own = dict(zip(side.class_names, found.probabilities, strict=True))
            table[side.title] = table["class"].map(own)
    bars = {
        side.title: st.column_config.ProgressColumn(side.title, min_value=0.0, max_value=1.0, format="%.3f")
        for side in sides
    }
    st.dataframe(table, hide_index=True, column_config=bars, height=blocks.table_height(len(table), 560))


def _chances(side: Side, case: Case) -> pd.DataFrame:
    """Return the classes of a run with their group and the truth of the image."""
    truth = np.full(len(side.class_names), np.nan) if case.truth is None else case.truth
    return pd.DataFrame(
        {
            "class": side.class_names,
            "group": side.run.dataset_card["groups"],
            "truth": np.select([truth == 1, truth == 0], ["present", "absent"], "unknown"),
        }
    )
