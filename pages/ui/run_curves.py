"""What a run has learned so far: head, medium and tail, every class, the gradients, the machine."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from lt_core.charts import training as charts
from lt_core.problems import Problem
from lt_core.training import Run
from lt_core.training.folder.progress import epochs_of
from lt_core.training.stages import stages_of
from pages.ui import blocks, run_classes

VIEWS = {"learning": "Learning", "classes": "Classes", "gradients": "Gradients", "machine": "Machine"}


def curves(run: Run, *, live: bool) -> None:
    """Draw one of the views of a run; before its first epoch there is nothing to see."""
    seen = epochs_of(run.events())
    if not seen:
        if live:
            st.caption("The curves begin when the first epoch has ended.")
        return
    history, epochs, stages = run.history(), run.config.epochs, _stages(run)
    offered = [name for name in VIEWS if _has(name, seen)]
    view = st.segmented_control(
            "View", offered, default="learning", key=f"train-view-{len(offered)}", required=True,
            format_func=VIEWS.get, label_visibility="collapsed",
        )  # fmt: skip
    if view == "learning":
        _learning(history, epochs, stages)
    elif view == "machine":
        _machine(run, history, epochs)
    else:
        with blocks.guarded("The classes cannot be told apart."):
            if view == "classes":
                run_classes.scores(run, seen, stages)
            else:
                run_classes.gradients(run, seen)


def _has(view: str, seen: list[dict[str, Any]]) -> bool:
    if view == "classes":
        return any(entry.get("classes") for entry in seen)
    return view != "gradients" or any(entry.get("gradients") for entry in seen)


def _stages(run: Run) -> dict[str, int]:
    """Return the name of each stage after the first, and the epoch it begins with."""
    config = run.config
    try:
        later = stages_of(config.stages, config.epochs, config.deferred_from, config.sampler)[1:]
    except Problem:
        return {}
    return {stage.name: stage.first_epoch for stage in later}


def _learning(history: pd.DataFrame, epochs: int, stages: dict[str, int]) -> None:
    st.markdown("**What head, medium and tail classes have learned** (validation part)")
    metric = run_classes.metric()
    blocks.figure(
        charts.groups_by_epoch(history, metric=metric, epochs=epochs, stages=stages),
        history,
        name="groups-by-epoch",
        alt_text="Lines: mean F1 or AP of head, medium and tail by epoch.",
    )
    st.markdown("**Loss**", help="Training and validation loss, each the mean over its steps.")
    blocks.figure(
        charts.loss_by_epoch(history, epochs=epochs, stages=stages),
        history[["epoch", "train_loss", "val_loss"]],
        name="loss-by-epoch",
        alt_text="Two lines: training and validation loss by epoch.",
    )


def _machine(run: Run, history: pd.DataFrame, epochs: int) -> None:
    """Draw learning rate, speed and memory, and how the network is computed."""
    table = history.assign(memory_gb=history["memory"] / 2**30) if "memory" in history else history
    for column, title in (
        ("learning_rate", "learning rate"),
        ("images_per_second", "images/s"),
        ("memory_gb", "memory, GB"),
    ):
        if column in table and table[column].notna().any():
            blocks.figure(
                charts.line_by_epoch(table, column=column, title=title, epochs=epochs),
                table[["epoch", column]],
                name=column.replace("_", "-"),
                alt_text=f"A line: {title} by epoch.",
            )
    began = next((e for e in reversed(run.events()) if e["event"] in ("started", "resumed")), {})
    chosen = run.dataset_card.get("chosen") or {}
    facts = [f"On {began.get('device', 'a device that is not known')} in {began.get('precision', 'float32')}"]
    if chosen:
        compiled = "compiled" if chosen.get("compile") else "not compiled"
        facts.append(f"{str(chosen.get('layout')).replace('_', ' ')}, {compiled} ({chosen.get('why')})")
    st.caption(
        "; ".join(facts) + ". Memory is the most taken so far, of the GPU where there is one, else of the process."
    )
