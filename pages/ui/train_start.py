"""Start a run now or put it into the queue; who waits, where, and how to take it out again."""

from __future__ import annotations

import streamlit as st

from lt_core.problems import Problem
from lt_core.training import RunConfig, start_worker
from lt_core.training.reproduce import as_command, as_python
from lt_core.training.workers.queue import Waiting, cancel, enqueue, positions, slots
from pages.ui import blocks, run_words, train_owner, train_state
from pages.ui.wording import on_page


def refusal(config: RunConfig) -> str:
    """Return in one sentence why these settings do not go together; nothing where they do.

    The check loads timm, which takes seconds the first time: it is made where something could be refused at all.
    """
    from lt_core.models import card_of

    asked = config.mixup or config.label_smoothing or config.stages != "one" or config.method
    if not asked and card_of(config.model) is not None:
        return ""
    from lt_core.training.checking import check_settings

    try:
        check_settings(config)
    except Problem as problem:
        return on_page(problem)
    return ""


def buttons(config: RunConfig | None, why: str, kind: str) -> None:
    """Draw the buttons that begin a run of ``config``; ``why`` is the sentence for which they cannot."""
    if why:
        st.error(f"**These settings do not go together.** {why}", icon=":material/error:")
    off = config is None or bool(why)
    with st.container(horizontal=True):
        if st.button(
            "Start training", type="primary", icon=":material/play_arrow:", key="train-start", disabled=off,
            help="At once, in a process of its own, beside whatever else is running.",
        ) and config:  # fmt: skip
            _begin(config, queued=False)
        if st.button(
            "Queue", icon=":material/low_priority:", key="train-queue", disabled=off,
            help="It begins when a slot of its device is free, in the order of the queue.",
        ) and config:  # fmt: skip
            _begin(config, queued=True)
        st.button(
            "Defaults",
            icon=":material/restart_alt:",
            key="train-defaults",
            on_click=train_state.forget,
            args=(kind,),
            help="Put every setting back. The default run on the chest phantom takes 1 to 3 minutes on two cores.",
        )


def _begin(config: RunConfig, *, queued: bool) -> None:
    owner, parent = train_owner.me(), st.session_state.get(train_state.PARENT)
    with blocks.guarded("The run could not be started."):
        run = (enqueue if queued else start_worker)(config, owner=owner, parent=parent)
        run_words.watch(run)
        st.rerun()


def as_text(config: RunConfig) -> None:
    """Draw these settings as a command and as Python, ready to be copied."""
    with st.expander("Copy as command or Python", icon=":material/terminal:", key="train-as-text"):
        code(config)


def code(config: RunConfig) -> None:
    """Draw the command and the script that train this config again."""
    st.code(as_command(config), language="bash", wrap_lines=True)
    st.code(as_python(config), language="python", wrap_lines=True)


def queue() -> None:
    """Draw the runs that wait, with their places, where there are any."""
    with blocks.guarded("The queue cannot be read."):
        waiting = positions()
        if not waiting:
            return
        st.markdown("#### In the queue", help=_limits())
        for entry in waiting:
            _waiting(entry)


def _limits() -> str:
    each = ", ".join(f"{count} on {device}" for device, count in slots().items())
    return f"Runs at a time: {each}. Whoever runs the server sets LONGTAIL_LAB_SLOTS, such as cpu=2,cuda=1."


def _waiting(entry: Waiting) -> None:
    run, own = entry.run, train_owner.mine(entry.run)
    whose = "" if train_owner.followed(run) else f" · of {run_words.plain(run.meta.owner)}"
    text, button = st.columns([3, 1], vertical_alignment="center")
    text.markdown(f"**{entry.place}.** {run_words.plain(run.name)} :gray[· {run.config.loss} · {entry.device}{whose}]")
    with button:
        if run_words.asked("Cancel", run, key=f"queue-cancel-{run.path.name}", icon=":material/close:", own=own):
            cancel(run)
            st.rerun()
