"""One run as it goes: read from its folder, so that a new tab sees what the old one saw."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lt_core.problems import Problem
from lt_core.training import Progress, Run, runs
from lt_core.training.folder.files import read_json
from lt_core.training.workers.queue import cancel, positions
from pages.ui import blocks, run_curves, run_ends, run_manage, run_words, slot_words, train_owner

LIVE = ("queued", "running")
STOPPING = "train-stopping-run"
ICONS = {
    "queued": ("hourglass_top", "gray"),
    "running": ("model_training", "blue"),
    "finished": ("check_circle", "green"),
    "stopped": ("stop_circle", "orange"),
    "interrupted": ("power_off", "orange"),
    "failed": ("error", "red"),
}


def chosen() -> Run | None:
    """Return the run in the URL, else one's own that is going on, else one's newest, else one that names no owner.

    None where there is none of these.
    """
    found = runs()
    run = {run.path.name: run for run in found}.get(st.query_params.get(run_words.WATCHED, ""))
    if run is None:  # nobody else's run is followed unasked
        own = [entry for entry in found if train_owner.mine(entry)] or list(filter(train_owner.followed, found))
        run = next((entry for entry in own if entry.state in LIVE), None) or next(iter(own), None)
    return run


def beside() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Return the places of the settings and of the run, side by side.

    On a phone, where they are one below the other, a run that is watched comes first, with a link to what is below.
    """
    run = chosen()
    first = run is not None and (run.state in LIVE or st.query_params.get(run_words.WATCHED) == run.path.name)
    if run is not None:
        words = "[:material/tune: Settings](#what-to-train)" if first else "[:material/show_chart: The run](#the-run)"
        with st.container(key="phone-jump"):
            st.markdown(f"{words} are below." if first else f"{words} is below.")
    with st.container(key="run-first" if first else "settings-first"):
        left, right = st.columns([2, 3], gap="large")
    return left, right


def watched() -> None:
    """Draw the run that is ``chosen``; say what to do where none is."""
    run_manage.undo()
    run = chosen()
    asked = st.query_params.get(run_words.WATCHED, "")
    if asked and "/" not in asked and (run is None or run.path.name != asked):
        st.info(run_words.missing(asked), icon=":material/delete:")
    if run is None:
        _nothing(others=len(runs()))
        return
    with st.container(key="phone-anchor"):
        st.html('<div id="the-run"></div>')
    live = run.state in LIVE
    st.fragment(_view, run_every=1.0 if live else None)(str(run.path), was_live=live)
    run_manage.panel(run)


def _nothing(others: int) -> None:
    box = blocks.empty(
        "No run yet",
        "Here you will see the loss and the F1 of head, medium and tail classes, epoch by epoch. "
        "**Start training** with the settings as they are: it takes one to three minutes on two processor cores.",
        ":material/model_training:",
    )
    box.caption("Training goes on in a process of its own: the tab may be closed.", text_alignment="center")
    if others:
        said = "The run below is" if others == 1 else f"The {others} runs below are"
        box.caption(f"{said} of other people: click a row to look at it.", text_alignment="center")


def _view(path: str, *, was_live: bool) -> None:
    run = Run(Path(path))
    if not run.path.exists():  # deleted elsewhere: the whole page says so
        st.rerun()
    with blocks.guarded("This run cannot be read."):
        state = run.state
        if was_live and state not in LIVE:
            st.session_state.pop(STOPPING, None)
            st.rerun()
        _title(run, state)
        if state in LIVE:
            _progress(run, state)
        else:
            run_ends.outcome(run, state)
        _notes(run)
        run_curves.curves(run, live=state in LIVE)


