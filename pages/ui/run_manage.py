"""What people do with a run: name, tag, note, star, copy, export, delete, and take the deletion back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from lt_core.problems import Problem
from lt_core.training import Run, runs
from lt_core.training.folder import manage
from lt_core.training.reproduce import as_computed
from pages.ui import blocks, run_export, run_words, train_owner, train_start

DELETED = "train-deleted"
"""Session key: the name in the trash and what it is called, of the run that was deleted last."""


def panel(run: Run) -> None:
    """Draw what can be done with ``run`` besides training it."""
    with blocks.guarded("This run cannot be managed."), st.container(horizontal=True, gap="small", key="run-manage"):
        on = run.meta.favourite
        st.button(
            "Favourite",
            icon=":material/star:" if on else ":material/star_outline:",
            key="run-favourite",
            type="tertiary",
            help="Takes the star away." if on else "Marks this run with a star.",
            on_click=partial(_do, manage.favourite, run, not on),
        )
        with st.popover("Name, tags, note", icon=":material/edit_note:", type="tertiary"):
            _words(run)
        with st.popover("Export", icon=":material/download:", type="tertiary"):
            run_export.offers(run)
        with st.popover("Copy as command or Python", icon=":material/terminal:", type="tertiary"):
            train_start.code(as_computed(run))
        _delete(run)


def _words(run: Run) -> None:
    """Draw the name, the tags and the note of a run; each is kept as soon as it is changed."""
    meta, folder = run.meta, run.path.name
    name, tags, note = (f"run-{what}-{folder}" for what in ("name", "tags", "note"))
    st.text_input("Name", run.name, max_chars=200, key=name, on_change=partial(_keep, manage.rename, run, name))
    known = dict.fromkeys([*meta.tags, *(tag for other in runs()[:60] for tag in other.meta.tags)])
    st.multiselect(
        "Tags",
        list(known),
        default=list(meta.tags),
        key=tags,
        accept_new_options=True,
        placeholder="Choose one or type a new one",
        on_change=partial(_tags, run, tags),
    )
    st.text_area("Note", meta.note, key=note, height=120, on_change=partial(_keep, manage.note, run, note))
    st.caption(f"Kept in the run's folder, {folder}; nothing that was trained changes.")


def _keep(change: Callable[[Run, str], object], run: Run, key: str) -> None:
    _do(change, run, str(st.session_state[key] or ""))


def _tags(run: Run, key: str) -> None:
    wanted = [str(tag) for tag in st.session_state[key]]
    _do(manage.tag, run, wanted, [tag for tag in run.meta.tags if tag not in wanted])


def _do(change: Callable[..., object], *given: object) -> None:
    """Do something in a callback; what goes wrong is said."""
    try:
        change(*given)
    except Problem as problem:
        st.toast(str(problem), icon=":material/error:")


def _delete(run: Run) -> None:
    live = run.state == "running"
    if train_owner.mine(run):
        st.button(
            "Delete", icon=":material/delete:", key="run-delete", type="tertiary", disabled=live,
            help="Stop it first." if live else "Into the trash; this can be undone.", on_click=_gone, args=(run,),
        )  # fmt: skip
        return
    with st.popover("Delete", icon=":material/delete:", type="tertiary", disabled=live):
        st.markdown(run_words.whose(run))
        st.button("Delete it all the same", key="run-delete", type="primary", on_click=_gone, args=(run,))


def _gone(run: Run) -> None:
    called = run.name
    try:
        st.session_state[DELETED] = (manage.delete(run), called)
    except Problem as problem:
        st.toast(str(problem), icon=":material/error:")
        return
    st.query_params.pop(run_words.WATCHED, None)


def undo() -> None:
    """Draw what was deleted last, and the button that takes it back."""
    name, called = st.session_state.get(DELETED, ("", ""))
    if not name:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="run-deleted"):
        st.markdown(f":material/delete: **{run_words.plain(called)}** was deleted.", width="stretch")
        st.button("Undo", icon=":material/undo:", key="run-undo", on_click=back, args=(name,))
        st.button("", icon=":material/close:", key="run-undo-close", type="tertiary", help="Hide this", on_click=_hide)


def _hide() -> None:
    st.session_state.pop(DELETED, None)


def back(name: str) -> None:
    """Take a run out of the trash and show it; for use as a callback."""
    _hide()
    try:
        run_words.watch(manage.undo_delete(name))
    except Problem as problem:
        st.toast(str(problem), icon=":material/error:")
