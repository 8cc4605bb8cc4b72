"""One run as it goes, and the list of all: read from the run folders, so that a new tab sees what the old one saw."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from lt_core.charts.training import groups_by_epoch, loss_by_epoch
from lt_core.losses import get_loss
from lt_core.problems import Problem, Unknown
from lt_core.training import Progress, Run, runs, start_worker
from pages.ui import blocks, train_state

LIVE = ("queued", "running")
WATCHED = "run"
SHOWN = 40
"""Runs in the list; the folders of older ones are kept."""
ICONS = {
    "queued": ("hourglass_top", "gray"),
    "running": ("model_training", "blue"),
    "finished": ("check_circle", "green"),
    "stopped": ("stop_circle", "orange"),
    "interrupted": ("power_off", "orange"),
    "failed": ("error", "red"),
}


def watch(run: Run) -> None:
    """Make ``run`` the one that is shown; it is in the URL by the name of its folder."""
    st.query_params[WATCHED] = run.path.name


def watched() -> None:
    """Draw the run in the URL, else the one that is going on, else the newest; say what to do where there is none."""
    found = runs()
    named = {run.path.name: run for run in found}
    run = named.get(st.query_params.get(WATCHED, "")) or next((r for r in found if r.state in LIVE), None)
    run = run or next(iter(found), None)
    if run is None:
        box = blocks.empty(
            "No run yet",
            "Here you will see the loss and the F1 of head, medium and tail classes, epoch by epoch. "
            "**Start training** with the settings as they are: it takes about a minute on two processor cores.",
            ":material/model_training:",
        )
        box.caption("Training goes on in a process of its own: the tab may be closed.", text_alignment="center")
        return
    live = run.state in LIVE
    st.fragment(_view, run_every=1.0 if live else None)(str(run.path), was_live=live)


def _view(path: str, *, was_live: bool) -> None:
    run = Run(Path(path))
    with blocks.guarded("This run cannot be read."):
        state = run.state
        if was_live and state not in LIVE:
            st.rerun()
        _title(run, state)
        if state in LIVE:
            _progress(run, state)
        else:
            _outcome(run, state)
        _curves(run)


def _loss_title(key: str) -> str:
    """Return the title of a loss; its key where it is not here any more (somebody's own)."""
    try:
        return get_loss(key).title
    except Unknown:
        return key


def _title(run: Run, state: str) -> None:
    icon, colour = ICONS[state]
    config = run.config
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"#### {_plain(run.name)}", width="content")
        st.badge(state, icon=f":material/{icon}:", color=colour)
    st.caption(
        f"{_loss_title(config.loss)} · {config.model} · {_data_of(run)} · {config.epochs} epochs · "
        f"seed {config.seed}" + (f" · {config.sampler} sampler" if config.sampler != "plain" else "")
    )


def _progress(run: Run, state: str) -> None:
    progress = run.progress()
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.progress(min(1.0, max(0.0, progress.fraction)), text=_in_words(progress, state))
    asked = (run.path / "stop").exists()
    if right.button(
        "Stopping" if asked else "Stop",
        icon=":material/stop:",
        key="train-stop",
        disabled=asked,
        help="Ends after the step under way; the epochs done so far are kept and can be looked at.",
    ):
        run.request_stop()


def _in_words(progress: Progress, state: str) -> str:
    if state == "queued" or (progress.fraction == 0 and progress.seconds_left is None):
        return "Getting the images and the network"
    seconds = progress.seconds_left
    if seconds is None:
        left = ""
    elif seconds < 90:
        left = f", about {max(1, round(seconds))} s left"
    else:
        left = f", about {seconds / 60:.0f} min left"
    return f"Epoch {min(progress.epoch + 1, progress.epochs)} of {progress.epochs}{left}"


