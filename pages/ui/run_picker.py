"""Choose a run that has results, and say what it was made with."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from lt_core.evaluation import Predictions
from lt_core.training import Run
from lt_core.training.domains import reported_by
from pages.ui import state, theme

PARTS = {"test": "test part", "val": "validation part"}


def header(title: str, question: str) -> None:
    """Draw the page's title and the question it answers; what is loaded is said by the chosen run's own strip."""
    theme.ensure()
    st.title(title, anchor=False)
    st.markdown(f":gray[{question}]")
    state.share()


def parts_of(run: Run) -> list[str]:
    """Return the parts the run has predictions for, test first."""
    return [part for part in PARTS if (run.path / f"predictions-{part}.npz").is_file()]


def pick(label: str, found: list[Run], *, key: str) -> Run:
    """Draw the choice of one run, the newest first; it is kept from page to page and in the URL."""
    named = {run.key: run for run in found}
    widget = remembered(key, list(named))
    name = st.selectbox(label, list(named), format_func=labels(found).get, key=widget)
    remember(key, name)
    return named[name]


def pick_others(
    said: dict[str, str], first: str, *, key: str, most: int, note: str, label: str = "Others beside it"
) -> list[str]:
    """Draw the choice of what stands beside ``first``; kept from page to page and in the URL, joined by commas.

    ``said`` holds what each choice is called, ``first`` included; at most ``most`` are returned, in order of choice.
    """
    rest = [name for name in said if name != first]
    widget = f"{key}-widget"
    if widget in st.session_state:  # an empty choice is one too
        wanted = st.session_state[widget]
    else:
        wanted = st.session_state.get(key) or st.query_params.get(key, "").split(",")
    st.session_state[widget] = [name for name in wanted if name in rest][:most]
    chosen = st.multiselect(
        label,
        rest,
        format_func=said.get,
        key=widget,
        max_selections=most,
        placeholder="none" if rest else "there is nothing to put beside it",
        disabled=not rest,
        help=note,
    )
    remember(key, ",".join(chosen) or None)
    st.session_state[key] = chosen
    return list(chosen)


def remembered(key: str, names: list[str]) -> str:
    """Return the widget's key, set to what was chosen on another page or what the URL names, where that is there.

    Streamlit's own binding would write the label into the URL, which is not unique to a run and changes with it.
    """
    widget = f"{key}-widget"
    wanted = st.session_state.get(widget) or st.session_state.get(key) or st.query_params.get(key)
    if wanted in names:
        st.session_state[widget] = wanted
    else:
        st.session_state.pop(widget, None)
    return widget


def remember(key: str, name: str | None) -> None:
    """Keep what was chosen, for other pages and in the URL."""
    st.session_state[key] = name
    if name is None:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != name:
        st.query_params[key] = name


def labels(found: list[Run]) -> dict[str, str]:
    """Return a run in a few words by its key, no two the same; of a sweep, whose runs share the rest, by its name."""
    said: dict[str, str] = {}
    for run in found:
        rest = [] if "/" in run.key else [run.config.loss, run.config.model, run.dataset_card["title"]]
        words = " · ".join([run.name, *rest])
        said[run.key] = f"{words} · {run.key}" if words in said.values() else words
    return said


def strip(run: Run, *, key: str = "data-strip") -> None:
    """Draw one line: the run's data, that it is synthetic where it is, and which epoch is reported."""
    card = run.dataset_card
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=key):
        st.markdown(f":material/database: **{card['title']}**", width="content")
        if card["synthetic"]:
            st.badge(
                "synthetic, not for diagnosis",
                icon=":material/draw:",
                color="orange",
                help="Every image was drawn by a program. It shows how losses behave, not how lungs look.",
            )
        else:
            st.badge("not for diagnosis", color="gray", help="LongTail Lab is a research and teaching tool.")
        epoch = run.reported_epoch
        if epoch is not None:
            how = reported_by(run.config.select, run.config.metric)
            st.markdown(
                f":gray[epoch {epoch} of {run.config.epochs} ({how}), {card['n_train']:,} training images]",
                width="content",
            )
        if run.state != "finished":
            st.badge(run.state, color="gray", icon=":material/pause_circle:")


def predictions(run: Run, part: str) -> Predictions:
    """Return the run's predictions, read once while the file is the same."""
    path = run.path / f"predictions-{part}.npz"
    return _predictions(str(path), path.stat().st_mtime)


@st.cache_resource(max_entries=8, show_spinner=False)
def _predictions(path: str, changed: float) -> Predictions:  # noqa: ARG001 - part of the key
    return Predictions.load(Path(path))
