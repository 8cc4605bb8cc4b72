"""The averages of an evaluation side by side: over classes, over cells and over images."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from lt_core.evaluation.uncertainty import Evaluation, Value
from pages.ui import blocks
from pages.ui.results.models import Model
from pages.ui.results.numbers import METRICS, with_interval

SHOWN = ("precision", "recall", "f1", "ap", "auroc")
KINDS = {
    "macro": "plain mean over the classes where the value is defined",
    "weighted": "mean over the classes, each weighted by its positives",
    "micro": "all cells of all classes thrown together",
    "sample": "mean over images where the value is defined",
}


def draw(found: list[tuple[Model, Evaluation]]) -> None:
    """Draw the table of averages of every model."""
    with st.expander("Macro, weighted, micro and sample averages", icon=":material/functions:"):
        table = pd.concat(
            [table_of(evaluation).assign(model=model.title) for model, evaluation in found], ignore_index=True
        )
        first = ["model"] if len(found) > 1 else []
        table = table[[*first, *(name for name in table.columns if name != "model")]]
        st.dataframe(
            table, hide_index=True, width="content", height=blocks.table_height(len(table)),
            alt="Averages of precision, recall, F1, AP and AUROC of every model.",
        )  # fmt: skip
        st.caption(
            f"{'; '.join(f'{kind}: {what}' for kind, what in KINDS.items())}. In brackets: 95 % intervals. AP and "
            "AUROC are not averaged over images: label-ranking AP is among the measures over whole images."
        )


def averages(evaluation: Evaluation) -> dict[str, dict[str, Value]]:
    """Return the values of ``SHOWN`` by kind of average; those that an average is not taken of are missing."""
    found = {kind: getattr(evaluation, kind) for kind in ("macro", "weighted", "micro")}
    found["sample"] = {name: evaluation.whole[f"sample_{name}"] for name in SHOWN
                       if f"sample_{name}" in evaluation.whole}  # fmt: skip
    return {kind: {name: values[name] for name in SHOWN if name in values} for kind, values in found.items() if values}


def table_of(evaluation: Evaluation) -> pd.DataFrame:
    """Return the averages as text: a row a kind, a column a metric, and how the intervals were made."""
    rows = []
    for kind, values in averages(evaluation).items():
        cells = {METRICS[name]: with_interval(values[name]) if name in values else "–" for name in SHOWN}
        ways = dict.fromkeys(v.method for v in values.values() if not np.isnan(v.low))
        rows.append({"average": kind} | cells | {"interval": " or ".join(ways)})
    return pd.DataFrame(rows)
