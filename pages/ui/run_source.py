"""Where the runs that can be looked at come from: single runs, or one comparison or search and its trials."""

from __future__ import annotations

import streamlit as st

from lt_core.sweeps import Sweep, sweeps
from lt_core.sweeps.board import DAMAGED
from lt_core.sweeps.openable import has_openable, trial_runs
from lt_core.training import Run, runs
from pages.ui import compare_words as say
from pages.ui import quick_run, run_picker, run_words

SOURCE = "runs-of"
SINGLE = ""
FILE = "file:"
RUN, OTHERS = "run", "versus"
"""Keys of the first run and of those beside it, in the session and in the link; the others are joined by commas."""


def choosable() -> list[Run]:
    """Draw the choice of a source, where there is one, and return the runs with results that can be chosen.

    Of a sweep those first that count, its tuning runs last; single runs can stand beside them, and whatever the link
    names is there too. A link is followed before anything is drawn.
    """
    _follow_link()
    single = [run for run in runs() if _has_results(run)]
    made = {sweep.path.name: sweep for sweep in sweeps() if has_openable(sweep)}
    first: list[Run] = []
    last: list[Run] = []
    if made and (chosen := _source(made, len(single))) != SINGLE:
        first, last = _of_sweep(made[chosen])
    listed = [*first, *single, *last]
    listed += _linked(made, {run.key for run in listed})
    _say_what_is_missing({run.key for run in listed})
    return listed


def with_results(wanted: str) -> list[Run]:
    """Return what ``choosable`` does; where there is nothing, offer to make a run and stop the page."""
    found = choosable()
    if not found:
        quick_run.offer(wanted)
    return found


def _has_results(run: Run) -> bool:
    return bool(run_picker.parts_of(run)) and (run.path / "dataset.json").is_file()


def _follow_link() -> None:
    """Take over the runs of a link that differ from what was chosen last on these pages."""
    linked = st.query_params.get(RUN)
    if not linked or linked == st.session_state.get(RUN):
        return
    _forget()
    st.session_state.pop(SOURCE, None)
    st.session_state[RUN] = linked
    st.session_state[OTHERS] = [name for name in st.query_params.get(OTHERS, "").split(",") if name]


def _say_what_is_missing(listed: set[str]) -> None:
    """Say it once where the run that was looked at, or that a link names, cannot be: another is shown then."""
    wanted = str(st.session_state.get(RUN) or "")
    if wanted and not wanted.startswith(FILE) and wanted not in listed:
        st.info(run_words.missing(wanted), icon=":material/delete:")


def _forget() -> None:
    for key in (RUN, OTHERS):
        st.session_state.pop(key, None)
        st.session_state.pop(f"{key}-widget", None)


def _source(made: dict[str, Sweep], single: int) -> str:
    """Draw the choice and return the folder of a sweep, or ``SINGLE``."""
    options = [*([SINGLE] if single else []), *made]
    chosen = st.session_state.get(SOURCE)
    if chosen not in options:
        sweep = str(st.session_state.get(RUN) or "").rpartition("/")[0]
        chosen = sweep if sweep in options else options[0]
    st.session_state[SOURCE] = chosen  # always: on another page the same key is another widget, at its default
    said = {name: say.name_of(sweep) for name, sweep in made.items()}
    said[SINGLE] = f"Single runs ({single})"
    return str(
        st.selectbox(
            "Runs of", options, format_func=said.__getitem__, key=SOURCE, on_change=_changed,
            help="Every run of a comparison or a search can be looked at like one made by itself: choose the sweep "
            "here and its runs below. Those that count come first, the ones that only chose a learning rate last.",
        )
    )  # fmt: skip


def _changed() -> None:
    """Begin anew with the first run of another source."""
    _forget()
    for key in (RUN, OTHERS):
        st.query_params.pop(key, None)


def _of_sweep(sweep: Sweep) -> tuple[list[Run], list[Run]]:
    """Return the runs of a sweep that count, and those that only chose a rate."""
    try:
        found = [entry for entry in trial_runs(sweep) if _has_results(entry.run)]
    except DAMAGED:
        st.warning(f"The plan or the results of {sweep.path.name} cannot be read.", icon=":material/warning:")
        return [], []
    return [entry.run for entry in found if not entry.tuning], [entry.run for entry in found if entry.tuning]


def _linked(made: dict[str, Sweep], listed: set[str]) -> list[Run]:
    """Return the runs that the link names of a sweep that is not chosen."""
    others = st.session_state.get(f"{OTHERS}-widget") or st.session_state.get(OTHERS) or []
    found = []
    for name in dict.fromkeys([str(st.session_state.get(RUN) or ""), *others]):
        sweep, _, trial = name.partition("/")
        if name not in listed and sweep in made:
            found += [run for run in made[sweep].runs() if run.path.name == trial and _has_results(run)]
    return found
