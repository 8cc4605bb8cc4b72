"""The explorer of the Losses page: choose losses, move their knobs, see value and gradient at once."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from lt_core.datasets import ClassCounts, LabeledImages
from lt_core.problems import Problem
from lt_core.stats import ClassPrior, prior_of
from pages.ui import blocks, loss_classes, loss_closer, loss_figure, state
from pages.ui.explorer import component
from pages.ui.loss_names import short

if TYPE_CHECKING:
    from lt_core.losses import LossSpec
    from pages.ui.explorer.settings import Entry, Settings

CHOSEN = "losses"
SETTINGS = "explorer-settings"
AGAIN = "explorer-again"
KIND = "explorer-kind"
FIRST = {"multi": ["bce", "asl", "ral", "db"], "single": ["ce", "ldam", "lmf"]}
"""What is shown on a first visit, for each kind of data set."""


def registered() -> dict[str, LossSpec]:
    """Return every loss by key; the first call of a server imports PyTorch, and says so."""
    if "lt_core.losses.registry" in sys.modules:
        from lt_core.losses import all_losses
    else:
        with st.spinner("Loading PyTorch. About five seconds, once after the app has started …", show_time=True):
            from lt_core.losses import all_losses
    return {spec.key: spec for spec in all_losses()}


def choose(data: LabeledImages | ClassCounts) -> list[LossSpec]:
    """Draw the choice of losses and return those chosen; stop the page where none is."""
    from pages.ui.explorer.settings import MOST

    known = registered()
    _first_choice(list(known), data.kind)
    loss_closer.first_view()
    keys = st.multiselect(
        "Losses",
        list(known),
        key=CHOSEN,
        persist_state="session",
        max_selections=MOST,
        format_func=lambda key: known[key].title,
        placeholder="Choose one or several losses",
        help="Up to six in one figure. Sigmoid losses answer each class apart, softmax losses pick one class.",
    )
    if not keys:
        box = blocks.empty("No loss chosen", "Choose one above, or several to see them in one chart.")
        box.button("Show the usual ones", on_click=show, args=(FIRST[data.kind],), type="primary")
        st.stop()
    return [known[key] for key in keys if key in known]


def _first_choice(known: list[str], kind: str) -> None:
    """Start with the losses of the link, else with those that fit the data set, also after it has changed."""
    now = st.session_state.get(CHOSEN)
    if now is None:
        asked = [key.partition("@")[0] for key in st.query_params.get(CHOSEN, "").split(",") if key]
        unknown = [key for key in asked if key not in known]
        if unknown:
            st.toast(f"The link names losses that are not here: {', '.join(unknown)}.")
        st.session_state[CHOSEN] = list(dict.fromkeys(key for key in asked if key in known))[:6] or FIRST[kind]
    elif st.session_state.get(KIND, kind) != kind and now == FIRST["single" if kind == "multi" else "multi"]:
        st.session_state[CHOSEN] = FIRST[kind]
    st.session_state[KIND] = kind


def show(keys: Sequence[str]) -> None:
    """Make ``keys`` the losses of the figure; for callbacks."""
    st.session_state[CHOSEN] = list(keys)


def draw(wanted: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Put these losses, each with these values, into the figure; for callbacks of the views under it."""
    settings = _settings(registered())
    show(settings.replace(wanted))
    st.session_state[AGAIN] = True


def _settings(known: dict[str, LossSpec]) -> Settings:
    """Return this session's settings; those of the link at first."""
    from pages.ui.explorer.settings import from_query

    if SETTINGS not in st.session_state:
        st.session_state[SETTINGS], wrong = from_query(st.query_params.to_dict(), known)
        for sentence in wrong:
            st.toast(f"The link asks for what is not allowed: {sentence}.")
    settings: Settings = st.session_state[SETTINGS]
    return settings


WIDE = """
<style>
@media (min-width: 1600px) {
  [data-testid="stMainBlockContainer"]:has(.st-key-explorer) { max-width: 1560px; }
}
</style>
"""


