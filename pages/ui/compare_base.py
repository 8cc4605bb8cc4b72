"""What a new comparison and a new search have in common: shared settings, what it will take, start, copy."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import streamlit as st

from lt_core.losses import get_loss
from lt_core.problems import Invalid, Problem
from lt_core.sweeps import Plan, open_sweep
from lt_core.sweeps.launch import as_command, start_sweep
from lt_core.training.folder.events import clean
from lt_core.training.folder.meta import now, write_meta
from lt_core.training.workers.launch import at_home_anywhere
from lt_core.training.workers.queue import device_of
from pages.ui import compare_views, slot_words, train_estimate, train_groups, train_owner, train_panel
from pages.ui.train_widgets import KEPT, widget
from pages.ui.wording import on_page

PREFIX = "compare."
PROBLEM = "compare-problem"
SEEDS_AT_LEAST = 3


def shared_settings(loss: str) -> dict[str, Any]:
    """Draw the settings that all runs share, those of the Train page, and return them by name."""
    st.markdown("##### What all runs share", help="The same settings as on the Train page: one form, two pages.")
    values: dict[str, Any] = {"model": train_panel.backbone()}
    left, right = st.columns(2)
    with left:
        values["batch_size"] = widget("batch_size")
    with right:
        values["sampler"] = widget("sampler")
    return values | train_groups.groups(get_loss(loss))


def number(label: str, low: int, high: int, first: int, *, name: str, note: str) -> int:
    """Draw a whole number that is kept in the link, and return it."""
    return int(st.number_input(label, low, high, first, key=PREFIX + name, help=note, **KEPT))


def rates_of(text: str) -> tuple[float, ...]:
    """Return the learning rates in a line of text; raise ``Invalid`` for what is no number."""
    try:
        return tuple(float(part) for part in text.replace(",", " ").replace(";", " ").split())
    except ValueError:
        raise Invalid(f"learning rates are numbers with commas between, such as 0.001, 0.01; got {text!r}") from None


def summary(plan: Plan | None, why: str, words: str) -> None:
    """Draw what a plan amounts to, the way to begin it and the plan as text; or ``why`` there is none."""
    st.markdown("#### What it will take")
    if plan is None:
        st.error(f"**This cannot be carried out.** {why}", icon=":material/error:")
        return
    left, right = st.columns(2)
    left.metric("Runs", f"{plan.total:,}", help=words)
    right.metric("Epochs in all", f"{plan.total_epochs:,}")
    st.markdown(words)
    train_estimate.panel(plan.base, epochs=plan.total_epochs)
    workers, executor = _where()
    plan = replace(plan, executor=executor)
    if executor == "local":
        _beside(plan)
    st.button(
        f"Start {plan.total:,} runs",
        type="primary",
        icon=":material/play_arrow:",
        key=f"compare-start-{plan.kind}",
        on_click=begin,
        args=(plan, workers),
        help="In a process of its own: it goes on when the tab or the app is closed, and can be stopped and gone on "
        "with at any time.",
    )
    if problem := st.session_state.pop(PROBLEM, ""):
        st.error(f"**It could not be started.** {problem}", icon=":material/error:")
    with st.expander("Copy as command", icon=":material/terminal:", key="compare-as-text"):
        as_text(plan, workers)


def _where() -> tuple[int, str]:
    """Draw how many runs are made at a time, and where; return both."""
    cores = os.cpu_count() or 1
    workers = number(
        "Runs at a time", 1, 64, 1, name="workers",
        note=f"This machine has {cores} processor cores, which runs share. More at a time changes the order of sums, "
        "never which runs are made.",
    )  # fmt: skip
    if find_spec("ray") is None:
        return workers, "local"
    executor = st.selectbox(
        "Where", ["local", "ray"], key=f"{PREFIX}executor", persist_state="session",
        format_func={"local": "this machine", "ray": "Ray: the cluster of RAY_ADDRESS, or this machine"}.get,
    )  # fmt: skip
    return workers, executor


def _beside(plan: Plan) -> None:
    """Say what is going on where the runs will be, as they begin at once."""
    device = device_of(plan.base)
    if by := slot_words.holders(device):
        st.caption(
            f":material/info: On {device} now: {by}. This begins at once and shares it; queued runs begin when there "
            "is room again."
        )


def begin(plan: Plan, workers: int) -> None:
    """Make the sweep of ``plan``, start its process and show it; for use as a callback."""
    try:
        sweep = open_sweep(replace(plan, base=at_home_anywhere(plan.base)))
        write_meta(sweep.path, owner=train_owner.me(), created=now())
        start_sweep(sweep, workers=workers)
    except Problem as problem:
        st.session_state[PROBLEM] = on_page(problem)
        return
    compare_views.show(sweep.path.name)


def as_text(plan: Plan, workers: int) -> None:
    """Draw the plan as a file, and the command that carries it out."""
    text = json.dumps(clean(plan.as_json()), indent=1)
    file = "compare.json" if plan.kind == "compare" else "search.json"
    st.code(as_command(file, workers=workers, executor=plan.executor), language="bash", wrap_lines=True)
    st.download_button(
        f"Download {file}", text, file_name=file, mime="application/json", icon=":material/download:",
        key=f"compare-plan-{plan.kind}", on_click="ignore",
    )  # fmt: skip
    st.code(text, language="json", height=260)


def guarded_plan(make: Callable[[], Plan]) -> tuple[Plan | None, str]:
    """Return the plan that ``make`` gives, or None and why not."""
    try:
        return make(), ""
    except Problem as problem:
        return None, on_page(problem)