def _title(run: Run, state: str) -> None:
    icon, colour = ICONS[state]
    config, meta = run.config, run.meta
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        star = ":material/star: " if meta.favourite else ""
        st.markdown(f"#### {star}{run_words.plain(run.name)}", width="content")
        st.badge(state, icon=f":material/{icon}:", color=colour)
        if not train_owner.followed(run):
            st.badge(
                f"of {run_words.plain(meta.owner)}", icon=":material/person:", color="violet", help="Not your run."
            )
        for tag in meta.tags:
            st.badge(run_words.plain(tag), color="gray")
    facts = [
        run_words.loss_title(config.loss),
        config.model,
        run_words.data_of(run),
        f"{config.epochs} epochs",
        f"seed {config.seed}",
    ]
    facts += [f"{config.sampler} sampler"] if config.sampler != "plain" else []
    facts += [f"method {config.method}"] if config.method else []
    facts += [f"stages {config.stages}"] if config.stages != "one" else []
    facts += [f"like {run_words.plain(meta.parent)}"] if meta.parent else []
    st.caption(" · ".join(facts) + (f"  \n{run_words.plain(meta.note)}" if meta.note else ""))


def _progress(run: Run, state: str) -> None:
    left, right = st.columns([4, 1], vertical_alignment="center")
    fraction, words = _stage(run, state)
    left.progress(min(1.0, max(0.0, fraction)), text=words)
    stopping = _stopping(run)
    with right:
        if state == "queued":
            if run_words.asked("Cancel", run, key="train-cancel", icon=":material/close:", own=train_owner.mine(run)):
                cancel(run)
                st.rerun()
        elif stopping:
            st.button("Stopping", icon=":material/stop:", key="train-stopping", disabled=True)
        elif run_words.asked("Stop", run, key="train-stop", icon=":material/stop:", own=train_owner.mine(run)):
            st.session_state[STOPPING] = run.path.name
            run.request_stop()
            st.rerun(scope="fragment")


def _stopping(run: Run) -> bool:
    """Return whether the run was asked to stop; asked again where it was only just beginning and has not heard it."""
    there = (run.path / "stop").exists()
    if not there and st.session_state.get(STOPPING) == run.path.name:
        run.request_stop()
        return True
    return there


def _stage(run: Run, state: str) -> tuple[float, str]:
    """Return how far a run is, and what it is doing."""
    if state == "queued":
        place = next((w for w in positions(run.path.parent) if w.run.path.name == run.path.name), None)
        if place is None:
            return 0.0, "Is being started"
        by = slot_words.holders(place.device)
        return 0.0, f"Waits for its turn: place {place.place} on {place.device}" + (f". Now there: {by}" if by else "")
    try:
        images = read_json(run.path / "preparing.json")
        done, of = int(images["done"]), max(1, int(images["of"]))
        return done / of, f"Decoding the images, once for this data set: {done:,} of {of:,}"
    except (Problem, KeyError, TypeError, ValueError):
        progress = run.progress()
        return progress.fraction, in_words(progress)


def in_words(progress: Progress) -> str:
    """Return how far training is and how long it goes on, in words."""
    seconds = progress.seconds_left
    if progress.fraction == 0 and seconds is None:
        return "Getting the images and the network"
    if progress.fraction >= 1:
        return "Reading the test part, once"
    if seconds is None:
        left = ""
    elif seconds < 90:
        left = f", about {max(1, round(seconds))} s left"
    else:
        left = f", about {seconds / 60:.0f} min left" if seconds < 5400 else f", about {seconds / 3600:.1f} h left"
    return f"Epoch {min(progress.epoch + 1, progress.epochs)} of {progress.epochs}{left}"


def _notes(run: Run) -> None:
    """Draw what the run has said beside its numbers: what was fallen back on, and what was changed."""
    seen = run.events()
    said = [entry["note"] for entry in seen if entry["event"] == "started" and entry.get("note")]
    said += [entry["text"] for entry in seen if entry["event"] == "note" and entry.get("text")]
    for text in dict.fromkeys(said):
        st.caption(f":material/info: {run_words.plain(f'{text[:1].upper()}{text[1:]}')}.")
