"""Never a dead end: one click makes a short run on the chest phantom and shows it coming."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from lt_core.training import Progress, Run, quick_config, runs, start_worker
from pages.ui import blocks, run_words, train_owner

STARTED = "quick-run"
LIVE = ("queued", "running")


def offer(wanted: str, *, beside: Callable[[], None] | None = None) -> None:
    """Draw what to do where no run can be shown yet: start one, or watch the one under way; then stop the page.

    ``wanted`` finishes the sentence "Here you will see ...", ``beside`` draws another way to get there.
    """
    failed = _last_failure()
    if failed:
        st.error(f"**The run did not finish.** {failed}", icon=":material/error:")
    run = _under_way()
    if run is None:
        _invitation(wanted, also=beside is not None)
    else:
        _watch(str(run.path), wanted)
    if beside is not None:
        beside()
    st.stop()


def _invitation(wanted: str, *, also: bool) -> None:
    box = blocks.empty(
        "No run yet",
        f"Here you will see: {wanted}. That takes a trained network: make a small one now, in about half a minute, "
        "on the built-in chest phantom (synthetic images, nothing is downloaded)."
        + " Or open the predictions of any model from a file, below."
        * also,
        ":material/rocket_launch:",
    )
    with box.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center"):
        if st.button("Make a 30-second run", type="primary", icon=":material/play_arrow:", key="quick-start"):
            with blocks.guarded("The run could not be started."):
                st.session_state[STARTED] = str(start_worker(quick_config(), owner=train_owner.me()).path)
                st.rerun()
        st.page_link("pages/train.py", label="Choose the settings myself", icon=":material/tune:")


@st.fragment(run_every=1.0)
def _watch(path: str, wanted: str) -> None:
    """Draw the progress of a run; when it has ended, draw the whole page anew."""
    run = _opened(path)
    if run is None or run.state not in LIVE:
        st.rerun()
        return
    progress = run.progress()
    box = blocks.empty("Training …", f"Then you will see here: {wanted}.", ":material/model_training:")
    box.progress(min(1.0, max(0.0, progress.fraction)), text=_stage(progress))
    box.caption("It runs in a process of its own: you may leave this page or close the tab.", text_alignment="center")
    with box.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center"):
        own, said = train_owner.mine(run), "What it has learned so far is kept."
        if run_words.asked("Stop", run, key="quick-stop", icon=":material/stop_circle:", own=own, said=said):
            run.request_stop()
        st.page_link("pages/train.py", label="Watch it learn on the Train page", icon=":material/show_chart:")


def _stage(progress: Progress) -> str:
    """Return what the run is doing, in words."""
    if progress.fraction == 0:
        return "getting the images and the network"
    if progress.fraction >= 1:
        return "measuring it on the test part"
    left = "" if progress.seconds_left is None else f", about {max(1, round(progress.seconds_left))} s left"
    return f"epoch {min(progress.epoch + 1, progress.epochs)} of {progress.epochs}{left}"


def _under_way() -> Run | None:
    """Return the run started here, or another of this visitor or of nobody, that is still being trained."""
    mine = _opened(st.session_state.get(STARTED, ""))
    if mine is not None and mine.state in LIVE:
        return mine
    return next((run for run in runs() if run.state in LIVE and train_owner.followed(run)), None)


def _last_failure() -> str:
    """Return why the run started here failed, once."""
    mine = _opened(st.session_state.get(STARTED, ""))
    if mine is None or mine.state in LIVE or mine.state == "finished":
        return ""
    del st.session_state[STARTED]
    return mine.error or f"It was {mine.state}."


def _opened(path: str) -> Run | None:
    folder = Path(path)
    return Run(folder) if path and (folder / "config.json").is_file() else None
