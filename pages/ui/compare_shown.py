"""One comparison or search: how far it is, what can be done with it, and what came of it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from lt_core.problems import Problem
from lt_core.sweeps import Sweep, sweeps
from lt_core.sweeps.launch import condition, error_of, start_sweep
from lt_core.sweeps.manage import called, delete_sweep
from lt_core.training import Run
from lt_core.training.folder import manage
from pages.ui import blocks, compare_base, compare_found, compare_progress, compare_results, compare_views, run_words
from pages.ui import compare_words as say
from pages.ui.compare_words import readable

DELETED = "compare-deleted"
STOPPING = "compare-stopping"


def panel() -> None:
    """Draw the sweep in the URL, else one's own that is going on, else the newest; say what to do where none is."""
    _undo()
    found = sweeps()
    if not found:
        box = blocks.empty(
            "Nothing compared yet",
            "Here you will see which losses help the tail, with intervals over seeds, and which do not.",
            ":material/compare_arrows:",
        )
        box.button("New comparison", icon=":material/add:", key="compare-first", type="primary",
                   on_click=partial(st.session_state.__setitem__, compare_views.VIEW, "new"))  # fmt: skip
        return
    sweep = _pick(found)
    with readable("This one cannot be read. Delete it, or mend its folder."):
        _ = sweep.plan, sweep.done()
        state = condition(sweep)
        _title(sweep, state)
        _buttons(sweep, state)
        _meaning(sweep, state)
        compare_progress.panel(sweep, state)
        (compare_found if say.is_search(sweep.plan) else compare_results).panel(sweep)
        return
    _delete(sweep)


def _pick(found: list[Sweep]) -> Sweep:
    """Draw the choice of a sweep, kept in the link, where there are several."""
    named = {sweep.path.name: sweep for sweep in found}
    wanted = st.session_state.get(compare_views.SWEEP) or st.query_params.get(compare_views.SWEEP)
    if wanted not in named:
        own = [sweep for sweep in found if say.mine(sweep)] or found
        wanted = own[0].path.name
    if len(found) > 1:
        st.session_state["compare-pick"] = wanted
        st.selectbox(
            "Comparison or search",
            list(named),
            format_func=lambda name: say.name_of(named[name]),
            key="compare-pick",
            on_change=lambda: st.session_state.__setitem__(compare_views.SWEEP, st.session_state["compare-pick"]),
        )
    st.query_params[compare_views.SWEEP] = wanted
    return named[wanted]


def _title(sweep: Sweep, state: str) -> None:
    icon, colour = say.ICONS[state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"#### {run_words.plain(called(sweep))}", width="content")
        st.badge(state, icon=f":material/{icon}:", color=colour)
        if not say.mine(sweep) and say.owner_of(sweep):
            st.badge(f"of {say.owner_of(sweep)}", icon=":material/person:", color="violet", help="Not yours.")
    st.caption(say.facts(sweep.plan))


def _buttons(sweep: Sweep, state: str) -> None:
    """Draw what can be done with a sweep."""
    run, own = Run(sweep.path), say.mine(sweep)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="compare-do"):
        if state in say.LIVE:
            if st.session_state.get(STOPPING) == sweep.path.name or (sweep.path / "stop").exists():
                st.button("Stopping", icon=":material/stop:", key="compare-stopping-now", disabled=True)
            elif run_words.asked("Stop", run, key="compare-stop", icon=":material/stop:", own=own):
                st.session_state[STOPPING] = sweep.path.name
                sweep.request_stop()
                st.rerun()
        elif state != "finished" and run_words.asked(
            "Go on", run, key="compare-go-on", icon=":material/resume:", own=own
        ):
            _go_on(sweep)
        failed = [result for result in sweep.done() if result.state == "failed"]
        if failed and state not in say.LIVE and run_words.asked(
            "Make failed runs again", run, key="compare-retry", icon=":material/replay:", own=own
        ):  # fmt: skip
            _go_on(sweep, retry_failed=True)
        with st.popover("Copy as command", icon=":material/terminal:", type="tertiary"):
            compare_base.as_text(sweep.plan, 1)
        if state not in say.LIVE:
            _delete(sweep)


def _go_on(sweep: Sweep, *, retry_failed: bool = False) -> None:
    with blocks.guarded("It could not be started."):
        workers = int(st.session_state.get(f"{compare_base.PREFIX}workers", 1))
        start_sweep(sweep, workers=workers, retry_failed=retry_failed)
        st.rerun()


def _meaning(sweep: Sweep, state: str) -> None:
    """Draw what an early end means and what to do next, in a sentence."""
    done, total = len(sweep.done()), sweep.plan.total
    if state == "failed":
        text = error_of(sweep)
        st.error(
            f"**It gave up after {done} of {total} runs.** {text[:1].upper()}{text[1:]}. Mend that, then *Go on*.",
            icon=":material/error:",
        )
    elif state == "interrupted":
        st.warning(
            f"Its process ended without a word, after {done} of {total} runs: the machine was switched off, or ran out "
            "of memory. Nothing that was finished is lost; *Go on* begins with the run that was cut off.",
            icon=":material/power_off:",
        )
    elif state == "stopped":
        st.info(
            f"It was stopped after {done} of {total} runs. *Go on* makes the others; what was begun goes on from its "
            "last checkpoint.",
            icon=":material/stop_circle:",
        )


def _delete(sweep: Sweep) -> None:
    if say.mine(sweep):
        st.button("Delete", icon=":material/delete:", key="compare-delete", type="tertiary", on_click=_gone,
                  args=(sweep,), help="With all its runs, into the trash; this can be undone.")  # fmt: skip
        return
    with st.popover("Delete", icon=":material/delete:", type="tertiary"):
        st.markdown(run_words.whose(Run(sweep.path), "one"))
        st.button("Delete it all the same", key="compare-delete", type="primary", on_click=_gone, args=(sweep,))


def _gone(sweep: Sweep) -> None:
    name = called(sweep)
    try:
        st.session_state[DELETED] = (delete_sweep(sweep), name)
    except Problem as problem:
        st.toast(str(problem), icon=":material/error:")
        return
    st.session_state.pop(compare_views.SWEEP, None)
    st.query_params.pop(compare_views.SWEEP, None)


def _undo() -> None:
    """Draw what was deleted last, and the button that takes it back."""
    name, title = st.session_state.get(DELETED, ("", ""))
    if not name:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="compare-deleted"):
        st.markdown(f":material/delete: **{run_words.plain(title)}** was deleted.", width="stretch")
        st.button("Undo", icon=":material/undo:", key="compare-undo", on_click=_back, args=(name,))
        st.button("", icon=":material/close:", key="compare-undo-close", type="tertiary", help="Hide this",
                  on_click=partial(st.session_state.pop, DELETED, None))  # fmt: skip


def _back(name: str) -> None:
    st.session_state.pop(DELETED, None)
    try:
        compare_views.show(manage.undo_delete(name).path.name)
    except Problem as problem:
        st.toast(str(problem), icon=":material/error:")
