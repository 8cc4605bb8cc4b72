"""What the Compare page says of a sweep, and how it reads folders that may be damaged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from lt_core.datasets import Source
from lt_core.problems import Problem
from lt_core.sweeps import ComparePlan, Plan, Sweep, SweepPlan
from lt_core.sweeps.board import DAMAGED
from lt_core.sweeps.manage import called
from lt_core.training import Run
from lt_core.training.folder.meta import meta_in
from pages.ui import run_words, train_owner
from pages.ui.wording import on_page

ICONS = {
    "starting": ("hourglass_top", "gray"),
    "running": ("model_training", "blue"),
    "finished": ("check_circle", "green"),
    "stopped": ("stop_circle", "orange"),
    "interrupted": ("power_off", "orange"),
    "failed": ("error", "red"),
}
LIVE = ("starting", "running")
MEASURES = {
    "ap_macro": "macro AP",
    "ap_tail": "AP, tail",
    "f1_macro": "macro F1",
    "f1_tail": "F1, tail",
    "val_loss": "validation loss",
}


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Turn whatever a damaged folder raises into one sentence; the rest of the page goes on."""
    try:
        yield
    except DAMAGED as error:
        said = on_page(error) if isinstance(error, Problem) else f"It is damaged ({type(error).__name__}: {error})."
        st.error(f"**{what}** {said}", icon=":material/error:")


def name_of(sweep: Sweep) -> str:
    """Return what a sweep is called, in a list: its name, its kind and its folder where the name is not unique."""
    try:
        plan = sweep.plan
        kind = "comparison" if plan.kind == "compare" else "search"
        return f"{called(sweep)} · {kind} · {data_of(plan.base.data)}"
    except DAMAGED:
        return f"{sweep.path.name} · cannot be read"


def data_of(source: Source) -> str:
    """Return what a data set is called, in a word."""
    return source.name.rsplit("/", 1)[-1]


def mine(sweep: Sweep) -> bool:
    """Return whether this visitor may stop and delete a sweep without being asked."""
    return train_owner.mine(Run(sweep.path))


def owner_of(sweep: Sweep) -> str:
    """Return who started a sweep, ready for Markdown."""
    return run_words.plain(meta_in(sweep.path).owner)


def facts(plan: Plan) -> str:
    """Return what a plan does, in a line."""
    base = plan.base
    shared = f"{data_of(plan.base.data)} · {base.model} · {plan.epochs} epochs"
    if isinstance(plan, ComparePlan):
        said = f"{len(plan.losses)} losses · {_seeds(len(plan.seeds))} · against {plan.reference}"
        return f"{said} · rates {', '.join(f'{rate:g}' for rate in plan.rates)} · {shared}"
    axes = ", ".join(axis.name for axis in plan.axes)
    return f"{plan.search} over {axes} · {plan.n_settings} settings · {_seeds(len(plan.seeds))} · {shared}"


def _seeds(count: int) -> str:
    return f"{count} seed{'s' if count > 1 else ''}"


def metric_of(plan: Plan) -> str:
    """Return the metric of a plan in words."""
    return MEASURES.get(plan.metric, plan.metric)


def is_search(plan: Plan) -> bool:
    """Return whether a plan is a search, not a comparison of losses."""
    return isinstance(plan, SweepPlan)
