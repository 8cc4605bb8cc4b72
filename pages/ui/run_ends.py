"""How a run ended, what that means, and what can be done next."""

from __future__ import annotations

import streamlit as st

from lt_core.training import Run
from lt_core.training.domains import reported_by
from lt_core.training.folder.resume import resume_reason, resumes_at
from lt_core.training.workers.launch import start_worker_in
from lt_core.training.workers.queue import enqueue_again
from pages.ui import blocks, run_words, train_owner, train_state


def outcome(run: Run, state: str) -> None:
    """Draw what the end of a run means, and the ways on: results, resume, take its settings."""
    reported = run.reported_epoch
    _meaning(run, state, reported)
    with st.container(horizontal=True, vertical_alignment="center", key="train-outcome"):
        if reported is not None:
            _results(run, reported)
        if resume_reason(run) is None:
            _resume(run, first=state in ("stopped", "interrupted"))
        st.button(
            "Take these settings",
            icon=":material/content_copy:",
            key="train-take",
            type="primary" if state == "failed" else "secondary",
            on_click=train_state.take,
            args=(run.config, run.path.name),
            help="A clone: puts the settings of this run into the form, to change one and train again.",
        )


def _meaning(run: Run, state: str, reported: int | None) -> None:
    if state == "failed":
        st.error(f"**The run failed.** {_sentence(run.error)}", icon=":material/error:")
    elif state == "interrupted":
        st.warning(
            "Its process ended without a word: the machine was switched off, or ran out of memory. "
            f"Nothing that was finished is lost; it goes on {resumes_at(run)}.",
            icon=":material/power_off:",
        )
    elif state == "stopped" and reported is None:
        st.info(
            f"It was stopped before its first epoch ended, so there is no result. It goes on {resumes_at(run)}."
            if run.events()
            else "It was taken out of the queue and has not begun."
        )


def _sentence(error: str | None) -> str:
    text = (error or "It does not say why.").strip()
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")


def _results(run: Run, reported: int) -> None:
    query = {"run": run.path.name}
    st.page_link("pages/results.py", label="Results", icon=":material/fact_check:", query_params=query)
    st.page_link("pages/gradcam.py", label="Grad-CAM", icon=":material/center_focus_strong:", query_params=query)
    last = next((entry for entry in reversed(run.events()) if entry["event"] in ("finished", "stopped")), {})
    if last.get("imported"):
        st.markdown(":gray[weights brought in from a file]", width="content")
        return
    how = reported_by(run.config.select, run.config.metric)
    early = f"; stopped early after epoch {last['epoch']}" if last.get("early") else ""
    st.markdown(f":gray[reported is epoch {reported}: {how}{early}]", width="content")


def _resume(run: Run, *, first: bool) -> None:
    """Draw the buttons that go on with a run, at once or when its device is free."""
    own, kind = train_owner.mine(run), "primary" if first else "secondary"
    box = st.container(horizontal=True, width="content", gap="small")
    if not own:
        box = st.popover("Resume", icon=":material/resume:")
        box.markdown(run_words.whose(run))
    if box.button("Resume", icon=":material/resume:", key="train-again", type=kind, help=f"Goes on {resumes_at(run)}."):
        with blocks.guarded("The run could not be resumed."):
            start_worker_in(run.path)
            st.rerun(scope="app")
    if box.button("Queue it", key="train-again-queued", type="tertiary", help="Goes on when its device is free."):
        with blocks.guarded("The run could not be queued."):
            enqueue_again(run)
            st.rerun(scope="app")
