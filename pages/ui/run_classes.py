"""Class by class while a run goes on: scores by epoch, and the gradient that each class receives."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from lt_core.charts import training as charts
from lt_core.training import Run
from pages.ui import blocks

FIRST_SHOWN = 6
WAYS = {"few": "Some classes", "all": "All classes"}


def scores(run: Run, seen: list[dict[str, Any]], stages: dict[str, int]) -> None:
    """Draw F1 or AP of every class by epoch: a few as lines, or all as a map."""
    count = len(run.dataset_card["class_names"])
    with st.container(horizontal=True):
        way = _way(count)
        shown_metric = metric()
    table = by_class(run, seen, "classes", (shown_metric,)).rename(columns={shown_metric: "value"})
    order, epochs = list(table["class"].drop_duplicates()), run.config.epochs
    if way == "all":
        st.markdown(f"**All {len(order)} classes**, the most common one on top (validation part)")
        chart = charts.classes_as_map(table, order=order, metric=shown_metric, epochs=epochs)
    else:
        shown = st.multiselect(
            "Classes, from common to rare",
            order,
            default=spread(order, FIRST_SHOWN),
            max_selections=charts.MOST_LINES,
            key=f"train-classes-{run.path.name}",
        )
        if not shown:
            st.caption("Choose a class.")
            return
        shown = [name for name in order if name in shown]
        chart = charts.classes_by_epoch(table, shown=shown, metric=shown_metric, epochs=epochs, stages=stages)
    blocks.figure(
        chart, table, name="classes-by-epoch", alt_text=f"{charts.SHORT[shown_metric]} of each class by epoch."
    )


def _way(count: int) -> str:
    first = "few" if count <= 30 else "all"
    picked = st.segmented_control(
        "Which", list(WAYS), default=first, key=f"train-classes-way-{first}", required=True,
        format_func=WAYS.get, label_visibility="collapsed",
    )  # fmt: skip
    return str(picked)


def gradients(run: Run, seen: list[dict[str, Any]]) -> None:
    """Draw what pulls each class up and what pushes it down, in the last epoch and over all of them."""
    table = by_class(run, seen, "gradients", ("pull", "push", "ratio"))
    order = list(table["class"].drop_duplicates())
    last = table[table["epoch"] == table["epoch"].max()]
    st.markdown(
        f"**The gradient that each class receives**, epoch {int(table['epoch'].max())}",
        help="Sum of |d loss / d logit| over the images of an epoch: pull where the label is there, push where it is "
        "not. Where push is far above pull, a class is told mostly what it is not (Tan et al., 2021).",
    )
    blocks.figure(
        charts.pull_and_push(last, order=order),
        last,
        name="pull-and-push",
        alt_text="Two dots a class: the gradient that pulls its logit up and that pushes it down.",
    )
    st.markdown("**Pull over push, by epoch**: the rarest class is at the bottom")
    blocks.figure(
        charts.ratio_as_map(table, order=order, epochs=run.config.epochs),
        table,
        name="pull-over-push",
        alt_text="A cell for each class and epoch: the ratio of pull to push.",
    )


def metric() -> str:
    """Draw the choice between F1 and average precision, and return it."""
    return str(
        st.segmented_control(
            "Show",
            ["f1", "ap"],
            default="f1",
            key="train-metric",
            required=True,
            label_visibility="collapsed",
            format_func={"f1": "F1 at 0.5", "ap": "average precision"}.get,
            help="F1 needs a threshold; average precision asks only whether the right images rank first. A tail class "
            "can rank well long before its F1 leaves 0.",
        )
    )


def by_class(run: Run, seen: list[dict[str, Any]], key: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a row per epoch and class, the most common class first: epoch, class, group, images and ``columns``."""
    card = run.dataset_card
    names, counts, groups = card["class_names"], card["positives_per_class"], card["groups"]
    order = sorted(range(len(names)), key=lambda c: -counts[c])
    rows = [
        {"epoch": entry["epoch"], "class": names[c], "group": groups[c], "images": counts[c]}
        | {column: entry[key][column][c] for column in columns}
        for entry in seen
        if entry.get(key)
        for c in order
    ]
    return pd.DataFrame(rows).astype(dict.fromkeys(columns, "float64"))


def spread(names: list[str], count: int) -> list[str]:
    """Return ``count`` of the names, evenly from the first to the last; all where there are no more."""
    if len(names) <= count:
        return names
    return [names[round(k * (len(names) - 1) / (count - 1))] for k in range(count)]