@st.fragment
def explore(keys: Sequence[str], data: LabeledImages | ClassCounts) -> None:
    """Draw the figure with its knobs; only this part runs again when a knob is released."""
    st.html(WIDE)
    known = registered()
    specs = [known[key] for key in keys]
    settings = _settings(known)
    if st.session_state.pop(AGAIN, False):  # the choice of losses stands outside this part of the page
        st.rerun()
    prior = prior_of(data)
    _take(settings, known, prior)
    for name in settings.keep_counts(state.source().name, prior.class_names, prior.n_samples):
        st.toast(f"The link counts images of {name!r}, which is no class of this data set.")
    shown = _first_six(settings.entries(specs))
    drawn, present = loss_classes.choose(shown, data)
    with blocks.guarded("These losses cannot be drawn."):
        from pages.ui.explorer.payload import payload

        moved = _with_counts(prior, settings.counts)
        component.mount(payload(shown, settings, moved, prior, drawn, present))
        loss_figure.downloads(shown, settings, moved, drawn, present)
    _share(settings, shown, data.kind)
    _notes(specs, data)
    loss_closer.views(shown, data, draw)


def _first_six(wanted: list[Entry]) -> list[Entry]:
    """Return what there is room for, and say what is left out."""
    from pages.ui.explorer.payload import named
    from pages.ui.explorer.settings import MOST

    if left := wanted[MOST:]:
        names = ", ".join(named(entry) for entry in left)
        st.info(f"Six curves are the most in one figure. Not drawn: {names}. Take another one out to make room.")
    return wanted[:MOST]


def _take(settings: Settings, known: dict[str, LossSpec], prior: ClassPrior) -> None:
    """Take over what the browser told last, once; what is not allowed is said and left as it was."""
    told = component.told()
    if told and int(told.get("version", 0)) > settings.version:
        try:
            settings.take(told, known, prior.n_samples)
        except (Problem, KeyError, TypeError, ValueError) as problem:
            settings.version = int(told["version"])
            st.toast(f"A setting could not be taken over: {problem}")


def _with_counts(prior: ClassPrior, counts: Mapping[str, int]) -> ClassPrior:
    """Return the prior with the counts somebody dragged in place of the data's."""
    positives = [counts.get(name, int(n)) for name, n in zip(prior.class_names, prior.positives, strict=True)]
    return ClassPrior(positives, prior.n_samples, prior.propensities, prior.class_names)


def _share(settings: Settings, shown: Sequence[Entry], kind: str) -> None:
    """Write the figure into the URL, and take out of it what is no longer so."""
    from pages.ui.explorer.settings import VIEW, to_query

    wanted = to_query(settings, shown)
    names = [entry.id for entry in shown]
    if names != FIRST[kind]:
        wanted[CHOSEN] = ",".join(names)
    ours = {CHOSEN, "even", *VIEW}
    for name in list(st.query_params):
        if (name in ours or "." in name) and name not in wanted:
            del st.query_params[name]
    for name, value in wanted.items():
        if st.query_params.get(name) != value:
            st.query_params[name] = value


def _notes(specs: list[LossSpec], data: LabeledImages | ClassCounts) -> None:
    """Say what the curves leave out: the reduction, the classes without example, the labels beside the cell."""
    said: dict[str, list[str]] = {}
    for spec in specs:
        said.setdefault(spec.reduction_text, []).append(short(spec))
    joined = "; ".join(f"{', '.join(names)}: {text}" for text, names in said.items())
    notes = [f"Drawn before any reduction. In training the authors reduce by: {joined}."]
    prior = prior_of(data)
    if any(spec.labels == "single" for spec in specs):
        notes.append("Softmax: all other logits are 0; y = 0 means that another class is right.")
    if prior.unseen and any(spec.needs_prior for spec in specs):
        names = ", ".join(data.class_names[c] for c in prior.unseen)
        notes.append(f"Without a training example, counted as 1: {names}.")
    st.caption(" ".join(notes))