def _outcome(run: Run, state: str) -> None:
    reported = run.reported_epoch
    if state == "failed":
        st.error(f"**The run failed.** {run.error}.", icon=":material/error:")
    elif state == "interrupted":
        st.warning(
            "Its process ended without a word: the machine was switched off, or ran out of memory. "
            "The epochs below were completed. Start it again with the same settings.",
            icon=":material/power_off:",
        )
    elif reported is None:
        st.info("It was stopped before its first epoch ended, so there is no result. Start it again.")
    with st.container(horizontal=True, vertical_alignment="center"):
        if reported is not None:
            query = {"run": run.path.name}
            st.page_link("pages/results.py", label="Results", icon=":material/fact_check:", query_params=query)
            st.page_link(
                "pages/gradcam.py", label="Grad-CAM", icon=":material/center_focus_strong:", query_params=query
            )
            best = "best on validation" if run.config.select == "best" else "last"
            st.markdown(f":gray[reported is epoch {reported}, the {best}]", width="content")
        elif state != "failed" and st.button(
            "Start it again", icon=":material/replay:", key="train-again", type="primary"
        ):
            with blocks.guarded("The run could not be started."):
                watch(start_worker(run.config))
                st.rerun(scope="app")
        st.button(
            "Take these settings",
            icon=":material/content_copy:",
            key="train-take",
            type="primary" if state == "failed" else "secondary",
            on_click=train_state.take,
            args=(run.config,),
            help="Puts the settings of this run into the widgets, to change one and train again.",
        )


def _curves(run: Run) -> None:
    history, epochs = run.history(), run.config.epochs
    if history.empty:
        if run.state in LIVE:
            st.caption("The curves begin when the first epoch has ended.")
        return
    metric = st.segmented_control(
        "Show",
        ["f1", "ap"],
        default="f1",
        key="train-metric",
        required=True,
        format_func={"f1": "F1 at 0.5", "ap": "average precision"}.get,
        help="F1 needs a threshold; average precision asks only whether the right images rank first. A tail class can "
        "rank well long before its F1 leaves 0.",
    )
    st.markdown("**What head, medium and tail classes have learned** (validation part)")
    groups = groups_by_epoch(history, metric=metric, epochs=epochs)
    blocks.figure(
        groups, history, name="groups-by-epoch", alt_text="Lines: mean F1 or AP of head, medium and tail by epoch."
    )
    st.markdown("**Loss**", help="Training and validation loss, each the mean over its steps.")
    blocks.figure(
        loss_by_epoch(history, epochs=epochs),
        history[["epoch", "train_loss", "val_loss"]],
        name="loss-by-epoch",
        alt_text="Two lines: training and validation loss by epoch.",
    )


def earlier() -> None:
    """Draw the list of all runs, newest first; a click on a row shows that run above."""
    found = runs()[:SHOWN]
    if not found:
        return
    st.markdown("#### Runs on this machine", help="They stay when the tab or the app is closed.")
    table = pd.DataFrame([row for run in found if (row := _row(run))])
    key = f"train-runs-{len(table)}-{found[0].path.name}"  # rows move when a run is added: a selection must not stay
    st.dataframe(
        table.drop(columns="folder"),
        hide_index=True,
        on_select=partial(_picked, key, tuple(table["folder"])),
        selection_mode="single-row",
        key=key,
        height=min(390, 37 + 35 * len(table)),
        column_config={
            "macro AP": st.column_config.NumberColumn(format="%.3f", help="Best of the epochs, on validation."),
            "tail F1": st.column_config.NumberColumn(format="%.3f", help="At 0.5, on validation, last epoch."),
            "started": st.column_config.DatetimeColumn(format="distance"),
        },
    )


def _picked(key: str, folders: tuple[str, ...]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows:
        st.query_params[WATCHED] = folders[rows[0]]


def _row(run: Run) -> dict[str, object] | None:
    try:
        config, history = run.config, run.history()
    except Problem:  # removed meanwhile
        return None
    return {
        "run": run.name,
        "state": run.state,
        "data": _data_of(run),
        "loss": config.loss,
        "backbone": config.model,
        "epochs": config.epochs,
        "seed": config.seed,
        "macro AP": history["ap_macro"].max() if len(history) else None,
        "tail F1": history["f1_tail"].iloc[-1] if len(history) else None,
        "started": pd.Timestamp((run.path / "config.json").stat().st_mtime - time.timezone, unit="s"),
        "folder": run.path.name,
    }


def _data_of(run: Run) -> str:
    try:
        return str(run.dataset_card["title"])
    except Problem:  # not read yet
        return run.config.data.name


def _plain(name: str) -> str:
    return "".join(f"\\{letter}" if letter in "*_#[]`$~:<>|" else letter for letter in name)
